"""Costs of a fit other than time: Gram matrices over all rows, and memory beyond X and y."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import Any, NamedTuple
from unittest.mock import patch

from robustreg.design.dense import DenseDesign

#: The memory of a fit must stay below this part of X plus this many vectors of length n.
SHARE_OF_X, VECTORS = 0.10, 12

#: Rows of a first fit, which is not traced, since it imports modules and fills caches.
WARM_UP_ROWS = 1000


class Memory(NamedTuple):
    """Bytes of X, of a vector of length n, and of the peak in addition to X and y."""

    X: int
    vector: int
    peak: int

    @property
    def limit(self) -> float:
        """Return the limit, a tenth of X plus twelve vectors of length n."""
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
    """Measure the peak of memory that Python and NumPy held during a fit, by ``tracemalloc``.

    It includes the attributes of length n. X is read-only, so that a fit which writes into X fails.
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
    """Count the Gram matrices over all rows in a fit of ours, for dense X only."""
    count, original = 0, DenseDesign.gram

    def counted(design: DenseDesign, *args: Any) -> Any:
        nonlocal count
        count += design.n_rows == X.shape[0]
        return original(design, *args)

    with patch.object(DenseDesign, "gram", counted):
        fit(X, y)
    return count
