"""The path of penalised fits over decreasing alphas, and the fit at one alpha."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from robustreg.design.active_columns import INTERCEPT
from robustreg.design.base import Point
from robustreg.problem import Problem
from robustreg.scales import MedianScale, ScaleRule
from robustreg.solvers.active_set import ActiveSet
from robustreg.solvers.elastic_net_scale import Settled, first_scale, settle
from robustreg.solvers.one_thread import one_thread

__all__ = ["Ending", "Fit", "Path", "Start", "fit_at", "follow_path"]

Vector = NDArray[np.float64]

#: Factor between the alphas on the way to a single alpha.
WAY = 0.5

#: Tolerance on the way to a single alpha, where only the active columns and the scale matter.
WAY_TOLERANCE = 1e-3

#: Largest change of log sigma that is extrapolated from the path to the next alpha.
LEAP = 0.2

#: A path is saturated if the scale exceeds this multiple of its smallest scale. Too few degrees of
#: freedom are then left for the outliers. With 100 and 1,000 rows, 10 % of outliers, and 200 and
#: 5,000 columns, the joint scale rises by a quarter until the effective parameters are half as many
#: as the rows. After that it grows to three times and more within an alpha or two.
SATURATED = 2.0


class Ending(Enum):
    """Why a path ended. The values are the messages for users."""

    COMPLETE = "all alphas were reached"
    NO_SCALE = "the residuals leave no positive scale"
    NO_FREEDOM = "no degrees of freedom are left for the scale"
    INFLATED = "the scale is more than twice the smallest of the path"


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


@dataclass
class Path:
    """Fits at decreasing alphas.

    Attributes
    ----------
    alphas : array of shape (n_alphas,)
        All alphas that were requested.
    fits : list of Fit
        The fits at the first of them.
    ending : Ending
    """

    alphas: Vector
    fits: list[Fit]
    ending: Ending


@dataclass
class _Follower:
    """An active set that moves along a path, and the slopes of all columns at its last alpha."""

    active: ActiveSet
    scale: float
    max_iter: int
    slopes: Vector | None = None
    last_alpha: float = np.inf
    trend: float = 0.0  # of log sigma over log alpha

    @classmethod
    def of(cls, problem: Problem, max_iter: int) -> _Follower:
        """Start with the model of the unpenalised columns."""
        active = ActiveSet(problem)
        known = problem.scale.known()
        scale = first_scale(active) if known is None else known
        return cls(active, scale, max_iter)

    def null_model(self, tol: float) -> Settled:
        """Solve the model of the unpenalised columns, and set the slopes and the largest alpha."""
        settled = settle(self.active, self._rule, self.scale, tol, self.max_iter)
        if settled.scale > 0.0:
            self.scale = settled.scale
            self.slopes = self.active.slopes_of_all(settled.scale)
            self.last_alpha = self.largest_alpha()
        return settled

    @property
    def _rule(self) -> ScaleRule:
        return self.active.problem.scale

    def largest_alpha(self) -> float:
        """The smallest alpha at which all penalised coefficients are zero."""
        assert self.slopes is not None
        sizes = self.active.unit_sizes
        penalised = sizes > 0.0
        slopes = self.slopes if self.active.penalty.positive else np.abs(self.slopes)
        return float((slopes[penalised] / sizes[penalised]).max(initial=0.0))

    def go_to(self, alpha: float, tol: float) -> tuple[Settled, float]:
        """Solve at the next alpha. Return the solution and the largest violation of all columns."""
        active = self.active
        active.columns.restart(active.coef)
        active.set_alpha(alpha)
        if self.slopes is not None:
            active.add(active.strong(self.slopes, max(self.last_alpha, alpha)))
        begin, way = self.scale, 0.0
        if 0.0 < self.last_alpha < np.inf and self._rule.known() is None:
            way = float(np.log(alpha / self.last_alpha))
        self.scale *= float(np.exp(np.clip(self.trend * way, -LEAP, LEAP)))
        while True:
            settled = settle(active, self._rule, self.scale, tol, self.max_iter)
            if settled.scale == 0.0:
                return settled, settled.violation
            self.scale = settled.scale
            self.trend = float(np.log(self.scale / begin)) / way if way else 0.0
            self.slopes = active.slopes_of_all(settled.scale)
            outer, entering = active.violating(self.slopes, tol)
            if not entering.size or settled.violation > tol:
                self.last_alpha = alpha
                return settled, max(outer, settled.violation)
            active.add(entering)

    def fit(self, settled: Settled, violation: float, before: int) -> Fit:
        """Return a solution without the data."""
        active = self.active
        nonzero = np.flatnonzero((active.coef != 0.0) & (active.columns.index != INTERCEPT))
        return Fit(
            active.columns.index[nonzero],
            active.coef[nonzero],
            float(active.coef[0]) if active.problem.fit_intercept else 0.0,
            settled.scale,
            active.alpha,
            max(violation, settled.distance),
            settled.edf,
            active.n_iter - before,
        )


@one_thread()
def follow_path(
    problem: Problem,
    alphas: Sequence[float] | Vector | None,
    *,
    eps: float = 1e-3,
    n_alphas: int = 100,
    tol: float,
    max_iter: int,
    most: float = np.inf,
) -> Path:
    """Compute fits at decreasing alphas, each starting from the one before.

    Parameters
    ----------
    problem : Problem
        With an elastic net, whose alpha is not used.
    alphas : array-like, optional
        In decreasing order. By default, ``n_alphas`` values in equal ratios, from the smallest
        alpha at which all penalised coefficients are zero down to ``eps`` times that alpha.
    eps, n_alphas, tol, max_iter
    most : float, default=inf
        The path ends at this number of effective parameters.

    Returns
    -------
    Path
    """
    follower = _Follower.of(problem, max_iter)
    first = None
    if follower.scale > 0.0:
        first = follower.null_model(tol)
    if first is None or first.scale == 0.0:
        # Most responses are equal, and a constant fits them at every alpha.
        chosen = np.asarray([1.0] if alphas is None else alphas, dtype=np.float64)
        return Path(chosen, [_exact(follower, alpha) for alpha in chosen], Ending.COMPLETE)
    if alphas is None:
        largest = follower.largest_alpha()
        # All alphas give the same fit if no column is penalised, or no slope has the right sign.
        alphas = largest * eps ** np.linspace(0.0, 1.0, n_alphas) if largest > 0.0 else [1.0]
    path = Path(np.asarray(alphas, dtype=np.float64), [], Ending.COMPLETE)
    for alpha in path.alphas.tolist():
        before = follower.active.n_iter
        settled, violation = follower.go_to(alpha, tol)
        ending = _end(problem, settled, path.fits)
        if settled.edf > most:
            ending = Ending.NO_FREEDOM
        # A path has at least one fit, even if its scale is zero.
        if ending is not None and path.fits:
            path.ending = ending
            break
        path.fits.append(follower.fit(settled, violation, before))
    return path


def _end(problem: Problem, settled: Settled, fits: Sequence[Fit]) -> Ending | None:
    """Return why a path ends before this fit, None if it does not."""
    if problem.scale.known() is not None:
        return None
    if settled.scale == 0.0:
        return Ending.NO_SCALE
    rows = problem.design.n_observations
    # The median of the absolute residuals is zero if half of the rows can be fitted exactly.
    room = 0.5 * rows if isinstance(problem.scale, MedianScale) else 1.0
    if rows - settled.edf < room:
        return Ending.NO_FREEDOM
    if fits and settled.scale > SATURATED * min(fit.scale for fit in fits):
        return Ending.INFLATED
    return None


@one_thread()
def fit_at(
    problem: Problem, alpha: float, *, tol: float, max_iter: int, start: Start | None = None
) -> Fit:
    """Compute the fit at one alpha, starting from another solution or from larger alphas.

    If the equation of the scale has no positive root, the scale is zero, and the coefficients are
    those of the smallest scale that was tried.
    """
    follower = _Follower.of(problem, max_iter)
    if follower.scale == 0.0:
        return _exact(follower, alpha)
    before = follower.active.n_iter
    if start is not None and start.scale > 0.0:
        follower.active.set_coef(start.index, start.values, start.intercept)
        if problem.scale.known() is None:
            follower.scale = start.scale
    else:
        for way in _alphas_on_the_way(follower, alpha, max(tol, WAY_TOLERANCE)):
            begin = follower.scale
            if follower.go_to(way, max(tol, WAY_TOLERANCE))[0].scale == 0.0:
                follower.scale = begin
    settled, violation = follower.go_to(alpha, tol)
    return follower.fit(settled, violation, before)


def _alphas_on_the_way(follower: _Follower, alpha: float, tol: float) -> Iterator[float]:
    """Alphas from the largest down to just above the requested one."""
    if not follower.active.unit_sizes.any() or follower.null_model(tol).scale == 0.0:
        return
    way = WAY * follower.largest_alpha()
    while way > alpha:
        yield way
        way *= WAY


def _exact(follower: _Follower, alpha: float) -> Fit:
    """The constant fit, for data in which most responses are equal."""
    settled = Settled(0.0, 0.0, 0.0, 1.0)
    follower.active.alpha = alpha
    return follower.fit(settled, 0.0, follower.active.n_iter)
