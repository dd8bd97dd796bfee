"""The base class of the searches for many responses."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, fields, replace
from typing import Any, Self, cast

import numpy as np
from numpy.typing import NDArray

from robustreg.design.base import Design, Point, Sums
from robustreg.design.responses import ResponseBlock
from robustreg.losses import Huber
from robustreg.objective import Evaluation, Objective
from robustreg.problem import Problem
from robustreg.solvers.certificate import LocalModel, part_of_tolerance
from robustreg.solvers.metric import FIRST_MIXING
from robustreg.solvers.metric_of_many import MetricOfMany

__all__ = ["Search", "some_responses"]

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]
Flags = NDArray[np.bool_]

#: If residuals are at most this size relative to the responses, they are rounding errors or nearly
#: so. The fit is then exact, and the response is left to the single solver.
EXACT = 1e-12


@dataclass
class Search(ABC):
    """The state of a search, for the unfinished responses of a block.

    The arrays have the responses along their last axis.

    Attributes
    ----------
    problem : Problem
    tol : float
    index : array of shape (B,) of int
        Numbers of the responses in the block.
    parameters : array of shape (q, B)
    mixing : array of shape (B,)
        The mixing of the curvature. See ``Loss.curvature``.
    done : array of shape (B,) of bool
        Whether the response is certified or given up.
    bound : array of shape (B,)
        Bound on the distance to the solution, in standard errors, infinite if unknown.
    """

    problem: Problem
    tol: float
    index: NDArray[np.intp]
    parameters: Matrix
    mixing: Vector
    done: Flags
    bound: Vector

    @property
    def block(self) -> ResponseBlock:
        """The responses, as the design of the problem."""
        return cast(ResponseBlock, self.problem.design)

    @property
    @abstractmethod
    def objective(self) -> Objective:
        """The objective of all responses."""

    @abstractmethod
    def objective_of(self, index: NDArray[np.intp]) -> Objective:
        """The objective of some responses."""

    def point_of(self, which: Flags) -> Point:
        """The present point of some of the responses."""
        point = self.objective.point(self.parameters)
        intercept, scale = (np.broadcast_to(part, which.shape)[which] for part in point[1:3])
        return Point(point.coef[:, which], cast(Any, intercept), cast(Any, scale), point.loss)

    @abstractmethod
    def step(self) -> Flags:
        """Make one pass, and return which responses it has certified."""

    def some(self, index: NDArray[np.intp]) -> Self:
        """Continue with some of the responses."""
        arrays: dict[str, Any] = {
            field.name: value[..., index]
            for field in fields(self)
            if isinstance(value := getattr(self, field.name), np.ndarray)
        }
        return replace(self, problem=some_responses(self.problem, index), **arrays)

    # -- parts of a step --------------------------------------------------------------------------

    def certify(
        self, evaluation: Evaluation, metric: MetricOfMany, distance: Vector, usable: Flags
    ) -> Flags:
        """Return the responses that are solved.

        The distance must be within the part of the tolerance for so many observations, and within
        the tolerance after its rounding errors are added.
        """
        goal = self.tol * part_of_tolerance(self.block.n_observations)
        near = usable & (distance <= goal) & (self.mixing == 0.0) & ~self.done
        index = np.flatnonzero(near)
        if index.size:
            self.bound[index] = distance[index] + self._rounding(evaluation, metric, index)
        spread = np.sqrt(evaluation.sums.psi_squares / self.block.total_weight)
        given_up = usable & (spread <= EXACT * self.block.size)
        finished = (self.bound <= self.tol) & ~self.done & ~given_up
        self.done |= finished | given_up
        return finished

    def _rounding(
        self, evaluation: Evaluation, metric: MetricOfMany, index: NDArray[np.intp]
    ) -> Vector:
        """Rounding errors in the distances of some responses."""
        part = Evaluation(
            evaluation.parameters[:, index],
            evaluation.value,
            evaluation.gradient,
            Sums._make(sums[..., index] for sums in evaluation.sums),
        )
        objective = self.objective_of(index)
        return cast(Any, LocalModel(objective, part, cast(Any, metric.some(index))).rounding)

    def damp(self, singular: Flags, moved: Flags, near: Flags) -> None:
        """Apply Levenberg's rule: more damping if the curvature is singular, less after a step."""
        less = np.where((self.mixing > FIRST_MIXING) & ~near, 0.1 * self.mixing, 0.0)
        more = np.minimum(np.maximum(10.0 * self.mixing, FIRST_MIXING), 1.0)
        self.mixing = np.where(singular, more, np.where(moved, less, self.mixing))


def some_responses(problem: Problem, index: NDArray[np.intp]) -> Problem:
    """Restrict a problem to some of the responses."""
    block, loss = cast(ResponseBlock, problem.design), cast(Huber, problem.loss)
    return replace(
        problem,
        design=cast(Design, block.take(index)),
        loss=Huber(loss.delta[index]) if np.ndim(loss.delta) else loss,
        edf=None if problem.edf is None else cast(Any, problem.edf)[index],
    )
