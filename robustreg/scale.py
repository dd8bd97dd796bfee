"""Estimates of the noise level from residuals: the MAD and the one-dimensional scale equation."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["MAD_FACTOR", "MAD_STANDARD_ERROR", "joint_scale", "median", "median_absolute_residual", "weighted_median"]

Vector = NDArray[np.float64]

#: From here on every residual of finite data is inside, and delta² would overflow.
LEAST_SQUARES = 1e150

#: Normal consistency of the MAD: the upper quartile of N(0, 1), which MASS rounds to 0.6745.
MAD_FACTOR = 0.6744897501960817

#: Standard error of the MAD at the normal, in units of sigma / sqrt(n): 1 / (4 c phi(c)) at the
#: quartile c above.
MAD_STANDARD_ERROR = 1.1664


def median(values: Vector) -> float:
    """``numpy.median`` of finite values, at a fifth of its cost on small arrays."""
    half, odd = divmod(values.shape[0], 2)
    ordered = np.partition(values, half if odd else (half - 1, half))
    return float(ordered[half] if odd else 0.5 * (ordered[half - 1] + ordered[half]))


def weighted_median(values: Vector, weights: Vector | None = None) -> float:
    """Median of ``values``, where a weight counts how often a value occurs.

    With integer weights it equals ``numpy.median`` of the repeated values: where half of the weight
    lies exactly below a value, the mean of that value and the next is returned.
    """
    if weights is None:
        return median(values)
    order = np.argsort(values, kind="stable")
    order = order[weights[order] > 0]
    cumulative = np.cumsum(weights[order])
    half = 0.5 * cumulative[-1]
    # Sums of the same weights in units of a third must meet the half as whole numbers do.
    position = int(np.searchsorted(cumulative, half * (1.0 - 1e-12)))
    lower = values[order[position]]
    at_boundary = abs(cumulative[position] - half) <= 1e-12 * half
    upper = values[order[position + 1]] if at_boundary else lower
    return float(0.5 * (lower + upper))


def median_absolute_residual(residuals: Vector, weights: Vector | None = None) -> float:
    """``median(|e|) / Phi^-1(3/4)``: the residuals' scale about zero, as in MASS and statsmodels."""
    return weighted_median(np.abs(residuals), weights) / MAD_FACTOR


def joint_scale(
    squares: Vector,
    weights: Vector | None,
    delta: float,
    target: float,
    penalty: float = 0.0,
) -> float:
    """Solve  sum_i s_i min(e_i², (delta sigma)²) + penalty = target sigma²  for sigma.

    Parameters
    ----------
    squares : array of shape (n,)
        Squared residuals in ascending order.
    weights : array of shape (n,) or None
        Their frequencies, in the same order.
    delta : float
        Threshold in units of sigma.
    target : float
        ``2 kappa nu``, positive.
    penalty : float
        ``alpha ||w||²``, which the penalised problem adds on the left.

    Returns
    -------
    float
        The largest root, or 0.0 where so much of the weight fits exactly that there is no other.

    Notes
    -----
    With k residuals inside the threshold and the weight W_k outside, the left side is
    S_k + delta² W_k sigma², so sigma² = S_k / (target - delta² W_k). The left side divided by sigma²
    decreases, so the root is unique, and a bisection over k finds its interval.
    """
    n = squares.shape[0]
    if not delta < LEAST_SQUARES:
        total = squares.sum() if weights is None else squares @ weights
        return float(np.sqrt((total + penalty) / target))
    inside = np.concatenate(([0.0], np.cumsum(squares if weights is None else squares * weights)))
    counts = np.arange(n + 1.0) if weights is None else np.concatenate(([0.0], np.cumsum(weights)))
    outside = counts[-1] - counts
    # At sigma² = squares[k]/delta² the first k + 1 residuals are inside. The root is not larger when
    # the left side is at most the right side there; a square of zero says nothing about it.
    left = inside[1:] + penalty + outside[1:] * squares
    reached = (left * delta**2 <= target * squares) & (squares > 0.0)
    k = int(np.argmax(reached)) if reached.any() else n
    denominator = target - delta**2 * outside[k]
    if denominator <= 0.0:
        return 0.0
    return float(np.sqrt((inside[k] + penalty) / denominator))
