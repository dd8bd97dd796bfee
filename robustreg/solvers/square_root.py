"""The square root T of a metric T T', from a Gram matrix or from a factor by reflections."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import linalg
from scipy.linalg import lapack

from robustreg.design.base import Mixing
from robustreg.objective import Objective
from robustreg.problem import NullSpace
from robustreg.solvers.secants import Secant

__all__ = [
    "DETERMINED",
    "SMALLEST_PIVOT",
    "SquareRoot",
    "column_norms",
    "cutoff",
    "metric_of_factor",
    "metric_of_gram",
    "null_space",
]

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


@dataclass(frozen=True)
class SquareRoot:
    """A metric ``T T'``, with a matrix T of shape (q, r).

    If the problem has a scale, it is the last parameter, and depends on the last column of T only.
    """

    transform: NDArray[np.float64]
    mixing: Mixing
    rank: int
    scale_sine: float = 1.0
    null: NullSpace | None = None
    border: Vector | None = None
    renewable: bool = True

    def solve(
        self,
        gradient: Vector,
        parameters: Vector | None = None,
        secants: list[Secant] | None = None,
    ) -> Vector:
        """As in ``Metric``, with H always at the point where it was computed."""
        return self.transform @ (gradient @ self.transform)

    approximate = solve

    def solve_at_scale(self, gradient: Vector) -> Vector:
        """As in ``Metric``."""
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


# -- computing a square root ---------------------------------------------------------------------


def metric_of_gram(
    hessian: Matrix,
    mixing: Mixing,
    has_scale: bool,
    null: NullSpace | None = None,
    border: Vector | None = None,
) -> SquareRoot | None:
    """Compute the metric from Cholesky's factor. None if that is inaccurate.

    Parameters
    ----------
    hessian : array of shape (q, q)
        Overwritten.
    mixing : float or None
    has_scale : bool
        Whether the last parameter is sigma.
    null : NullSpace, optional
        If given, only its independent parameters move.
    border : array of shape (n_linear,), optional
        See ``Metric``.
    """
    size = hessian.shape[0]
    columns = _independent(null, size - has_scale, has_scale)
    if columns is not None:
        hessian = np.asfortranarray(hessian[np.ix_(columns, columns)])
    diagonal = hessian.diagonal().copy()
    # Not equilibrated: the relative rounding errors of Cholesky's factor do not depend on the units
    # of the columns.
    factor, info = lapack.dpotrf(hessian, lower=False, clean=True, overwrite_a=True)
    if info != 0:
        return None
    norms = np.sqrt(diagonal)
    metric = _metric_of_triangle(factor, norms, mixing, has_scale, border=border)
    return None if metric is None else _among_all(metric, columns, size, null)


def metric_of_factor(factor: Matrix, mixing: Mixing, objective: Objective) -> SquareRoot:
    """Compute the metric from a factor R of the Hessian, which may have any rank."""
    null, size = objective.problem.null, factor.shape[1]
    columns = _independent(null, objective.problem.n_linear, objective.has_scale)
    some = factor if columns is None else factor[:, columns]
    if some.shape[0] >= some.shape[1]:
        triangle = np.triu(lapack.dgeqrf(np.asfortranarray(some))[0][: some.shape[1]])
        # R has the digits that a Gram matrix loses by squaring.
        norms, has_scale = column_norms(some), objective.has_scale
        metric = _metric_of_triangle(triangle, norms, mixing, has_scale, RANK_CUTOFF)
        if metric is not None:
            return _among_all(metric, columns, size, null)
    return _metric_of_singular_values(factor, mixing, objective)


def _independent(null: NullSpace | None, n_linear: int, has_scale: bool) -> NDArray[np.intp] | None:
    """Return the parameters that move, None if all do or none does."""
    if null is None:
        return None
    moving = np.append(null.independent, n_linear) if has_scale else null.independent
    return moving if moving.size else None


def _among_all(
    metric: SquareRoot,
    columns: NDArray[np.intp] | None,
    size: int,
    null: NullSpace | None,
) -> SquareRoot:
    """Return the metric of all parameters from that of some, if the others do not move."""
    if columns is None:
        return metric
    transform = np.zeros((size, columns.size))
    transform[columns] = metric.transform
    return replace(metric, transform=transform, null=null)


def _metric_of_triangle(
    factor: Matrix,
    norms: Vector,
    mixing: Mixing,
    has_scale: bool,
    smallest: float = SMALLEST_PIVOT,
    border: Vector | None = None,
) -> SquareRoot | None:
    """Compute the metric from a triangular R, None if R is nearly singular.

    Parameters
    ----------
    factor : array of shape (r, r)
    norms : array of shape (r,)
        Lengths of its columns.
    mixing : float or None
    has_scale : bool
    smallest : float
        Smallest squared sine of the angle between a column and those before it.
    border : array, optional
        See ``Metric``.
    """
    sines = (factor.diagonal() / norms) ** 2
    sine = float(sines[-1]) if has_scale else 1.0
    # Not written with <, so that a matrix that is not finite is refused too.
    if not (np.minimum.reduce(sines, initial=1.0) >= smallest and sine >= DETERMINED):
        return None
    inverse, _ = lapack.dtrtri(factor, lower=False, overwrite_c=True)
    rank = factor.shape[0] - has_scale
    return SquareRoot(inverse, mixing, rank, sine, border=border)


def _metric_of_singular_values(factor: Matrix, mixing: Mixing, objective: Objective) -> SquareRoot:
    """Compute the metric from the singular values of an equilibrated R, and its rank.

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
    null = None
    if rank < linear:
        null = null_space(right, kept, inverse_norm[:linear], objective.design.n_features)
    return SquareRoot(columns * inverse_norm[:, None], mixing, rank, square, null)


def null_space(
    right: Matrix, kept: NDArray[np.bool_], inverse_norm: Vector, n_features: int
) -> NullSpace:
    """Return the null space of rows (z, 1) from the right singular vectors of equilibrated columns.

    Parameters
    ----------
    right : array of shape (q, q)
        With a vector in each row.
    kept : array of shape (q,)
        Whether the singular value is positive.
    inverse_norm : array of shape (q,)
        By which the columns were multiplied.
    n_features : int
        Number of columns of z.

    Returns
    -------
    NullSpace
        Columns of z are chosen by pivoting, so that the independent ones are well-conditioned
        (G. H. Golub, C. F. Van Loan, Matrix Computations, 2013, section 5.5.7): the dependent ones
        if they are few, otherwise the independent ones. The intercept is always independent.
    """
    directions, columns = right[~kept], np.arange(right.shape[0])
    n_dependent = directions.shape[0]
    few = n_dependent <= columns.size - n_dependent
    rows = (directions if few else right[kept])[:, :n_features]
    if not few and n_features < columns.size:
        intercept = right[kept, n_features]
        rows = rows - np.outer(intercept, intercept @ rows) / (intercept @ intercept)
    pivots = linalg.qr(rows, mode="r", pivoting=True)[1] if rows.size else columns[:n_features]
    dependent = pivots[:n_dependent] if few else pivots[n_features - n_dependent :]
    independent = np.setdiff1d(columns, dependent)
    return NullSpace(directions.T * inverse_norm[:, None], independent)


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
