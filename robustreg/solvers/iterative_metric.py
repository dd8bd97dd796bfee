"""The metric of X too wide for a Gram matrix: the inverse of the Hessian by conjugate gradients."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from robustreg.design.base import Mixing
from robustreg.objective import Objective

__all__ = ["IterativeMetric"]

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]

#: Random signs by which a trace is estimated: its standard error is at most
#: ``sqrt(trace / (2 probes))``.
PROBES = 4

#: Residual of the conjugate gradients, of the gradient: a step is known to that precision.
CG_TOLERANCE = 0.03


@dataclass(frozen=True)
class IterativeMetric:
    """The inverse of the Hessian at a point, applied by conjugate gradients.

    For X too wide for a Gram matrix. Each application costs some passes.
    """

    objective: Objective
    parameters: Vector
    diagonal: Vector  # of the Hessian; zero where there is no curvature
    mixing: Mixing
    rank: int
    scale_sine: float = 1.0
    null: Matrix | None = None
    border: Vector | None = None
    renewable: bool = False

    @cached_property
    def inverse(self) -> Vector:
        """Of the diagonal; zero where there is no curvature."""
        inverse = np.zeros_like(self.diagonal)
        np.divide(1.0, self.diagonal, out=inverse, where=self.diagonal > 0.0)
        return inverse

    def approximate(self, gradient: Vector) -> Vector:
        """By the diagonal."""
        return self.inverse * gradient

    def solve(self, gradient: Vector, parameters: Vector | None = None) -> Vector:
        """By conjugate gradients, preconditioned by the diagonal; at other parameters if given."""
        at, inverse = self.parameters if parameters is None else parameters, self.inverse
        step, residual = np.zeros_like(gradient), gradient
        direction = inverse * residual
        square = float(residual @ direction)
        target = CG_TOLERANCE**2 * square
        while square > target:
            image = self.objective.hessian_product(at, direction, float(self.mixing or 0.0))
            curvature = float(direction @ image)
            # Without curvature the rows that count do not determine the direction.
            if not curvature > 1e-14 * float(direction @ (self.diagonal * direction)):
                break
            length = square / curvature
            step = step + length * direction
            residual = residual - length * image
            preconditioned = inverse * residual
            previous, square = square, float(residual @ preconditioned)
            direction = preconditioned + (square / previous) * direction
        return step

    def magnification(self, size: Vector) -> float:
        """By the diagonal."""
        root = np.zeros_like(size)
        diagonal = self.diagonal[: size.shape[0]]
        np.divide(size, np.sqrt(diagonal), out=root, where=diagonal > 0.0)
        return float(np.sqrt(root @ root))

    def trace(self, diagonal: Vector) -> float:
        """Hutchinson's estimate, with probes that are the same in every call."""
        rng, total = np.random.default_rng(0), 0.0
        root = np.zeros(self.diagonal.shape[0])
        root[: diagonal.shape[0]] = np.sqrt(diagonal)
        for _ in range(PROBES):
            probe = root * rng.choice([-1.0, 1.0], root.size)
            total += float(probe @ self.solve(probe))
        return total / PROBES
