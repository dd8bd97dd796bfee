"""The problems that the benchmarks share: names, sizes and how they are made."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from robustreg.datasets import make_contaminated_regression

#: Rows and columns of the dense problems; all have 10 % of gross outliers in y.
DENSE = {
    "large": (200_000, 50),
    "wide": (20_000, 500),
    "long": (1_000_000, 10),
    "small": (500, 5),
    "badly scaled": (200_000, 50),
}

#: The same for the sparse problem, with the number of nonzero entries in a row.
SPARSE = {"sparse": (200_000, 20_000, 20)}

#: Share of gross outliers, ten standard deviations of the noise to one side.
CONTAMINATION = 0.1


def problem(name: str, seed: int = 0) -> tuple[Any, NDArray[np.float64]]:
    """Return X and y of a problem."""
    return sparse_problem(name, seed) if name in SPARSE else dense_problem(name, seed)


def dense_problem(name: str, seed: int = 0) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return X in C order, and y."""
    n, p = DENSE[name]
    X, y = make_contaminated_regression(n, p, contamination=CONTAMINATION, random_state=seed)
    if name == "badly scaled":
        X *= np.geomspace(1e-3, 1e3, p)
        y *= 1e5
    return X, y


def sparse_problem(name: str = "sparse", seed: int = 0) -> tuple[csr_array, NDArray[np.float64]]:
    """Return X in CSR format, with columns drawn with replacement, and y."""
    n, p, entries = SPARSE[name]
    rng = np.random.default_rng(seed)
    where = np.sort(rng.integers(p, size=(n, entries)), axis=1).ravel()
    starts = np.arange(0, n * entries + 1, entries)
    X = csr_array((rng.standard_normal(n * entries), where, starts), shape=(n, p))
    X.sum_duplicates()
    y = X @ rng.standard_normal(p) + rng.standard_normal(n)
    outliers = rng.choice(n, size=round(CONTAMINATION * n), replace=False)
    y[outliers] += 10.0 + rng.standard_normal(outliers.size)
    return X, y
