r"""The derivative of the estimating equations of a fit with an estimated scale.

With u = (y - z theta)/sigma, chi the score of sigma and g and h its derivatives with respect to the
prediction and to sigma (:mod:`robustreg.inference.scale_equations`), the derivative of

    sum s psi(u) z = 0,        sum s chi(u) = 0

with respect to (theta, sigma), its sign changed and in units of sigma, is

    J = [[ sum s psi' z z',  sum s psi' u z ],       g = psi' u, h = psi' u²                  joint
         [ sum s g z'     ,  sum s h        ]]       g = f(c) - f(-c), h = c (f(c) + f(-c))   MAD

with f the density of u. The off-diagonal blocks couple the two. If errors are symmetric about the
fit, the means of these blocks are zero, and sigma can be treated as known. If errors are skewed,
the error of sigma moves the intercept. (It moves the slopes only if the distribution of the errors
depends on x.) The influence on the coefficients is

    (theta^ - theta) = sum_i  [J^-1]_theta (psi_i z_i, chi_i) + o(n^-1/2),

see Huber, Robust Statistics, 1981, section 6.4 for location, and the theorem on M-estimators of a
vector (section 6.3) for the general case.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from robustreg.design.base import Mixing
from robustreg.inference.linear import FittedLinear

__all__ = ["Bread", "UndeterminedError", "determines_scale", "inverse_root", "whitening"]

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]

#: The Cholesky factor is used only if the sine of the angle between each column and the previous
#: ones exceeds this. Below it, the Gram matrix has lost half of its digits.
SMALLEST_PIVOT = 1e-4

#: Smallest ratio of the extreme singular values, after columns are scaled to length one. Below it,
#: rounding errors of X alone change standard errors completely.
SMALLEST_SINGULAR = 1e-12


#: A Schur complement of sigma below this share of its curvature consists of rounding errors.
SMALLEST_SCHUR = 1e-10


NO_SCALE = (
    "the residuals within the threshold are a linear function of X, so that the rows beyond it "
    "alone set the scale: this cov_type cannot be computed"
)


class UndeterminedError(ValueError):
    """The rows within the threshold do not determine the coefficients or the scale."""


@dataclass(frozen=True)
class Bread:
    """J and its inverse, of order k + 1.

    Parameters
    ----------
    transform : array of shape (k, k)
        T with ``T T'`` the inverse of ``sum s psi' z z'``.
    coupling, slope : arrays of shape (k,)
        The blocks of J to the right of the first block and below it.
    curvature : float
        The last entry of J.
    """

    transform: Matrix
    coupling: Vector
    slope: Vector
    curvature: float

    def inverse(self) -> Matrix:
        """Return J^-1, computed by blocks.

        With P the inverse of the first block and d = h - g'P c the Schur complement of sigma, the
        inverse is [[P + P c g'P / d, -P c / d], [-g'P / d, 1 / d]].

        Raises
        ------
        UndeterminedError
            If d is zero.
        """
        P = self.transform @ self.transform.T
        right, left = P @ self.coupling, self.slope @ P
        schur = self.curvature - self.slope @ right
        if not abs(schur) > SMALLEST_SCHUR * abs(self.curvature):
            raise UndeterminedError(f"{NO_SCALE}. Leave these rows out, or use a smaller delta.")
        return np.block(
            [
                [P + np.outer(right, left) / schur, -right[:, None] / schur],
                [-left[None, :] / schur, np.array([[1.0 / schur]])],
            ]
        )

    def influence(self) -> Matrix:
        """Return the rows of J^-1 for the coefficients, of shape (k, k + 1)."""
        return self.inverse()[: self.transform.shape[0]]


def determines_scale(J: NDArray) -> Any:
    """Return whether J, of shape (..., k + 1, k + 1), determines sigma besides the coefficients.

    The first block must be regular.
    """
    coupling, slope, curvature = J[..., :-1, -1:], J[..., -1:, :-1], J[..., -1, -1]
    schur = curvature - (slope @ np.linalg.solve(J[..., :-1, :-1], coupling))[..., 0, 0]
    return np.abs(schur) > SMALLEST_SCHUR * np.abs(curvature)


def inverse_root(gram: Matrix) -> Matrix | None:
    """Return T with ``T T' = gram^-1``, or None if the Cholesky factor loses half its digits."""
    root = np.sqrt(np.maximum(np.diag(gram), 0.0))
    if not np.all(root > 0.0):
        return None
    try:
        factor = linalg.cholesky(gram / root / root[:, None])
    except linalg.LinAlgError:
        return None
    if np.diag(factor).min() < SMALLEST_PIVOT:
        return None
    return linalg.solve_triangular(factor, np.eye(root.size)) / root[:, None]


