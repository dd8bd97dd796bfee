"""The folds of a search, several at a time."""

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
    """What is the same for all folds."""

    @property
    def candidates(self) -> list[HuberProblem]:
        """The problems that are compared."""

    @property
    def error_score(self) -> Any:
        """What a candidate scores where it cannot be fitted or scored."""

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
    """Results of all folds; warns of fits that failed.

    Parameters
    ----------
    search : Search
    splits : sequence of pairs of row numbers
    grid : list of dict
        Candidates.
    tasks : TaskList
        The first task is not a fold.
    n_jobs, verbose : int
        As of ``HuberRegressorCV``.
    """
    if not splits:
        raise ValueError("cv gives no split: pass at least one pair of training and test rows.")
    n_splits, n_candidates = len(splits), len(grid)
    if verbose > 0:
        print_lines(
            f"Fitting {n_splits} folds for each of {n_candidates} candidates, totalling "
            f"{n_splits * n_candidates} fits"
        )

    config = get_config()  # scikit-learn keeps it for each thread

    def evaluate(number: int, train: Any, test: Any) -> FoldResult | Exception:
        try:
            with config_context(**config), tasks.task(1 + number):
                fold = search.evaluate(np.asarray(train), np.asarray(test))
        except Exception as error:  # noqa: BLE001 - joblib would leave the others running
            return error
        if verbose > 1:
            print_fold(fold, grid, number, n_splits, verbose)
        return fold

    # joblib's, not scikit-learn's: that enters catch_warnings in each worker, and threads that
    # do so at a time leave the filters of the process in disorder (before Python 3.14).
    parallel = Parallel(n_jobs=n_jobs, prefer="threads")
    folds = parallel(delayed(evaluate)(i, train, test) for i, (train, test) in enumerate(splits))
    for fold in folds:
        if isinstance(fold, Exception):
            raise fold
    warn_of_failed_fits(folds, search.error_score, search.candidates[0].tol)
    return folds
