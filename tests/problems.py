"""Regression problems with any condition number for the tests."""

import numpy as np
import scipy.sparse as sp


def conditioned(rng, n, p, *, cond=1.0, spread=1.0, offset=0.0, contamination=0.0, density=1.0):
    """Return X and y with unit noise, where the second column nearly equals the first.

    The two differ by a part of 1/cond. ``spread`` is the ratio of the columns' scales, which
    equilibration removes; it does not remove ``cond``. The signal in each direction has the size of
    the noise, so that the coefficients of the two similar columns have the size of cond.
    """
    Z = rng.normal(size=(n, p)) * (rng.random((n, p)) < density) + offset
    X = Z.copy()
    if p > 1:
        X[:, 1] = Z[:, 0] + (Z[:, 1] - offset) / cond
    X *= np.geomspace(1.0, spread, p)
    y = (Z - offset) @ rng.normal(size=p) + rng.normal(size=n)
    outliers = rng.permutation(n)[: int(contamination * n)]
    y[outliers] += rng.choice([-1.0, 1.0, 1.0], outliers.size) * 10 ** rng.uniform(
        0.7, 4.0, outliers.size
    )
    return X, y


def plain(rng, n=60, p=3, contamination=0.1):
    """Return a well-conditioned problem with outliers of both signs."""
    X, y = conditioned(rng, n, p, contamination=contamination)
    return X + rng.normal(size=p), y + 3.0


def sparse_formats():
    """Return sparse classes and index types that X may have."""
    return [
        (kind, index)
        for kind in (
            sp.csr_array,
            sp.csc_array,
            sp.coo_array,
            sp.csr_matrix,
            sp.csc_matrix,
            sp.coo_matrix,
        )
        for index in (np.int32, np.int64)
    ]