def whitening(fitted: FittedLinear, which: Mixing) -> Matrix:
    """Return T as ``inverse_root`` does, but from a QR factor, which is accurate for any X.

    Parameters
    ----------
    which : float or None
        0.0 for the rows within the threshold, None for all rows.

    Raises
    ------
    ValueError
        If the rows do not determine the coefficients.
    """
    factor = _factor(fitted, which)
    norms, singular, right = _singular_values(factor)
    rank = int(np.count_nonzero(singular > SMALLEST_SINGULAR * singular.max()))
    if rank < norms.size:
        _refuse_rank(fitted, factor, rank, which)
    return right.T / singular / norms[:, None]


def _factor(fitted: FittedLinear, which: Mixing) -> Matrix:
    """Return R with ``R'R`` the Gram matrix of the rows."""
    return fitted.design.triangular_factor(fitted.point, which)[1][:, : fitted.n_parameters]


def _singular_values(factor: Matrix) -> tuple[Vector, Vector, Matrix]:
    """Return the norms of the columns, and the SVD (values, right vectors) of unit columns."""
    norms = np.linalg.norm(factor, axis=0)
    norms[norms == 0.0] = 1.0
    _, singular, right = np.linalg.svd(factor / norms)
    padded = np.zeros(norms.size)
    padded[: singular.size] = singular
    return norms, padded, right


def _refuse_rank(fitted: FittedLinear, factor: Matrix, rank: int, which: Mixing) -> None:
    if which is not None:
        whitening(fitted, None)  # raises an error if X itself is the cause
        raise UndeterminedError(
            f"the rows with a residual within threshold_={fitted.threshold:.3g} do not determine "
            f"all {fitted.n_parameters} coefficients: this cov_type cannot be computed. Use a "
            'larger delta, or cov_type="huber", which uses all rows.'
        )
    raise ValueError(
        f"X has rank {rank} for {fitted.n_parameters} coefficients: "
        f"{_dependent(fitted, factor, rank)} can be computed from the others, and the coefficients "
        "of such columns have no standard error. Drop them and fit again."
    )


def _dependent(fitted: FittedLinear, factor: Matrix, rank: int) -> str:
    """Return the names of columns that are zero after Gram-Schmidt, and so are dependent."""
    k = fitted.n_parameters
    # Start with the intercept, so that a constant column is named as the one to drop.
    order = [k - 1, *range(k - 1)] if fitted.rows.fit_intercept else list(range(k))
    norms = np.linalg.norm(factor, axis=0)
    basis = np.zeros((factor.shape[0], 0))
    named = []
    for position, column in enumerate(order):
        vector = factor[:, column] / (norms[column] or 1.0)
        for _ in range(2):  # the second time removes rounding errors of the first
            vector = vector - basis @ (basis.T @ vector)
        length = float(np.linalg.norm(vector))
        if length > 10.0 * SMALLEST_SINGULAR:
            basis = np.column_stack((basis, vector / length))
        else:
            named.append(fitted.names[position])
    named = named or [f"{k - rank} of the columns"]
    return ", ".join(named[:5]) + (" and others" if len(named) > 5 else "")
