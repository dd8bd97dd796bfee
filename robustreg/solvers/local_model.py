"""The quadratic model of an objective at one point, in the metric that makes it a sphere."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from robustreg.design.base import Rows
from robustreg.objective import Evaluation, Objective
from robustreg.solvers.preconditioner import Preconditioner

__all__ = ["LocalModel", "local_model", "whiten"]

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class LocalModel:
    """Value, gradient and metric at one point."""

    objective: Objective
    evaluation: Evaluation
    preconditioner: Preconditioner
    inside_fraction: float

    def parameters(self, v: Vector) -> Vector:
        return self.evaluation.parameters + self.preconditioner.parameters(v)

    def gradient_norm(self, evaluation: Evaluation) -> float:
        """Length of the gradient in this metric."""
        gradient = self.preconditioner.gradient(evaluation.gradient)
        return float(np.sqrt(gradient @ gradient))

    def distance(self, evaluation: Evaluation) -> float:
        """Distance to the minimiser, in standard errors, by the gradient in this metric."""
        return self.in_standard_errors(self.gradient_norm(evaluation), evaluation)

    def in_standard_errors(self, length: float, evaluation: Evaluation) -> float:
        noise = self.objective.noise(evaluation, self.inside_fraction)
        return length / noise if noise > 0.0 else np.inf


def local_model(objective: Objective, parameters: Vector, rows: Rows = "inside") -> LocalModel:
    """The Hessian's metric; where rows inside leave directions free that X does not, a majorant's.

    The majorant is that of iterated least squares, in which every row counts (``rows="weighted"``).
    """
    if objective.gram_kind == "diagonal":
        evaluation, diagonal = objective.with_diagonal(parameters, "weighted")
        preconditioner = Preconditioner.from_diagonal(diagonal)
    else:
        evaluation, preconditioner = whiten(objective, parameters, rows)
        if rows == "inside" and preconditioner.rank < objective.full_rank:
            evaluation, preconditioner = whiten(objective, parameters, "weighted")
    fraction = objective.design.inside_fraction(objective.point(parameters))
    smallest = 1.0 / objective.design.total_weight
    return LocalModel(objective, evaluation, preconditioner, max(fraction, smallest))


def whiten(
    objective: Objective, parameters: Vector, rows: Rows
) -> tuple[Evaluation, Preconditioner]:
    """Evaluate the objective and its curvature, and take the curvature's metric.

    The Gram matrix and Cholesky's factor cost one pass. Where they lose their digits, Householder
    reflections take a second, which tells a nearly dependent column from a dependent one.
    """
    if objective.gram_kind == "matrix":
        evaluation, hessian = objective.with_curvature(parameters, rows, factor=False)
        preconditioner = Preconditioner.from_gram(hessian)
        if preconditioner is not None:
            return evaluation, preconditioner
    evaluation, factor = objective.with_curvature(parameters, rows, factor=True)
    preconditioner = Preconditioner.from_factor(factor, objective.joint)
    if rows != "inside" and objective.alpha == 0.0:
        objective.rank -= objective.full_rank - preconditioner.rank
    return evaluation, preconditioner
