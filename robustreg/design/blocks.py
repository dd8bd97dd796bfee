"""Rows of an array in blocks that stay in cache, with their residuals."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from robustreg.design.accumulators import Accumulator, augmented_parts
from robustreg.design.base import Design, Mixing, Point, Vector
from robustreg.design.units import Units, stratified_rows, working_units

__all__ = ["UNITS_SAMPLE", "RowBlocks"]

#: Bytes of float64 in a block, and its least and greatest number of rows. On a quiet machine,
#: blocks of 0.25 to a few MiB are equally fast. Where other programs keep the cores busy, OpenBLAS'
#: threads wait for each other in every product of a large block (1,000,000 x 10: 2.1 s at 2 MiB,
#: 0.26 s at 0.25 MiB). Gram matrices of wide X need enough rows per block.
BLOCK_BYTES, BLOCK_ROWS = 2**19, (256, 4096)

#: Number of rows that determine the working units.
UNITS_SAMPLE = 1000


class RowBlocks(Design):
    """Rows in memory, with products computed block by block.

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
        self.square_weight = float(self.n_rows if weights is None else weights @ weights)
        self.centered = centered
        if units is None:
            units = self._find_units(X, y, weights)
        self.units = units
        self._X: Any = X
        self._block_units = self._units_of_blocks()
        self._y = np.asarray(y, dtype=np.float64) / units.response_scale
        self._weights = weights
        self._residuals = np.empty(self.n_rows)
        self._evaluated: tuple[bytes, float] | None = None
        fitting = BLOCK_BYTES // (8 * max(1, self.n_features))
        self._block_rows = min(max(BLOCK_ROWS[0], fitting), BLOCK_ROWS[1])
        # Rows in other units are shifted before their Gram matrix is formed, since their squares
        # could overflow.
        self._shifts_rows = bool(np.any(units.column_scale != 1.0))

    def residuals(self, point: Point) -> Vector:
        if self._evaluated != self._key(point):
            for _ in self._evaluate(point, self._row_blocks()):
                pass
        return self._residuals

    def sum_over_rows(
        self,
        statistic: Callable[..., tuple[NDArray, ...]],
        values: Sequence[NDArray],
        block_rows: int,
        point: Point | None = None,
    ) -> tuple[NDArray, ...]:
        if point is not None:
            frequencies = np.ones(self.n_rows) if self._weights is None else self._weights
            values = (self.residuals(point), frequencies, *values)
        total: tuple[NDArray, ...] = ()
        for part in self._each_block(statistic, values, block_rows):
            total = tuple(a + b for a, b in zip(total, part, strict=True)) if total else part
        return total

    def map_rows(
        self, function: Callable[..., NDArray], values: Sequence[NDArray], block_rows: int
    ) -> NDArray:
        return np.concatenate(list(self._each_block(function, values, block_rows)))

    def rows_of_X(self, index: NDArray[np.intp] | slice) -> Any:
        X = self._X[index]
        # Products of small integer types would overflow.
        return X if X.dtype in (np.float64, np.float32) else X.astype(np.float64)

    @property
    def block_units(self) -> Units:
        return self._block_units

    @property
    def n_positive(self) -> int:
        return self.n_rows if self._weights is None else int(np.count_nonzero(self._weights))

    @property
    def weights(self) -> Vector | None:
        return self._weights

    @property
    def response(self) -> Vector:
        return self._y

    # -- blocks -----------------------------------------------------------------------------------

    def _find_units(self, X: NDArray, y: NDArray, weights: Vector | None) -> Units:
        if weights is not None or self.n_rows > UNITS_SAMPLE:
            sample = stratified_rows(self.n_rows, weights, UNITS_SAMPLE)
            X, y = X[sample], y[sample]
        return working_units(X, y, self.centered)

    def _units_of_blocks(self) -> Units:
        return self.units.of_blocks()

    def _row_blocks(self, size: int | None = None) -> Iterator[tuple[slice, Any]]:
        """Row slices and float64 blocks of X that fit in cache.

        Where columns are far from zero, x'w and the intercept are large and nearly cancel. Such
        blocks are shifted first, which costs as much as reading them. BLAS would convert or copy
        other types and misaligned arrays (which arrive over a network) in every product, so they
        are copied once here.
        """
        size = size or self._block_rows
        shifted = self._block_units is not self.units
        buffer = None
        if shifted or self._X.dtype != np.float64 or not self._X.flags.aligned:
            buffer = np.empty((min(size, self.n_rows), self.n_features))
        elif size >= self.n_rows:
            yield slice(self.n_rows), self._X
            return
        for start in range(0, self.n_rows, size):
            rows = slice(start, min(start + size, self.n_rows))
            X = self._X[rows]
            if buffer is not None:
                block = buffer[: X.shape[0]]
                if shifted:
                    np.subtract(X, self.units.center, out=block)
                else:
                    np.copyto(block, X)
                X = block
            yield rows, X

    def _dense_blocks(self, size: int | None = None) -> Iterator[tuple[slice, Any]]:
        """The same as dense arrays, for Gram matrices and reflections."""
        return self._row_blocks(size)

    def _each_block(
        self, function: Callable[..., Any], values: Sequence[NDArray], size: int
    ) -> Iterator[Any]:
        """A function of the rows of X as given, block by block."""
        for start in range(0, self.n_rows, size):
            rows = slice(start, min(start + size, self.n_rows))
            yield function(self.rows_of_X(rows), *(value[rows] for value in values))
        self.count_pass()

    def _evaluate(
        self, point: Point, blocks: Iterator[tuple[slice, Any]]
    ) -> Iterator[tuple[Any, Vector, Vector | None]]:
        """Yield the blocks, with their residuals and frequencies. The residuals are stored.

        A block is read once for ``X @ w`` here and ``psi @ X`` in the caller, while it is in cache.
        """
        coef, intercept = self.block_units.raw(point.coef, point.intercept)
        for rows, X in blocks:
            residual = self._residuals[rows]
            # (y - b) comes first: if both are large, their difference is exact.
            np.subtract(self._y[rows] - intercept, X @ coef, out=residual)
            yield X, residual, self._block_weights(rows)
        self._evaluated = self._key(point)
        self.count_pass(point)

    def _augmented_blocks(
        self, point: Point, mixing: Mixing, sums: Accumulator, size: int | None = None
    ) -> Iterator[tuple[NDArray, NDArray]]:
        """Blocks of weighted rows (z, 1, e), and a mask of those with negative curvature.

        The blocks are added to ``sums`` too.
        """
        p, size = self.n_features, size or self._block_rows
        rescaled = bool(np.any(self.units.column_scale != 1.0))
        buffer = np.empty((min(size, self.n_rows), p + 2))
        for X, residual, frequency in self._evaluate(point, self._dense_blocks(size)):
            sums.add(residual, frequency, X)
            f, root, last = augmented_parts(sums.rho, residual, mixing)
            block = buffer[: X.shape[0]]
            np.subtract(X, self.block_units.center, out=block[:, :p])
            if rescaled:
                block[:, :p] /= self.units.column_scale
            block[:, p] = 1.0
            block[:, :-1] *= root[:, None]
            block[:, p + 1] = last
            if frequency is not None:
                block *= np.sqrt(frequency)[:, None]
            yield block, f < 0.0

    def _block_shape(self, extra_columns: int) -> tuple[int, int]:
        return min(self._block_rows, self.n_rows), self.n_features + extra_columns

    def _block_weights(self, rows: slice) -> Vector | None:
        return None if self._weights is None else self._weights[rows]

    @staticmethod
    def _key(point: Point) -> tuple[bytes, float]:
        """The parameters that the residuals depend on, which exclude the scale."""
        return point.coef.tobytes(), point.intercept
