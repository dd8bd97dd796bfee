"""Starts from the principal sensitivity components of Peña and Yohai.

Fit least squares to some rows. The prediction of row i changes by ``h_ij e_j / (1 - h_jj)`` when
row j is left out. These changes are the matrix ``H E`` with ``E = diag(e_j / (1 - h_jj))``, and the
principal components of its columns are the eigenvectors of

    E H H E = E H E = W W',      W = E Q,      Q an orthonormal basis of the columns,

of which k are not zero. They are the sensitivity components z = W v, with v an eigenvector of W'W.
Rows that mask one another lie together at one end of a component. Each component gives three
candidates: least squares without the rows at its upper end, at its lower end, and at both ends.

D. Peña, V. J. Yohai, "A fast procedure for outlier diagnostics in large regression problems", J.
Amer. Statist. Assoc. 94 (1999).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from robustreg.solvers.starts.sample import Sample

__all__ = ["deletions", "sensitivity_components"]

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]

#: Leverage above which the deleted residual of a row is a rounding error.
LARGEST_LEVERAGE = 1.0 - 1e-10


def sensitivity_components(sample: Sample, kept: NDArray[np.bool_]) -> Matrix | None:
    """Compute the components of the fit to some rows, of shape (k, kept rows).

    The largest eigenvalue is first. None if these rows do not determine the coefficients.
    """
    rows, response = sample.rows[kept], sample.response[kept]
    root = np.sqrt(sample.frequencies[kept])
    basis, factor = np.linalg.qr(rows * root[:, None])
    diagonal = np.abs(np.diagonal(factor))
    if rows.shape[0] < rows.shape[1] or not diagonal.min() > 1e-10 * diagonal.max():
        return None
    weighted = response * root
    residuals = (weighted - basis @ (basis.T @ weighted)) / root
    single = basis / root[:, None]
    # Only directions matter, so the sizes are divided out. The squares of far residuals overflow.
    residuals /= np.abs(residuals).max(initial=0.0) or 1.0
    leverage = np.minimum(np.einsum("ij,ij->i", single, single), LARGEST_LEVERAGE)
    change = single * (residuals / (1.0 - leverage))[:, None]
    change /= np.abs(change).max(initial=0.0) or 1.0
    moments = change * root[:, None]
    _, vectors = np.linalg.eigh(moments.T @ moments)
    return (change @ vectors[:, ::-1]).T


def deletions(
    components: Matrix, kept: NDArray[np.bool_], frequencies: Vector, shares: Sequence[float]
) -> Matrix:
    """Return weights of 0 or 1, one line for each component, share and choice of ends.

    Parameters
    ----------
    components : array of shape (q, kept rows)
    kept : array of shape (n,) of bool
    frequencies : array of shape (n,)
    shares : sequence of float
        The shares of the total weight of the rows that are deleted.

    Returns
    -------
    array of shape (3 * q * len(shares), n)
    """
    orders = np.concatenate((components, -components, np.abs(components)))
    counts = frequencies[kept]
    equal = bool(np.all(counts == counts[:1]))
    order = None if equal else np.argsort(orders, axis=1, kind="stable")
    parts = []
    for share in shares:
        mask = np.zeros((orders.shape[0], kept.size))
        if order is None:
            last = max(1, round((1.0 - share) * orders.shape[1])) - 1
            limit = np.partition(orders, last, axis=1)[:, last]
            mask[:, kept] = orders <= limit[:, None]
        else:
            below = np.cumsum(counts[order], axis=1)
            chosen = below <= (1.0 - share) * below[:, -1:] * (1.0 + 1e-9)
            index = np.flatnonzero(kept)[order]
            np.put_along_axis(mask, index, chosen.astype(np.float64), axis=1)
        parts.append(mask)
    return np.concatenate(parts)
