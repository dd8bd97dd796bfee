"""Regressions with a formula."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import clone
from sklearn.pipeline import Pipeline

from robustreg.estimators.huber import HuberRegressor
from robustreg.formula.features import FormulaFeatures
from robustreg.formula.matrices import as_frame, complete_rows

__all__ = ["fit", "observations"]


def fit(
    formula: str,
    data: Any,
    estimator: Any = None,
    *,
    sample_weight: ArrayLike | str | None = None,
) -> Pipeline:
    """Fit a regression with a formula.

    Parameters
    ----------
    formula : str
        Response and terms in the syntax of formulaic, which is that of R: ``"y ~ C(region) + x"``,
        ``"log(y) ~ bs(x, df=4) + region:x"``, ``"y ~ 0 + region"``. A text column is a category.
        Write ``C(code)`` for a category that is coded by numbers.
    data : DataFrame, or mapping of names to columns
        Data of shape (n_samples, n_columns). Rows in which a variable of the formula is missing are
        left out. ``fit(...)["formula"].n_incomplete_rows_`` counts them.
    estimator : estimator, default=None
        Estimator to clone and fit; None means ``HuberRegressor()``. The formula sets its
        ``fit_intercept``.
    sample_weight : array-like of shape (n_samples,), or str, default=None
        Weights of the rows of ``data``, by position, or the name of a column of weights.

    Returns
    -------
    Pipeline
        Fitted pipeline with the steps ``"formula"``, a :class:`~robustreg.formula.FormulaFeatures`,
        and ``"regressor"``. Its ``predict`` accepts a frame with the columns of the right side, and
        predicts the left side: if the response is ``log(y)``, it predicts ``log(y)``.

    Raises
    ------
    ImportError
        If formulaic is not installed.
    ValueError
        If the formula has no response or no terms, if the response is not a number, or if
        ``sample_weight`` is missing for a row.

    Examples
    --------
    The coefficients have the names of the terms in all tables:

    >>> from robustreg import formula
    >>> from robustreg.datasets import load_stackloss
    >>> from robustreg.inference import summarize
    >>> frame = load_stackloss(as_frame=True).frame
    >>> model = formula.fit("stack_loss ~ air_flow + water_temp", frame)
    >>> summary = summarize(model, *formula.observations(model, frame))
    >>> summary.table["coef"].round(2).to_dict()
    {'intercept': -50.14, 'air_flow': 0.79, 'water_temp': 0.96}
    """
    frame = as_frame(data)
    rows, y = complete_rows(formula, frame)
    features = FormulaFeatures(formula)
    X = features.fit_transform(rows)
    features.n_incomplete_rows_ = len(frame) - len(rows)
    regressor = HuberRegressor() if estimator is None else clone(estimator)
    if "fit_intercept" in regressor.get_params(deep=False):
        regressor.set_params(fit_intercept=features.has_intercept_)
    elif not features.has_intercept_:
        raise ValueError(
            f"formula={formula!r} has no intercept, and {type(regressor).__name__} has no "
            "parameter fit_intercept: remove the 0 or -1."
        )
    weights = {}
    if sample_weight is not None:
        given = frame[sample_weight] if isinstance(sample_weight, str) else sample_weight
        weights = {"sample_weight": _of_rows(given, len(frame), rows.index)}
    regressor.fit(X, y, **weights)
    return Pipeline([("formula", features), ("regressor", regressor)])


def observations(model: Pipeline, data: Any) -> tuple[Any, Any]:
    """Return the complete rows and the response, to pass to other functions as X and y.

    Parameters
    ----------
    model : Pipeline
        Pipeline from :func:`robustreg.formula.fit`.
    data : DataFrame, or mapping of names to columns
        Data of ``fit``, or other data with a response.

    Returns
    -------
    rows : DataFrame
        Rows in which no variable of the formula is missing.
    y : Series of the same length, or DataFrame where the formula has several responses
        The left side of the formula.

    Examples
    --------
    >>> from robustreg import formula
    >>> from robustreg.datasets import load_stackloss
    >>> frame = load_stackloss(as_frame=True).frame
    >>> frame.loc[3, "air_flow"] = float("nan")
    >>> model = formula.fit("stack_loss ~ air_flow", frame)
    >>> rows, y = formula.observations(model, frame)
    >>> len(frame), len(rows)
    (21, 20)
    """
    frame = as_frame(data)
    rows, y = complete_rows(model["formula"].formula, frame)
    index = getattr(data, "index", None)
    if index is not None and len(index) == len(frame):
        labels = index[rows.index]
        return rows.set_axis(labels), y.set_axis(labels)
    return rows, y


def _of_rows(weights: ArrayLike, n_rows: int, rows: Any) -> Any:
    """Return the weights of the complete rows."""
    weights = np.asarray(weights)
    if weights.shape != (n_rows,):
        raise ValueError(
            f"sample_weight has shape {weights.shape} and data have {n_rows} rows: pass one weight "
            "for each row, including the incomplete ones."
        )
    return weights[rows]
