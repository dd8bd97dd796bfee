"""Run one round on the active Dask scheduler, and report a cluster that has no workers left.

Dask is imported where it is used, so that the library works without it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

__all__ = ["Tasks", "compute", "require_dask"]

#: Seconds between two checks of a cluster that has not answered, and seconds that it may have no
#: workers. A nanny restarts a killed worker within a few seconds.
LOOK, PATIENCE = 2.0, 30.0


class Tasks(NamedTuple):
    """A Dask graph, and the keys of the results to return."""

    graph: Mapping[Any, Any]
    keys: Sequence[Any]


def require_dask() -> None:
    """Raise an ImportError if Dask is not installed."""
    try:
        import dask  # noqa: F401
    except ImportError as error:
        raise ImportError(
            'Dask collections need the extra "dask": pip install "robustreg[dask]".'
        ) from error


def compute(tasks: Tasks) -> list[Any]:
    """The results of tasks, in one round of the scheduler that Dask would choose.

    Raises
    ------
    RuntimeError
        If a cluster has lost all its workers or its scheduler. Dask itself would wait for ever.
    """
    from dask.base import get_scheduler
    from dask.delayed import Delayed
    from dask.optimization import cull

    keys = list(tasks.keys)
    graph = cull(dict(tasks.graph), keys)[0]
    get = get_scheduler(cls=Delayed)
    client = getattr(get, "__self__", None)
    # Within a task of a worker, Dask's own call releases the worker's thread while it waits.
    # Otherwise fits in tasks would wait for chunks that wait for a thread.
    if not type(client).__module__.startswith("distributed.") or _in_a_task():
        return list(get(graph, keys))
    return _compute_on_cluster(client, graph, keys)


def _in_a_task() -> bool:
    from distributed import get_worker

    try:
        get_worker()
    except ValueError:
        return False
    return True


def _compute_on_cluster(client: Any, graph: dict[Any, Any], keys: list[Any]) -> list[Any]:
    from concurrent.futures import CancelledError

    futures = client.get(graph, keys, sync=False)
    try:
        _await(client, futures)
        return list(client.gather(futures))
    except (OSError, CancelledError) as error:
        raise RuntimeError(
            "The Dask scheduler stopped during a fit: restart the cluster and fit again."
        ) from error
    finally:
        # Tasks of an abandoned round must not run when workers return.
        client.cancel([future for future in futures if not future.done()])


def _await(client: Any, futures: list[Any]) -> None:
    """Wait until all are done, one has failed, or workers have been missing for too long."""
    from distributed import wait

    idle = 0.0
    while True:
        try:
            wait(futures, timeout=LOOK, return_when="FIRST_COMPLETED")
        except TimeoutError:
            idle = 0.0 if client.nthreads() else idle + LOOK
            if idle >= PATIENCE:
                raise RuntimeError(
                    f"The Dask cluster at {client.scheduler.address} has had no workers for "
                    f"{PATIENCE:g} s, so the fit was stopped. If workers were killed for using too "
                    "much memory, use smaller chunks or a higher limit. Otherwise start workers "
                    "and fit again."
                ) from None
            continue
        if any(future.status == "error" for future in futures):
            return
        futures = [future for future in futures if not future.done()]
        if not futures:
            return
