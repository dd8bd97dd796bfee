"""Scores of candidates for many responses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import _safe_indexing
from sklearn.utils.validation import _check_method_params

from robustreg.data import check_weights
from robustreg.estimators.fitting import HuberProblem
from robustreg.estimators.huber import HuberRegressor
from robustreg.estimators.many_solutions import ManySolutions
from robustreg.losses import Huber

__all__ = ["TargetScorer", "UserScoring"]

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class TargetScorer:
    """Score by minus the mean Huber loss of each response, in squared units of its noise.

    Parameters
    ----------
    threshold : array of shape (n_targets,)
        Threshold in the units of the responses. With zero, the loss is the absolute error.
    unit : array of shape (n_targets,)
        Noise level of each response.
    """

    threshold: Vector
    unit: Vector

    def __call__(self, estimator: Any, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the mean score over the responses to which the estimator was fitted."""
        y = np.asarray(y, dtype=np.float64)
        weights = None if sample_weight is None else check_weights(sample_weight, y.shape[0])
        return self.mean(self.of_targets(y - estimator.predict(X), weights))

    def of_targets(self, residual: Matrix, weights: Vector | None) -> Vector:
        """Return the score of each response; NaN if it has no value in these rows."""
        residual = residual / np.where(self.unit > 0.0, self.unit, 1.0)
        limit = self.threshold / np.where(self.unit > 0.0, self.unit, 1.0)
        size = np.abs(residual)
        loss = np.where(limit > 0.0, Huber(limit).rho(residual), size)
        weight = np.isfinite(residual).astype(np.float64)
        if weights is not None:
            weight *= weights[:, None]
        total = weight.sum(axis=0)
        loss = np.where(weight > 0.0, loss, 0.0)
        with np.errstate(invalid="ignore"):
            return np.asarray(-(weight * loss).sum(axis=0) / np.where(total > 0.0, total, np.nan))

    @staticmethod
    def mean(scores: Vector) -> float:
        """Return the mean of the finite scores."""
        known = scores[np.isfinite(scores)]
        return float(known.mean()) if known.size else float("nan")


@dataclass(frozen=True)
class UserScoring:
    """Score by a scorer of scikit-learn, which receives a fitted ``HuberRegressor``."""

    scorer: Any
    searched: Any
    X: Any
    y: Any
    params: Mapping[str, Any]

    def __call__(
        self, found: ManySolutions, problem: HuberProblem, test: NDArray[np.intp]
    ) -> float:
        X, y = _safe_indexing(self.X, test), _safe_indexing(self.y, test)
        params = _check_method_params(self.X, params=dict(self.params), indices=test)
        options: Any = {"delta": problem.delta, "alpha": problem.alpha}
        model = HuberRegressor(scale=self.searched.scale, **options)
        model.coef_, model.intercept_ = found.coef, found.intercept
        model.scale_, model.delta_ = found.scale, found.delta
        for name in ("n_features_in_", "feature_names_in_"):
            if hasattr(self.searched, name):
                setattr(model, name, getattr(self.searched, name))
        return float(self.scorer(model, X, y, **params))
