"""A design with more columns than rows, in coordinates of its row space.

With a ridge penalty, or if coefficients have least norm, w is a combination of the rows of X. With
``(X - c)' = Q R``, Q of shape (p, n) with orthonormal columns, and w = Q a, the rows are those of
R' and ``||w|| = ||a||``. The problem is the same, with n columns instead of p.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from robustreg.design.base import EPS, Point, Vector
from robustreg.design.dense import DenseDesign
from robustreg.design.units import Units

__all__ = ["RotatedDesign", "row_space_design"]

#: Rows per column up to which rows are rotated. The rotation costs ``4 n² p`` operations once, and
#: a fit to 300 x 300 or 1,500 x 2,000 takes as long with it as without it. Without it, the penalty
#: would take away one parameter for each direction that no row has. These numbers would leave few
#: digits to the degrees of freedom, which are of the order of a small penalty.
MOST_ROWS = 1.0

#: Largest size of X that is rotated. A sparse X becomes dense.
MOST_NUMBERS = 2**24


class RotatedDesign(DenseDesign):
    """The rows in coordinates of the space that they span.

    Parameters
    ----------
    design : DenseDesign
        With more columns than rows, and columns of scale 1.
    rows : array of shape (n, p)
        X, dense.
    """

    def __init__(self, design: DenseDesign, rows: NDArray) -> None:
        self._original = design
        q, r = np.linalg.qr((rows - design.units.center).T)
        # Centred or equal rows span fewer dimensions than there are rows. The other coordinates are
        # rounding errors, which a fit without a penalty would use like any others. One column is
        # kept, since a design needs one.
        length = np.sqrt(np.einsum("ij,ij->j", r, r))
        r[np.abs(r) <= EPS * r.shape[0] * length] = 0.0
        kept = np.union1d(0, np.flatnonzero(r.any(axis=1)))
        self._basis = q[:, kept]
        y = design.response * design.units.response_scale
        coordinates = np.ascontiguousarray(r[kept].T)
        super().__init__(coordinates, y, design.weights, centered=design.centered)

    def _of(self, X: Any, y: Vector, weights: Vector | None, units: Units | None) -> DenseDesign:
        # In the coordinates that it has: rows with other weights span no other space.
        return DenseDesign(X, y, weights, centered=self.centered, units=units)

    @property
    def original(self) -> DenseDesign:
        """The design in the columns of X."""
        return self._original

    def back(self, point: Point) -> Point:
        """Map a point to the original design and its working units."""
        coef, intercept = self.raw(point)
        ratio = self.units.response_scale / self._original.units.response_scale
        return point._replace(
            coef=self._basis @ coef * ratio, intercept=intercept * ratio, scale=point.scale * ratio
        )

    def into(self, point: Point) -> Point:
        """Project a point of the original design onto the row space."""
        ratio = self._original.units.response_scale / self.units.response_scale
        coef = self._basis.T @ point.coef * ratio
        intercept = point.intercept * ratio + float(self.units.center @ coef)
        return point._replace(
            coef=coef * self.units.column_scale, intercept=intercept, scale=point.scale * ratio
        )


def row_space_design(design: Any) -> RotatedDesign | None:
    """The rotated design if it is cheaper, else None."""
    if not isinstance(design, DenseDesign) or isinstance(design, RotatedDesign):
        return None
    n, p = design.n_rows, design.n_features
    if n > MOST_ROWS * p or n * p > MOST_NUMBERS or np.any(design.units.column_scale != 1.0):
        return None
    rows = design.rows_of_X(np.arange(n))
    rows = rows.toarray() if hasattr(rows, "toarray") else np.asarray(rows, dtype=np.float64)
    return RotatedDesign(design, rows)
