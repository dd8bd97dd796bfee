"""The outer loop that all solvers share: take the metric at a point, search in it, repeat."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from robustreg.objective import NEGLIGIBLE, Evaluation, Objective
from robustreg.solvers.exact import exact_fit
from robustreg.solvers.local_model import LocalModel, local_model
from robustreg.solvers.newton import newton_search
from robustreg.solvers.result import Result, Status

__all__ = ["PATIENCE", "Progress", "Search", "solve_in_rounds"]

Vector = NDArray[np.float64]

#: A search minimises in the metric of one model: (model, tolerance, iterations allowed) to the best
#: evaluation and the iterations made.
Search = Callable[[LocalModel, float, int], tuple[Evaluation, int]]

#: Relative decrease of the objective below which its values are rounding errors and the gradient
#: decides: five digits above the rounding of a sum.
VALUE_ROUNDING = 1e-11

#: Standard errors within which a fresh quadratic model is so good that Newton steps need no search.
NEAR = 1.0

#: A Newton step that leaves more than this part of the distance calls for a fresh Hessian.
CONTRACTION = 0.2

#: A search that leaves more than this part of the distance is followed by one of Newton's, which
#: finds long steps where thresholds are small and many rows have to cross them.
SLOW = 0.1

#: What is tried in turn where a round brings no progress: Newton steps if near, a search, a search
#: in the majorant's metric, and again.
PATIENCE = 4

#: Multiple of its typical rounding errors at which a distance without progress is all rounding.
ROUNDED = 4.0

#: A scale of so many rounding errors of a residual is zero where the solver makes no progress on
#: it.
STALLED_SCALE = 50.0

#: Part of the way that is left to a fit that a group of rows has exactly, after a step towards it.
RAY = 1e-3


def solve_in_rounds(
    objective: Objective, parameters: Vector, search: Search, tol: float, max_iter: int
) -> Result:
    """Minimise to ``tol`` standard errors.

    1. Take the Hessian's metric at the present point.
    2. Where the rows inside the threshold do not determine the scale, solve for the coefficients
       and the scale in turn; near the minimum take Newton steps, accepted on the gradient;
       elsewhere call ``search``.
    3. After a slow search take one of Newton's; after rounds without progress search where Newton
       steps failed, then in the majorant's metric.
    4. End when the distance is at most ``tol``, when the scale has gone to zero, when ``max_iter``
       is spent, or when ``PATIENCE`` rounds have brought no progress.
    """
    iterations = idle = 0
    slow = False
    resolution = value_resolution(objective)
    while True:
        scale = objective.scale(parameters)
        if objective.is_zero(scale, parameters):
            return Result(parameters, 0.0, max(1, iterations), Status.EXACT_FIT)
        model = local_model(objective, parameters, "inside" if idle < 2 else "weighted")
        negligible = objective.is_zero(scale, parameters, NEGLIGIBLE)
        if negligible and not model.determines_scale:
            return Result(parameters, 0.0, max(1, iterations), Status.EXACT_FIT)
        if objective.fits_exactly(model.evaluation):
            return Result(parameters, 0.0, max(1, iterations), Status.CONVERGED)
        before = distance = model.distance(model.evaluation)
        target = model.target(tol)
        if distance <= target or iterations >= max_iter:
            break
        polish = before <= resolution or (before <= NEAR and idle == 0)
        step = newton_steps if polish else newton_search if slow else search
        if not model.determines_scale:
            step = block_step
        evaluation, made = step(model, target, max_iter - iterations)
        distance = model.distance(evaluation)
        if step is search and target < distance <= resolution:
            evaluation, more = newton_steps(model, target, max_iter - iterations - made, evaluation)
            made, distance = made + more, model.distance(evaluation)
        iterations += made
        parameters = evaluation.parameters
        if distance <= target and not model.is_stale(before):
            break
        slow = step is search and distance > SLOW * before
        idle = 0 if _progress(model, evaluation, polish) else idle + 1
        rounded = idle > 0 and distance <= ROUNDED * model.rounding
        if rounded or idle >= PATIENCE:
            vanished = objective.is_zero(scale, parameters, STALLED_SCALE)
            status = Status.EXACT_FIT if vanished else Status.ROUNDING
            return Result(parameters, distance, iterations, status)
    status = model.status(distance, tol)
    return Result(parameters, distance, max(1, iterations), status)


def _progress(model: LocalModel, evaluation: Evaluation, polish: bool) -> bool:
    start = model.evaluation
    if model.gradient_norm(evaluation) <= 0.5 * model.gradient_norm(start):
        return True
    return not polish and start.value - evaluation.value > VALUE_ROUNDING * abs(start.value)


def block_step(model: LocalModel, tol: float, limit: int) -> tuple[Evaluation, int]:
    """A Newton step of the coefficients at the present scale, then the scale that suits them.

    Where the residuals inside the threshold are a linear function of X, as on the way to an exact
    fit, the Hessian is singular along the ray to it, and the joint Newton step has no length. The
    objective is linear along that ray but for a penalty: where it falls, most of the way is taken
    at once.
    """
    objective, best = model.objective, model.evaluation
    step = model.preconditioner.linear_step(best.gradient)
    for length in (1.0, 0.5, 0.1, 0.01):
        trial = _at_best_scale(objective, best.parameters - length * step)
        if trial.value < best.value:
            best = trial
            break
    threshold = objective.point(best.parameters).threshold
    exact = exact_fit(objective, best.parameters, threshold)
    ray = objective.value_and_gradient(exact + RAY * (best.parameters - exact))
    return min((best, ray, _at_best_scale(objective, exact)), key=lambda e: e.value), 1


def _at_best_scale(objective: Objective, parameters: Vector) -> Evaluation:
    parameters = parameters.copy()
    scale = objective.best_scale(objective.point(parameters))
    parameters[-1] = max(scale, objective.rounding_level(parameters))
    return objective.value_and_gradient(parameters)


def newton_steps(
    model: LocalModel, tol: float, limit: int, start: Evaluation | None = None
) -> tuple[Evaluation, int]:
    """Full steps in one metric, accepted on the gradient: values differ by rounding errors here."""
    best, made = start or model.evaluation, 0
    length = model.gradient_norm(best)
    while made < limit and model.in_standard_errors(length, best) > tol:
        parameters = best.parameters - model.preconditioner.newton_step(best.gradient)
        if not model.objective.scale(parameters) > 0.0:
            break
        trial = model.objective.value_and_gradient(parameters)
        before, length, made = length, model.gradient_norm(trial), made + 1
        if length < before:
            best = trial
        if length > CONTRACTION * before:
            break
    return best, max(1, made)


def value_resolution(objective: Objective) -> float:
    """Standard errors within which the objective's decrease is lost in its rounding.

    At a distance of d standard errors the objective is above its minimum by about d²/2 in units in
    which its value is about n/2.
    """
    return float(np.sqrt(VALUE_ROUNDING * objective.design.total_weight))


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
