"""Steps of many candidates together, each in a given metric: what a search does most.

A candidate moves by quasi-Newton steps that begin with the Hessian of a nearby problem. They need
have nothing in common but the design: one read of X, as a matrix product, serves them all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from robustreg.design import Design
from robustreg.design.base import Point, Sums
from robustreg.objective import Objective
from robustreg.solvers import Status
from robustreg.solvers.preconditioner import Preconditioner

__all__ = ["CandidateFit", "Descent", "descend", "hessian_metric"]

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]

#: Steps in one metric before a candidate is given up.
MOST_STEPS = 25


@dataclass(frozen=True)
class CandidateFit:
    """A candidate's solution, or why there is none."""

    point: Point | None  # in working units
    distance: float  # to the minimiser, in standard errors
    status: Status = Status.CONVERGED
    error: Exception | None = None


class Descent:
    """A candidate on its way: L-BFGS steps of full length in the metric of a nearby Hessian.

    Attributes
    ----------
    parameters : ndarray
        Where it stands.
    before : ndarray
        Where the last step began.
    sums : Sums
        Those at ``before``.
    distance : float
        How far ``before`` was from the minimiser, in standard errors.
    contraction : float
        Part of the distance that the step before the last left; 0 before there were two.
    left : float
        Estimate of the distance of ``parameters``: a step leaves the same part as the one before.
    """

    sums: Sums
    _gradient: Vector  # at the last step's beginning, and the step, in the metric
    _step: Vector

    def __init__(
        self,
        objective: Objective,
        parameters: Vector,
        metric: Preconditioner,
        inside_fraction: float,
    ) -> None:
        self.objective = objective
        self.parameters = parameters
        self._lowest_scale = objective.rounding_level(parameters)
        self.renew(metric, inside_fraction)

    def renew(self, metric: Preconditioner, inside_fraction: float) -> None:
        """Go on in another metric."""
        self._metric = metric
        self._inside_fraction = inside_fraction
        self._secants: list[tuple[Vector, Vector]] = []
        self.before = self.parameters
        self.distance = self.left = np.inf
        self.contraction = 0.0

    def step(self, sums: Sums) -> None:
        """Take the step that the sums at ``parameters`` call for."""
        evaluation = self.objective.evaluation(self.parameters, sums)
        gradient = self._metric.gradient(evaluation.gradient)
        noise = self.objective.noise(evaluation, self._inside_fraction)
        length = float(np.sqrt(gradient @ gradient))
        last, self.distance = self.distance, length / noise if noise > 0.0 else np.nan
        if np.isinf(last):
            self.left = self.distance
        else:
            self.contraction = self.distance / last
            self.left = self.distance * self.contraction
            self._secants.append((self._step, gradient - self._gradient))
        self._gradient, self._step = gradient, -_quasi_newton(gradient, self._secants)
        self.before, self.sums = self.parameters, sums
        self.parameters = self.parameters + self._metric.parameters(self._step)

    @property
    def best(self) -> Vector:
        """The parameters with the least distance known."""
        return self.parameters if self.contraction < 1.0 else self.before

    @property
    def lost(self) -> bool:
        """Whether the scale has vanished or the numbers are none."""
        scale = self.objective.scale(self.parameters)
        return np.isnan(self.distance) or not scale > self._lowest_scale

    def fit(self) -> CandidateFit:
        """The solution that has been reached."""
        return CandidateFit(self.objective.point(self.parameters), self.left)


def _quasi_newton(gradient: Vector, secants: Sequence[tuple[Vector, Vector]]) -> Vector:
    """The inverse Hessian of L-BFGS times the gradient, where the metric's Hessian is the identity.

    J. Nocedal, S. Wright, Numerical Optimization (2006), algorithm 7.4: its two loops.
    """
    product, parts = gradient, []
    curved = [(s, y, float(s @ y)) for s, y in secants]
    curved = [(s, y, sy) for s, y, sy in curved if sy > 0.0]
    for s, y, sy in reversed(curved):
        part = float(s @ product) / sy
        parts.append(part)
        product = product - part * y
    for (s, y, sy), part in zip(curved, reversed(parts), strict=True):
        product = product + (part - float(y @ product) / sy) * s
    return product


def descend(
    design: Design, descents: Sequence[Descent], target: float, worst_contraction: float
) -> list[Descent]:
    """Step all candidates together until each has arrived or moves too slowly.

    Parameters
    ----------
    design : Design
        That of their objectives.
    descents : sequence of Descent
        Changed in place.
    target : float
        Distance at which a candidate has arrived, in standard errors.
    worst_contraction : float
        Part of the distance left by a step over which it is too slow.

    Returns
    -------
    list of Descent
        Those that arrived.
    """
    arrived, moving = [], list(descents)
    for _ in range(MOST_STEPS):
        sound = [descent for descent in moving if not descent.lost]
        arrived += [descent for descent in sound if descent.left <= target]
        moving = [d for d in sound if d.left > target and d.contraction <= worst_contraction]
        if not moving:
            break
        points = [descent.objective.point(descent.parameters) for descent in moving]
        for descent, sums in zip(moving, design.values_and_gradients(points), strict=True):
            descent.step(sums)
    return arrived


def hessian_metric(
    objective: Objective, parameters: Vector, gram: Matrix, factors: Vector | None = None
) -> Preconditioner | None:
    """Metric of the Hessian made of an augmented Gram matrix; None where that is singular.

    Parameters
    ----------
    objective : Objective
    parameters : ndarray of shape (objective.size,)
    gram : ndarray of shape (p + 2, p + 2)
        Of the rows (z, 1, psi) inside the threshold.
    factors : ndarray of shape (p + 2,), optional
        By which the columns are multiplied.
    """
    scaled = gram if factors is None else gram * factors * factors[:, None]
    return Preconditioner.from_gram(objective.hessian(parameters, np.array(scaled, order="F")))
