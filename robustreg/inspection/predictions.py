"""Residuals of predictions, with the threshold and scale of the fitted regressor."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.pipeline import Pipeline
from sklearn.utils import check_consistent_length
from sklearn.utils.validation import check_array, check_is_fitted

from robustreg.data import as_numbers
from robustreg.inference.diagnostics import diagnose
from robustreg.inference.frames import row_labels
from robustreg.inference.mm_diagnostics import MMDiagnostics
from robustreg.inference.models import refuse_many

__all__ = ["ObservedResiduals", "leverages_of", "observed_residuals", "positive", "residuals_of"]

Vector = NDArray[np.float64]


class ObservedResiduals(NamedTuple):
    """Residuals of every row, in units of y.

    Attributes
    ----------
    fitted_values, residuals : arrays of shape (n_samples,)
    labels : array of shape (n_samples,)
        Labels of the rows: the index of X or y, or row numbers from zero if they have none.
    threshold, scale : float or None
        Attributes of the regressor, or None if it does not have them.
    """

    fitted_values: Vector
    residuals: Vector
    labels: NDArray
    threshold: float | None = None
    scale: float | None = None


def residuals_of(estimator: Any, X: Any, y: ArrayLike) -> ObservedResiduals:
    """Compute residuals of a fitted regressor, a pipeline or a search.

    Raises
    ------
    ValueError
        If the estimator fits its data exactly.
    """
    check_is_fitted(estimator)
    regressor = getattr(estimator, "best_estimator_", estimator)
    if isinstance(regressor, Pipeline):
        regressor = regressor[-1]
    refuse_many(regressor)
    found = observed_residuals(y, estimator.predict(X))
    threshold, scale = (getattr(regressor, name, None) for name in ("threshold_", "scale_"))
    if threshold == 0.0:
        raise ValueError(
            "estimator fits the data exactly (threshold_ is 0.0): its residuals are rounding "
            "errors. Pass a number as scale to the regressor if the noise level is known."
        )
    labels = row_labels(X, y, found.residuals.size)
    return found._replace(labels=labels, threshold=threshold, scale=scale)


def observed_residuals(y_true: ArrayLike, y_pred: ArrayLike) -> ObservedResiduals:
    """Compute residuals of given predictions."""
    observed, predicted = _column("y_true", y_true), _column("y_pred", y_pred)
    check_consistent_length(observed, predicted)
    labels = row_labels(y_true, y_pred, observed.size)
    return ObservedResiduals(predicted, observed - predicted, labels)


def positive(name: str, value: Any) -> float | None:
    """Check that a value is a positive number or None."""
    if value is None:
        return None
    if not (isinstance(value, (int, float, np.number)) and value > 0.0):
        raise ValueError(f"{name} must be a positive number or None, got {value!r}.")
    return float(value)


def _column(name: str, values: ArrayLike) -> Vector:
    numbers = as_numbers(values, name)
    array = check_array(numbers, ensure_2d=False, dtype=np.float64, input_name=name)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1:
        raise ValueError(f"{name} has shape {array.shape}: pass one value per row, (n_samples,).")
    return array


def leverages_of(
    estimator: Any, X: Any, y: ArrayLike, sample_weight: ArrayLike | None
) -> tuple[Vector, float]:
    """Return the leverages of the rows, and the cutoff beyond which they are high."""
    diagnostics = diagnose(estimator, X, y, sample_weight=sample_weight)
    if isinstance(diagnostics, MMDiagnostics):
        raise ValueError(
            'kind="residual_vs_leverage" is for Huber fits, and estimator is an MMRegressor: use '
            "OutlierMapDisplay.from_estimator."
        )
    return diagnostics.leverages, diagnostics.cutoffs["leverage"]
