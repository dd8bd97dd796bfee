"""Base class of predictions with standard errors at new rows."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse
from sklearn.utils.extmath import safe_sparse_dot
from sklearn.utils.validation import validate_data

from robustreg.design.units import Units
from robustreg.inference.covariance import CovarianceEstimate

__all__ = ["Predictor"]

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Predictor(ABC):
    """Predictions and their standard errors at new rows.

    Parameters
    ----------
    model : estimator
        Checks new X.
    prepare : callable
        Converts the user's X to the X of the model, with the pipeline's other steps.
    units : Units
        Working units of ``covariance``.
    covariance : CovarianceEstimate
        Covariance of theta.
    """

    model: Any
    prepare: Callable[[Any], Any]
    units: Units
    covariance: CovarianceEstimate

    def mean(self, X: Any) -> tuple[Vector, Vector]:
        """Return predictions and standard errors, each of shape (n_samples,), in units of y."""
        X = validate_data(
            self.model,
            self.prepare(X),
            reset=False,
            accept_sparse="csr",
            dtype=[np.float64, np.float32],
        )
        prediction = safe_sparse_dot(X, self.model.coef_, dense_output=True) + self.model.intercept_
        p = self.model.n_features_in_
        rows = np.ones((X.shape[0], self.covariance.back.shape[0]))
        rows[:, :p] = (X.toarray() if issparse(X) else X) - self.units.center
        rows[:, :p] /= self.units.column_scale
        variance = np.maximum(self.covariance.variance_of_rows(rows), 0.0)
        return prediction, np.sqrt(variance) * self.units.response_scale

    @abstractmethod
    def new_errors(self, std_err: Vector, level: float) -> tuple[Vector, Vector]:
        """Return the limits of a new observation, relative to its prediction."""
