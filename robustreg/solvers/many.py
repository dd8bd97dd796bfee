"""Fit many responses with the same X, by steps that are computed for all of them at once.

A response without a certified solution is left to the solver for a single response, which can
handle scales of zero, dependent columns and rounding errors.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from robustreg.design.responses import ResponseBlock
from robustreg.design.shared_columns import SharedColumns
from robustreg.losses import Huber
from robustreg.problem import Problem
from robustreg.solvers.many_convex import ConvexSearch
from robustreg.solvers.many_rule import RuleSearch
from robustreg.solvers.many_search import Search
from robustreg.solvers.metric_of_many import MetricOfMany
from robustreg.solvers.start import CLIP, PILOT_TOLERANCE

__all__ = ["Many", "is_regular", "solve_many"]

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]
Begin = tuple[Matrix, Vector, Vector]

#: Number of passes after which a response is left to the single solver. At 60 x 4 and the default
#: delta, 99 % of 20,000 responses need at most 8, and none needed more than 13.
MOST_PASSES = 30

#: If the share of unfinished responses is smaller, finished ones are removed from the arrays.
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
        Bound on the distance, in standard errors.
    freedom : array of shape (B,)
        Degrees of freedom of the residuals.
    n_iter : array of shape (B,) of int
    certified : array of shape (B,) of bool
        Whether the solution is certified. The other responses must be solved one by one.
    """

    coef: Matrix
    intercept: Vector
    scale: Vector
    optimality: Vector
    freedom: Vector
    n_iter: NDArray[np.intp]
    certified: NDArray[np.bool_]

    @classmethod
    def at(cls, begin: Begin) -> Many:
        """Create the result from the start of a search."""
        coef, intercept, scale = begin
        size = coef.shape[1]
        return cls(
            coef.copy(),
            np.broadcast_to(intercept, size).copy(),
            np.broadcast_to(scale, size).copy(),
            np.full(size, np.inf),
            np.full(size, np.nan),
            np.zeros(size, np.intp),
            np.zeros(size, np.bool_),
        )

    @property
    def begin(self) -> Begin:
        """The solutions as the start of another search."""
        return self.coef, self.intercept, self.scale

    def keep(self, search: Search, finished: NDArray[np.bool_], number: int) -> None:
        """Store the solutions of the finished responses."""
        index, point = search.index[finished], search.point_of(finished)
        self.coef[:, index] = point.coef
        self.intercept[index] = point.intercept
        self.scale[index] = point.scale
        self.optimality[index] = search.bound[finished]
        self.freedom[index] = np.broadcast_to(search.problem.freedom, finished.shape)[finished]
        self.n_iter[index] = number
        self.certified[index] = search.bound[finished] <= search.tol


def is_regular(shared: SharedColumns, fit_intercept: bool) -> bool:
    """Whether the Gram matrix of all rows has enough digits for a solution."""
    order = shared.n_features + fit_intercept
    gram = shared.triangle(shared.whole[:, None])[:order, :order]
    return bool(MetricOfMany.of(gram).accurate.all())


@np.errstate(all="ignore")  # overflowing responses are not certified
def solve_many(problem: Problem, tol: float, max_iter: int, begin: Begin | None = None) -> Many:
    """Solve a problem for each response of a block.

    Parameters
    ----------
    problem : Problem
        Its design is a ``ResponseBlock``. The loss may have a threshold for each response.
    tol : float
        In standard errors.
    max_iter : int
    begin : tuple of coef, intercept and scale, optional
        In working units.

    Returns
    -------
    Many
    """
    if begin is None:
        begin = _begin(problem, max_iter)
    many = Many.at(begin)
    kind = ConvexSearch if problem.convex_objective is not None else RuleSearch
    search: Search = kind.begin(problem, tol, *many.begin)
    for number in range(1, min(MOST_PASSES, max_iter) + 1):
        finished = search.step()
        if finished.any():
            many.keep(search, finished, number)
        if search.done.all():
            break
        if search.done.mean() > 1.0 - COMPRESS:
            search = search.some(np.flatnonzero(~search.done))
    return many


def _begin(problem: Problem, max_iter: int) -> Begin:
    """Start from the first simpler problem that the scale rule suggests, or from least squares."""
    delta = cast(Huber, problem.loss).delta
    if np.all(np.isfinite(delta)):
        for rule, loss in problem.scale.starts(problem.loss)[:1]:
            simpler = replace(problem, scale=rule, loss=loss)
            many = solve_many(simpler, PILOT_TOLERANCE, max_iter)
            known = cast(ResponseBlock, problem.design).median_scale
            coef, intercept, _ = many.begin
            return coef, intercept, known(_at(problem, many.begin))
    return _least_squares(problem)


def _at(problem: Problem, begin: Begin) -> Any:
    objective = problem.at_scale(cast(Any, begin[2]))
    return objective.point(objective.pack(*begin))


def _least_squares(problem: Problem) -> Begin:
    """Fit least squares to clipped responses. The scale is the MAD of its residuals, or given.

    As in ``least_squares_start``, a gross outlier moves it no further than a clipped response can.
    """
    block = cast(ResponseBlock, problem.design)
    location, spread = block.location_and_spread(problem.fit_intercept)
    delta = np.broadcast_to(cast(Huber, problem.loss).delta, location.shape)
    clip = np.where(np.isfinite(delta) & (spread > 0.0), CLIP * spread, np.inf)
    linear = replace(problem, loss=Huber(clip)).at_scale(1.0)
    parameters = linear.pack(np.zeros((block.n_features, block.n_responses)), location, None)
    sums, gram = block.gram(linear.point(parameters), None)
    evaluation = linear.evaluation(parameters, sums)
    metric = MetricOfMany.of(linear.hessian(parameters, gram))
    point = linear.point(parameters - metric.solve(evaluation.gradient))
    known = problem.scale.known()
    scale: Any = block.median_scale(point) if known is None else np.full(location.shape, known)
    return point.coef, np.broadcast_to(point.intercept, location.shape), scale
