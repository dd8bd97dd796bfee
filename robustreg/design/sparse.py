"""Sparse matrices in CSR format, with products over the entries that are not zero."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.sparsefuncs import mean_variance_axis, min_max_axis

from robustreg.design.accumulators import SeveralAccumulator, augmented_products
from robustreg.design.base import GramKind, Matrix, Mixing, Point, Sums, Vector
from robustreg.design.dense import DenseDesign
from robustreg.design.gram import shifted_gram
from robustreg.design.units import Units, column_units, response_unit
from robustreg.losses import Loss

__all__ = ["SparseDesign"]

#: Cost of a multiplication in a sparse product, relative to one in a dense product.
SPARSE_COST = 100.0


class SparseDesign(DenseDesign):
    """SciPy matrices or arrays in CSR format, of any width.

    Residuals, gradients and Gram matrices are products with the sparse matrix. Where rows have so
    many entries that dense blocks are faster, a Gram matrix uses these. Shifts of the columns are
    applied to the sums, never to X. float32 entries are converted once, since SciPy would convert
    them in every product.
    """

    widest_gram = 2000

    def __init__(
        self,
        X: Any,
        y: NDArray,
        weights: Vector | None,
        *,
        centered: bool,
        units: Units | None = None,
    ) -> None:
        super().__init__(
            X.astype(np.float64, copy=False), y, weights, centered=centered, units=units
        )
        if units is None and centered:
            self._without_constants()

    def _without_constants(self) -> None:
        """Replace constant columns by zeros: beside an intercept, their coefficients are zero.

        Their shifts would leave rounding errors in all sums, whose size depends on the constant.
        """
        constant = (self.units.center != 0.0) & (np.abs(self.units.center) == self.units.magnitude)
        if not constant.any():
            return
        X = self._X.copy()
        X.data[constant[X.indices]] = 0.0
        X.eliminate_zeros()
        self._X = X
        self.units = self.units._replace(
            center=np.where(constant, 0.0, self.units.center),
            magnitude=np.where(constant, 0.0, self.units.magnitude),
        )
        self._block_units = self._units_of_blocks()

    def gram_kind(self, alpha: float) -> GramKind:
        # With few rows and no penalty, conjugate gradients would take thousands of passes.
        few = alpha == 0.0 and self.n_rows < 2 * self.n_features
        if few and self.n_features <= DenseDesign.widest_gram:
            return "factor" if self.n_rows < self.n_features else "matrix"
        return "matrix" if self.n_features <= self.widest_gram else "products"

    def sums_together(self, coef: Matrix, intercept: Vector, loss: Loss) -> Sums:
        coef, intercept = self._several_raw(coef, intercept)
        sums = SeveralAccumulator(loss, coef.shape)
        residual = np.subtract(self._y, intercept) - (self._X @ coef.T).T
        sums.add(residual, self._weights, self._X)
        self.count_pass()
        return sums.sums(self.units)

    def gram(self, point: Point, mixing: Mixing) -> tuple[Sums, Matrix]:
        entries = np.diff(self._X.indptr).astype(np.float64)
        if SPARSE_COST * float(entries @ entries) > self.n_rows * self.n_features**2:
            return super().gram(point, mixing)
        sums, factor, slope, last = self._factors(point, mixing)
        weighted = self._X.multiply(factor[:, None]).tocsr()
        # Products of the rows (x, 1, e). Those with e have the curvature psi'.
        pair = np.stack((factor, slope))
        corner = np.array([[factor.sum(), slope.sum()], [slope.sum(), last]])
        columns = (self._X.T @ weighted).toarray()
        return sums, shifted_gram(columns, pair @ self._X, corner, self.units)

    def gram_diagonal(self, point: Point, mixing: Mixing) -> tuple[Sums, Matrix]:
        sums, factor, slope, last = self._factors(point, mixing)
        squares = self._X.multiply(self._X).tocsr()
        center, scale, total = self.units.center, self.units.column_scale, float(factor.sum())
        cross = factor @ self._X
        diagonal = factor @ squares - 2.0 * center * cross + center**2 * total
        found = np.empty((2, self.n_features + 2))
        found[:, :-2] = diagonal / scale**2, (cross - center * total) / scale
        found[:, -2], found[:, -1] = total, (last, slope.sum())
        return sums, found

    def _factors(self, point: Point, mixing: Mixing) -> tuple[Sums, Vector, Vector, float]:
        """Sums, curvature of the rows and ``psi' e``, both times s, and ``sum s psi' e²``."""
        sums = self.value_and_gradient(point)
        loss, residual = point.units_loss, self._residuals
        curvature = loss.psi_prime(residual)
        factor, slope, error = augmented_products(loss, residual, self._weights, mixing, curvature)
        return sums, factor, slope, float(slope @ error)

    def _find_units(self, X: Any, y: NDArray, weights: Vector | None) -> Units:
        if weights is not None and not np.all(weights > 0.0):
            X, y = X[np.flatnonzero(weights > 0.0)], y[weights > 0.0]
        center = np.zeros(self.n_features)
        if self.centered:
            center = mean_variance_axis(X, axis=0)[0].astype(np.float64)
        smallest, largest = min_max_axis(X, axis=0)
        if self.centered:
            # A constant column must become exactly zero, without the rounding error of its mean.
            center = np.where(smallest == largest, smallest, center)
        magnitude = np.maximum(np.abs(smallest), np.abs(largest)).astype(np.float64)
        return Units(center, column_units(magnitude), response_unit(y), magnitude)

    def _units_of_blocks(self) -> Units:
        return self.units  # a shifted matrix would not be sparse

    def _row_blocks(self, size: int | None = None) -> Iterator[tuple[slice, Any]]:
        yield slice(0, self.n_rows), self._X

    def _dense_blocks(self, size: int | None = None) -> Iterator[tuple[slice, NDArray]]:
        size = size or self._block_rows
        for start in range(0, self.n_rows, size):
            rows = slice(start, min(start + size, self.n_rows))
            yield rows, self._X[rows].toarray()
