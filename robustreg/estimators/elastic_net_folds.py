"""Folds of the elastic net: a path for each, and a score that outliers do not mislead."""

from __future__ import annotations

import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray
from sklearn import config_context, get_config

from robustreg.design import Design
from robustreg.design.base import Point
from robustreg.estimators.elastic_net_path import in_user_units, path_over
from robustreg.estimators.elastic_net_problem import ElasticNetProblem
from robustreg.estimators.progress import TaskList
from robustreg.estimators.search_results import best_candidate, standard_error
from robustreg.exceptions import convergence_warning
from robustreg.losses import Huber
from robustreg.scales import median_absolute_residual
from robustreg.solvers.elastic_net import follow_path

__all__ = ["SELECTIONS", "FoldPath", "checked_ratios", "fit_fold", "fit_folds", "score_threshold"]

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]
Rows = NDArray[np.intp]

#: Threshold of the score in units of the scale of a pilot, and delta of the pilot: each wrong
#: validation row pulls the choice with a force in proportion to the threshold (DESIGN.md, section
#: 2).
SCORE_DELTA, PILOT_DELTA = 0.5, 0.5

#: Alphas of the pilot: factor between them, and most of them. Its tolerance.
PILOT_RATIO, PILOT_ALPHAS, PILOT_TOLERANCE = 0.7, 20, 1e-3

#: Share of the rows that the pilot's effective parameters stay below: the median of its residuals
#: vanishes as they come near one half.
PILOT_SHARE = 1 / 3


@dataclass(frozen=True)
class FoldPath:
    """The paths of a fold, one after the other for each l1_ratio.

    Attributes
    ----------
    scores : array of shape (n_candidates,)
        Minus the mean Huber loss of the validation rows; NaN where a path did not get to.
    coefs : array of shape (n_candidates, n_features)
    fit_time, score_time : float
        Seconds for each candidate.
    worst : float
        Largest ``optimality`` of the fits.
    """

    scores: Vector
    coefs: Matrix
    fit_time: float
    score_time: float
    worst: float


def score_threshold(design: Design, statement: ElasticNetProblem, alphas: Vector) -> float:
    """Threshold of the score, in the units of y.

    The pilot is a coarse path at a small delta with the median as scale, which ends before its
    columns can fit half of the rows. Where the median is zero, the mean absolute residual takes its
    place.

    Parameters
    ----------
    design : Design
        Of all rows.
    statement : ElasticNetProblem
    alphas : array
        The largest and the smallest bound those of the pilot.
    """
    pilot = ElasticNetProblem(
        statement.l1_ratio,
        PILOT_DELTA,
        "mad",
        statement.fit_intercept,
        statement.positive,
        statement.penalty_factors,
    )
    steps = np.arange(PILOT_ALPHAS)
    coarse = alphas[0] * PILOT_RATIO**steps
    coarse = np.append(coarse[coarse > alphas[-1]], alphas[-1])[:PILOT_ALPHAS]
    problem = pilot.over(design, coarse[0])
    path = follow_path(
        problem, coarse, tol=PILOT_TOLERANCE, max_iter=100, most=PILOT_SHARE * design.n_observations
    )
    scale = path.fits[-1].scale if path.fits else 0.0
    if not scale > 0.0:
        location, _ = design.response_location_and_spread(statement.fit_intercept)
        residuals = design.response - location
        scale = median_absolute_residual(residuals, design.weights)
        scale = scale or float(np.average(np.abs(residuals), weights=design.weights))
    threshold = SCORE_DELTA * scale * design.units.response_scale
    # A constant y: every threshold gives the same scores.
    return threshold if threshold > 0.0 else 1.0


def fit_folds(
    design: Design,
    statements: Sequence[ElasticNetProblem],
    alphas: Sequence[Vector],
    splits: Sequence[tuple[Any, Any]],
    threshold: float,
    options: dict[str, Any],
    tasks: TaskList,
    *,
    n_jobs: int | None,
) -> list[FoldPath]:
    """The paths of all folds, several at a time; warns where fits are above the tolerance.

    Parameters
    ----------
    design, statements, alphas, threshold, options
        As in :func:`fit_fold`.
    splits : sequence of pairs of arrays
        Training and validation rows of each fold.
    tasks : TaskList
        The first task is not a fold.
    n_jobs : int or None
        As of ``HuberElasticNetCV``.
    """
    config = get_config()  # scikit-learn keeps it for each thread
    every = np.arange(design.n_rows)

    def evaluate(number: int, train: Any, test: Any) -> FoldPath:
        with config_context(**config), tasks.task(1 + number):
            rows = every[train], every[test]
            return fit_fold(design, statements, alphas, rows, threshold, options)

    parallel = Parallel(n_jobs=n_jobs, prefer="threads")
    folds = parallel(delayed(evaluate)(number, *split) for number, split in enumerate(splits))
    worst, tol = max(fold.worst for fold in folds), options["tol"]
    if worst > tol:
        text = (
            f"Some fits in folds did not come within tol={tol:g} of their solutions: increase "
            "max_iter, or tol if the distance is small enough for you. The largest distance is the "
            "optimality of this warning."
        )
        warnings.warn(convergence_warning(text, worst, tol), stacklevel=4)
    return folds


