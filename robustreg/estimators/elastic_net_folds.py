"""Folds of the elastic net: the paths of each fold and their robust score."""

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

#: Threshold of the score in units of the pilot's scale, and delta of the pilot. The influence of a
#: wrong validation row on the choice is proportional to the threshold (DESIGN.md, section 2).
SCORE_DELTA, PILOT_DELTA = 0.5, 0.5

#: Factor between the alphas of the pilot's path, their largest number, and the pilot's tolerance.
PILOT_RATIO, PILOT_ALPHAS, PILOT_TOLERANCE = 0.7, 20, 1e-3

#: The pilot's effective parameters stay below this share of the rows. The median of its residuals
#: becomes zero as they approach one half.
PILOT_SHARE = 1 / 3


@dataclass(frozen=True)
class FoldPath:
    """The results of the paths of a fold, in the order of l1_ratio.

    Attributes
    ----------
    scores : array of shape (n_candidates,)
        Minus the mean Huber loss of the validation rows; NaN for alphas that a path did not reach.
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
    """Return the threshold of the score, in the units of y.

    The pilot is a coarse path with a small delta and the MAD scale. It ends before its columns can
    fit half of the rows. If the median of its residuals is zero, the mean absolute residual is used
    instead.

    Parameters
    ----------
    design : Design
        Design with all rows.
    statement : ElasticNetProblem
    alphas : array
        The pilot's alphas lie between the largest and the smallest of these.
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
    # y is constant, and every threshold gives the same scores.
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
    """Fit the paths of all folds in parallel, and warn if fits are above the tolerance.

    Parameters
    ----------
    design, statements, alphas, threshold, options
        As in :func:`fit_fold`.
    splits : sequence of pairs of arrays
        Training and validation rows of each fold.
    tasks : TaskList
        Tasks of the fit, of which the first is not a fold.
    n_jobs : int or None
        As in ``HuberElasticNetCV``.
    """
    config = get_config()  # scikit-learn has a configuration for each thread
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
            "max_iter, or tol if the distance is small enough for you. The attribute optimality of "
            "this warning is the largest distance."
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
    """Fit the paths to the training rows and score them on the validation rows.

    Parameters
    ----------
    design : Design
        Design with all rows.
    statements : sequence of ElasticNetProblem
        Problems, one for each l1_ratio.
    alphas : sequence of arrays
        Alphas for each l1_ratio.
    rows : tuple of arrays of int
        Training and validation rows.
    threshold : float
        Threshold of the score, in the units of y.
    options : dict
        ``tol`` and ``max_iter``.
    """
    begin = time.perf_counter()
    training, validation = (design.rows(part) for part in rows)
    for part, what in ((training, "training"), (validation, "validation")):
        if not part.total_weight > 0.0:
            raise ValueError(
                f"cv has a fold without {what} rows of positive weight: use a cv with such rows "
                "in every fold."
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
    """Return minus the mean Huber losses of the validation rows."""
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
    """Return the index of the largest alpha within one standard error, for the best l1_ratio."""
    best = best_candidate(results)
    mean = results["mean_test_score"]
    near = mean >= mean[best] - standard_error(results)[best]
    ratios = np.asarray(results["param_l1_ratio"], dtype=np.float64)
    alphas = np.asarray(results["param_alpha"], dtype=np.float64)
    return int(np.argmax(np.where(near & (ratios == ratios[best]), alphas, -np.inf)))


SELECTIONS = {"best": best_candidate, "one_se": _largest_alpha_within_one_standard_error}


def checked_ratios(l1_ratio: Any) -> list[float]:
    """Validate one or several numbers in [0, 1] and return them as a list."""
    try:
        ratios = np.atleast_1d(np.asarray(l1_ratio, dtype=np.float64))
    except (TypeError, ValueError) as error:
        raise ValueError(f"l1_ratio must be numbers in [0, 1], got {l1_ratio!r}.") from error
    if ratios.ndim != 1 or not ratios.size or not ((ratios >= 0.0) & (ratios <= 1.0)).all():
        raise ValueError(
            f"l1_ratio must be one or several numbers in [0, 1], got {l1_ratio!r}: 1 is the lasso."
        )
    return ratios.tolist()
