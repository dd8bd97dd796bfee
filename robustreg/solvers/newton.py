"""Semismooth Newton: the full step of a fresh Hessian, halved until the objective decreases."""

from __future__ import annotations

from robustreg.objective import Evaluation
from robustreg.solvers.local_model import LocalModel

__all__ = ["newton_search"]

#: Part of the linear decrease that a step must bring (Armijo).
SUFFICIENT = 1e-4

#: A step never takes the scale below this fraction of where it began.
SMALLEST_SCALE = 0.1

SHORTEST_STEP = 2.0**-40


def newton_search(model: LocalModel, tol: float, limit: int) -> tuple[Evaluation, int]:
    """One Newton step, as long as the objective allows."""
    start = model.evaluation
    step = model.preconditioner.newton_step(start.gradient)
    slope = float(start.gradient @ step)
    length = 1.0
    if model.objective.joint and step[-1] > 0.0:
        length = min(1.0, (1.0 - SMALLEST_SCALE) * start.parameters[-1] / step[-1])
    while length > SHORTEST_STEP:
        trial = model.objective.value_and_gradient(start.parameters - length * step)
        if trial.value <= start.value - SUFFICIENT * length * slope:
            return trial, 1
        length *= 0.5
    return start, 1

