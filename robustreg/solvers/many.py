"""Many responses of one X: Newton steps of all at once.

The problems are convex, and lengths of steps follow from slopes alone: a step is too long where the
objective rises steeply at its end. What does not end at a certified solution here is left to the
search of a single response, which knows of scales of zero, dependent columns and rounding errors.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from robustreg.design.base import Design, Sums
from robustreg.design.responses import ResponseBlock
from robustreg.losses import Huber
from robustreg.objective import Evaluation, Objective
from robustreg.problem import Problem
from robustreg.solvers.certificate import LocalModel
from robustreg.solvers.descent import SLOW, SMALLEST_SCALE
from robustreg.solvers.metric import FIRST_MIXING
from robustreg.solvers.metric_of_many import MetricOfMany
from robustreg.solvers.start import CLIP

__all__ = ["Many", "solve_many"]

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]

#: Passes after which a response is left to a search of its own.
MOST_PASSES = 30

#: A step that is too long is shortened at least to this part.
SHORTEST = 0.1

#: Share of responses that are not finished, below which the others are left out of the arrays.
COMPRESS = 0.75


@dataclass
class Many:
    """Solutions of many responses.

    Attributes
    ----------
    coef : array of shape (p, B)
        In working units of X, and the units of the responses.
    intercept, scale : array of shape (B,)
    optimality : array of shape (B,)
        Bound on the distance in standard errors.
    n_iter : array of shape (B,) of int
    certified : array of shape (B,) of bool
        The others are to be solved one by one.
    """

    coef: Matrix
    intercept: Vector
    scale: Vector
    optimality: Vector
    n_iter: NDArray[np.intp]
    certified: NDArray[np.bool_]


@np.errstate(all="ignore")  # what overflows is not certified
def solve_many(
    problem: Problem, tol: float, max_iter: int, start: tuple[Matrix, Vector, Vector] | None = None
) -> Many:
    """Solve a problem for each response of a block.

    Parameters
    ----------
    problem : Problem
        Its design is a ``ResponseBlock``; the loss may have a threshold for each response.
    tol : float
        In standard errors.
    max_iter : int
    start : tuple of coef, intercept and scale, optional
        In working units.

    Returns
    -------
    Many
    """
    block = cast(ResponseBlock, problem.design)
    coef, intercept, scale = _start(problem, block) if start is None else start
    shape = (block.n_responses,)
    many = Many(
        coef.copy(),
        np.broadcast_to(intercept, shape).copy(),
        np.broadcast_to(scale, shape).copy(),
        np.full(shape, np.inf),
        np.zeros(shape, np.intp),
        np.zeros(shape, np.bool_),
    )
    search = _Search.begin(problem, many)
    for number in range(1, min(MOST_PASSES, max_iter) + 1):
        finished = search.step(tol)
        if finished.any() or number == 1:
            search.store(many, finished, number)
        if search.done.all():
            break
        if search.done.mean() > 1.0 - COMPRESS:
            search = search.without_done()
    return many


def _start(problem: Problem, block: ResponseBlock) -> tuple[Matrix, Vector, Any]:
    """Least squares on clipped responses, and the MAD of its residuals or the given scale.

    As ``least_squares_start``: gross outliers move it no more than a clipped response can.
    """
    location, spread = block.location_and_spread(problem.fit_intercept)
    block.size = np.abs(location) + spread  # no less than the median size of the responses
    delta = np.broadcast_to(_delta(problem), location.shape)
    clip = np.where(np.isfinite(delta) & (spread > 0.0), CLIP * spread, np.inf)
    linear = replace(problem, loss=Huber(clip)).at_scale(1.0)
    parameters = linear.pack(np.zeros((block.n_features, block.n_responses)), location, None)
    sums, gram = block.gram(linear.point(parameters), None)
    evaluation = linear.evaluation(parameters, sums)
    metric = MetricOfMany.of(linear.hessian(parameters, gram))
    point = linear.point(parameters - metric.solve(evaluation.gradient))
    known = problem.scale.known()
    scale = block.median_scale(point) if known is None else known
    return point.coef, np.broadcast_to(point.intercept, location.shape), scale


def _delta(problem: Problem) -> Any:
    return cast(Huber, problem.loss).delta


@dataclass
class _Search:
    """Where the search stands, for the responses that are left of a block."""

    problem: Problem
    index: NDArray[np.intp]  # in the block
    parameters: Matrix
    step_: Matrix  # from the parameters
    length: Vector
    slope: Vector  # at the parameters, along the step
    mixing: Vector
    done: NDArray[np.bool_]
    bound: Vector  # of the distance, where it has been reached

    @classmethod
    def begin(cls, problem: Problem, many: Many) -> _Search:
        objective = _objective(problem)
        parameters = objective.pack(many.coef, many.intercept, many.scale)
        n = parameters.shape[1]
        zeros = np.zeros(n)
        return cls(
            problem,
            np.arange(n),
            parameters,
            np.zeros_like(parameters),
            zeros,
            zeros.copy(),
            zeros.copy(),
            np.zeros(n, np.bool_),
            np.full(n, np.inf),
        )

    @property
    def block(self) -> ResponseBlock:
        return cast(ResponseBlock, self.problem.design)

    def step(self, tol: float) -> NDArray[np.bool_]:
        """One pass: accept or shorten the last step, and find the next; who has arrived."""
        objective = _objective(self.problem)
        trial = self.parameters + self.length * self.step_
        point = objective.point(trial)
        sums, gram = self.block.gram(point, self.mixing)
        evaluation = objective.evaluation(trial, sums)
        rise = (evaluation.gradient * self.step_).sum(axis=0)
        accepted = np.isfinite(rise) & (rise <= SLOW * np.abs(self.slope))
        metric = MetricOfMany.of(objective.hessian(trial, gram))
        half = metric.half_solve(evaluation.gradient)
        length = np.sqrt((half**2).sum(axis=0))
        distance = length / objective.noise(evaluation)
        usable = accepted & metric.accurate
        near = np.flatnonzero(usable & (distance <= tol) & (self.mixing == 0.0) & ~self.done)
        self.bound[near] = distance[near] + self._rounding(evaluation, metric, near)
        finished = self.bound <= tol
        finished &= ~self.done
        self.done |= finished
        np.copyto(self.parameters, trial, where=accepted)
        self._next_step(objective, metric, half, usable, rise)
        self._damp(accepted, metric.accurate, distance <= tol)
        return finished

    def _rounding(
        self, evaluation: Evaluation, metric: MetricOfMany, index: NDArray[np.intp]
    ) -> Vector:
        """Rounding errors in the distance of some responses."""
        objective = _objective(_some(self.problem, index))
        sums = Sums._make(part[..., index] for part in map(np.asarray, evaluation.sums))
        part = objective.evaluation(evaluation.parameters[:, index], sums)
        return LocalModel(objective, part, cast(Any, metric.some(index))).rounding

    def _next_step(
        self,
        objective: Objective,
        metric: MetricOfMany,
        half: Matrix,
        usable: NDArray[np.bool_],
        rise: Vector,
    ) -> None:
        """A Newton step where the metric holds, else a shorter one than the last."""
        ratio = np.abs(self.slope) / (np.abs(self.slope) + rise)
        shorter = self.length * np.where(ratio > SHORTEST, ratio, SHORTEST)
        longest: Any = 1.0
        step = -metric.back_solve(half)
        if objective.has_scale:
            falling = step[-1] < 0.0
            longest = np.where(
                falling, (1.0 - SMALLEST_SCALE) * self.parameters[-1] / -step[-1], np.inf
            )
        np.copyto(self.step_, step, where=usable)
        self.slope = np.where(usable, -(half**2).sum(axis=0), self.slope)
        self.length = np.where(usable, np.minimum(1.0, longest), shorter)

    def _damp(
        self, accepted: NDArray[np.bool_], accurate: NDArray[np.bool_], arrived: NDArray[np.bool_]
    ) -> None:
        """Levenberg's rule: more where the curvature is singular, less after each step."""
        singular = accepted & ~accurate
        self.length[singular] = 0.0
        self.step_[:, singular] = 0.0
        self.slope[singular] = 0.0
        less = np.where((self.mixing > FIRST_MIXING) & ~arrived, 0.1 * self.mixing, 0.0)
        more = np.minimum(np.maximum(10.0 * self.mixing, FIRST_MIXING), 1.0)
        self.mixing = np.where(singular, more, np.where(accepted, less, self.mixing))

    def store(self, many: Many, finished: NDArray[np.bool_], number: int) -> None:
        """Keep the solutions that have been reached."""
        index = self.index[finished]
        point = _objective(self.problem).point(self.parameters[:, finished])
        many.coef[:, index] = point.coef
        many.intercept[index] = point.intercept
        many.scale[index] = point.scale
        many.optimality[index] = self.bound[finished]
        many.n_iter[index] = number
        many.certified[index] = True

    def without_done(self) -> _Search:
        """The search of the others."""
        left = np.flatnonzero(~self.done)
        problem = _some(self.problem, left)
        return _Search(
            problem,
            self.index[left],
            self.parameters[:, left],
            self.step_[:, left],
            self.length[left],
            self.slope[left],
            self.mixing[left],
            self.done[left],
            self.bound[left],
        )


def _some(problem: Problem, index: NDArray[np.intp]) -> Problem:
    """The problem of some of the responses."""
    block, delta = cast(ResponseBlock, problem.design), _delta(problem)
    loss = Huber(delta[index]) if np.ndim(delta) else problem.loss
    return replace(problem, design=cast(Design, block.take(index)), loss=loss)


def _objective(problem: Problem) -> Objective:
    known = problem.scale.known()
    return problem.jointly() if known is None else problem.at_scale(known)
