"""Find the regressor at the end of a fitted model, and check that inference can use it."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

__all__ = [
    "choice_of_delta",
    "last_step",
    "refuse_many",
    "refuse_model",
    "refuse_penalty",
    "without_rows",
]

#: Attributes that a model must have. scikit-learn's HuberRegressor lacks some of them: its scale is
#: not a consistent estimate of sigma.
ATTRIBUTES = ("coef_", "intercept_", "scale_", "delta_", "threshold_", "optimality_")


def last_step(
    model: Any,
    kind: str = "HuberRegressor",
    required: Sequence[str] = ATTRIBUTES,
    *,
    many: bool = False,
) -> tuple[Any, Callable[[Any], Any], tuple[str, ...]]:
    """Return the regressor, the transformation before it, and the names of its features.

    Parameters
    ----------
    model : estimator or Pipeline
    kind : str
        Name of the expected class, for error messages.
    required : sequence of str
        Attributes that a fitted regressor must have.
    many : bool
        Whether the regressor may have several responses.
    """
    regressor = model[-1] if isinstance(model, Pipeline) else model
    _require_fit(regressor, kind, required)
    if not many:
        refuse_many(regressor)
    if not isinstance(model, Pipeline) or len(model) == 1:
        return regressor, _unchanged, _feature_names(regressor)
    # Use a copy, so that fitting the pipeline again does not change what a summary predicts.
    before = copy.deepcopy(model[:-1])
    try:
        names = before.get_feature_names_out(getattr(model, "feature_names_in_", None))
    except (AttributeError, ValueError):
        return regressor, before.transform, _feature_names(regressor)
    return regressor, before.transform, tuple(str(name) for name in names)


def refuse_model(regressor: Any) -> None:
    """Refuse a penalty, an exact fit, and a parameter that was changed after the fit."""
    refuse_penalty(regressor)
    if not regressor.scale_ > 0.0:
        raise ValueError(
            "model fits the data exactly (scale_ is 0.0): without residuals, standard errors "
            "cannot be estimated. Fit more observations, or fewer columns."
        )
    scale = regressor.scale
    if not (isinstance(scale, str) or np.isclose(scale, regressor.scale_, rtol=1e-6, atol=0.0)):
        raise ValueError(
            f"model has scale={scale!r} and scale_={regressor.scale_!r}: the parameter was changed "
            "after fit. Fit again."
        )


def refuse_penalty(regressor: Any) -> None:
    """Refuse a model with a penalty on the coefficients, for one response or for any of many."""
    alpha = regressor.alpha_ if hasattr(regressor, "alpha_") else regressor.alpha
    alpha = float(np.max(alpha))
    if hasattr(regressor, "l1_ratio"):
        raise ValueError(
            f"model is a {type(regressor).__name__} with alpha={alpha:g}: its penalty biases the "
            "coefficients, and intervals are too short if the same rows are used to select the "
            "columns. Select the columns with one half of the rows (coef_ != 0), and fit "
            "HuberRegressor with these columns to the other half."
        )
    if alpha > 0.0:
        raise ValueError(
            f"model has alpha={alpha:g}: its penalty biases the coefficients by an unknown amount, "
            "about as large as their errors, so intervals around them do not cover the true "
            "values. Fit with alpha=0.0 for inference."
        )


def refuse_many(regressor: Any) -> None:
    """Refuse a fit with several responses."""
    shape = np.shape(getattr(regressor, "coef_", ()))
    if len(shape) == 2 and hasattr(regressor, "converged_"):
        one = "y of shape (n_samples,)" if shape[0] == 1 else "one column of y"
        raise ValueError(
            f"model has coef_ of shape {shape}, since y had two dimensions: use "
            "robustreg.inference.summarize_many(model, X, y) for standard errors of all responses, "
            f"or fit {one} for a full summary."
        )


def choice_of_delta(regressor: Any) -> str | None:
    """Return how delta was chosen: "auto", "cross-validation", or None if it was given."""
    results = getattr(regressor, "cv_results_", None)
    if results is not None:
        return "cross-validation" if len(set(results["param_delta"])) > 1 else None
    return "auto" if isinstance(regressor.delta, str) else None


def without_rows(regressor: Any) -> Any:
    """Return a copy without arrays of length n, which a later fit does not change."""
    small = copy.copy(regressor)
    for name in ("weights_", "outliers_"):
        small.__dict__.pop(name, None)
    return small


def _unchanged(X: Any) -> Any:
    return X


def _require_fit(model: Any, kind: str, required: Sequence[str]) -> None:
    wanted = f"model must be a fitted robustreg.{kind} or a Pipeline that ends with one"
    if not isinstance(model, BaseEstimator):
        raise TypeError(
            f"{wanted}, got {type(model).__name__}. From a search, pass best_estimator_."
        )
    check_is_fitted(model)
    missing = [name for name in required if not hasattr(model, name)]
    if missing:
        raise TypeError(
            f"{wanted}, got {type(model).__name__} without {', '.join(missing)}. For least squares "
            "fit robustreg.HuberRegressor(delta=inf); from a search, pass best_estimator_."
        )


def _feature_names(regressor: Any) -> tuple[str, ...]:
    names = getattr(regressor, "feature_names_in_", None)
    if names is None:
        return tuple(f"x{j}" for j in range(regressor.n_features_in_))
    return tuple(str(name) for name in names)
