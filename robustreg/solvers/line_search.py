"""How far a step along a line goes, for a convex objective that may have kinks on the way."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["step_length"]

#: A full step is taken where the slope behind it is at most this part of the slope before it.
SLOPE = 0.1

#: Halvings of the interval in which the slope along a line changes its sign.
HALVINGS = 40


def step_length(slope: Callable[[float, float], float]) -> float:
    """One, or where the slope along the line is about zero.

    Parameters
    ----------
    slope : callable
        ``slope(step, side)`` is the derivative at a step from 0 to 1; at a kink that behind it
        where ``side`` is 1, and that in front of it where it is -1.

    Returns
    -------
    float
        One where the slope in front of it is at most ``SLOPE`` of that at zero; else the first step
        found whose slope is so small on either side, by secants and halvings in turn.
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
