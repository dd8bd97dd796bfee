"""Convert a solution to fitted attributes, and fitted attributes to a start."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from robustreg.design.base import Design
from robustreg.design.prediction import is_single
from robustreg.estimators.fitting import Solution, Start, weights_and_outliers

__all__ = ["previous_fit", "store_fit"]


def previous_fit(model: Any) -> Start | None:
    """Return the previous fit as a start, if warm_start is set and there is one."""
    if not (model.warm_start and hasattr(model, "coef_")) or np.ndim(model.coef_) != 1:
        return None
    numbers = [*model.coef_, model.intercept_, model.scale_]
    if not np.isfinite(numbers).all():
        return None  # a solver cannot start from NaN or infinity
    return Start(model.coef_, model.intercept_, model.scale_)


def store_fit(
    model: Any,
    design: Design,
    solution: Solution,
    X: Any,
    present: NDArray[np.bool_] | None = None,
) -> None:
    """Set the fitted attributes of a model with one response.

    Parameters
    ----------
    model : HuberRegressor or HuberRegressorCV
    design : Design
    solution : Solution
    X : array, sparse matrix or Dask collection
    present : array of shape (n_samples,), optional
        False for rows whose response is missing.
    """
    vars(model).pop("converged_", None)
    model.coef_ = solution.coef
    model.intercept_ = np.float64(solution.intercept)
    model._single_ = is_single(X)
    model.scale_ = solution.scale
    model.delta_ = solution.delta
    model.threshold_ = solution.delta * solution.scale if solution.scale else 0.0
    weights, outliers = weights_and_outliers(design, solution)
    if present is not None:
        weights, outliers = weights * present, outliers & present
    model.weights_, model.outliers_ = weights, outliers
    model.n_iter_ = solution.result.n_iter
    model.n_passes_ = int(design.passes)
    model.optimality_ = float(solution.result.optimality)
