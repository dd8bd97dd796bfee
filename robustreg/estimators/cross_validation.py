"""Fit and score all candidates in one fold."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Number
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import _safe_indexing
from sklearn.utils.validation import _check_method_params

from robustreg.design import Design
from robustreg.design.base import Point
from robustreg.estimators.candidate import CandidateFit
from robustreg.estimators.fitting import HuberProblem, Start
from robustreg.estimators.fold import fit_in_fold
from robustreg.estimators.path import Waypoint
from robustreg.estimators.scored import ScoredRegressor
from robustreg.estimators.search_errors import nothing_left, scores_of
from robustreg.losses import Huber

__all__ = [
    "CrossValidation",
    "Fold",
    "FoldResult",
    "HuberScoring",
    "ScorerScoring",
    "Scoring",
]

Vector = NDArray[np.float64]
Rows = NDArray[np.intp]

#: A fold with fewer training rows than this share copies them. Otherwise it would read the other
#: rows for nothing.
SMALL_FOLD = 1 / 4


@dataclass(frozen=True)
class FoldResult:
    """The results of all candidates in one fold."""

    fits: list[CandidateFit]
    coefs: NDArray[np.float64]  # (n_candidates, n_features), in the user's units; NaN if not fitted
    scores: Vector  # test scores, or ``error_score``
    fit_time: float  # seconds for each candidate, the same for all
    score_time: float


@dataclass(frozen=True)
class Fold:
    """The rows of a fold, as row numbers and as designs.

    Attributes
    ----------
    train, test : arrays of int
        Row numbers.
    training, validation : Design
    index : array of int
        Row numbers of the training rows in ``training``, which may contain all rows.
    """

    train: Rows
    test: Rows
    training: Design
    validation: Design
    index: Rows


class Scoring(Protocol):
    """A rule that scores candidates on the validation rows.

    If a solution is d standard errors from the exact one, the mean score changes by about the noise
    times d/n. With a tolerance proportional to n, the relative error of the scores is therefore the
    same for all n, about 1e-8 at the default ``tol``. A scorer may be more sensitive than the Huber
    loss, for example r2 when there are outliers.
    """

    tolerance_of_a_row: ClassVar[float]

    def __call__(
        self,
        problems: Sequence[HuberProblem],
        points: Sequence[Point],
        fold: Fold,
    ) -> list[Any]:
        """Return a score for each solution, or the exception that scoring it raised."""


@dataclass(frozen=True)
class HuberScoring:
    """Score by minus the mean Huber loss of the validation residuals at one threshold.

    One read of the validation rows gives the scores of all candidates.
    """

    tolerance_of_a_row: ClassVar[float] = 0.006

    threshold: float  # in the units of y

    def __call__(
        self,
        problems: Sequence[HuberProblem],
        points: Sequence[Point],
        fold: Fold,
    ) -> list[Any]:
        validation = fold.validation
        unit = validation.units.response_scale
        if not validation.total_weight > 0.0:
            error = ValueError(nothing_left("validation", "score", fold.test))
            return [error] * len(points)
        loss = Huber(self.threshold / unit)
        at_threshold = [point._replace(scale=1.0, loss=loss) for point in points]
        sums = validation.values_and_gradients(at_threshold)
        return [-s.loss / validation.total_weight * unit**2 for s in sums]


@dataclass(frozen=True)
class ScorerScoring:
    """Score by a scorer of scikit-learn, which receives a fitted model for each candidate.

    Parameters
    ----------
    scorer : callable
        ``scorer(estimator, X, y, **params)``.
    searched : HuberRegressorCV
        Estimator from which the models take the number and names of the features.
    X, y
        All rows, as the user gave them, since a scorer may need a frame.
    params : mapping
        Further arguments of the scorer. Arrays of the length of X are indexed by row.
    """

    tolerance_of_a_row: ClassVar[float] = 0.0005

    scorer: Callable[..., Any]
    searched: Any
    X: Any
    y: Any
    params: Mapping[str, Any]

    def __call__(
        self,
        problems: Sequence[HuberProblem],
        points: Sequence[Point],
        fold: Fold,
    ) -> list[Any]:
        models = [
            ScoredRegressor.of(problem, point, fold.training, fold.index, self.searched)
            for problem, point in zip(problems, points, strict=True)
        ]
        return self.of_models(models, fold.test)

    def of_models(self, models: Sequence[Any], test: Rows) -> list[Any]:
        """Return a score of each model on the rows ``test``, or the exception that was raised."""
        X, y = _safe_indexing(self.X, test), _safe_indexing(self.y, test)
        params = _check_method_params(self.X, params=dict(self.params), indices=test)
        return [self._score(model, X, y, params) for model in models]

    def _score(self, model: Any, X: Any, y: Any, params: Mapping[str, Any]) -> Any:
        try:
            score = self.scorer(model, X, y, **params)
        except Exception as error:  # noqa: BLE001 - handled according to error_score
            return error
        score = score.item() if hasattr(score, "item") else score
        if not isinstance(score, Number):
            raise ValueError(
                f"scoring must return a number, got {score!r} of type {type(score).__name__} from "
                f"{self.scorer}: pass a scorer of one metric."
            )
        return score


@dataclass(frozen=True)
class CrossValidation:
    """The cross-validation of all candidates, which evaluates one fold at a time.

    Parameters
    ----------
    design : Design
        Design with all rows.
    candidates : list of HuberProblem
    waypoints : list of Waypoint or None
        Solutions of the candidates on all rows.
    start : Start
        A solution on all rows, for candidates without a waypoint.
    scoring : Scoring
    error_score : "raise" or float
        Score of a candidate that cannot be fitted or scored.
    """

    design: Design
    candidates: list[HuberProblem]
    waypoints: list[Waypoint | None]
    start: Start
    scoring: Scoring
    error_score: Any

    def evaluate(self, train: Rows, test: Rows) -> FoldResult:
        """Fit all candidates to the rows ``train`` and score them on ``test``."""
        every = np.arange(self.design.n_rows)
        train, test = every[train], every[test]  # accepts masks and negative numbers, like X itself
        started = time.perf_counter()
        validation = self.design.rows(test)
        fits, training = self._fit(train, test, validation)
        fitted = time.perf_counter()
        index = train if training.n_rows == every.size else np.arange(train.size)
        scores = self._score(fits, Fold(train, test, training, validation, index))
        scored = time.perf_counter()
        n = len(fits)
        times = (fitted - started) / n, (scored - fitted) / n
        return FoldResult(fits, self._coefs(fits), scores, *times)

    def _coefs(self, fits: Sequence[CandidateFit]) -> NDArray[np.float64]:
        unfitted = np.full(self.design.n_features, np.nan)
        return np.array(
            [unfitted if fit.point is None else self.design.to_user(fit.point)[0] for fit in fits]
        )

    def _fit(
        self, train: Rows, test: Rows, validation: Design
    ) -> tuple[list[CandidateFit], Design]:
        counts = np.bincount(train, minlength=self.design.n_rows)
        once = np.all(counts + np.bincount(test, minlength=self.design.n_rows) == 1)
        removed = validation if once and test.size else None
        training = self.design  # used if the design of the training rows cannot be made
        try:
            training = self._training(train, counts)
            tolerance = self.scoring.tolerance_of_a_row
            fits = fit_in_fold(
                training, self.candidates, self.waypoints, removed, self.start, tolerance
            )
        except Exception as error:  # noqa: BLE001 - handled according to error_score
            fits = [CandidateFit(None, np.inf, error=error)] * len(self.candidates)
        errors = [fit.error for fit in fits if fit.error is not None]
        if errors and self.error_score == "raise":
            raise errors[0]
        return fits, training

    def _training(self, train: Rows, counts: NDArray[np.intp]) -> Design:
        weights = self.design.weights
        frequency = counts.astype(np.float64) if weights is None else counts * weights
        if not frequency.any():
            raise ValueError(nothing_left("training", "fit", train))
        if train.size < SMALL_FOLD * counts.size:
            return self.design.rows(train)
        return self.design.reweighted(frequency)

    def _score(self, fits: Sequence[CandidateFit], fold: Fold) -> Vector:
        points = [fit.point for fit in fits if fit.point is not None]
        problems = [
            problem
            for problem, fit in zip(self.candidates, fits, strict=True)
            if fit.point is not None
        ]
        outcomes = iter(self.scoring(problems, points, fold) if points else [])
        found = [None if fit.point is None else next(outcomes) for fit in fits]
        return scores_of(found, self.error_score)
