"""Candidates of a search on their way to their solutions: all of them move together.

They need have nothing in common but the design: one read of X, as a matrix product, serves them
all. Each takes steps of full length of the solvers' descent, in the metric of a nearby problem.
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
from robustreg.solvers.metric import SquareRoot, metric_of_gram

__all__ = ["Candidate", "CandidateFit", "descend", "hessian_metric"]

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


class Candidate:
    """A candidate on its way.

    Attributes
    ----------
    parameters : ndarray
        Where its sums are wanted next.
    before : ndarray
        Where the last step began.
    sums : Sums
        Those at ``before``.
    left : float
        Estimate of the distance of ``parameters`` from the minimiser, in standard errors: a step
        leaves the same part as the one before.
    """

    sums: Sums

    def __init__(self, objective: Objective, parameters: Vector, metric: SquareRoot) -> None:
        self.objective = objective
        self.parameters = parameters
        self._lowest_scale = objective.design.rounding_level(objective.point(parameters))
        self.renew(metric)

    def renew(self, metric: SquareRoot) -> None:
        """Go on in another metric."""
        self._metric = metric
        self._descent: Descent | None = None
        self.before, self.left = self.parameters, np.inf

    def step(self, sums: Sums) -> None:
        """Take the step that the sums at ``parameters`` call for."""
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
        """Part of the distance that the last step has left; 0 before there were two."""
        return 0.0 if self._descent is None else self._descent.contraction

    @property
    def best(self) -> Vector:
        """The parameters with the least distance known."""
        return self.parameters if self.contraction < 1.0 else self.before

    @property
    def lost(self) -> bool:
        """Whether the scale has vanished or the numbers are none."""
        scale = self.objective.scale_of(self.parameters)
        return bool(np.isnan(self.left)) or not scale > self._lowest_scale

    def fit(self) -> CandidateFit:
        """The solution that has been reached."""
        return CandidateFit(self.objective.point(self.parameters), self.left)


def descend(
    design: Design, candidates: Sequence[Candidate], target: float, worst_contraction: float
) -> list[Candidate]:
    """Step all candidates together until each has arrived or moves too slowly.

    Parameters
    ----------
    design : Design
        That of their objectives.
    candidates : sequence of Candidate
        Changed in place.
    target : float
        Distance at which a candidate has arrived, in standard errors.
    worst_contraction : float
        Part of the distance left by a step over which it is too slow.

    Returns
    -------
    list of Candidate
        Those that arrived.
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
    """Metric of the Hessian made of an augmented Gram matrix; None where that is singular.

    Parameters
    ----------
    objective : Objective
    parameters : ndarray of shape (objective.size,)
    gram : ndarray of shape (p + 2, p + 2)
        Of the rows (z, 1, e) inside the threshold.
    factors : ndarray of shape (p + 2,), optional
        By which the columns are multiplied.
    """
    scaled = gram if factors is None else gram * factors * factors[:, None]
    hessian = objective.hessian(parameters, np.array(scaled, order="F"))
    return metric_of_gram(hessian, 0.0, objective.has_scale)
