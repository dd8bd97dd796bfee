"""X in working units and the products of its columns, which all responses share."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from robustreg.design.units import Units

__all__ = ["SharedColumns"]

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]


class SharedColumns:
    """X in working units, and the products of its columns.

    Parameters
    ----------
    X : array of shape (n, p)
        A dense array.
    weights : array of shape (n,) or None
        Frequencies. Rows of frequency zero are left out.
    units : Units
    """

    def __init__(self, X: NDArray, weights: Vector | None, units: Units) -> None:
        self.rows: NDArray[np.intp] | None = None
        if weights is not None:
            if not np.all(weights > 0.0):
                self.rows = np.flatnonzero(weights > 0.0)
                X, weights = X[self.rows], weights[self.rows]
            if np.all(weights == 1.0):
                weights = None
        n, p = X.shape
        self.weights = weights
        self.columns = np.ones((n, p + 1))
        np.subtract(X, units.center, out=self.columns[:, :p])
        self.columns[:, :p] /= units.column_scale
        # With shape (p, 1), the scale can divide coefficients of shape (p, B).
        self.units = units._replace(column_scale=units.column_scale[:, None])
        self.weighted = np.ascontiguousarray(
            (self.columns if weights is None else self.columns * weights[:, None]).T
        )
        pairs = np.tril_indices(p + 1)
        self.pairs = pairs
        self.products = self.weighted[pairs[0]] * self.columns.T[pairs[1]]
        self.whole = self.products.sum(axis=1)

    @property
    def n_rows(self) -> int:
        """Number of rows with a positive frequency."""
        return int(self.columns.shape[0])

    @property
    def n_features(self) -> int:
        """Number of columns of X."""
        return int(self.columns.shape[1]) - 1

    def counted(self, responses: NDArray) -> NDArray:
        """Select the rows of responses that have a positive frequency."""
        return responses if self.rows is None else responses[self.rows]

    def factor(self, fit_intercept: bool) -> Matrix:
        """The factor R of the rows (z, 1), or z without an intercept, with their frequencies."""
        columns = self.columns if fit_intercept else self.columns[:, :-1]
        rows = columns if self.weights is None else columns * np.sqrt(self.weights)[:, None]
        return np.asarray(np.linalg.qr(rows, mode="r"))

    def triangle(self, sums: Matrix) -> Matrix:
        """Fill the lower triangles of Gram matrices of order p + 2 from sums of products.

        The last row, which belongs to the residuals, remains zero.
        """
        order = self.n_features + 2
        gram = np.zeros((order, order, sums.shape[1]))
        gram[self.pairs] = sums
        return gram
