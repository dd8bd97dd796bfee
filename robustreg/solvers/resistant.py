"""MM-estimates: the S-estimate with the lowest scale found, and the M-estimate at this scale.

    S    minimise sigma over w and b, where  sum s rho_0(e / sigma) / sup rho_0 = breakdown * nu
    M    starting there, minimise  sum s rho_1(e / sigma_S)

(P. J. Rousseeuw, V. J. Yohai, "Robust regression by means of S-estimators", Lecture Notes in
Statistics 26 (1984); V. J. Yohai, "High breakdown-point and high efficiency robust estimates for
regression", Ann. Statist. 15 (1987).) At a minimum of S the coefficients minimise
``sum s rho_0(e / sigma)`` at their own sigma. Sigma is stationary there, so that alternating
between the coefficients and sigma converges quadratically.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from robustreg.design.base import Design, Point
from robustreg.design.units import power_of_two
from robustreg.losses import Redescending
from robustreg.m_scale import MScale
from robustreg.objective import AtScale
from robustreg.penalties import Ridge
from robustreg.problem import NEGLIGIBLE, Problem
from robustreg.solvers.certificate import LocalModel, local_model
from robustreg.solvers.minimise import Reached, minimise
from robustreg.solvers.minimum_norm import minimum_norm
from robustreg.solvers.result import Status
from robustreg.solvers.starts.convergence import Minima
from robustreg.solvers.starts.pilot import Pilot, take_pilot
from robustreg.solvers.starts.search import search
from robustreg.solvers.zero import deviations, interpolation

__all__ = ["MMProblem", "MMResult", "solve_mm"]

Vector = NDArray[np.float64]

#: A minimum of the pilot may be the lowest one on all rows if its scale is within this many
#: standard errors of the pilot's lowest. The second number is how many of these are refined.
DOUBT, FOLLOWED = 3.0, 4

#: S and M are solved to this part of the tolerance over a small design, whatever N is. It costs one
#: or two passes of Newton's method, and results agree with those of other programs to ten digits.
BEYOND = 1e-3

#: Distance to which S is solved at the scale of its start. The error of the scale is the square of
#: this distance, so that one more round is enough.
FIRST_ROUND = 0.1

#: Largest scale in working units. Beyond it squares overflow, and responses get a larger unit.
LARGEST_SCALE = 1e100

#: Most alternations between coefficients and scale. Three to five are usual.
ROUNDS = 50


@dataclass(frozen=True)
class MMProblem:
    """The problem of an MM-estimate.

    Parameters
    ----------
    s_loss, m_loss : Redescending
        Losses of standardised residuals, for the scale and for the coefficients.
    breakdown : float
    fit_intercept : bool
    n_subsets : int
    max_iter : int
        Most iterations for each of S and M.
    tol : float
        In standard errors.
    """

    s_loss: Redescending
    m_loss: Redescending
    breakdown: float
    fit_intercept: bool
    n_subsets: int
    max_iter: int
    tol: float

    def over(self, design: Design) -> Problem:
        """The S problem over a design."""
        rule = MScale(self.s_loss, self.breakdown)
        return Problem(design, self.s_loss, rule, Ridge(), self.fit_intercept)

    def tolerance(self, design: Design) -> float:
        """The tolerance to which S and M are solved."""
        return self.tol * (BEYOND if design.is_small else 1.0)


@dataclass(frozen=True)
class MMResult:
    """Both estimates, in working units.

    Attributes
    ----------
    problem : Problem
        The M problem, with the rank of X.
    point, s_point : Point
        The M- and the S-estimate, with the same scale.
    optimality : float
        The larger of the distances to the two local minima, in standard errors.
    n_iter : int
    status : Status
    n_starts, n_best_starts : int
    runner_up : float
        The scale of the second lowest minimum divided by that of the lowest, infinite if there was
        only one.
    """

    problem: Problem
    point: Point
    s_point: Point
    optimality: float
    n_iter: int
    status: Status
    n_starts: int = 1
    n_best_starts: int = 1
    runner_up: float = np.inf


@dataclass(frozen=True)
class _Local:
    """A local minimum of S or M."""

    point: Point
    optimality: float
    n_iter: int
    status: Status


@np.errstate(over="ignore")  # far rows are beyond the last knot of the loss
def solve_mm(stated: MMProblem, design: Design, rng: np.random.Generator) -> MMResult:
    """Compute the MM-estimate over a design.

    Parameters
    ----------
    stated : MMProblem
    design : Design
    rng : Generator
        The generator of the random subsets.

    Returns
    -------
    MMResult
        The solution with the coefficients of least norm, if there are several.
    """
    problem = stated.over(design)
    problem, pilot = take_pilot(problem, stated.s_loss, stated.breakdown)
    problem = replace(problem, rank=_rank(problem, pilot))
    if problem.freedom <= 0.0 or problem.may_interpolate:
        return _interpolated(problem)
    minima = search(pilot.sample, stated.n_subsets, rng)
    s = _lowest(problem, pilot, minima, stated)
    if s.point.scale > LARGEST_SCALE:
        return solve_mm(stated, _in_larger_units(design, s.point.scale), rng)
    counts = minima.n_starts, minima.n_best, minima.runner_up
    if s.status is Status.EXACT_FIT:
        return _exact(problem, s.point, counts)
    m_problem = replace(problem, loss=stated.m_loss)
    m = _solve_m(m_problem, s.point._replace(loss=stated.m_loss), stated)
    point, s_point = m.point, s.point
    if problem.known_rank < problem.design.n_features:
        point, s_point = minimum_norm(m_problem, point), minimum_norm(problem, s_point)
    status = s.status if s.status is not Status.CONVERGED else m.status
    bound = max(s.optimality, m.optimality)
    return MMResult(m_problem, point, s_point, bound, s.n_iter + m.n_iter, status, *counts)


def _in_larger_units(design: Design, scale: float) -> Design:
    unit = design.units.response_scale * float(power_of_two(np.asarray(scale)))
    return design.in_units(design.units._replace(response_scale=unit))


def _rank(problem: Problem, pilot: Pilot) -> int:
    """Rank of X without the intercept."""
    if pilot.whole or pilot.rank == problem.n_linear:
        return pilot.rank - problem.fit_intercept
    linear = problem.least_squares()
    model = local_model(linear, np.zeros(linear.size), None)
    return model.objective.problem.known_rank


# -- S --------------------------------------------------------------------------------------------


def _lowest(problem: Problem, pilot: Pilot, minima: Minima, stated: MMProblem) -> _Local:
    """Refine minima of the pilot on all rows, and return the lowest."""
    candidates, scales = minima.candidates[:1], minima.scales[:1]
    if not pilot.whole:
        error = problem.scale.relative_error(problem.loss) / np.sqrt(pilot.sample.shape[0])
        near = minima.scales <= minima.scales[0] * (1.0 + DOUBT * error)
        candidates, scales = minima.candidates[near][:FOLLOWED], minima.scales[near][:FOLLOWED]
    found: list[_Local] = []
    for candidate, scale in zip(candidates, scales, strict=True):
        point = pilot.point(candidate, float(scale), problem.loss)
        point = point._replace(scale=problem.estimate_scale(point))
        if found and point.scale > found[0].point.scale * (1.0 + DOUBT * error):
            continue
        found.append(_solve_s(problem, point, stated))
        if found[-1].status is Status.EXACT_FIT:
            return found[-1]
    return min(found, key=lambda local: local.point.scale)


def _solve_s(problem: Problem, point: Point, stated: MMProblem) -> _Local:
    """Find the local minimum of the scale near a point."""
    wanted = stated.tolerance(problem.design)
    iterations, tol = 0, max(FIRST_ROUND, wanted)
    objective, reached = problem.at_scale(point.scale), None
    if point.scale > LARGEST_SCALE:
        return _Local(point, np.inf, 0, Status.ROUNDING)
    for _ in range(ROUNDS):
        if problem.is_zero(point.scale, point, NEGLIGIBLE):
            break
        model = None if reached is None else _carried(reached, objective)
        start, left = objective.at(point), stated.max_iter - iterations
        reached = minimise(objective, start, memory=True, tol=tol, max_iter=left, model=model)
        iterations += reached.n_iter
        point = objective.point(reached.parameters)
        scale = problem.estimate_scale(point)
        shift, point = problem.scale_shift(point.scale, scale), point._replace(scale=scale)
        done = reached.bound <= wanted or tol == wanted
        if iterations >= stated.max_iter or (done and (not reached.n_iter or shift <= wanted)):
            break
        objective, tol = AtScale(reached.model.objective.problem, scale), wanted
    if reached is None or problem.is_zero(point.scale, point, NEGLIGIBLE):
        return _Local(point._replace(scale=0.0), 0.0, iterations, Status.EXACT_FIT)
    return _judged(reached, point, iterations, stated)


def _carried(reached: Reached, objective: AtScale) -> LocalModel | None:
    """Return the model at the end of a round for another scale, with the same metric.

    None if the metric is damped, or if many rows have crossed the threshold since it was computed.
    """
    model = reached.model
    if model.metric.mixing or model.is_stale(model.distance(model.evaluation)):
        return None
    return model.carried_to(objective, reached.parameters)


def _solve_m(problem: Problem, point: Point, stated: MMProblem) -> _Local:
    """Find the local minimum of M near a point, at the scale of this point."""
    tol, objective = stated.tolerance(problem.design), problem.at_scale(point.scale)
    start, most = objective.at(point), stated.max_iter
    reached = minimise(objective, start, memory=True, tol=tol, max_iter=most)
    return _judged(reached, objective.point(reached.parameters), reached.n_iter, stated)


def _judged(reached: Reached, point: Point, n_iter: int, stated: MMProblem) -> _Local:
    """Set the status by the tolerance of the user, which may be larger than the one solved to."""
    if reached.bound <= stated.tol:
        status = Status.CONVERGED
    else:
        status = Status.MAX_ITER if n_iter >= stated.max_iter else Status.ROUNDING
    return _Local(point, reached.bound, n_iter, status)


# -- fits without noise ---------------------------------------------------------------------------


def _interpolated(problem: Problem) -> MMResult:
    """Return the coefficients of least norm among those that fit every row."""
    p = problem.design.n_features
    start = Point(np.zeros(p), 0.0, 1.0, problem.loss)
    result = interpolation(replace(problem, rank=None), start)
    point = result.point
    if result.problem.known_rank < p:
        point = minimum_norm(result.problem, point._replace(scale=1.0))
    point = point._replace(scale=0.0)
    return MMResult(result.problem, point, point, 0.0, 1, Status.EXACT_FIT)


@np.errstate(over="ignore", invalid="ignore")  # in rows that are not fitted, which may be far
def _exact(problem: Problem, point: Point, counts: tuple[int, int, float]) -> MMResult:
    """Refine an exact fit by least squares on the rows that are fitted exactly."""
    design = problem.design
    if design.in_memory:
        level = NEGLIGIBLE * design.rounding_level(point)
        # With frequencies, few distinct rows may have degrees of freedom, and yet all be fitted.
        whole = _interpolated(problem)
        if deviations(problem, whole.point) <= level * design.total_weight:
            return replace(whole, n_starts=counts[0], n_best_starts=counts[1], runner_up=counts[2])
        fitted = np.abs(design.residuals(point)) <= level
        weights = fitted.astype(np.float64)
        if design.weights is not None:
            weights *= design.weights
        part = problem.on(design.reweighted(weights))
        refined = interpolation(part, point).point
        if np.abs(design.residuals(refined))[fitted].max(initial=0.0) <= level:
            point = refined
        if problem.known_rank < design.n_features:
            point = minimum_norm(part, point._replace(scale=1.0))
    point = point._replace(scale=0.0)
    return MMResult(problem, point, point, 0.0, 1, Status.EXACT_FIT, *counts)
