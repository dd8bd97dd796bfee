"""Solve for a scale that is not part of a convex problem: the MAD, or any scale with a penalty.

The coefficients are a function of sigma, and the rule of the scale estimates sigma from their
residuals. This gives one equation in one unknown, ``log estimate(sigma) = log sigma``, which is
solved by secants within a bracket. Near its root, the coefficients need only one Newton step for
each new sigma.

With a penalty the rule needs the effective number of parameters, ``edf = tr(H^-1 (H - A))``, where
H is the Hessian of iterated least squares and A that of the penalty. It changes little near the
solution, so that it is held constant while the equation is solved, and then recomputed.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from robustreg.design.base import Point
from robustreg.penalties import Ridge
from robustreg.problem import NEGLIGIBLE, Problem
from robustreg.solvers.certificate import part_of_tolerance
from robustreg.solvers.descent import SMALLEST_SCALE, Place
from robustreg.solvers.effective_parameters import EffectiveParameters
from robustreg.solvers.minimise import SERVES
from robustreg.solvers.result import Result, Status
from robustreg.solvers.root import LONGEST, Root, secant
from robustreg.solvers.scale_state import INNER, ScaleStart, ScaleState
from robustreg.solvers.zero import (
    collapsed_start,
    solve_at_zero,
    without_freedom,
    without_slopes,
)

__all__ = ["solve_with_rule"]

Vector = NDArray[np.float64]

TINY = float(np.finfo(np.float64).tiny)

#: Most times that the effective parameters are recomputed, and most values of sigma tried each
#: time. A bisection of log sigma to its last bit needs fewer.
ROUNDS = 60


class _Limits(NamedTuple):
    """When a search for sigma ends."""

    tol: float
    max_iter: int
    lowest: float  # sigma below this number may be zero
    farthest: float  # largest change of log sigma, if it depends on the effective parameters


def solve_with_rule(
    problem: Problem,
    point: Point,
    *,
    memory: bool,
    tol: float,
    max_iter: int,
    as_start: bool = False,
) -> Result:
    """Solve for coefficients and sigma together.

    Parameters
    ----------
    problem : Problem
    point : Point
        The start.
    memory : bool
    tol : float
    max_iter : int
    as_start : bool
        Whether another problem starts from this solution. It is left if its scale collapses.

    Returns
    -------
    Result
    """
    iterations, state, counted = 0, None, EffectiveParameters()
    # Most residuals of the start may be exactly zero, and a search needs a positive sigma.
    point = point._replace(scale=max(point.scale, problem.design.rounding_level(point)))
    goal = tol
    if problem.penalty:
        # The rest of the tolerance is left for the error of the effective parameters.
        goal *= 1.0 - INNER
    part = part_of_tolerance(problem.design.n_observations)
    for number in range(ROUNDS):
        left = max(max_iter - iterations, 0)
        # With a penalty, only an estimate of zero ends the search.
        lowest = SMALLEST_SCALE**2 * point.scale if as_start or not problem.penalty else 0.0
        # More precision is of no use before the effective parameters are known at the solution.
        first = tol**0.5 if number == 0 and problem.penalty else goal
        # If the effective parameters were assumed far too large, the scale would go to zero.
        limits = _Limits(first, left, lowest, LONGEST if number < 2 else np.inf)
        state, made = _solve(problem, point, state, limits, memory=memory)
        iterations += made
        if state.collapses(lowest):
            problem = state.objective.problem
            if as_start:
                return collapsed_start(problem, state.point)
            left = max(max_iter - iterations, 0)
            ended = _at_zero(state, memory=memory, tol=tol, max_iter=left)
            if isinstance(ended, Result):
                return replace(ended, n_iter=max(1, iterations + ended.n_iter))
            point, made = ended
            iterations += made
            state = None
            continue
        state = counted.at(state, INNER * goal * part)
        model = state.reached.model
        still = number > 0 and not made
        if iterations >= max_iter or state.distance <= model.target(goal) or still:
            break
        state = counted.beyond(state)
        problem = state.objective.problem
    assert state is not None  # since no problem collapses in every round
    distance = state.distance + state.shift_by(counted.doubt)
    status = model.status(distance, tol)
    if status is Status.MAX_ITER and iterations < max_iter:
        status = Status.ROUNDING
    bound = distance + model.rounding
    return Result(state.objective.problem, state.point, bound, max(1, iterations), status)


def _solve(
    problem: Problem, point: Point, state: ScaleState | None, limits: _Limits, *, memory: bool
) -> tuple[ScaleState, int]:
    """Find the root for the present effective parameters. Return the state and the iterations."""
    tol, root, iterations, inner, certify = limits.tol, Root(), 0, 1.0, False
    start = ScaleStart.of(problem, point)
    first = point.scale if state is None else state.point.scale
    for number in range(ROUNDS):
        left = limits.max_iter - iterations
        if state is None:
            state = start.solved(memory=memory, tol=inner, max_iter=left, certify=certify)
            iterations += state.reached.n_iter
        if state.vanishes:
            break
        if state.is_solved or state.reached.distance <= tol:
            root.slope = state.slope
            root.add(*state.trial)
        if state.reached.model.metric.renewable:
            left = limits.max_iter - iterations
            state, made = _follow(state, root, limits._replace(max_iter=left))
            iterations += made
        target = state.reached.model.target(tol)
        if state.distance <= target:
            state = state.certified()
            certify = state.distance > target
        done = state.distance <= target or state.collapses(limits.lowest)
        change = np.log(max(state.point.scale, TINY) / max(first, TINY))
        done = done or (problem.counts_parameters and abs(change) > limits.farthest)
        if done or iterations >= limits.max_iter or number == ROUNDS - 1:
            break
        inner = min(inner, INNER * state.shift)
        if root.is_wrong(INNER**2):
            root.keep_last()
            inner = min(inner, INNER**2 * state.shift)
        inner = max(inner, 0.5 * tol)
        # Far from the root, steps in one metric do not converge, so the bracket is used.
        nearer = not root.trials or abs(state.excess) < abs(root.trials[-1][1])
        scale = state.point.scale if nearer else float(np.exp(root.next()))
        start, state = state.start_at(scale), None
    assert state is not None
    certified = state.vanishes or state.distance <= target
    return (state if certified else state.certified()), iterations


def _follow(state: ScaleState, root: Root, limits: _Limits) -> tuple[ScaleState, int]:
    """Make one Newton step for each new sigma, in one metric, while the distance contracts.

    If the root is far, steps of length ``LONGEST`` go on as long as the coefficients stay solved.
    """
    model, made = state.reached.model, 0
    target, tangent = model.target(limits.tol), state.tangent
    # A slope from earlier trials is better than none.
    solved = root.trials[-2:-1] if state.slope is None else []
    place = Place(model, state.reached.evaluation)
    while made < limits.max_iter and state.distance > target:
        if state.collapses(limits.lowest):
            break
        # Coefficients that are not near their minimum would give a misleading secant.
        solved = [*solved, state.trial] if state.is_solved else []
        proposed = secant(solved or [state.trial], state.slope)
        change = abs(proposed - state.log_scale)
        far = math.isclose(change, LONGEST)
        near_enough = state.is_solved if far else change < LONGEST
        if not (root.low < proposed < root.high and near_enough):
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
        if not ((far and trial.is_solved) or trial.distance <= SERVES * state.distance):
            return trial, made
        state = trial
    return state, made


def _at_zero(
    state: ScaleState, *, memory: bool, tol: float, max_iter: int
) -> Result | tuple[Point, int]:
    """Find the fit at a scale of zero."""
    problem, point = state.objective.problem, state.point
    if not problem.penalty:
        small = point._replace(scale=min(point.scale, max(state.estimate, 0.1 * point.scale)))
        return solve_at_zero(problem, small, memory=memory, tol=tol, max_iter=max_iter)
    flat = without_slopes(problem)
    if flat.problem.is_zero(flat.problem.estimate_scale(flat.point), flat.point, NEGLIGIBLE):
        return flat
    # The penalty matters only at scales below rounding errors, so the fit is done without it.
    without = replace(problem, penalty=Ridge(0.0), edf=None)
    found = without_freedom(without, point)
    if isinstance(found, Result):
        return found
    ended = solve_at_zero(*found, memory=memory, tol=tol, max_iter=max_iter)
    if isinstance(ended, Result):
        return ended
    # Without the penalty the scale is positive, but it vanishes at the penalised coefficients.
    return Result(problem, point._replace(scale=0.0), 0.0, 0, Status.EXACT_FIT)
