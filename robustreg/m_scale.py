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
TOLERANCE = 1e-9

#: A residual of so many rounding errors is zero, where these are below this part of the spread of
#: y:
#: whether exactly half of the rows are zero must not depend on their last bits.
NEGLIGIBLE, RESOLVED = 1000.0, 1e-7

#: Most steps. Newton's method takes 4 to 8, and a bisection of log sigma over 700 takes 62.
MOST_STEPS = 100

#: Longest step in log sigma.
LONGEST = 2.0


@dataclass
class _Bracket:
    """Ends between which the roots lie, in log sigma, for several scales at once."""

    low: Vector
    high: Vector

    def advance(self, log_scale: Vector, excess: Vector, step: Vector) -> Vector:
        """From values ``log(left side / right side)`` to the next log sigma."""
        self.low = np.where(excess > 0.0, log_scale, self.low)
        self.high = np.where(excess <= 0.0, log_scale, self.high)
        proposed = log_scale + np.clip(step, -LONGEST, LONGEST)
        # A step of no length, from a root, is inside.
        outside = (proposed < self.low) | (proposed > self.high)
        closed = np.isfinite(self.low) & np.isfinite(self.high)
        middle = 0.5 * (np.where(closed, self.low, 0.0) + np.where(closed, self.high, 0.0))
        return np.where(outside & closed, middle, proposed)


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
    positive = sizes > 0.0
    weight = positive.sum(axis=1) if weights is None else positive @ weights
    scales = np.zeros(sizes.shape[0])
    live = np.flatnonzero(weight > target * (1.0 + 1e-12))
    if not live.size:
        return scales
    if live.size < sizes.shape[0]:
        sizes = sizes[live]
    if start is None:
        middle = sizes.shape[1] // 2
        begin = np.partition(sizes, middle, axis=1)[:, middle]
        begin = np.where(begin > 0.0, begin, sizes.mean(axis=1))
    else:
        begin = start[live]
    scales[live] = np.exp(_roots(sizes, loss, target, weights, steps, np.log(begin)))
    return scales


def _roots(
    sizes: Matrix,
    loss: Redescending,
    target: float,
    weights: Vector | None,
    steps: int,
    log_scale: Vector,
) -> Vector:
    """Newton's method for log of the left side, which is nearly linear in log sigma."""
    bracket = _Bracket(np.full(log_scale.shape, -np.inf), np.full(log_scale.shape, np.inf))
    for _ in range(steps):
        left, slope = _sides(sizes, loss, np.exp(log_scale), weights)
        with np.errstate(divide="ignore", over="ignore"):
            excess = np.log(left / target)
            step = excess * left / slope
        step = np.where(np.isfinite(step), step, np.sign(excess) * LONGEST)
        moved = bracket.advance(log_scale, excess, step)
        change = np.abs(moved - log_scale).max()
        log_scale = moved
        if change <= TOLERANCE:
            break
    return log_scale


def _sides(
    sizes: Matrix, loss: Redescending, scale: Vector, weights: Vector | None
) -> tuple[Vector, Vector]:
    """``sum s rho / sup`` and ``sum s psi u / sup``, minus its derivative by log sigma."""
    rho, slope = loss.scale_sides(sizes / scale[:, None])
    if weights is None:
        return rho.sum(axis=1), slope.sum(axis=1)
    return rho @ weights, slope @ weights


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
        """The root of the equation."""
        target = self.breakdown * freedom
        if not target > 0.0:
            return 0.0
        negligible = min(NEGLIGIBLE * design.rounding_level(point), RESOLVED * design.spread)
        if not design.in_memory:
            return self._by_rounds(design, point, target, negligible)
        residuals = _without_rounding(design.residuals(point), negligible)
        return m_scale(residuals, self.loss, target, design.weights)

    def relative_error(self, loss: Loss) -> float:
        """``sd(rho) / E[u psi(u)]`` of the rule's own loss."""
        own = self.loss
        mean = normal_mean(own, own.rho)
        variance = normal_mean(own, lambda u: own.rho(u) ** 2) - mean**2
        return float(np.sqrt(variance)) / normal_mean(own, lambda u: u * own.psi(u))

    def _by_rounds(self, design: Any, point: Any, target: float, negligible: float) -> float:
        """Newton's method where each step reads the rows: from the point's scale, or the MAD."""
        scale = point.scale if point.scale > 0.0 else design.median_scale(point)
        if not scale > 0.0:
            return 0.0
        log_scale = np.array([np.log(scale)])
        bracket = _Bracket(np.array([-np.inf]), np.array([np.inf]))
        for _ in range(MOST_STEPS):
            sides = partial(
                _sides_of_rows,
                loss=self.loss,
                scale=float(np.exp(log_scale[0])),
                negligible=negligible,
            )
            left, slope = (float(side[0]) for side in design.sum_over_residuals(sides, point))
            if not left > 0.0:
                return 0.0
            excess = np.log(np.array([left / target]))
            step = excess * left / max(slope, 1e-300)
            moved = bracket.advance(log_scale, excess, step)
            # The next step would square this change: a round is worth more than its digits.
            done = abs(moved[0] - log_scale[0]) <= 1e-7
            log_scale = moved
            if done or np.exp(log_scale[0]) <= design.rounding_level(point):
                break
        return float(np.exp(log_scale[0]))


def _sides_of_rows(
    residuals: Vector,
    weights: Vector | None,
    response: Vector,
    *,
    loss: Redescending,
    scale: float,
    negligible: float,
) -> tuple[Vector, Vector]:
    residuals = _without_rounding(residuals, negligible)
    return _sides(np.abs(residuals)[None, :], loss, np.array([scale]), weights)


def _without_rounding(residuals: Vector, negligible: float) -> Vector:
    """Residuals with zeros for those that are rounding errors."""
    return np.where(np.abs(residuals) > negligible, residuals, 0.0)
