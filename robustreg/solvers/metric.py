"""The metric in which the solvers work: the inverse of the curvature at one point.

Steps are ``H^-1 g``, whatever the units and the conditioning of X, and ``sqrt(g' H^-1 g)`` is the
distance to the minimiser of the quadratic model. What is found out about rank and conditioning on
the way belongs to the metric.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lapack

from robustreg.design.base import Mixing
from robustreg.losses import Turned
from robustreg.problem import Evaluation, Objective

__all__ = ["IterativeMetric", "Metric", "SquareRoot", "metric_of_gram", "take_metric"]

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]

#: Least squared sine of the angle between a column and those before it that a Cholesky factor is
#: trusted with: below it the Gram matrix has lost half its digits, and R comes from reflections.
SMALLEST_PIVOT = 1e-8

#: Singular values below this, for a row or a column whichever are more, of the largest count as
#: zero (as in LinearRegression); reflections over more rows than so many add no larger errors.
RANK_CUTOFF, CUTOFF_ROWS = float(np.finfo(np.float64).eps), 1000

#: Squared sine of the angle between the residuals and the columns below which the scale is not
#: determined: the accuracy of Cholesky's factor.
DETERMINED = SMALLEST_PIVOT

#: Damping that is tried first where the rows within the threshold leave directions free.
FIRST_MIXING = 1e-3

#: Part of the positive curvature in a direction that negative curvature must leave.
LEAST_CURVATURE = 1e-3

#: Random signs by which a trace is estimated: its standard error is at most
#: ``sqrt(trace / (2 probes))``.
PROBES = 4

#: Residual of the conjugate gradients, of the gradient: a step is known to that precision.
CG_TOLERANCE = 0.03


class Metric(Protocol):
    """A symmetric positive semidefinite matrix, near the inverse of the curvature.

    Attributes
    ----------
    mixing : float
        Of the curvature: see ``Loss.curvature``.
    rank : int
        Number of directions of the linear parameters that it has.
    scale_sine : float
        Squared sine of the angle between the residuals of the rows that count and the columns:
        small where the curvature in the scale beyond the coefficients' vanishes; 1 without a scale.
    border : array or None
        ``sum s psi' e (z, 1)``: how the gradient moves with sigma. None where it is not known.
    renewable : bool
        Whether a fresh one costs about what a few passes do.
    """

    @property
    def mixing(self) -> Mixing: ...

    @property
    def rank(self) -> int: ...

    @property
    def scale_sine(self) -> float: ...

    @property
    def border(self) -> Vector | None: ...

    @property
    def renewable(self) -> bool: ...

    def solve(self, gradient: Vector) -> Vector:
        """The Newton step ``H^-1 g``."""

    def magnification(self, size: Vector) -> float:
        """Length of a gradient whose entries have these sizes and random signs."""

    def trace(self, diagonal: Vector) -> float:
        """Trace of ``H^-1 D`` with D diagonal, of the first parameters alone if it is shorter."""


@dataclass(frozen=True)
class SquareRoot:
    """``T T'`` with a matrix T of shape (q, r).

    Where the problem has a scale, it is the last parameter and depends on the last column of T
    alone.
    """

    transform: NDArray[np.float64]
    mixing: Mixing
    rank: int
    scale_sine: float = 1.0
    border: Vector | None = None
    renewable: bool = True

    def solve(self, gradient: Vector) -> Vector:
        """As in ``Metric``."""
        return self.transform @ (gradient @ self.transform)

    def solve_at_scale(self, gradient: Vector) -> Vector:
        """The Newton step of the linear parameters alone, the scale held."""
        v = gradient @ self.transform
        v[-1] = 0.0
        return self.transform @ v

    def magnification(self, size: Vector) -> float:
        """As in ``Metric``."""
        return float(np.sqrt(self.trace(size**2)))

    def trace(self, diagonal: Vector) -> float:
        """As in ``Metric``."""
        rows = self.transform[: diagonal.shape[0]]
        return float(diagonal @ np.einsum("ij,ij->i", rows, rows))


@dataclass(frozen=True)
class IterativeMetric:
    """The inverse of the Hessian at a point, applied by conjugate gradients.

    For X too wide for a Gram matrix. Each application costs some passes.
    """

    objective: Objective
    parameters: Vector
    diagonal: Vector  # of the Hessian; zero where there is no curvature
    mixing: Mixing
    rank: int
    scale_sine: float = 1.0
    border: Vector | None = None
    renewable: bool = False

    def solve(self, gradient: Vector) -> Vector:
        """By conjugate gradients, preconditioned by the diagonal."""
        inverse = np.zeros_like(self.diagonal)
        np.divide(1.0, self.diagonal, out=inverse, where=self.diagonal > 0.0)
        step, residual = np.zeros_like(gradient), gradient
        direction = inverse * residual
        square = float(residual @ direction)
        target = CG_TOLERANCE**2 * square
        while square > target:
            image = self.objective.hessian_product(
                self.parameters, direction, float(self.mixing or 0.0)
            )
            curvature = float(direction @ image)
            # Without curvature the rows that count do not determine the direction.
            if not curvature > 1e-14 * float(direction @ (self.diagonal * direction)):
                break
            length = square / curvature
            step = step + length * direction
            residual = residual - length * image
            preconditioned = inverse * residual
            previous, square = square, float(residual @ preconditioned)
            direction = preconditioned + (square / previous) * direction
        return step

    def magnification(self, size: Vector) -> float:
        """By the diagonal."""
        root = np.zeros_like(size)
        diagonal = self.diagonal[: size.shape[0]]
        np.divide(size, np.sqrt(diagonal), out=root, where=diagonal > 0.0)
        return float(np.sqrt(root @ root))

    def trace(self, diagonal: Vector) -> float:
        """Hutchinson's estimate, with probes that are the same in every call."""
        rng, total = np.random.default_rng(0), 0.0
        root = np.zeros(self.diagonal.shape[0])
        root[: diagonal.shape[0]] = np.sqrt(diagonal)
        for _ in range(PROBES):
            probe = root * rng.choice([-1.0, 1.0], root.size)
            total += float(probe @ self.solve(probe))
        return total / PROBES


