"""Sums and maps over the rows of X for quantities that only inference needs.

A stop-gap for two methods that belong in ``design``: everything here touches data of size n through
:meth:`RowBlocks.sum` and :meth:`RowBlocks.map`, which a design on many machines can offer as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import blas
from scipy.sparse import issparse

from robustreg.design import Design

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
    X : array or CSR matrix of shape (n, p)
    design : Design
        Whose working units the rows are in, and whose passes are counted.
    fit_intercept : bool
        Whether the rows end with a one.
    transform : array of shape (k, k), optional
        T; the identity if it is not given.
    """

    X: Any
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
            overwrite z, and must not keep it.
        *row_values : arrays of length n
            Handed to ``statistic`` block by block.

        Returns
        -------
        tuple of arrays
        """
        total: tuple[NDArray, ...] = ()
        for rows, z in self._blocks():
            part = statistic(z, *(values[rows] for values in row_values))
            total = tuple(a + b for a, b in zip(total, part, strict=True)) if total else part
        return total

    def map(self, function: Callable[..., NDArray], *row_values: NDArray) -> NDArray:
        """Join ``function(z, *values)``, a new array with an entry or line per row, of all rows."""
        parts = [
            function(z, *(values[rows] for values in row_values)) for rows, z in self._blocks()
        ]
        return np.concatenate(parts)

    def take(self, index: NDArray[np.intp]) -> Matrix:
        """The rows with these numbers."""
        return self._standardised(self.X[index], np.empty((index.size, self.n_columns)))

    @property
    def block_rows(self) -> int:
        """The most rows of a block."""
        return min(max(16, BLOCK_BYTES // (8 * max(1, self.n_columns))), self.design.n_rows)

    def _blocks(self) -> Iterator[tuple[slice, Matrix]]:
        # One buffer for all blocks: fetching memory anew takes as long as filling it.
        size, buffer = self.block_rows, np.empty((self.block_rows, self.n_columns))
        for start in range(0, self.design.n_rows, size):
            rows = slice(start, min(start + size, self.design.n_rows))
            yield rows, self._standardised(self.X[rows], buffer[: rows.stop - start])
        self.design.count_pass()

    def _standardised(self, X: Any, z: Matrix) -> Matrix:
        """Rows of X in working units, written into ``z``."""
        units, p = self.design.units, X.shape[1]
        np.subtract(X.toarray() if issparse(X) else X, units.center, out=z[:, :p])
        if np.any(units.column_scale != 1.0):
            z[:, :p] /= units.column_scale
        z[:, p:] = 1.0
        return z if self.transform is None else z @ self.transform


def weighted_gram(z: Matrix, factors: Vector, out: Matrix | None = None) -> Matrix:
    """``sum_i f_i z_i z_i'`` for factors that are not negative, of shape (k, k).

    The rows times the roots of the factors are written into ``out``, which may be z itself.
    """
    half = np.multiply(z, np.sqrt(factors)[:, None], out=out)
    upper = blas.dsyrk(1.0, half.T)
    return upper + np.triu(upper, 1).T
