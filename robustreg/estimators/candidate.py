"""Solve many candidates of a search at the same time.

The candidates share only the design. One read of X serves all of them, as a matrix product. Each
candidate takes full steps of the solvers' descent, with the metric of a nearby problem.
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
from robustreg.solvers.certificate import LocalModel
from robustreg.solvers.descent import Descent
from robustreg.solvers.square_root import SquareRoot, metric_of_gram

__all__ = ["Candidate", "CandidateFit", "descend", "hessian_metric"]

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]

#: Number of steps with one metric after which a candidate is given up.
MOST_STEPS = 25


@dataclass(frozen=True)
class CandidateFit:
    """The solution of a candidate, or the reason why there is none."""

    point: Point | None  # in working units
    distance: float  # to the minimiser, in standard errors
    status: Status = Status.CONVERGED
    error: Exception | None = None


class Candidate:
    """The iteration of one candidate.

    Attributes
    ----------
    parameters : ndarray
        Parameters at which the sums are needed next.
    before : ndarray
        Parameters before the last step.
    sums : Sums
        Sums at ``before``.
    left : float
        Estimated distance of ``parameters`` from the minimiser, in standard errors. It assumes that
        the next step reduces the distance by the same factor as the last one.
    """

    sums: Sums

    def __init__(self, objective: Objective, parameters: Vector, metric: SquareRoot) -> None:
        self.objective = objective
        self.parameters = parameters
        self._lowest_scale = objective.design.rounding_level(objective.point(parameters))
        self.renew(metric)

    def renew(self, metric: SquareRoot) -> None:
        """Continue with another metric."""
        self._metric = metric
        self._descent: Descent | None = None
        self.before, self.left = self.parameters, np.inf

    def step(self, sums: Sums) -> None:
        """Take a step, given the sums at ``parameters``."""
        evaluation = self.objective.evaluation(self.parameters, sums)
        if self._descent is None:
            self._descent = Descent(LocalModel(self.objective, evaluation, self._metric))
            self.left = self._descent.distance
        else:
            self._descent.move(evaluation)
            self.left = self._descent.distance * self._descent.contraction
        self.before, self.sums = self.parameters, sums
        self.parameters = self.parameters + self._descent.direction

    @property
    def contraction(self) -> float:
        """Factor by which the last step reduced the distance; 0 before the second step."""
        return 0.0 if self._descent is None else self._descent.contraction

    @property
    def best(self) -> Vector:
        """Parameters with the smallest known distance from the minimiser."""
        return self.parameters if self.contraction < 1.0 else self.before

    @property
    def lost(self) -> bool:
        """Whether the scale has become zero or a number is NaN."""
        scale = self.objective.scale_of(self.parameters)
        return bool(np.isnan(self.left)) or not scale > self._lowest_scale

    def fit(self) -> CandidateFit:
        """Return the solution that has been reached."""
        return CandidateFit(self.objective.point(self.parameters), self.left)


def descend(
    design: Design, candidates: Sequence[Candidate], target: float, worst_contraction: float
) -> list[Candidate]:
    """Step all candidates together until each has converged or converges too slowly.

    Parameters
    ----------
    design : Design
        Design of their objectives.
    candidates : sequence of Candidate
        Changed in place.
    target : float
        Distance at which a candidate has converged, in standard errors.
    worst_contraction : float
        A candidate whose steps reduce the distance by a factor above this one is too slow.

    Returns
    -------
    list of Candidate
        The candidates that converged.
    """
    arrived, moving = [], list(candidates)
    for _ in range(MOST_STEPS):
        sound = [candidate for candidate in moving if not candidate.lost]
        arrived += [candidate for candidate in sound if candidate.left <= target]
        moving = [c for c in sound if c.left > target and c.contraction <= worst_contraction]
        if not moving:
            break
        points = [candidate.objective.point(candidate.parameters) for candidate in moving]
        for candidate, sums in zip(moving, design.values_and_gradients(points), strict=True):
            candidate.step(sums)
    return arrived


def hessian_metric(
    objective: Objective, parameters: Vector, gram: Matrix, factors: Vector | None = None
) -> SquareRoot | None:
    """Return the metric of the Hessian made from a Gram matrix, or None if it is singular.

    Parameters
    ----------
    objective : Objective
    parameters : ndarray of shape (objective.size,)
    gram : ndarray of shape (p + 2, p + 2)
        Augmented Gram matrix, of the rows (z, 1, e) inside the threshold.
    factors : ndarray of shape (p + 2,), optional
        Factors of the columns.
    """
    scaled = gram if factors is None else gram * factors * factors[:, None]
    hessian = objective.hessian(parameters, np.array(scaled, order="F"))
    return metric_of_gram(hessian, 0.0, objective.has_scale)
