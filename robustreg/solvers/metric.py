"""The metric of the solvers: the inverse of the curvature at one point.

Steps are ``H^-1 g``, so that the units and the conditioning of X do not matter, and
``sqrt(g' H^-1 g)`` is the distance to the minimiser of the quadratic model. A metric also has the
rank and the conditioning that were found while it was computed.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from robustreg.design.base import Mixing
from robustreg.objective import Evaluation, Objective
from robustreg.problem import NullSpace
from robustreg.solvers.iterative_metric import FIRST_MIXING, IterativeMetric
from robustreg.solvers.preconditioner import Preconditioner
from robustreg.solvers.secants import Secant
from robustreg.solvers.square_root import SquareRoot, metric_of_factor, metric_of_gram
from robustreg.solvers.turned import Turned

__all__ = ["FIRST_MIXING", "Metric", "take_metric"]

Vector = NDArray[np.float64]

#: Part of the positive curvature in a direction that must remain after negative curvature.
LEAST_CURVATURE = 1e-3


class Metric(Protocol):
    """A symmetric positive semidefinite matrix, near the inverse of the curvature.

    Attributes
    ----------
    mixing : float
        The mixing of the curvature: see ``Loss.curvature``.
    rank : int
        Its rank in the linear parameters.
    scale_sine : float
        Squared sine of the angle between the residuals of the rows that count and the columns. If
        it is small, the coefficients explain nearly all curvature in the scale. It is 1 if the
        objective has no scale.
    null : NullSpace or None
        The directions of (w, b) without curvature. None if there are none or they are unknown.
    border : array or None
        ``sum s psi' e (z, 1)``, which gives the derivative of the gradient with respect to sigma.
        None if it is unknown.
    renewable : bool
        Whether computing a new metric costs about as much as a few passes.
    """

    @property
    def mixing(self) -> Mixing: ...

    @property
    def rank(self) -> int: ...

    @property
    def scale_sine(self) -> float: ...

    @property
    def null(self) -> NullSpace | None: ...

    @property
    def border(self) -> Vector | None: ...

    @property
    def renewable(self) -> bool: ...

    def solve(
        self,
        gradient: Vector,
        parameters: Vector | None = None,
        secants: list[Secant] | None = None,
    ) -> Vector:
        """The Newton step ``H^-1 g``, with H at other parameters if that costs no more.

        A metric that costs passes starts from the secants, which saves some passes, and adds its
        products to the list.
        """

    def approximate(self, gradient: Vector) -> Vector:
        """An approximation of the Newton step that needs no pass."""

    def solve_at_scale(self, gradient: Vector) -> Vector:
        """The Newton step of the linear parameters at a fixed scale."""

    def magnification(self, size: Vector) -> float:
        """Length of a gradient whose entries have these sizes and random signs."""

    def trace(self, diagonal: Vector) -> float:
        """Trace of ``H^-1 D``, with D diagonal, and zero beyond the end of ``diagonal``."""


def take_metric(
    objective: Objective, parameters: Vector, mixing: Mixing, *, by_factor: bool
) -> tuple[Evaluation, Metric | None]:
    """Evaluate an objective and its metric. The metric is None if Cholesky's factor is inaccurate.

    Parameters
    ----------
    objective : Objective
    parameters : array of shape (objective.size,)
    mixing : float or None
    by_factor : bool
        Whether to use Householder reflections, which distinguish a nearly dependent column from a
        dependent one. They take a few times as long.
    """
    design = objective.design
    kind = design.gram_kind(objective.problem.penalty.alpha)
    if kind == "products":
        return _metric_by_products(objective, parameters, mixing)
    if kind == "matrix" and not by_factor:
        evaluation, hessian, border = objective.with_curvature(parameters, mixing, factor=False)
        null = objective.problem.null
        return evaluation, metric_of_gram(hessian, mixing, objective.has_scale, null, border)
    evaluation, factor, border = objective.with_curvature(parameters, mixing, factor=True)
    metric = metric_of_factor(factor, mixing, objective)
    if mixing is not None and mixing < 1.0 and not objective.problem.loss.convex:
        metric = _less_negative(metric, objective, parameters)
    return evaluation, replace(metric, border=border)


def _metric_by_products(
    objective: Objective, parameters: Vector, mixing: Mixing
) -> tuple[Evaluation, IterativeMetric | None]:
    """The metric by conjugate gradients. None if only rows beyond the threshold determine one."""
    sums, preconditioner = Preconditioner.at(objective, parameters, mixing)
    evaluation = objective.evaluation(parameters, sums)
    free = ~(preconditioner.curvature > 0.0)
    if mixing is not None and mixing < FIRST_MIXING and free.any():
        _, damped = Preconditioner.at(objective, parameters, FIRST_MIXING)
        if np.any(damped.curvature[free] > 0.0):
            return evaluation, None
    rank = objective.problem.n_linear
    # The scale has no curvature if no row is within the threshold, or their residuals are equal.
    sine = 0.0 if objective.has_scale and free[-1] else 1.0
    return evaluation, IterativeMetric(objective, parameters, preconditioner, mixing, rank, sine)


def _less_negative(metric: SquareRoot, objective: Objective, parameters: Vector) -> SquareRoot:
    """The metric of ``R'R - N'N`` from that of ``R'R``, with N the factor of negative curvature.

    With T the transform of R and ``(N T)'(N T) = V S² V'``, its transform is
    ``T V (I - S²)^-1/2``. This loses no digits, however ill-conditioned R is. In a direction whose
    total curvature is not positive, the curvature of R is kept, so that steps go downhill.
    """
    problem = objective.problem
    turned = replace(objective, problem=replace(problem, loss=Turned(problem.loss)))
    _, augmented = objective.design.triangular_factor(turned.point(parameters), metric.mixing)
    negative = turned.factor(parameters, augmented) @ metric.transform
    squares, directions = np.linalg.eigh(negative.T @ negative)
    left = 1.0 - squares
    root = np.sqrt(np.where(left > LEAST_CURVATURE, left, 1.0))
    return replace(metric, transform=(metric.transform @ directions) / root)
