"""Where sums over rows are evaluated, and the sums."""

from __future__ import annotations

from operator import add, sub
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from robustreg.losses import Loss

__all__ = ["Point", "Sums"]

Vector = NDArray[np.float64]


class Point(NamedTuple):
    """Where sums are evaluated: coefficients, intercept and sigma in working units, and the loss.

    ``loss`` is a function of standardised residuals, ``units_loss`` of the residuals themselves.
    """

    coef: Vector
    intercept: float
    scale: float
    loss: Loss

    @property
    def units_loss(self) -> Loss:
        """The loss of residuals in working units."""
        return self.loss.at(self.scale)

    @property
    def threshold(self) -> float:
        """``delta sigma``, where the loss is Huber's."""
        return float(self.units_loss.delta)  # type: ignore[attr-defined]


class Sums(NamedTuple):
    """Sums over rows with residual e, psi(e) and frequency s. Sums of two sets can be added."""

    loss: Any  # sum s rho
    psi_squares: Any  # sum s psi²
    psi: Any  # sum s psi
    curvature: Any  # sum s psi'
    gradient: Vector  # sum s psi z

    def one(self, index: int) -> Sums:
        """The sums of one point, if these are those of several along their last axis."""
        numbers = (float(values[index]) for values in self[:4])
        return Sums._make((*numbers, self.gradient[:, index].copy()))

    def __add__(self, other: Sums) -> Sums:  # type: ignore[override]
        return Sums._make(map(add, self, other))

    def __sub__(self, other: Sums) -> Sums:
        difference = Sums._make(map(sub, self, other))
        # A sum of squares, which rounding errors can make negative here.
        return difference._replace(psi_squares=max(difference.psi_squares, 0.0))
