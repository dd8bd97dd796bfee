"""The solutions of a grid of candidates on all rows, from which each fold starts.

A fold differs from all rows by its validation rows alone, so that its solutions lie a few standard
errors from those on all rows, whatever delta does to them. The candidates of one alpha are a path:
each starts from its neighbours' solutions, extrapolated in log delta, and moves in the metric of a
neighbour's Hessian, which is taken anew only where it no longer fits.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from robustreg.design import Design
from robustreg.design.base import Point, Sums
from robustreg.estimators.candidate import Candidate, descend, hessian_metric
from robustreg.estimators.fitting import HuberProblem, Start, fit_huber
from robustreg.objective import Objective
from robustreg.problem import Problem

__all__ = ["Curvature", "Waypoint", "indices_by_alpha", "reference_path"]

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]

#: Delta near which a path begins, the middle of the default grid: metrics are handed on to either
#: side.
MIDDLE_DELTA = 0.9

#: Distance in standard errors that the path's last step must leave. The point before it is what is
#: kept, with its sums over all rows: folds are several standard errors away from either.
PATH_TOLERANCE = 0.02

#: Part of the distance that a step in a neighbour's metric leaves over which a fresh one is taken:
#: the metric serves this candidate, those after it and all folds.
PATH_CONTRACTION = 0.15

#: Fresh metrics for one candidate before it is solved from nothing.
MOST_METRICS = 4

#: Candidates in a row without a solution after which the rest of a path is given up.
PATIENCE = 2

#: Neighbours from which a start is extrapolated.
NEIGHBOURS = 3

#: Least ratio of two Gram matrices: there may be no rows inside a tiny threshold.
SMALLEST_RATIO = 1e-3

#: Columns over which the Gram matrices that are kept cost too much memory, 32 MB each.
WIDEST_GRAM = 2000


class Curvature(NamedTuple):
    """Gram matrix of the augmented rows (z, 1, e) inside the threshold at one point."""

    point: Point
    gram: Matrix


class Waypoint(NamedTuple):
    """A point near a candidate's solution on all rows, and a Gram matrix that fits it once scaled.

    Between nearby deltas the rows inside the threshold change in number more than in shape: the
    Gram matrix at one is that at the other times the ratio of the weights inside and, for the
    column of the residuals, times that of their squares.
    """

    parameters: Vector
    sums: Sums  # over all rows, there
    curvature: Curvature
    factors: Vector  # of the columns of the augmented rows

    def start(self, problem: Problem) -> Start:
        """Where a fit to all rows begins, in the user's units."""
        objective = objective_of(problem)
        assert objective is not None  # without one there is no waypoint
        design = objective.design
        coef, intercept = design.to_user(objective.point(self.parameters))
        scale = objective.scale_of(self.parameters) * design.units.response_scale
        return Start(coef, intercept, scale)


def reference_path(
    design: Design, candidates: Sequence[HuberProblem], start: Start
) -> list[Waypoint | None]:
    """Solve all candidates on all rows, to ``PATH_TOLERANCE`` standard errors.

    Parameters
    ----------
    design : Design
        Of all rows.
    candidates : sequence of HuberProblem
        For each alpha the deltas in ascending order.
    start : Start
        A solution at a small delta: see ``follow``.

    Returns
    -------
    list of Waypoint or None
        None where there is no solution, or no metric to move in: dependent columns, exact fits, X
        without a Gram matrix, the MAD scale, a penalty beside an estimated scale.
    """
    served = [
        indices
        for indices in indices_by_alpha(candidates)
        if _has_path(design, [candidates[i] for i in indices])
    ]
    if not served:
        return [None] * len(candidates)
    path = _Path(design, candidates, start, served[0][0])
    for indices in served:
        path.follow(indices)
    return path.waypoints


def indices_by_alpha(candidates: Sequence[HuberProblem]) -> Iterator[list[int]]:
    """Indices of the candidates of each alpha."""
    for alpha in dict.fromkeys(problem.alpha for problem in candidates):
        yield [i for i, problem in enumerate(candidates) if problem.alpha == alpha]


def _has_path(design: Design, candidates: Sequence[HuberProblem]) -> bool:
    if design.n_features > WIDEST_GRAM or not design.total_weight > design.n_features:
        return False
    return all(
        objective_of(problem.over(design)) is not None
        and design.gram_kind(problem.alpha) == "matrix"
        for problem in candidates
    )


def objective_of(problem: Problem) -> Objective | None:
    """The convex function that a candidate minimises; None where its scale has another equation."""
    if problem.convex_in_scale:
        return problem.jointly()
    known = problem.scale.known()
    return None if known is None else problem.at_scale(known)


