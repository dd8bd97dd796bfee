"""Random nonsingular subsets with as many rows as coefficients.

Rows are added in a random order, and a row is skipped if it depends on those before it (M. Koller,
W. A. Stahel, "Nonsingular subsampling for regression S estimators with categorical predictors",
Comput. Statist. 32, 2017). Otherwise dummies of rare categories would make many subsets singular.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from robustreg.solvers.starts.sample import Sample

__all__ = ["subset_fits"]

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]

#: A row of length 1 depends on those before it if its part orthogonal to them is shorter than this.
DEPENDENT = 1e-7

#: A subset may be singular if a plane through it, with rows of length 1 and right sides of size 1,
#: has a coefficient larger than the first number, or misses a row by more than the second.
DOUBTFUL, MISSED = 1e5, 1e-4

#: Most numbers in the arrays of subsets that are computed together.
TOGETHER = 2**21


def subset_fits(sample: Sample, n_subsets: int, rng: np.random.Generator) -> Matrix:
    """Return the coefficients of planes through random subsets, of shape (n_subsets, k)."""
    n, k = sample.shape
    share = None
    if sample.weights is not None:
        share = sample.weights / sample.weights.sum()
    index = _drawn(n, k, n_subsets, share, rng)
    # Rows get length 1, since elimination of rows of very different sizes can have a zero pivot.
    lengths = np.linalg.norm(sample.rows, axis=1)
    lengths[lengths == 0.0] = 1.0
    rows, response = sample.rows / lengths[:, None], sample.response / lengths
    fits, doubtful = _planes(rows[index], response[index])
    singular = doubtful[_is_singular(rows[index[doubtful]])]
    if singular.size:
        other = _nonsingular(rows, singular.size, share, rng)
        fits[singular] = _planes(rows[other], response[other])[0]
    return fits


def _planes(rows: NDArray[np.float64], response: Matrix) -> tuple[Matrix, NDArray[np.intp]]:
    """Solve for planes through the rows, and return which matrices may be singular."""
    # With an irregular right side, a singular matrix has no solution, or a large one.
    probe = np.broadcast_to(np.cos(np.arange(rows.shape[2]) ** 2), response.shape)
    right = np.stack((response, probe), axis=2)
    try:
        solved = np.linalg.solve(rows, right)
    except np.linalg.LinAlgError:  # if one is singular, none is solved
        solved = np.linalg.pinv(rows) @ right
    doubtful = ~(np.abs(solved[:, :, 1]).max(axis=1) <= DOUBTFUL)
    # With the pseudo-inverse of a singular matrix, coefficients are small, but rows are missed.
    doubtful |= ~(np.abs(rows @ solved[:, :, 1:] - right[:, :, 1:]).max(axis=(1, 2)) <= MISSED)
    return np.ascontiguousarray(solved[:, :, 0]), np.flatnonzero(doubtful)


def _drawn(
    n: int, k: int, n_subsets: int, share: Vector | None, rng: np.random.Generator
) -> NDArray[np.intp]:
    if share is None and k * k < n:
        # Drawing with replacement, and again if a row occurs twice, is cheaper than permuting.
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
    """Random orders of the rows, by exponential times whose rates are the weights."""
    times = rng.exponential(size=(n_orders, n))
    return np.argsort(times if share is None else times / share, axis=1)


def _is_singular(rows: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether a row of length 1 depends on those before it, for each matrix."""
    factor = np.linalg.qr(np.swapaxes(rows, 1, 2), mode="r")
    across = np.abs(np.einsum("mii->mi", factor))
    singular: NDArray[np.bool_] = ~(across > DEPENDENT).all(axis=1)
    return singular


def _nonsingular(
    rows: Matrix, n_subsets: int, share: Vector | None, rng: np.random.Generator
) -> NDArray[np.intp]:
    """Draw subsets of the first rows in a random order that do not depend on those before."""
    n, k = rows.shape
    many = max(1, TOGETHER // (n * k))
    chosen = np.empty((n_subsets, k), dtype=np.intp)
    for begin in range(0, n_subsets, many):
        part = slice(begin, min(begin + many, n_subsets))
        m = part.stop - part.start
        rank = np.argsort(_orders(n, m, share, rng), axis=1)
        left = np.broadcast_to(rows, (m, n, k)).copy()
        for step in range(k):
            free = np.linalg.norm(left, axis=2) > DEPENDENT
            first = np.argmin(np.where(free, rank, n), axis=1)
            chosen[part, step] = first
            pivot = left[np.arange(m), first]
            pivot = pivot / np.linalg.norm(pivot, axis=1, keepdims=True)
            left -= np.einsum("mnk,mk->mn", left, pivot)[:, :, None] * pivot[:, None, :]
    return chosen
