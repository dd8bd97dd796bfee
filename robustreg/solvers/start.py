"""Choose the start of a solver: the solution on some of the rows, or robustified least squares."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from robustreg.design.base import Point
from robustreg.losses import Huber
from robustreg.problem import Problem
from robustreg.solvers.certificate import LocalModel, local_model
from robustreg.solvers.result import Result
from robustreg.solvers.square_root import DETERMINED

__all__ = ["at_given_start", "least_squares_start", "pilot_start"]

Vector = NDArray[np.float64]

#: Tolerance of a pilot, in its own standard errors. Its sampling error is sqrt(p) of them, so that
#: more precision would be of no use.
PILOT_TOLERANCE = 0.3

#: Responses are clipped at this many MADs from their median for the first least-squares step.
CLIP = 3.0

#: Steps of modified residuals after the least-squares step. Each costs one pass and divides the
#: distance by about ten. A Hessian at the first point would cost a Gram matrix, and would not be
#: valid at the second point. Without these steps, fits to 500 x 5 take twice as long. With two,
#: fits to 20,000 x 500 need 11 or 12 passes, and with three or four 10. With four, small fits take
#: 4 % less time than with three.
MODIFIED_STEPS = 4

#: Smallest share of rows within the threshold by which a step is divided. If the share is smaller,
#: no further step is made: the problems of ``benchmarks/hard_problems.py`` would take 0.7 passes
#: more.
LEAST_INSIDE = 0.5

#: Steps of iterative refinement of a least-squares solution, with gradients in extended precision.
#: They are made if columns are nearly dependent, or if the design is small.
REFINEMENTS = 2


def pilot_start(
    problem: Problem, solve: Callable[[Problem, float], Result]
) -> tuple[Problem, Point]:
    """Return the solution on a sixteenth of many rows, or else that of a simpler problem.

    A pilot of n/16 rows is ``4 sqrt(p)`` standard errors from the solution, and costs less than one
    pass. With large data, the pilot starts from a pilot of its own.

    Parameters
    ----------
    problem : Problem
    solve : callable
        Solves a problem to a tolerance.

    Returns
    -------
    tuple of Problem and Point
        The problem, with the rank and conditioning found for X, and the start.
    """
    design = problem.design
    finite = bool(np.isfinite(getattr(problem.loss, "delta", 1.0)))
    if finite and design.pilot_rows >= design.smallest_pilot:
        pilot = solve(problem.on(design.subsample(design.pilot_rows)), PILOT_TOLERANCE)
        if pilot.point.scale > 0.0:
            found = pilot.problem
            return replace(
                problem, ill_conditioned=found.ill_conditioned, edf=found.edf
            ), pilot.point
    for rule, loss in problem.scale.starts(problem.loss) if finite else []:
        simpler = solve(replace(problem, scale=rule, loss=loss), PILOT_TOLERANCE)
        found = simpler.problem
        known = problem.knowing(found)
        point = simpler.point._replace(loss=problem.loss)
        point = point._replace(scale=known.estimate_scale(point))
        if simpler.point.scale > 0.0:
            break
    else:
        return least_squares_start(problem)
    return known, point


def least_squares_start(problem: Problem) -> tuple[Problem, Point]:
    """Fit least squares to clipped responses, then take a few steps of Huber's modified residuals.

    Both kinds of steps use the Gram matrix of all rows as their metric. Since the responses are
    clipped, a gross outlier in y moves the start no further than a clipped response can, however
    large it is. At delta = inf nothing is clipped, and the start is the least-squares solution.
    """
    design = problem.design
    location, spread = design.response_location_and_spread(problem.fit_intercept)
    delta = getattr(problem.loss, "delta", 1.0)
    clipped = bool(np.isfinite(delta) and spread > 0.0)
    linear = problem.least_squares(CLIP * spread if clipped else np.inf)
    begin = linear.pack(np.zeros(design.n_features), location, np.nan)
    model = local_model(linear, begin, None)
    problem = problem.knowing(model.objective.problem)
    problem = _counting(problem, model)
    step = model.metric.solve(model.evaluation.gradient)
    parameters = begin - step
    if not clipped:
        parameters = _refined(model, parameters, problem.ill_conditioned)
        scale = problem.estimate_scale(linear.point(parameters))
        return problem, linear.point(parameters)._replace(scale=scale, loss=problem.loss)
    scale = _scale_of_least_squares(problem, model, step)
    is_huber = isinstance(problem.loss, Huber)
    huber = problem if is_huber else replace(problem, loss=Huber(delta))
    # Coefficients that fit every row are found without these steps.
    for _ in range(0 if problem.may_interpolate else MODIFIED_STEPS):
        if not scale > 0.0:
            break
        at_scale = huber.at_scale(scale)
        evaluation = at_scale.evaluate(parameters)
        scale = problem.step_of_scale(at_scale.point(parameters), evaluation.sums)
        # The Hessian is about the Gram matrix times the share of rows within the threshold. With
        # few such rows this does not hold.
        share = evaluation.sums.curvature / design.total_weight
        step = model.metric.approximate(evaluation.gradient) / max(share, LEAST_INSIDE)
        parameters = parameters - step
        if share < LEAST_INSIDE:
            break
    return problem, linear.point(parameters)._replace(scale=scale, loss=problem.loss)


def at_given_start(problem: Problem, start: Point) -> Problem:
    """Return the problem with the effective parameters that a penalty leaves at a given start.

    If they were assumed to be all parameters, there might be no degrees of freedom, and the search
    for the scale would end at zero.
    """
    if problem.edf is not None or not problem.counts_parameters:
        return problem
    linear = problem.least_squares()
    return _counting(problem, local_model(linear, linear.at(start), None))


def _counting(problem: Problem, model: LocalModel) -> Problem:
    """Return the problem with the effective parameters of least squares."""
    if not problem.penalty:
        return problem
    taken = model.metric.trace(problem.penalty_curvature)
    return replace(problem, edf=problem.n_linear - taken)


def _scale_of_least_squares(problem: Problem, model: LocalModel, step: Vector) -> float:
    """Return a first sigma after a least-squares step, without a pass if possible.

    The step reduces the sum of squares, plus the penalty if there is one, by ``g' H^-1 g``. If
    hardly anything is left, the difference has lost its digits, and sigma is estimated from the
    residuals.
    """
    start, linear = model.evaluation, model.objective
    squares = start.sums.psi_squares - float(start.gradient @ step)
    if squares > DETERMINED * start.sums.psi_squares and problem.freedom > 0.0:
        return problem.scale.of_squares(squares, problem.freedom)
    return float(problem.estimate_scale(linear.point(start.parameters - step)))


def _refined(model: LocalModel, parameters: Vector, ill_conditioned: bool) -> Vector:
    """Refine a least-squares solution by one more step, or several.

    The problem is quadratic, so that a step leads to the solution up to rounding errors. It
    restores the digits that were lost because a Gram matrix squares the condition number.
    """
    linear, design = model.objective, model.objective.design
    precise = ill_conditioned or design.is_small
    sums_at = design.precise_gradient if precise else design.value_and_gradient
    for _ in range(REFINEMENTS if precise else 1):
        refined = linear.evaluation(parameters, sums_at(linear.point(parameters)))
        parameters = parameters - model.metric.solve(refined.gradient)
    return parameters
