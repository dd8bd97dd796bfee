"""Show the progress of a long computation on the terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any

__all__ = ["ProgressBar", "count_rounds"]


class ProgressBar:
    """A progress bar, ``[#######             ] 350/1000 replicates``, on standard error.

    Parameters
    ----------
    total : int
        The count at which the bar is full.
    unit : str
        Name of what is counted.
    verbose : int
        If zero, nothing is written.
    """

    width = 30

    def __init__(self, total: int, unit: str, verbose: int) -> None:
        self.total, self.unit, self.verbose = total, unit, verbose
        self.done = 0
        self._lock = Lock()

    def advance(self, count: int) -> None:
        """Add ``count`` to the number done. Several threads may call this."""
        with self._lock:
            self.done += count
            if self.verbose:
                filled = self.width * self.done // self.total
                bar = "#" * filled + " " * (self.width - filled)
                end = "\n" if self.done >= self.total else ""
                sys.stderr.write(f"\r[{bar}] {self.done}/{self.total} {self.unit}{end}")
                sys.stderr.flush()


@contextmanager
def count_rounds(design: Any, verbose: int) -> Iterator[None]:
    """Write ``12 rounds over 100,000 rows`` on standard error while a Dask collection is read.

    The number of rounds is not known in advance, because the scale and the constant are computed by
    iteration.
    """
    if not verbose or design.in_memory:
        yield
        return
    before, first = design.on_pass, design.passes

    def show(*where: Any) -> None:
        rounds = design.passes - first
        sys.stderr.write(f"\r{rounds} rounds over {design.n_rows:,} rows")
        sys.stderr.flush()
        if before is not None:
            before(*where)

    design.on_pass = show
    try:
        yield
    finally:
        design.on_pass = before
        sys.stderr.write("\n")
        sys.stderr.flush()
