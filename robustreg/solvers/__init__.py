"""Solvers: parameter-sized, the same over every design."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from robustreg.objective import RESOLVED, FixedScale, MedianScale, Objective
from robustreg.solvers.exact import exact_fit, minimum_norm
from robustreg.solvers.fixed_point import solve_fixed_point
from robustreg.solvers.lbfgs import lbfgs_search
from robustreg.solvers.newton import newton_search
from robustreg.solvers.result import Result, Solve, Status
from robustreg.solvers.rounds import Search, solve_in_rounds
from robustreg.solvers.start import continue_to_scale, pilot_start
from robustreg.solvers.wide import constant_start, solve_wide

__all__ = ["SEARCHES", "Result", "Status", "minimum_norm", "solve"]

Vector = NDArray[np.float64]

#: Distance to which the problems on the way down to a scale of zero are solved, and factor between
#: their scales.
LIFT_TOLERANCE, LIFT_STEP = 0.01, 0.25

SEARCHES = {"lbfgs": lbfgs_search, "newton": newton_search}


def solve(
    objective: Objective,
    solver: str,
    tol: float,
    max_iter: int,
    start: Vector | None = None,
) -> Result:
    """Solve a problem to ``tol`` standard errors, from ``start`` or from a pilot.

    Parameters
    ----------
    objective : Objective
    solver : {"lbfgs", "newton"}
    tol : float
    max_iter : int
    start : array of shape (objective.size,), optional

    Returns
    -------
    Result
    """
    result = _solve(objective, SEARCHES[solver], tol, max_iter, start)
    if result.status is Status.EXACT_FIT:
        return replace(result, parameters=exact_fit(objective, result.parameters))
    return result


def _solve(
    objective: Objective, search: Search, tol: float, max_iter: int, start: Vector | None
) -> Result:
    def in_rounds(problem: Objective, parameters: Vector, tol: float, max_iter: int) -> Result:
        return solve_in_rounds(problem, parameters, search, tol, max_iter)

    wide = objective.gram_kind == "diagonal"
    solve_one = solve_wide if wide else in_rounds
    if start is None:
        start = constant_start(objective) if wide else pilot_start(objective, in_rounds, max_iter)
    if type(objective) is FixedScale and not wide:
        start = continue_to_scale(objective, start, in_rounds, max_iter)
    if isinstance(objective, MedianScale):
        return solve_fixed_point(objective, start, solve_one, tol, max_iter)
    result = solve_one(objective, start, tol, max_iter)
    if result.status is Status.EXACT_FIT and objective.joint:
        return _lifted(objective, result, solve_one, tol, max_iter)
    return result


def _lifted(
    objective: Objective, result: Result, solve_one: Solve, tol: float, max_iter: int
) -> Result:
    """An exact fit as it is, or the minimum at a scale above zero if there is one.

    Where a scale goes to zero with few rows a parameter, the last steps may have led to rows that
    are fitted exactly but not to those of the minimum. The least value at each scale is a convex
    function of it: the minimum is above a scale where the coefficients that are best at it call for
    a larger one.
    """
    point = objective.point(result.parameters)
    squares = objective.design.value_and_gradient(point._replace(threshold=np.inf)).psi_squares
    spread = objective.design.spread
    scale = min(float(np.sqrt(squares / objective.design.total_weight)), spread)
    iterations = result.n_iter
    while scale > RESOLVED * spread:
        fixed = FixedScale(
            objective.design, objective.delta, objective.alpha, objective.fit_intercept, scale
        )
        fixed.rank = objective.rank
        parameters = fixed.pack(point.coef, point.intercept, scale)
        solved = solve_one(fixed, parameters, LIFT_TOLERANCE, max_iter)
        iterations += solved.n_iter
        point = fixed.point(solved.parameters)
        wanted = objective.best_scale(point)
        if wanted > scale:
            start = objective.pack(point.coef, point.intercept, wanted)
            lifted = solve_one(objective, start, tol, max_iter)
            if lifted.status is Status.EXACT_FIT:
                lifted = Result(start, np.inf, lifted.n_iter, Status.MAX_ITER)
            return replace(lifted, n_iter=iterations + lifted.n_iter)
        scale *= LIFT_STEP
    if iterations == result.n_iter:
        return result
    # The rows inside the threshold of the last scale are those that fit where it is zero.
    last = objective.pack(point.coef, point.intercept, 0.0)
    parameters = exact_fit(objective, last, point.threshold)
    return replace(result, parameters=parameters, n_iter=iterations)
