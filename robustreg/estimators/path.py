"""The solutions of a grid of candidates on all rows, from which each fold starts.

A fold lacks only its validation rows, so that its solutions are a few standard errors from those on
all rows, for every delta. The candidates of one alpha form a path: each starts from the solutions
of its neighbours, extrapolated in log delta, and uses the metric of a neighbour's Hessian. A new
metric is computed only when the old one no longer fits.
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

#: A path begins near this delta, the middle of the default grid, and metrics are passed on to both
#: sides.
MIDDLE_DELTA = 0.9

#: Distance to the solution after the last step of the path, in standard errors. The point before
#: this step is kept, with its sums over all rows. Either point serves a fold, whose solution is
#: several standard errors away.
PATH_TOLERANCE = 0.02

#: A new metric is computed if a step with a neighbour's metric reduces the distance by less than
#: this factor. The new metric serves this candidate, those after it and all folds.
PATH_CONTRACTION = 0.15

#: Number of new metrics for a candidate after which it is solved without a start.
MOST_METRICS = 4

#: Number of consecutive candidates without a solution after which the path is given up.
PATIENCE = 2

#: Number of neighbours from which a start is extrapolated.
NEIGHBOURS = 3

#: Limits of the ratio of two Gram matrices: it is at least this number, and at most its inverse. A
#: tiny threshold may have no rows inside, and the residuals of an exact fit may all be zero.
SMALLEST_RATIO = 1e-3

#: With more columns, the stored Gram matrices would need too much memory, more than 32 MB each.
WIDEST_GRAM = 2000


class Curvature(NamedTuple):
    """Gram matrix of the augmented rows (z, 1, e) inside the threshold at one point."""

    point: Point
    gram: Matrix


class Waypoint(NamedTuple):
    """A point near a candidate's solution on all rows, with an approximate Gram matrix.

    Between nearby deltas the number of rows inside the threshold changes more than the shape of
    their distribution. The Gram matrix at one delta is therefore approximately that at the other,
    multiplied by the ratio of the weights inside and, in the column of the residuals, by the ratio
    of their squares.
    """

    parameters: Vector
    sums: Sums  # over all rows, there
    curvature: Curvature
    factors: Vector  # of the columns of the augmented rows

    def start(self, problem: Problem) -> Start:
        """Return the start of a fit to all rows, in the user's units."""
        objective = problem.convex_objective
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
        Design with all rows.
    candidates : sequence of HuberProblem
        Candidates, for each alpha in ascending order of delta.
    start : Start
        A solution at a small delta: see ``follow``.

    Returns
    -------
    list of Waypoint or None
        None if there is no solution or no metric. This happens with dependent columns, exact fits,
        an X that is too wide for a Gram matrix, the MAD scale, or a penalty together with an
        estimated scale.
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
    """Yield the indices of the candidates of each alpha."""
    for alpha in dict.fromkeys(problem.alpha for problem in candidates):
        yield [i for i, problem in enumerate(candidates) if problem.alpha == alpha]


def _has_path(design: Design, candidates: Sequence[HuberProblem]) -> bool:
    if design.n_features > WIDEST_GRAM or not design.total_weight > design.n_features:
        return False
    return all(
        problem.over(design).convex_objective is not None
        and design.gram_kind(problem.alpha) == "matrix"
        for problem in candidates
    )


class _Path:
    """Solves the candidates along the deltas, for one alpha after the other."""

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
        """Solve from a delta in the middle, first downwards and then upwards.

        At a large delta, gross outliers move the solution far away. A path that begins at least
        squares would therefore begin with its longest step.
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
        """Solve along the indices, of which the first is already solved."""
        trail, failures = {self._log_delta(indices[0]): first}, 0
        if self.design.squares_overflow:
            # With such a y, least squares has no solution in floating point.
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
        if not objective.scale_of(start) > 0.0:  # extrapolated to zero or below
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
        """Solve without a start, where a step of the path is too long for Newton's method.

        This happens at the delta at which outliers move the scale away. ``fit_huber`` has a start
        of its own.
        """
        problem = replace(self.candidates[index], tol=PATH_TOLERANCE)
        solution = fit_huber(self.design, problem)
        if not solution.scale > 0.0:
            return None
        objective = self._objective(index)
        return self._depart(objective, objective.at(solution.point), None)[1]

    def _objective(self, index: int) -> Objective:
        objective = self.candidates[index].over(self.design).convex_objective
        assert objective is not None, "a path has no candidates without one"
        return objective

    def _depart(
        self, objective: Objective, start: Vector, curvature: Curvature | None
    ) -> tuple[Candidate | None, Waypoint | None]:
        """Take the first step from a start; None if its metric is singular."""
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
        """Return factors that scale a Gram matrix to the rows inside the threshold at a point."""
        squares, outside = sums.psi_squares, self.design.total_weight - sums.curvature
        if outside > 0.0:
            squares -= outside * point.threshold**2
        present = np.array([sums.curvature, squares])
        least = np.maximum(SMALLEST_RATIO * present, np.finfo(np.float64).tiny)
        known = np.maximum(np.diagonal(curvature.gram)[-2:], least)
        ratio = np.maximum(present / known, SMALLEST_RATIO)
        factors = np.full(curvature.gram.shape[0], np.sqrt(ratio[0]))
        factors[-1] = np.sqrt(ratio[1])
        return factors


def _extrapolated(trail: dict[float, Waypoint], log_delta: float) -> Vector:
    """Extrapolate the last solutions of the trail by Lagrange's polynomial in log delta."""
    nodes = np.array(list(trail)[-NEIGHBOURS:])
    solutions = np.array([trail[node].parameters for node in nodes])
    if np.isinf(log_delta):
        return solutions[-1]
    others = [np.delete(nodes, j) for j in range(nodes.size)]
    weights = [np.prod((log_delta - o) / (x - o)) for x, o in zip(nodes, others, strict=True)]
    return np.asarray(weights) @ solutions
