"""The outer loop that all solvers share: take the metric at a point, search in it, repeat."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from robustreg.objective import Evaluation, MedianScale, Objective
from robustreg.solvers.local_model import LocalModel, local_model
from robustreg.solvers.result import Result, Status

__all__ = ["Progress", "Search", "solve_fixed_point", "solve_in_rounds"]

Vector = NDArray[np.float64]

#: A search minimises in the metric of one model: (model, tolerance, iterations allowed) to the best
#: evaluation and the iterations made.
Search = Callable[[LocalModel, float, int], tuple[Evaluation, int]]

#: Relative decrease of the objective below which its values are rounding errors and the gradient
#: decides: four digits above the rounding of a sum.
VALUE_ROUNDING = 1e-12

#: A Newton step that leaves more than this part of the distance calls for a fresh Hessian.
CONTRACTION = 0.1

#: Fresh Hessians in a row that bring no progress before rounding is held responsible.
PATIENCE = 2


def solve_in_rounds(
    objective: Objective, parameters: Vector, search: Search, tol: float, max_iter: int
) -> Result:
    """Minimise to ``tol`` standard errors.

    1. Take the Hessian's metric at the present point.
    2. Near the minimum take Newton steps, accepted on the gradient; elsewhere call ``search``.
    3. End when the distance is at most ``tol``, when the scale has gone to zero, when ``max_iter``
       is spent, or when fresh metrics bring no progress.
    """
    iterations = idle = 0
    best = np.inf
    while True:
        if objective.scale(parameters) <= objective.rounding_level(parameters):
            return Result(parameters, 0.0, max(1, iterations), Status.EXACT_FIT)
        model = local_model(objective, parameters)
        distance = model.distance(model.evaluation)
        if distance <= tol or iterations >= max_iter:
            break
        if objective.fits_exactly(model.evaluation):
            return Result(parameters, 0.0, max(1, iterations), Status.CONVERGED)
        near = distance <= _value_resolution(objective)
        step = newton_steps if near else search
        evaluation, made = step(model, tol, max_iter - iterations)
        iterations += made
        parameters = evaluation.parameters
        distance = model.distance(evaluation)
        if distance <= tol:
            break
        idle = idle + 1 if near and distance > 0.5 * best else 0
        if idle >= PATIENCE:
            return Result(parameters, distance, iterations, Status.ROUNDING)
        best = min(best, distance)
    status = Status.CONVERGED if distance <= tol else Status.MAX_ITER
    return Result(parameters, distance, max(1, iterations), status)


def newton_steps(model: LocalModel, tol: float, limit: int) -> tuple[Evaluation, int]:
    """Full steps in one metric, accepted on the gradient: values differ by rounding errors here."""
    best, made = model.evaluation, 0
    length = model.gradient_norm(best)
    while made < limit and model.in_standard_errors(length, best) > tol:
        step = model.preconditioner.newton_step(best.gradient)
        trial = model.objective.value_and_gradient(best.parameters - step)
        before, length, made = length, model.gradient_norm(trial), made + 1
        if length < before:
            best = trial
        if length > CONTRACTION * before:
            break
    return best, made


def solve_fixed_point(
    objective: MedianScale, parameters: Vector, search: Search, tol: float, max_iter: int
) -> Result:
    """The solution whose scale is the MAD of its own residuals.

    The problem at a fixed scale is solved to one standard error; then each Newton step is followed by
    the MAD of the new residuals. The scale reacts little to the coefficients and they to it, so the
    distance shrinks nearly as fast as that of the Newton steps alone. It is the larger of the two
    distances, of the coefficients and of the scale.
    """
    result = solve_in_rounds(objective, parameters, search, max(1.0, tol), max_iter)
    iterations, idle, best = result.n_iter, 0, np.inf
    parameters, status = result.parameters, result.status
    while True:
        objective.fixed_scale = objective.best_scale(objective.point(parameters))
        if objective.fixed_scale <= objective.rounding_level(parameters):
            return Result(parameters, 0.0, iterations, Status.EXACT_FIT)
        model = local_model(objective, parameters)
        evaluation = model.evaluation
        distance = model.distance(evaluation)
        round_best = np.inf
        while distance > tol and iterations < max_iter and distance < round_best:
            round_best = 0.5 * distance
            trial = evaluation.parameters - model.preconditioner.newton_step(evaluation.gradient)
            evaluation = objective.value_and_gradient(trial)
            iterations += 1
            shift = objective.scale_discrepancy(trial)
            distance = max(model.distance(evaluation), shift)
            if distance > tol:
                objective.fixed_scale = objective.best_scale(objective.point(trial))
        parameters = evaluation.parameters
        if distance <= tol:
            status = Status.CONVERGED
            break
        if iterations >= max_iter:
            status = Status.MAX_ITER
            break
        idle = idle + 1 if distance > 0.5 * best else 0
        if idle >= PATIENCE:
            status = Status.ROUNDING
            break
        best = min(best, distance)
    return Result(parameters, distance, iterations, status)


class Progress:
    """The best evaluation of a search: lowest value, and lowest distance where values tie."""

    def __init__(self, model: LocalModel) -> None:
        self.evaluation = model.evaluation
        self.distance = model.distance(model.evaluation)
        self._resolution = VALUE_ROUNDING * abs(model.evaluation.value)

    def update(self, evaluation: Evaluation, distance: float) -> None:
        change = evaluation.value - self.evaluation.value
        tied = abs(change) <= self._resolution
        if (tied and distance < self.distance) or (not tied and change < 0.0):
            self.evaluation, self.distance = evaluation, distance


def _value_resolution(objective: Objective) -> float:
    """Standard errors within which the objective's decrease is lost in its rounding.

    At a distance of d standard errors the objective is above its minimum by about d²/2 in units in
    which its value is about n/2.
    """
    return float(np.sqrt(VALUE_ROUNDING * objective.design.total_weight))
