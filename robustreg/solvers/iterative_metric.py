"""The metric for X too wide for a Gram matrix: the inverse Hessian by conjugate gradients."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from robustreg.design.base import Mixing
from robustreg.objective import Objective
from robustreg.problem import NullSpace
from robustreg.solvers.secants import Secant, corrected, remember

__all__ = ["FIRST_MIXING", "IterativeMetric"]

Vector = NDArray[np.float64]

#: Mixing that is tried first if the rows within the threshold do not determine all directions.
FIRST_MIXING = 1e-2

#: Number of vectors of random signs from which a trace is estimated. Its standard error is at most
#: ``sqrt(trace / (2 probes))``.
PROBES = 4

#: Relative residual at which conjugate gradients stop, and so the precision of a step. At 0.2 fewer
#: passes are needed, but distances are up to nine times too small where columns go together.
CG_TOLERANCE = 0.1

#: Curvature in a direction, in units of that of the diagonal, that may be rounding errors. With the
#: dummies of 2,100 levels beside an intercept, a direction without effect has one of 6e-32.
FLAT = 1e-12


@dataclass(frozen=True)
class IterativeMetric:
    """The inverse of the Hessian at a point, applied by conjugate gradients.

    It serves X that is too wide for a Gram matrix. Each application costs several passes.
    """

    objective: Objective
    parameters: Vector
    diagonal: Vector  # of the Hessian, zero where there is no curvature
    mixing: Mixing
    rank: int
    scale_sine: float = 1.0
    null: NullSpace | None = None
    border: Vector | None = None
    renewable: bool = False

    @cached_property
    def inverse(self) -> Vector:
        """Inverse of the diagonal, and zero where there is no curvature."""
        inverse = np.zeros_like(self.diagonal)
        np.divide(1.0, self.diagonal, out=inverse, where=self.diagonal > 0.0)
        return inverse

    def approximate(self, gradient: Vector) -> Vector:
        """Approximate the Newton step by the diagonal."""
        return self.inverse * gradient

    def solve_at_scale(self, gradient: Vector) -> Vector:
        """As in ``Metric``, by the approximation."""
        step = self.approximate(gradient)
        step[-1] = 0.0
        return step

    def solve(
        self,
        gradient: Vector,
        parameters: Vector | None = None,
        secants: list[Secant] | None = None,
    ) -> Vector:
        """Compute the Newton step by conjugate gradients.

        The preconditioner is the diagonal, corrected by the secants. The products with the Hessian
        are added to the secants. If a direction has no curvature, the secants are removed: the step
        is then not that of this Hessian, and they must not correct it.
        """
        known = tuple(secants or ())
        at = self.parameters if parameters is None else parameters
        step, residual, direction, square = np.zeros_like(gradient), gradient, None, 0.0
        size = least = self._size(residual)
        target, idle = CG_TOLERANCE**2 * size, 0
        # Without rounding errors, as many steps as parameters would end at zero.
        while size > target and idle <= gradient.size:
            preconditioned = corrected(known, self.approximate, residual)
            previous, square = square, float(residual @ preconditioned)
            if not square > 0.0:
                # By rounding errors, the corrected diagonal is not positive definite.
                known, direction = (), None
                preconditioned, square = self.approximate(residual), size
            if direction is not None:
                preconditioned += (square / previous) * direction
            direction = preconditioned
            image = self._image(at, direction)
            curvature = float(direction @ image)
            flat = FLAT * float(direction @ (self.diagonal * direction))
            if not curvature > flat:
                if secants is not None:
                    secants.clear()
                damped = replace(self, mixing=FIRST_MIXING)
                if self.mixing == 0.0 and direction @ damped._image(at, direction) > flat:
                    # Only rows beyond the threshold determine this direction.
                    return damped.solve(gradient, parameters)
                return step
            length = square / curvature
            step = step + length * direction
            residual = residual - length * image
            if secants is not None:
                remember(secants, (direction, image, curvature))
            size, idle = self._size(residual), idle + 1
            if size < 0.5 * least:
                idle, least = 0, size
        return step

    def _size(self, gradient: Vector) -> float:
        """Squared length of a gradient in the metric of the diagonal."""
        return float(gradient @ self.approximate(gradient))

    def _image(self, at: Vector, direction: Vector) -> Vector:
        return self.objective.hessian_product(at, direction, self.mixing)

    def magnification(self, size: Vector) -> float:
        """Approximate the magnification by the diagonal."""
        root = np.zeros_like(size)
        diagonal = self.diagonal[: size.shape[0]]
        np.divide(size, np.sqrt(diagonal), out=root, where=diagonal > 0.0)
        return float(np.sqrt(root @ root))

    def trace(self, diagonal: Vector) -> float:
        """Hutchinson's estimate of the trace, with the same probes in every call."""
        rng, total = np.random.default_rng(0), 0.0
        root = np.zeros(self.diagonal.shape[0])
        root[: diagonal.shape[0]] = np.sqrt(diagonal)
        for _ in range(PROBES):
            probe = root * rng.choice([-1.0, 1.0], root.size)
            total += float(probe @ self.solve(probe))
        return total / PROBES
