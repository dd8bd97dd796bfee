"""The results of a search, in the layout of GridSearchCV, and the choice of a candidate."""

from __future__ import annotations

import sys
import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata
from sklearn.model_selection._validation import _warn_or_raise_about_fit_failures

from robustreg.estimators.cross_validation import FoldResult
from robustreg.exceptions import ExactFitWarning, convergence_warning
from robustreg.solvers import Status

__all__ = [
    "SELECTIONS",
    "best_candidate",
    "best_of_targets",
    "format_results",
    "print_fold",
    "print_lines",
    "simplest_within_one_standard_error",
    "standard_error",
    "store_results",
    "warn_of_failed_fits",
]

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]


def format_results(
    params: Sequence[Mapping[str, float]], scores: Matrix, fit_times: Matrix, score_times: Matrix
) -> dict[str, Any]:
    """Return ``cv_results_`` in the layout of ``GridSearchCV``.

    Parameters
    ----------
    params : sequence of dict
        Parameters of each candidate, all with the same keys.
    scores, fit_times, score_times : ndarray of shape (n_candidates, n_splits)
        Test scores, of which greater is better, and times in seconds.

    Returns
    -------
    dict
        Arrays of length n_candidates, ready for ``pandas.DataFrame``.

    Warns
    -----
    UserWarning
        If scores are not finite.
    """
    results: dict[str, Any] = {}
    for name, times in (("fit_time", fit_times), ("score_time", score_times)):
        results[f"mean_{name}"] = times.mean(axis=1)
        results[f"std_{name}"] = times.std(axis=1)
    for name in params[0]:
        values = np.array([candidate[name] for candidate in params])
        results[f"param_{name}"] = np.ma.MaskedArray(values, mask=np.zeros(len(params), dtype=bool))
    results["params"] = [dict(candidate) for candidate in params]
    for split, column in enumerate(scores.T):
        results[f"split{split}_test_score"] = column.copy()
    mean = scores.mean(axis=1)
    if not np.isfinite(mean).all():
        warnings.warn(
            "One or more of the test scores are non-finite: see mean_test_score of cv_results_.",
            UserWarning,
            stacklevel=3,
        )
    results["mean_test_score"] = mean
    results["std_test_score"] = _deviations(scores)
    results["rank_test_score"] = _ranks(mean)
    return results


def store_results(
    estimator: Any, folds: Sequence[FoldResult], grid: Sequence[Mapping[str, float]]
) -> int:
    """Set ``cv_results_`` and ``n_splits_``, and return the index of the selected candidate."""
    scores, fit_times, score_times = (
        np.column_stack([np.broadcast_to(getattr(fold, name), len(grid)) for fold in folds])
        for name in ("scores", "fit_time", "score_time")
    )
    estimator.cv_results_ = format_results(grid, scores, fit_times, score_times)
    estimator.n_splits_ = len(folds)
    return SELECTIONS[estimator.selection](estimator.cv_results_)


def _deviations(scores: Matrix) -> Vector:
    """Return the standard deviations over splits; NaN where a score is not finite.

    Scores are divided by a power of two first. They are squares already, and their squares could
    leave the range of doubles.
    """
    size = np.abs(scores[np.isfinite(scores)]).max(initial=0.0)
    unit = np.ldexp(1.0, int(np.frexp(size)[1]) - 1)
    with np.errstate(invalid="ignore"):
        return (scores / unit).std(axis=1) * unit


def _ranks(mean: Vector) -> NDArray[np.int32]:
    """Return the ranks: 1 is the best, ties share the lower rank, and NaN shares the last."""
    if np.isnan(mean).all():
        return np.ones(mean.shape, dtype=np.int32)
    last = np.nanmin(mean) - 1.0
    return rankdata(-np.where(np.isnan(mean), last, mean), method="min").astype(np.int32)


def best_candidate(results: Mapping[str, Any]) -> int:
    """Return the index of the candidate with the highest mean score, the first one if tied.

    Raises
    ------
    ValueError
        If no candidate has a finite mean score.
    """
    mean = results["mean_test_score"]
    if not np.isfinite(mean).any():
        raise ValueError(
            f"scoring gave no candidate a finite mean score (got {mean}), so that none can be "
            "chosen. Check that the scorer is finite on every validation fold, and that every fold "
            "has weight."
        )
    return int(np.argmax(np.where(np.isfinite(mean), mean, -np.inf)))


