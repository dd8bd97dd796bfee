r"""A block of fits of many responses to the same X.

The last axis of the arrays is that of the responses. Rows z are those of X with a one for the
intercept, in coordinates in which ``sum s z z'`` is the identity. Products with them are accurate
even if columns are far from zero or nearly dependent.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from robustreg.inference.equations import SMALLEST_SINGULAR
from robustreg.inference.residuals import Residuals
from robustreg.inference.scale_equations import GivenEquation, ScaleEquation, scale_equation
from robustreg.order_statistics import MAD_FACTOR, weighted_medians

__all__ = ["OrthonormalRows", "ResponseResiduals", "ResponsesFit", "orthonormal_rows"]

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]
Stack = NDArray[np.float64]
Indices = NDArray[np.intp]


@dataclass(frozen=True)
class OrthonormalRows:
    """Rows z of shape (n, k), and the matrix that converts to the user's coefficients.

    Attributes
    ----------
    z : array of shape (n, k)
    change : array of shape (k, k)
        Matrix A such that A theta are the user's coefficients, with the intercept first.
    products : array of shape (k (k + 1) / 2, n)
        ``z_i z_j`` for ``i <= j``.
    """

    z: Matrix
    change: Matrix
    products: Matrix

    @property
    def n_parameters(self) -> int:
        """k, the number of coefficients including the intercept."""
        return int(self.z.shape[1])

    def gram(self, values: Matrix) -> Stack:
        """Return ``sum q z z'`` for values q of shape (n, B), an array of shape (B, k, k)."""
        return self._square(self.products @ values)

    def quadratic(self, matrices: Stack) -> Matrix:
        """Return ``z' M z`` of shape (n, B) for symmetric matrices M of shape (B, k, k)."""
        upper, lower = np.triu_indices(self.n_parameters)
        doubled = np.where(upper == lower, 1.0, 2.0)
        return self.products.T @ (doubled[:, None] * matrices[:, upper, lower].T)

    def take(self, index: Indices) -> OrthonormalRows:
        """Return some of the rows."""
        return OrthonormalRows(self.z[index], self.change, self.products[:, index])

    def _square(self, entries: Matrix) -> Stack:
        k = self.n_parameters
        upper, lower = np.triu_indices(k)
        square = np.empty((entries.shape[1], k, k))
        square[:, upper, lower] = square[:, lower, upper] = entries.T
        return square


def orthonormal_rows(X: Matrix, weights: Vector, fit_intercept: bool) -> OrthonormalRows:
    """Convert the rows of X to the coordinates of their QR factor.

    Raises
    ------
    ValueError
        If X has linearly dependent columns.
    """
    n, p = X.shape
    counted = weights > 0.0
    center = np.average(X, axis=0, weights=weights) if fit_intercept else np.zeros(p)
    columns = X - center
    scale = np.abs(columns[counted]).max(axis=0)
    scale[scale == 0.0] = 1.0
    columns /= scale
    to_user = np.diag(1.0 / scale)
    if fit_intercept:
        columns = np.column_stack((np.ones(n), columns))
        to_user = linalg.block_diag(1.0, to_user)
        to_user[0, 1:] = -center / scale
    factor = np.asarray(np.linalg.qr(np.sqrt(weights)[:, None] * columns, mode="r"))
    _refuse_dependent(factor, columns.shape[1])
    z = linalg.solve_triangular(factor, columns.T, trans="T").T
    change = linalg.solve_triangular(factor, to_user.T, trans="T").T
    upper, lower = np.triu_indices(columns.shape[1])
    return OrthonormalRows(z, change, np.ascontiguousarray((z[:, upper] * z[:, lower]).T))


def _refuse_dependent(factor: Matrix, k: int) -> None:
    norms = np.linalg.norm(factor, axis=0)
    singular = np.linalg.svd(factor / np.where(norms > 0.0, norms, 1.0), compute_uv=False)
    rank = int(np.count_nonzero(singular > SMALLEST_SINGULAR * singular.max()))
    if rank < k:
        raise ValueError(
            f"X has rank {rank} for {k} coefficients: the coefficients of columns that can be "
            "computed from the others have no standard error. Drop such columns and fit again."
        )


