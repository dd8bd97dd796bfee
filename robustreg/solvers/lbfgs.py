"""SciPy's L-BFGS in the metric of a nearby Hessian, where a handful of iterations suffice."""

from __future__ import annotations

from contextlib import suppress

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from robustreg.objective import Evaluation
from robustreg.solvers.local_model import LocalModel
from robustreg.solvers.rounds import Progress, value_resolution

__all__ = ["lbfgs_search"]

Vector = NDArray[np.float64]

#: Iterations in one metric; past them a fresh Hessian costs less than the iterations it saves.
ROUND_LIMIT = 8

#: A search never takes the scale below this fraction of where it began.
SMALLEST_SCALE = 0.1

#: Part of the distance that is left by a search that is long enough to make its metric stale.
STALE_TARGET = 0.03


class _SearchEnded(Exception):
    """The distance is below the target, or evaluations are spent: L-BFGS-B's tests know neither."""


def lbfgs_search(
    model: LocalModel, tol: float, limit: int, round_limit: int = ROUND_LIMIT
) -> tuple[Evaluation, int]:
    """Minimise with L-BFGS over v, where the parameters are ``start + size T v``.

    The first trial step of L-BFGS-B has length one: ``size``, the length of the gradient, makes it
    the Newton step. Values are passed less the value at the start, which keeps their digits.
    """
    start = model.evaluation
    gradient = model.preconditioner.gradient(start.gradient)
    size = float(np.sqrt(gradient @ gradient))
    progress = Progress(model)
    stale = model.is_stale(progress.distance)
    # Where values are rounding errors, Newton steps in this metric take over.
    target = max(tol, value_resolution(model.objective))
    if stale:
        target = max(target, STALE_TARGET * progress.distance)
    evaluated = 0

    def value_and_gradient(v: Vector) -> tuple[float, Vector]:
        nonlocal evaluated
        if not v.any():
            return 0.0, gradient / size
        evaluation, in_metric = _evaluate(model, size * v)
        evaluated += 1
        length = float(np.sqrt(in_metric @ in_metric))
        distance = model.in_standard_errors(length, evaluation)
        progress.update(evaluation, distance)
        if distance <= target:
            progress.evaluation = evaluation
            raise _SearchEnded
        if evaluated >= min(limit, 2 * round_limit):
            raise _SearchEnded
        return (evaluation.value - start.value) / size**2, in_metric / size

    with suppress(_SearchEnded):
        minimize(
            value_and_gradient,
            np.zeros_like(gradient),
            jac=True,
            method="L-BFGS-B",
            options={"maxiter": round_limit, "ftol": 0.0, "gtol": 0.0},
        )
    return progress.evaluation, evaluated


def _evaluate(model: LocalModel, v: Vector) -> tuple[Evaluation, Vector]:
    """Evaluation at v, with the scale kept above its bound, and the gradient with respect to v.

    Below the bound the function continues as a constant in sigma unless it would rise. Bounds of
    L-BFGS-B would do the same and cost more than the rest of its iteration.
    """
    objective = model.objective
    parameters = model.parameters(v)
    if not objective.joint:
        evaluation = objective.value_and_gradient(parameters)
        return evaluation, model.preconditioner.gradient(evaluation.gradient)
    lowest = SMALLEST_SCALE * objective.scale(model.evaluation.parameters)
    bounded = parameters[-1] < lowest
    if bounded:
        parameters[-1] = lowest
    evaluation = objective.value_and_gradient(parameters)
    gradient = evaluation.gradient
    if bounded:
        gradient = gradient.copy()
        gradient[-1] = min(gradient[-1], 0.0)
    return evaluation, model.preconditioner.gradient(gradient)
