"""The metric in which the solvers work: parameters theta = T v with T'HT the identity.

In v the Hessian is the identity, whatever the units and the conditioning of X, the gradient is the
step to the minimiser of the quadratic model, and its norm the distance to it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lapack

__all__ = ["Preconditioner", "row_space"]

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]

#: Least squared sine of the angle between a column and those before it that a Cholesky factor is
#: trusted with: below it the Gram matrix has lost half its digits, and R comes from reflections.
SMALLEST_PIVOT = 1e-8

#: Singular values below this, for a row or a column whichever are more, of the largest count as
#: zero (as in LinearRegression); reflections over more rows than so many add no larger errors.
RANK_CUTOFF, CUTOFF_ROWS = float(np.finfo(np.float64).eps), 1000

#: Sine of the angle between the residuals and the columns below which the scale is not determined.
SCALE_CUTOFF = 1e-4


class Preconditioner:
    """``theta = transform @ v``; a vector stands for a diagonal transform.

    Where the problem has a scale, it is the last parameter, and it depends on the last v alone: a
    bound on sigma is a bound on v.

    Parameters
    ----------
    transform : array of shape (q, r) or (q,)
        r < q where the Hessian is singular.
    determines_scale : bool
        False where the residuals of the rows are a linear function of the columns, so that the
        curvature in the scale beyond the coefficients' is zero.
    """

    def __init__(self, transform: NDArray[np.float64], determines_scale: bool = True) -> None:
        self.transform = transform
        self.determines_scale = determines_scale

    @property
    def rank(self) -> int:
        return self.transform.shape[-1]

    def parameters(self, v: Vector) -> Vector:
        return self.transform * v if self.transform.ndim == 1 else self.transform @ v

    def gradient(self, gradient: Vector) -> Vector:
        """Gradient with respect to v."""
        return (
            self.transform * gradient if self.transform.ndim == 1 else self.transform.T @ gradient
        )

    def newton_step(self, gradient: Vector) -> Vector:
        """``H^-1 g``, in the parameters."""
        return self.parameters(self.gradient(gradient))

    def linear_step(self, gradient: Vector) -> Vector:
        """The Newton step of the linear parameters alone, the scale held: no part of the last v."""
        v = self.gradient(gradient)
        v[-1] = 0.0
        return self.parameters(v)

    @classmethod
    def from_gram(cls, hessian: Matrix) -> Preconditioner | None:
        """By equilibration and Cholesky's factor; None where that is not accurate.

        Overwrites ``hessian``.
        """
        diagonal = np.diagonal(hessian)
        if not (np.all(diagonal > 0.0) and np.all(np.isfinite(diagonal))):
            return None
        root = np.sqrt(diagonal)
        inverse_root = 1.0 / root
        hessian *= inverse_root
        hessian *= inverse_root[:, None]
        factor, info = lapack.dpotrf(hessian, lower=False, clean=True, overwrite_a=True)
        if info != 0 or np.diagonal(factor).min() ** 2 < SMALLEST_PIVOT:
            return None
        inverse, _ = lapack.dtrtri(factor, lower=False, overwrite_c=True)
        inverse *= inverse_root[:, None]
        return cls(inverse)

    @classmethod
    def from_factor(cls, factor: Matrix, joint: bool, n_rows: int) -> Preconditioner:
        """By the singular values of an equilibrated R, of any rank.

        With R = [A, a] and A = U S V', the transform is [[V/S, -V/S U'a/rho], [0, 1/rho]], where
        rho is the length of the part of a across U.
        """
        linear = factor.shape[1] - joint
        inverse_norm = 1.0 / _column_norms(factor)
        equilibrated = factor * inverse_norm
        left, singular, right = np.linalg.svd(equilibrated[:, :linear], full_matrices=False)
        kept = singular > _cutoff(singular, n_rows)
        columns = right[kept].T / singular[kept]
        determined = True
        if joint:
            last = equilibrated[:, linear]
            along = left[:, kept].T @ last
            across = last - left[:, kept] @ along
            rho = float(np.sqrt(across @ across))
            determined = rho > SCALE_CUTOFF
            last = np.append(-columns @ along, 1.0) / max(rho, SCALE_CUTOFF)
            columns = np.column_stack((np.vstack((columns, np.zeros(columns.shape[1]))), last))
        return cls(columns * inverse_norm[:, None], determined)

    @classmethod
    def from_diagonal(cls, diagonal: Vector) -> Preconditioner:
        """By the diagonal alone; a column without curvature keeps its coefficient."""
        inverse = np.zeros_like(diagonal)
        np.divide(1.0, np.sqrt(diagonal), out=inverse, where=diagonal > 0.0)
        return cls(inverse)


def row_space(factor: Matrix, n_rows: int) -> Matrix:
    """Columns that span the row space of a triangular factor, in its own coordinates."""
    norms = _column_norms(factor)
    _, singular, right = np.linalg.svd(factor / norms, full_matrices=False)
    return right[singular > _cutoff(singular, n_rows)].T * norms[:, None]


def _cutoff(singular: Vector, n_rows: int) -> float:
    largest = singular.max(initial=0.0)
    return float(RANK_CUTOFF * max(singular.shape[0], min(n_rows, CUTOFF_ROWS)) * largest)


def _column_norms(factor: Matrix) -> Vector:
    largest = np.abs(factor).max(axis=0, initial=0.0)
    largest[largest == 0.0] = 1.0
    norms = largest * np.sqrt(((factor / largest) ** 2).sum(axis=0))
    return np.where(norms > 0.0, norms, 1.0)
