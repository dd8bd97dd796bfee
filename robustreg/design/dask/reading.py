"""What is done to the chunks where they lie: read as arrays, looked over, taken from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse

from robustreg.data import as_numbers, require_nonnegative

__all__ = [
    "Chunk",
    "Survey",
    "concatenated",
    "numbers_of",
    "read_chunk",
    "read_vector",
    "read_with_response",
    "read_with_weights",
    "require_finite_columns",
    "survey",
    "survey_of_weights",
    "taken",
    "vector",
    "weights_of",
]

Vector = NDArray[np.float64]

DROP = "impute or drop these rows."


class Chunk(NamedTuple):
    """Some rows as arrays: X of shape (m, p), y and the weights of shape (m,)."""

    X: NDArray
    y: Any  # None during the survey if y is in memory
    weights: Vector | None = None


class Survey(NamedTuple):
    """Lengths and weights of a chunk whose values have been checked."""

    length: int
    counted: int  # rows with positive weight
    weight: float
    square_weight: float  # sum of the squares of the weights
    response: int  # entries of y; the number of rows if y is in memory
    weights: int  # entries of the weights; the number of rows if they are in memory


# -- reading --------------------------------------------------------------------------------------


def read_chunk(names: Sequence[str], together: int, *parts: Any) -> Chunk:
    """A chunk as arrays. float32 stays float32.

    Parameters
    ----------
    names : sequence of str
        Names of the arguments other than X, in the order of the parts.
    together : int
        Number of these that share one part with X.
    *parts
        X and the other arguments, X first.
    """
    X, *values = (*parts[0], *parts[1:]) if together else parts
    others = {name: read_vector(name, v) for name, v in zip(names, values, strict=True)}
    return Chunk(numbers_of(X), others.get("y"), others.get("sample_weight"))


def read_vector(name: str, part: Any) -> Vector:
    """Responses or weights of a chunk, as float64."""
    return vector(numbers_of(part), name).astype(np.float64, copy=False)


def read_with_response(read: Any, y: Vector, *arguments: Any) -> Chunk:
    """A chunk whose responses are in memory."""
    return read(*arguments)._replace(y=y)


def read_with_weights(read: Any, weights: Any, *arguments: Any) -> Chunk:
    """A chunk with other weights. A single number is the weight of all rows."""
    chunk = read(*arguments)
    weights = read_vector("sample_weight", weights)
    return chunk._replace(weights=np.broadcast_to(weights, chunk.X.shape[:1]))


def numbers_of(chunk: Any) -> NDArray:
    """An array of floats. Missing values of a frame and masked entries become NaN."""
    if isinstance(chunk, np.ma.MaskedArray):
        chunk = np.ma.filled(chunk.astype(np.float64), np.nan)
    if issparse(chunk):
        chunk = chunk.toarray()
    if not hasattr(chunk, "to_numpy"):
        chunk = np.asarray(chunk)
        _refuse_complex({chunk.dtype})
        chunk = as_numbers(chunk, "X")
        return chunk if chunk.dtype in (np.float32, np.float64) else chunk.astype(np.float64)
    dtypes = set(chunk.dtypes) if chunk.ndim == 2 else {chunk.dtype}
    _refuse_complex(dtypes)
    dtype = np.float32 if dtypes == {np.dtype(np.float32)} else np.float64
    if any(kind == np.dtype(object) for kind in dtypes):
        return as_numbers(chunk.to_numpy(), "y")
    if all(isinstance(kind, np.dtype) for kind in dtypes):
        return chunk.to_numpy(dtype=dtype)
    return chunk.to_numpy(dtype=dtype, na_value=np.nan)  # this copies


def vector(values: Any, name: str) -> Any:
    """An array of one dimension. A single column is accepted."""
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim != 1:
        raise ValueError(
            f"{name} must have one dimension, got shape {values.shape}: fit one model per column."
        )
    return values


def _refuse_complex(dtypes: set[Any]) -> None:
    if any(getattr(dtype, "kind", "") == "c" for dtype in dtypes):
        raise ValueError("Complex data not supported: pass the real part, or the size.")


# -- checking -------------------------------------------------------------------------------------


def survey(chunk: Chunk, names: Sequence[str]) -> Survey:
    """Check the values of a chunk. The names of its columns appear in errors."""
    X, y, weights = chunk
    require_finite_columns(X, names)
    rows = X.shape[0]
    for name, values in (("y", y), ("sample_weight", weights)):
        if values is not None and not np.isfinite(values).all():
            raise ValueError(f"{name} contains {_fault(values)}: {DROP}")
    found = Survey(rows, rows, float(rows), float(rows), rows if y is None else y.size, rows)
    if weights is None:
        return found
    require_nonnegative(weights)
    counted, weight, square = survey_of_weights(weights)
    return found._replace(
        counted=counted, weight=weight, square_weight=square, weights=weights.size
    )


def survey_of_weights(weights: Any) -> tuple[int, float, float]:
    """Number of rows with positive weight, and the sums of the weights and of their squares."""
    weights = numbers_of(weights)
    counted = int(np.count_nonzero(weights > 0.0))
    return counted, float(weights.sum()), float(np.square(weights).sum())


def require_finite_columns(X: NDArray, names: Sequence[str]) -> None:
    """Raise a ValueError that names the first column with NaN or infinity."""
    # The sum is finite if all numbers are, unless it overflows. No array of n p booleans is made.
    with np.errstate(over="ignore", invalid="ignore"):
        if np.isfinite(X.sum(dtype=np.float64)):
            return
    for name, column in zip(names, X.T, strict=True):
        if not np.isfinite(column).all():
            raise ValueError(f"X contains {_fault(column)} in column {name!r}: {DROP}")


def _fault(values: NDArray) -> str:
    return "NaN" if np.isnan(values).any() else "infinity"


# -- taking ---------------------------------------------------------------------------------------


def weights_of(chunk: Chunk) -> Vector:
    """The weights of the rows, which are one by default."""
    return np.ones(chunk.X.shape[0]) if chunk.weights is None else chunk.weights


def taken(chunk: Chunk, positions: Sequence[NDArray[np.intp]]) -> list[Chunk]:
    """Copies of the rows at these positions among those with positive weight."""
    X, y, weights = chunk
    if weights is None:
        return [Chunk(X[p], y[p], None) for p in positions]
    counted = np.flatnonzero(weights > 0.0)
    return [Chunk(X[counted[p]], y[counted[p]], weights[counted[p]]) for p in positions]


def concatenated(chunks: Sequence[Chunk]) -> Chunk:
    """Join chunks into one."""
    if len(chunks) == 1:
        return chunks[0]
    X, y, weights = zip(*chunks, strict=True)
    whole = None if weights[0] is None else np.concatenate(weights)
    return Chunk(np.concatenate(X), None if y[0] is None else np.concatenate(y), whole)
