"""Cross-validation with many responses, with one choice for all or one for each."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import check_scoring
from sklearn.model_selection import ParameterGrid

from robustreg.data import check_weights, is_collection
from robustreg.design import as_design
from robustreg.estimators.candidate import CandidateFit
from robustreg.estimators.cross_validation import FoldResult, ScorerScoring
from robustreg.estimators.fitting import HuberProblem
from robustreg.estimators.huber import HuberRegressor
from robustreg.estimators.many_data import ManyData
from robustreg.estimators.many_responses import store_many, warn_of_many
from robustreg.estimators.many_scoring import TargetScorer
from robustreg.estimators.many_solutions import ManySolutions
from robustreg.estimators.progress import TaskList
from robustreg.estimators.search_errors import nothing_left, scores_of
from robustreg.estimators.search_folds import evaluate_folds
from robustreg.estimators.search_grid import candidate_alphas, candidate_deltas, row_splits
from robustreg.estimators.search_results import best_of_targets, store_results
from robustreg.estimators.search_scoring import SCORE_DELTA, pilot_problems, routed_parameters
from robustreg.response_data import validate_table
from robustreg.solvers import Status

__all__ = ["fit_many_search"]

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class ManyFold(FoldResult):
    """The results of all candidates in one fold, with the scores of each response."""

    target_scores: Matrix  # (n_candidates, n_targets); empty for a scorer of the user


@dataclass(frozen=True)
class ManySearch:
    """The cross-validation of all candidates: see :class:`CrossValidation` for one response."""

    data: ManyData
    candidates: list[HuberProblem]
    scoring: TargetScorer | ScorerScoring
    error_score: Any

    def evaluate(self, train: NDArray[np.intp], test: NDArray[np.intp]) -> ManyFold:
        """Fit all candidates to the rows ``train`` and score them on ``test``."""
        every = np.arange(self.data.Y.shape[0])
        train, test = every[train], every[test]
        training, validation = self.data.rows(train), self.data.rows(test)
        if not training.has_weight:
            raise ValueError(nothing_left("training", "fit", train))
        if not validation.has_weight:
            raise ValueError(nothing_left("validation", "score", test))
        begun, solutions, start = time.perf_counter(), [], None
        for problem in self.candidates:
            found = training.fit(problem, start)[0]
            start = found.coef, found.intercept, found.scale
            solutions.append(found)
        fitted = time.perf_counter()
        scores, target_scores = self._score(solutions, training, validation, test)
        scored, n = time.perf_counter(), len(self.candidates)
        return ManyFold(
            fits=[self._state(found) for found in solutions],
            coefs=np.empty((n, 0)),
            scores=scores,
            fit_time=(fitted - begun) / n,
            score_time=(scored - fitted) / n,
            target_scores=target_scores,
        )

    def _score(
        self,
        solutions: Sequence[ManySolutions],
        training: ManyData,
        validation: ManyData,
        test: NDArray[np.intp],
    ) -> tuple[Vector, Matrix]:
        """Return the scores of the candidates, and those of single responses if there are any."""
        if isinstance(self.scoring, ScorerScoring):
            models = [
                self._model(found, problem, training.X)
                for found, problem in zip(solutions, self.candidates, strict=True)
            ]
            outcomes = self.scoring.of_models(models, test)
            return scores_of(outcomes, self.error_score), np.empty((len(solutions), 0))
        of_targets = np.array(
            [
                self.scoring.of_targets(validation.residuals(found), validation.weights)
                for found in solutions
            ]
        )
        return np.array([self.scoring.mean(scores) for scores in of_targets]), of_targets

    def _model(self, found: ManySolutions, problem: HuberProblem, X: Any) -> HuberRegressor:
        """Return a candidate as a fitted regressor, for a scorer of scikit-learn."""
        assert isinstance(self.scoring, ScorerScoring)
        model = HuberRegressor(**asdict(problem))
        store_many(model, found, X, n_passes=1)
        for name in ("n_features_in_", "feature_names_in_"):
            if hasattr(self.scoring.searched, name):
                setattr(model, name, getattr(self.scoring.searched, name))
        return model

    def _state(self, found: ManySolutions) -> CandidateFit:
        """Return the status of the response that is farthest from its solution."""
        distance = np.where(np.isfinite(found.optimality), found.optimality, 0.0)
        farthest = float(np.max(distance, initial=0.0))
        good = farthest <= self.candidates[0].tol
        return CandidateFit(None, farthest, Status.CONVERGED if good else Status.MAX_ITER)


def fit_many_search(model: Any, X: Any, Y: Any, sample_weight: Any, params: Any) -> None:
    """Fit a ``HuberRegressorCV`` to a table of responses, and set its attributes."""
    if model.alpha_per_target and model.scoring is not None:
        raise ValueError(
            f"alpha_per_target=True needs a score for each response, and "
            f"scoring={model.scoring!r} gives one number for all: pass scoring=None."
        )
    split_params, score_params = routed_parameters(model, sample_weight, params)
    given = X, Y
    X, Y, names = validate_table(model, X, Y)
    Y = np.asarray(Y.compute()) if is_collection(Y) else Y
    weights = None if sample_weight is None else check_weights(sample_weight, X.shape[0])
    data = ManyData(X, Y, names, model.missing == "omit", weights)
    splits = row_splits(model.cv, X, Y, split_params, X.shape[0])
    tasks = TaskList(
        model,
        *given,
        {"sample_weight": sample_weight},
        ["pilot", *["fold"] * len(splits), "refit"],
    )
    with tasks.task(0):
        alphas, pilot = _pilot(model, data)
        scorer = _target_scorer(data, pilot)
        deltas = candidate_deltas(model, partial(_residuals, data, pilot))
        grid = list(ParameterGrid({"alpha": alphas, "delta": deltas}))
        model.scorer_ = scorer
        scoring: TargetScorer | ScorerScoring = scorer
        if model.scoring is not None:
            model.scorer_ = check_scoring(model, scoring=model.scoring)
            scoring = ScorerScoring(model.scorer_, model, *given, score_params)
    candidates = [model._problem_at(**candidate) for candidate in grid]
    search = ManySearch(data, candidates, scoring, model.error_score)
    options: Any = {"n_jobs": model.n_jobs, "verbose": model.verbose}
    folds: Any = evaluate_folds(search, splits, grid, tasks, **options)
    index = _choose(model, folds, grid)
    with tasks.task(len(splits) + 1):
        found, n_passes = _refit(data, candidates, index)
        store_many(model, found, X, n_passes)
    tasks.close()
    warn_of_many(found, candidates[0], data.table)


def _pilot(model: Any, data: ManyData) -> tuple[list[float], ManySolutions]:
    """Return the candidates for alpha, and the pilot fits whose scales are units of the scores."""
    zeros = np.zeros(data.Y.shape[0])
    design = as_design(data.X, zeros, data.weights, centered=model.fit_intercept)
    alphas = candidate_alphas(model, design)
    problem, second = pilot_problems(design, model._problem_at, alphas)
    pilot = data.fit(problem)[0]
    exact = np.flatnonzero(~(pilot.scale > 0.0))
    if exact.size:
        _put(pilot, data.responses(exact).fit(second)[0], exact)
    return alphas, pilot


def _target_scorer(data: ManyData, pilot: ManySolutions) -> TargetScorer:
    """Return the scorer, which measures each response in units of the scale of its pilot."""
    scale = np.where(pilot.scale > 0.0, pilot.scale, 0.0)
    # Zeros for a response without values, of which NumPy would warn.
    Y = np.where(np.isnan(data.Y).all(axis=0), 0.0, data.Y)
    spread = np.nanmean(np.abs(Y - np.nanmedian(Y, axis=0)), axis=0)
    return TargetScorer(SCORE_DELTA * scale, np.where(scale > 0.0, scale, spread))


def _residuals(data: ManyData, pilot: ManySolutions) -> tuple[Vector, Vector | None] | None:
    """Return the present residuals of all responses with a scale, and their weights."""
    residuals = data.residuals(pilot)[:, pilot.scale > 0.0]
    present = np.isfinite(residuals)
    if not present.any():
        return None
    weights = None
    if data.weights is not None:
        weights = np.broadcast_to(data.weights[:, None], residuals.shape)[present]
    return residuals[present], weights


def _choose(
    model: Any, folds: Sequence[ManyFold], grid: list[dict[str, float]]
) -> NDArray[np.intp]:
    """Set the attributes of the choice, and return the index of each response's candidate."""
    best = store_results(model, folds, grid)
    if not model.alpha_per_target:
        model.best_index_, model.best_params_ = best, model.cv_results_["params"][best]
        model.best_score_ = float(model.cv_results_["mean_test_score"][best])
        model.alpha_ = model.best_params_["alpha"]
        return np.array(best)
    of_targets = np.stack([fold.target_scores for fold in folds], axis=-1)
    model.best_index_, model.best_score_ = best_of_targets(of_targets, model.selection, best)
    model.best_params_ = {
        name: np.array([candidate[name] for candidate in grid])[model.best_index_]
        for name in ("alpha", "delta")
    }
    model.alpha_ = model.best_params_["alpha"]
    return np.asarray(model.best_index_)


def _refit(
    data: ManyData, candidates: Sequence[HuberProblem], index: NDArray[np.intp]
) -> tuple[ManySolutions, int]:
    """Fit the chosen candidate of each response to all rows."""
    if index.ndim == 0:
        return data.fit(candidates[int(index)])
    (n, p), k = data.X.shape, data.Y.shape[1]
    found, n_passes = ManySolutions.of_shape(n, p, k), 1
    for number in np.unique(index).tolist():
        chosen = np.flatnonzero(index == number)
        part, passes = data.responses(chosen).fit(candidates[number])
        _put(found, part, chosen)
        n_passes = max(n_passes, passes)
    return found, n_passes


def _put(whole: ManySolutions, part: ManySolutions, index: NDArray[np.intp]) -> None:
    """Set the solutions of some responses."""
    for field in fields(ManySolutions):
        values, own = getattr(whole, field.name), getattr(part, field.name)
        if field.name in ("weights", "outliers"):
            if values is not None:
                values[:, index] = own
        else:
            values[index] = own