# -- making one -----------------------------------------------------------------------------------


def take_metric(
    objective: Objective, parameters: Vector, mixing: Mixing, *, by_factor: bool
) -> tuple[Evaluation, Metric | None]:
    """Evaluate an objective and its curvature; None where Cholesky's factor is not accurate.

    Parameters
    ----------
    objective : Objective
    parameters : array of shape (objective.size,)
    mixing : float or None
    by_factor : bool
        Whether to go by Householder reflections, which tell a nearly dependent column from a
        dependent one. They take a few times as long.
    """
    design = objective.design
    kind = design.gram_kind(objective.problem.penalty.alpha)
    if kind == "diagonal":
        sums, augmented = design.gram_diagonal(objective.point(parameters), mixing)
        diagonal = objective.diagonal(parameters, augmented)
        return objective.evaluation(parameters, sums), IterativeMetric(
            objective, parameters, diagonal, mixing, objective.problem.n_linear
        )
    if kind == "matrix" and not by_factor:
        evaluation, hessian, border = objective.with_curvature(parameters, mixing, factor=False)
        metric = metric_of_gram(hessian, mixing, objective.has_scale)
        return evaluation, None if metric is None else replace(metric, border=border)
    evaluation, factor, border = objective.with_curvature(parameters, mixing, factor=True)
    metric = _metric_of_factor(factor, mixing, objective)
    if mixing is not None and mixing < 1.0 and not objective.problem.loss.convex:
        metric = _less_negative(metric, objective, parameters)
    return evaluation, replace(metric, border=border)


