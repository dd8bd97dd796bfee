"""Bring X, y and weights, some from Dask and some in memory, into the same chunks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any
from uuid import uuid4

import numpy as np

from robustreg.data import check_weights, columns_of, is_collection
from robustreg.design.dask.chunks import RowChunks
from robustreg.design.dask.graph import Reading, Sources, neighbours, parts_of, tasks_of
from robustreg.design.dask.reading import Chunk, Survey, read_chunk, read_vector, survey, vector
from robustreg.design.dask.scheduler import Tasks, compute, require_dask

__all__ = ["row_chunks"]


def row_chunks(
    X: Any, y: Any, sample_weight: Any, on_round: Callable[..., None] | None = None
) -> RowChunks:
    """Align X, y and weights, and check every chunk, in one round.

    Two or three rounds are needed where the chunks of X and of y or the weights have different,
    unknown lengths. Rows are matched by position, as everywhere in scikit-learn, not by index.

    Parameters
    ----------
    X : Dask array or frame of shape (n_samples, n_features)
    y : Dask array, series or frame of one column, or array in memory, of shape (n_samples,)
    sample_weight : the same, a number, or None
    on_round : callable, optional
        Called after each round.

    Raises
    ------
    ValueError
        If columns are not numeric, if values are not finite, or if lengths differ. The error is
        raised as soon as the faulty chunk has been read.
    """
    require_dask()
    beside = {
        name: values
        for name, values in (("y", y), ("sample_weight", sample_weight))
        if is_collection(values)
    }
    chunks = _Alignment(X, beside, on_round).chunks()
    rows = chunks.shape[0]
    if "y" not in beside:
        _require_length("y", y.shape[0], rows)
        chunks = chunks.answering(y)
    if sample_weight is not None and "sample_weight" not in beside:
        weights = check_weights(sample_weight, rows)
        chunks = chunks.reweighted(weights)
    return chunks


class _Alignment:
    """Brings collections into the same chunks.

    Parameters
    ----------
    X : Dask array or frame
    beside : dict
        The other collections, by argument name.
    on_round : callable, optional
    """

    def __init__(
        self, X: Any, beside: dict[str, Any], on_round: Callable[..., None] | None
    ) -> None:
        self.X = X
        self.beside = {name: v if _is_frame(v) else vector(v, name) for name, v in beside.items()}
        self.columns = columns_of(X)
        self.rounds, self.on_round = 0, on_round

    def chunks(self) -> RowChunks:
        """The aligned and checked chunks."""
        lengths = _known_lengths(self.X)
        if not self._may_go_together():
            lengths = self._lengths(self.X)
            self._rechunk(lengths)
        read, sources = self._sources()
        surveys = self._surveys(read, sources, lengths)
        if self._apart(surveys):
            self._rechunk([found.length for found in surveys])
            read, sources = self._sources()
            surveys = self._surveys(read, sources, lengths)
        weighted = "sample_weight" in self.beside
        chunks = RowChunks(
            read,
            sources,
            surveys,
            self.columns,
            weighted=weighted,
            rounds=self.rounds,
            on_round=self.on_round,
        )
        _require_rows(chunks)
        return chunks

    # -- lengths ----------------------------------------------------------------------------------

    def _may_go_together(self) -> bool:
        """Whether the numbers of chunks are equal, and known lengths do not differ."""
        lengths = _known_lengths(self.X)
        for values in self.beside.values():
            own = _known_lengths(values)
            if _count(values) != _count(self.X) or (own and own != lengths):
                return False
        return True

    def _lengths(self, values: Any) -> list[int]:
        """Number of rows of each chunk. If unknown, one round counts them."""
        known = _known_lengths(values)
        if known is None:
            graph, keys = parts_of(values)
            counts = {("robustreg-length", key): (len, key) for key in keys}
            known = self._round(Tasks(graph | counts, list(counts)))
        return known

    def _rechunk(self, lengths: list[int]) -> None:
        """Bring the other collections into chunks of these lengths."""
        import dask.array as da

        for name, values in self.beside.items():
            own = self._lengths(values)
            _require_length(name, sum(own), sum(lengths))
            if own != lengths:
                graph, keys = parts_of(values)
                label = f"robustreg-{name}-{uuid4().hex}"
                graph |= {(label, i): (read_vector, name, key) for i, key in enumerate(keys)}
                array = da.Array(graph, label, (tuple(own),), dtype=np.float64)
                self.beside[name] = array.rechunk((tuple(lengths),))

    def _apart(self, surveys: Sequence[Survey]) -> bool:
        """Whether some chunks differ in length. The total lengths must be equal."""
        rows = sum(found.length for found in surveys)
        _require_length("y", sum(found.response for found in surveys), rows)
        _require_length("sample_weight", sum(found.weights for found in surveys), rows)
        return any(len({f.length, f.response, f.weights}) > 1 for f in surveys)

    # -- chunks -----------------------------------------------------------------------------------

    def _sources(self) -> tuple[Callable[..., Chunk], Sources]:
        """The function that reads a chunk, and its sources."""
        X, joined, apart = self.X, {}, self.beside
        if _is_frame(X):
            # In one expression, so that Dask reads each file once for all columns.
            joined = {name: v for name, v in apart.items() if _is_frame(v)}
            apart = {name: v for name, v in apart.items() if not _is_frame(v)}
        if joined:
            X = X.map_partitions(
                _side_by_side,
                *joined.values(),
                align_dataframes=False,
                enforce_metadata=False,
                meta=X._meta,
            )
        parts = [parts_of(values) for values in (X, *apart.values())]
        graph: dict[Any, Any] = {}
        for own, _ in parts:
            graph |= own
        read = partial(read_chunk, (*joined, *apart), len(joined))
        arguments = list(zip(*(keys for _, keys in parts), strict=True))
        return read, Sources(graph, arguments, len(parts) + len(joined))

    def _surveys(
        self, read: Callable[..., Chunk], sources: Sources, lengths: list[int] | None
    ) -> list[Survey]:
        """Read and check all chunks in one round."""
        # If lengths are unknown, any chunk may be large.
        sizes = [8.0 * n * self.columns.shape[1] for n in lengths] if lengths else None
        n_chunks = len(sources.arguments)
        groups = neighbours(sizes) if sizes else [slice(i, i + 1) for i in range(n_chunks)]
        readings = sources.readings(read, groups)
        names = [
            str(name) for name in getattr(self.columns, "columns", range(self.columns.shape[1]))
        ]
        look = partial(_surveyed, names)
        found = self._round(tasks_of(look, sources.outer(), readings, [()] * len(readings)))
        return [survey for group in found for survey in group]

    def _round(self, tasks: Tasks) -> list[Any]:
        results = compute(tasks)
        self.rounds += 1
        if self.on_round is not None:
            self.on_round()
        return results


def _surveyed(names: Sequence[str], reading: Reading, results: Sequence[Any]) -> list[Survey]:
    return [survey(chunk, names) for chunk in reading(*results)]


def _side_by_side(*parts: Any) -> tuple[Any, ...]:
    return parts


def _is_frame(values: Any) -> bool:
    """Whether a collection is a Dask frame or series."""
    return not hasattr(values, "chunks")


def _count(values: Any) -> int:
    return int(values.npartitions) if _is_frame(values) else len(values.chunks[0])


def _known_lengths(values: Any) -> list[int] | None:
    if _is_frame(values) or any(np.isnan(n) for n in values.chunks[0]):
        return None
    return list(values.chunks[0])


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
