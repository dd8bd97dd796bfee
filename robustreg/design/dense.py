"""Dense arrays, in row blocks that stay in cache while both products are taken."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import blas, lapack

from robustreg.design.base import (
    Accumulator,
    Design,
    Matrix,
    Point,
    Rows,
    Sums,
    Vector,
    clip_residuals,
    weigh_rows,
)
from robustreg.design.units import Units, stratified_rows, working_units

__all__ = ["DenseDesign"]

#: Bytes of float64 in a block: two thirds of a megabyte to a few are equally fast for the products,
#: and more makes the Gram matrix of wide X faster (20,000 x 500: 0.12 s at 1 MiB, 0.08 s at 2).
BLOCK_BYTES = 2**21

#: Rows from which the working units are read; all of them on small data.
UNITS_SAMPLE = 1000


class DenseDesign(Design):
    """NumPy arrays of float64 or float32, C- or Fortran-ordered, read-only or not.

    Parameters
    ----------
    X : array of shape (n, p)
    y : array of shape (n,)
    weights : array of shape (n,) or None
        Frequencies.
    centered : bool
        Whether columns may be shifted, that is, whether there is an intercept.
    """

    def __init__(
        self,
        X: NDArray,
        y: NDArray,
        weights: Vector | None,
        *,
        centered: bool,
        units: Units | None = None,
    ) -> None:
        self.n_rows, self.n_features = X.shape
        self.total_weight = float(self.n_rows if weights is None else weights.sum())
        self.centered = centered
        if units is None:
            sample = stratified_rows(self.n_rows, weights, UNITS_SAMPLE)
            units = working_units(X[sample], y[sample], centered)
        self.units = units
        self._X = X
        self._y = np.asarray(y, dtype=np.float64) / units.response_scale
        self._weights = weights
        self._residuals = np.empty(self.n_rows)
        self._evaluated: tuple[bytes, float] | None = None
        self._block_rows = max(16, BLOCK_BYTES // (8 * max(1, self.n_features)))

    # -- sums over rows -------------------------------------------------------------------------

    def value_and_gradient(self, point: Point) -> Sums:
        sums = Accumulator(self.n_features)
        for rows, X in self._blocks(point):
            residual = self._residuals[rows]
            psi = clip_residuals(residual, point.threshold)
            sums.add(residual, psi, self._block_weights(rows), X)
        return sums.sums(self.units)

    def gram(self, point: Point, rows: Rows) -> tuple[Sums, Matrix]:
        order = self.n_features + 2
        sums = Accumulator(self.n_features)
        total = np.zeros((order, order), order="F")
        for block in self._augmented_blocks(point, rows, sums):
            total = blas.dsyrk(1.0, block.T, beta=1.0, c=total, overwrite_c=True)
        return sums.sums(self.units), total

    def triangular_factor(self, point: Point, rows: Rows) -> tuple[Sums, Matrix]:
        order = self.n_features + 2
        sums = Accumulator(self.n_features)
        factor = np.empty((0, order))
        for block in self._augmented_blocks(point, rows, sums):
            stacked = np.asfortranarray(np.vstack((factor, block)))
            reduced = lapack.dgeqrf(stacked, overwrite_a=True)[0]
            factor = np.triu(reduced[:order])
        return sums.sums(self.units), factor

    def residuals(self, point: Point) -> Vector:
        if self._evaluated != self._key(point):
            for _ in self._blocks(point):
                pass
        return self._residuals

    def subsample(self, n_rows: int) -> DenseDesign:
        index = stratified_rows(self.n_rows, self._weights, n_rows)
        weights = None if self._weights is None else self._weights[index]
        y = self._y[index] * self.units.response_scale
        return DenseDesign(self._X[index], y, weights, centered=self.centered, units=self.units)

    def reweighted(self, weights: Vector) -> DenseDesign:
        units = self.units
        return DenseDesign(
            self._X, self._y * units.response_scale, weights, centered=self.centered, units=units
        )

    @property
    def weights(self) -> Vector | None:
        return self._weights

    @property
    def response(self) -> Vector:
        return self._y

    # -- blocks -----------------------------------------------------------------------------------

    def _blocks(self, point: Point) -> Iterator[tuple[slice, NDArray]]:
        """Row slices and float64 blocks of X; leaves the residuals of each in place.

        One read of X serves ``X @ w`` here and ``psi @ X`` in the caller, while it is in cache.
        """
        coef, intercept = self.raw(point)
        buffer = None if self._X.dtype == np.float64 else np.empty(self._block_shape(0))
        for start in range(0, self.n_rows, self._block_rows):
            rows = slice(start, min(start + self._block_rows, self.n_rows))
            X = self._X[rows]
            if buffer is not None:
                block = buffer[: X.shape[0]]
                np.copyto(block, X)
                X = block
            residual = self._residuals[rows]
            np.matmul(X, coef, out=residual)
            # (y - b) first: where both are large their difference is exact.
            np.subtract(self._y[rows] - intercept, residual, out=residual)
            yield rows, X
        self._evaluated = self._key(point)
        self.count_pass()

    def _augmented_blocks(
        self, point: Point, rows: Rows, sums: Accumulator
    ) -> Iterator[NDArray]:
        """Blocks of the augmented rows (z, 1, psi), weighted; adds to the sums on the way."""
        p = self.n_features
        rescaled = bool(np.any(self.units.column_scale != 1.0))
        buffer = np.empty(self._block_shape(2))
        for where, X in self._blocks(point):
            residual, frequency = self._residuals[where], self._block_weights(where)
            psi = clip_residuals(residual, point.threshold)
            sums.add(residual, psi, frequency, X)
            block = buffer[: X.shape[0]]
            np.subtract(X, self.units.center, out=block[:, :p])
            if rescaled:
                block[:, :p] /= self.units.column_scale
            block[:, p] = 1.0
            block[:, p + 1] = psi
            weigh_rows(block, residual, point.threshold, rows)
            if frequency is not None:
                block *= np.sqrt(frequency)[:, None]
            yield block

    def _block_shape(self, extra_columns: int) -> tuple[int, int]:
        return min(self._block_rows, self.n_rows), self.n_features + extra_columns

    def _block_weights(self, rows: slice) -> Vector | None:
        return None if self._weights is None else self._weights[rows]

    @staticmethod
    def _key(point: Point) -> tuple[bytes, float]:
        """What the residuals depend on; the threshold is not part of it."""
        return point.coef.tobytes(), point.intercept
