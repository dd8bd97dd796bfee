"""Dask collections as aligned chunks of rows: how they are read, and what is refused."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse

from robustreg.data import columns_of, is_collection, require_nonnegative
from robustreg.design.cluster import compute, each

__all__ = ["Chunk", "RowChunks", "numbers_of", "require_finite_columns", "row_chunks"]

Vector = NDArray[np.float64]

DROP = "impute or drop these rows."


class Chunk(NamedTuple):
    """Some rows as arrays: X of shape (m, p), y and the weights of shape (m,)."""

    X: NDArray
    y: Vector
    weights: Vector | None


class Survey(NamedTuple):
    """What is known of a chunk once it has been read and found sound."""

    length: int
    counted: int  # rows with positive weight
    weight: float


class RowChunks:
    """X, y and sample weights in the same chunks.

    Parameters
    ----------
    read : callable
        Makes a ``Chunk``, which may have no rows, of what Dask has of it. It is called anew in
        every task: as a task of its own it would have results, which Dask would move about.
    sources : sequence of tuples of Delayed
        Its arguments, for each chunk.
    surveys : sequence of Survey
    columns : array or frame without rows
        That of the names, number and types of the columns.
    weighted : bool
    rounds : int
        How often the data have been read so far.

    Attributes
    ----------
    lengths, counted : arrays of int
        Rows of each chunk, and those with a positive weight.
    total_weight : float
        Sum of the weights, or the number of rows.
    shape : tuple of int
    """

    def __init__(
        self,
        read: Callable[..., Chunk],
        sources: Sequence[tuple[Any, ...]],
        surveys: Sequence[Survey],
        columns: Any,
        *,
        weighted: bool,
        rounds: int = 0,
    ) -> None:
        self._read, self._sources = read, sources
        self.lengths = np.array([survey.length for survey in surveys], dtype=np.intp)
        self.counted = np.array([survey.counted for survey in surveys], dtype=np.intp)
        self.total_weight = float(sum(survey.weight for survey in surveys))
        self.columns = columns
        self.weighted = weighted
        self.rounds = rounds
        self.shape = int(self.lengths.sum()), int(columns.shape[1])

    @property
    def nbytes(self) -> int:
        """Bytes of X as float64."""
        return 8 * self.shape[0] * self.shape[1]

    @property
    def weights(self) -> Any:
        """A lazy array of the weights; None where all are one."""
        return self.array(_weights) if self.weighted else None

    def load(self) -> Chunk:
        """All rows, in one round."""
        self.rounds += 1
        return _concatenated(compute(self.tasks(_itself)))

    def tasks(
        self,
        function: Callable[..., Any],
        *values: Sequence[Any],
        needed: NDArray[np.bool_] | None = None,
    ) -> list[Any]:
        """Tasks of ``function(chunk, *values)``, for all chunks or those that are needed."""
        kept = range(len(self._sources)) if needed is None else np.flatnonzero(needed).tolist()
        return each(
            partial(_on_chunk, function, self._read, len(values)),
            *([value[i] for i in kept] for value in values),
            *zip(*(self._sources[i] for i in kept), strict=True),
        )

    def take(self, *positions: NDArray[np.intp]) -> list[Chunk]:
        """Rows by ascending numbers that count those with positive weight alone; in one round."""
        edges = np.concatenate(([0], np.cumsum(self.counted)))
        split = [np.split(p, np.searchsorted(p, edges[1:-1])) for p in positions]
        wanted = [[piece[i] - edges[i] for piece in split] for i in range(self.lengths.size)]
        needed = np.array([any(part.size for part in local) for local in wanted])
        found = compute(self.tasks(_taken, wanted, needed=needed))
        return [_concatenated([chunk[k] for chunk in found]) for k in range(len(positions))]

    def split(self, values: NDArray) -> list[NDArray]:
        """An array in memory, an entry for each row, by chunks."""
        return np.split(values, np.cumsum(self.lengths)[:-1])

    def reweighted(self, weights: Any) -> RowChunks:
        """The same rows with other weights, an array in memory or of Dask."""
        if is_collection(weights):
            pieces = list(weights.rechunk((tuple(self.lengths.tolist()),)).to_delayed().ravel())
            surveys = compute(each(_survey_of_weights, pieces))
        else:
            pieces = self.split(weights)
            surveys = [_survey_of_weights(piece) for piece in pieces]
            # The folds of neighbouring rows are nearly all of weight zero or one.
            pieces = [piece[:1] if np.all(piece == piece[:1]) else piece for piece in pieces]
        read = partial(_read_with_weights, self._read)
        sources = [(piece, *source) for piece, source in zip(pieces, self._sources, strict=True)]
        return RowChunks(read, sources, surveys, self.columns, weighted=True)

    def array(self, function: Callable[[Chunk], NDArray]) -> Any:
        """A lazy Dask array of the same chunks, a float for each row."""
        import dask.array as da

        blocks = [
            da.from_delayed(task, (int(length),), dtype=np.float64)
            for task, length in zip(self.tasks(function), self.lengths, strict=True)
        ]
        return da.concatenate(blocks)

    def like_rows(self, values: NDArray) -> Any:
        """An array in memory, an entry for each row, as a Dask array of the same chunks."""
        import dask.array as da

        return da.from_array(values, chunks=(tuple(self.lengths.tolist()),))


def row_chunks(X: Any, y: Any, sample_weight: Any) -> RowChunks:
    """Align X, y and weights, and check every chunk, in one round.

    It takes two where the lengths of the chunks are unknown and y or the weights are in memory.
    Rows of X and y go together by their position, as elsewhere in scikit-learn, not by an index.

    Parameters
    ----------
    X : Dask array or frame of shape (n_samples, n_features)
    y : Dask array, series or frame of one column, or array-like, of shape (n_samples,)
    sample_weight : the same, or None

    Raises
    ------
    ValueError
        If columns are no numbers, if values are not finite, or if lengths differ. A chunk that is
        at fault is reported once it has been read, whatever else is still to be read.
    """
    columns, beside = columns_of(X), {"y": y}
    if sample_weight is not None:
        beside["sample_weight"] = sample_weight
    read, sources, rounds = _aligned(X, beside)
    names = [str(name) for name in getattr(columns, "columns", range(columns.shape[1]))]
    survey = partial(_on_chunk, partial(_survey, names=names), read, 0)
    surveys = compute(each(survey, *zip(*sources, strict=True)))
    weighted = sample_weight is not None
    chunks = RowChunks(read, sources, surveys, columns, weighted=weighted, rounds=rounds + 1)
    _require_rows(chunks)
    return chunks


# -- the collections ------------------------------------------------------------------------------


def _aligned(
    X: Any, beside: dict[str, Any]
) -> tuple[Callable[..., Chunk], list[tuple[Any, ...]], int]:
    """How chunks are read, from what, and the rounds that it took to know."""
    if all(_is_frame(values) for values in (X, *beside.values())):
        # As one expression: Dask reads a file once for all columns, and may join small partitions.
        for name, values in beside.items():
            _require_parts(name, values.npartitions, X.npartitions)
        joined = X.map_partitions(
            _side_by_side,
            *beside.values(),
            align_dataframes=False,
            enforce_metadata=False,
            meta=X._meta,
        )
        return _read_joined, [(part,) for part in joined.to_delayed()], 0
    parts, lengths, rounds = _parts(X), _known_lengths(X), 0
    if lengths is None and not all(is_collection(values) for values in beside.values()):
        lengths, rounds = compute(each(len, parts)), 1
    others = [_beside(values, name, len(parts), lengths) for name, values in beside.items()]
    return _read, list(zip(parts, *others, strict=True)), rounds


def _is_frame(values: Any) -> bool:
    """Whether something is a Dask frame or series."""
    return is_collection(values) and not hasattr(values, "chunks")


def _parts(collection: Any) -> list[Any]:
    """A delayed object for each chunk of rows."""
    if hasattr(collection, "chunks") and collection.ndim == 2:
        collection = collection.rechunk({1: -1})
    return list(np.ravel(collection.to_delayed()))


def _known_lengths(values: Any) -> list[int] | None:
    if not hasattr(values, "chunks") or any(np.isnan(n) for n in values.chunks[0]):
        return None
    return list(values.chunks[0])


def _beside(values: Any, name: str, n_parts: int, lengths: list[int] | None) -> list[Any]:
    """``values`` in the chunks of X."""
    if not is_collection(values):
        values = _vector(np.asarray(values), name)
        assert lengths is not None
        _require_length(name, values.shape[0], sum(lengths))
        return np.split(values, np.cumsum(lengths)[:-1])
    if hasattr(values, "chunks"):
        values, own = _vector(values, name), _known_lengths(values)
        if lengths is not None and own is not None and own != lengths:
            _require_length(name, sum(own), sum(lengths))
            values = values.rechunk((tuple(lengths),))
    parts = _parts(values)
    _require_parts(name, len(parts), n_parts)
    return parts


def _vector(values: Any, name: str) -> Any:
    """An array of one dimension; a single column is taken as one."""
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim != 1:
        raise ValueError(
            f"{name} must have one dimension, got shape {values.shape}: fit one model a column."
        )
    return values


def _require_parts(name: str, found: int, of_X: int) -> None:
    if found != of_X:
        raise ValueError(
            f"{name} has {found} chunks and X has {of_X}, of lengths that are not known: take both "
            "from the same frame, or call compute_chunk_sizes() on the arrays."
        )


def _require_length(name: str, length: int, rows: int) -> None:
    if length != rows:
        raise ValueError(f"{name} has {length} entries for {rows} rows of X: they must be equal.")


def _require_rows(chunks: RowChunks) -> None:
    n, p = chunks.shape
    if n == 0 or p == 0:
        raise ValueError(f"X has {n} rows and {p} columns: at least one of each is needed.")
    if not chunks.total_weight > 0.0:
        raise ValueError(
            "sample_weight is zero for every row: give at least one row a positive weight."
        )


# -- on the workers -------------------------------------------------------------------------------


def _on_chunk(
    function: Callable[..., Any], read: Callable[..., Chunk], n_values: int, *arguments: Any
) -> Any:
    """``function(chunk, *values)``; the values come first, what the chunk is read from after."""
    return function(read(*arguments[n_values:]), *arguments[:n_values])


def _itself(chunk: Chunk) -> Chunk:
    return chunk


def _side_by_side(*parts: Any) -> tuple[Any, ...]:
    return parts


def _read_joined(parts: tuple[Any, ...]) -> Chunk:
    return _read(*parts)


def _read_with_weights(read: Callable[..., Chunk], weights: Vector, *arguments: Any) -> Chunk:
    chunk = read(*arguments)
    return chunk._replace(weights=np.broadcast_to(weights, chunk.y.shape))


def _read(X: Any, y: Any, weights: Any = None) -> Chunk:
    """A chunk as arrays; float32 stays float32."""
    X, y = numbers_of(X), _vector(numbers_of(y), "y").astype(np.float64, copy=False)
    if weights is not None:
        weights = _vector(numbers_of(weights), "sample_weight").astype(np.float64, copy=False)
    return Chunk(X, y, weights)


def numbers_of(chunk: Any) -> NDArray:
    """An array of floats; what is missing in a frame, or masked in an array, is NaN."""
    if isinstance(chunk, np.ma.MaskedArray):
        chunk = np.ma.filled(chunk.astype(np.float64), np.nan)
    if issparse(chunk):
        chunk = chunk.toarray()
    if not hasattr(chunk, "to_numpy"):
        chunk = np.asarray(chunk)
        _refuse_complex({chunk.dtype})
        return chunk if chunk.dtype in (np.float32, np.float64) else chunk.astype(np.float64)
    dtypes = set(chunk.dtypes) if chunk.ndim == 2 else {chunk.dtype}
    _refuse_complex(dtypes)
    dtype = np.float32 if dtypes == {np.dtype(np.float32)} else np.float64
    if all(isinstance(kind, np.dtype) for kind in dtypes):
        return chunk.to_numpy(dtype=dtype)
    return chunk.to_numpy(dtype=dtype, na_value=np.nan)  # which copies


def _refuse_complex(dtypes: set[Any]) -> None:
    if any(getattr(dtype, "kind", "") == "c" for dtype in dtypes):
        raise ValueError("Complex data not supported: pass the real part, or the size.")


def _survey(chunk: Chunk, names: Sequence[str]) -> Survey:
    X, y, weights = chunk
    require_finite_columns(X, names)
    for name, values in (("y", y), ("sample_weight", weights)):
        if values is not None:
            _require_length(name, values.shape[0], X.shape[0])
            if not np.isfinite(values).all():
                raise ValueError(f"{name} contains {_fault(values)}: {DROP}")
    if weights is None:
        return Survey(X.shape[0], X.shape[0], float(X.shape[0]))
    require_nonnegative(weights)
    return _survey_of_weights(weights)


def require_finite_columns(X: NDArray, names: Sequence[str]) -> None:
    # A sum is finite where all numbers are, but for overflow: no array of n p booleans is made.
    with np.errstate(over="ignore", invalid="ignore"):
        if np.isfinite(X.sum(dtype=np.float64)):
            return
    for name, column in zip(names, X.T, strict=True):
        if not np.isfinite(column).all():
            raise ValueError(f"X contains {_fault(column)} in column {name!r}: {DROP}")


def _fault(values: NDArray) -> str:
    return "NaN" if np.isnan(values).any() else "infinity"


def _survey_of_weights(weights: Vector) -> Survey:
    return Survey(weights.size, int(np.count_nonzero(weights > 0.0)), float(weights.sum()))


def _weights(chunk: Chunk) -> Vector:
    return np.ones_like(chunk.y) if chunk.weights is None else chunk.weights


def _taken(chunk: Chunk, positions: Sequence[NDArray[np.intp]]) -> list[Chunk]:
    """Copies of the rows at these positions among those with positive weight."""
    X, y, weights = chunk
    if weights is None:
        return [Chunk(X[p], y[p], None) for p in positions]
    counted = np.flatnonzero(weights > 0.0)
    return [Chunk(X[counted[p]], y[counted[p]], weights[counted[p]]) for p in positions]


def _concatenated(chunks: Sequence[Chunk]) -> Chunk:
    X, y, weights = zip(*chunks, strict=True)
    whole = None if weights[0] is None else np.concatenate(weights)
    return Chunk(np.concatenate(X), np.concatenate(y), whole)
