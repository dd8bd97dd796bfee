"""Evaluate the folds of a search in parallel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from joblib import Parallel, delayed
from sklearn import config_context, get_config

from robustreg.estimators.cross_validation import FoldResult
from robustreg.estimators.fitting import HuberProblem
from robustreg.estimators.progress import TaskList
from robustreg.estimators.search_results import print_fold, print_lines, warn_of_failed_fits

__all__ = ["evaluate_folds"]


class Search(Protocol):
    """A search over candidates, which evaluates one fold at a time."""

    @property
    def candidates(self) -> list[HuberProblem]:
        """Problems of the candidates."""

    @property
    def error_score(self) -> Any:
        """Score of a candidate that cannot be fitted or scored."""

    def evaluate(self, train: Any, test: Any) -> FoldResult:
        """Fit all candidates to the rows ``train`` and score them on ``test``."""


def evaluate_folds(
    search: Search,
    splits: Sequence[tuple[Any, Any]],
    grid: list[dict[str, float]],
    tasks: TaskList,
    *,
    n_jobs: int | None,
    verbose: int,
) -> list[FoldResult]:
    """Evaluate all folds and warn of fits that failed.

    Parameters
    ----------
    search : Search
    splits : sequence of pairs of row numbers
    grid : list of dict
        Candidates.
    tasks : TaskList
        Tasks of the fit, of which the first is not a fold.
    n_jobs, verbose : int
        As in ``HuberRegressorCV``.
    """
    if not splits:
        raise ValueError("cv gives no split: pass at least one pair of training and test rows.")
    n_splits, n_candidates = len(splits), len(grid)
    if verbose > 0:
        print_lines(
            f"Fitting {n_splits} folds for each of {n_candidates} candidates, totalling "
            f"{n_splits * n_candidates} fits"
        )

    config = get_config()  # scikit-learn has a configuration for each thread

    def evaluate(number: int, train: Any, test: Any) -> FoldResult | Exception:
        try:
            with config_context(**config), tasks.task(1 + number):
                fold = search.evaluate(np.asarray(train), np.asarray(test))
        except Exception as error:  # noqa: BLE001 - joblib would not stop the other folds
            return error
        if verbose > 1:
            print_fold(fold, grid, number, n_splits, verbose)
        return fold

    # scikit-learn's Parallel is not used, since it enters catch_warnings in each worker. In
    # concurrent threads this leaves the warning filters in disorder (before Python 3.14).
    parallel = Parallel(n_jobs=n_jobs, prefer="threads")
    folds = parallel(delayed(evaluate)(i, train, test) for i, (train, test) in enumerate(splits))
    for fold in folds:
        if isinstance(fold, Exception):
            raise fold
    warn_of_failed_fits(folds, search.error_score, search.candidates[0].tol)
    return folds
