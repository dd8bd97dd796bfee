"""The metric for X too wide for a Gram matrix: the inverse Hessian by conjugate gradients."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from robustreg.design.base import Mixing
from robustreg.objective import Objective
from robustreg.problem import NullSpace
from robustreg.solvers.preconditioner import FLAT, Preconditioner
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


@dataclass(frozen=True)
class IterativeMetric:
    """The inverse of the Hessian at a point, applied by conjugate gradients.

    It serves X that is too wide for a Gram matrix. Each application costs several passes.
    """

    objective: Objective
    parameters: Vector
    preconditioner: Preconditioner
    mixing: Mixing
    rank: int
    scale_sine: float = 1.0
    null: NullSpace | None = None
    border: Vector | None = None
    renewable: bool = False

    def approximate(self, gradient: Vector) -> Vector:
        """Approximate the Newton step, without a pass."""
        return self.preconditioner.solve(gradient)

    def solve_at_scale(self, gradient: Vector) -> Vector:
        """As in ``Metric``, approximately."""
        return self.preconditioner.solve(gradient, at_scale=True)

    def solve(
        self,
        gradient: Vector,
        parameters: Vector | None = None,
        secants: list[Secant] | None = None,
    ) -> Vector:
        """Compute the Newton step by conjugate gradients.

        The preconditioner is corrected by the secants. In a damped metric, it is computed at the
        parameters instead, with one pass. The products with the Hessian are added to the secants.
        If a direction has no curvature, the secants are removed: the step is then not that of this
        Hessian, and they must not correct it.
        """
        here = self if parameters is None else replace(self, parameters=parameters)
        known = tuple(secants or ())
        if self.mixing and parameters is not None:
            # The weights beyond the threshold change by orders of magnitude between two points, so
            # that the preconditioner and the secants of another point would be wrong.
            _, preconditioner = Preconditioner.at(self.objective, parameters, self.mixing)
            here, known = replace(here, preconditioner=preconditioner), ()
        return here._solve(gradient, known, secants)

    def _solve(
        self, gradient: Vector, known: tuple[Secant, ...], secants: list[Secant] | None
    ) -> Vector:
        """Compute the step here, with a preconditioner that is corrected by the known secants."""
        step, residual, direction, square = np.zeros_like(gradient), gradient, None, 0.0
        size = least = self._size(residual)
        target, idle = CG_TOLERANCE**2 * size, 0
        # Without rounding errors, as many steps as parameters would end at zero.
        while size > target and idle <= gradient.size:
            preconditioned = corrected(known, self.approximate, residual)
            previous, square = square, float(residual @ preconditioned)
            if not square > 0.0:
                # By rounding errors, the corrected preconditioner is not positive definite.
                known, direction = (), None
                preconditioned, square = self.approximate(residual), size
            if direction is not None:
                preconditioned += (square / previous) * direction
            direction = preconditioned
            image = self._image(direction)
            curvature = float(direction @ image)
            flat = FLAT * self.preconditioner.curvature_along(direction)
            if not curvature > flat:
                if secants is not None:
                    secants.clear()
                damped = replace(self, mixing=FIRST_MIXING)
                if self.mixing == 0.0 and direction @ damped._image(direction) > flat:
                    # Only rows beyond the threshold determine this direction.
                    return damped.solve(gradient, self.parameters)
                # What is left of the gradient must count in the distance.
                return step + self.approximate(residual)
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
        """Squared length of a gradient in the metric of the preconditioner."""
        return float(gradient @ self.approximate(gradient))

    def _image(self, direction: Vector) -> Vector:
        return self.objective.hessian_product(self.parameters, direction, self.mixing)

    def magnification(self, size: Vector) -> float:
        """As in ``Metric``, approximately."""
        return self.preconditioner.magnification(size)

    def trace(self, diagonal: Vector) -> float:
        """Hutchinson's estimate of the trace, with the same probes in every call."""
        rng, total = np.random.default_rng(0), 0.0
        root = np.zeros(self.parameters.shape[0])
        root[: diagonal.shape[0]] = np.sqrt(diagonal)
        for _ in range(PROBES):
            probe = root * rng.choice([-1.0, 1.0], root.size)
            total += float(probe @ self.solve(probe))
        return total / PROBES
