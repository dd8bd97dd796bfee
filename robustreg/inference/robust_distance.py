"""Robust distances of the rows of X from their centre (minimum covariance determinant)."""

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

#: Probability that a normal row is nearer than the cutoff (Rousseeuw and van Zomeren 1990).
LEVEL = 0.975

#: The most rows from which centre and covariance are estimated.
MOST_ROWS = 5000

#: The most concentration steps; usually five to ten are enough.
MOST_STEPS = 50

#: A column has a spread if its MAD exceeds this share of its largest deviation.
NO_SPREAD = 1e-12


class RobustDistances(NamedTuple):
    """Distances of rows, and the cutoff beyond which a row counts as far.

    Attributes
    ----------
    values : array of shape (n_samples,)
        NaN if no covariance could be estimated.
    cutoff : float
        Square root of the 97.5 % quantile of chi-squared.
    used : array of int
        Columns that the distances use. At least half of the entries of each other column are equal.
    note : str
        Note for the user, or an empty string.
    """

    values: Vector
    cutoff: float
    used: NDArray[np.intp]
    note: str


def robust_distances(
    X: Any,
    frequencies: Vector | None = None,
    random_state: Any = 0,
    *,
    trusted: NDArray[np.bool_] | None = None,
) -> RobustDistances:
    """Compute Mahalanobis distances with scikit-learn's ``MinCovDet`` [1]_.

    Columns in which half of the entries are equal, such as dummy variables, are left out, because
    half of the rows may have a singular covariance in them. Rows with frequency zero get a distance
    but do not enter the estimate. All other rows count once.

    Parameters
    ----------
    X : array or sparse matrix of shape (n_samples, n_features)
    frequencies : array of shape (n_samples,), optional
    random_state : int, RandomState instance or None
        Source of the random subsets of ``MinCovDet``.
    trusted : array of bool of shape (n_samples,), optional
        Rows that a robust fit has not rejected. They are used as one more start. With 30 columns
        and a cluster of 25 % of the rows, none of ``MinCovDet``'s random starts leads to the
        smallest determinant.

    References
    ----------
    .. [1] P. J. Rousseeuw, B. C. van Zomeren, "Unmasking multivariate outliers and leverage
       points", J. Amer. Statist. Assoc. 85 (1990).
    """
    X = X.toarray() if issparse(X) else np.asarray(X)
    X = X.astype(np.float64, copy=False)
    counted = np.arange(X.shape[0]) if frequencies is None else np.flatnonzero(frequencies > 0.0)
    chosen = counted[:: max(1, counted.size // MOST_ROWS)]
    rows = X[chosen]
    center = np.median(rows, axis=0)
    size = np.abs(rows - center)
    deviation = np.median(size, axis=0)
    used = np.flatnonzero(deviation > NO_SPREAD * size.max(axis=0, initial=0.0))
    note = ""
    if used.size < X.shape[1]:
        note = (
            f"{X.shape[1] - used.size} of {X.shape[1]} columns have equal entries in half of the "
            "rows. The robust distances do not use them."
        )
    cutoff = float(np.sqrt(stats.chi2.ppf(LEVEL, max(1, used.size))))
    values = np.full(X.shape[0], np.nan)
    if not used.size or rows.shape[0] <= 2 * used.size:
        note = "Robust distances need columns with a spread, and twice as many rows as columns."
        return RobustDistances(values, cutoff, used, note)
    scaled = (rows[:, used] - center[used]) / deviation[used]
    with warnings.catch_warnings():
        # Distances can be computed even if the covariance is nearly singular.
        warnings.filterwarnings("ignore", category=UserWarning)
        warnings.filterwarnings("ignore", category=RuntimeWarning)
        estimate = MinCovDet(random_state=random_state).fit(scaled)
        if trusted is not None:
            _improve(estimate, scaled, trusted[chosen])
    squares = estimate.mahalanobis((X[:, used] - center[used]) / deviation[used])
    return RobustDistances(np.sqrt(np.maximum(squares, 0.0)), cutoff, used, note)


def _improve(estimate: MinCovDet, rows: NDArray[np.float64], trusted: NDArray[np.bool_]) -> None:
    """Replace the estimate if concentration steps from trusted rows reach a smaller determinant.

    Each step keeps the rows nearest to the current centre (P. J. Rousseeuw, K. Van Driessen,
    Technometrics 41 (1999)). Both estimates use the same number of rows.
    """
    half = int(np.count_nonzero(estimate.raw_support_))
    support = trusted
    if np.count_nonzero(support) <= rows.shape[1]:
        return
    for _ in range(MOST_STEPS):
        center, covariance = rows[support].mean(axis=0), np.cov(rows[support], rowvar=False)
        away = rows - center
        solved = np.linalg.lstsq(np.atleast_2d(covariance), away.T, rcond=None)[0]
        squares = np.einsum("ij,ji->i", away, solved)
        last, support = support, np.zeros(rows.shape[0], dtype=bool)
        support[np.argsort(squares, kind="stable")[:half]] = True
        if np.array_equal(last, support):
            break
    covariance = np.atleast_2d(np.cov(rows[support], rowvar=False, ddof=0))
    own, theirs = (
        np.linalg.slogdet(matrix)[1] for matrix in (covariance, estimate.raw_covariance_)
    )
    if not np.isfinite(own) or own >= theirs:
        return
    estimate.raw_location_ = estimate.location_ = rows[support].mean(axis=0)
    estimate.raw_covariance_ = estimate.covariance_ = covariance
    estimate.raw_support_ = estimate.support_ = support
    away = rows - estimate.location_
    estimate.dist_ = np.einsum("ij,ji->i", away, np.linalg.solve(covariance, away.T))
    estimate.correct_covariance(rows)
    estimate.reweight_covariance(rows)
