"""The length of a step along a line, for a convex objective that may have kinks."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["step_length"]

#: A slope is about zero if it is at most this part of the slope at the start.
SLOPE = 0.1

#: Most trials on the interval in which the slope along a line changes its sign.
HALVINGS = 40


def step_length(slope: Callable[[float, float], float]) -> float:
    """Return 1, or a step at which the slope along the line is about zero.

    Parameters
    ----------
    slope : callable
        ``slope(step, side)`` is the derivative at a step from 0 to 1. At a kink it is the right
        derivative for a ``side`` of 1, and the left derivative for a ``side`` of -1.

    Returns
    -------
    float
        1 if the left derivative there is at most ``SLOPE`` times the size of the slope at zero.
        Otherwise the first step found with so small a right derivative, by alternating secants and
        halvings. If there is none, the largest step found at which the objective still falls.
    """
    first, last = slope(0.0, 1.0), slope(1.0, -1.0)
    if last <= SLOPE * abs(first):
        return 1.0
    low, high, at_low, at_high = 0.0, 1.0, first, last
    for number in range(HALVINGS):
        rise = at_high - at_low
        secant = low - at_low * (high - low) / rise if rise > 0.0 else low
        step = secant if number % 2 == 0 and low < secant < high else 0.5 * (low + high)
        at_step = slope(step, 1.0)
        if abs(at_step) <= SLOPE * abs(first):
            return step
        if at_step < 0.0:
            low, at_low = step, at_step
        else:
            high, at_high = step, at_step
    return low if low > 0.0 else step
