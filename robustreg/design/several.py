"""Sums over rows at several points: the candidates of a search, which move together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from robustreg.design.base import Matrix, Point, Sums, Vector
from robustreg.design.units import Units

__all__ = ["SeveralAccumulator"]


class SeveralAccumulator:
    """Running sums at several points over blocks of rows, as products of matrices.

    Temporaries of all blocks share one buffer: fresh ones of that size cost more than what is
    computed.

    Parameters
    ----------
    points : sequence of Point
    n_features : int
    block_rows : int
        Most rows of a block.
    """

    def __init__(self, points: Sequence[Point], n_features: int, block_rows: int) -> None:
        self.threshold = np.array([[point.threshold] for point in points])
        self.loss, self.psi_squares, self.psi = np.zeros((3, len(points)))
        self.product = np.zeros((len(points), n_features))
        self._buffer = np.empty((2, len(points), block_rows))

    def add(self, residual: Matrix, frequency: Vector | None, X: NDArray) -> None:
        """Add a block, with residuals of shape (points, rows)."""
        psi, weighted = self._buffer[:, :, : residual.shape[1]]
        np.minimum(residual, self.threshold, out=psi)
        np.maximum(psi, -self.threshold, out=psi)
        if frequency is None:
            weighted = psi
        else:
            np.multiply(psi, frequency, out=weighted)
        squares = np.einsum("ij,ij->i", weighted, psi)
        self.loss += np.einsum("ij,ij->i", weighted, residual) - 0.5 * squares
        self.psi_squares += squares
        self.psi += weighted.sum(axis=1)
        self.product += weighted @ X

    def sums(self, units: Units) -> list[Sums]:
        """One for each point."""
        gradient = (self.product - np.outer(self.psi, units.center)) / units.column_scale
        scalars = zip(self.loss.tolist(), self.psi_squares.tolist(), self.psi.tolist(), strict=True)
        return [Sums(*three, row) for three, row in zip(scalars, gradient, strict=True)]
