"""X too wide for a Gram matrix: plain L-BFGS in a diagonal metric, finished by Newton's method.

The gradient's length in a diagonal metric is not the distance to the minimiser. The certificate is
that of every other fit: the Newton step is computed by conjugate gradients, and its length in the
Hessian's own metric is the distance.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from robustreg.objective import Evaluation, Objective
from robustreg.solvers.lbfgs import lbfgs_search
from robustreg.solvers.local_model import LocalModel, local_model
from robustreg.solvers.newton import BACKTRACK, SMALLEST_SCALE, SUFFICIENT
from robustreg.solvers.result import Result, Status
from robustreg.solvers.rounds import VALUE_ROUNDING

__all__ = ["constant_start", "solve_wide"]

Vector = NDArray[np.float64]

#: Iterations of L-BFGS between two Newton steps, whose conjugate gradients do better where columns
#: depend on one another.
SEARCH_LIMIT = 10

#: Residual of the conjugate gradients, of the gradient: the distance is known to that precision.
CG_TOLERANCE = 0.1

#: Newton steps that may neither halve the distance nor lower the objective before rounding is held
#: responsible.
PATIENCE = 3

#: How often a Newton step is shortened.
SHORTENINGS = 6


def constant_start(objective: Objective) -> Vector:
    """Coefficients zero, the intercept at the median."""
    design = objective.design
    location, spread = design.response_location_and_spread(objective.fit_intercept)
    if not spread > 0.0:
        spread = float(np.sqrt(np.mean((design.response - location) ** 2)))
    objective.start_scale(spread)
    return objective.pack(np.zeros(design.n_features), location, spread)


def solve_wide(objective: Objective, parameters: Vector, tol: float, max_iter: int) -> Result:
    """Minimise to ``tol`` standard errors.

    1. L-BFGS until the gradient's length in the diagonal metric is below ``tol``, or it stalls.
    2. A Newton step by conjugate gradients, whose length is the distance; ends if below ``tol``.
    3. The step is taken as far as it lowers the objective. Repeat.
    """
    iterations, idle, best = 0, 0, np.inf
    while True:
        if objective.is_zero(objective.scale(parameters), parameters):
            return Result(parameters, 0.0, max(1, iterations), Status.EXACT_FIT)
        model = local_model(objective, parameters)
        evaluation = model.evaluation
        if model.distance(evaluation) > tol:
            evaluation, made = lbfgs_search(model, tol, max_iter - iterations, SEARCH_LIMIT)
            iterations += made
        step, distance = newton_step_by_cg(model, evaluation)
        if distance <= tol or iterations >= max_iter:
            break
        iterations += 1
        before, evaluation = evaluation, _moved(model, evaluation, step)
        parameters = evaluation.parameters
        falls = before.value - evaluation.value > VALUE_ROUNDING * abs(before.value)
        idle = 0 if falls or distance <= 0.5 * best else idle + 1
        if idle >= PATIENCE:
            return Result(parameters, distance, iterations, Status.ROUNDING)
        best = min(best, distance)
    return Result(evaluation.parameters, distance, max(1, iterations), model.status(distance, tol))


def _moved(model: LocalModel, start: Evaluation, step: Vector) -> Evaluation:
    """The end of a Newton step, shortened until the objective decreases.

    Near the minimum, where decreases are rounding errors, a shorter gradient tells.
    """
    objective, slope, length = model.objective, float(start.gradient @ step), 1.0
    if objective.joint and step[-1] > 0.0:
        length = min(1.0, (1.0 - SMALLEST_SCALE) * float(start.parameters[-1] / step[-1]))
    for _ in range(SHORTENINGS):
        trial = objective.value_and_gradient(start.parameters - length * step)
        if trial.value <= start.value - SUFFICIENT * length * slope:
            return trial
        if length == 1.0 and model.distance(trial) < model.distance(start):
            return trial
        length *= BACKTRACK
    return start


def newton_step_by_cg(model: LocalModel, evaluation: Evaluation) -> tuple[Vector, float]:
    """``H^-1 g`` by preconditioned conjugate gradients, and its distance in standard errors."""
    objective, transform = model.objective, model.preconditioner
    residual = transform.gradient(evaluation.gradient)
    step, direction = np.zeros_like(residual), residual
    square = float(residual @ residual)
    target = CG_TOLERANCE**2 * square
    energy = 0.0
    while square > target:
        product = objective.hessian_product(evaluation.parameters, transform.parameters(direction))
        image = transform.gradient(product)
        curvature = float(direction @ image)
        if not curvature > 1e-14 * float(direction @ direction):
            # Rows inside the threshold do not determine this direction, the gradient has a part in
            # it.
            return transform.parameters(step), np.inf
        length = square / curvature
        step = step + length * direction
        energy += length * square
        residual = residual - length * image
        previous, square = square, float(residual @ residual)
        direction = residual + (square / previous) * direction
    return transform.parameters(step), model.in_standard_errors(float(np.sqrt(energy)), evaluation)
