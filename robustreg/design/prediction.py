"""Predictions of a linear model: block by block in memory, lazily for Dask."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.extmath import safe_sparse_dot

from robustreg.data import columns_of, is_collection
from robustreg.design.dask.reading import numbers_of, require_finite_columns

__all__ = ["is_single", "linear_prediction"]

Vector = NDArray[np.float64]

#: Number of rows that are converted to float64 at a time.
BLOCK_ROWS = 2**12


def is_single(X: Any) -> bool:
    """Whether all columns of an array, matrix or frame are float32."""
    types = X.dtypes if hasattr(X, "columns") else [X.dtype]
    return all(dtype == np.float32 for dtype in types)


def linear_prediction(X: Any, coef: Vector, intercept: Any, *, single: bool) -> Any:
    """``X @ coef.T + intercept``.

    Parameters
    ----------
    X : array, sparse matrix, or Dask array or frame of shape (n_samples, n_features)
        Validated.
    coef : array of shape (n_features,) or (n_targets, n_features)
    intercept : float or array of shape (n_targets,)
    single : bool
        Whether predictions from float32 are float32.

    Returns
    -------
    array, Dask array, or Dask series or frame of shape (n_samples,) or (n_samples, n_targets)
        Lazy for Dask: an array for an array, a series or a frame for a frame.
    """
    if is_collection(X):
        return _lazy_prediction(X, coef, intercept, single)
    dtype = np.float32 if single and is_single(X) else np.float64
    if not isinstance(X, np.ndarray) or X.dtype == np.float64:
        predicted = safe_sparse_dot(X, coef.T, dense_output=True) + intercept
        return predicted.astype(dtype, copy=False)
    # A product with float64 coefficients would convert all of X at once.
    predicted = np.empty((X.shape[0], *coef.shape[:-1]), dtype=dtype)
    for start in range(0, X.shape[0], BLOCK_ROWS):
        rows = slice(start, start + BLOCK_ROWS)
        predicted[rows] = X[rows].astype(np.float64) @ coef.T + intercept
    return predicted


def _lazy_prediction(X: Any, coef: Vector, intercept: Any, single: bool) -> Any:
    columns = columns_of(X)
    of_frame = hasattr(columns, "columns")
    names = list(columns.columns) if of_frame else [str(j) for j in range(columns.shape[1])]
    predict = partial(_predicted, coef=coef, intercept=intercept, names=names, single=single)
    if of_frame:
        predict = partial(_predicted_frame, predict)
        return X.map_partitions(predict, meta=predict(columns))
    meta, rows = predict(columns), X.rechunk({1: -1})
    if coef.ndim == 1:
        return rows.map_blocks(predict, drop_axis=1, dtype=meta.dtype, meta=meta)
    chunks = (rows.chunks[0], (coef.shape[0],))
    return rows.map_blocks(predict, chunks=chunks, dtype=meta.dtype, meta=meta)


def _predicted(
    chunk: Any, *, coef: Vector, intercept: Any, names: Sequence[str], single: bool
) -> NDArray:
    X = numbers_of(chunk)
    require_finite_columns(X, names)
    return linear_prediction(X, coef, intercept, single=single)


def _predicted_frame(predict: Callable[[Any], NDArray], frame: Any) -> Any:
    import pandas as pd

    predicted = predict(frame)
    kind = pd.Series if predicted.ndim == 1 else pd.DataFrame
    return kind(predicted, index=frame.index)
