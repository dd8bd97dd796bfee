"""Scores of candidates for many responses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from robustreg.data import check_weights
from robustreg.losses import Huber

__all__ = ["TargetScorer"]

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
        unit = np.where(self.unit > 0.0, self.unit, 1.0)
        residual, limit = residual / unit, self.threshold / unit
        loss = np.where(limit > 0.0, Huber(limit).rho(residual), np.abs(residual))
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
