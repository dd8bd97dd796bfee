"""Cross-validation with one response."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
from sklearn.model_selection import ParameterGrid
from sklearn.utils import indexable

from robustreg.data import is_collection, validate_regression_data
from robustreg.design import Design, as_design
from robustreg.design.prediction import is_single
from robustreg.estimators.cross_validation import CrossValidation, FoldResult
from robustreg.estimators.fitted_attributes import store_fit
from robustreg.estimators.fitting import Solution, fit_huber, warn_of_doubt
from robustreg.estimators.path import reference_path
from robustreg.estimators.progress import TaskList
from robustreg.estimators.search_folds import evaluate_folds
from robustreg.estimators.search_grid import candidate_alphas, candidate_deltas, row_splits
from robustreg.estimators.search_results import store_results
from robustreg.estimators.search_scoring import choose_scoring, fit_pilot, routed_parameters
from robustreg.response_data import omit_missing

__all__ = ["fit_search"]


def fit_search(model: Any, X: Any, y: Any, sample_weight: Any, params: dict[str, Any]) -> None:
    """Fit a ``HuberRegressorCV`` to one response, and set its attributes."""
    split_params, score_params = routed_parameters(model, sample_weight, params)
    given, present = (X, y), None  # a scorer receives the data as the user gave them
    if model.missing == "omit":
        y, sample_weight, present = omit_missing(y, sample_weight)
        _refuse_scorer(model.scoring, present)
    X, y, weights = validate_regression_data(model, X, y, sample_weight)
    model._single_ = is_single(X)  # candidates predict as the final fit does
    design = as_design(X, y, weights, centered=model.fit_intercept)
    alphas = candidate_alphas(model, design)
    splits = row_splits(model.cv, X, y, split_params, design.n_rows)
    names = ["path", *["fold"] * len(splits), "refit"]
    tasks = TaskList(model, *given, {"sample_weight": sample_weight}, names)

    with tasks.task(0):
        pilot = fit_pilot(design, model._problem_at, alphas)
        deltas = candidate_deltas(model, partial(_residuals, design, pilot))
        grid = list(ParameterGrid({"alpha": alphas, "delta": deltas}))
        candidates = [model._problem_at(**candidate) for candidate in grid]
        waypoints = reference_path(design, candidates, pilot)
        rows, responses = (X, y) if is_collection(X) else indexable(*given)
        model.scorer_, scoring = choose_scoring(model, rows, responses, pilot, score_params)
    search = CrossValidation(design, candidates, waypoints, pilot, scoring, model.error_score)
    folds = evaluate_folds(search, splits, grid, tasks, n_jobs=model.n_jobs, verbose=model.verbose)
    _choose(model, folds, grid)
    with tasks.task(len(splits) + 1):
        problem = model._problem_at(model.delta_, model.alpha_)
        waypoint = waypoints[model.best_index_]
        begin = None if waypoint is None else waypoint.start(problem.over(design))
        solution = fit_huber(design, problem, begin)
        store_fit(model, design, solution, X, present)
    tasks.close()
    warn_of_doubt(solution, problem)


def _residuals(design: Design, pilot: Solution) -> tuple[Any, Any] | None:
    """Return residuals of the pilot in the user's units, and weights."""
    if not pilot.scale > 0.0:
        return None
    return design.residuals(pilot.point) * design.units.response_scale, design.weights


def _choose(model: Any, folds: Sequence[FoldResult], grid: list[dict[str, float]]) -> None:
    """Set the attributes that describe the chosen candidate."""
    model.best_index_ = store_results(model, folds, grid)
    model.coefs_paths_ = np.array([fold.coefs for fold in folds])
    model.best_params_ = model.cv_results_["params"][model.best_index_]
    model.best_score_ = float(model.cv_results_["mean_test_score"][model.best_index_])
    model.delta_, model.alpha_ = model.best_params_["delta"], model.best_params_["alpha"]


def _refuse_scorer(scoring: Any, present: Any) -> None:
    """Raise an error if a scorer would receive missing responses."""
    if scoring is not None and present is not None:
        raise ValueError(
            f"scoring={scoring!r} would receive the missing values of y: pass scoring=None, or "
            "leave these rows out."
        )
