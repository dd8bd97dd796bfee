"""The metrics of many responses: Cholesky factors, computed for all responses at once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from robustreg.solvers.square_root import SMALLEST_PIVOT

__all__ = ["MetricOfMany"]

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class MetricOfMany:
    """The metric ``(L L')^-1`` of each response.

    Parameters
    ----------
    factor : array of shape (q, q, B)
        L, in lower triangles.
    accurate : array of shape (B,) of bool
        Whether the Gram matrix has enough digits. See ``SMALLEST_PIVOT``.
    """

    factor: NDArray[np.float64]
    accurate: NDArray[np.bool_]

    @classmethod
    def of(cls, hessian: NDArray[np.float64]) -> MetricOfMany:
        """Compute the metrics from Hessians of shape (q, q, B), which are overwritten.

        With up to ten columns, one call of LAPACK for each response takes five to ten times as
        long. ``numpy.linalg.cholesky`` fails for all responses if it fails for one.
        """
        order = hessian.shape[0]
        diagonal = np.einsum("iij->ij", hessian).copy()
        accurate = np.all((diagonal > 0.0) & np.isfinite(diagonal), axis=0)
        for j in range(order):
            pivot = hessian[j, j]
            accurate &= pivot >= SMALLEST_PIVOT * diagonal[j]
            column = hessian[j:, j]
            column /= np.sqrt(np.where(accurate, pivot, np.inf))  # zeros where it is not used
            for k in range(j + 1, order):
                hessian[k:, k] -= column[k - j :] * column[k - j]
        return cls(hessian, accurate)

    def some(self, index: NDArray[np.intp]) -> MetricOfMany:
        """The metrics of some of the responses."""
        return MetricOfMany(self.factor[:, :, index], self.accurate[index])

    def half_solve(self, gradient: Matrix) -> Matrix:
        """``L^-1 g``, whose norm is the length of the gradient in this metric."""
        solved = gradient.copy()
        for j in range(solved.shape[0]):
            solved[j] /= self.factor[j, j]
            solved[j + 1 :] -= self.factor[j + 1 :, j] * solved[j]
        return solved

    def solve(self, gradient: Matrix) -> Matrix:
        """The Newton steps."""
        return self.back_solve(self.half_solve(gradient))

    def back_solve(self, half: Matrix) -> Matrix:
        """``L'^-1 h``, where h is the result of ``half_solve``."""
        solved = half.copy()
        for j in reversed(range(solved.shape[0])):
            solved[j] -= (self.factor[j + 1 :, j] * solved[j + 1 :]).sum(axis=0)
            solved[j] /= self.factor[j, j]
        return solved

    @cached_property
    def variances(self) -> Matrix:
        """Diagonal of the inverse, of shape (q, B)."""
        order = self.factor.shape[0]
        squares = np.zeros(self.factor.shape[1:])
        for j in range(order):
            unit = np.zeros((order - j, self.factor.shape[2]))
            unit[0] = 1.0
            part = MetricOfMany(self.factor[j:, j:], self.accurate)
            squares[j] = (part.half_solve(unit) ** 2).sum(axis=0)
        return squares

    def trace(self, diagonal: Any) -> Any:
        """As in ``Metric``, for each response."""
        return (self.variances[: diagonal.shape[0]] * diagonal).sum(axis=0)

    def magnification(self, size: Any) -> Any:
        """As in ``Metric``, for each response."""
        return np.sqrt((self.variances[: size.shape[0]] * size[:, None] ** 2).sum(axis=0))
