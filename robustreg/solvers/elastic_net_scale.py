"""Solve for the scale of a penalised fit: the largest sigma at which its equation changes sign.

The coefficients, and the number of nonzero ones, are functions of sigma. As long as no sign changes
and no row crosses the threshold, the coefficients are linear in sigma, and the equation of the
joint scale is quadratic. If a column leaves or enters, the effective number of parameters jumps,
and the equation may change its sign in the jump. The next trial is the sigma at which the equation
changes its sign if the coefficients keep moving as they do, with all jumps on the way. If it
changes in a jump, trials just before and just after the jump confirm it. Fixed-point iteration
would alternate between both sides for ever.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from robustreg.losses import Huber
from robustreg.solvers.active_set import ActiveSet
from robustreg.solvers.elastic_net_edf import effective_parameters
from robustreg.solvers.elastic_net_tangent import Tangent, follow, tangent_at
from robustreg.solvers.root import LONGEST, Root, quadratic_roots

__all__ = ["Settled", "effective_parameters", "first_scale", "settle"]

Vector = NDArray[np.float64]

#: The scale is solved to this part of the tolerance.
TIGHT = 1e-2

#: A scale counts as zero below the first part of the scale at which the search began. To get there
#: takes 21 of the longest steps, so that the fit must be exact. The second part applies if rounding
#: errors of the residuals, which are of the size of y, keep the coefficients from their minimum.
VANISHING, DOUBTFUL = 1e-9, 1e-6

#: A bracket that is not halved by this number of trials is bisected.
PATIENCE = 3

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
    scale: float
    violation: float
    edf: float = field(init=False)
    estimate: float = field(init=False)
    #: Whether no degrees of freedom are left for the joint scale.
    lacks_freedom: bool = field(init=False)

    def __post_init__(self) -> None:
        self.edf = effective_parameters(self.active, self.scale)
        freedom = self.active.problem.freedom_beside(self.edf)
        self.estimate = self.active.estimate(self.scale, freedom)
        self.lacks_freedom = self.is_joint and freedom <= 0.0

    @property
    def is_joint(self) -> bool:
        """Whether sigma solves the equation of the joint scale."""
        return self.active.problem.scale.convex

    @property
    def is_too_small(self) -> bool:
        """Whether the residuals ask for a larger sigma."""
        return self.lacks_freedom or self.estimate > self.scale

    def vanishes(self, begin: float, tol: float) -> bool:
        """Whether sigma or its estimate is zero compared with the start of the search."""
        small = VANISHING if self.violation <= tol else DOUBTFUL
        return not self.is_too_small and min(self.scale, self.estimate) < small * begin

    @property
    def leaves_no_freedom(self) -> bool:
        """Whether degrees of freedom are missing at every larger sigma too.

        This is so if the coefficients no longer depend on sigma.
        """
        if not self.lacks_freedom:
            return False
        active = self.active
        clipped = active.columns.largest_residual() > active.delta * self.scale
        return not clipped and not active.sizes[active.coef != 0.0].any()

    @property
    def excess(self) -> float:
        """Logarithm of the estimate of sigma divided by sigma."""
        if self.lacks_freedom:
            return LONGEST
        return float(np.log(self.estimate / self.scale)) if self.estimate > 0.0 else -LONGEST

    @property
    def distance(self) -> float:
        """Relative difference between sigma and its estimate."""
        return abs(self.estimate - self.scale) / self.scale

    def predict(self, tangent: Tangent) -> tuple[float, bool]:
        """Where the equation of the joint scale changes its sign along the tangent.

        Returns
        -------
        scale : float
            Sigma there, or nan if the sign does not change.
        jumps : bool
            Whether the sign changes in a jump, because a column leaves or enters there.
        """
        active, scale, up = self.active, self.scale, self.is_too_small
        terms = active.columns.quadratic(active.delta * scale, tangent.residual)
        members = int(np.count_nonzero((active.coef != 0.0) | active.signs.free))
        each = self.edf / max(members, 1)  # less than one beside a quadratic penalty
        events, changes = tangent.events(active, scale, up)
        edf, begin = self.edf, 0.0
        for event, change in zip(events, changes, strict=True):
            roots = quadratic_roots(*self._coefficients(terms, edf))
            inside = [x for x in roots if min(begin, event) <= x <= max(begin, event)]
            if inside:
                return scale + min(inside, key=abs), False
            edf += each * change
            a, b, c = self._coefficients(terms, edf)
            if change and ((a * event + 2.0 * b) * event + c > 0.0) != up:
                return scale + event, True
            begin = event
        return np.nan, False

    def _coefficients(
        self, terms: tuple[float, float, float, float], edf: float
    ) -> tuple[float, float, float]:
        """The equation ``a x² + 2 b x + c = 0`` for the change x of sigma."""
        square, mixed, slope, outside = terms
        problem = self.active.problem
        assert isinstance(problem.loss, Huber)
        outer = -2.0 * problem.loss.kappa * problem.freedom_beside(edf)
        if outside:
            outer += self.active.delta**2 * outside
        return slope + outer, mixed + outer * self.scale, square + outer * self.scale**2


def first_scale(active: ActiveSet) -> float:
    """Return the scale if it is given, or one that is usually larger than that of the null model.

    The null model is that of the unpenalised columns.
    """
    design = active.problem.design
    location, spread = design.response_location_and_spread(active.problem.fit_intercept)
    if active.problem.fit_intercept:
        active.set_coef(np.empty(0, dtype=np.intp), np.empty(0), location)
    return active.estimate(spread, design.total_weight)


def settle(
    active: ActiveSet,
    scale: float,
    tol: float,
    max_iter: int,
    trials: int = MOST_TRIALS,
) -> Settled:
    """Solve for the active columns and for sigma.

    Parameters
    ----------
    active : ActiveSet
    scale : float
        The start, which should be too large rather than too small.
    tol : float
        Largest violation, in units of alpha, and largest relative error of sigma.
    max_iter : int
        Most steps at one sigma.
    trials : int
        Most values of sigma. After them, the relative distance of sigma from its root may be large.

    Returns
    -------
    Settled
    """
    bracket, tightness = _Bracket(), TIGHT * tol
    known = active.problem.scale.known()
    begin = scale = scale if known is None else known
    for left in reversed(range(trials)):
        violation = active.solve(scale, tol, max_iter)
        if known is not None:
            return Settled(scale, violation, 0.0, effective_parameters(active, scale))
        trial = _Trial(active, scale, violation)
        if active.fits_exactly() or trial.vanishes(begin, tol) or trial.leaves_no_freedom:
            return Settled(0.0, violation, 0.0, trial.edf)
        solved = violation <= tol or violation <= active.rounding_level(scale)
        if trial.distance <= tightness or not solved:
            return Settled(scale, violation, trial.distance, trial.edf)
        bracket.add(trial)
        if bracket.width <= 4.0 * tightness:
            return Settled(scale, violation, bracket.width, trial.edf)
        if not left:
            break
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
    widths: list[float] = field(default_factory=list)

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
        self.widths.append(self.width)

    @property
    def is_stuck(self) -> bool:
        """Whether the last trials have not halved a finite bracket."""
        before = self.widths[-1 - PATIENCE] if len(self.widths) > PATIENCE else np.inf
        return self.widths[-1] > 0.5 * before

    def next(self, trial: _Trial, tangent: Tangent, tightness: float) -> float:
        """Return the next trial of sigma."""
        scale, secant = trial.scale, float(np.exp(self.search.next()))
        if not trial.is_joint:
            return secant
        if self.is_stuck:
            return 0.5 * (self.low + self.high)
        predicted, jumps = trial.predict(tangent)
        if jumps:
            predicted = self._beyond(predicted, trial, tightness)
        if self._contains(predicted):
            return float(np.clip(predicted, scale * np.exp(-LONGEST), scale * np.exp(LONGEST)))
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
