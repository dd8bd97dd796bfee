"""Axes of displays with one panel, or with a second one below it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from robustreg.inspection.drawing import axes_to_draw_on

__all__ = ["one_or_two_axes"]

#: Height of a figure with two panels, relative to one panel.
HEIGHT = 1.35


def one_or_two_axes(
    ax: Any,
    caller: str,
    two: bool,
    which: str,
    height_ratios: Sequence[float] | None = None,
) -> NDArray:
    """Return the given axes, or those of a new figure.

    Parameters
    ----------
    ax : matplotlib Axes, sequence of one or two, or None
        None makes a new figure.
    caller : str
        The method that draws, for error messages.
    two : bool
        Whether there is something to draw in a second panel.
    which : str
        What to pass as axes, the end of the error message.
    height_ratios : sequence of two numbers, default=None
        Relative heights of the panels of a new figure.

    Raises
    ------
    TypeError
        If one of them is not a matplotlib Axes.
    ValueError
        If there are more than two axes, or two although there is only one panel.
    """
    if ax is None:
        first = axes_to_draw_on(None, caller)
        ax = _with_another(first, height_ratios) if two else [first]
    axes = np.atleast_1d(np.asarray(ax, dtype=object))
    for each in axes.flat:
        axes_to_draw_on(each, caller)
    if axes.ndim > 1 or axes.size > 2 or (axes.size == 2 and not two):
        raise ValueError(f"ax has {axes.size} axes: {which}")
    return axes


def _with_another(ax: Any, height_ratios: Sequence[float] | None) -> list[Any]:
    """Return the axes and new ones of the same width below them, in a taller figure."""
    figure = ax.figure
    width, height = figure.get_size_inches()
    figure.set_size_inches(width, HEIGHT * height)
    figure.clear()
    return list(figure.subplots(2, sharex=True, height_ratios=height_ratios))
