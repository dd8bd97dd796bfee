"""A summary as a text table and as HTML."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from html import escape
from textwrap import wrap
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from robustreg.inference.summary import Summary

__all__ = ["as_html", "as_text", "equality", "listed"]

Vector = NDArray[np.float64]

TITLE = "Huber regression"

#: Names longer than this lose their middle in the text table: the ends of those that a step has
#: made, a column's name and a category's, tell them apart.
LONGEST_NAME = 24

#: Names that a message lists.
MOST_LISTED = 10

#: Width of the column of a number, and of a p-value.
NUMBER, P_VALUE = 11, 8


def p_value(p: float) -> str:
    """Three decimals, and "<0.001" below."""
    return "<0.001" if p < 0.0005 else f"{p:.3f}"


def equality(p: float) -> str:
    """The same for a sentence: "= 0.021" or "< 0.001"."""
    return "< 0.001" if p < 0.0005 else f"= {p:.3f}"


def number(value: float) -> str:
    """Five significant digits, in a width of at most eleven."""
    return f"{value:.5g}" if value == 0.0 or 1e-3 <= abs(value) < 1e6 else f"{value:.3e}"


def listed(names: Sequence[str]) -> str:
    """Names in a sentence."""
    return ", ".join(names[:MOST_LISTED]) + (", ..." if len(names) > MOST_LISTED else "")


def short_names(names: Sequence[str]) -> list[str]:
    """Names that fit, and those whole that would no longer differ."""
    tail = LONGEST_NAME // 2 - 1
    head = LONGEST_NAME - tail - 1
    short = [n if len(n) <= LONGEST_NAME else f"{n[:head]}…{n[-tail:]}" for n in names]
    count = Counter(short)
    return [cut if count[cut] == 1 else name for name, cut in zip(names, short, strict=True)]


def share(value: float) -> str:
    """A percentage, if it is known."""
    return f"{value:.1%}" if np.isfinite(value) else "unknown"


def facts(summary: Summary) -> list[tuple[str, str]]:
    """What the head of the table says of the fit."""
    if hasattr(summary, "facts"):
        return summary.facts()
    return [
        ("Observations", f"{summary.n:g}"),
        ("Degrees of freedom", f"{summary.degrees_of_freedom:g}"),
        (f"Scale ({summary.scale_kind})", number(summary.scale)),
        ("delta", f"{summary.delta:.4g}"),
        ("Threshold", number(summary.threshold)),
        ("Efficiency at the normal", share(summary.efficiency)),
        ("Beyond the threshold", f"{summary.outlier_share:.1%}"),
        ("D² (Huber loss)", f"{summary.d2:.4f}"),
        ("Robust R²", f"{summary.robust_r2:.4f}"),
        ("Certificate (std errors)", f"{summary.optimality:.0e}"),
    ]


def footnotes(summary: Summary) -> list[str]:
    """How standard errors, p and intervals were computed."""
    reference = "the normal"
    if np.isfinite(summary.reference_df):
        reference = f"Student's t with {summary.reference_df:g} degrees of freedom"
    return [
        f"Standard errors: {summary.description}.",
        f"P and intervals by {reference}.",
        *summary.notes,
    ]


def rows(summary: Summary, low: Vector, high: Vector) -> list[list[str]]:
    """The cells of the table, a list for each coefficient."""
    columns = (summary.coefficients, summary.standard_errors)
    cells = []
    for j, name in enumerate(summary.names):
        first = [number(column[j]) for column in columns]
        middle = [f"{summary.z[j]:.3f}", p_value(summary.p_values[j])]
        cells.append([name, *first, *middle, number(low[j]), number(high[j])])
    return cells


def heads(summary: Summary) -> list[str]:
    """The heads of the columns."""
    tail = 0.5 * (1.0 - summary.level)
    symbol = "t" if np.isfinite(summary.reference_df) else "z"
    return ["", "coef", "std err", symbol, f"P>|{symbol}|", f"[{tail:.4g}", f"{1.0 - tail:.4g}]"]


def as_text(summary: Summary, low: Vector, high: Vector) -> str:
    """A table for a terminal, as statisticians know it."""
    names = short_names(summary.names)
    longest = max(9, *map(len, names))
    widths = [NUMBER, NUMBER, NUMBER - 2, P_VALUE, NUMBER, NUMBER]
    width = longest + sum(widths) + len(widths)

    def line(cells: list[str]) -> str:
        numbers = [cell.rjust(size) for cell, size in zip(cells[1:], widths, strict=True)]
        return " ".join([cells[0].ljust(longest), *numbers])

    lines = [getattr(summary, "title", TITLE).center(width).rstrip(), "=" * width]
    lines += _two_columns(facts(summary), width)
    lines += ["=" * width, line(heads(summary)), "-" * width]
    table = zip(names, rows(summary, low, high), strict=True)
    lines += [line([name, *cells[1:]]) for name, cells in table]
    lines += ["=" * width]
    for note in footnotes(summary):
        lines += wrap(note, width, subsequent_indent="  ")
    return "\n".join(lines)


def _two_columns(pairs: list[tuple[str, str]], width: int) -> list[str]:
    half = (width - 3) // 2
    cells = [f"{name}:" + value.rjust(half - len(name) - 1) for name, value in pairs]
    middle = (len(cells) + 1) // 2
    right = [*cells[middle:], ""]
    return [f"{a}   {b}".rstrip() for a, b in zip(cells[:middle], right, strict=False)]


def as_html(summary: Summary, low: Vector, high: Vector) -> str:
    """Two tables and the notes, without a style sheet of their own."""
    head = "".join(f"<th>{escape(cell)}</th>" for cell in heads(summary))
    body = "".join(
        f"<tr><th>{escape(name)}</th>"
        + "".join(f"<td>{escape(cell)}</td>" for cell in cells)
        + "</tr>"
        for name, *cells in rows(summary, low, high)
    )
    known = "".join(
        f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>"
        for name, value in facts(summary)
    )
    notes = "".join(f"<li>{escape(note)}</li>" for note in footnotes(summary))
    return (
        f"<div><table><caption>{getattr(summary, 'title', TITLE)}</caption><thead><tr>{head}</tr></thead>"
        f"<tbody>{body}</tbody></table>"
        f"<table><tbody>{known}</tbody></table><ul>{notes}</ul></div>"
    )
