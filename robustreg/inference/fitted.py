"""Check a fitted Huber regression and its data."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from robustreg.data import is_collection
from robustreg.design import as_design
from robustreg.design.base import Point
from robustreg.inference.linear import as_counts, checked_data, refuse_too_few
from robustreg.inference.models import last_step, refuse_model, without_rows
from robustreg.inference.regression import FittedRegression
from robustreg.inference.rows import RowBlocks
from robustreg.losses import Huber

__all__ = ["FittedRegression", "fitted_regression", "last_step"]

Vector = NDArray[np.float64]


def fitted_regression(
    model: Any,
    X: Any,
    y: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    may_be_sample: bool = False,
) -> FittedRegression:
    """Check a fitted model, or a pipeline that ends with one, and its data.

    Parameters
    ----------
    may_be_sample : bool
        Whether X may contain only some of the rows, if the model was fitted to a Dask collection.
        The rows then get frequencies that add up to the number of observations of the fit.

    Raises
    ------
    TypeError
        If the model is not a Huber regressor of this library.
    ValueError
        If the model has a penalty, fits exactly, has no residual degrees of freedom, or was fitted
        to another number of rows. (Other data are refused by ``check_solution``.)
    """
    regressor, prepare, names = last_step(model)
    refuse_model(regressor)
    X, response, weights = checked_data(regressor, prepare(X), y, sample_weight)
    sampled = may_be_sample and _is_sample(regressor, X)
    if sampled:
        weights = _standing_for_all(regressor, response.shape[0], weights)
    fit_intercept = bool(regressor.fit_intercept)
    design = as_counts(as_design(X, response, weights, centered=fit_intercept))
    coef, intercept = design.from_user(regressor.coef_, regressor.intercept_)
    scale = float(regressor.scale_) / design.units.response_scale
    fitted = FittedRegression(
        model=without_rows(regressor),
        prepare=prepare,
        names=(("intercept",) if fit_intercept else ()) + names,
        design=design,
        rows=RowBlocks(design, fit_intercept),
        point=Point(coef, intercept, scale, Huber(float(regressor.delta_))),
        scale_parameter=regressor.scale,
        delta=float(regressor.delta_),
        scale=float(regressor.scale_),
        threshold=float(regressor.threshold_),
        optimality=float(regressor.optimality_),
        sampled=sampled,
    )
    _refuse_other_rows(regressor, fitted)
    refuse_too_few(fitted)
    _refuse_rounding_errors(fitted)
    return fitted


def _is_sample(regressor: Any, X: Any) -> bool:
    """Return whether X is in memory and has fewer rows than the Dask collection of the fit."""
    # Pickling removes weights_ if they were a Dask array. The number of rows is then unknown.
    weights = getattr(regressor, "weights_", None)
    if is_collection(X) or (weights is not None and not is_collection(weights)):
        return False
    return weights is None or X.shape[0] != weights.shape[0]


def _standing_for_all(regressor: Any, n_rows: int, weights: Vector | None) -> Vector | None:
    """Return frequencies that add up to the number of observations of the fit, if it is known."""
    of_fit = getattr(regressor, "weights_", None)
    total = float("nan") if of_fit is None else float(of_fit.shape[0])
    if not total > n_rows:
        return weights
    each = np.full(n_rows, total / n_rows)
    return each if weights is None else each * weights


def _refuse_other_rows(regressor: Any, fitted: FittedRegression) -> None:
    """Refuse data with a different number of rows."""
    # A Dask array does not always know its length.
    weights = getattr(regressor, "weights_", None)
    rows = fitted.design.n_rows if weights is None else np.shape(weights)[0]
    if fitted.sampled or rows == fitted.design.n_rows or np.isnan(rows):
        return
    raise ValueError(
        f"X has {fitted.design.n_rows} rows, and model was fitted to {rows} (the length of its "
        "weights_): pass the same data as to fit."
    )


def _refuse_rounding_errors(fitted: FittedRegression) -> None:
    # If the scale was given, it is not zero even if the fit is exact.
    if not fitted.moments.real > 0.0:
        raise ValueError(
            "model fits the data exactly (its residuals are rounding errors): standard errors "
            "cannot be estimated, whatever the scale. Fit more observations, or fewer columns."
        )
