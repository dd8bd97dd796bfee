"""A line on the terminal that says how far a long computation is."""

from __future__ import annotations

import sys
from threading import Lock

__all__ = ["ProgressBar"]


class ProgressBar:
    """``[#######             ] 350/1000 replicates`` on standard error.

    Parameters
    ----------
    total : int
        What counts as done.
    unit : str
        What is counted.
    verbose : int
        Nothing is written where it is zero.
    """

    width = 30

    def __init__(self, total: int, unit: str, verbose: int) -> None:
        self.total, self.unit, self.verbose = total, unit, verbose
        self.done = 0
        self._lock = Lock()

    def advance(self, count: int) -> None:
        """``count`` more are done; threads may call it."""
        with self._lock:
            self.done += count
            if self.verbose:
                filled = self.width * self.done // self.total
                bar = "#" * filled + " " * (self.width - filled)
                end = "\n" if self.done >= self.total else ""
                sys.stderr.write(f"\r[{bar}] {self.done}/{self.total} {self.unit}{end}")
                sys.stderr.flush()
