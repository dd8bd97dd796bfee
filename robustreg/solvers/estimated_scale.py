"""A scale that is no parameter of a convex problem: the MAD, and any scale beside a penalty.

The coefficients are a function of sigma, and sigma is what its rule makes of their residuals. One
equation in one unknown is solved, ``log estimate(sigma) = log sigma``, by secants between the ends
of a bracket. Near its root the coefficients take one Newton step for each new sigma.

Beside a penalty the rule needs the effective number of parameters, ``edf = tr(H^-1 (H - A))`` with
the Hessian H of iterated least squares and A that of the penalty. It changes little near the
solution: it is held while the equation is solved, and then computed anew.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from robustreg.design.base import Point
from robustreg.objective import Objective
from robustreg.penalties import Ridge
from robustreg.problem import NEGLIGIBLE, Problem
from robustreg.scales import JointScale
from robustreg.solvers.certificate import local_model
from robustreg.solvers.descent import SMALLEST_SCALE
from robustreg.solvers.minimise import SERVES, Reached, minimise
from robustreg.solvers.result import Result, Status
from robustreg.solvers.root import Root, secant
from robustreg.solvers.zero import solve_at_zero, without_slopes

__all__ = ["solve_with_rule"]

Vector = NDArray[np.float64]

#: Part of the shift of sigma, in standard errors, to which the coefficients are solved at a sigma.
INNER = 0.1

#: Part of the tolerance to which a penalised fit is solved. Half costs no pass at 1,000 x 20.
BEYOND = 0.5

#: How often the effective parameters are computed anew, and the most sigmas that are tried for
#: each: a bisection of log sigma to its last bit takes fewer.
ROUNDS = 60


@dataclass(frozen=True)
class _State:
    """Coefficients near their minimum at a sigma, and how far sigma is from what its rule says."""

    reached: Reached
    objective: Objective
    estimate: float
    shift: float  # in standard errors

    @classmethod
    def of(cls, reached: Reached, objective: Objective) -> _State:
        problem = objective.problem
        point = objective.point(reached.parameters)
        estimate = problem.step_of_scale(point, reached.evaluation.sums)
        return cls(reached, objective, estimate, problem.scale_shift(point.scale, estimate))

    def counting(self, edf: float) -> _State:
        """The same with another number of effective parameters."""
        problem = replace(self.objective.problem, edf=edf)
        return _State.of(self.reached, problem.at_scale(self.point.scale))

    def shift_by(self, edf: float) -> float:
        """How far so many effective parameters more would move sigma, in standard errors."""
        problem = self.objective.problem
        if edf == 0.0:
            return 0.0
        assert isinstance(problem.scale, JointScale)
        design, sums = problem.design, self.reached.evaluation.sums
        slope = problem.scale.slope_of_freedom(sums, design.total_weight, self.point)
        lost = design.total_weight * edf / design.n_observations
        return problem.scale_shift(1.0, 1.0 + abs(slope) * lost / problem.freedom)

    @property
    def point(self) -> Point:
        return self.objective.point(self.reached.parameters)

    @property
    def log_scale(self) -> float:
        return float(np.log(self.point.scale))

    @property
    def excess(self) -> float:
        return float(np.log(max(self.estimate, np.finfo(np.float64).tiny))) - self.log_scale

    @property
    def trial(self) -> tuple[float, float]:
        """The logarithm of sigma, and what that of the estimate is more."""
        return self.log_scale, self.excess

    @property
    def is_solved(self) -> bool:
        """Whether the coefficients are near their minimum, beside what is left to sigma."""
        return self.reached.distance <= INNER * self.shift

    @property
    def distance(self) -> float:
        """The larger of the two distances."""
        return max(self.reached.distance, self.shift)

    @cached_property
    def tangent(self) -> Vector:
        """Derivative of the coefficients with respect to sigma, by that of the gradient."""
        model = self.reached.model
        start, border = model.evaluation, model.metric.border
        if border is None:
            return np.zeros_like(start.gradient)
        sums = model.objective.pack(start.sums.gradient, start.sums.psi, np.nan)
        return model.metric.solve(sums - border) / model.objective.scale_of(start.parameters)

    @property
    def slope(self) -> float | None:
        """Derivative of the logarithm of the estimate with respect to that of sigma, if known."""
        border = self.reached.model.metric.border
        if border is None:
            return None
        problem, sums = self.objective.problem, self.reached.evaluation.sums
        pull = self.point.scale * float(border @ self.tangent)
        return problem.scale.slope(pull, sums, problem.design.total_weight, self.point)

    @property
    def vanishes(self) -> bool:
        return self.objective.problem.is_zero(self.estimate, self.point, NEGLIGIBLE)

    def collapses(self, first_scale: float) -> bool:
        """Whether the scale is zero, or so far below the first that it may be.

        Beside a penalty there is no fit at a scale of zero to try.
        """
        far = self.point.scale < SMALLEST_SCALE**2 * first_scale
        return self.vanishes or (far and not self.objective.problem.penalty)


def solve_with_rule(
    problem: Problem, point: Point, *, memory: bool, tol: float, max_iter: int
) -> Result:
    """Coefficients and sigma that belong to each other.

    Parameters
    ----------
    problem : Problem
    point : Point
        Where to begin.
    memory : bool
    tol : float
    max_iter : int

    Returns
    -------
    Result
    """
    iterations, state, counted = 0, None, _Counted()
    # The last distance is found at another edf than the coefficients were solved for.
    goal = tol * (BEYOND if problem.penalty else 1.0)
    for number in range(ROUNDS):
        left = max(max_iter - iterations, 0)
        # Until the effective parameters are known near the solution there is no use in more.
        first = tol**0.5 if number == 0 and problem.penalty else goal
        state, made = _solve(problem, point, state, memory=memory, tol=first, max_iter=left)
        iterations += made
        if state.collapses(point.scale):
            problem = state.objective.problem
            ended = _at_zero(state, memory=memory, tol=tol, max_iter=left)
            if isinstance(ended, Result):
                return replace(ended, n_iter=max(1, iterations + ended.n_iter))
            point, made = ended
            iterations += made
            state = None
            continue
        state = counted.at(state, INNER * tol)
        model = state.reached.model
        still = number > 0 and not made
        if iterations >= max_iter or state.distance <= model.target(goal) or still:
            break
        state = counted.beyond(state)
        problem = state.objective.problem
    assert state is not None  # no problem collapses in every round
    distance = state.distance + state.shift_by(counted.doubt)
    status = model.status(distance, tol)
    if status is Status.MAX_ITER and iterations < max_iter:
        status = Status.ROUNDING
    bound = distance + model.rounding
    return Result(state.objective.problem, state.point, bound, max(1, iterations), status)


class _Counted:
    """The effective number of parameters, computed as seldom as its effect on sigma allows.

    Attributes
    ----------
    doubt : float
        How much it may differ from that of the state that was last seen.
    """

    def __init__(self) -> None:
        self._found: list[tuple[float, float]] = []  # assumed, and found at the solution
        self._last: _State | None = None  # where it was found last
        self.doubt = 0.0

    def at(self, state: _State, enough: float) -> _State:
        """The state with the number that belongs to it, as far as ``enough`` standard errors need.

        The weights of iterated least squares are between psi' and one, so the metric bounds what
        the penalty takes from the number of parameters.
        """
        problem, metric = state.objective.problem, state.reached.model.metric
        if not (problem.penalty and problem.scale.convex):
            return state
        self.doubt = self._drift(state)
        if state.shift_by(self.doubt) <= enough:
            return state
        if metric.renewable and metric.mixing == 0.0:
            self.doubt = 0.5 * metric.trace(problem.penalty_curvature)
            if state.shift_by(self.doubt) <= enough:
                return state.counting(problem.n_linear - self.doubt)
        found = _effective_parameters(state)
        self._found.append((problem.effective_parameters, found))
        self._last, self.doubt = state.counting(found), 0.0
        return self._last

    def beyond(self, state: _State) -> _State:
        """The state with the number that is expected at the solution."""
        return state.counting(_extrapolated(self._found)) if state is self._last else state

    def _drift(self, state: _State) -> float:
        """How much the number may have changed since it was found.

        No weight changes by a larger part than sigma and a residual in units of the threshold, and
        what the penalty takes from the number by no larger a part than they. Nor is a line through
        two numbers wrong by more than its whole slope.
        """
        if self._last is None:
            return np.inf
        last, number = self._last, state.objective.problem.effective_parameters
        noise = last.objective.noise(last.reached.evaluation) / last.point.threshold
        change = abs(state.log_scale - last.log_scale) + noise * last.distance
        taken = (last.objective.problem.n_linear - self._found[-1][1]) * change
        between = abs(number - self._found[-1][1]) if len(self._found) > 1 else np.inf
        return min(taken, between)


def _solve(
    problem: Problem,
    point: Point,
    state: _State | None,
    *,
    memory: bool,
    tol: float,
    max_iter: int,
) -> tuple[_State, int]:
    """The root at the present number of effective parameters, and the iterations."""
    root, iterations, inner = Root(), 0, 1.0
    scale, parameters = point.scale, problem.at_scale(point.scale).at(point)
    for number in range(ROUNDS):
        if state is None:
            reached = minimise(
                problem.at_scale(scale),
                parameters,
                memory=memory,
                tol=inner,
                max_iter=max_iter - iterations,
            )
            iterations += reached.n_iter
            problem = reached.model.objective.problem
            state = _State.of(reached, problem.at_scale(scale))
        if state.vanishes:
            break
        if state.is_solved or state.reached.distance <= tol:
            root.slope = state.slope
            root.add(*state.trial)
        state, made = _follow(state, root, tol, max_iter - iterations)
        iterations += made
        done = state.distance <= state.reached.model.target(tol) or state.collapses(point.scale)
        if done or iterations >= max_iter or number == ROUNDS - 1:
            break
        # Far from the root, where steps in one metric lead nowhere, the bracket decides.
        scale = float(np.exp(root.next())) if root.trials else state.point.scale
        inner = max(min(inner, INNER * state.shift), 0.5 * tol)
        parameters, state = state.reached.parameters, None
    assert state is not None
    return state, iterations


def _follow(state: _State, root: Root, tol: float, limit: int) -> tuple[_State, int]:
    """One Newton step for each new sigma, in one metric, as long as the distance contracts."""
    model, made = state.reached.model, 0
    target, tangent = model.target(tol), state.tangent
    solved: list[tuple[float, float]] = []
    while made < limit and state.distance > target and not state.vanishes:
        step = model.metric.solve(state.reached.evaluation.gradient)
        # A secant through coefficients on their way would mislead.
        solved = [*solved, state.trial] if state.is_solved else []
        proposed = secant(solved or [state.trial], state.slope)
        if not root.low < proposed < root.high:
            break
        scale = float(np.exp(proposed))
        objective = state.objective.problem.at_scale(scale)
        moved = state.reached.parameters - step + (scale - state.point.scale) * tangent
        evaluation = objective.evaluate(moved)
        made += 1
        distance = model.distance(evaluation)
        trial = _State.of(
            replace(state.reached, evaluation=evaluation, distance=distance), objective
        )
        if trial.is_solved:
            root.add(*trial.trial)
        if not trial.distance <= SERVES * state.distance:
            return trial, made
        state = trial
    return state, made


def _extrapolated(found: list[tuple[float, float]]) -> float:
    """The fixed point of the line through the last two numbers assumed, and those found there."""
    assumed, edf = found[-1]
    if len(found) == 1 or assumed == found[-2][0]:
        return edf
    slope = (edf - found[-2][1]) / (assumed - found[-2][0])
    return assumed + (edf - assumed) / (1.0 - slope) if slope < 1.0 else edf


def _effective_parameters(state: _State) -> float:
    """edf at a point."""
    objective = state.objective
    model = local_model(objective, state.reached.parameters, 1.0)
    objective = model.objective
    curvature = objective.problem.penalty_curvature
    return objective.problem.n_linear - model.metric.trace(curvature)


def _at_zero(
    state: _State, *, memory: bool, tol: float, max_iter: int
) -> Result | tuple[Point, int]:
    """The fit at a scale of zero."""
    problem, point = state.objective.problem, state.point
    if not problem.penalty:
        small = point._replace(scale=min(point.scale, max(state.estimate, 0.1 * point.scale)))
        return solve_at_zero(problem, small, memory=memory, tol=tol, max_iter=max_iter)
    flat = without_slopes(problem)
    if problem.is_zero(problem.estimate_scale(flat.point), flat.point, NEGLIGIBLE):
        return flat
    # The penalty acts at a scale below rounding errors, where it cannot be told from none.
    without = replace(problem, penalty=Ridge(0.0), edf=None)
    ended = solve_at_zero(without, point, memory=memory, tol=tol, max_iter=max_iter)
    return ended if isinstance(ended, Result) else replace(flat, point=point._replace(scale=0.0))