def metric_of_gram(hessian: Matrix, mixing: Mixing, has_scale: bool) -> SquareRoot | None:
    """By equilibration and Cholesky's factor; None where that is not accurate.

    Overwrites ``hessian``.
    """
    diagonal = np.diagonal(hessian)
    if not (diagonal.min() > 0.0 and np.isfinite(diagonal.max())):
        return None
    inverse_root = 1.0 / np.sqrt(diagonal)
    hessian *= inverse_root
    hessian *= inverse_root[:, None]
    factor, info = lapack.dpotrf(hessian, lower=False, clean=True, overwrite_a=True)
    if info != 0 or np.diagonal(factor).min() ** 2 < SMALLEST_PIVOT:
        return None
    sine = float(factor[-1, -1]) ** 2 if has_scale else 1.0
    inverse, _ = lapack.dtrtri(factor, lower=False, overwrite_c=True)
    inverse *= inverse_root[:, None]
    return SquareRoot(inverse, mixing, hessian.shape[0] - has_scale, sine)


def _metric_of_factor(factor: Matrix, mixing: Mixing, objective: Objective) -> SquareRoot:
    """By the singular values of an equilibrated R, of any rank.

    With R = [A, a] and A = U S V', the transform is [[V/S, -V/S U'a/rho], [0, 1/rho]], where rho is
    the length of the part of a across U.
    """
    linear, n_rows = objective.problem.n_linear, objective.design.n_rows
    inverse_norm = 1.0 / column_norms(factor)
    equilibrated = factor * inverse_norm
    left, singular, right = np.linalg.svd(equilibrated[:, :linear], full_matrices=False)
    kept = singular > cutoff(singular, n_rows)
    columns, square = right[kept].T / singular[kept], 1.0
    if objective.has_scale:
        last = equilibrated[:, linear]
        along = left[:, kept].T @ last
        across = last - left[:, kept] @ along
        square = float(across @ across)
        last = np.append(-columns @ along, 1.0) / np.sqrt(max(square, DETERMINED))
        columns = np.column_stack((np.vstack((columns, np.zeros(columns.shape[1]))), last))
    rank = int(np.count_nonzero(kept))
    return SquareRoot(columns * inverse_norm[:, None], mixing, rank, square)


def _less_negative(metric: SquareRoot, objective: Objective, parameters: Vector) -> SquareRoot:
    """The metric of ``R'R - N'N`` from that of ``R'R``, with N the factor of negative curvature.

    With T the transform of R and ``(N T)'(N T) = V S² V'``, it is ``T V (I - S²)^-1/2``: no digits
    are lost, however ill-conditioned R is. In a direction without positive curvature in all, R's is
    kept: the step goes downhill.
    """
    problem = objective.problem
    turned = replace(objective, problem=replace(problem, loss=Turned(problem.loss)))
    _, augmented = objective.design.triangular_factor(turned.point(parameters), metric.mixing)
    negative = turned.factor(parameters, augmented) @ metric.transform
    squares, directions = np.linalg.eigh(negative.T @ negative)
    left = 1.0 - squares
    root = np.sqrt(np.where(left > LEAST_CURVATURE, left, 1.0))
    return replace(metric, transform=(metric.transform @ directions) / root)


def cutoff(singular: Vector, n_rows: int) -> float:
    """Singular values that are not larger count as zero."""
    largest = singular.max(initial=0.0)
    return float(RANK_CUTOFF * max(singular.shape[0], min(n_rows, CUTOFF_ROWS)) * largest)


def column_norms(factor: Matrix) -> Vector:
    """Lengths of the columns, and 1 for those of length zero; no square over- or underflows."""
    largest = np.abs(factor).max(axis=0, initial=0.0)
    largest[largest == 0.0] = 1.0
    norms = largest * np.sqrt(((factor / largest) ** 2).sum(axis=0))
    return np.where(norms > 0.0, norms, 1.0)