def fit_fold(
    design: Design,
    statements: Sequence[ElasticNetProblem],
    alphas: Sequence[Vector],
    rows: tuple[Rows, Rows],
    threshold: float,
    options: dict[str, Any],
) -> FoldPath:
    """Fit the paths to the training rows and score them on the others.

    Parameters
    ----------
    design : Design
        Of all rows.
    statements : sequence of ElasticNetProblem
        One for each l1_ratio.
    alphas : sequence of arrays
        Of each.
    rows : tuple of arrays of int
        Training and validation rows.
    threshold : float
        Of the score, in the units of y.
    options : dict
        ``tol`` and ``max_iter``.
    """
    begin = time.perf_counter()
    training, validation = (design.rows(part) for part in rows)
    for part, what in ((training, "training"), (validation, "validation")):
        if not part.total_weight > 0.0:
            raise ValueError(
                f"cv has a fold without {what} rows of positive weight: use a cv whose folds all "
                "have some."
            )
    scores, coefs, seconds, worst = [], [], 0.0, 0.0
    for statement, grid in zip(statements, alphas, strict=True):
        fewer, factor = statement.with_rows(design.n_observations / training.n_observations)
        problem, path = path_over(fewer, training, factor * grid, options)
        worst = max([worst, *(fit.optimality for fit in path.fits)])
        found = np.full((grid.size, design.n_features), np.nan)
        found[: len(path.fits)] = in_user_units(problem, path)[0]
        started = time.perf_counter()
        points = [fit.point(problem) for fit in path.fits]
        scores.append(_scores(validation, points, threshold, grid.size))
        seconds += time.perf_counter() - started
        coefs.append(found)
    count = sum(grid.size for grid in alphas)
    total = time.perf_counter() - begin
    return FoldPath(
        np.concatenate(scores),
        np.concatenate(coefs),
        (total - seconds) / count,
        seconds / count,
        worst,
    )


def _scores(validation: Design, points: Sequence[Point], threshold: float, n_alphas: int) -> Vector:
    """Minus the mean Huber losses of the validation rows."""
    scores = np.full(n_alphas, np.nan)
    unit = validation.units.response_scale
    loss = Huber(threshold / unit)
    for number, point in enumerate(points):
        residuals = validation.residuals(point)
        losses = loss.rho(residuals)
        mean = np.average(losses, weights=validation.weights)
        scores[number] = -float(mean) * unit**2
    return scores


def _largest_alpha_within_one_standard_error(results: Mapping[str, Any]) -> int:
    """Index of the largest alpha for the best l1_ratio, one standard error from the best."""
    best = best_candidate(results)
    mean = results["mean_test_score"]
    near = mean >= mean[best] - standard_error(results)[best]
    ratios = np.asarray(results["param_l1_ratio"], dtype=np.float64)
    alphas = np.asarray(results["param_alpha"], dtype=np.float64)
    return int(np.argmax(np.where(near & (ratios == ratios[best]), alphas, -np.inf)))


SELECTIONS = {"best": best_candidate, "one_se": _largest_alpha_within_one_standard_error}


def checked_ratios(l1_ratio: Any) -> list[float]:
    """One or several numbers in [0, 1]."""
    try:
        ratios = np.atleast_1d(np.asarray(l1_ratio, dtype=np.float64))
    except (TypeError, ValueError) as error:
        raise ValueError(f"l1_ratio must be numbers in [0, 1], got {l1_ratio!r}.") from error
    if ratios.ndim != 1 or not ratios.size or not ((ratios >= 0.0) & (ratios <= 1.0)).all():
        raise ValueError(
            f"l1_ratio must be one or several numbers in [0, 1], got {l1_ratio!r}: 1 is the lasso."
        )
    return ratios.tolist()
