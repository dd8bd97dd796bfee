"""The problems that the benchmarks share: names, sizes and how they are made."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from robustreg.datasets import make_contaminated_regression

#: Rows and columns of the dense problems; all have 10 % of gross outliers in y.
DENSE = {
    "large": (200_000, 50),
    "wide": (20_000, 500),
    "long": (1_000_000, 10),
    "small": (500, 5),
    "badly scaled": (200_000, 50),
}


def dense_problem(name: str, seed: int = 0) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """X, C-ordered, and y."""
    n, p = DENSE[name]
    X, y = make_contaminated_regression(n, p, contamination=0.1, random_state=seed)
    if name == "badly scaled":
        X *= np.geomspace(1e-3, 1e3, p)
        y *= 1e5
    return X, y
