"""Robust distances of the rows of X from their centre, by the minimum covariance determinant."""

from __future__ import annotations

import warnings
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from scipy.sparse import issparse
from sklearn.covariance import MinCovDet

__all__ = ["RobustDistances", "robust_distances"]

Vector = NDArray[np.float64]

#: Probability with which a normal row is nearer than the cut-off (Rousseeuw and van Zomeren 1990).
LEVEL = 0.975

#: Rows from which centre and covariance are estimated; all where there are fewer.
MOST_ROWS = 5000

#: Part of its largest deviation that a column must have as its MAD to have a spread.
NO_SPREAD = 1e-12


class RobustDistances(NamedTuple):
    """Distances of rows, and from where on a row is far.

    Attributes
    ----------
    values : array of shape (n_samples,)
        NaN where no covariance could be estimated.
    cutoff : float
        Root of the 97.5 % quantile of chi-squared.
    used : array of int
        Columns that are measured: of the others most entries are equal.
    note : str
        What a reader must know; empty if nothing.
    """

    values: Vector
    cutoff: float
    used: NDArray[np.intp]
    note: str


def robust_distances(
    X: Any, frequencies: Vector | None = None, random_state: Any = 0
) -> RobustDistances:
    """Mahalanobis distances with scikit-learn's ``MinCovDet``.

    Columns of which half of the entries are equal, as dummies, are left out: half of the rows then
    have no covariance. Rows of frequency zero are measured, and others count once.

    Parameters
    ----------
    X : array or sparse matrix of shape (n_samples, n_features)
    frequencies : array of shape (n_samples,), optional
    random_state : int, RandomState instance or None
        Of ``MinCovDet``'s subsets.

    References
    ----------
    P. J. Rousseeuw, B. C. van Zomeren, "Unmasking multivariate outliers and leverage points", J.
    Amer. Statist. Assoc. 85 (1990).
    """
    X = X.toarray() if issparse(X) else np.asarray(X)
    X = X.astype(np.float64, copy=False)
    counted = np.arange(X.shape[0]) if frequencies is None else np.flatnonzero(frequencies > 0.0)
    rows = X[counted[:: max(1, counted.size // MOST_ROWS)]]
    center = np.median(rows, axis=0)
    size = np.abs(rows - center)
    deviation = np.median(size, axis=0)
    used = np.flatnonzero(deviation > NO_SPREAD * size.max(axis=0, initial=0.0))
    note = ""
    if used.size < X.shape[1]:
        note = (
            f"{X.shape[1] - used.size} of {X.shape[1]} columns have equal entries in half of the "
            "rows and are not in the robust distances."
        )
    cutoff = float(np.sqrt(stats.chi2.ppf(LEVEL, max(1, used.size))))
    values = np.full(X.shape[0], np.nan)
    if not used.size or rows.shape[0] <= 2 * used.size:
        note = "Robust distances need columns with a spread, and twice as many rows as columns."
        return RobustDistances(values, cutoff, used, note)
    scaled = (rows[:, used] - center[used]) / deviation[used]
    with warnings.catch_warnings():
        # A covariance that is nearly singular has distances all the same.
        warnings.filterwarnings("ignore", category=UserWarning)
        warnings.filterwarnings("ignore", category=RuntimeWarning)
        estimate = MinCovDet(random_state=random_state).fit(scaled)
    squares = estimate.mahalanobis((X[:, used] - center[used]) / deviation[used])
    return RobustDistances(np.sqrt(np.maximum(squares, 0.0)), cutoff, used, note)
