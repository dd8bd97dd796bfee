"""Penalties on the coefficients, in the units of the user's X."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

__all__ = ["ElasticNet", "Ridge"]

Vector = NDArray[np.float64]

#: Largest curvature. In the working unit of a tiny column, alpha would overflow.
LARGEST = float(np.finfo(np.float64).max ** 0.5)


@dataclass(frozen=True)
class Ridge:
    """``(alpha / 2) ||w||²``.

    Parameters
    ----------
    alpha : float
        Not negative. Zero means no penalty.
    """

    alpha: float = 0.0

    def __bool__(self) -> bool:
        return self.alpha > 0.0

    def curvature(self, column_scale: Vector) -> Vector:
        """Second derivative with respect to the coefficients of columns divided by their scale."""
        with np.errstate(over="ignore"):
            return np.minimum(self.alpha / column_scale**2, LARGEST)


@dataclass(frozen=True)
class ElasticNet:
    """``sigma alpha l1_ratio ||f w||_1 + (alpha / 2) (1 - l1_ratio) ||sqrt(f) w||²``.

    It is added to the mean of the losses, whereas ``Ridge`` is added to their sum, so ``alpha``
    means what it means in scikit-learn's ``ElasticNet``. The factor sigma in the first term makes
    alpha independent of the units of y.

    Parameters
    ----------
    alpha : float
        Positive.
    l1_ratio : float
        In [0, 1].
    factors : array of shape (p,), optional
        ``f``: a factor of alpha for each column, by default 1. A column with 0 has no penalty.
    positive : bool
        Whether coefficients must not be negative.
    """

    alpha: float
    l1_ratio: float
    factors: Vector | None = None
    positive: bool = False

    def at(self, alpha: float) -> ElasticNet:
        """The same penalty with another alpha."""
        return replace(self, alpha=alpha)

    def slope(self, column_scale: Vector) -> Vector:
        """Slope of the first term for each column at ``sigma = 1``, divided by its scale."""
        return self.alpha * self.l1_ratio * self._factors(column_scale) / column_scale

    def curvature(self, column_scale: Vector) -> Vector:
        """Second derivative of the second term."""
        ridge = self.alpha * (1.0 - self.l1_ratio)
        with np.errstate(over="ignore"):
            return np.minimum(ridge * self._factors(column_scale) / column_scale**2, LARGEST)

    def _factors(self, like: Vector) -> Vector:
        return np.ones_like(like) if self.factors is None else self.factors
