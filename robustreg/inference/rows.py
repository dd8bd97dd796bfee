"""Sums and maps over the rows of X for quantities that only inference needs."""

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

#: Bytes of float64 in a block of rows: it stays in cache while several Gram matrices are formed.
BLOCK_BYTES = 2**20


@dataclass(frozen=True)
class RowBlocks:
    """Rows ``z = ((x - center) / column_scale, 1) T`` of a design, in blocks.

    Parameters
    ----------
    design : Design
        In whose working units the rows are.
    fit_intercept : bool
        Whether the rows end with a one.
    transform : array of shape (k, k), optional
        T; the identity if it is not given.
    """

    design: Design
    fit_intercept: bool
    transform: Matrix | None = None

    @property
    def n_columns(self) -> int:
        """k: the features, and the intercept where there is one."""
        return self.design.n_features + self.fit_intercept

    def transformed(self, transform: Matrix) -> RowBlocks:
        """The rows ``z T``."""
        return replace(self, transform=transform)

    def sum(
        self, statistic: Callable[..., tuple[NDArray, ...]], *row_values: NDArray
    ) -> tuple[NDArray, ...]:
        """Add ``statistic(z, *values)`` over blocks of rows, in one pass.

        Parameters
        ----------
        statistic : callable
            From rows z of shape (m, k) and the values of these rows to a tuple of arrays. It may
            overwrite z, and must not keep it. Blocks may be summed by several threads or machines.
        *row_values : arrays of length n
            Handed to ``statistic`` block by block.

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
        """As ``sum``, of ``statistic(z, residuals, *values)`` with :class:`Residuals` at a point.

        Parameters
        ----------
        point : Point
        scale, delta : float
            By which residuals are divided, in working units, and the threshold in units of it.
        statistic, *row_values
            As for ``sum``.
        """
        on_block = _AtResiduals(statistic, self._standardisation, scale, delta)
        return self.design.sum_over_rows(on_block, row_values, self.block_rows, point)

    def map(self, function: Callable[..., NDArray], *row_values: NDArray) -> NDArray:
        """Join ``function(z, *values)``, a new array with an entry or line per row, of all rows."""
        on_block = _OnStandardised(function, self._standardisation)
        return self.design.map_rows(on_block, row_values, self.block_rows)

    def take(self, index: NDArray[np.intp]) -> Matrix:
        """The rows with these numbers."""
        return self._standardisation(self.design.rows_of_X(index))

    @property
    def block_rows(self) -> int:
        """The most rows of a block."""
        return min(max(16, BLOCK_BYTES // (8 * max(1, self.n_columns))), self.design.n_rows)

    @property
    def _standardisation(self) -> _Standardisation:
        return _Standardisation(self.design.units, self.fit_intercept, self.transform)


@dataclass(frozen=True)
class _Standardisation:
    """From rows of X to rows z."""

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
    """A function of rows z as one of rows of X."""

    function: Callable[..., Any]
    standardise: _Standardisation

    def __call__(self, X: Any, *values: NDArray) -> Any:
        return self.function(self.standardise(X), *values)


@dataclass(frozen=True)
class _AtResiduals:
    """A function of rows z and their residuals as one of rows of X and what a design has."""

    function: Callable[..., Any]
    standardise: _Standardisation
    scale: float
    delta: float

    def __call__(self, X: Any, residuals: Vector, frequencies: Vector, *values: NDArray) -> Any:
        rows = Residuals(residuals / self.scale, frequencies, None, self.delta)
        return self.function(self.standardise(X), rows, *values)


def weighted_gram(z: Matrix, factors: Vector, out: Matrix | None = None) -> Matrix:
    """``sum_i f_i z_i z_i'`` for factors that are not negative, of shape (k, k).

    The rows times the roots of the factors are written into ``out``, which may be z itself.
    """
    half = np.multiply(z, np.sqrt(factors)[:, None], out=out)
    upper = blas.dsyrk(1.0, half.T)
    return upper + np.triu(upper, 1).T
