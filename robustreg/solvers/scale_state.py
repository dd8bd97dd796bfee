"""The state of a search for sigma: coefficients at one sigma, and the estimate of sigma there."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from robustreg.design.base import Point
from robustreg.objective import Objective
from robustreg.problem import NEGLIGIBLE, Problem
from robustreg.solvers.certificate import LocalModel
from robustreg.solvers.minimise import Reached, minimise

__all__ = ["INNER", "ScaleStart", "ScaleState"]

Vector = NDArray[np.float64]

#: At each sigma, the coefficients are solved to this part of the shift of sigma (standard errors).
INNER = 0.1


class ScaleStart(NamedTuple):
    """The problem of the coefficients at a sigma, and where to start.

    Attributes
    ----------
    objective : Objective
    parameters : array
    model : LocalModel or None
        The model there, where its metric is not renewed. It has the memory of a nearby sigma.
    """

    objective: Objective
    parameters: Vector
    model: LocalModel | None

    @classmethod
    def of(cls, problem: Problem, point: Point) -> ScaleStart:
        objective = problem.at_scale(point.scale)
        return cls(objective, objective.at(point), None)

    def solved(self, *, memory: bool, tol: float, max_iter: int, certify: bool) -> ScaleState:
        """The state after the coefficients are solved for."""
        reached = minimise(
            self.objective,
            self.parameters,
            memory=memory,
            tol=tol,
            max_iter=max_iter,
            model=self.model,
            certify=certify,
        )
        problem, scale = reached.model.objective.problem, self.objective.scale_of(self.parameters)
        return ScaleState.of(reached, problem.at_scale(scale))


@dataclass(frozen=True)
class ScaleState:
    """Coefficients near their minimum at a sigma, and the distance of sigma from its estimate."""

    reached: Reached
    objective: Objective
    estimate: float
    shift: float  # in standard errors

    @classmethod
    def of(cls, reached: Reached, objective: Objective) -> ScaleState:
        problem = objective.problem
        point = objective.point(reached.parameters)
        estimate = problem.step_of_scale(point, reached.evaluation.sums)
        return cls(reached, objective, estimate, problem.scale_shift(point.scale, estimate))

    def counting(self, edf: float) -> ScaleState:
        """The same state with another number of effective parameters."""
        problem = replace(self.objective.problem, edf=edf)
        return ScaleState.of(self.reached, problem.at_scale(self.point.scale))

    def shift_by(self, edf: float) -> float:
        """How far this many more effective parameters would move sigma, in standard errors."""
        problem = self.objective.problem
        if edf == 0.0:
            return 0.0
        design, sums = problem.design, self.reached.evaluation.sums
        slope = problem.scale.slope_of_freedom(sums, design.total_weight, self.point)
        lost = design.total_weight * edf / design.n_observations
        return problem.scale_shift(1.0, 1.0 + abs(slope) * lost / problem.freedom)

    @property
    def point(self) -> Point:
        return self.objective.point(self.reached.parameters)

    @property
    def log_scale(self) -> float:
        return float(np.log(self.point.scale))

    @property
    def excess(self) -> float:
        return float(np.log(max(self.estimate, np.finfo(np.float64).tiny))) - self.log_scale

    @property
    def trial(self) -> tuple[float, float]:
        """The logarithm of sigma, and of the ratio of the estimate to sigma."""
        return self.log_scale, self.excess

    @property
    def is_solved(self) -> bool:
        """Whether the coefficients are near their minimum, compared with the error of sigma."""
        return self.reached.distance <= min(INNER * self.shift, 1.0)

    @property
    def distance(self) -> float:
        """The larger of the distances of the coefficients and of sigma, in standard errors."""
        return max(self.reached.distance, self.shift)

    @cached_property
    def tangent(self) -> Vector:
        """Derivative of the coefficients with respect to sigma, from that of the gradient."""
        model = self.reached.model
        start, border = model.evaluation, model.metric.border
        if border is None:
            return np.zeros_like(start.gradient)
        sums = model.objective.pack(start.sums.gradient, start.sums.psi, np.nan)
        return model.metric.solve(sums - border) / model.objective.scale_of(start.parameters)

    def certified(self) -> ScaleState:
        """The same state with the exact distance of the coefficients, if it was an estimate."""
        model = self.reached.model
        if model.metric.renewable:
            return self
        distance = model.distance(self.reached.evaluation)
        return replace(self, reached=replace(self.reached, distance=distance))

    def start_at(self, scale: float) -> ScaleStart:
        """A start at another sigma. If it is near, the coefficients move along their tangent."""
        change, model = scale - self.point.scale, self.reached.model
        near = abs(change) <= self.point.scale and not model.metric.mixing
        parameters = self.reached.parameters + (change * self.tangent if near else 0.0)
        objective = self.objective.problem.at_scale(scale)
        renewed = model.metric.renewable
        carried = None if renewed else model.carried_to(objective, parameters)
        return ScaleStart(objective, parameters, carried)

    @property
    def slope(self) -> float | None:
        """Derivative of log estimate with respect to log sigma, None if unknown."""
        border = self.reached.model.metric.border
        if border is None:
            return None
        problem, sums = self.objective.problem, self.reached.evaluation.sums
        pull = self.point.scale * float(border @ self.tangent)
        return problem.scale.slope(pull, sums, problem.design.total_weight, self.point)

    @property
    def vanishes(self) -> bool:
        return self.objective.problem.is_zero(self.estimate, self.point, NEGLIGIBLE)

    def collapses(self, lowest: float) -> bool:
        """Whether the scale is zero, or so low that it may be."""
        return self.vanishes or self.point.scale < lowest
