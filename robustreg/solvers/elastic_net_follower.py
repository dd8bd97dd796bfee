"""Move along a path of penalised fits: solve at the next alphas, and then check all columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from robustreg.design.active_columns import INTERCEPT
from robustreg.design.base import Point
from robustreg.problem import Problem
from robustreg.solvers.active_set import ActiveSet
from robustreg.solvers.elastic_net_scale import TIGHT, Settled, first_scale, settle
from robustreg.solvers.screening import strong_columns, violating_columns

__all__ = ["Fit", "Follower", "Start", "Step"]

Vector = NDArray[np.float64]

#: Largest change of log sigma that is extrapolated from the path to the next alpha.
LEAP = 0.2

#: ``AHEAD`` is the most alphas that are solved before all columns are checked. For that, columns
#: become active earlier than necessary: at most ``SPARE`` of them, or ``SPARE_PART`` of the active
#: ones, if that is more. A product of X with eight vectors takes twice as long as with one. A path
#: of 20,000 x 500 takes 0.38 s instead of 0.53.
AHEAD, SPARE, SPARE_PART = 8, 20, 0.5

#: Part of alpha by which the strong rule is relaxed where a check costs more than a step.
SLACK = 0.1

#: Trials of sigma after which all columns are checked, before it is solved for to the end. A column
#: that is missing would change it.
PEEK = 3


@dataclass(frozen=True)
class Start:
    """Coefficients of some columns, an intercept and a scale, in working units."""

    index: NDArray[np.intp]
    values: Vector
    intercept: float
    scale: float


@dataclass(frozen=True)
class Fit(Start):
    """The solution at one alpha.

    Attributes
    ----------
    alpha : float
    optimality : float
        The larger of the residual of the conditions of a minimum, in units of alpha, and of the
        relative distance of sigma from the root of its equation.
    edf : float
        Effective number of parameters.
    n_iter : int
        Newton steps.
    """

    alpha: float
    optimality: float
    edf: float
    n_iter: int

    def point(self, problem: Problem) -> Point:
        """The fit as a point, with the coefficients of all columns."""
        coef = np.zeros(problem.design.n_features)
        coef[self.index] = self.values
        return Point(coef, self.intercept, self.scale, problem.loss)


@dataclass(frozen=True)
class Step:
    """The solution for the active columns at an alpha, before the others have been checked.

    Attributes
    ----------
    fit : Fit
        Its optimality is that of the active columns.
    settled : Settled
    coef : array of shape (k,)
        Of the columns that were active.
    psi : array of shape (n,)
        ``psi(e) / sigma``.
    before : tuple of float
        The alpha and the scale of the step before.
    """

    fit: Fit
    settled: Settled
    coef: Vector
    psi: Vector
    before: tuple[float, float]


@dataclass
class Follower:
    """An active set that moves along a path.

    Attributes
    ----------
    active : ActiveSet
    scale : float
    max_iter : int
    slopes : array of shape (p,) or None
        ``sum s psi z / sigma`` of all columns, when they were checked last.
    checked_alpha : float
        The alpha of these slopes.
    ahead : int
        Number of alphas to solve before the next check.
    """

    active: ActiveSet
    scale: float
    max_iter: int
    slopes: Vector | None = None
    checked_alpha: float = np.inf
    ahead: int = 1
    _alpha: float = np.inf
    _before: tuple[float, float] = (np.inf, 0.0)  # alpha and scale of the previous step
    _trend: float = 0.0  # of log sigma over log alpha
    _counted: int = 0  # steps of the fits that have been checked

    @classmethod
    def of(cls, problem: Problem, max_iter: int) -> Follower:
        """Start with the model of the unpenalised columns."""
        active = ActiveSet(problem)
        return cls(active, first_scale(active), max_iter)

    def null_model(self, tol: float) -> Settled:
        """Solve the model of the unpenalised columns, and set the slopes and the largest alpha."""
        settled = settle(self.active, self.scale, tol, self.max_iter)
        if settled.scale > 0.0:
            self.scale = settled.scale
            self.slopes = self.active.slopes_of_all(settled.scale)
            self.checked_alpha = self._alpha = self.largest_alpha()
        return settled

    def largest_alpha(self) -> float:
        """The smallest alpha at which all penalised coefficients are zero."""
        assert self.slopes is not None
        sizes = self.active.unit_sizes
        penalised = sizes > 0.0
        slopes = self.slopes if self.active.penalty.positive else np.abs(self.slopes)
        return float((slopes[penalised] / sizes[penalised]).max(initial=0.0))

    def go_to(self, alpha: float, tol: float) -> Step:
        """Solve at an alpha, with all columns checked."""
        while True:
            step = self.advance(alpha, tol)
            if step.settled.scale == 0.0:
                return step
            checked = self.check([step], tol)
            if checked:
                return checked[0]

    def advance(self, alpha: float, tol: float) -> Step:
        """Solve for the columns that may be nonzero at an alpha by the strong rule."""
        active = self.active
        active.columns.restart(active.coef)
        active.set_alpha(alpha)
        if self.slopes is not None:
            active.add(self._strong(alpha))
        scale = self.scale
        if alpha != self._alpha:
            leap = self._trend * _way(self._alpha, alpha)
            scale *= float(np.exp(np.clip(leap, -LEAP, LEAP)))
            self._before = self._alpha, self.scale
        settled = settle(active, scale, tol, self.max_iter, PEEK)
        if settled.distance > 4.0 * TIGHT * tol and settled.violation <= tol:
            slopes = active.slopes_of_all(settled.scale)
            active.add(violating_columns(active, slopes, tol)[1])
            settled = settle(active, settled.scale, tol, self.max_iter)
        psi = np.empty(0)
        if settled.scale > 0.0:
            self.scale, self._alpha = settled.scale, alpha
            way = _way(self._before[0], alpha)
            self._trend = float(np.log(self.scale / self._before[1])) / way if way else 0.0
            psi = active.columns.psi(active.delta * self.scale) / self.scale
        return Step(self._fit(settled), settled, active.coef.copy(), psi, self._before)

    def check(self, steps: Sequence[Step], tol: float) -> list[Step]:
        """Check all columns at each step. Return the first steps that no column violates.

        If there is a violation, the columns become active, and the follower returns to that step.
        """
        active = self.active
        checked: list[Step] = []
        products = active.products_of_all(np.stack([step.psi for step in steps]), self.scale)
        for step, slopes in zip(steps, products, strict=True):
            active.set_alpha(step.fit.alpha)
            outer, entering = violating_columns(active, slopes, tol, step.coef.size)
            if entering.size and step.settled.violation <= tol:
                active.coef = np.pad(step.coef, (0, active.columns.size - step.coef.size))
                self.scale, self._alpha, self.ahead = step.settled.scale, step.fit.alpha, 1
                self._before = step.before
                active.add(np.setdiff1d(entering, active.columns.index))
                return checked
            self.slopes, self.checked_alpha = slopes, step.fit.alpha
            optimality = max(outer, step.fit.optimality)
            made, self._counted = max(step.fit.n_iter - self._counted, 0), step.fit.n_iter
            fit = replace(step.fit, optimality=optimality, n_iter=made)
            checked.append(replace(step, fit=fit))
        self.ahead = min(2 * self.ahead, AHEAD)
        return checked

    def horizon(self, alphas: Sequence[float]) -> int:
        """Number of the next alphas to solve before all columns are checked."""
        ahead, size = min(self.ahead, len(alphas)), self.active.columns.size
        if not self._check_is_dear:
            return 1
        while ahead > 1:
            if self._strong(alphas[ahead - 1]).size <= max(SPARE, SPARE_PART * size):
                break
            ahead //= 2
        return ahead

    @property
    def _check_is_dear(self) -> bool:
        """Whether a check costs more than a step, which is wasted after a violation."""
        design, size = self.active.problem.design, self.active.columns.size
        step = 4 * design.n_rows * size + size**3 / 3  # products with X, and a factor
        return step < design.n_rows * design.n_features

    def _strong(self, alpha: float) -> NDArray[np.intp]:
        assert self.slopes is not None
        slack = SLACK if self._check_is_dear else 0.0
        known = max(self.checked_alpha, alpha)
        return strong_columns(self.active, self.slopes, known, alpha, slack)

    def _fit(self, settled: Settled) -> Fit:
        """Return a solution without the data. Its steps are counted from the beginning."""
        active = self.active
        nonzero = np.flatnonzero((active.coef != 0.0) & (active.columns.index != INTERCEPT))
        return Fit(
            active.columns.index[nonzero],
            active.coef[nonzero],
            float(active.coef[0]) if active.problem.fit_intercept else 0.0,
            settled.scale,
            active.alpha,
            max(settled.violation, settled.distance),
            settled.edf,
            active.n_iter,
        )

    def constant(self, alpha: float) -> Fit:
        """Return the constant fit, for data in which most responses are equal."""
        self.active.alpha = alpha
        return self._fit(Settled(0.0, 0.0, 0.0, 1.0))


def _way(begin: float, end: float) -> float:
    """Change of log alpha, which is 0 if there is no alpha before."""
    return float(np.log(end / begin)) if 0.0 < begin < np.inf else 0.0
