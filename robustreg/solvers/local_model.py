"""The quadratic model of an objective at one point, in the metric that makes it a sphere."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from robustreg.design.base import ROUNDING, Rows
from robustreg.objective import Evaluation, Objective
from robustreg.solvers.preconditioner import SCALE_CUTOFF, Preconditioner
from robustreg.solvers.result import Status

__all__ = ["LocalModel", "local_model", "whiten"]

Vector = NDArray[np.float64]


#: Relative change of the Hessian over which a metric is taken anew.
STALE = 0.1

#: Unit roundoff.
UNIT = float(np.finfo(np.float64).eps) / 2


@dataclass(frozen=True)
class LocalModel:
    """Value, gradient and metric at one point."""

    objective: Objective
    evaluation: Evaluation
    preconditioner: Preconditioner
    inside_fraction: float

    def parameters(self, v: Vector) -> Vector:
        return self.evaluation.parameters + self.preconditioner.parameters(v)

    @property
    def determines_scale(self) -> bool:
        """Whether the rows inside tell the scale.

        Their residuals are no function of the columns, and not so small beside it that only a fit
        without residuals can be next.
        """
        if not self.objective.joint:
            return True
        scale = self.objective.scale(self.evaluation.parameters)
        apparent = self.evaluation.psi_mean_square > (SCALE_CUTOFF * scale) ** 2
        return apparent and self.preconditioner.determines_scale

    def gradient_norm(self, evaluation: Evaluation) -> float:
        """Length of the gradient in this metric."""
        gradient = self.preconditioner.gradient(evaluation.gradient)
        return float(np.sqrt(gradient @ gradient))

    def distance(self, evaluation: Evaluation) -> float:
        """Distance to the minimiser, in standard errors, by the gradient in this metric."""
        return self.in_standard_errors(self.gradient_norm(evaluation), evaluation)

    @cached_property
    def rounding(self) -> float:
        """Typical size of the rounding errors in a distance, in standard errors.

        Residuals carry errors of the size of their terms, which act on the estimate as noise does,
        but for the error of the intercept, which they share; the sums psi'X carry errors of the
        size of their terms, which the metric magnifies where columns nearly determine one another.
        """
        objective, start = self.objective, self.evaluation
        level = objective.rounding_level(start.parameters) / ROUNDING
        spread = np.sqrt(start.psi_mean_square)
        of_residuals = np.sqrt(objective.size / self.inside_fraction) * level
        intercept = objective.design.intercept_rounding(objective.point(start.parameters))
        total = objective.design.total_weight
        of_intercept = intercept * np.sqrt(total * self.inside_fraction)
        of_sums = UNIT * spread * np.sqrt(total) * self._magnification()
        errors = of_residuals + of_intercept + of_sums
        return float(errors / max(spread, np.finfo(np.float64).tiny))

    def _magnification(self) -> float:
        """Length of a gradient in this metric, if each sum has the size of its columns."""
        units = self.objective.design.block_units
        size = np.ones(self.objective.n_linear)
        size[: units.magnitude.shape[0]] = units.magnitude / units.column_scale
        linear = self.preconditioner.transform[: size.shape[0]]
        scaled = linear * (size if linear.ndim == 1 else size[:, None])
        return float(
            np.sqrt(np.vdot(scaled, scaled)) * self.objective.gradient_unit(self.evaluation)
        )

    def status(self, distance: float, tol: float) -> Status:
        """Whether a distance is certified: below the tolerance, with its rounding errors."""
        if distance > max(tol, 0.1 * self.rounding):
            return Status.MAX_ITER
        return Status.CONVERGED if distance + self.rounding <= tol else Status.ROUNDING

    def target(self, tol: float) -> float:
        """Distance to work for: below the tolerance with its rounding errors, where that can be."""
        attainable = max(min(1.5 * self.rounding, tol), 0.1 * self.rounding)
        return max(tol - self.rounding, 0.25 * tol, attainable)

    def is_stale(self, distance: float) -> bool:
        """Whether a move of so many standard errors changes the metric.

        It does if it takes many rows across the threshold.
        The root mean square change of the predictions is d/sqrt(n), in units of the noise, so about
        m = d sqrt(n)/2 rows cross. They change the Hessian by m rows in the mean, and by sqrt(q m)
        in the direction of q that suffers most. A diagonal metric is not renewed and not stale.
        """
        total = self.objective.design.total_weight
        crossing = 0.5 * distance * np.sqrt(total)
        change = crossing + np.sqrt(self.objective.size * crossing)
        renewable = self.preconditioner.transform.ndim == 2
        return renewable and change > STALE * self.inside_fraction * total

    def in_standard_errors(self, length: float, evaluation: Evaluation) -> float:
        noise = self.objective.noise(evaluation, self.inside_fraction)
        return length / noise if noise > 0.0 else np.inf


def local_model(objective: Objective, parameters: Vector, rows: Rows = "inside") -> LocalModel:
    """The Hessian's metric; a damped one's where rows inside leave directions free that X does not.

    There the step is long, as it should be: no curvature is in its way until rows come inside.
    Damping is that of Levenberg, with the majorant of iterated least squares (``rows="weighted"``)
    as metric.
    """
    if objective.gram_kind == "diagonal":
        evaluation, diagonal = objective.with_diagonal(parameters, "weighted")
        preconditioner = Preconditioner.from_diagonal(diagonal)
    else:
        evaluation, preconditioner = whiten(objective, parameters, rows)
        if rows == "inside" and preconditioner.rank < objective.full_rank:
            evaluation, preconditioner = whiten(objective, parameters, "damped")
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
        if rows == "all":
            objective.ill_conditioned = True
    evaluation, factor = objective.with_curvature(parameters, rows, factor=True)
    preconditioner = Preconditioner.from_factor(factor, objective.joint, objective.design.n_rows)
    if rows != "inside" and objective.alpha == 0.0:
        objective.rank -= objective.full_rank - preconditioner.rank
    return evaluation, preconditioner
