"""Many convex problems: of the coefficients at a given scale, or of both together.

The length of a step follows from slopes alone: it is too long where the objective rises steeply at
its end.
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

#: A step that is too long is shortened at least to this part.
SHORTEST = 0.1


@dataclass
class ConvexSearch(Search):
    """Newton steps; see ``Search``.

    Attributes
    ----------
    direction : array of shape (q, B)
        The step under way.
    length : array of shape (B,)
        Part of it that is tried next.
    slope : array of shape (B,)
        Of the objective along it, at its beginning.
    shift : array of shape (B,)
        Distance of the scale from what its rule says, in standard errors; zero where it is a
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
        """At these coefficients and scales."""
        parameters = _objective(problem).pack(coef, intercept, scale)
        return cls(**cls.beginning(problem, tol, parameters))

    @staticmethod
    def beginning(problem: Problem, tol: float, parameters: Matrix) -> dict[str, Any]:
        """The attributes of a search that begins."""
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
        """Of all responses."""
        return _objective(self.problem)

    def objective_of(self, index: NDArray[np.intp]) -> Objective:
        """Of some responses."""
        return _objective(some_responses(self.problem, index))

    def step(self) -> NDArray[np.bool_]:
        """Accept or shorten the last step, and find the next."""
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
        """Look at what else the solution depends on."""

    def follow(
        self,
        metric: MetricOfMany,
        gram: Matrix,
        sums: Sums,
        newton: Matrix,
        distance: Vector,
        usable: Flags,
    ) -> None:
        """Change the scale, where it is no parameter."""

    def _stand(self, which: Flags) -> None:
        """Evaluate the next trial where some responses are."""
        self.direction[:, which] = 0.0
        self.length[which] = self.slope[which] = 0.0

    def _shorten(self, rise: Vector) -> None:
        """To where the slopes at both ends, if they are one line, vanish."""
        fall = np.abs(self.slope)
        part = fall / (fall + rise)
        self.length = self.length * np.where(part > SHORTEST, part, SHORTEST)

    def _renew(self, objective: Objective, newton: Matrix, squares: Vector, usable: Flags) -> None:
        """Newton steps, which leave the scale a tenth of what it is at least."""
        longest: Any = 1.0
        if objective.has_scale:
            fall = -newton[-1] / self.parameters[-1]
            longest = np.where(fall > 0.0, (1.0 - SMALLEST_SCALE) / fall, np.inf)
        np.copyto(self.direction, newton, where=usable)
        np.copyto(self.slope, -squares, where=usable)
        np.copyto(self.length, np.minimum(1.0, longest), where=usable)


def _objective(problem: Problem) -> Objective:
    known = problem.scale.known()
    return problem.jointly() if known is None else problem.at_scale(known)