def standard_error(results: Mapping[str, Any], metric: str = "score") -> Vector:
    """Return the standard errors of the mean scores.

    They are ``sd / sqrt(n_splits)``, where the variance has the divisor ``n_splits - 1``.

    Parameters
    ----------
    results : mapping
        ``cv_results_`` of this library or of ``GridSearchCV``.
    metric : str, default="score"
        Name of the metric, in a search with several metrics.

    Returns
    -------
    ndarray of shape (n_candidates,)
        Zero if there is only one split.

    Notes
    -----
    The training sets overlap, so that the scores of folds are not independent. This is therefore an
    approximation: T. Hastie, R. Tibshirani, J. Friedman, The Elements of Statistical Learning
    (2009), section 7.10.
    """
    n_splits = sum(key.startswith("split") and key.endswith(f"_test_{metric}") for key in results)
    return np.asarray(results[f"std_test_{metric}"]) / np.sqrt(max(1, n_splits - 1))


def simplest_within_one_standard_error(results: Mapping[str, Any]) -> int:
    """Return the index of the simplest candidate within one standard error of the best.

    It has the largest alpha and, for that alpha, the largest delta.
    """
    best = best_candidate(results)
    mean = results["mean_test_score"]
    near = np.flatnonzero(mean >= mean[best] - standard_error(results)[best])
    alphas = np.asarray(results["param_alpha"], dtype=np.float64)
    deltas = np.asarray(results["param_delta"], dtype=np.float64)
    return int(max(near, key=lambda i: (alphas[i], deltas[i])))


#: Rules for choosing among candidates for delta and alpha, by name.
SELECTIONS = {"best": best_candidate, "one_se": simplest_within_one_standard_error}


def best_of_targets(
    scores: NDArray[np.float64], selection: str, common: int
) -> tuple[NDArray[np.intp], Vector]:
    """Return the index of the chosen candidate for each response, and its mean score.

    Parameters
    ----------
    scores : ndarray of shape (n_candidates, n_targets, n_splits)
        Scores; NaN for splits in which the response has no value.
    selection : {"best", "one_se"}
        Rule. Candidates are in ascending order of alpha and, for each alpha, of delta.
    common : int
        Index of the candidate for responses without any score.
    """
    known = np.isfinite(scores)
    count = known.sum(axis=-1)
    total = np.where(known, scores, 0.0).sum(axis=-1)
    mean = np.where(count > 0, total / np.maximum(count, 1), -np.inf)
    best = np.argmax(mean, axis=0)
    if selection == "one_se":
        squares = np.where(known, (scores - mean[..., None]) ** 2, 0.0).sum(axis=-1)
        error = np.sqrt(squares / np.maximum(count, 1) / np.maximum(count - 1, 1))
        targets = np.arange(best.size)
        near = mean >= (mean - error)[best, targets]
        best = mean.shape[0] - 1 - np.argmax(near[::-1], axis=0)
    chosen = mean[best, np.arange(best.size)]
    best = np.where(np.isfinite(chosen), best, common)
    return best, np.where(np.isfinite(chosen), chosen, np.nan)


def print_fold(
    fold: FoldResult,
    grid: Sequence[Mapping[str, float]],
    number: int,
    n_splits: int,
    verbose: int,
) -> None:
    """Print a line for each candidate, in the format of ``GridSearchCV``."""
    lines = []
    for candidate, score in zip(grid, fold.scores, strict=True):
        params = ", ".join(f"{name}={value}" for name, value in candidate.items())
        which = f" {number + 1}/{n_splits}" if verbose > 2 else ""
        score_text = f", score={score:.3f}" if verbose > 2 else ""
        seconds = fold.fit_time + fold.score_time
        text = f"{params};{score_text} total time={seconds:6.4f}s"
        head = f"[CV{which}] END "
        lines.append(head + "." * max(0, 80 - len(head) - len(text)) + text)
    print_lines(*lines)


def print_lines(*lines: str) -> None:
    """Write lines in one call, so that lines of folds in other threads do not come in between."""
    sys.stdout.write("\n".join((*lines, "")))


def warn_of_failed_fits(folds: Sequence[FoldResult], error_score: Any, tol: float) -> None:
    """Warn once of all fits that failed, and once of each kind of doubtful fit."""
    fits = [fit for fold in folds for fit in fold.fits]
    errors = [None if fit.error is None else repr(fit.error) for fit in fits]
    _warn_or_raise_about_fit_failures([{"fit_error": error} for error in errors], error_score)
    count = Counter(fit.status for fit in fits if fit.error is None)
    if count[Status.EXACT_FIT]:
        warnings.warn(
            "Some fits in folds are exact: their scale is zero. This always happens in folds with "
            "no more rows than parameters: use alphas > 0, fewer columns or larger training folds.",
            ExactFitWarning,
            stacklevel=4,
        )
    if count[Status.MAX_ITER] + count[Status.ROUNDING]:
        farthest = max(fit.distance for fit in fits if fit.error is None)
        text = (
            f"Some fits in folds did not come within tol={tol:g} standard errors of their "
            "minimisers: increase max_iter, or tol if the distance is small enough for you. The "
            "attribute optimality of this warning is the largest distance."
        )
        warnings.warn(convergence_warning(text, farthest, tol), stacklevel=4)
