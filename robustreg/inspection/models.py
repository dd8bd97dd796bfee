"""Collect models by name, with the names and units of their coefficients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from robustreg.estimators.huber import HuberRegressor
from robustreg.inference.fitted import last_step
from robustreg.inference.summarize import summarize
from robustreg.inference.summary import Summary

__all__ = ["as_huber", "by_name", "distinct", "standard_deviations", "summary_of"]

#: Coefficients count as equal if they differ by less than this share of the largest.
AGREEMENT = 1e-6


def distinct(names: Sequence[str]) -> list[str]:
    """Make the names of coefficients distinct if a feature is called "intercept"."""
    seen = "intercept" in names[:1] and "intercept" in names[1:]
    return [
        f"{name} (feature)" if seen and position and name == "intercept" else name
        for position, name in enumerate(names)
    ]


def by_name(given: Any) -> dict[str, Any]:
    """Return models or summaries by name. A single one is named after its class."""
    if isinstance(given, (list, tuple)):
        raise TypeError(
            f"several models must be named, got a {type(given).__name__}: pass a dict from a name "
            "to each."
        )
    if not isinstance(given, Mapping):
        return {type(given).__name__: given}
    if not given:
        raise ValueError("no models are given: pass a dict from a name to a fitted model.")
    return {str(name): value for name, value in given.items()}


def summary_of(
    model: Any,
    X: Any,
    y: ArrayLike | None,
    *,
    sample_weight: ArrayLike | None,
    cov_type: str | None,
    level: float,
) -> Summary:
    """Return the summary of a fitted model. A summary is returned as it is.

    Raises
    ------
    TypeError
        If X or y is missing for a model.
    """
    if isinstance(model, Summary):
        return model
    return summarize(
        model, X, _given(X, y), sample_weight=sample_weight, cov_type=cov_type, level=level
    )


def _given(X: Any, y: ArrayLike | None) -> ArrayLike:
    if X is None or y is None:
        raise TypeError("X and y are missing: pass the data of fit, or summaries of the models.")
    return y


def as_huber(model: Any, X: Any, y: ArrayLike | None, sample_weight: ArrayLike | None) -> Any:
    """Convert a ``LinearRegression``, or a pipeline that ends with one, to a Huber fit.

    Other models are returned as they are.

    Raises
    ------
    ValueError
        If the coefficients are not those of least squares on these data.
    """
    last = model[-1] if isinstance(model, Pipeline) else model
    if not isinstance(last, LinearRegression):
        return model
    y = _given(X, y)
    before = model[:-1] if isinstance(model, Pipeline) and len(model) > 1 else None
    columns = X if before is None else before.transform(X)
    huber = HuberRegressor(delta=np.inf, fit_intercept=last.fit_intercept)
    huber.fit(columns, y, sample_weight)
    largest = np.max(np.abs(huber.coef_), initial=0.0)
    if not np.allclose(np.ravel(last.coef_), huber.coef_, rtol=0.0, atol=AGREEMENT * largest):
        raise ValueError(
            "estimator is a LinearRegression whose coefficients are not those of least squares on "
            "X and y: pass the data and the sample_weight of its fit, without positive=True."
        )
    return huber if before is None else Pipeline([*before.steps, ("huber", huber)])


def standard_deviations(model: Any, X: Any, sample_weight: ArrayLike | None) -> dict[str, float]:
    """Return the standard deviations of the regressor's features, by their names."""
    if isinstance(model, Summary):
        raise ValueError(
            "standardize=True needs the data of each model, which a summary does not keep: pass "
            "the fitted models."
        )
    regressor, prepare, names = last_step(model)
    if regressor.fit_intercept:
        names = tuple(distinct(("intercept", *names))[1:])
    # with_mean=False accepts sparse X too, and gives the same standard deviations.
    scaler = StandardScaler(with_mean=False).fit(prepare(X), sample_weight=sample_weight)
    deviations = np.sqrt(scaler.var_)
    return dict(zip(names, deviations.tolist(), strict=True))
