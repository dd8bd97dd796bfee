"""Write a summary as text or HTML, with numbers aligned at their decimal points."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from html import escape
from textwrap import wrap
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from robustreg.inference.coefficients import CoefficientTable
    from robustreg.inference.summary import Summary

__all__ = ["aligned", "as_html", "as_text", "equality", "footnotes", "heads", "listed", "number",
           "p_value", "rows", "share", "short_names"]  # fmt: skip

Vector = NDArray[np.float64]

#: Longer names are shortened in the middle in the text table. The names that a OneHotEncoder makes
#: begin with the column and end with the category, so both ends are needed to tell them apart.
LONGEST_NAME = 24

#: The most names that a message lists.
MOST_LISTED = 10

#: Matches the beginning of a number, with or without a bracket before it.
NUMERIC = re.compile(r"[(\[<]?-?(\d|inf|nan)")

#: Minimum widths of a column of numbers, of the column t, and of the column of p-values.
NUMBER, STATISTIC, P_VALUE = 11, 9, 8

#: Non-breaking spaces as wide as a digit and as a decimal point, which browsers do not collapse.
FIGURE_SPACE, POINT_SPACE = "\u2007", "\u2008"


def p_value(p: float) -> str:
    """Format a p-value with three decimals, or as "<0.001"."""
    return "<0.001" if p < 0.0005 else f"{p:.3f}"


def equality(p: float) -> str:
    """Format a p-value for a sentence, as "= 0.021" or "< 0.001"."""
    return "< 0.001" if p < 0.0005 else f"= {p:.3f}"


def number(value: float) -> str:
    """Format a number with five significant digits, in at most eleven characters."""
    if value == 0.0 or not np.isfinite(value):
        return f"{value:g}"
    return f"{value:#.5g}".rstrip(".") if 1e-3 <= abs(value) < 1e6 else f"{value:.3e}"


def aligned(cells: Sequence[str], digit: str = " ", point: str = " ") -> list[str]:
    """Pad strings to equal width: align numbers at the decimal point, and words to the right.

    Parameters
    ----------
    cells : sequence of str
        Numbers with or without brackets, words, or empty strings.
    digit, point : str
        Padding for a missing digit and for a missing decimal point.
    """
    words = [bool(cell) and NUMERIC.match(cell) is None for cell in cells]
    split = [
        ("", "", "") if word else cell.partition(".")
        for cell, word in zip(cells, words, strict=True)
    ]
    after = max((len(right) for _, _, right in split), default=0)
    pointed = any(middle for _, middle, _ in split)
    longest = max((len(cell) for cell, word in zip(cells, words, strict=True) if word), default=0)
    before = max([len(left) for left, _, _ in split] + [longest - after - pointed])
    found = []
    for cell, word, (left, middle, right) in zip(cells, words, split, strict=True):
        if word:
            found.append(digit * (before + pointed + after - len(cell)) + cell)
            continue
        missing = point if pointed and not middle else ""
        padding = digit * (before - len(left))
        found.append(padding + left + middle + missing + right + digit * (after - len(right)))
    return found


def listed(names: Sequence[str]) -> str:
    """Join names for a sentence."""
    return ", ".join(names[:MOST_LISTED]) + (", ..." if len(names) > MOST_LISTED else "")


def short_names(names: Sequence[str]) -> list[str]:
    """Shorten long names, except those that would no longer be distinct."""
    tail = LONGEST_NAME // 2 - 1
    head = LONGEST_NAME - tail - 1
    short = [n if len(n) <= LONGEST_NAME else f"{n[:head]}…{n[-tail:]}" for n in names]
    count = Counter(short)
    return [cut if count[cut] == 1 else name for name, cut in zip(names, short, strict=True)]


def share(value: float) -> str:
    """Format a share as a percentage, or say that it is unknown."""
    return f"{value:.1%}" if np.isfinite(value) else "unknown"


def footnotes(summary: Summary) -> list[str]:
    """Say how standard errors, p-values and intervals were computed."""
    reference = "the normal"
    if np.isfinite(summary.reference_df):
        reference = f"Student's t with {summary.reference_df:g} degrees of freedom"
    return [
        f"Standard errors: {summary.description}.",
        f"p-values and intervals: {reference}.",
        *summary.notes,
    ]


def columns(summary: CoefficientTable, low: Vector, high: Vector) -> list[list[str]]:
    """Return the cells of the table without the names, one list per column."""
    return [
        [number(value) for value in summary.coefficients],
        [number(value) for value in summary.standard_errors],
        [f"{value:.3f}" for value in summary.t],
        [p_value(value) for value in summary.p_values],
        [number(value) for value in low],
        [number(value) for value in high],
    ]


def heads(summary: CoefficientTable) -> list[str]:
    """Return the headings of these columns."""
    tail = 0.5 * (1.0 - summary.level)
    return ["coef", "std err", "t", "P>|t|", f"[{tail:.4g}", f"{1.0 - tail:.4g}]"]


def rows(
    summary: CoefficientTable, low: Vector, high: Vector, digit: str = " ", point: str = " "
) -> list[list[str]]:
    """Return the aligned cells, one list per coefficient."""
    cells = [aligned(column, digit, point) for column in columns(summary, low, high)]
    return [list(row) for row in zip(*cells, strict=True)]


def as_text(summary: Summary, low: Vector, high: Vector) -> str:
    """Write the summary as a table for the terminal."""
    names, cells = short_names(summary.names), rows(summary, low, high)
    longest = max(9, *map(len, names))
    least = [NUMBER, NUMBER, STATISTIC, P_VALUE, NUMBER, NUMBER]
    widths = [max(size, len(cell)) for size, cell in zip(least, cells[0], strict=True)]
    width = longest + sum(widths) + len(widths)

    def line(name: str, cells: list[str]) -> str:
        numbers = [cell.rjust(size) for cell, size in zip(cells, widths, strict=True)]
        return " ".join([name.ljust(longest), *numbers]).rstrip()

    lines = [summary.title.center(width).rstrip(), "=" * width]
    lines += _two_columns(summary.facts(), width)
    lines += ["=" * width, line("", heads(summary)), "-" * width]
    lines += [line(name, row) for name, row in zip(names, cells, strict=True)]
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
    """Write the summary as two HTML tables and its notes, without a style sheet."""
    head = "".join(f"<th>{escape(cell)}</th>" for cell in ["", *heads(summary)])
    cells = rows(summary, low, high, FIGURE_SPACE, POINT_SPACE)
    body = "".join(
        f"<tr><th>{escape(name)}</th>"
        + "".join(f"<td>{escape(cell)}</td>" for cell in row)
        + "</tr>"
        for name, row in zip(summary.names, cells, strict=True)
    )
    known = "".join(
        f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>"
        for name, value in summary.facts()
    )
    notes = "".join(f"<li>{escape(note)}</li>" for note in footnotes(summary))
    return (
        f"<div><table><caption>{summary.title}</caption>"
        f"<thead><tr>{head}</tr></thead>"
        f"<tbody>{body}</tbody></table>"
        f"<table><tbody>{known}</tbody></table><ul>{notes}</ul></div>"
    )
