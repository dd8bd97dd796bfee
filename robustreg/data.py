"""Validate X, y and weights for the estimators, inference, metrics and tuning.

scikit-learn's checks do most of the work. This module adds what they do not detect: masked values,
missing values among objects and dates, and weights that are negative or all zero. For Dask
collections only the columns are checked here, and the values when the chunks are read.
"""

from __future__ import annotations

import sys
from decimal import Decimal
from numbers import Number
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import (
    _check_feature_names,
    _check_n_features,
    _check_sample_weight,
    assert_all_finite,
    column_or_1d,
    validate_data,
)

from robustreg.text_columns import named_in_errors

__all__ = [
    "as_numbers",
    "check_weights",
    "columns_of",
    "is_collection",
    "require_nonnegative",
    "validate_features",
    "validate_regression_data",
    "validate_response",
    "validate_training_features",
]

Vector = NDArray[np.float64]

#: Types that a dense design converts block by block. A complete copy of a memory map of bytes would
#: need eight times its size.
INTEGERS = [f"{kind}{size}" for kind in "iu" for size in (1, 2, 4, 8)]
BLOCKWISE = [np.dtype(code) for code in ("f8", "f4", "f2", "?", *INTEGERS)]
BLOCKWISE += [dtype.newbyteorder() for dtype in BLOCKWISE]

FLOATS, SPARSE = [np.float64, np.float32], ["csr", "csc", "coo"]


def validate_regression_data(
    estimator: BaseEstimator, X: Any, y: Any, sample_weight: Any
) -> tuple[Any, Any, Any]:
    """Validate X, y and weights, in the form that ``as_design`` needs.

    Parameters
    ----------
    estimator : estimator
        Estimator on which ``n_features_in_`` is set and, if X has names, ``feature_names_in_``.
    X : array-like, sparse matrix, or Dask array or frame of shape (n_samples, n_features)
    y : array-like of shape (n_samples,), or Dask collection if X is one
    sample_weight : array-like of shape (n_samples,), number or None, or Dask collection if X is one

    Returns
    -------
    X : array, CSR matrix, or the Dask collection
        Arrays of floats, integers or booleans keep their type.
    y : array of floats of shape (n_samples,), or the Dask collection
    weights : array of float64 of shape (n_samples,) or None; as given if X is a Dask collection
    """
    if y is None:
        raise ValueError(
            f"This {type(estimator).__name__} estimator requires y to be passed, but the target y "
            "is None."
        )
    if is_collection(X):
        columns = columns_of(X)
        _check_feature_names(estimator, columns, reset=True)
        _check_n_features(estimator, columns, reset=True)
        return X, y if is_collection(y) else validate_response(y), sample_weight
    with named_in_errors(X):
        X, y = _plain(X), as_numbers(y, "y")
        types = _kept_types(X)
        X, y = validate_data(estimator, X, y, accept_sparse="csr", dtype=types, y_numeric=True)
    weights = None if sample_weight is None else check_weights(sample_weight, X.shape[0])
    return X, _floats(y), weights


def validate_training_features(estimator: BaseEstimator, X: Any) -> Any:
    """Validate an X in memory, and set the number and names of its columns on the estimator."""
    X = _plain(X)
    return validate_data(estimator, X, accept_sparse="csr", dtype=_kept_types(X))


def validate_features(estimator: BaseEstimator, X: Any) -> Any:
    """Validate X for ``linear_prediction``; its columns must be those of the fit."""
    if is_collection(X):
        columns = columns_of(X)
        _check_feature_names(estimator, columns, reset=False)
        _check_n_features(estimator, columns, reset=False)
        return X
    with named_in_errors(X):
        X = _plain(X)
        return validate_data(estimator, X, accept_sparse=SPARSE, dtype=_kept_types(X), reset=False)


def validate_response(y: Any) -> Vector:
    """Validate responses in memory, and return finite floats of shape (n_samples,)."""
    y = column_or_1d(as_numbers(y, "y"), warn=True)
    assert_all_finite(y, input_name="y")
    return _floats(y)


def check_weights(sample_weight: Any, n_samples: int) -> Vector:
    """Validate weights, and return finite and nonnegative floats of shape (n_samples,).

    Parameters
    ----------
    sample_weight : array-like of shape (n_samples,), number or None
        Weights. A number is the weight of every row, and None means 1.
    n_samples : int

    Raises
    ------
    ValueError
        If the weights are negative, all zero, not finite, or differ in length from X.
    """
    if sample_weight is None:
        return np.ones(n_samples)
    values = as_numbers(sample_weight, "sample_weight")
    # Checked before scikit-learn, whose message from 1.9 on has no remedy.
    if not np.any(np.asarray(values)):
        raise ValueError(
            "sample_weight is zero for every row: give at least one row a positive weight."
        )
    rows = np.broadcast_to(0.0, (n_samples, 1))
    weights = _check_sample_weight(values, rows, dtype=np.float64)
    assert_all_finite(weights, input_name="sample_weight")  # scikit-learn does not check numbers
    require_nonnegative(weights)
    return weights


def require_nonnegative(weights: Vector) -> None:
    """Raise an error if a weight is negative."""
    if np.any(weights < 0.0):
        raise ValueError(
            f"sample_weight must not be negative, got minimum {weights.min():g}. Use 0 to leave a "
            "row out."
        )


