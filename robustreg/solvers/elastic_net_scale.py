"""The scale of a penalised fit: the largest sigma at which its equation changes its sign.

The coefficients are a function of sigma, and with them the number of those that are not zero. Between
two changes of the signs or of the rows within the threshold they are linear in sigma, and the equation of
the joint scale is quadratic: its root there is the next trial. Where a column leaves, the effective
number of parameters jumps, and the equation may change its sign in the jump: then the trial is where
the column leaves. Fixed-point iteration would go from one side to the other for ever.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lapack

from robustreg.losses import Huber
from robustreg.scales import JointScale, ScaleRule
from robustreg.solvers.active_set import INNER, ActiveSet, Tangent
from robustreg.solvers.quadratic_lasso import positive_factor

__all__ = ["Settled", "effective_parameters", "settle"]

Vector = NDArray[np.float64]

#: Largest change of sigma in a trial without a bracket, as a factor.
LARGEST = 4.0

#: A scale is zero below this part of the scale at which the search began: seventeen trials down by
#: the factor above are enough to tell a fit that is exact.
VANISHING = 1e-10

#: Most trials: a bisection of log sigma to its last bit takes fewer.
MOST_TRIALS = 100


@dataclass
class Settled:
    """A fit whose coefficients and scale belong to each other.

    Attributes
    ----------
    scale : float
        In working units; zero where the equation has no positive root.
    violation : float
        Of the conditions of a minimum at the active columns, in units of alpha.
    distance : float
        Relative distance of the scale from its root.
    edf : float
        Effective number of parameters.
    """

    scale: float
    violation: float
    distance: float
    edf: float


def effective_parameters(active: ActiveSet, scale: float) -> float:
    """Number of nonzero coefficients; less where there is a quadratic penalty too.

    It is ``k - tr[(G + A)^-1 A]`` with the Gram matrix G of iterated least squares of the k nonzero
    coefficients, the intercept among them, and the curvature A of the penalty.
    """
    members = np.flatnonzero((active.coef != 0.0) | active.signs.free)
    curvature = active.curvature[members]
    if not curvature.any():
        return float(members.size)
    assert isinstance(active.problem.loss, Huber)
    weights = active.columns.loss_weights(active.problem.loss.at(scale))
    gram = active.columns.weighted_gram(weights)[np.ix_(members, members)]
    factor = positive_factor(gram + np.diag(curvature))
    inverse = lapack.dpotri(factor)[0].diagonal()
    return members.size - float(inverse @ curvature)


@dataclass
class _Trial:
    """The solution at a sigma, and whether sigma is too small."""

    active: ActiveSet
    rule: ScaleRule
    scale: float
    violation: float
    edf: float = field(init=False)
    estimate: float = field(init=False)

    def __post_init__(self) -> None:
        self.edf = effective_parameters(self.active, self.scale)
        columns = self.active.columns
        if isinstance(self.rule, JointScale):
            self.estimate = columns.joint_scale(self.active.delta, 2.0 * self.half_target)
        else:
            self.estimate = columns.median_scale()

    @property
    def half_target(self) -> float:
        """``kappa nu``."""
        loss, design = self.active.problem.loss, self.active.problem.design
        assert isinstance(loss, Huber)
        return loss.kappa * design.total_weight * (1.0 - self.edf / design.n_observations)

    @property
    def is_too_small(self) -> bool:
        """Whether the residuals ask for a larger sigma."""
        if isinstance(self.rule, JointScale) and self.half_target <= 0.0:
            return True
        return self.estimate > self.scale

    @property
    def distance(self) -> float:
        """Relative difference of sigma and what its rule makes of the residuals."""
        return abs(self.estimate - self.scale) / self.scale

    def root(self, tangent: Tangent) -> float:
        """The root of the equation as long as rows and columns stay on their sides; or nan."""
        if not isinstance(self.rule, JointScale):
            return np.nan
        delta = self.active.delta
        square, mixed, slope, outside = self.active.columns.quadratic(
            delta * self.scale, tangent.residual
        )
        outer = -2.0 * self.half_target
        if outside:
            outer += delta**2 * outside
        # a x² + 2 b x + c = 0 for the change x of sigma.
        a, b = slope + outer, mixed + outer * self.scale
        c = square + outer * self.scale**2
        inner = b * b - a * c
        if inner < 0.0:
            return np.nan
        q = -(b + np.copysign(np.sqrt(inner), b))
        roots = [x for x in (q / a if a else np.nan, c / q if q else 0.0) if np.isfinite(x)]
        wanted = [x for x in roots if (x > 0.0) == self.is_too_small and x > -self.scale]
        return self.scale + min(wanted, key=abs) if wanted else np.nan

    def next_event(self, tangent: Tangent) -> float:
        """The sigma at which the next column leaves or enters, in the direction of the root."""
        active, up = self.active, self.is_too_small
        coef, change = active.coef, tangent.coef
        sizes = active.sizes
        with np.errstate(divide="ignore", invalid="ignore"):
            leaving = np.where(active.signs.free | (coef == 0.0), np.nan, -coef / change)
            slopes = active.columns.products(active.columns.psi(active.delta * self.scale))
            at_zero = (coef == 0.0) & ~active.signs.free
            rooms = [
                np.where(at_zero, (sign * slopes - self.scale * sizes), np.nan)
                / (sizes - sign * tangent.slopes)
                for sign in ((1.0,) if active.signs.positive else (1.0, -1.0))
            ]
        events = np.concatenate((leaving, *rooms))
        events = events[np.isfinite(events) & ((events > 0.0) == up) & (events != 0.0)]
        if not events.size:
            return np.nan
        return self.scale + float(events.min() if up else events.max())


def settle(
    active: ActiveSet, rule: ScaleRule, scale: float, tol: float, max_iter: int
) -> Settled:
    """Solve for the active columns and for sigma, from a sigma that is better too large.

    Parameters
    ----------
    active : ActiveSet
    rule : ScaleRule
    scale : float
        Where to begin.
    tol : float
        Largest violation in units of alpha, and relative error of sigma.
    max_iter : int
        Most steps at one sigma.

    Returns
    -------
    Settled
    """
    low, high, begin = 0.0, np.inf, scale
    known, tightness = rule.known(), INNER * tol
    history: list[tuple[float, float]] = []
    for _ in range(MOST_TRIALS):
        violation = active.solve(scale, tol, max_iter)
        trial = _Trial(active, rule, scale, violation)
        if known is not None or trial.distance <= tightness or violation > tol:
            distance = 0.0 if known is not None else trial.distance
            return Settled(scale, violation, distance, trial.edf)
        if trial.is_too_small:
            low = max(low, scale) if scale < high else scale
        else:
            high = min(high, scale) if scale > low else scale
        if high / max(low, np.finfo(np.float64).tiny) - 1.0 <= 4.0 * tightness:
            return Settled(scale, violation, high / low - 1.0, trial.edf)
        if scale < VANISHING * begin:
            return Settled(0.0, violation, 0.0, trial.edf)
        history.append((scale, trial.estimate))
        tangent = active.tangent(scale)
        following = _next_scale(trial, tangent, low, high, tightness, history)
        if _is_smooth(following, scale):
            active.follow(tangent, following - scale)
        scale = following
    return Settled(scale, violation, trial.distance, trial.edf)


def _is_smooth(following: float, scale: float) -> bool:
    """Whether a tangent is of use."""
    return abs(following - scale) < 0.5 * scale


def _next_scale(
    trial: _Trial,
    tangent: Tangent,
    low: float,
    high: float,
    tightness: float,
    history: list[tuple[float, float]],
) -> float:
    """The next trial, within the bracket."""
    scale = trial.scale
    bracketed = low > 0.0 and np.isfinite(high)
    proposed = trial.root(tangent)
    if not isinstance(trial.rule, JointScale):
        proposed = _secant(history)
    if low < proposed < high and not _is_stuck(history):
        return float(np.clip(proposed, scale / LARGEST, scale * LARGEST))
    if not bracketed:
        return scale * LARGEST if trial.is_too_small else scale / LARGEST
    event = trial.next_event(tangent)
    shift = 1.0 + tightness if trial.is_too_small else 1.0 - tightness
    if low < event * shift < high and not _is_stuck(history):
        return event * shift
    return float(np.sqrt(low * high))


def _secant(history: list[tuple[float, float]]) -> float:
    """The root of ``log estimate - log sigma`` on the line through the last two trials."""
    scale, estimate = history[-1]
    if not estimate > 0.0:
        return np.nan
    excess, slope = np.log(estimate / scale), 0.0
    if len(history) > 1 and history[-2][1] > 0.0 and history[-2][0] != scale:
        before = history[-2]
        slope = 1.0 + (excess - np.log(before[1] / before[0])) / np.log(scale / before[0])
    step = excess if slope > 0.9 else excess / (1.0 - slope)
    return float(scale * np.exp(step))


def _is_stuck(history: list[tuple[float, float]]) -> bool:
    """Whether many trials have been made: from then on the bracket is halved every other time."""
    return len(history) > 12 and len(history) % 2 == 0
