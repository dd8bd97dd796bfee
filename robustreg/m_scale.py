"""M-scales of the residuals of one fit or of many candidates at once.

With a bounded loss rho, frequencies s and a right side b between 0 and 1, the M-scale sigma of the
residuals e solves

    sum s rho(e / sigma) / sup rho = b nu .

The left side decreases in sigma, from the total weight of the nonzero residuals to zero. The root
is unique. It is zero if this weight is at most b nu, since too many residuals are then zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from robustreg.losses import Loss, Redescending
from robustreg.losses_redescending import normal_mean
from robustreg.scales import ScaleRule

__all__ = ["MScale", "m_scale", "m_scales"]

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]

#: Newton's method stops at this relative change of sigma. The next change would be its square.
TOLERANCE = 1e-7

#: The same for data that are not in memory. Each step reads them again, and more digits do not
#: justify a step.
FEW_DIGITS = 1e-5

#: Residuals below this multiple of the rounding error are zero, if rounding errors are below this
#: part of the spread of y. Whether exactly half of the rows are zero must not depend on rounding.
NEGLIGIBLE, RESOLVED = 1000.0, 1e-7

#: A weight of the residuals up to this multiple of the right side is equal to it up to rounding.
EQUAL = 1.0 + 1e-12

#: Maximum number of steps. Newton's method needs 4 to 8, and bisection of log sigma over 700 needs
#: 62.
MOST_STEPS = 100

#: Up to this number of steps the scale is approximate, and convergence is not checked.
FEW_STEPS = 2

#: Number of residuals from which the start of a scale is computed.
ENOUGH = 100

#: Number of rows whose temporary arrays stay in cache.
BLOCK = 2**13

#: Longest first step in log sigma. Each following step may be twice as long.
LONGEST = 2.0

#: Bound of the absolute value of log sigma, so that its exponential is a double.
LIMIT = 700.0


class _Bracket:
    """Brackets of the roots in log sigma, for several scales at once."""

    def __init__(self, number: int) -> None:
        self._low, self._high = np.full(number, -np.inf), np.full(number, np.inf)
        self._longest = LONGEST

    def advance(self, log_scale: Vector, left: Vector, slope: Vector, target: float) -> Vector:
        """Return the next log sigma, by a step of Newton's method for the log of the left side.

        This log is nearly linear in log sigma.
        """
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
            excess = np.log(left / target)
            step = excess * left / slope
        above = excess > 0.0
        np.copyto(self._low, log_scale, where=above)
        np.copyto(self._high, log_scale, where=~above)
        # If the slope is zero, the step is as long as possible.
        step = np.where(slope == 0.0, np.where(above, np.inf, -np.inf), step)
        proposed = log_scale + np.minimum(np.maximum(step, -self._longest), self._longest)
        proposed = np.minimum(np.maximum(proposed, -LIMIT), LIMIT)
        self._longest *= 2.0
        # A step of length zero, from a root, is inside.
        outside = (proposed < self._low) | (proposed > self._high)
        if outside.any():
            closed = outside & np.isfinite(self._low) & np.isfinite(self._high)
            proposed[closed] = 0.5 * (self._low[closed] + self._high[closed])
        return proposed


def m_scales(
    residuals: Matrix,
    loss: Redescending,
    target: float,
    weights: Vector | None = None,
    *,
    steps: int = MOST_STEPS,
    start: Vector | None = None,
) -> Vector:
    """Return the M-scales of several candidates.

    Parameters
    ----------
    residuals : array of shape (m, n)
    loss : Redescending
        Loss of standardised residuals.
    target : float
        ``b nu``, the value of the weighted sum of ``rho / sup rho`` at the solution.
    weights : array of shape (n,), optional
        Frequencies.
    steps : int
        Maximum number of steps. A few steps give an approximation that can rank candidates.
    start : array of shape (m,), optional
        Positive scales to start from. The default is the median of the absolute residuals.

    Returns
    -------
    array of shape (m,)
    """
    sizes = np.abs(residuals)
    weight = np.count_nonzero(sizes, axis=1) if weights is None else (sizes != 0.0) @ weights
    live = np.flatnonzero(weight > target * EQUAL)
    scales = np.zeros(sizes.shape[0])
    if not live.size:
        return scales
    if live.size < sizes.shape[0]:
        sizes = sizes[live]
    log_scale = np.log(_middle(sizes) if start is None else start[live])
    bracket, buffer = _Bracket(live.size), np.empty_like(sizes)
    for _ in range(steps):
        u = np.divide(sizes, np.exp(log_scale)[:, None], out=buffer)
        last = log_scale
        log_scale = bracket.advance(log_scale, *loss.scale_sums(u, weights), target)
        # If a residual is NaN, the scale becomes NaN in this step.
        if steps > FEW_STEPS and not (np.abs(log_scale - last) > TOLERANCE).any():
            break
    scales[live] = np.exp(log_scale)
    return scales


def _middle(sizes: Matrix) -> Vector:
    """Return medians of some absolute residuals, or means of all where the medians are zero."""
    some = sizes[:, :: max(1, sizes.shape[1] // ENOUGH)]
    middle = some.shape[1] // 2
    median = np.partition(some, middle, axis=1)[:, middle]
    return np.where(median > 0.0, median, sizes.mean(axis=1))


def m_scale(
    residuals: Vector, loss: Redescending, target: float, weights: Vector | None = None
) -> float:
    """Return the M-scale of one vector of residuals: see ``m_scales``."""
    return float(m_scales(residuals[None, :], loss, target, weights)[0])


@dataclass(frozen=True)
class MScale(ScaleRule):
    """``sum s rho(e / sigma) = b sup(rho) nu``: the scale of an S-estimate.

    Parameters
    ----------
    loss : Redescending
        Loss of standardised residuals. It may differ from the loss of the coefficients.
    breakdown : float
        The number b, the share of wrong rows that can make the scale arbitrary.
    """

    loss: Redescending
    breakdown: float

    def estimate(self, design: Any, point: Any, freedom: float) -> float:
        """Solve the equation, starting from the scale of the point or from the MAD.

        Residuals are processed block by block, so that no temporary array has as many rows.
        """
        target = self.breakdown * freedom
        if not target > 0.0:
            return 0.0
        negligible = NEGLIGIBLE * design.rounding_level(point)
        # With a large scale this does not matter, and the spread of y needs two medians.
        if negligible > RESOLVED * point.scale:
            negligible = min(negligible, RESOLVED * design.spread)
        scale = point.scale if point.scale > 0.0 else design.median_scale(point)
        if not scale > 0.0:
            scale = 1.0
        log_scale, bracket = np.log(np.array([scale])), _Bracket(1)
        for _ in range(MOST_STEPS):
            sums = partial(
                _sums_of_rows,
                loss=self.loss,
                scale=float(np.exp(log_scale[0])),
                negligible=negligible,
            )
            left, slope, weight = design.sum_over_residuals(sums, point)[0]
            if weight <= target * EQUAL:
                return 0.0
            last = log_scale
            log_scale = bracket.advance(last, np.array([left]), np.array([slope]), target)
            if abs(log_scale[0] - last[0]) <= (TOLERANCE if design.in_memory else FEW_DIGITS):
                break
        return float(np.exp(log_scale[0]))

    def relative_error(self, loss: Loss) -> float:
        """``sd(rho) / E[u psi(u)]`` for the loss of the rule."""
        own = self.loss
        mean = normal_mean(own, own.rho)
        variance = normal_mean(own, lambda u: own.rho(u) ** 2) - mean**2
        return float(np.sqrt(variance)) / normal_mean(own, lambda u: u * own.psi(u))


@np.errstate(over="ignore")  # also in the threads of Dask
def _sums_of_rows(
    residuals: Vector,
    weights: Vector | None,
    response: Vector,
    *,
    loss: Redescending,
    scale: float,
    negligible: float,
) -> tuple[Vector]:
    """Return both sums of the equation and the weight of the nonzero residuals."""
    total = np.zeros(3)
    for begin in range(0, residuals.size, BLOCK):
        rows = slice(begin, begin + BLOCK)
        u = np.abs(residuals[rows])
        positive = ~(u <= negligible)
        own = None if weights is None else weights[rows]
        total[2] += np.count_nonzero(positive) if own is None else positive @ own
        u = np.where(positive, u, 0.0)
        u /= scale
        total[:2] += loss.scale_sums(u, own)
    return (total,)