# -- collections of Dask --------------------------------------------------------------------------


def is_collection(values: Any) -> bool:
    """Whether something is an array or frame of Dask, which need not be installed."""
    return hasattr(values, "__dask_graph__") and hasattr(values, "to_delayed")


def columns_of(X: Any) -> Any:
    """Return an array or frame without rows that has the columns of X, if they are numeric."""
    if not hasattr(X, "chunks"):
        return _numeric_columns(X)
    if X.ndim != 2:
        raise ValueError(
            f"X must have two dimensions, got a Dask array with {X.ndim}: use X[:, None] for a "
            "single column."
        )
    if X.dtype.kind not in "fiub":
        raise ValueError(f"X must be numbers, got a Dask array of dtype {X.dtype}.")
    if np.isnan(X.shape[1]):
        raise ValueError("X has an unknown number of columns: call X.compute_chunk_sizes() first.")
    return np.empty((0, X.shape[1]), X.dtype)


def _numeric_columns(X: Any) -> Any:
    from pandas.api.types import is_complex_dtype, is_numeric_dtype

    if X.ndim != 2:
        raise ValueError("X must have two dimensions, got a Dask series: use X.to_frame().")
    frame = X._meta
    refused = [
        f"{name!r} ({dtype})"
        for name, dtype in frame.dtypes.items()
        if not is_numeric_dtype(dtype) or is_complex_dtype(dtype)
    ]
    if refused:
        listed = ", ".join(refused[:5]) + (" and others" if len(refused) > 5 else "")
        raise ValueError(
            f"X must have columns of numbers, got {listed}: encode them first, for instance with "
            "dask.dataframe.get_dummies, or leave them out."
        )
    return frame


# -- conversion -----------------------------------------------------------------------------------


def as_numbers(values: Any, name: str) -> Any:
    """Convert objects, text and dates to float64, with NaN for missing values.

    Other values are returned as they are, except that masked values raise an error. scikit-learn
    converts objects only after it has looked for NaN, so that ``None`` would not be detected, and
    it converts a missing date to the number -9.2e18.

    Parameters
    ----------
    values : array-like
    name : str
        Name of the argument, for the error.
    """
    _refuse_masked(values, name)
    dtype = getattr(values, "dtype", None)
    if isinstance(values, Number) or (isinstance(dtype, np.dtype) and _is_numeric(dtype)):
        return values
    array = np.asarray(values)
    return array if _is_numeric(array.dtype) else _converted(array)


def _refuse_masked(values: Any, name: str) -> None:
    """Raise an error if an array, or an array in a list, has masked values."""
    rows = values if isinstance(values, (list, tuple)) else [values]
    if any(isinstance(row, np.ma.MaskedArray) and np.ma.is_masked(row) for row in rows):
        raise ValueError(
            f"{name} has masked values, and the numbers under the mask would be used: leave these "
            f"rows out, or fill them, as with {name}.filled(...)."
        )


def _is_numeric(dtype: Any) -> bool:
    """Whether a type of NumPy or pandas is numeric, and not longer than a double."""
    kind = getattr(dtype, "kind", "O")
    return kind in "biuc" or (kind == "f" and dtype.itemsize <= 8)


def _converted(array: NDArray) -> Vector:
    if array.dtype.kind in "mM":
        return np.where(np.isnat(array), np.nan, array.astype(np.float64))
    try:
        with np.errstate(over="ignore"):  # for long doubles; a later check finds infinity
            return array.astype(np.float64)
    except (ArithmeticError, TypeError, ValueError):
        return np.array([_number(value) for value in array.ravel()]).reshape(array.shape)


def _number(value: Any) -> float:
    try:
        return float(value)
    except OverflowError:
        return np.inf
    except (TypeError, ValueError):
        pandas = sys.modules.get("pandas")
        # The only decimal that float() does not convert is a signalling NaN.
        if isinstance(value, Decimal) or (pandas and pandas.isna(value) is True):
            return np.nan
        raise


def _plain(X: Any) -> Any:
    """Convert objects in X, since scikit-learn does not recognise all missing values among them."""
    if isinstance(X, (np.ndarray, list, tuple)):
        return as_numbers(X, "X")
    types: Any = getattr(X, "dtypes", None)
    # In frames of libraries other than pandas, the types are a list.
    if types is None or isinstance(types, list) or all(map(_is_column_of_numbers, types)):
        return X
    import pandas as pd

    return pd.DataFrame(as_numbers(X.to_numpy(), "X"), index=X.index, columns=X.columns)


def _is_column_of_numbers(dtype: Any) -> bool:
    # scikit-learn's message for missing values among booleans is that they are ambiguous.
    return _is_numeric(dtype) and (isinstance(dtype, np.dtype) or dtype.kind != "b")


def _kept_types(X: Any) -> list[Any]:
    """Return the types that are not converted; for dense arrays also integers and booleans."""
    return BLOCKWISE if isinstance(X, np.ndarray) else FLOATS


def _floats(y: NDArray) -> Vector:
    # Medians and absolute values of small integers would overflow.
    return y if y.dtype in FLOATS else y.astype(np.float64)
