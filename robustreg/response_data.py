"""Validate several responses, and responses with missing values."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_array, check_consistent_length

from robustreg.data import as_numbers, check_weights, is_collection, validate_training_features

__all__ = ["is_table", "omit_missing", "validate_table"]


def validate_table(estimator: BaseEstimator, X: Any, Y: Any) -> tuple[Any, Any, Any]:
    """Validate X and the shape and type of several responses; their values are checked later.

    Parameters
    ----------
    estimator : estimator
        As in ``validate_regression_data``.
    X : array-like or sparse matrix of shape (n_samples, n_features)
    Y : array-like, frame, memory map, or Dask array or frame of shape (n_samples, n_targets)

    Returns
    -------
    X : array or CSR matrix
    Y : array of numbers or Dask array
    names : list or None
        Names of the columns of Y, if it is a frame.
    """
    if is_collection(X):
        raise ValueError(
            "X is a Dask collection and y has two dimensions, which need an X in memory: pass "
            "X.compute() (y may stay a Dask array), or y[:, 0] if there is one response."
        )
    X = validate_training_features(estimator, X)
    names = list(Y.columns) if hasattr(Y, "columns") else None
    if is_collection(Y):
        Y = Y.to_dask_array(lengths=True) if names is not None else Y
        if Y.dtype.kind not in "fiub":
            raise ValueError(f"y must be numbers, got a Dask array of dtype {Y.dtype}.")
    else:
        Y = check_array(as_numbers(Y, "y"), dtype=None, ensure_all_finite=False, input_name="y")
    check_consistent_length(X, Y)
    return X, Y, names


def is_table(X: Any, y: Any) -> bool:
    """Whether responses have two dimensions; with a Dask X, one column counts as a vector."""
    if y is not None and not hasattr(y, "ndim"):
        y = np.asarray(as_numbers(y, "y"))
    return getattr(y, "ndim", 1) == 2 and not (is_collection(X) and y.shape[1] == 1)


def omit_missing(y: Any, sample_weight: Any) -> tuple[Any, Any, Any]:
    """Replace NaN in y by zero, with weights that leave these rows out.

    Returns y, the weights and a mask of the rows that are present. If no value is missing, y and
    the weights are returned as they are, and the mask is None.
    """
    if y is None or is_collection(y):
        return y, sample_weight, None
    numbers = np.asarray(as_numbers(y, "y"))
    if numbers.dtype.kind != "f" or not np.isnan(numbers).any():
        return y, sample_weight, None
    present = ~np.isnan(numbers)
    weights = check_weights(sample_weight, len(numbers)) * present
    return np.where(present, numbers, 0.0), weights, present
