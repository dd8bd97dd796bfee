"""Tables of strings in LaTeX, HTML and Markdown, their numbers aligned at the decimal point."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from robustreg.inference.frames import pandas
from robustreg.inference.text import FIGURE_SPACE, POINT_SPACE, aligned

__all__ = ["Table"]

#: What is as wide as a digit, and as a point, in LaTeX.
LATEX_DIGIT, LATEX_POINT = r"\phantom{0}", r"\phantom{.}"

#: Characters of a cell that mean something in LaTeX.
LATEX_SIGNS = str.maketrans({"<": r"$<$", ">": r"$>$", "|": r"$|$", "%": r"\%", "²": r"$^2$"})


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
    """

    names: Sequence[str]
    heads: Sequence[str]
    columns: Sequence[Sequence[str]]

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
        return "\n".join(lines)

    def to_html(self) -> str:
        """``<table>``, by pandas."""
        return self._frame("to_html", FIGURE_SPACE, POINT_SPACE).to_html(border=0, justify="right")

    def to_latex(self, caption: str | None, label: str | None) -> str:
        """``tabular`` with the rules of booktabs, by pandas; in a ``table`` with a caption."""
        frame = self._frame("to_latex", LATEX_DIGIT, LATEX_POINT).map(_in_latex)
        frame.columns = [head.translate(LATEX_SIGNS) for head in self.heads]
        try:
            style = frame.style
        except (AttributeError, ImportError) as error:
            raise ImportError(
                "to_latex is written by pandas' Styler, which needs Jinja2: run "
                "`pip install robustreg[inference]`."
            ) from error
        return style.format_index(escape="latex", axis=0).to_latex(
            hrules=True, column_format="l" + "r" * len(self.heads), caption=caption, label=label
        )

    def _frame(self, caller: str, digit: str, point: str) -> Any:
        cells = [aligned(column, digit, point) for column in self.columns]
        rows = list(zip(*cells, strict=True))
        return pandas(caller).DataFrame(rows, index=list(self.names), columns=list(self.heads))


def _in_latex(cell: str) -> str:
    """A number with a minus sign, and escaped."""
    plain = cell.replace(LATEX_DIGIT, "\0").replace(LATEX_POINT, "\1")
    plain = plain.translate(LATEX_SIGNS).replace("-", "$-$")
    return plain.replace("\0", LATEX_DIGIT).replace("\1", LATEX_POINT)
