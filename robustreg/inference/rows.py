"""Sums over the rows of X that only inference needs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import blas
from scipy.sparse import issparse

from robustreg.design import Design
from robustreg.design.base import Point
from robustreg.design.units import Units
from robustreg.inference.residuals import Residuals

__all__ = ["RowBlocks", "weighted_gram"]

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]

#: Bytes of a block of rows, so that it stays in the cache while several Gram matrices are computed.
BLOCK_BYTES = 2**20


@dataclass(frozen=True)
class RowBlocks:
    """The rows ``z = ((x - center) / column_scale, 1) T`` of a design, in blocks.

    Parameters
    ----------
    design : Design
        The design, which defines the working units.
    fit_intercept : bool
        Whether the rows end with a one.
    transform : array of shape (k, k), optional
        Matrix T. The default is the identity.
    """

    design: Design
    fit_intercept: bool
    transform: Matrix | None = None

    @property
    def n_columns(self) -> int:
        """k, the number of features, plus one if there is an intercept."""
        return self.design.n_features + self.fit_intercept

    def transformed(self, transform: Matrix) -> RowBlocks:
        """Return the rows ``z T``."""
        return replace(self, transform=transform)

    def sum(
        self, statistic: Callable[..., tuple[NDArray, ...]], *row_values: NDArray
    ) -> tuple[NDArray, ...]:
        """Sum ``statistic(z, *values)`` over blocks of rows, in one pass.

        Parameters
        ----------
        statistic : callable
            Maps rows z of shape (m, k) and the values of these rows to a tuple of arrays. It may
            overwrite z but must not keep it. Several threads or machines may call it.
        *row_values : arrays of length n
            Values that are passed to ``statistic`` block by block.

        Returns
        -------
        tuple of arrays
        """
        on_block = _OnStandardised(statistic, self._standardisation)
        return self.design.sum_over_rows(on_block, row_values, self.block_rows)

    def sum_at(
        self,
        point: Point,
        scale: float,
        delta: float,
        statistic: Callable[..., tuple[NDArray, ...]],
        *row_values: NDArray,
    ) -> tuple[NDArray, ...]:
        """Sum ``statistic(z, residuals, *values)``, with :class:`Residuals` at a point.

        Parameters
        ----------
        point : Point
        scale, delta : float
            Residuals are divided by ``scale``, in working units. ``delta`` is the threshold in
            units of it.
        statistic, *row_values
            As for :meth:`sum`.
        """
        on_block = _AtResiduals(statistic, self._standardisation, scale, delta)
        return self.design.sum_over_rows(on_block, row_values, self.block_rows, point)

    def map(self, function: Callable[..., NDArray], *row_values: NDArray) -> NDArray:
        """Concatenate ``function(z, *values)`` over all rows, an array of length n."""
        on_block = _OnStandardised(function, self._standardisation)
        return self.design.map_rows(on_block, row_values, self.block_rows)

    def take(self, index: NDArray[np.intp]) -> Matrix:
        """Return the rows with these indices."""
        return self._standardisation(self.design.rows_of_X(index))

    @property
    def block_rows(self) -> int:
        """The most rows in a block."""
        return min(max(16, BLOCK_BYTES // (8 * max(1, self.n_columns))), self.design.n_rows)

    @property
    def _standardisation(self) -> _Standardisation:
        return _Standardisation(self.design.units, self.fit_intercept, self.transform)


@dataclass(frozen=True)
class _Standardisation:
    """Convert rows of X to rows z."""

    units: Units
    fit_intercept: bool
    transform: Matrix | None

    def __call__(self, X: Any) -> Matrix:
        units, (m, p) = self.units, X.shape
        z = np.empty((m, p + self.fit_intercept))
        np.subtract(X.toarray() if issparse(X) else X, units.center, out=z[:, :p])
        if np.any(units.column_scale != 1.0):
            z[:, :p] /= units.column_scale
        z[:, p:] = 1.0
        return z if self.transform is None else z @ self.transform


@dataclass(frozen=True)
class _OnStandardised:
    """Turn a function of rows z into a function of rows of X."""

    function: Callable[..., Any]
    standardise: _Standardisation

    def __call__(self, X: Any, *values: NDArray) -> Any:
        return self.function(self.standardise(X), *values)


@dataclass(frozen=True)
class _AtResiduals:
    """Turn a function of rows z and residuals into a function of the rows of a design."""

    function: Callable[..., Any]
    standardise: _Standardisation
    scale: float
    delta: float

    def __call__(self, X: Any, residuals: Vector, frequencies: Vector, *values: NDArray) -> Any:
        rows = Residuals(residuals / self.scale, frequencies, None, self.delta)
        return self.function(self.standardise(X), rows, *values)


def weighted_gram(z: Matrix, factors: Vector, out: Matrix | None = None) -> Matrix:
    """Return ``sum_i f_i z_i z_i'`` of shape (k, k) for non-negative factors f.

    The rows, multiplied by the square roots of the factors, are written into ``out``. It may be z.
    """
    half = np.multiply(z, np.sqrt(factors)[:, None], out=out)
    upper = blas.dsyrk(1.0, half.T)
    return upper + np.triu(upper, 1).T
