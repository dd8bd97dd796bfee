"""Where a solver starts: the solution on some of the rows, or least squares made robust."""

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

__all__ = ["least_squares_start", "pilot_start"]

Vector = NDArray[np.float64]

#: Distance to which a pilot is solved, in its own standard errors: its sampling error is sqrt(p).
PILOT_TOLERANCE = 0.3

#: Responses are clipped at this many MADs from their median for the first least-squares step.
CLIP = 3.0

#: Steps of modified residuals after it. Each is one pass and divides the distance by about ten,
#: where a Hessian at the first point would cost a Gram matrix and not be valid at the second.
MODIFIED_STEPS = 2

#: Steps of iterative refinement of a least-squares solution, with gradients in extended precision:
#: where columns nearly determine one another, or on a small design.
REFINEMENTS = 2


def pilot_start(
    problem: Problem, solve: Callable[[Problem, float], Result]
) -> tuple[Problem, Point]:
    """The solution on a sixteenth of the rows where they are many, else that of a simpler problem.

    A pilot of n/16 rows is ``4 sqrt(p)`` standard errors from the solution, and costs less than one
    pass. Large data have a pilot of a pilot.

    Parameters
    ----------
    problem : Problem
    solve : callable
        Solves a problem to a tolerance.

    Returns
    -------
    tuple of Problem and Point
        The problem, with what has been found out about X, and the start.
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
    """Least squares on clipped responses, then a few steps of Huber's modified residuals.

    Both are steps in the metric of the Gram matrix of all rows, the first from the constant fit, so
    that gross outliers in y, however large, move the start no more than a clipped response can. At
    delta = inf nothing is clipped, and the start is the least-squares solution.
    """
    design = problem.design
    location, spread = design.response_location_and_spread(problem.fit_intercept)
    delta = getattr(problem.loss, "delta", 1.0)
    clipped = bool(np.isfinite(delta) and spread > 0.0)
    linear = problem.least_squares(CLIP * spread if clipped else np.inf)
    begin = linear.pack(np.zeros(design.n_features), location, np.nan)
    model = local_model(linear, begin, None)
    problem = problem.knowing(model.objective.problem)
    if problem.penalty:
        taken = model.metric.trace(linear.problem.penalty_curvature)
        problem = replace(problem, edf=linear.size - taken)
    parameters = begin - model.metric.solve(model.evaluation.gradient)
    if not clipped:
        parameters = _refined(model, parameters, problem.ill_conditioned)
    scale = problem.estimate_scale(linear.point(parameters))
    is_huber = isinstance(problem.loss, Huber)
    huber = problem if is_huber else replace(problem, loss=Huber(delta))
    for number in range(MODIFIED_STEPS if clipped and scale > 0.0 else 0):
        at_scale = huber.at_scale(scale)
        evaluation = at_scale.evaluate(parameters)
        if number:
            scale = problem.estimate_scale(at_scale.point(parameters))
        # The Hessian is about the Gram matrix times the share of rows inside the threshold.
        share = max(evaluation.sums.curvature / design.total_weight, 0.5)
        parameters = parameters - model.metric.approximate(evaluation.gradient) / share
    return problem, linear.point(parameters)._replace(scale=scale, loss=problem.loss)


def _refined(model: LocalModel, parameters: Vector, ill_conditioned: bool) -> Vector:
    """One more step, or several.

    The problem is quadratic: the step is the solution but for rounding errors, and gives back the
    digits that the condition number, squared in a Gram matrix, has cost.
    """
    linear, design = model.objective, model.objective.design
    precise = ill_conditioned or design.is_small
    sums_at = design.precise_gradient if precise else design.value_and_gradient
    for _ in range(REFINEMENTS if precise else 1):
        refined = linear.evaluation(parameters, sums_at(linear.point(parameters)))
        parameters = parameters - model.metric.solve(refined.gradient)
    return parameters
