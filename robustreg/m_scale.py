"""M-scales of residuals, of one fit or of many candidates at once.

With a bounded loss rho, frequencies s and a right side b between 0 and 1, the M-scale sigma of the
residuals e solves

    sum s rho(e / sigma) / sup rho = b nu .

The left side decreases in sigma from the weight of the residuals that are not zero. The root is
unique, and it is zero where that weight is at most b nu: so many residuals are then zero.
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

#: Relative change of sigma at which Newton's method ends: the next is of the size of its square.
TOLERANCE = 1e-7

#: The same where each step reads rows that are not in memory: a round is worth more than digits.
FEW_DIGITS = 1e-5

#: A residual of so many rounding errors is zero, where these are below this part of the spread of
#: y:
#: whether exactly half of the rows are zero must not depend on their last bits.
NEGLIGIBLE, RESOLVED = 1000.0, 1e-7

#: A weight of residuals of this many times the right side is equal to it, but for rounding.
EQUAL = 1.0 + 1e-12

#: Most steps. Newton's method takes 4 to 8, and a bisection of log sigma over 700 takes 62.
MOST_STEPS = 100

#: Steps up to which an approximate scale is wanted: all are made.
FEW_STEPS = 2

#: Residuals from which a search for a scale gets its start.
ENOUGH = 100

#: Rows whose temporaries stay in cache.
BLOCK = 2**13

#: Longest first step in log sigma; each of the next may be twice as long.
LONGEST = 2.0

#: Log sigma is within it: its exponential is a double.
LIMIT = 700.0


class _Bracket:
    """Ends between which the roots lie, in log sigma, for several scales at once."""

    def __init__(self, number: int) -> None:
        self._low, self._high = np.full(number, -np.inf), np.full(number, np.inf)
        self._longest = LONGEST

    def advance(self, log_scale: Vector, left: Vector, slope: Vector, target: float) -> Vector:
        """The next log sigma: a step of Newton's method for log of the left side.

        It is nearly linear in log sigma.
        """
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
            excess = np.log(left / target)
            step = excess * left / slope
        above = excess > 0.0
        np.copyto(self._low, log_scale, where=above)
        np.copyto(self._high, log_scale, where=~above)
        # Where no residual has a slope, the step is as long as possible.
        step = np.where(slope == 0.0, np.where(above, np.inf, -np.inf), step)
        proposed = log_scale + np.minimum(np.maximum(step, -self._longest), self._longest)
        proposed = np.minimum(np.maximum(proposed, -LIMIT), LIMIT)
        self._longest *= 2.0
        # A step of no length, from a root, is inside.
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
    """M-scales of several candidates, of shape (m,).

    Parameters
    ----------
    residuals : array of shape (m, n)
    loss : Redescending
        Of standardised residuals.
    target : float
        ``b nu``: what the weighted sum of ``rho / sup rho`` shall be.
    weights : array of shape (n,), optional
        Frequencies.
    steps : int
        Most steps; few give an approximation that ranks candidates.
    start : array of shape (m,), optional
        Positive scales to start from; otherwise it is the median of the absolute residuals.

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
        # A residual that is NaN makes the scale NaN at once.
        if steps > FEW_STEPS and not (np.abs(log_scale - last) > TOLERANCE).any():
            break
    scales[live] = np.exp(log_scale)
    return scales


def _middle(sizes: Matrix) -> Vector:
    """Medians of some residuals, or means of all where these are zero."""
    some = sizes[:, :: max(1, sizes.shape[1] // ENOUGH)]
    middle = some.shape[1] // 2
    median = np.partition(some, middle, axis=1)[:, middle]
    return np.where(median > 0.0, median, sizes.mean(axis=1))


def m_scale(
    residuals: Vector, loss: Redescending, target: float, weights: Vector | None = None
) -> float:
    """The M-scale of one vector of residuals: see ``m_scales``."""
    return float(m_scales(residuals[None, :], loss, target, weights)[0])


@dataclass(frozen=True)
class MScale(ScaleRule):
    """``sum s rho(e / sigma) = b sup(rho) nu``: the scale of an S-estimate.

    Parameters
    ----------
    loss : Redescending
        Of standardised residuals. It need not be the loss of the coefficients.
    breakdown : float
        b: the share of the rows from which on the scale may take any value.
    """

    loss: Redescending
    breakdown: float

    def estimate(self, design: Any, point: Any, freedom: float) -> float:
        """The root of the equation, from the scale of the point or else the MAD.

        Residuals are looked at block by block: no temporary has their number.
        """
        target = self.breakdown * freedom
        if not target > 0.0:
            return 0.0
        negligible = NEGLIGIBLE * design.rounding_level(point)
        # Beside a scale that is large it does not matter, and the spread of y takes two medians.
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
        """``sd(rho) / E[u psi(u)]`` of the rule's own loss."""
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
    """Both sums of the equation, and the weight of the residuals that are not zero."""
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
