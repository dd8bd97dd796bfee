"""The active columns of a penalised fit: residuals, products and an updated Gram matrix.

The Gram matrix is that of the rows within the threshold. From one step to the next, few rows cross
the threshold, so only their products are added or subtracted.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from robustreg.design.base import Point
from robustreg.losses import Huber, Loss
from robustreg.scales import joint_scale, median_absolute_residual

__all__ = ["INTERCEPT", "ActiveColumns"]

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]
Indices = NDArray[np.intp]

#: Share of the rows within the threshold that may cross it before the Gram matrix is recomputed. A
#: row that crosses costs as much as a row of a new matrix, and adds a rounding error.
RENEWED = 0.5

#: Number of the constant column.
INTERCEPT = -1


class ActiveColumns(ABC):
    """Columns z of a design, in the order in which they were added, and a vector of residuals.

    Parameters
    ----------
    design : Design
    X : array or sparse matrix of shape (n, p)
    fit_intercept : bool
        Whether the first column is the constant one.

    Attributes
    ----------
    index : array of int of shape (k,)
        Numbers of the columns in X, ``INTERCEPT`` for the constant column.
    residual : array of shape (n,)
        Responses minus fitted values. The coefficients are zero at first.
    """

    def __init__(self, design: Any, X: Any, fit_intercept: bool) -> None:
        self.design, self._X = design, X
        self.index: Indices = np.empty(0, dtype=np.intp)
        self.residual = np.array(design.response)
        self._inside = np.zeros(design.n_rows, dtype=bool)
        self._gram = np.zeros((0, 0), order="F")
        self._crossed = 0
        if fit_intercept:
            self.add(np.array([INTERCEPT]))

    @property
    def size(self) -> int:
        """Number of columns."""
        return self.index.shape[0]

    @property
    def weights(self) -> Vector | None:
        """Frequencies of the rows."""
        return self.design.weights

    def point(self, coef: Vector, scale: float, loss: Loss) -> Point:
        """The point of these coefficients, with zeros for the other columns."""
        of_all, constant = np.zeros(self.design.n_features), self.index == INTERCEPT
        of_all[self.index[~constant]] = coef[~constant]
        return Point(of_all, float(coef[constant].sum()), scale, loss)

    @abstractmethod
    def image(self, coef: Vector) -> Vector:
        """``Z coef``, of length n."""

    @abstractmethod
    def products(self, values: Vector) -> Vector:
        """``sum s q z``, of length k, for values q of the rows."""

    @abstractmethod
    def _append(self, index: Indices) -> None:
        """Store further columns, before ``self.index`` contains them."""

    @abstractmethod
    def _cross_products(self, row_weights: Vector, columns: slice) -> Matrix:
        """``sum f z z'`` of all columns with those of a slice."""

    @abstractmethod
    def _products_of_rows(self, rows: Indices, row_weights: Vector) -> Matrix:
        """``sum f z z'`` over some rows."""

    def add(self, index: Indices) -> None:
        """Add columns by their numbers."""
        old = self.size
        self._append(index)
        self.index = np.concatenate((self.index, index))
        new = slice(old, self.size)
        gram = np.zeros((self.size, self.size), order="F")
        gram[:old, :old] = self._gram
        if self._inside.any():
            gram[:, new] = self._cross_products(self._frequencies(self._inside), new)
            gram[new, :] = gram[:, new].T
        self._gram = gram

    def restart(self, coef: Vector) -> None:
        """Recompute the residuals, without the rounding errors of many updates."""
        self.residual = self.design.response - self.image(coef)

    def psi(self, threshold: float) -> Vector:
        """Residuals clipped at a threshold."""
        return np.maximum(np.minimum(self.residual, threshold), -threshold)

    def inside(self, threshold: float) -> NDArray[np.bool_]:
        """Which residuals are within a threshold."""
        return np.abs(self.residual) <= threshold

    def total(self, values: NDArray) -> float:
        """``sum s q`` for values q of the rows."""
        return float(values.sum() if self.weights is None else self.weights @ values)

    def slope(self, step: float, image: Vector, threshold: float) -> float:
        """Derivative of the sum of the losses along a line of residuals ``e - step image``."""
        psi = np.maximum(np.minimum(self.residual - step * image, threshold), -threshold)
        return -self.total(psi * image)

    def gram(self, threshold: float) -> Matrix:
        """``sum s z z'`` over the rows within a threshold. Callers must not write to it."""
        inside = self.inside(threshold)
        changed = np.flatnonzero(inside != self._inside)
        self._crossed += changed.size
        if self._crossed > RENEWED * np.count_nonzero(inside):
            self._crossed = 0
            self._gram = self.weighted_gram(inside.astype(np.float64))
        elif changed.size:
            signs = np.where(inside[changed], 1.0, -1.0)
            if self.weights is not None:
                signs *= self.weights[changed]
            self._gram += self._products_of_rows(changed, signs)
        self._inside = inside
        return self._gram

    def mixed_gram(self, threshold: float, loss: Loss, mixing: float) -> Matrix:
        """``sum s f z z'`` with f the curvature of Huber's loss at this mixing.

        It differs from ``gram`` in the rows beyond the threshold, where f is ``mixing psi(e) / e``.
        """
        gram = self.gram(threshold)
        outside = np.flatnonzero(~self._inside)
        factors = mixing * loss.weight(self.residual[outside])
        if self.weights is not None:
            factors *= self.weights[outside]
        return gram + self._products_of_rows(outside, factors)

    def has_gram(self, threshold: float) -> bool:
        """Whether the stored matrix is that of the rows within this threshold."""
        return np.array_equal(self.inside(threshold), self._inside)

    def weighted_gram(self, row_weights: Vector) -> Matrix:
        """``sum s f z z'`` over all rows."""
        return self._cross_products(self._frequencies(row_weights), slice(0, self.size))

    def largest_residual(self) -> float:
        """Largest absolute residual of the rows with a positive weight."""
        counted = True if self.weights is None else self.weights > 0.0
        return float(np.abs(self.residual).max(initial=0.0, where=counted))

    def median_scale(self, point: Point) -> float:
        """MAD of the residuals about zero, whatever the point."""
        return median_absolute_residual(self.residual, self.weights)

    def joint_scale(self, point: Point, loss: Huber, target: float) -> float:
        """The joint scale of these residuals, whatever the coefficients of the point."""
        return joint_scale(self.residual, self.weights, float(loss.delta), target, point.scale)

    def loss_weights(self, loss: Loss) -> Vector:
        """Weights of iterated least squares."""
        return loss.weight(self.residual)

    def quadratic(self, threshold: float, change: Vector) -> tuple[float, float, float, float]:
        """``sum s e²``, ``sum s e e'`` and ``sum s e'²`` inside, and the frequency outside.

        ``e'`` is the derivative of the residuals along a line.
        """
        inside = self.inside(threshold)
        e, slope = np.where(inside, self.residual, 0.0), np.where(inside, change, 0.0)
        sums = self.total(e * e), self.total(e * slope), self.total(slope * slope)
        return *sums, self.total(~inside)

    def _frequencies(self, values: NDArray) -> Vector:
        if self.weights is None:
            return values.astype(np.float64, copy=False)
        return self.weights * values
