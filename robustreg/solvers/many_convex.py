"""Solve many convex problems, for the coefficients at a given scale or for both together.

Values of the objectives are not needed: a step is too long if its objective rises steeply at its
end.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from robustreg.design.base import Point, Sums
from robustreg.objective import Objective
from robustreg.problem import Problem
from robustreg.solvers.descent import SLOW, SMALLEST_SCALE
from robustreg.solvers.many_search import Flags, Matrix, Search, Vector, some_responses
from robustreg.solvers.metric_of_many import MetricOfMany

__all__ = ["ConvexSearch"]

#: A step that is too long is shortened to no less than this part.
SHORTEST = 0.1


@dataclass
class ConvexSearch(Search):
    """A search by Newton steps. See ``Search``.

    Attributes
    ----------
    direction : array of shape (q, B)
        The present step.
    length : array of shape (B,)
        The part of the step that is tried next.
    slope : array of shape (B,)
        Slope of the objective along the step, at its start.
    shift : array of shape (B,)
        Distance of the scale from its estimate, in standard errors. It is zero if the scale is a
        parameter.
    """

    direction: Matrix
    length: Vector
    slope: Vector
    shift: Vector

    @classmethod
    def begin(
        cls, problem: Problem, tol: float, coef: Matrix, intercept: Vector, scale: Vector
    ) -> Self:
        """Start at these coefficients and scales."""
        parameters = _objective(problem).pack(coef, intercept, scale)
        return cls(**cls.beginning(problem, tol, parameters))

    @staticmethod
    def beginning(problem: Problem, tol: float, parameters: Matrix) -> dict[str, Any]:
        """The attributes at the start of a search."""
        n = parameters.shape[1]
        return {
            "problem": problem,
            "tol": tol,
            "index": np.arange(n),
            "parameters": parameters,
            "mixing": np.zeros(n),
            "done": np.zeros(n, np.bool_),
            "bound": np.full(n, np.inf),
            "direction": np.zeros_like(parameters),
            "length": np.zeros(n),
            "slope": np.zeros(n),
            "shift": np.zeros(n),
        }

    @property
    def objective(self) -> Objective:
        """The objective of all responses."""
        return _objective(self.problem)

    def objective_of(self, index: NDArray[np.intp]) -> Objective:
        """The objective of some responses."""
        return _objective(some_responses(self.problem, index))

    def step(self) -> NDArray[np.bool_]:
        """Accept or shorten the last step, and compute the next one."""
        objective = self.objective
        trial = self.parameters + self.length * self.direction
        point = objective.point(trial)
        sums, gram = self.block.gram(point, self.mixing)
        evaluation = objective.evaluation(trial, sums)
        rise = (evaluation.gradient * self.direction).sum(axis=0)
        accepted = np.isfinite(rise) & (rise <= SLOW * np.abs(self.slope))
        np.copyto(self.parameters, trial, where=accepted)
        self.measure(objective, point)
        metric = MetricOfMany.of(objective.hessian(trial, gram))
        usable = accepted & metric.accurate
        half = metric.half_solve(evaluation.gradient)
        squares = (half**2).sum(axis=0)
        distance = np.sqrt(squares) / objective.noise(evaluation)
        farther = np.maximum(distance, self.shift)
        finished = self.certify(evaluation, metric, farther, usable)
        self._shorten(rise)
        newton = -metric.back_solve(half)
        self._renew(objective, newton, squares, usable)
        self.follow(metric, gram, sums, newton, distance, usable & ~self.done)
        self._stand(accepted & ~metric.accurate)
        self.damp(accepted & ~metric.accurate, accepted, farther <= self.tol)
        return finished

    def measure(self, objective: Objective, point: Point) -> None:
        """Update what the objective depends on besides its parameters."""

    def follow(
        self,
        metric: MetricOfMany,
        gram: Matrix,
        sums: Sums,
        newton: Matrix,
        distance: Vector,
        usable: Flags,
    ) -> None:
        """Change the scale, if it is not a parameter."""

    def _stand(self, which: Flags) -> None:
        """Let the next trial of some responses be their present point."""
        self.direction[:, which] = 0.0
        self.length[which] = self.slope[which] = 0.0

    def _shorten(self, rise: Vector) -> None:
        """Shorten to the root of the line through the slopes at both ends."""
        fall = np.abs(self.slope)
        part = fall / (fall + rise)
        self.length = self.length * np.where(part > SHORTEST, part, SHORTEST)

    def _renew(self, objective: Objective, newton: Matrix, squares: Vector, usable: Flags) -> None:
        """Set Newton steps, shortened so that the scale does not fall below a tenth."""
        longest: Any = 1.0
        if objective.has_scale:
            fall = -newton[-1] / self.parameters[-1]
            longest = np.where(fall > 0.0, (1.0 - SMALLEST_SCALE) / fall, np.inf)
        np.copyto(self.direction, newton, where=usable)
        np.copyto(self.slope, -squares, where=usable)
        np.copyto(self.length, np.minimum(1.0, longest), where=usable)


def _objective(problem: Problem) -> Objective:
    objective = problem.convex_objective
    assert objective is not None  # RuleSearch solves the others
    return objective
