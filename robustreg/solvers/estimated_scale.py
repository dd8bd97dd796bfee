"""A scale that is no parameter of a convex problem: the MAD, and any scale beside a penalty.

The coefficients are a function of sigma, and sigma is what its rule makes of their residuals. One
equation in one unknown is solved, ``log estimate(sigma) = log sigma``, by secants between the ends
of a bracket. Near its root the coefficients take one Newton step for each new sigma.

Beside a penalty the rule needs the effective number of parameters, ``edf = tr(H^-1 (H - A))`` with
the Hessian H of iterated least squares and A that of the penalty. It changes little near the
solution: it is held while the equation is solved, and then computed anew.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from robustreg.design.base import Point
from robustreg.penalties import Ridge
from robustreg.problem import NEGLIGIBLE, Problem
from robustreg.solvers.descent import Place
from robustreg.solvers.effective_parameters import EffectiveParameters
from robustreg.solvers.minimise import SERVES, minimise
from robustreg.solvers.result import Result, Status
from robustreg.solvers.root import LONGEST, Root, secant
from robustreg.solvers.scale_state import INNER, ScaleState
from robustreg.solvers.zero import solve_at_zero, without_slopes

__all__ = ["solve_with_rule"]

Vector = NDArray[np.float64]

#: Part of the tolerance to which a penalised problem over a small design is solved, so that rows
#: with frequencies and repeated rows agree to the 1e-7 that scikit-learn's check asks for. At 0.05
#: fits took up to 15 passes, at this value at most 14.
BEYOND = 0.2

TINY = float(np.finfo(np.float64).tiny)

#: How often the effective parameters are computed anew, and the most sigmas that are tried for
#: each: a bisection of log sigma to its last bit takes fewer.
ROUNDS = 60


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
    iterations, state, counted = 0, None, EffectiveParameters()
    goal = tol
    if problem.penalty:
        # The rest of the tolerance is for the doubt about the effective parameters.
        goal *= BEYOND if problem.design.is_small else 1.0 - INNER
    for number in range(ROUNDS):
        left = max(max_iter - iterations, 0)
        # Until the effective parameters are known near the solution there is no use in more.
        first = tol**0.5 if number == 0 and problem.penalty else goal
        # A number of effective parameters that is far too large would let the scale vanish.
        farthest = LONGEST if number < 2 else np.inf
        state, made = _solve(
            problem, point, state, memory=memory, tol=first, max_iter=left, farthest=farthest
        )
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
        state = counted.at(state, INNER * goal)
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


def _solve(
    problem: Problem,
    point: Point,
    state: ScaleState | None,
    *,
    memory: bool,
    tol: float,
    max_iter: int,
    farthest: float,
) -> tuple[ScaleState, int]:
    """The root at the present number of effective parameters, and the iterations.

    It ends on the way where log sigma has gone farther than ``farthest``.
    """
    root, iterations, inner = Root(), 0, 1.0
    scale, parameters = point.scale, problem.at_scale(point.scale).at(point)
    begin = scale if state is None else state.point.scale
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
            state = ScaleState.of(reached, problem.at_scale(scale))
        if state.vanishes:
            break
        if state.is_solved or state.reached.distance <= tol:
            root.slope = state.slope
            root.add(*state.trial)
        if state.reached.model.metric.renewable:
            state, made = _follow(state, root, tol, max_iter - iterations)
            iterations += made
        done = state.distance <= state.reached.model.target(tol) or state.collapses(point.scale)
        way = np.log(max(state.point.scale, TINY) / max(begin, TINY))
        done = done or (state.counts and abs(way) > farthest)
        if done or iterations >= max_iter or number == ROUNDS - 1:
            break
        # Far from the root, where steps in one metric lead nowhere, the bracket decides.
        scale = float(np.exp(root.next())) if root.trials else state.point.scale
        inner = max(min(inner, INNER * state.shift), 0.5 * tol)
        parameters, state = state.reached.parameters, None
    assert state is not None
    return state, iterations


def _follow(state: ScaleState, root: Root, tol: float, limit: int) -> tuple[ScaleState, int]:
    """One Newton step for each new sigma, in one metric, as long as the distance contracts."""
    model, made = state.reached.model, 0
    target, tangent = model.target(tol), state.tangent
    solved: list[tuple[float, float]] = []
    place = Place(model, state.reached.evaluation)
    while made < limit and state.distance > target and not state.vanishes:
        # A secant through coefficients on their way would mislead.
        solved = [*solved, state.trial] if state.is_solved else []
        proposed = secant(solved or [state.trial], state.slope)
        if not root.low < proposed < root.high:
            break
        scale = float(np.exp(proposed))
        objective = state.objective.problem.at_scale(scale)
        moved = state.reached.parameters - place.step[0] + (scale - state.point.scale) * tangent
        evaluation = objective.evaluate(moved)
        made += 1
        place = Place(model, evaluation)
        distance = model.in_standard_errors(place.step[1], evaluation)
        trial = ScaleState.of(
            replace(state.reached, evaluation=evaluation, distance=distance), objective
        )
        if trial.is_solved:
            root.add(*trial.trial)
        if not trial.distance <= SERVES * state.distance:
            return trial, made
        state = trial
    return state, made


def _at_zero(
    state: ScaleState, *, memory: bool, tol: float, max_iter: int
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
