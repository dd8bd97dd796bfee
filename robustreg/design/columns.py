"""Access to some columns of a design, for models in which most coefficients are zero.

A penalised fit needs products with all columns once per alpha, and everything else only for the few
active columns. These are copied from X, which is an array or a sparse matrix, shifted and scaled.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from robustreg.design.active_columns import INTERCEPT, ActiveColumns
from robustreg.design.base import Point
from robustreg.design.units import Units

__all__ = ["ActiveColumns", "ColumnAccess"]

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]
Indices = NDArray[np.intp]


class ColumnAccess:
    """Products with all columns, and copies of some, for designs in memory."""

    n_features: int
    n_rows: int
    units: Units

    def column_products(self: Any, values: NDArray, point: Point) -> NDArray:
        """``sum s q z`` of all columns for values q of the rows at a point, in one pass.

        Parameters
        ----------
        values : array of shape (n,) or (m, n)
        point : Point

        Returns
        -------
        array of shape (p,) or (m, p)
        """
        weights, units = self.weights, self.block_units
        weighted = values if weights is None else weights * values
        product = np.zeros((*values.shape[:-1], self.n_features))
        for rows, X in self._row_blocks():
            product += weighted[..., rows] @ X
        self.count_pass(point)
        shift = weighted.sum(axis=-1)[..., None] * units.center
        return (product - shift) / units.column_scale

    def active_columns(self: Any, fit_intercept: bool) -> ActiveColumns:
        """An empty set of columns, or only the constant one if there is an intercept."""
        kind = SparseColumns if sparse.issparse(self._X) else DenseColumns
        return kind(self, self._X, fit_intercept)


class DenseColumns(ActiveColumns):
    """Columns of an array, stored in an array with room for more."""

    def __init__(self, design: Any, X: Any, fit_intercept: bool) -> None:
        self._stored = np.empty((design.n_rows, 0), order="F")
        super().__init__(design, X, fit_intercept)

    @property
    def _Z(self) -> Matrix:
        return self._stored[:, : self.size]

    def image(self, coef: Vector) -> Vector:
        return self._Z @ coef

    def products(self, values: Vector) -> Vector:
        return self._frequencies(values) @ self._Z

    def _append(self, index: Indices) -> None:
        old, size = self.size, self.size + index.shape[0]
        if size > self._stored.shape[1]:
            wider = np.empty((self.design.n_rows, max(size, 2 * old)), order="F")
            wider[:, :old] = self._Z
            self._stored = wider
        units = self.design.units
        for position, column in enumerate(index.tolist(), start=old):
            if column == INTERCEPT:
                self._stored[:, position] = 1.0
            else:
                # With dtype, since NumPy 1 would subtract a number from float32 in float32.
                shifted = np.subtract(self._X[:, column], units.center[column], dtype=np.float64)
                np.divide(shifted, units.column_scale[column], out=self._stored[:, position])

    def _cross_products(self, row_weights: Vector, columns: slice) -> Matrix:
        result = np.empty((self.size, columns.stop - columns.start), order="F")
        for part in _slices(columns, self.design.n_rows):
            weighted = self._stored[:, part] * row_weights[:, None]
            result[:, part.start - columns.start : part.stop - columns.start] = self._Z.T @ weighted
        return result

    def _products_of_rows(self, rows: Indices, row_weights: Vector) -> Matrix:
        Z = self._Z[rows]
        return (Z * row_weights[:, None]).T @ Z


class SparseColumns(ActiveColumns):
    """Columns of a sparse matrix as given. Shifts are applied to the sums."""

    def __init__(self, design: Any, X: Any, fit_intercept: bool) -> None:
        self._by_columns = sparse.csc_array(X)
        self._stored = sparse.csc_array((design.n_rows, 0))
        self._by_rows = sparse.csr_array((design.n_rows, 0))
        self._center, self._scale = np.empty(0), np.empty(0)
        super().__init__(design, X, fit_intercept)

    def image(self, coef: Vector) -> Vector:
        raw = coef / self._scale
        return self._stored @ raw - float(self._center @ raw)

    def products(self, values: Vector) -> Vector:
        weighted = self._frequencies(values)
        return (self._stored.T @ weighted - self._center * weighted.sum()) / self._scale

    def _append(self, index: Indices) -> None:
        units, n = self.design.units, self.design.n_rows
        constant = index == INTERCEPT
        if constant.all():
            new = sparse.csc_array(np.ones((n, index.shape[0])))
            center, scale = np.zeros(index.shape[0]), np.ones(index.shape[0])
        else:
            new = self._by_columns[:, index]
            center, scale = units.center[index], units.column_scale[index]
        self._stored = sparse.csc_array(sparse.hstack((self._stored, new), format="csc"))
        self._by_rows = sparse.csr_array(self._stored)
        self._center = np.concatenate((self._center, center))
        self._scale = np.concatenate((self._scale, scale))

    def _cross_products(self, row_weights: Vector, columns: slice) -> Matrix:
        """With c the shifts, ``sum f (x - c)(x - c)' = sum f xx' - c m' - m c' + F c c'``."""
        part = self._stored[:, columns]
        weighted = sparse.csc_array(part.multiply(row_weights[:, None]))
        first, second = self._center, self._center[columns]
        sums = self._stored.T @ row_weights
        gram = (self._stored.T @ weighted).toarray()
        gram -= np.outer(first, sums[columns]) + np.outer(sums, second)
        gram += row_weights.sum() * np.outer(first, second)
        return gram / self._scale[:, None] / self._scale[columns]

    def _products_of_rows(self, rows: Indices, row_weights: Vector) -> Matrix:
        X = self._by_rows[rows]
        sums, center = X.T @ row_weights, self._center
        gram = (X.T @ X.multiply(row_weights[:, None]).tocsr()).toarray()
        # The correction is symmetric, and half of it is subtracted twice: see _cross_products.
        shift = np.outer(center, sums - 0.5 * row_weights.sum() * center)
        gram -= shift
        gram -= shift.T
        if np.any(self._scale != 1.0):
            gram /= self._scale[:, None]
            gram /= self._scale
        return gram


def _slices(columns: slice, n_rows: int) -> Iterator[slice]:
    """Parts of a slice whose copies stay below 64 MB."""
    width = max(16, 2**23 // max(1, n_rows))
    for start in range(columns.start, columns.stop, width):
        yield slice(start, min(start + width, columns.stop))