class _Path:
    """Walks along the deltas of one alpha after the other."""

    def __init__(
        self, design: Design, candidates: Sequence[HuberProblem], start: Start, first: int
    ) -> None:
        self.design = design
        self.candidates = candidates
        self.waypoints: list[Waypoint | None] = [None] * len(candidates)
        coef, intercept = design.from_user(start.coef, start.intercept)
        scale = start.scale / design.units.response_scale
        self._origin = self._objective(first).pack(coef, intercept, scale)
        self._curvature: Curvature | None = None  # at the origin

    def follow(self, indices: list[int]) -> None:
        """From a delta in the middle, first down and then up.

        At a large delta gross outliers carry the solution far away, so that a path which begins at
        least squares begins with its longest step.
        """
        deltas = np.array([self.candidates[i].delta for i in indices], dtype=np.float64)
        middle = int(np.argmin(np.abs(np.log(deltas / MIDDLE_DELTA))))
        first = self._solve(indices[middle], self._origin, self._curvature)
        if first is None:
            return
        self.waypoints[indices[middle]] = first
        self._origin, self._curvature = first.parameters, first.curvature
        self._walk(first, indices[middle::-1])
        self._walk(first, indices[middle:])

    def _walk(self, first: Waypoint, indices: list[int]) -> None:
        """Along the indices, the first of which is solved."""
        trail, failures = {self._log_delta(indices[0]): first}, 0
        if self.design.squares_overflow:
            # Least squares of such a y has no solution in floating point.
            indices = [i for i in indices if np.isfinite(self.candidates[i].delta)]
        for i in indices[1:]:
            last = next(reversed(trail.values()))
            start = _extrapolated(trail, self._log_delta(i))
            waypoint = self._solve(i, start, last.curvature)
            if waypoint is None:
                failures += 1
                if failures == PATIENCE:
                    return
                continue
            self.waypoints[i] = trail[self._log_delta(i)] = waypoint
            failures = 0

    def _log_delta(self, index: int) -> float:
        return float(np.log(float(self.candidates[index].delta)))

    def _solve(self, index: int, start: Vector, curvature: Curvature | None) -> Waypoint | None:
        objective = self._objective(index)
        if not objective.scale_of(start) > 0.0:  # extrapolated to nothing
            return self._solve_from_nothing(index)
        for _ in range(MOST_METRICS):
            candidate, waypoint = self._depart(objective, start, curvature)
            if candidate is None or waypoint is None:
                return None
            if descend(self.design, [candidate], PATH_TOLERANCE, PATH_CONTRACTION):
                return waypoint._replace(parameters=candidate.before, sums=candidate.sums)
            if candidate.lost:
                break
            start, curvature = candidate.best, None
        return self._solve_from_nothing(index)

    def _solve_from_nothing(self, index: int) -> Waypoint | None:
        """Where a step of the path is too long for Newton's method.

        As at the delta where the outliers carry the scale away: ``fit_huber`` has a start of its
        own.
        """
        problem = replace(self.candidates[index], tol=PATH_TOLERANCE)
        solution = fit_huber(self.design, problem)
        if not solution.scale > 0.0:
            return None
        objective = self._objective(index)
        return self._depart(objective, objective.at(solution.point), None)[1]

    def _objective(self, index: int) -> Objective:
        objective = objective_of(self.candidates[index].over(self.design))
        assert objective is not None, "a path has no candidates without one"
        return objective

    def _depart(
        self, objective: Objective, start: Vector, curvature: Curvature | None
    ) -> tuple[Candidate | None, Waypoint | None]:
        """The first step from a start; None where its metric is singular."""
        point = objective.point(start)
        if curvature is None:
            sums, gram = self.design.gram(point, 0.0)
            curvature = Curvature(point, gram)
        else:
            sums = self.design.value_and_gradient(point)
        factors = self._inside(point, sums, curvature)
        metric = hessian_metric(objective, start, curvature.gram, factors)
        if metric is None:
            return None, None
        candidate = Candidate(objective, start, metric)
        candidate.step(sums)
        return candidate, Waypoint(start, sums, curvature, factors)

    def _inside(self, point: Point, sums: Sums, curvature: Curvature) -> Vector:
        """Scaling of a Gram matrix to the rows inside at another point."""
        squares, outside = sums.psi_squares, self.design.total_weight - sums.curvature
        if outside > 0.0:
            squares -= outside * point.threshold**2
        known = np.maximum(np.diagonal(curvature.gram)[-2:], np.finfo(np.float64).tiny)
        ratio = np.maximum(np.array([sums.curvature, squares]) / known, SMALLEST_RATIO)
        factors = np.full(curvature.gram.shape[0], np.sqrt(ratio[0]))
        factors[-1] = np.sqrt(ratio[1])
        return factors


def _extrapolated(trail: dict[float, Waypoint], log_delta: float) -> Vector:
    """Lagrange's polynomial in log delta through the last solutions of the trail."""
    nodes = np.array(list(trail)[-NEIGHBOURS:])
    solutions = np.array([trail[node].parameters for node in nodes])
    if np.isinf(log_delta):
        return solutions[-1]
    others = [np.delete(nodes, j) for j in range(nodes.size)]
    weights = [np.prod((log_delta - o) / (x - o)) for x, o in zip(nodes, others, strict=True)]
    return np.asarray(weights) @ solutions