class ResponseResiduals(Residuals):
    """Residuals of shape (n, B), with frequencies and deltas that broadcast with them."""

    def sums(self, *values: NDArray) -> Vector:
        """Return sums over observations, of shape (number of values, B)."""
        return np.array([self.sum(value) for value in values])

    def take(self, index: Indices) -> ResponseResiduals:
        """Return the residuals of some rows."""
        return ResponseResiduals(self.u[index], self.frequencies[index], None, self.delta)

    def of_responses(self, index: Indices) -> ResponseResiduals:
        """Return the residuals of some responses."""
        delta = np.asarray(self.delta)[index]
        return ResponseResiduals(self.u[:, index], self.frequencies[:, index], None, delta)

    def sum(self, value: NDArray) -> Vector:
        """Return the sum over observations, of shape (B,)."""
        return np.asarray(np.einsum("ij,ij->j", self.frequencies, value.astype(np.float64)))


class ResponseMoments(NamedTuple):
    """Means over the observations of each response, named as in ``Moments``."""

    inside: Vector
    psi_square: Vector


@dataclass(frozen=True)
class ResponsesFit:
    """Fits of B responses. Attributes are named as those of :class:`FittedRegression`.

    Attributes
    ----------
    rows : OrthonormalRows
    residuals : ResponseResiduals
        Residuals in units of the scales.
    scale_parameter : str or float
        The regressor's parameter ``scale``.
    scale, delta, optimality : arrays of shape (B,)
        The deltas are all finite or all infinite.
    complete : bool
        Whether every response has all rows, so that ``sum s z z'`` is the identity.
    """

    rows: OrthonormalRows
    residuals: ResponseResiduals
    scale_parameter: str | float
    scale: Vector
    delta: Vector
    optimality: Vector
    complete: bool

    @property
    def n_parameters(self) -> int:
        """k, the number of coefficients including the intercept."""
        return self.rows.n_parameters

    @cached_property
    def n(self) -> Vector:
        """Number of observations of each response."""
        return np.array(self.residuals.frequencies.sum(axis=0))

    @property
    def degrees_of_freedom(self) -> Vector:
        """Number of observations minus number of parameters."""
        return self.n - self.n_parameters

    @cached_property
    def moments(self) -> ResponseMoments:
        """Means over the observations of each response."""
        rows = self.residuals
        return ResponseMoments(*(rows.sums(rows.inside, rows.psi**2) / self.n))

    def sum_residuals(self, statistic: Callable[..., tuple[NDArray, ...]]) -> tuple[NDArray, ...]:
        """Return ``statistic(residuals)``, where sums have one number per response."""
        return statistic(self.residuals)

    @cached_property
    def equation(self) -> ScaleEquation:
        """The equations of the scales."""
        options: Any = {
            "delta": self.delta,
            "degrees_of_freedom": self.degrees_of_freedom,
            "half_square": 0.5 * self.moments.psi_square,
        }
        return scale_equation(self.scale_parameter, self.n, **options)  # type: ignore[arg-type]

    @cached_property
    def coupled_equation(self) -> ScaleEquation:
        """The equations through which sigma affects the coefficients; none at delta = inf."""
        if np.isfinite(self.delta).all():
            return self.equation
        return GivenEquation(self.n)  # type: ignore[arg-type]

    @cached_property
    def median_size(self) -> Vector:
        """MAD of the residuals, in units of the scale."""
        rows = self.residuals
        return weighted_medians(np.abs(rows.u), rows.frequencies) / MAD_FACTOR

    @cached_property
    def gram_inverse(self) -> Stack:
        """Inverses of ``sum s z z'``, of shape (B, k, k) or (1, k, k)."""
        if self.complete:
            return np.eye(self.n_parameters)[None]
        return np.asarray(np.linalg.inv(self.rows.gram(self.residuals.frequencies)))

    @cached_property
    def total(self) -> Matrix:
        """``sum s z``, of shape (k, B)."""
        return self.rows.z.T @ self.residuals.frequencies

    @cached_property
    def curvature_inside(self) -> Stack:
        """``sum s psi' z z'``, of shape (B, k, k)."""
        return self.rows.gram(self.residuals.frequencies * self.residuals.inside)

    def take(self, index: Indices) -> ResponsesFit:
        """Return some of the responses."""
        return replace(
            self,
            residuals=self.residuals.of_responses(index),
            scale=self.scale[index],
            delta=self.delta[index],
            optimality=self.optimality[index],
        )
