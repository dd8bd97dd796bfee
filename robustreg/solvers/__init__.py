"""Solvers. They hold arrays of the size of the parameters, and work over every design."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace

from robustreg.design.base import Point
from robustreg.design.rotated import row_space_design
from robustreg.problem import Problem
from robustreg.solvers.certificate import local_model
from robustreg.solvers.descent import Descent
from robustreg.solvers.estimated_scale import solve_with_rule
from robustreg.solvers.minimise import fits_exactly, minimise
from robustreg.solvers.minimum_norm import minimum_norm
from robustreg.solvers.one_thread import one_thread
from robustreg.solvers.result import Result, Status
from robustreg.solvers.start import at_given_start, pilot_start
from robustreg.solvers.zero import collapsed_start, solve_at_zero, without_freedom

__all__ = ["SOLVERS", "Result", "Status", "solve"]

#: Maps the name of a solver to whether it keeps the memory of L-BFGS.
SOLVERS = {"lbfgs": True, "newton": False}

#: BLAS computes in one thread if the problem is large enough for BLAS to start threads: the largest
#: matrix, of max(n, p) times p numbers, has more than the first, or its Gram matrix takes more
#: multiplications than the second. It must take fewer than the third, which is about ten
#: milliseconds. See ``one_thread``: a fit to 16 x 143 after one of least squares took 170 ms, and
#: takes 10 in one thread; one to 194 x 42 took 46 and takes 9.
SMALL_PRODUCT, SMALL_GRAM, LARGE_GRAM = 2**13, 2**15, 2**27


def solve(
    problem: Problem, solver: str, tol: float, max_iter: int, start: Point | None = None
) -> Result:
    """Solve a problem to ``tol`` standard errors.

    Parameters
    ----------
    problem : Problem
    solver : {"lbfgs", "newton"}
    tol : float
    max_iter : int
    start : Point, optional
        With a positive scale. By default, a pilot computes it.

    Returns
    -------
    Result
        The solution with the coefficients of least norm, if there are several.
    """
    with one_thread() if _is_for_one_thread(problem) else nullcontext():
        return _solved_uniquely(problem, solver, tol, max_iter, start)


def _is_for_one_thread(problem: Problem) -> bool:
    design = problem.design
    numbers = max(design.n_rows, design.n_features) * design.n_features
    gram = numbers * design.n_features
    return (numbers > SMALL_PRODUCT or gram > SMALL_GRAM) and gram < LARGE_GRAM


def _solved_uniquely(
    problem: Problem, solver: str, tol: float, max_iter: int, start: Point | None
) -> Result:
    rotated = row_space_design(problem.design) if problem.penalty else None
    if rotated is not None:
        begin = None if start is None else rotated.into(start)
        result = _solved(problem.on(rotated), SOLVERS[solver], tol, max_iter, begin)
        # At a scale of zero the fit may be without the penalty, and then not unique.
        result = _with_least_norm(result, tol)
        problem.design.passes += rotated.passes
        known = replace(problem, edf=result.problem.edf)
        return replace(result, problem=known, point=rotated.back(result.point))
    result = _solved(problem, SOLVERS[solver], tol, max_iter, start)
    return _with_least_norm(result, tol)


def _solved(
    problem: Problem,
    memory: bool,
    tol: float,
    max_iter: int,
    start: Point | None = None,
    as_start: bool = False,
) -> Result:
    def solve_pilot(pilot: Problem, tolerance: float) -> Result:
        return _solved(pilot, memory, max(tol, tolerance), max_iter, as_start=True)

    if start is None:
        problem, start = pilot_start(problem, solve_pilot)
    problem = at_given_start(problem, start)
    estimated = problem.scale.known() is None
    found = without_freedom(problem, start)
    if isinstance(found, Result):
        return found
    problem, start = found
    collapsed, iterations = estimated and problem.is_zero(start.scale, start), 0
    while True:
        left = max(max_iter - iterations, 0)
        if collapsed and as_start:
            return collapsed_start(problem, start)
        if collapsed and not problem.penalty:
            ended = solve_at_zero(problem, start, memory=memory, tol=tol, max_iter=left)
            if isinstance(ended, Result):
                return replace(ended, n_iter=max(1, iterations + ended.n_iter))
            start, made = ended
        elif (objective := problem.convex_objective) is None:
            return solve_with_rule(
                problem, start, memory=memory, tol=tol, max_iter=left, as_start=as_start
            )
        else:
            begin = objective.at(start)
            reached = minimise(objective, begin, memory=memory, tol=tol, max_iter=left)
            start, made = objective.point(reached.parameters), reached.n_iter
            problem = reached.model.objective.problem
            if reached.status is not None:
                made = max(1, iterations + made)
                return Result(problem, start, reached.bound, made, reached.status)
        collapsed = not collapsed
        iterations += made


def _with_least_norm(result: Result, tol: float) -> Result:
    """Return the solution of least norm for linearly dependent columns, with its certificate."""
    problem = result.problem
    if problem.penalty or problem.known_rank == problem.design.n_features:
        return result
    point = minimum_norm(problem, result.point)
    if result.status is Status.EXACT_FIT:
        return replace(result, point=point)
    objective = problem.convex_objective or problem.at_scale(point.scale)
    model = local_model(objective, objective.at(point), 0.0)
    if fits_exactly(objective, model.evaluation):
        return replace(result, point=point)
    distance, parameters = model.distance(model.evaluation), objective.at(point)
    if distance + model.rounding > max(tol, result.optimality):
        # Moving along the null space has cost digits. A Newton step does not move along it.
        descent = Descent(model)
        descent.advance()
        parameters, distance = descent.evaluation.parameters, descent.distance
    bound = max(distance + model.rounding, result.optimality)
    status = result.status
    if status is Status.CONVERGED and bound > tol:
        status = Status.ROUNDING
    return replace(result, point=objective.point(parameters), optimality=bound, status=status)
