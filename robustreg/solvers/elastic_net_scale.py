"""Solve for the scale of a penalised fit: the largest sigma at which its equation changes sign.

The coefficients, and the number of nonzero ones, are functions of sigma. As long as no sign changes
and no row crosses the threshold, the coefficients are linear in sigma, and the equation of the
joint scale is quadratic. Its root is the next trial. If a column leaves, the effective number of
parameters jumps, and the equation may change its sign in the jump. In this case the next trial is
the sigma at which the column leaves. Fixed-point iteration would alternate between both sides for
ever.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from robustreg.losses import Huber
from robustreg.scales import JointScale, ScaleRule
from robustreg.solvers.active_set import ActiveSet
from robustreg.solvers.elastic_net_edf import effective_parameters
from robustreg.solvers.elastic_net_tangent import Tangent, follow, tangent_at
from robustreg.solvers.root import LONGEST, Root

__all__ = ["Settled", "effective_parameters", "first_scale", "settle"]

Vector = NDArray[np.float64]

#: The scale is solved to this part of the tolerance.
TIGHT = 1e-2

#: A scale counts as zero below the first part of the scale at which the search began. To get there
#: takes 21 of the longest steps, so that the fit must be exact. The second part applies if rounding
#: errors of the residuals, which are of the size of y, keep the coefficients from their minimum.
VANISHING, DOUBTFUL = 1e-9, 1e-6

#: If the effective parameters at the ends of a bracket differ by no more than this, the equation
#: may change its sign because one column leaves.
ADJACENT = 1.5

#: Coefficients move along their tangent if the relative change of sigma is smaller than this.
FOLLOWED = 0.5

#: Most trials. A bisection of log sigma to its last bit needs fewer.
MOST_TRIALS = 100


@dataclass
class Settled:
    """A fit whose coefficients and scale agree with each other.

    Attributes
    ----------
    scale : float
        In working units. Zero if the equation has no positive root.
    violation : float
        Largest violation of the conditions of a minimum at the active columns, in units of alpha.
    distance : float
        Relative distance of the scale from its root.
    edf : float
        Effective number of parameters.
    """

    scale: float
    violation: float
    distance: float
    edf: float


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
            target = 2.0 * self.half_target
            self.estimate = columns.joint_scale(self.active.delta, target, self.scale)
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

    def vanishes(self, begin: float, tol: float) -> bool:
        """Whether sigma or its estimate is zero compared with the start of the search."""
        small = VANISHING if self.violation <= tol else DOUBTFUL
        return not self.is_too_small and min(self.scale, self.estimate) < small * begin

    @property
    def leaves_no_freedom(self) -> bool:
        """Whether degrees of freedom are missing at every larger sigma too.

        This is so if the coefficients no longer depend on sigma.
        """
        if not isinstance(self.rule, JointScale) or self.half_target > 0.0:
            return False
        active = self.active
        clipped = active.columns.largest_residual() > active.delta * self.scale
        return not clipped and not active.sizes[active.coef != 0.0].any()

    @property
    def excess(self) -> float:
        """Logarithm of the estimate of sigma divided by sigma."""
        if isinstance(self.rule, JointScale) and self.half_target <= 0.0:
            return LONGEST
        return float(np.log(self.estimate / self.scale)) if self.estimate > 0.0 else -LONGEST

    @property
    def distance(self) -> float:
        """Relative difference between sigma and its estimate."""
        return abs(self.estimate - self.scale) / self.scale

    def root(self, tangent: Tangent) -> float:
        """The root of the equation with the present signs and rows within the threshold, or nan."""
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
        """The next sigma towards the root at which a column leaves or enters, or nan."""
        active, up = self.active, self.is_too_small
        coef, change = active.coef, tangent.coef
        sizes = active.sizes
        with np.errstate(divide="ignore", invalid="ignore"):
            leaving = np.where(active.signs.free | (coef == 0.0), np.nan, -coef / change)
            at_zero = (coef == 0.0) & ~active.signs.free
            rooms = [
                np.where(at_zero, (sign * active.slopes - self.scale * sizes), np.nan)
                / (sizes - sign * tangent.slopes)
                for sign in ((1.0,) if active.signs.positive else (1.0, -1.0))
            ]
        events = np.concatenate((leaving, *rooms))
        events = events[np.isfinite(events) & ((events > 0.0) == up) & (events != 0.0)]
        if not events.size:
            return np.nan
        return self.scale + float(events.min() if up else events.max())


def first_scale(active: ActiveSet) -> float:
    """Return a scale that is usually larger than that of the model of unpenalised columns."""
    design = active.problem.design
    location, spread = design.response_location_and_spread(active.problem.fit_intercept)
    if active.problem.fit_intercept:
        active.set_coef(np.empty(0, dtype=np.intp), np.empty(0), location)
    if isinstance(active.problem.scale, JointScale):
        target = 2.0 * active.problem.loss.kappa * design.total_weight  # type: ignore[attr-defined]
        spread = active.columns.joint_scale(active.delta, target, spread)
    return spread


def settle(active: ActiveSet, rule: ScaleRule, scale: float, tol: float, max_iter: int) -> Settled:
    """Solve for the active columns and for sigma.

    Parameters
    ----------
    active : ActiveSet
    rule : ScaleRule
    scale : float
        The start, which should be too large rather than too small.
    tol : float
        Largest violation, in units of alpha, and largest relative error of sigma.
    max_iter : int
        Most steps at one sigma.

    Returns
    -------
    Settled
    """
    bracket, begin = _Bracket(), scale
    known, tightness = rule.known(), TIGHT * tol
    for _ in range(MOST_TRIALS):
        violation = active.solve(scale, tol, max_iter)
        if known is not None:
            return Settled(scale, violation, 0.0, effective_parameters(active, scale))
        trial = _Trial(active, rule, scale, violation)
        if active.fits_exactly() or trial.vanishes(begin, tol) or trial.leaves_no_freedom:
            return Settled(0.0, violation, 0.0, trial.edf)
        solved = violation <= tol or violation <= active.rounding_level(scale)
        if trial.distance <= tightness or not solved:
            return Settled(scale, violation, trial.distance, trial.edf)
        bracket.add(trial)
        if bracket.width <= 4.0 * tightness:
            return Settled(scale, violation, bracket.width, trial.edf)
        tangent = tangent_at(active, scale)
        following = bracket.next(trial, tangent, tightness)
        if abs(following - scale) < FOLLOWED * scale:
            follow(active, tangent, following - scale)
        scale = following
    return Settled(scale, violation, trial.distance, trial.edf)


@dataclass
class _Bracket:
    """Two scales between which the equation changes its sign, and the trials so far."""

    search: Root = field(default_factory=Root)
    edf_at_low: float = np.inf
    edf_at_high: float = 0.0

    @property
    def low(self) -> float:
        """Largest scale that is known to be too small."""
        return float(np.exp(self.search.low))

    @property
    def high(self) -> float:
        """Smallest scale that is known to be too large."""
        return float(np.exp(self.search.high))

    @property
    def width(self) -> float:
        """Relative width of the bracket."""
        return self.high / self.low - 1.0 if self.low > 0.0 else np.inf

    def add(self, trial: _Trial) -> None:
        """Add a trial."""
        self.search.add(float(np.log(trial.scale)), trial.excess)
        if trial.is_too_small:
            self.edf_at_low = trial.edf
        else:
            self.edf_at_high = trial.edf

    def next(self, trial: _Trial, tangent: Tangent, tightness: float) -> float:
        """Return the next trial of sigma."""
        scale, secant = trial.scale, float(np.exp(self.search.next()))
        bracketed = np.isfinite(self.width)
        adjacent = self.edf_at_low - self.edf_at_high <= ADJACENT
        if not isinstance(trial.rule, JointScale) or (bracketed and not adjacent):
            return secant
        root, event = trial.root(tangent), trial.next_event(tangent)
        if self._contains(root) and not abs(root - scale) > abs(event - scale):
            return float(np.clip(root, scale * np.exp(-LONGEST), scale * np.exp(LONGEST)))
        if bracketed:
            beyond = self._beyond(event, trial, tightness)
            if np.isfinite(beyond):
                return beyond
        return secant

    def _beyond(self, event: float, trial: _Trial, tightness: float) -> float:
        """Just beyond an event if that is within the bracket, else just before it, or else nan."""
        sign = 1.0 if trial.is_too_small else -1.0
        for shift in (sign * tightness, -sign * tightness):
            if self._contains(event * (1.0 + shift)):
                return event * (1.0 + shift)
        return np.nan

    def _contains(self, scale: float) -> bool:
        return self.low < scale < self.high
