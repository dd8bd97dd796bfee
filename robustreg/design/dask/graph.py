"""Chunks as a Dask graph: the source of each chunk, and tasks that read many small chunks.

A scheduler needs more time for a task than a worker for a megabyte. Rounds therefore have one task
per group of neighbouring small chunks. It includes the tasks that read these chunks, unless they
have results already or other chunks need them too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import pairwise
from typing import Any
from uuid import uuid4

import numpy as np

from robustreg.design.dask.scheduler import Tasks

__all__ = ["Reading", "Sources", "neighbours", "parts_of", "tasks_of"]

Key = Any

#: Bytes below which a chunk is small, bytes of a group, and the least number of groups. Persisted
#: on a local cluster of two workers, 2,000 chunks of 32 kB take 4.0 ms per chunk and round one by
#: one and 1.0 ms in groups; 1,000 chunks of 100 kB take 5.3 and 1.3 ms. Groups of larger chunks
#: would move too much data between workers.
SMALL_CHUNK, GROUP_BYTES, LEAST_GROUPS = 2**17, 2**20, 32

#: Marks a task that several chunks need.
SEVERAL = -1


def parts_of(collection: Any) -> tuple[dict[Key, Any], list[Key]]:
    """Dask's graph of a collection, and the key of each chunk of rows.

    Dask would fuse small partitions of files. This is switched off, so that the chunks are those
    that the user sees.
    """
    if hasattr(collection, "chunks"):
        if collection.ndim == 2:
            collection = collection.rechunk({1: -1})
        parts = np.ravel(collection.to_delayed()).tolist()
        # Optimised graphs of arrays lack the futures of persisted results, and a cluster deletes
        # results without futures.
        futures = {k: v for k, v in dict(collection.__dask_graph__()).items() if _is_future(v)}
    else:
        parts, futures = collection.simplify().to_delayed(optimize_graph=False), {}
    graph: dict[Key, Any] = dict(parts[0].dask) if parts else {}
    return futures | graph, [part.key for part in parts]


@dataclass(frozen=True)
class Reading:
    """A callable that reads the chunks of a group in one task.

    Parameters
    ----------
    read : callable
        Makes a chunk from its arguments.
    inner : dict
        The part of Dask's graph that is computed within the task.
    arguments : list of tuples
        Arguments of ``read`` for each chunk: keys or values.
    outer : tuple of keys
        Keys whose results are passed to the task.
    """

    read: Callable[..., Any]
    inner: Mapping[Key, Any]
    arguments: Sequence[tuple[Any, ...]]
    outer: tuple[Key, ...]

    def __call__(self, *results: Any) -> list[Any]:
        """The chunks, from the results of ``outer``."""
        known = dict(zip(self.outer, results, strict=True))
        if self.inner:
            from dask.local import get_sync

            # Wrapped in calls without arguments, since Dask would search tuples for tasks.
            given = {key: (partial(_itself, result),) for key, result in known.items()}
            wanted = [a for chunk in self.arguments for a in chunk if _is_in(self.inner, a)]
            known |= zip(wanted, get_sync({**given, **self.inner}, wanted), strict=True)
        return [
            self.read(*(known[a] if _is_in(known, a) else a for a in chunk))
            for chunk in self.arguments
        ]


class Sources:
    """The sources that chunks are read from.

    Parameters
    ----------
    graph : dict
        Tasks, data and futures of Dask by key. Holding futures keeps their results alive.
    arguments : list of tuples
        For each chunk: keys of the graph, or values.
    n_collections : int
        Number of collections that the chunks come from.
    """

    def __init__(
        self, graph: Mapping[Key, Any], arguments: Sequence[tuple[Any, ...]], n_collections: int
    ) -> None:
        self.graph, self.arguments = graph, list(arguments)
        self.n_collections = n_collections

    def beside(self, values: Sequence[Any]) -> Sources:
        """The same sources with one more value per chunk, before its arguments."""
        pairs = zip(values, self.arguments, strict=True)
        arguments = [(value, *arguments) for value, arguments in pairs]
        return Sources(self.graph, arguments, self.n_collections)

    def readings(self, read: Callable[..., Any], groups: Sequence[slice]) -> list[Reading]:
        """Readings of groups of chunks."""
        made = []
        for group in groups:
            graph = {key: self.graph[key] for keys in self._inner[group] for key in keys}
            needed = {a for chunk in self.arguments[group] for a in chunk if _is_in(self.graph, a)}
            needed.update(*(self._dependencies[key] for key in graph))
            outer = tuple(sorted(needed - graph.keys(), key=str))
            made.append(Reading(read, graph, self.arguments[group], outer))
        return made

    @cached_property
    def _dependencies(self) -> dict[Key, set[Key]]:
        from dask.core import get_dependencies

        return {
            key: set() if _is_future(task) else set(get_dependencies(self.graph, key))
            for key, task in self.graph.items()
        }

    def outer(self) -> dict[Key, Any]:
        """The tasks that are not computed within readings."""
        inner = {key for keys in self._inner for key in keys}
        return {key: task for key, task in self.graph.items() if key not in inner}

    @cached_property
    def _inner(self) -> list[list[Key]]:
        """The tasks of each chunk that are computed where it is read.

        The list is empty where a chunk has more initial tasks than there are collections, as after
        a repartition. Dask runs these in parallel, and a reading would run them in sequence.
        """
        own: list[list[Key]] = [[] for _ in self.arguments]
        for key, chunk in self._users().items():
            if chunk != SEVERAL:
                own[chunk].append(key)
        begin = [sum(not self._dependencies[key] for key in keys) for keys in own]
        most = self.n_collections
        return [keys if n <= most else [] for keys, n in zip(own, begin, strict=True)]

    def _users(self) -> dict[Key, int]:
        """The chunk that needs a task, or ``SEVERAL``; futures are left out."""
        users: dict[Key, int] = {}
        for i, arguments in enumerate(self.arguments):
            keys = [a for a in arguments if _is_in(self.graph, a)]
            while keys:
                key = keys.pop()
                who = users.get(key)
                if who in (i, SEVERAL) or _is_future(self.graph[key]):
                    continue
                users[key] = i if who is None else SEVERAL
                keys.extend(self._dependencies[key])
        return users


def tasks_of(
    function: Callable[..., Any],
    graph: Mapping[Key, Any],
    readings: Sequence[Reading],
    values: Sequence[tuple[Any, ...]],
) -> Tasks:
    """A task ``function(reading, results, *values)`` for each group.

    Parameters
    ----------
    function : callable
        It is stored once in the graph, whatever the number of tasks.
    graph : dict
        The other tasks that the readings need.
    readings : sequence of Reading
    values : sequence of tuples
        Further arguments of each task.
    """
    token, n = uuid4().hex, len(readings)
    step = f"robustreg-step-{token}"
    # Dask's local schedulers order otherwise equal tasks by name, last name first. With descending
    # numbers, an error in the first chunk is found first.
    keys = [f"robustreg-{token}-{n - i:09d}" for i in range(n)]
    tasks = {
        key: (_called, step, reading, list(reading.outer), *own)
        for key, reading, own in zip(keys, readings, values, strict=True)
    }
    return Tasks(dict(graph) | {step: function} | tasks, keys)


def _called(function: Callable[..., Any], *arguments: Any) -> Any:
    return function(*arguments)


def neighbours(sizes: Sequence[float]) -> list[slice]:
    """Group neighbouring small chunks by their bytes. Each large chunk is a group by itself."""
    most = min(GROUP_BYTES, sum(sizes) / LEAST_GROUPS)
    edges, size = [0], np.inf
    for i, own in enumerate(sizes):
        size = size + own if own <= SMALL_CHUNK else np.inf
        if size > most:
            edges.append(i)
            size = own if own <= SMALL_CHUNK else np.inf
    edges.append(len(sizes))
    return [slice(start, end) for start, end in pairwise(edges) if start < end]


def _is_in(mapping: Mapping[Key, Any], value: Any) -> bool:
    """Whether a value is a key. Arrays and other values are not hashed."""
    return isinstance(value, (str, tuple)) and value in mapping


def _is_future(task: Any) -> bool:
    return type(task).__module__.startswith("distributed.")


def _itself(value: Any) -> Any:
    return value
