"""Running sums over blocks of rows, and the contribution of a row to a Gram matrix."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from robustreg.design.base import Matrix, Mixing, Sums, Vector
from robustreg.design.units import Units
from robustreg.losses import Loss

__all__ = [
    "Accumulator",
    "SeveralAccumulator",
    "augmented_parts",
    "augmented_products",
    "row_curvature",
    "sum_of_curvature",
]


class Accumulator:
    """Running sums of one point over blocks of rows.

    Parameters
    ----------
    loss : Loss
        In the units of the residuals.
    n_features : int
    dtype : type
        Of the sums with the columns.
    """

    def __init__(self, loss: Loss, n_features: int, dtype: type[np.floating] = np.float64) -> None:
        self.rho = loss
        self.loss = self.psi_squares = self.curvature = 0.0
        self.psi = dtype(0.0)
        self.product = np.zeros(n_features, dtype)  # sum s psi x, columns of X as given

    def add(self, residual: Vector, frequency: Vector | None, X: Matrix) -> NDArray:
        """Add a block of rows with these residuals. Return psi' of each row."""
        weighted, curvature, loss, squares = self.rho.terms(residual, frequency)
        self.loss += float(loss)
        self.psi_squares += float(squares)
        self.psi += np.add.reduce(weighted)
        self.curvature += sum_of_curvature(curvature, frequency)
        self.product += weighted @ X
        return curvature

    def sums(self, units: Units) -> Sums:
        """The sums over all blocks added so far."""
        gradient = (self.product - units.center * self.psi) / units.column_scale
        gradient = gradient.astype(np.float64, copy=False)
        return Sums(self.loss, self.psi_squares, float(self.psi), float(self.curvature), gradient)


class SeveralAccumulator:
    """Running sums at several points over blocks of rows, as products of matrices.

    The temporaries of all blocks share one buffer, since allocating them costs more than the
    computation.

    Parameters
    ----------
    loss : Loss
        Of residuals of shape (n_points, n).
    shape : tuple of int
        Numbers of points and of columns.
    """

    def __init__(self, loss: Loss, shape: tuple[int, int]) -> None:
        self.rho = loss
        self.loss, self.psi_squares, self.psi, self.curvature = np.zeros((4, shape[0]))
        self.product = np.zeros(shape)

    def add(self, residual: Matrix, frequency: Vector | None, X: NDArray) -> None:
        """Add a block, with residuals of shape (n_points, rows)."""
        weighted, curvature, loss, squares = self.rho.terms(residual, frequency)
        self.loss += loss
        self.psi_squares += squares
        self.psi += weighted.sum(axis=1)
        self.curvature += curvature.sum(axis=1) if frequency is None else curvature @ frequency
        self.product += weighted @ X

    def sums(self, units: Units) -> Sums:
        """The sums, with the points along their last axis."""
        gradient = (self.product - self.psi[:, None] * units.center) / units.column_scale
        return Sums(self.loss, self.psi_squares, self.psi, self.curvature, gradient.T)


def sum_of_curvature(curvature: NDArray, frequency: Vector | None) -> float:
    """``sum s psi'``, from psi' of each row."""
    if frequency is not None:
        return float(frequency @ curvature)
    return float(np.count_nonzero(curvature) if curvature.dtype == bool else curvature.sum())


def row_curvature(loss: Loss, residual: Vector, mixing: Mixing) -> NDArray:
    """The factor of each row (z, 1) in a Gram matrix, apart from its frequency."""
    return np.ones_like(residual) if mixing is None else loss.curvature(residual, mixing)


def augmented_parts(loss: Loss, residual: Vector, mixing: Mixing) -> tuple[NDArray, Vector, Vector]:
    """Curvature f of rows, the root of its size, and the last column of the augmented rows.

    The last column, times the root and the sign of f, is ``psi' e``. Where psi' is zero, the loss
    is linear in sigma, without curvature.
    """
    f = row_curvature(loss, residual, mixing)
    if mixing is None:
        # Clipped, since the square of a huge residual would overflow.
        return f, f, loss.psi(residual)
    root = np.sqrt(np.abs(f))
    last = root * residual
    if mixing != 0.0:
        # Where f is zero, psi' is zero too.
        slope = np.asarray(loss.psi_prime(residual), dtype=np.float64)
        last *= np.divide(slope, f, out=np.zeros_like(residual), where=f != 0.0)
    return f, root, last


def augmented_products(
    loss: Loss, residual: Vector, frequency: Vector | None, mixing: Mixing, curvature: NDArray
) -> tuple[Vector, Vector, Vector]:
    """Curvature of rows, ``psi' e``, and e: what the products of the augmented rows consist of.

    The first two are multiplied by the frequencies. In least squares (``mixing`` None), e is
    replaced by psi(e), and psi' by one. The ``curvature`` given is psi'.
    """
    error = np.asarray(loss.psi(residual)) if mixing is None else residual
    slope = error if mixing is None else curvature * residual
    factor = curvature if mixing == 0.0 else row_curvature(loss, residual, mixing)
    if frequency is not None:
        factor, slope = factor * frequency, slope * frequency
    return np.asarray(factor, dtype=np.float64), slope, error
