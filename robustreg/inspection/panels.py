"""Displays of one or two panels: a curve, and what belongs to it below."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from robustreg.inspection.drawing import axes_to_draw_on

__all__ = ["one_or_two_axes"]

#: Height of a figure of two panels, in units of that of one.
HEIGHT = 1.35


def one_or_two_axes(
    ax: Any,
    caller: str,
    two: bool,
    which: str,
    height_ratios: Sequence[float] | None = None,
) -> NDArray:
    """The axes given, or those of a new figure.

    Parameters
    ----------
    ax : matplotlib Axes, sequence of one or two, or None
        None for a new figure.
    caller : str
        The method that draws, for error messages.
    two : bool
        Whether there is something to draw in a second panel.
    which : str
        What the axes are for, which completes the error message.
    height_ratios : sequence of two numbers, default=None
        Of the panels of a new figure.

    Raises
    ------
    TypeError
        If one of them is no matplotlib Axes.
    ValueError
        If they are more than two, or two where there is only one panel.
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
    """Axes and others of the same width below them, in a higher figure."""
    figure = ax.figure
    width, height = figure.get_size_inches()
    figure.set_size_inches(width, HEIGHT * height)
    figure.clear()
    return list(figure.subplots(2, sharex=True, height_ratios=height_ratios))
