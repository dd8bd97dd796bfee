"""Estimating equations of many replicates and their derivatives, by large matrix products."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from robustreg.inference.sample import Sample
from robustreg.tuning import kappa

__all__ = ["inverse_derivative", "scores"]

Single = NDArray[np.float32]
Matrix = NDArray[np.float64]
Vector = NDArray[np.float64]

#: Number of entries in a block of products of two columns.
PAIR_ENTRIES = 2**18

#: J* counts as singular if the ratio of its smallest and largest eigenvalue is below this.
SINGULAR = 1e-6


def scores(sample: Sample, s: Single, residuals: Single, delta: Vector) -> Matrix:
    """Return ``(sum s psi z, sum s psi²/2 - kappa nu*)``. This may overwrite the residuals."""
    bound = _bound(delta, residuals)
    if residuals.shape[0] == 1:  # all replicates share the residuals, so one product is enough
        psi = np.clip(residuals[0], -bound, bound)
        sums = s @ np.column_stack((psi[:, None] * sample.z, psi**2))
        products, squares = sums[:, :-1], sums[:, -1]
    else:
        psi = np.clip(residuals, -bound, bound, out=residuals)
        weighted = psi if s.shape[0] == 1 and np.all(s == 1.0) else s * psi
        products = weighted @ sample.z
        squares = np.einsum("rn,rn->r", weighted, psi)
    if not sample.unknown:
        return products.astype(np.float64)
    freedom = s.sum(axis=1, dtype=np.float64) - sample.z.shape[1]
    factors = np.array([kappa(each) for each in delta.tolist()])
    return np.column_stack((products, 0.5 * squares - factors * freedom))


def inverse_derivative(
    sample: Sample, s: Single, residuals: Single, delta: Vector, mu: float = 0.0
) -> Matrix:
    """Return J*^-1 of every replicate; NaN if J* is singular."""
    k = sample.z.shape[1]
    first, second = np.triu_indices(k + sample.unknown)
    sizes, bound = np.abs(residuals), _bound(delta, residuals)
    inside = (sizes <= bound).astype(np.float32)
    own = residuals.shape[0] > 1
    # If all replicates share the residuals, treat them as one more column of z.
    weights = s * inside if own else s
    curvature = weights
    if mu:
        outside = np.float32(mu) * bound / np.maximum(sizes, bound)
        curvature = s * np.where(sizes <= bound, np.float32(1.0), outside)
    entries = np.zeros((weights.shape[0], first.size))
    size = max(16, PAIR_ENTRIES // first.size)
    for start in range(0, sample.u.size, size):
        rows = slice(start, start + size)
        z = sample.z[rows]
        if sample.unknown:
            z = np.column_stack((z, np.zeros_like(z[:, 0]) if own else residuals[0, rows]))
        pairs = z[:, first]
        pairs *= z[:, second]
        if not own:
            pairs *= inside[0, rows, None]
        entries += curvature[:, rows] @ pairs
    J = np.empty((weights.shape[0], k + sample.unknown, k + sample.unknown))
    J[:, first, second] = J[:, second, first] = entries
    if own and sample.unknown:
        weights *= residuals
        J[:, :k, k] = J[:, k, :k] = weights @ sample.z
        J[:, k, k] = np.einsum("rn,rn->r", weights, residuals)
    return _inverses(J)


def _bound(delta: Vector, residuals: Single) -> Any:
    """Return the thresholds of replicates, as a single number if they are equal."""
    if residuals.shape[0] == 1 or np.all(delta == delta[0]):
        return np.float32(delta[0])
    return delta[:, None].astype(np.float32)


def _inverses(J: Matrix) -> Matrix:
    # Replicates that diverge have NaN, for which LAPACK raises an error.
    known = np.asarray(np.isfinite(J).all(axis=(1, 2), keepdims=True))
    values, vectors = np.linalg.eigh(np.where(known, J, 0.0))
    values[values[:, 0] <= SINGULAR * values[:, -1]] = np.nan
    return (vectors / values[:, None, :]) @ vectors.transpose(0, 2, 1)
