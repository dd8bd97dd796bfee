"""Solve many problems whose scale is not part of a convex problem. See ``estimated_scale``.

The coefficients are solved for at a fixed sigma. Near their minimum, sigma makes a step of the
secant method, and the coefficients follow along their tangent.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Self, cast

import numpy as np
from numpy.typing import NDArray

from robustreg.design.base import Point, Sums
from robustreg.objective import AtScale, Objective
from robustreg.problem import Problem
from robustreg.solvers.many_convex import ConvexSearch
from robustreg.solvers.many_search import Flags, Matrix, Vector, some_responses
from robustreg.solvers.metric_of_many import MetricOfMany
from robustreg.solvers.root import EPSILON, LONGEST

__all__ = ["RuleSearch"]

#: Sigma moves if the distance of the coefficients is at most this part of the distance of sigma, or
#: of one standard error.
NEAR = 0.3


@dataclass
class RuleSearch(ConvexSearch):
    """A search by steps of the coefficients and of the scale. See ``Search``.

    Attributes
    ----------
    scale : array of shape (B,)
    log_before, excess_before : array of shape (B,)
        Log sigma and log estimate minus log sigma before the last step. NaN before the first step.
    estimate : array of shape (B,)
        The estimate of sigma by its rule.
    """

    scale: Vector
    log_before: Vector
    excess_before: Vector
    estimate: Vector

    @classmethod
    def begin(
        cls, problem: Problem, tol: float, coef: Matrix, intercept: Vector, scale: Vector
    ) -> Self:
        """Start at these coefficients and scales."""
        parameters = problem.at_scale(cast(Any, scale)).pack(coef, intercept, scale)
        names = ("log_before", "excess_before", "estimate")
        unknown: dict[str, Any] = {name: np.full(scale.shape, np.nan) for name in names}
        return cls(**cls.beginning(problem, tol, parameters), scale=scale.copy(), **unknown)

    @property
    def objective(self) -> AtScale:
        """The objective of all responses."""
        return self.problem.at_scale(cast(Any, self.scale))

    def objective_of(self, index: NDArray[np.intp]) -> AtScale:
        """The objective of some responses."""
        return some_responses(self.problem, index).at_scale(cast(Any, self.scale[index]))

    def measure(self, objective: Objective, point: Point) -> None:
        """Update the effective number of parameters with a penalty, and the estimate of sigma."""
        problem = self.problem
        if problem.penalty and problem.scale.convex:
            hessian = objective.hessian(self.parameters, self.block.majorant(point))
            trace = MetricOfMany.of(hessian).trace(problem.penalty_curvature)
            self.problem = problem = replace(problem, edf=problem.n_linear - trace)
        self.estimate = problem.estimate_scale(point)
        self.shift = problem.scale_shift(cast(Any, self.scale), cast(Any, self.estimate))

    def follow(
        self,
        metric: MetricOfMany,
        gram: Matrix,
        sums: Sums,
        newton: Matrix,
        distance: Vector,
        usable: Flags,
    ) -> None:
        """Make a step of sigma, and move the coefficients along their tangent."""
        size, scale = newton.shape[0], self.scale
        border, psi = gram[-1, :size], np.vstack((sums.gradient, sums.psi))[:size]
        tangent = metric.solve(psi - border) / scale
        log_scale, excess = np.log(scale), np.log(self.estimate / scale)
        if self.problem.scale.convex:
            # As in JointScale.slope. The last entry is the sum of the squares within the threshold.
            slope = -scale * (border * tangent).sum(axis=0) / gram[-1, -1]
        else:
            slope = 1.0 + (excess - self.excess_before) / (log_scale - self.log_before)
        slope = np.where(np.isfinite(slope), slope, 0.0)
        step = np.clip(excess / np.maximum(1.0 - slope, EPSILON), -LONGEST, LONGEST)
        moves = usable & np.isfinite(step) & (distance <= NEAR * np.maximum(self.shift, 1.0))
        moved = scale * np.exp(np.where(moves, step, 0.0))
        change = newton + (moved - scale) * tangent
        np.add(self.parameters, change, out=self.parameters, where=moves)
        np.copyto(self.log_before, log_scale, where=moves)
        np.copyto(self.excess_before, excess, where=moves)
        self.scale = moved
        self._stand(moves)
