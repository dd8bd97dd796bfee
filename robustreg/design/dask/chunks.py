"""Aligned Dask chunks of rows: their lengths and weights, and tasks over them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property, partial
from typing import Any
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from robustreg.data import is_collection
from robustreg.design.dask.graph import Reading, Sources, neighbours, parts_of, tasks_of
from robustreg.design.dask.reading import (
    Chunk,
    Survey,
    concatenated,
    read_with_response,
    read_with_weights,
    survey_of_weights,
    taken,
    weights_of,
)
from robustreg.design.dask.scheduler import Tasks, compute

__all__ = ["RowChunks"]

Vector = NDArray[np.float64]

#: Number of sums that are added in one task.
FAN_IN = 16


class RowChunks:
    """X, y and sample weights in the same chunks.

    Rounds treat a group of neighbouring small chunks as one chunk. Lazy arrays have the chunks of
    the user's X.

    Parameters
    ----------
    read : callable
        Makes a ``Chunk``, which may have no rows, from its arguments. Every task calls it again. In
        a separate task it would produce results that Dask moves between workers.
    sources : Sources
        The arguments of ``read``.
    surveys : sequence of Survey
    columns : array or frame without rows
        Gives the names, number and types of the columns.
    weighted : bool
    rounds : int
        Number of times the data have been read so far.
    on_round : callable, optional
        Called after each round.

    Attributes
    ----------
    blocks : tuple of int
        Number of rows of each of the user's chunks.
    lengths, counted : arrays of int
        Number of rows of each group, and of rows with a positive weight.
    total_weight, square_weight : float
        Sums of the weights and of their squares, or the number of rows.
    shape : tuple of int
    """

    def __init__(
        self,
        read: Callable[..., Chunk],
        sources: Sources,
        surveys: Sequence[Survey],
        columns: Any,
        *,
        weighted: bool,
        rounds: int = 0,
        on_round: Callable[..., None] | None = None,
    ) -> None:
        self._read, self._sources, self._surveys = read, sources, surveys
        self.blocks = tuple(survey.length for survey in surveys)
        self.shape = sum(self.blocks), int(columns.shape[1])
        self._groups = neighbours([8.0 * length * self.shape[1] for length in self.blocks])
        self.lengths = self._by_group([survey.length for survey in surveys])
        self.counted = self._by_group([survey.counted for survey in surveys])
        self.total_weight = float(sum(survey.weight for survey in surveys))
        self.square_weight = float(sum(survey.square_weight for survey in surveys))
        self.columns = columns
        self.weighted = weighted
        self.rounds, self.on_round = rounds, on_round

    @property
    def nbytes(self) -> int:
        """Bytes of X as float64."""
        return 8 * self.shape[0] * self.shape[1]

    @property
    def weights(self) -> Any:
        """A lazy array of the weights, or None if all are one."""
        return self.array(weights_of) if self.weighted else None

    def load(self) -> Chunk:
        """All rows, in one round."""
        rows = concatenated(compute(self._tasks(_itself)))
        self.rounds += 1
        if self.on_round is not None:
            self.on_round()
        return rows

    def reduction(
        self,
        function: Callable[..., Any],
        join: Callable[[Sequence[Any]], Any],
        values: Sequence[NDArray] = (),
    ) -> Tasks:
        """Tasks of ``function(chunk, *parts)`` for all groups, with results joined in a tree.

        ``parts`` are the entries of ``values`` for the rows of the group. Without values, groups
        of weight zero are left out.
        """
        needed = (self.lengths if values else self.counted) > 0
        graph, keys = self._tasks(function, *(self._split(v) for v in values), needed=needed)
        graph, token = dict(graph), uuid4().hex
        while len(keys) > 1:
            parts = [list(keys[i : i + FAN_IN]) for i in range(0, len(keys), FAN_IN)]
            keys = [f"robustreg-join-{token}-{len(keys)}-{i}" for i in range(len(parts))]
            graph.update((key, (join, part)) for key, part in zip(keys, parts, strict=True))
        return Tasks(graph, keys)

    def take(self, *positions: NDArray[np.intp]) -> list[Chunk]:
        """Rows at these ascending positions among those of positive weight, in one round."""
        edges = np.concatenate(([0], np.cumsum(self.counted)))
        split = [np.split(p, np.searchsorted(p, edges[1:-1])) for p in positions]
        wanted = [[piece[i] - edges[i] for piece in split] for i in range(self.lengths.size)]
        needed = np.array([any(part.size for part in local) for local in wanted])
        found = compute(self._tasks(taken, wanted, needed=needed))
        return [concatenated([chunk[k] for chunk in found]) for k in range(len(positions))]

    def answering(self, y: Vector) -> RowChunks:
        """The same rows with responses in memory."""
        pieces = np.split(y, np.cumsum(self.blocks)[:-1])
        read = partial(read_with_response, self._read)
        return self._replaced(read, self._sources.beside(pieces), self._surveys, self.weighted)

    def reweighted(self, weights: Any) -> RowChunks:
        """The same rows with other weights, in an array or a Dask array."""
        sources = self._sources
        if is_collection(weights):
            graph, keys = parts_of(weights.rechunk((self.blocks,)))
            of_weights = {("robustreg-weights", key): (survey_of_weights, key) for key in keys}
            found = compute(Tasks(graph | of_weights, list(of_weights)))
            graph = dict(sources.graph) | graph
            sources = Sources(graph, sources.arguments, sources.n_collections + 1).beside(keys)
        else:
            pieces = np.split(weights, np.cumsum(self.blocks)[:-1])
            found = [survey_of_weights(piece) for piece in pieces]
            # In folds of consecutive rows, most chunks have weights that are all equal.
            pieces = [piece[:1] if np.all(piece == piece[:1]) else piece for piece in pieces]
            sources = sources.beside(pieces)
        surveys = [
            survey._replace(counted=counted, weight=weight, square_weight=square)
            for survey, (counted, weight, square) in zip(self._surveys, found, strict=True)
        ]
        return self._replaced(partial(read_with_weights, self._read), sources, surveys, True)

    def array(self, function: Callable[[Chunk], NDArray]) -> Any:
        """A lazy Dask array with a float for each row, in the user's chunks."""
        import dask.array as da

        name = f"robustreg-rows-{uuid4().hex}"
        read = partial(_of_one_chunk, function, self._read)
        layer = {
            (name, i): (read, *arguments) for i, arguments in enumerate(self._sources.arguments)
        }
        return da.Array(dict(self._sources.graph) | layer, name, (self.blocks,), dtype=np.float64)

    def like_rows(self, values: NDArray) -> Any:
        """An array with an entry for each row as a Dask array in the user's chunks."""
        import dask.array as da

        return da.from_array(values, chunks=(self.blocks,))

    def _tasks(
        self,
        function: Callable[..., Any],
        *values: Sequence[Any],
        needed: NDArray[np.bool_] | None = None,
    ) -> Tasks:
        """Tasks of ``function(chunk, *values)`` for all groups, or for the needed ones."""
        kept = range(self.lengths.size) if needed is None else np.flatnonzero(needed).tolist()
        own = [tuple(value[i] for value in values) for i in kept]
        readings, graph = self._readings
        return tasks_of(partial(_of_group, function), graph, [readings[i] for i in kept], own)

    @cached_property
    def _readings(self) -> tuple[list[Reading], dict[Any, Any]]:
        """The readings of the groups, and the other tasks that they need."""
        return self._sources.readings(self._read, self._groups), self._sources.outer()

    def _replaced(
        self, read: Callable[..., Chunk], sources: Sources, surveys: Any, weighted: bool
    ) -> RowChunks:
        options: Any = {"rounds": self.rounds, "on_round": self.on_round}
        return RowChunks(read, sources, surveys, self.columns, weighted=weighted, **options)

    def _by_group(self, values: Sequence[int]) -> NDArray[np.intp]:
        return np.array([sum(values[group]) for group in self._groups], dtype=np.intp)

    def _split(self, values: NDArray) -> list[NDArray]:
        """Split an array with an entry for each row by groups."""
        return np.split(values, np.cumsum(self.lengths)[:-1])


def _of_group(
    function: Callable[..., Any], reading: Reading, results: Sequence[Any], *values: Any
) -> Any:
    return function(concatenated(reading(*results)), *values)


def _of_one_chunk(
    function: Callable[[Chunk], NDArray], read: Callable[..., Chunk], *arguments: Any
) -> NDArray:
    return function(read(*arguments))


def _itself(chunk: Chunk) -> Chunk:
    return chunk
