"""Where a solver starts: the solution on some of the rows, or least squares made robust."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from robustreg.design.base import Point
from robustreg.objective import FixedScale, Objective
from robustreg.solvers.local_model import whiten
from robustreg.solvers.result import Solve

__all__ = ["continue_to_scale", "least_squares_start", "pilot_start"]

Vector = NDArray[np.float64]

#: Distance to which a pilot is solved, in its own standard errors: its sampling error is sqrt(p).
PILOT_TOLERANCE = 0.3

#: Responses are clipped at this many MADs from their median for the first least-squares step.
CLIP = 3.0

#: Steps of modified residuals after it. Each is one pass and divides the distance by about ten,
#: where a Hessian at the first point would cost a Gram matrix and not be valid at the second.
MODIFIED_STEPS = 2

#: Steps of iterative refinement of a least-squares solution, with gradients in extended precision:
#: where columns nearly determine one another, or up to so many numbers in X, a millisecond's work.
REFINEMENTS, FEW_NUMBERS = 2, 2**16

#: Factor by which the scale is lowered at a time, and distance to which each problem is solved.
CONTINUATION, CONTINUATION_TOLERANCE = 4.0, 0.3


def pilot_start(objective: Objective, solve: Solve, max_iter: int) -> Vector:
    """The solution on a sixteenth of the rows where they are many, else ``least_squares_start``.

    A pilot of n/16 rows is ``4 sqrt(p)`` standard errors from the solution, and costs less than one
    pass. Large data have a pilot of a pilot.
    """
    design = objective.design
    if not np.isfinite(objective.delta) or design.pilot_rows < design.smallest_pilot:
        return least_squares_start(objective)
    pilot = objective.on(design.subsample(design.pilot_rows))
    start = pilot_start(pilot, solve, max_iter)
    objective.ill_conditioned = pilot.ill_conditioned
    solution = solve(pilot, start, PILOT_TOLERANCE, max_iter).parameters
    point = pilot.point(solution)
    objective.start_scale(pilot.scale(solution))
    return objective.pack(point.coef, point.intercept, pilot.scale(solution))


def continue_to_scale(
    objective: FixedScale, parameters: Vector, solve: Solve, max_iter: int
) -> Vector:
    """Walk down to a scale far below the residuals', each solution the next one's start.

    At once, nearly all rows would be outside the threshold, where there is no curvature to go by.
    """
    scale = objective.design.median_scale(objective.point(parameters))
    while scale > CONTINUATION * objective.fixed_scale:
        arguments = (objective.design, objective.delta, objective.alpha, objective.fit_intercept)
        wider = FixedScale(*arguments, scale)
        wider.rank = objective.rank
        parameters = solve(wider, parameters, CONTINUATION_TOLERANCE, max_iter).parameters
        scale /= CONTINUATION
    return parameters


def least_squares_start(objective: Objective) -> Vector:
    """Least squares on clipped responses, then a few steps of Huber's modified residuals.

    Both are steps in the metric of the Gram matrix of all rows, the first from the constant fit, so
    that gross outliers in y, however large, move the start no more than a clipped response can. At
    delta = inf nothing is clipped, and the start is the least-squares solution.
    """
    design = objective.design
    location, spread = design.response_location_and_spread(objective.fit_intercept)
    clipped = bool(np.isfinite(objective.delta) and spread > 0)
    threshold = CLIP * spread if clipped else np.inf
    linear = FixedScale(design, threshold, objective.alpha, objective.fit_intercept, 1.0)
    parameters = linear.pack(np.zeros(design.n_features), location, np.nan)
    evaluation, preconditioner = whiten(linear, parameters, "all")
    objective.rank, objective.ill_conditioned = linear.rank, linear.ill_conditioned
    parameters = parameters - preconditioner.newton_step(evaluation.gradient)
    if not clipped:
        # The problem is quadratic: one more step is the solution but for rounding errors, and gives
        # back the digits that the condition number, squared in a Gram matrix, has cost.
        precise = objective.ill_conditioned or design.n_rows * design.n_features <= FEW_NUMBERS
        sums_at = design.precise_gradient if precise else design.value_and_gradient
        for _ in range(REFINEMENTS if precise else 1):
            refined = linear.evaluation(parameters, sums_at(linear.point(parameters)))
            parameters = parameters - preconditioner.newton_step(refined.gradient)
    scale = objective.best_scale(linear.point(parameters))
    for _ in range(MODIFIED_STEPS if clipped else 0):
        coef, intercept = linear.coef(parameters), linear.intercept(parameters)
        point = Point(coef, intercept, objective.delta * scale)
        gradient = linear.evaluation(parameters, design.value_and_gradient(point)).gradient
        # The Hessian is about the Gram matrix times the share of rows inside the threshold.
        share = max(design.inside_fraction(point), 0.5)
        scale = objective.best_scale(point)
        parameters = parameters - preconditioner.newton_step(gradient) / share
    objective.start_scale(scale)
    return objective.pack(linear.coef(parameters), linear.intercept(parameters), scale)
