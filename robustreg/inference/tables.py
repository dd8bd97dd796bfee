"""Write tables of strings in LaTeX, HTML and Markdown, aligned at the decimal point."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from robustreg.inference.frames import pandas
from robustreg.inference.text import FIGURE_SPACE, POINT_SPACE, aligned

__all__ = ["Table", "Tabular"]

#: Placeholders for a missing digit and a missing point, replaced after the cell has been escaped.
DIGIT, POINT = "\0", "\1"

#: Characters that have a meaning in LaTeX, or that a number shows as in a formula.
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
    """A table of strings that can be written in several formats.

    Parameters
    ----------
    names : sequence of str
        Names of the rows, not necessarily distinct.
    heads : sequence of str
        Headings of the columns after the names.
    columns : sequence of sequences of str
        The cells of each column.
    rule : int, optional
        Index of the row above which LaTeX draws a horizontal rule.
    """

    names: Sequence[str]
    heads: Sequence[str]
    columns: Sequence[Sequence[str]]
    rule: int | None = None

    def to_markdown(self) -> str:
        """Write the table in Markdown, with padded columns so that its source is readable too."""
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
        """Write a ``<table>`` with pandas."""
        frame = self._frame("to_html").map(_in_html)
        frame.columns = [escape(head) for head in self.heads]
        frame.index = [escape(name) for name in self.names]
        return frame.to_html(border=0, justify="right", escape=False)

    def to_latex(self, caption: str | None, label: str | None) -> str:
        """Write a ``tabular`` with booktabs rules, inside a ``table`` if there is a caption."""
        frame = self._frame("to_latex").map(_in_latex)
        frame.columns = [head.translate(HEADS) for head in self.heads]
        frame.index = [name.translate(HEADS) for name in self.names]
        try:
            style = frame.style
        except (AttributeError, ImportError) as error:
            raise ImportError(
                "to_latex uses pandas' Styler, which needs Jinja2: run "
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
    """Base class of results that can be exported as a table."""

    @abstractmethod
    def _strings(self) -> Table:
        """Return the table as strings."""

    def to_markdown(self) -> str:
        """Return the printed table in Markdown.

        Returns
        -------
        str
        """
        return self._strings().to_markdown()

    def to_html(self) -> str:
        """Return the printed table in HTML.

        Returns
        -------
        str
        """
        return self._strings().to_html()

    def to_latex(self, *, caption: str | None = None, label: str | None = None) -> str:
        r"""Return the printed table in LaTeX. The document needs ``\usepackage{booktabs}``.

        Parameters
        ----------
        caption, label : str, default=None
            Caption and label of the table. With either of them, the ``tabular`` is placed in a
            ``table`` environment.

        Returns
        -------
        str

        Raises
        ------
        ImportError
            If Jinja2 is not installed. pandas needs it to write LaTeX.
        """
        return self._strings().to_latex(caption, label)


def _in_html(cell: str) -> str:
    """Escape a cell and pad it with spaces that neither pandas nor browsers remove."""
    return escape(cell).replace(DIGIT, "&#8199;").replace(POINT, "&#8200;")


def _in_latex(cell: str) -> str:
    """Escape a cell and pad it on the right; the columns are aligned to the right."""
    cell = cell.lstrip(DIGIT)
    shown = cell.rstrip(DIGIT + POINT)
    missing = cell[len(shown) :].replace(POINT, ".").replace(DIGIT, "0")
    return shown.translate(CELLS) + (rf"\phantom{{{missing}}}" if missing and shown else "")
