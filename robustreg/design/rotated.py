"""More columns than rows: the row space, in which every fit lies.

Under a ridge penalty, and for coefficients of least norm, w is a combination of the rows of X. With
``(X - c)' = Q R``, Q of shape (p, n) with orthonormal columns, w = Q a, the rows are those of R',
and ``||w|| = ||a||``: the problem has n columns instead of p and is otherwise the same.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from robustreg.design.base import Point
from robustreg.design.dense import DenseDesign

__all__ = ["RotatedDesign", "row_space_design"]

#: Rows, of columns, up to which the rotation pays: it costs ``4 n² p`` operations once.
MOST_ROWS = 0.5

#: Numbers in X up to which a sparse one is made dense for it.
MOST_NUMBERS = 2**24


class RotatedDesign(DenseDesign):
    """The rows in coordinates of their own space.

    Parameters
    ----------
    design : DenseDesign
        With more columns than rows, and column units of one.
    rows : array of shape (n, p)
        X, dense.
    """

    def __init__(self, design: DenseDesign, rows: NDArray) -> None:
        self._original = design
        q, r = np.linalg.qr((rows - design.units.center).T)
        self._basis = q
        y = design.response * design.units.response_scale
        super().__init__(np.ascontiguousarray(r.T), y, design.weights, centered=design.centered)

    @property
    def original(self) -> DenseDesign:
        """The design of the columns themselves."""
        return self._original

    def back(self, point: Point) -> Point:
        """A point of the original design, in its working units."""
        coef, intercept = self.raw(point)
        ratio = self.units.response_scale / self._original.units.response_scale
        return point._replace(
            coef=self._basis @ coef * ratio, intercept=intercept * ratio, scale=point.scale * ratio
        )

    def into(self, point: Point) -> Point:
        """A point of the original design, in these coordinates; its part across them is lost."""
        ratio = self._original.units.response_scale / self.units.response_scale
        coef = self._basis.T @ point.coef * ratio
        intercept = point.intercept * ratio + float(self.units.center @ coef)
        return point._replace(
            coef=coef * self.units.column_scale, intercept=intercept, scale=point.scale * ratio
        )


def row_space_design(design: Any) -> RotatedDesign | None:
    """The rotated design, where it is cheaper; None elsewhere."""
    if not isinstance(design, DenseDesign) or isinstance(design, RotatedDesign):
        return None
    n, p = design.n_rows, design.n_features
    if n > MOST_ROWS * p or n * p > MOST_NUMBERS or np.any(design.units.column_scale != 1.0):
        return None
    rows = design.rows_of_X(np.arange(n))
    rows = rows.toarray() if hasattr(rows, "toarray") else np.asarray(rows, dtype=np.float64)
    return RotatedDesign(design, rows)
