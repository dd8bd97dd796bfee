"""Penalties on the coefficients, in the units of the user's X."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Ridge"]

Vector = NDArray[np.float64]

#: Largest curvature: where a column's unit is tiny, alpha in its working unit would overflow.
LARGEST = float(np.finfo(np.float64).max ** 0.5)


@dataclass(frozen=True)
class Ridge:
    """``(alpha / 2) ||w||²``.

    Parameters
    ----------
    alpha : float
        Not negative; zero is no penalty.
    """

    alpha: float = 0.0

    def __bool__(self) -> bool:
        return self.alpha > 0.0

    def curvature(self, column_scale: Vector) -> Vector:
        """Second derivative with respect to the coefficients of columns divided by their scale."""
        with np.errstate(over="ignore"):
            return np.minimum(self.alpha / column_scale**2, LARGEST)
