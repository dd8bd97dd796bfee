"""Dense arrays, in blocks of rows that stay in cache between the two products with X."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import blas, lapack

from robustreg.design.accumulators import (
    Accumulator,
    SeveralAccumulator,
    augmented_products,
    row_curvature,
)
from robustreg.design.base import Matrix, Mixing, Point, Sums, Vector
from robustreg.design.blocks import RowBlocks
from robustreg.design.columns import ColumnAccess
from robustreg.design.gram import GramAccumulator
from robustreg.design.units import Units, stratified_rows
from robustreg.losses import Huber, Loss
from robustreg.scales import joint_scale

__all__ = ["DenseDesign"]

#: Multiplications up to which OpenBLAS computes a product in one thread. The products at several
#: points stay below it. A second thread gains little there, and if other folds or programs keep the
#: cores busy, waiting for it took a hundred times as long as the product.
ONE_THREAD = 2**18

#: Rows per column of a block that is reduced to its triangular factor. At 4, a factor of order
#: 1,000 takes half as long as at 1, with the memory of fifteen factors.
FACTOR_ROWS = 4


class DenseDesign(ColumnAccess, RowBlocks):
    """NumPy arrays of numbers, C- or Fortran-ordered, read-only or not.

    Other types than float64 are converted block by block.

    Parameters
    ----------
    X : array of shape (n, p)
    y : array of shape (n,)
    weights : array of shape (n,) or None
        Frequencies.
    centered : bool
        Whether columns may be shifted, that is, whether there is an intercept.
    """

    # -- sums over rows -------------------------------------------------------------------------

    def value_and_gradient(self, point: Point) -> Sums:
        sums = Accumulator(point.units_loss, self.n_features)
        for X, residual, frequency in self._evaluate(point, self._row_blocks()):
            sums.add(residual, frequency, X)
        return sums.sums(self.block_units)

    def sums_together(self, coef: Matrix, intercept: Vector, loss: Loss) -> Sums:
        coef, intercept = self._several_raw(coef, intercept)
        size = min(self.n_rows, max(64, ONE_THREAD // max(1, coef.size)))
        sums = SeveralAccumulator(loss, coef.shape)
        buffer = np.empty((2, coef.shape[0], size))
        for rows, X in self._row_blocks(size):
            frequency = self._block_weights(rows)
            if frequency is not None and not frequency.any():
                continue  # validation rows of a fold that are neighbours
            residual, fitted = buffer[:, :, : X.shape[0]]
            np.matmul(coef, X.T, out=fitted)
            np.subtract(self._y[rows], intercept, out=residual)
            np.subtract(residual, fitted, out=residual)
            sums.add(residual, frequency, X)
        self.count_pass()
        return sums.sums(self.block_units)

    def precise_gradient(self, point: Point) -> Sums:
        # On platforms where a long double is a double, this is a usual pass.
        units = self.block_units
        coef, intercept = units.raw(point.coef, point.intercept)
        sums = Accumulator(point.units_loss, self.n_features, np.longdouble)
        for rows, block in self._row_blocks():
            X = block.astype(np.longdouble)
            residual = (self._y[rows] - np.longdouble(intercept)) - X @ coef
            sums.add(residual, self._block_weights(rows), X)
        self.count_pass(point)
        return sums.sums(units)

    def gram(self, point: Point, mixing: Mixing) -> tuple[Sums, Matrix]:
        if not self._shifts_rows:
            sums, gram = self._gram_of_columns(point, mixing)
            if gram is not None:
                return sums, gram
            self._shifts_rows = True
        order = self.n_features + 2
        sums_of_rows = Accumulator(point.units_loss, self.n_features)
        total = np.zeros((order, order), order="F")
        for block, negative in self._augmented_blocks(point, mixing, sums_of_rows):
            total = blas.dsyrk(1.0, block.T, beta=1.0, c=total, overwrite_c=True)
            if negative.any():
                opposite = block[negative]
                total = blas.dsyrk(-2.0, opposite.T, beta=1.0, c=total, overwrite_c=True)
        return sums_of_rows.sums(self.block_units), total

    def triangular_factor(self, point: Point, mixing: Mixing) -> tuple[Sums, Matrix]:
        order = self.n_features + 2
        sums = Accumulator(point.units_loss, self.n_features)
        factor = np.empty((0, order))
        # Each reduction reads the whole factor, and taller blocks need fewer reductions.
        size = max(self._block_rows, FACTOR_ROWS * order)
        for block, negative in self._augmented_blocks(point, mixing, sums, size):
            block[negative] = 0.0
            factor = np.vstack((factor, block))
            if factor.shape[0] > order:
                reduced = lapack.dgeqrf(np.asfortranarray(factor), overwrite_a=True)[0]
                factor = np.triu(reduced[:order])
        return sums.sums(self.block_units), factor

    def gram_product(self, point: Point, vector: Vector, mixing: Mixing = 0.0) -> Vector:
        p, loss = self.n_features, point.units_loss
        residuals = self.residuals(point)
        coef, offset = self.block_units.raw(vector[:p], float(vector[p]))
        product, shift, last = np.zeros(p), 0.0, 0.0
        for rows, X in self._row_blocks():
            residual, frequency = residuals[rows], self._block_weights(rows)
            f, slope = row_curvature(loss, residual, mixing), loss.psi_prime(residual) * residual
            image = f * (X @ coef + offset) + vector[p + 1] * slope
            last_image = slope * (X @ coef + offset + vector[p + 1] * residual)
            if frequency is not None:
                image *= frequency
                last_image = last_image * frequency
            product += image @ X
            shift += float(image.sum())
            last += float(last_image.sum())
        self.count_pass(point)
        units = self.block_units
        gradient = (product - units.center * shift) / units.column_scale
        return np.concatenate((gradient, (shift, last)))

    def gram_diagonal(self, point: Point, mixing: Mixing) -> tuple[Sums, Matrix]:
        sums = Accumulator(point.units_loss, self.n_features)
        found = np.zeros((2, self.n_features + 2))
        for block, negative in self._augmented_blocks(point, mixing, sums):
            block[negative] = 0.0
            found += np.einsum("ij,ij->j", block, block), block[:, self.n_features] @ block
        return sums.sums(self.block_units), found

    def joint_scale(self, point: Point, loss: Huber, target: float) -> float:
        residuals = self.residuals(point)
        return joint_scale(residuals, self.weights, float(loss.delta), target, point.scale)

    def subsample(self, n_rows: int) -> DenseDesign:
        return self.rows(stratified_rows(self.n_rows, self._weights, n_rows))

    def rows(self, index: NDArray[np.intp]) -> DenseDesign:
        weights = None if self._weights is None else self._weights[index]
        y = self._y[index] * self.units.response_scale
        return self._of(self._X[index], y, weights, self.units)

    def in_units(self, units: Units) -> DenseDesign:
        y = self._y * self.units.response_scale
        design = self._of(self._X, y, self._weights, units)
        design.like_rows, design.passes, design.on_pass = self.like_rows, self.passes, self.on_pass
        return design

    def answering(self, y: Vector, weights: Vector | None) -> DenseDesign:
        return self._of(self._X, y, weights, None)

    def reweighted(self, weights: Vector) -> DenseDesign:
        return self._of(self._X, self._y * self.units.response_scale, weights, self.units)

    def _of(self, X: Any, y: Vector, weights: Vector | None, units: Units | None) -> DenseDesign:
        """A design of the same kind."""
        return type(self)(X, y, weights, centered=self.centered, units=units)

    def _gram_of_columns(self, point: Point, mixing: Mixing) -> tuple[Sums, Matrix | None]:
        """Sums, and the Gram matrix without shifted rows, or None if it loses digits."""
        sums = Accumulator(point.units_loss, self.n_features)
        gram = GramAccumulator(self.n_features)
        shape = self._block_shape(0)
        buffer, last = np.empty(shape), np.empty((2, shape[0]))
        for X, residual, frequency in self._evaluate(point, self._dense_blocks()):
            curvature = sums.add(residual, frequency, X)
            if mixing == 0.0 and curvature.dtype == bool:
                inside = np.flatnonzero(curvature)
                block, pair = buffer[: inside.size], last[:, : inside.size]
                # With mode="raise", NumPy would buffer the output.
                X.take(inside, axis=0, out=block, mode="clip")
                residual.take(inside, out=pair[1], mode="clip")
                pair[0] = 1.0
                if frequency is not None:
                    root = np.sqrt(frequency[inside])
                    block *= root[:, None]
                    pair *= root
                gram.add(block, pair)
            elif mixing is None and frequency is None:
                pair = last[:, : X.shape[0]]
                pair[0], pair[1] = 1.0, sums.rho.psi(residual)
                gram.add(X, pair)
            else:
                products = augmented_products(sums.rho, residual, frequency, mixing, curvature)
                gram.add_products(X, *products)
        return sums.sums(self.block_units), gram.augmented(self.block_units)

    def _several_raw(self, coef: Matrix, intercept: Vector) -> tuple[Matrix, Matrix]:
        """Coefficients (points, p) and intercepts (points, 1) for the columns of X as given."""
        coef = coef / self.block_units.column_scale
        return coef, (intercept - coef @ self.block_units.center)[:, None]
