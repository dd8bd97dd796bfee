"""Semismooth Newton: the full step of a fresh Hessian, halved until the objective decreases."""

from __future__ import annotations

import numpy as np

from robustreg.objective import Evaluation
from robustreg.solvers.local_model import LocalModel

__all__ = ["newton_search"]

#: Part of the linear decrease that a step must bring (Armijo).
SUFFICIENT = 1e-4

#: A step never takes the scale below this fraction of where it began.
SMALLEST_SCALE = 0.1

SHORTEST_STEP = 2.0**-40

#: Factors by which a step is shortened, and lengthened where the slope at its end has not fallen to
#: this part.
BACKTRACK, EXPAND, SUFFICIENT_SLOPE = 0.3, 4.0, 0.5


def newton_search(model: LocalModel, tol: float, limit: int) -> tuple[Evaluation, int]:
    """One Newton step, as long as the objective allows."""
    start = model.evaluation
    step = model.preconditioner.newton_step(start.gradient)
    slope = float(start.gradient @ step)
    longest = np.inf
    if model.objective.joint and step[-1] > 0.0:
        longest = (1.0 - SMALLEST_SCALE) * start.parameters[-1] / step[-1]
    length, best = min(1.0, longest), start
    while length > SHORTEST_STEP:
        trial = model.objective.value_and_gradient(start.parameters - length * step)
        if trial.value <= start.value - SUFFICIENT * length * slope:
            break
        length *= BACKTRACK
    else:
        return start, 1
    # A damped or majorised step may be short by orders of magnitude.
    while trial.value < best.value and float(trial.gradient @ step) > SUFFICIENT_SLOPE * slope:
        best, length = trial, min(EXPAND * length, longest)
        trial = model.objective.value_and_gradient(start.parameters - length * step)
    return (trial if trial.value < best.value else best), 1
