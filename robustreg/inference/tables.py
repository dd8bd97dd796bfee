"""Tables of strings in LaTeX, HTML and Markdown, their numbers aligned at the decimal point."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from robustreg.inference.frames import pandas
from robustreg.inference.text import FIGURE_SPACE, POINT_SPACE, aligned

__all__ = ["Table", "Tabular"]

#: Stand for a missing digit and a missing point until a cell has been escaped.
DIGIT, POINT = "\0", "\1"

#: Characters that mean something in LaTeX or, in a number, are set as in a formula.
LATEX_SIGNS = {
    **{sign: rf"\{sign}" for sign in "&%$#_{}"},
    **{sign: f"${sign}$" for sign in "<>|"},
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "²": "$^2$",
}
HEADS, CELLS = str.maketrans(LATEX_SIGNS), str.maketrans({**LATEX_SIGNS, "-": "$-$"})


@dataclass(frozen=True)
class Table:
    """Rows of strings.

    Parameters
    ----------
    names : sequence of str
        Of the rows; need not be distinct.
    heads : sequence of str
        Of the columns after the names.
    columns : sequence of sequences of str
        The cells of each.
    rule : int, optional
        Number of the row above which LaTeX has a rule.
    """

    names: Sequence[str]
    heads: Sequence[str]
    columns: Sequence[Sequence[str]]
    rule: int | None = None

    def to_markdown(self) -> str:
        """A table with columns of one width, for GitHub and for reading as it is."""
        columns = [
            [head, "--:", *aligned(cells, FIGURE_SPACE, POINT_SPACE)]
            for head, cells in zip(self.heads, self.columns, strict=True)
        ]
        names = ["", "---", *(name.replace("|", r"\|") for name in self.names)]
        columns = [[cell.replace("|", r"\|") for cell in column] for column in columns]
        first, *others = (max(map(len, column)) for column in [names, *columns])
        lines = []
        for name, *cells in zip(names, *columns, strict=True):
            right = [cell.rjust(size) for cell, size in zip(cells, others, strict=True)]
            lines.append("| " + " | ".join([name.ljust(first), *right]) + " |")
        lines[1] = "| " + " | ".join(["-" * first, *("-" * (size - 1) + ":" for size in others)])
        lines[1] += " |"
        return "\n".join(lines)

    def to_html(self) -> str:
        """``<table>``, by pandas."""
        frame = self._frame("to_html").map(_in_html)
        frame.columns = [escape(head) for head in self.heads]
        frame.index = [escape(name) for name in self.names]
        return frame.to_html(border=0, justify="right", escape=False)

    def to_latex(self, caption: str | None, label: str | None) -> str:
        """``tabular`` with the rules of booktabs, by pandas; in a ``table`` with a caption."""
        frame = self._frame("to_latex").map(_in_latex)
        frame.columns = [head.translate(HEADS) for head in self.heads]
        frame.index = [name.translate(HEADS) for name in self.names]
        try:
            style = frame.style
        except (AttributeError, ImportError) as error:
            raise ImportError(
                "to_latex is written by pandas' Styler, which needs Jinja2: run "
                "`pip install robustreg[inference]`."
            ) from error
        text = style.to_latex(
            hrules=True, column_format="l" + "r" * len(self.heads), caption=caption, label=label
        )
        if self.rule is None:
            return str(text)
        lines = text.splitlines(keepends=True)
        rule = lines.index("\\midrule\n")
        lines.insert(rule + 1 + self.rule, lines[rule])
        return "".join(lines)

    def _frame(self, caller: str) -> Any:
        cells = [aligned(column, DIGIT, POINT) for column in self.columns]
        rows = list(zip(*cells, strict=True))
        return pandas(caller).DataFrame(rows, index=list(self.names), columns=list(self.heads))


class Tabular(ABC):
    """What can be written as a table."""

    @abstractmethod
    def _strings(self) -> Table:
        """The table."""

    def to_markdown(self) -> str:
        """The table as printed, in Markdown.

        Returns
        -------
        str
        """
        return self._strings().to_markdown()

    def to_html(self) -> str:
        """The table as printed, in HTML.

        Returns
        -------
        str
        """
        return self._strings().to_html()

    def to_latex(self, *, caption: str | None = None, label: str | None = None) -> str:
        r"""The table as printed, in LaTeX.

        Parameters
        ----------
        caption, label : str, default=None
            With a caption the ``tabular`` is in a ``table``. It needs ``\usepackage{booktabs}``.

        Returns
        -------
        str

        Raises
        ------
        ImportError
            If Jinja2 is not installed, with which pandas writes LaTeX.
        """
        return self._strings().to_latex(caption, label)


def _in_html(cell: str) -> str:
    """With spaces of the width of a digit and of a point, which neither pandas nor browsers cut."""
    return escape(cell).replace(DIGIT, "&#8199;").replace(POINT, "&#8200;")


def _in_latex(cell: str) -> str:
    """With what is as wide as the missing digits on the right; columns are set flush right."""
    cell = cell.lstrip(DIGIT)
    shown = cell.rstrip(DIGIT + POINT)
    missing = cell[len(shown) :].replace(POINT, ".").replace(DIGIT, "0")
    return shown.translate(CELLS) + (rf"\phantom{{{missing}}}" if missing and shown else "")
