"""Products of small matrices in one thread of BLAS."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from threading import Lock
from typing import Any

from threadpoolctl import ThreadpoolController

__all__ = ["one_thread"]


@lru_cache(maxsize=1)
def _libraries() -> ThreadpoolController:
    # Finding the libraries takes 3 ms, and setting their number of threads 0.01 ms. Other libraries
    # would be restored too, to the numbers of the Python thread that set the limit.
    return ThreadpoolController().select(user_api="blas")


class _Shared:
    """The limit, which all Python threads of the process share."""

    def __init__(self) -> None:
        self.lock, self.users = Lock(), 0
        self.limit: Any = None


_SHARED = _Shared()


def _after_fork() -> None:
    """Begin anew in a child process, which has none of the threads that are in the context."""
    if _SHARED.users:
        _SHARED.limit.restore_original_limits()
    _SHARED.lock, _SHARED.users = Lock(), 0


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_after_fork)


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute products in one thread of BLAS within this context.

    The threads of NumPy's BLAS and of SciPy's wait actively for work, and take the cores from each
    other. In fits to 1,000 x 10 in turns with least squares, which is SciPy's, a search takes 60 ms
    with two threads on two cores, and 13 ms with one.

    If several Python threads are in this context, the last to leave it restores the number of
    threads. With a limit for each, one of them would restore the limit of another.
    """
    with _SHARED.lock:
        if not _SHARED.users:
            _SHARED.limit = _libraries().limit(limits=1)
        _SHARED.users += 1
    try:
        yield
    finally:
        with _SHARED.lock:
            _SHARED.users -= 1
            if not _SHARED.users:
                _SHARED.limit.restore_original_limits()
