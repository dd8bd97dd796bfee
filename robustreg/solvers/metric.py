"""The metric of the solvers: the inverse of the curvature at one point.

Steps are ``H^-1 g``, so that the units and the conditioning of X do not matter, and
``sqrt(g' H^-1 g)`` is the distance to the minimiser of the quadratic model. A metric also has the
rank and the conditioning that were found while it was computed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lapack

from robustreg.design.base import Mixing
from robustreg.objective import Evaluation, Objective
from robustreg.solvers.iterative_metric import IterativeMetric
from robustreg.solvers.turned import Turned

__all__ = ["Metric", "SquareRoot", "metric_of_gram", "take_metric"]

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]

#: Smallest squared sine of the angle between a column and those before it for which a Cholesky
#: factor is trusted. Below it the Gram matrix has lost half its digits, and R is computed by
#: Householder reflections.
SMALLEST_PIVOT = 1e-8

#: Singular values count as zero below this number, times the number of rows or of columns,
#: whichever is larger, times the largest singular value (as in LinearRegression). The rows are
#: counted up to ``CUTOFF_ROWS``, since reflections over more rows do not add larger errors.
RANK_CUTOFF, CUTOFF_ROWS = float(np.finfo(np.float64).eps), 1000

#: If the squared sine of the angle between the residuals and the columns is below this number, the
#: scale is not determined. It is the accuracy of Cholesky's factor.
DETERMINED = SMALLEST_PIVOT

#: Mixing that is tried first if the rows within the threshold do not determine all directions.
FIRST_MIXING = 1e-2

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
    null : array of shape (n_linear, n_linear - rank) or None
        The directions in which it is zero, if they are known.
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
    def null(self) -> Matrix | None: ...

    @property
    def border(self) -> Vector | None: ...

    @property
    def renewable(self) -> bool: ...

    def solve(self, gradient: Vector, parameters: Vector | None = None) -> Vector:
        """The Newton step ``H^-1 g``, with H at other parameters if that costs no more."""

    def approximate(self, gradient: Vector) -> Vector:
        """An approximation of the Newton step that needs no pass."""

    def magnification(self, size: Vector) -> float:
        """Length of a gradient whose entries have these sizes and random signs."""

    def trace(self, diagonal: Vector) -> float:
        """Trace of ``H^-1 D``, with D diagonal, and zero beyond the end of ``diagonal``."""


@dataclass(frozen=True)
class SquareRoot:
    """A metric ``T T'``, with a matrix T of shape (q, r).

    If the problem has a scale, it is the last parameter, and depends on the last column of T only.
    """

    transform: NDArray[np.float64]
    mixing: Mixing
    rank: int
    scale_sine: float = 1.0
    null: Matrix | None = None
    border: Vector | None = None
    renewable: bool = True

    def solve(self, gradient: Vector, parameters: Vector | None = None) -> Vector:
        """As in ``Metric``, with H always at the point where it was computed."""
        return self.transform @ (gradient @ self.transform)

    approximate = solve

    def solve_at_scale(self, gradient: Vector) -> Vector:
        """The Newton step of the linear parameters at a fixed scale."""
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


# -- computing a metric ---------------------------------------------------------------------------


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
    if kind == "diagonal":
        sums, augmented = design.gram_diagonal(objective.point(parameters), mixing)
        diagonal = objective.diagonal(parameters, augmented)
        return objective.evaluation(parameters, sums), IterativeMetric(
            objective, parameters, diagonal, mixing, objective.problem.n_linear
        )
    if kind == "matrix" and not by_factor:
        evaluation, hessian, border = objective.with_curvature(parameters, mixing, factor=False)
        null = objective.problem.null
        return evaluation, metric_of_gram(hessian, mixing, objective.has_scale, null, border)
    evaluation, factor, border = objective.with_curvature(parameters, mixing, factor=True)
    metric = _metric_of_factor(factor, mixing, objective)
    if mixing is not None and mixing < 1.0 and not objective.problem.loss.convex:
        metric = _less_negative(metric, objective, parameters)
    return evaluation, replace(metric, border=border)


def metric_of_gram(
    hessian: Matrix,
    mixing: Mixing,
    has_scale: bool,
    null: Matrix | None = None,
    border: Vector | None = None,
) -> SquareRoot | None:
    """Compute the metric by equilibration and Cholesky's factor. None if that is inaccurate.

    Curvature is added in the directions that change no prediction, which makes the matrix regular.
    It has no effect on steps, since gradients are zero in these directions.

    Overwrites ``hessian``.
    """
    diagonal = np.diagonal(hessian)
    if not (diagonal.min() > 0.0 and np.isfinite(diagonal.max())):
        return None
    inverse_root = 1.0 / np.sqrt(diagonal)
    hessian *= inverse_root
    hessian *= inverse_root[:, None]
    if null is not None:
        q = null.shape[0]
        free = null * np.sqrt(diagonal[:q])[:, None]
        free = np.linalg.qr(free)[0]
        hessian[:q, :q] += free @ free.T
    factor, info = lapack.dpotrf(hessian, lower=False, clean=True, overwrite_a=True)
    if info != 0 or np.diagonal(factor).min() ** 2 < SMALLEST_PIVOT:
        return None
    sine = float(factor[-1, -1]) ** 2 if has_scale else 1.0
    inverse, _ = lapack.dtrtri(factor, lower=False, overwrite_c=True)
    inverse *= inverse_root[:, None]
    rank = hessian.shape[0] - has_scale - (0 if null is None else null.shape[1])
    return SquareRoot(inverse, mixing, rank, sine, null, border)


def _metric_of_factor(factor: Matrix, mixing: Mixing, objective: Objective) -> SquareRoot:
    """Compute the metric from the singular values of an equilibrated R, which may have any rank.

    With R = [A, a] and A = U S V', the transform is [[V/S, -V/S U'a/rho], [0, 1/rho]], where rho is
    the length of the part of a that is orthogonal to U.
    """
    linear, n_rows = objective.problem.n_linear, objective.design.n_rows
    inverse_norm = 1.0 / column_norms(factor)
    equilibrated = factor * inverse_norm
    left, singular, right = _singular_values(equilibrated[:, :linear])
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
    null = right[~kept].T * inverse_norm[:linear, None]
    return SquareRoot(columns * inverse_norm[:, None], mixing, rank, square, null)


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


def _singular_values(factor: Matrix) -> tuple[Matrix, Vector, Matrix]:
    """U, S and V' of R, with as many singular values as R has columns."""
    missing = factor.shape[1] - factor.shape[0]
    if missing <= 0:
        return np.linalg.svd(factor, full_matrices=False)
    # All of V' is computed instead of appending rows of zeros to R, which would make 12 x 275 as
    # slow as 275 x 275.
    left, singular, right = np.linalg.svd(factor, full_matrices=True)
    return np.pad(left, ((0, 0), (0, missing))), np.pad(singular, (0, missing)), right


def cutoff(singular: Vector, n_rows: int) -> float:
    """The value up to which singular values count as zero."""
    largest = singular.max(initial=0.0)
    return float(RANK_CUTOFF * max(singular.shape[0], min(n_rows, CUTOFF_ROWS)) * largest)


def column_norms(factor: Matrix) -> Vector:
    """Lengths of the columns, and 1 for a column of zeros, without overflow or underflow."""
    largest = np.abs(factor).max(axis=0, initial=0.0)
    largest[largest == 0.0] = 1.0
    norms = largest * np.sqrt(((factor / largest) ** 2).sum(axis=0))
    return np.where(norms > 0.0, norms, 1.0)
