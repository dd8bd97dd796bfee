"""One round of work by whichever of Dask's schedulers is active, and a cluster that has gone.

Dask is imported where it is used: the library works without it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from uuid import uuid4

__all__ = ["compute", "delayed", "each"]

#: Seconds between two looks at a cluster that has not answered, and how long it may be without
#: workers: a nanny brings a killed one back in a few seconds.
LOOK, PATIENCE = 2.0, 30.0


def delayed(value: Any, *, traverse: bool = True) -> Any:
    """``dask.delayed``, with a name of its own: hashing the data for one would read them."""
    try:
        from dask.delayed import delayed as dask_delayed
    except ImportError as error:
        raise ImportError(
            'Dask collections need the extra "dask": pip install "robustreg[dask]".'
        ) from error
    return dask_delayed(value, pure=False, traverse=traverse)


def each(function: Callable[..., Any], *arguments: Sequence[Any]) -> list[Any]:
    """A task for each chunk, named by the number of those after it.

    Where nothing else decides, Dask's local schedulers go by the names of tasks, and begin with the
    last: an error in the first chunk is then found first.
    """
    task, token = delayed(function), uuid4().hex
    return [
        task(*chunk, dask_key_name=f"robustreg-{token}-{len(arguments[0]) - i:09d}")
        for i, chunk in enumerate(zip(*arguments, strict=True))
    ]


def compute(tasks: Sequence[Any]) -> list[Any]:
    """The results of delayed tasks, in one round of the scheduler that Dask would choose.

    Raises
    ------
    RuntimeError
        If a cluster has lost all its workers, or its scheduler: Dask alone would wait for ever.
    """
    from dask.base import compute as dask_compute
    from dask.base import get_scheduler

    client = getattr(get_scheduler(collections=list(tasks)), "__self__", None)
    # In a task of a worker, Dask's own call gives up the worker's thread while it waits: without
    # that, fits in tasks would wait for chunks that wait for them.
    if not type(client).__module__.startswith("distributed.") or _in_a_task():
        return list(dask_compute(*tasks))
    return _compute_on_cluster(client, list(tasks))


def _in_a_task() -> bool:
    from distributed import get_worker

    try:
        get_worker()
    except ValueError:
        return False
    return True


def _compute_on_cluster(client: Any, tasks: list[Any]) -> list[Any]:
    from concurrent.futures import CancelledError

    futures = client.compute(tasks)
    try:
        _await(client, futures)
        return list(client.gather(futures))
    except (OSError, CancelledError) as error:
        raise RuntimeError(
            "The Dask scheduler has gone in the middle of a fit: start the cluster again, and fit "
            "again."
        ) from error
    finally:
        # Those of a round that is given up must not go on when workers come.
        client.cancel([future for future in futures if not future.done()])


def _await(client: Any, futures: list[Any]) -> None:
    """Wait until all are done, one has failed, or there have been no workers for a while."""
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
                    f"{PATIENCE:g} s, so the fit was given up. Workers that were killed for using "
                    "too much memory need smaller chunks or a higher limit; otherwise start "
                    "workers, and fit again."
                ) from None
            continue
        if any(future.status == "error" for future in futures):
            return
        futures = [future for future in futures if not future.done()]
        if not futures:
            return
