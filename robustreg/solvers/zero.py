"""Fits with a scale of zero: least absolute deviations, as the limit of fits at smaller scales.

If the equation of the scale has no positive root, the coefficients are the limit of the fits as the
scale goes to zero. With a small threshold t, q = psi/t is the sign of most residuals. It is also a
point of the dual problem,

    maximise  sum s q y      over |q| <= 1 with  sum s q z = 0 ,

whose value is at most ``sum s |e|`` of any coefficients. The gap between the two certifies the fit.
As t goes to zero the fit moves along a line, on which q and the set of rows within t do not change.
The end of the line is the fit through these rows.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from robustreg.design.base import Point
from robustreg.losses import Huber
from robustreg.objective import Objective
from robustreg.problem import NEGLIGIBLE, Problem
from robustreg.solvers.certificate import local_model
from robustreg.solvers.descent import SMALLEST_SCALE
from robustreg.solvers.minimise import Reached, minimise
from robustreg.solvers.result import Result, Status
from robustreg.solvers.start import REFINEMENTS

__all__ = [
    "collapsed_start",
    "deviations",
    "interpolation",
    "solve_at_zero",
    "without_freedom",
    "without_slopes",
]

Vector = NDArray[np.float64]

#: Decimal digits of a double.
DIGITS = 16


def solve_at_zero(
    problem: Problem, point: Point, *, memory: bool, tol: float, max_iter: int
) -> Result | tuple[Point, int]:
    """Find the fit at a scale of zero, or a point at which the rule asks for a larger scale.

    Parameters
    ----------
    problem : Problem
        Without a penalty.
    point : Point
        The point of the descent when its scale collapsed.
    memory : bool
    tol : float
        Distance to which the problem at each scale is solved.
    max_iter : int
        Largest number of iterations in total.

    Returns
    -------
    Result, or tuple of Point and int
        In the second case, the point from which to continue, and the number of iterations so far.
    """
    # Rows that are fitted exactly must be within the threshold in spite of rounding errors.
    smallest = problem.design.rounding_level(point) / SMALLEST_SCALE
    scale, iterations, best = point.scale, 0, (np.inf, point)
    if scale <= smallest:
        # At a threshold of the size of rounding errors, steps are short. A larger one is enough.
        scale = max(deviations(problem, point) / problem.design.total_weight, smallest)
    while True:
        objective = problem.at_scale(scale)
        reached = minimise(
            objective,
            objective.at(point),
            memory=memory,
            tol=tol,
            max_iter=max(max_iter - iterations, 0),
        )
        iterations += reached.n_iter
        problem = reached.model.objective.problem
        point = objective.point(reached.parameters)
        wanted = problem.estimate_scale(point)
        cut_off = reached.status is Status.MAX_ITER
        if wanted > scale and not cut_off:
            return point._replace(scale=wanted), iterations
        if not np.isfinite(point.threshold):
            # All residuals are within the threshold, whatever the scale.
            return replace(interpolation(problem, point), n_iter=iterations)
        best = min(best, _end_of_line(problem, point, reached), key=lambda end: end[0])
        if cut_off or best[0] == 0.0 or scale <= smallest:
            break
        scale = max(SMALLEST_SCALE * scale, smallest)
    gap, end = best
    status = reached.status
    assert status is not None, "a given scale does not collapse"
    solved = status is Status.CONVERGED
    if not solved and not problem.is_zero(problem.estimate_scale(end), end, NEGLIGIBLE):
        bound = max(reached.bound, problem.scale_shift(scale, wanted))
        return Result(problem, point, bound, iterations, status)
    return Result(problem, end._replace(scale=0.0), gap, iterations, Status.EXACT_FIT)


def without_freedom(problem: Problem, start: Point) -> Result | tuple[Problem, Point]:
    """Return the coefficients that fit every row, if there are any and the scale is estimated.

    Otherwise, return the problem, with the rank of X if it was needed, and a start. If the weights
    are no counts, there may be no degrees of freedom and yet no such coefficients. The joint scale
    is zero then, whatever the start.
    """
    if problem.scale.known() is not None or problem.penalty:
        return problem, start
    if problem.may_interpolate:
        fitted = interpolation(problem, start)
        problem, level = fitted.problem, NEGLIGIBLE * problem.design.rounding_level(fitted.point)
        if deviations(problem, fitted.point) <= level * problem.design.total_weight:
            return replace(fitted, n_iter=1)
    if problem.freedom <= 0.0:
        start = start._replace(scale=problem.estimate_scale(start))
    return problem, start


def collapsed_start(problem: Problem, point: Point) -> Result:
    """Return the result of a start that collapsed. Its scale of zero says that it is of no use."""
    return Result(problem, point._replace(scale=0.0), np.inf, 0, Status.EXACT_FIT)


def _end_of_line(problem: Problem, point: Point, reached: Reached) -> tuple[float, Point]:
    """The fit through the rows within the threshold, and its relative duality gap."""
    design = problem.design
    inside = np.abs(design.residuals(point)) <= point.threshold
    weights = inside.astype(np.float64) if design.weights is None else inside * design.weights
    end = point
    if weights.any():
        end = interpolation(problem.on(design.reweighted(weights)), point).point
    primal = deviations(problem, end)
    at_scale, evaluation = problem.at_scale(point.scale), reached.evaluation
    moved = at_scale.at(end) - at_scale.at(point)
    products = evaluation.sums.loss + 0.5 * evaluation.sums.psi_squares  # sum s psi e
    dual = (products + float(evaluation.gradient @ moved)) / point.threshold
    rounding = design.total_weight * design.rounding_level(end)
    gap = primal - dual
    if reached.status is Status.MAX_ITER and reached.bound > 1.0:
        # More than a standard error away, the gradient is not zero, so that q is no point of the
        # dual problem.
        return max(gap / primal, reached.bound), end
    return (0.0 if gap <= rounding else gap / primal), end


def deviations(problem: Problem, point: Point) -> float:
    """``sum s |e|``, computed as the Huber loss at a tiny threshold, divided by the threshold."""
    tiny = float(np.finfo(np.float64).tiny) ** 0.5
    sums = problem.design.value_and_gradient(point._replace(scale=tiny, loss=Huber(1.0)))
    return sums.loss / tiny


def interpolation(problem: Problem, point: Point) -> Result:
    """Solve least squares by refined Newton steps. With few enough rows, it fits them exactly."""
    linear: Objective = problem.least_squares()
    model = local_model(linear, linear.at(point), None)
    linear = model.objective
    parameters = model.evaluation.parameters - model.metric.solve(model.evaluation.gradient)
    # Conjugate gradients give about one digit for each step.
    for _ in range(REFINEMENTS if model.metric.renewable else DIGITS - 1):
        parameters = parameters - model.metric.solve(linear.evaluate(parameters).gradient)
    fitted = linear.point(parameters)._replace(scale=0.0, loss=problem.loss)
    known = problem.knowing(linear.problem)
    return Result(known, fitted, 0.0, 0, Status.EXACT_FIT)


def without_slopes(problem: Problem) -> Result:
    """The fit without slopes: the limit under a penalty, if its scale is zero too."""
    design = problem.design
    location, _ = design.response_location_and_spread(problem.fit_intercept)
    point = Point(np.zeros(design.n_features), location, 0.0, problem.loss)
    problem = replace(problem, edf=float(problem.fit_intercept))
    return Result(problem, point, 0.0, 0, Status.EXACT_FIT)
