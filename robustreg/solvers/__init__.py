"""Solvers: parameter-sized, the same over every design."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from robustreg.objective import FixedScale, MedianScale, Objective
from robustreg.solvers.exact import exact_fit, minimum_norm
from robustreg.solvers.fixed_point import solve_fixed_point
from robustreg.solvers.lbfgs import lbfgs_search
from robustreg.solvers.newton import newton_search
from robustreg.solvers.result import Result, Status
from robustreg.solvers.rounds import Search, solve_in_rounds
from robustreg.solvers.start import continue_to_scale, pilot_start
from robustreg.solvers.wide import constant_start, solve_wide

__all__ = ["SEARCHES", "Result", "Status", "minimum_norm", "solve"]

Vector = NDArray[np.float64]

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
    return solve_one(objective, start, tol, max_iter)
