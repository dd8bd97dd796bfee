"""Random subsets of as many rows as coefficients, none of them singular.

M. Koller, W. A. Stahel, "Nonsingular subsampling for regression S estimators with categorical
predictors", Comput. Statist. 32 (2017): rows are taken in a random order, and one that depends on
those before it is passed over. Dummies that occur in few rows then spoil no subset.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from robustreg.solvers.starts.sample import Sample

__all__ = ["subset_fits"]

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]

#: Length that a row has across those before it, of its own, below which it depends on them.
DEPENDENT = 1e-7

#: Largest coefficient of a plane through a subset with rows of length one and right sides of 1 and
#: -1, beyond which the subset may be singular.
DOUBTFUL = 1e5

#: Numbers in the arrays of the subsets that are completed together.
TOGETHER = 2**21


def subset_fits(sample: Sample, n_subsets: int, rng: np.random.Generator) -> Matrix:
    """Coefficients of the planes through random subsets, of shape (n_subsets, k)."""
    n, k = sample.shape
    share = None
    if sample.weights is not None:
        share = sample.weights / sample.weights.sum()
    index = _drawn(n, k, n_subsets, share, rng)
    rows, response = sample.rows[index], sample.response[index]
    fits, doubtful = _planes(rows, response)
    singular = doubtful[_is_singular(rows[doubtful])]
    if singular.size:
        index = _nonsingular(sample.rows, singular.size, share, rng)
        rows[singular], response[singular] = sample.rows[index], sample.response[index]
    again = singular if fits.size else np.arange(n_subsets)
    fits = fits if fits.size else np.empty(response.shape)
    fits[again] = np.linalg.solve(rows[again], response[again][:, :, None])[:, :, 0]
    return fits


def _planes(rows: NDArray[np.float64], response: Matrix) -> tuple[Matrix, NDArray[np.intp]]:
    """Fits, none where a matrix is exactly singular, and which matrices may be singular."""
    lengths = np.sqrt(np.einsum("mij,mij->mi", rows, rows))
    signs = np.where(np.arange(rows.shape[2]) % 3, 1.0, -1.0)
    try:
        solved = np.linalg.solve(rows, np.stack((response, lengths * signs), axis=2))
    except np.linalg.LinAlgError:
        return np.empty((0, rows.shape[2])), np.arange(rows.shape[0])
    doubtful = ~(np.abs(solved[:, :, 1]).max(axis=1) <= DOUBTFUL)
    return np.ascontiguousarray(solved[:, :, 0]), np.flatnonzero(doubtful)


def _drawn(
    n: int, k: int, n_subsets: int, share: Vector | None, rng: np.random.Generator
) -> NDArray[np.intp]:
    if share is None and k * k < n:
        # Draw with replacement, and again where a row occurs twice: cheaper than permutations.
        index = np.empty((n_subsets, k), dtype=np.intp)
        again = np.arange(n_subsets)
        while again.size:
            index[again] = rng.integers(0, n, size=(again.size, k))
            ordered = np.sort(index[again], axis=1)
            again = again[(ordered[:, 1:] == ordered[:, :-1]).any(axis=1)]
        return index
    return _orders(n, n_subsets, share, rng)[:, :k]


def _orders(
    n: int, n_orders: int, share: Vector | None, rng: np.random.Generator
) -> NDArray[np.intp]:
    """Random orders of the rows, those of large weight early: exponential times of arrival."""
    times = rng.exponential(size=(n_orders, n))
    return np.argsort(times if share is None else times / share, axis=1)


def _is_singular(rows: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether a row depends on those before it, for each of several square matrices."""
    factor = np.linalg.qr(np.swapaxes(rows, 1, 2), mode="r")
    across = np.abs(np.einsum("mii->mi", factor))
    singular: NDArray[np.bool_] = ~(across > DEPENDENT * np.linalg.norm(rows, axis=2)).all(axis=1)
    return singular


def _nonsingular(
    rows: Matrix, n_subsets: int, share: Vector | None, rng: np.random.Generator
) -> NDArray[np.intp]:
    """Subsets whose rows are the first in a random order that do not depend on those before."""
    n, k = rows.shape
    lengths = np.linalg.norm(rows, axis=1)
    many = max(1, TOGETHER // (n * k))
    chosen = np.empty((n_subsets, k), dtype=np.intp)
    for begin in range(0, n_subsets, many):
        part = slice(begin, min(begin + many, n_subsets))
        m = part.stop - part.start
        rank = np.argsort(_orders(n, m, share, rng), axis=1)
        left = np.broadcast_to(rows, (m, n, k)).copy()
        for step in range(k):
            free = np.linalg.norm(left, axis=2) > DEPENDENT * lengths
            first = np.argmin(np.where(free, rank, n), axis=1)
            chosen[part, step] = first
            pivot = left[np.arange(m), first]
            pivot = pivot / np.linalg.norm(pivot, axis=1, keepdims=True)
            left -= np.einsum("mnk,mk->mn", left, pivot)[:, :, None] * pivot[:, None, :]
    return chosen
