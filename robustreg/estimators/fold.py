"""Fit the candidates of a search in one fold, all together from the path or one by one."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from robustreg.design import Design
from robustreg.estimators.candidate import (
    Candidate,
    CandidateFit,
    descend,
    hessian_metric,
)
from robustreg.estimators.fitting import HuberProblem, Start, fit_huber
from robustreg.estimators.path import Curvature, Waypoint, indices_by_alpha
from robustreg.problem import Problem

__all__ = ["fit_in_fold"]

Matrix = NDArray[np.float64]

#: A candidate whose steps reduce the distance by less than this factor gets the metric of its own
#: Hessian. That costs a Gram matrix, whereas a step of twenty candidates costs a quarter of a pass
#: for each.
FOLD_CONTRACTION = 0.4

#: Number of such metrics after which a candidate is solved by ``fit_huber``.
MOST_METRICS = 4

#: Candidates are solved to a multiple of ``tol`` between these bounds.
TARGET_BOUNDS = (0.03, 100.0)

#: Memory in bytes for the metrics of candidates that are solved together.
METRIC_BYTES = 2**27


def fit_in_fold(
    training: Design,
    candidates: Sequence[HuberProblem],
    waypoints: Sequence[Waypoint | None],
    removed: Design | None,
    start: Start,
    tolerance_of_a_row: float,
) -> list[CandidateFit]:
    """Fit all candidates to the training rows of a fold.

    Parameters
    ----------
    training : Design
        Design of the training rows, in the working units of the path's design.
    candidates, waypoints
        As in ``reference_path``.
    removed : Design or None
        Design of the other rows, if training and other rows together are the rows of the path, each
        once.
    start : Start
        A solution on all rows, for candidates without a waypoint.
    tolerance_of_a_row : float
        Multiple of ``tol`` for each training row to which candidates are solved: see ``Scoring``.

    Returns
    -------
    list of CandidateFit
    """
    gram = _fold_grams(training, removed)
    size = max(1, METRIC_BYTES // (8 * (training.n_features + 2) ** 2))
    fits: list[CandidateFit | None] = []
    for i in range(0, len(candidates), size):
        group = slice(i, i + size)
        fits += _fit_together(
            training, candidates[group], waypoints[group], removed, gram, tolerance_of_a_row
        )
    for indices in indices_by_alpha(candidates):
        neighbour = start
        for i in indices:
            if fits[i] is None:
                fits[i], neighbour = _fit_alone(training, candidates[i], neighbour)
    return [fit for fit in fits if fit is not None]


def _fold_grams(training: Design, removed: Design | None) -> Callable[[Curvature], Matrix]:
    """Return a cached function for the Gram matrix of the training rows at a curvature's point."""
    known: dict[int, Matrix] = {}

    def gram(curvature: Curvature) -> Matrix:
        key = id(curvature.gram)
        if key not in known:
            point = curvature.point
            if removed is None:
                known[key] = training.gram(point, 0.0)[1]
            else:
                known[key] = curvature.gram - removed.gram(point, 0.0)[1]
        return known[key]

    return gram


def _fit_together(
    training: Design,
    candidates: Sequence[HuberProblem],
    waypoints: Sequence[Waypoint | None],
    removed: Design | None,
    gram: Callable[[Curvature], Matrix],
    tolerance_of_a_row: float,
) -> list[CandidateFit | None]:
    """Solve all candidates together; None for those that cannot be solved in this way."""
    departures: dict[int, Candidate] = {}
    for i, (problem, waypoint) in enumerate(zip(candidates, waypoints, strict=True)):
        if waypoint is not None:
            departure = _departure(problem.over(training), waypoint, gram)
            if departure is not None:
                departures[i] = departure
    moving = list(departures.values())
    if removed is not None and moving:
        _first_steps(moving, [w for i, w in enumerate(waypoints) if i in departures], removed)
    multiple = float(np.clip(tolerance_of_a_row * training.total_weight, *TARGET_BOUNDS))
    target = candidates[0].tol * multiple
    arrived = descend(training, moving, target, FOLD_CONTRACTION)
    for _ in range(MOST_METRICS):
        moving = [d for d in moving if d not in arrived and _renewed(d)]
        arrived += descend(training, moving, target, FOLD_CONTRACTION)
    fits = {i: candidate.fit() for i, candidate in departures.items() if candidate in arrived}
    return [fits.get(i) for i in range(len(candidates))]


def _departure(
    problem: Problem, waypoint: Waypoint, gram: Callable[[Curvature], Matrix]
) -> Candidate | None:
    if not problem.freedom > 0.0:
        return None
    objective = problem.convex_objective
    assert objective is not None  # without one there is no waypoint
    start, factors = waypoint.parameters, waypoint.factors
    metric = hessian_metric(objective, start, gram(waypoint.curvature), factors)
    if metric is None:
        return None
    return Candidate(objective, start, metric)


def _first_steps(
    candidates: Sequence[Candidate], waypoints: Sequence[Waypoint | None], removed: Design
) -> None:
    """Take the first steps, with the sums over all rows minus those over the removed rows."""
    points = [candidate.objective.point(candidate.parameters) for candidate in candidates]
    others = removed.values_and_gradients(points)
    for candidate, waypoint, other in zip(candidates, waypoints, others, strict=True):
        assert waypoint is not None
        candidate.step(waypoint.sums - other)


def _renewed(candidate: Candidate) -> bool:
    """Give a slow candidate the metric of its own Hessian; return whether that was possible."""
    if candidate.lost:
        return False
    objective = candidate.objective
    candidate.parameters = candidate.best
    gram = objective.design.gram(objective.point(candidate.parameters), 0.0)[1]
    metric = hessian_metric(objective, candidate.parameters, gram)
    if metric is None:
        return False
    candidate.renew(metric)
    return True


def _fit_alone(training: Design, problem: HuberProblem, start: Start) -> tuple[CandidateFit, Start]:
    # Without degrees of freedom there is no scale, and a start would not help.
    known = start if problem.over(training).freedom > 0.0 else None
    try:
        solution = fit_huber(training, problem, known)
    except Exception as error:  # noqa: BLE001 - the search keeps what the others found
        return CandidateFit(None, np.inf, error=error), start
    result = solution.result
    fit = CandidateFit(solution.point, result.optimality, result.status)
    return fit, solution if solution.scale > 0.0 else start
