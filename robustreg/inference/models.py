"""The regressor at the end of a fitted model, and what inference demands of it."""

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

#: What a model must have: a joint fit of scikit-learn's HuberRegressor has no consistent scale.
ATTRIBUTES = ("coef_", "intercept_", "scale_", "delta_", "threshold_", "optimality_")


def last_step(
    model: Any,
    kind: str = "HuberRegressor",
    required: Sequence[str] = ATTRIBUTES,
    *,
    many: bool = False,
) -> tuple[Any, Callable[[Any], Any], tuple[str, ...]]:
    """The regressor, the transformation before it, and the names of the features it was given.

    Parameters
    ----------
    model : estimator or Pipeline
    kind : str
        The class that a message asks for.
    required : sequence of str
        What a fit of it has.
    many : bool
        Whether it may have several responses.
    """
    regressor = model[-1] if isinstance(model, Pipeline) else model
    _require_fit(regressor, kind, required)
    if not many:
        refuse_many(regressor)
    if not isinstance(model, Pipeline) or len(model) == 1:
        return regressor, _unchanged, _feature_names(regressor)
    # A later fit of the pipeline must not change what a summary predicts.
    before = copy.deepcopy(model[:-1])
    try:
        names = before.get_feature_names_out(getattr(model, "feature_names_in_", None))
    except (AttributeError, ValueError):
        return regressor, before.transform, _feature_names(regressor)
    return regressor, before.transform, tuple(str(name) for name in names)


def refuse_model(regressor: Any) -> None:
    """Refuse a penalty, an exact fit, and a parameter that is no longer that of the fit."""
    refuse_penalty(regressor)
    if not regressor.scale_ > 0.0:
        raise ValueError(
            "model fits the data exactly (scale_ is 0.0): there are no residuals to measure errors "
            "by. Fit more observations, or fewer columns."
        )
    scale = regressor.scale
    if not (isinstance(scale, str) or np.isclose(scale, regressor.scale_, rtol=1e-6, atol=0.0)):
        raise ValueError(
            f"model has scale={scale!r} and scale_={regressor.scale_!r}: the parameter was changed "
            "after fit. Fit again."
        )


def refuse_penalty(regressor: Any) -> None:
    """Refuse a model with a penalty on the coefficients, of one response or of any of many."""
    alpha = regressor.alpha_ if hasattr(regressor, "alpha_") else regressor.alpha
    alpha = float(np.max(alpha))
    if hasattr(regressor, "l1_ratio"):
        raise ValueError(
            f"model is a {type(regressor).__name__} with alpha={alpha:g}: its penalty biases the "
            "coefficients, and the choice of columns by the same rows makes intervals too short. "
            "Choose the columns on one half of the rows, and fit HuberRegressor to them on the "
            "other half for inference; a refit on the same rows (coef_ != 0) describes, and its "
            "intervals do not cover."
        )
    if alpha > 0.0:
        raise ValueError(
            f"model has alpha={alpha:g}: its penalty biases the coefficients by an unknown "
            "amount of the order of their errors, and no standard error makes an interval around "
            "them cover the true values. Fit with alpha=0.0 for inference."
        )


def refuse_many(regressor: Any) -> None:
    """Refuse a fit of several responses."""
    shape = np.shape(getattr(regressor, "coef_", ()))
    if len(shape) == 2 and hasattr(regressor, "converged_"):
        one = "y of shape (n_samples,)" if shape[0] == 1 else "one column of y"
        raise ValueError(
            f"model has coef_ of shape {shape}, since y had two dimensions: use "
            "robustreg.inference.summarize_many(model, X, y) for standard errors of all responses, "
            f"or fit {one} for what is shown of a single one."
        )


def choice_of_delta(regressor: Any) -> str | None:
    """How delta was found in the data: "auto", "cross-validation", or None where it was given."""
    results = getattr(regressor, "cv_results_", None)
    if results is not None:
        return "cross-validation" if len(set(results["param_delta"])) > 1 else None
    return "auto" if isinstance(regressor.delta, str) else None


def without_rows(regressor: Any) -> Any:
    """A copy that a later fit does not change, and that keeps no array of length n alive."""
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
