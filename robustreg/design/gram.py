"""Gram matrices of augmented rows, computed from the columns of X as given."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import blas

from robustreg.design.base import Matrix
from robustreg.design.units import Units

__all__ = ["GramAccumulator", "shifted_gram"]

Vector = NDArray[np.float64]

#: Least part of a column's sum of squares that must remain after its shift is subtracted. Below it
#: four digits are lost, half of those that a pivot of Cholesky's factor may lose.
KEPT = 1e-4


class GramAccumulator:
    """Running sums of ``f (x, 1, e)(x, 1, e)'`` over blocks of rows.

    X is neither shifted nor extended by two columns first. Both need a copy, which takes longer
    than the products where X is narrow.

    Parameters
    ----------
    n_features : int
    """

    def __init__(self, n_features: int) -> None:
        # Only its upper triangle is used.
        self.columns = np.zeros((n_features, n_features), order="F")
        self.cross = np.zeros((2, n_features))
        self.corner = np.zeros((2, 2))

    def add(self, block: NDArray, last: Matrix) -> None:
        """Add ``r x``, of shape (rows, p), and ``r`` and ``r e``, of shape (2, rows)."""
        self.columns = blas.dsyrk(1.0, block.T, beta=1.0, c=self.columns, overwrite_c=True)
        self.cross += last @ block
        self.corner += last @ last.T

    def add_products(self, X: NDArray, factor: Vector, slope: Vector, error: Vector) -> None:
        """Add rows whose factor may be negative, since a loss need not be convex.

        Parameters
        ----------
        X : array of shape (rows, p)
        factor, slope, error : arrays of shape (rows,)
            f, ``f e`` and e.
        """
        # One general product is faster than that of the rows times the root of |f| and a second one
        # of those with negative f: 2.0 instead of 4.9 ms for 100,000 x 10, and 18 instead of 21 for
        # 50 columns.
        self.columns += (X * factor[:, None]).T @ X
        self.cross += np.stack((factor, slope)) @ X
        across = np.add.reduce(slope)
        self.corner += ((np.add.reduce(factor), across), (across, slope @ error))

    def augmented(self, units: Units) -> Matrix | None:
        """The Gram matrix of (z, 1, e), or None if the shift loses too many digits."""
        gram = shifted_gram(self.columns, self.cross, self.corner, units)
        p = self.cross.shape[1]
        # Columns in units of their own are shifted before their products.
        return gram if (gram.diagonal()[:p] >= KEPT * self.columns.diagonal()).all() else None


def shifted_gram(columns: Matrix, cross: Matrix, corner: Matrix, units: Units) -> Matrix:
    """Gram matrix of the augmented rows (z, 1, e) from that of (x, 1, e).

    With c the shift, s = sum f x and F = sum f,
    sum f (x - c)(x - c)' = sum f xx' - c s' - (s - F c) c'.

    Parameters
    ----------
    columns : array of shape (p, p)
    cross : array of shape (2, p)
        Products of the columns with 1 and e.
    corner : array of shape (2, 2)
        Products of 1 and e.
    units : Units

    Returns
    -------
    array of shape (p + 2, p + 2)
    """
    p, (center, scale) = cross.shape[1], units[:2]
    gram = np.empty((p + 2, p + 2), order="F")
    shifted = cross - corner[0][:, None] * center
    product = center[:, None] * cross[0]
    product += shifted[0][:, None] * center
    np.subtract(columns, product, out=gram[:p, :p])
    gram[:p, :p] /= scale
    gram[:p, :p] /= scale[:, None]
    shifted /= scale
    gram[p:, :p], gram[:p, p:], gram[p:, p:] = shifted, shifted.T, corner
    return gram
