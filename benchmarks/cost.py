"""What a fit costs besides time: Gram matrices over all rows, and memory beside X and y."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import Any, NamedTuple
from unittest.mock import patch

from robustreg.design.dense import DenseDesign

#: Part of X, and vectors of length n, that the memory of a fit must stay below.
SHARE_OF_X, VECTORS = 0.10, 12

#: Rows of the fit before the one that is traced, for what is imported and cached at first.
WARM_UP_ROWS = 1000


class Memory(NamedTuple):
    """Bytes: of X, of a vector of length n, and the peak beside X and y."""

    X: int
    vector: int
    peak: int

    @property
    def limit(self) -> float:
        """A tenth of X and twelve vectors."""
        return SHARE_OF_X * self.X + VECTORS * self.vector

    @property
    def met(self) -> bool:
        """Whether the peak is below the limit."""
        return self.peak < self.limit

    @property
    def not_copied(self) -> bool:
        """Whether the peak is too small for a copy of X."""
        return self.peak < self.X


def memory_of(fit: Callable[[Any, Any], Any], X: Any, y: Any) -> Memory:
    """Peak of what Python and NumPy held during a fit, by ``tracemalloc``.

    The n-sized attributes of the result are part of it; X is made read-only, so a fit that works in
    X itself fails.
    """
    fit(X[:WARM_UP_ROWS], y[:WARM_UP_ROWS])
    X.flags.writeable = False
    tracemalloc.start()
    try:
        result = fit(X, y)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
        X.flags.writeable = True
    del result
    return Memory(X.nbytes, y.nbytes, peak)


def gram_matrices(fit: Callable[[Any, Any], Any], X: Any, y: Any) -> int:
    """How many Gram matrices over all rows a fit of ours takes: dense X only."""
    count, original = 0, DenseDesign.gram

    def counted(design: DenseDesign, *args: Any) -> Any:
        nonlocal count
        count += design.n_rows == X.shape[0]
        return original(design, *args)

    with patch.object(DenseDesign, "gram", counted):
        fit(X, y)
    return count
