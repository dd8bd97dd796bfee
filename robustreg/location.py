"""Huber's estimate of location at a known threshold."""

from __future__ import annotations

from bisect import bisect_left

import numpy as np
from numpy.typing import NDArray

from robustreg.losses import Huber

__all__ = ["huber_location"]

Vector = NDArray[np.float64]


def huber_location(y: Vector, weights: Vector, threshold: float) -> float:
    """Minimiser of ``sum s L_t(y - c)`` over c, exact up to rounding.

    Parameters
    ----------
    y : ndarray of shape (n_samples,)
        Observations.
    weights : ndarray of shape (n_samples,)
        Frequencies: not negative, not all zero.
    threshold : float in (0, inf]
        In the units of y. The mean is the limit for a large threshold, the median for a small one.

    Returns
    -------
    float
        In the units of y. If there are several minimisers, the smallest.

    Notes
    -----
    The derivative, minus ``sum s clip(y - c, -t, t)``, is piecewise linear and increases in c. Its
    signs at the break points y ± t bracket the root, and between two of them it is solved exactly.

    References
    ----------
    P. J. Huber, "Robust Estimation of a Location Parameter", Ann. Math. Statist. 35 (1964).

    Examples
    --------
    >>> import numpy as np
    >>> from robustreg.location import huber_location
    >>> huber_location(np.array([1.0, 2.0, 3.0, 100.0]), np.ones(4), threshold=1.5)
    2.5
    """
    y, weights = y[weights > 0], weights[weights > 0]
    lower, upper = y.min(), y.max()
    inside, outside_pull = np.full(y.shape, True), 0.0
    if np.isfinite(threshold):
        breaks = np.sort(np.concatenate((y - threshold, y + threshold)))

        def falling(constant: float) -> bool:
            return bool(weights @ Huber(threshold).psi(y - constant) <= 0)

        position = bisect_left(breaks, True, key=falling)
        lower, upper = max(lower, breaks[position - 1]), min(upper, breaks[position])
        residual = y - 0.5 * (lower + upper)
        inside = np.abs(residual) <= threshold
        outside_pull = threshold * (weights * np.sign(residual))[~inside].sum()
    if not inside.any():  # the threshold is below the rounding error of y: return the median
        return float(upper)
    root = (weights[inside] @ y[inside] + outside_pull) / weights[inside].sum()
    # Rounding must not make the location of a constant y differ from that constant.
    return float(np.clip(root, lower, upper))
