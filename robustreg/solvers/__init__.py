"""Solvers: parameter-sized, the same over every design."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from robustreg.objective import MedianScale, Objective
from robustreg.solvers.lbfgs import lbfgs_search
from robustreg.solvers.newton import newton_search
from robustreg.solvers.result import Result, Status
from robustreg.solvers.rounds import solve_fixed_point, solve_in_rounds
from robustreg.solvers.start import pilot_start

__all__ = ["SEARCHES", "Result", "Status", "solve"]

SEARCHES = {"lbfgs": lbfgs_search, "newton": newton_search}


def solve(
    objective: Objective,
    solver: str,
    tol: float,
    max_iter: int,
    start: NDArray[np.float64] | None = None,
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
    search = SEARCHES[solver]

    def in_rounds(problem: Objective, parameters, tolerance: float, limit: int) -> Result:
        return solve_in_rounds(problem, parameters, search, tolerance, limit)

    if start is None:
        start = pilot_start(objective, in_rounds, max_iter)
    if isinstance(objective, MedianScale):
        return solve_fixed_point(objective, start, search, tol, max_iter)
    return in_rounds(objective, start, tol, max_iter)
