r"""The fast and robust bootstrap of MM-estimates.

An MM-estimate is a fixed point of iterated weighted least squares. A replicate makes only one step
of this iteration, with the weights of the fit. A linear correction then accounts for the remaining
steps:

    b* = [sum c w z z']^-1 sum c w z r,          sigma* = sigma (sum c rho_0 / (b nu sup rho_0) - 1)
    b^R = M b* - H^-1 c_1 sigma* / a,            M = H^-1 mean w z z',   H = mean psi' z z',
    c_1 = mean psi' u z,                         a = mean psi_0(u_0) u_0 / (b nu / n)

with c how often a row is drawn. Rows that the fit rejects have weight zero in every replicate, so
that a replicate does not break down earlier than the fit. Its cost is one Gram matrix.
(M. Salibian-Barrera, R. H. Zamar, "Bootstrapping robust estimates of regression", Ann. Statist. 30
(2002).)
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_random_state

from robustreg.inference.covariance import CovarianceEstimate
from robustreg.inference.mm_covariance import curvature, weight_matrix
from robustreg.inference.mm_fitted import FittedMM

__all__ = ["fast_bootstrap"]

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]

#: Number of replicates in a batch. The counts of a batch are an array with this many rows of length
#: n.
BATCH_ENTRIES = 2**21

#: A replicate is solved if the smallest eigenvalue of its whitened weighted Gram matrix exceeds the
#: first number. The second is the largest share of replicates that may fail.
SINGULAR, MOST_FAILURES = 1e-10, 0.05


def fast_bootstrap(
    fitted: FittedMM, *, n_bootstrap: int, groups: Any, random_state: Any
) -> CovarianceEstimate:
    """Estimate the covariance from replicates, which draw rows or groups of rows.

    Raises
    ------
    ValueError
        If the data are a Dask collection, if groups does not have one label per row, or if too many
        replicates have no solution.
    """
    if not fitted.design.in_memory:
        raise ValueError(
            'cov_type "bootstrap" needs the rows in memory, not in a Dask collection: use '
            '"avar1", or load the data with compute().'
        )
    seed = check_random_state(random_state).randint(np.iinfo(np.int32).max)
    rng = np.random.default_rng(seed)
    z = fitted.rows.transformed(fitted.whitening).take(np.arange(fitted.design.n_rows))
    steps, scales = _replicates(fitted, z, n_bootstrap, groups, rng)
    solved = np.isfinite(steps).all(axis=1)
    if np.mean(~solved) > MOST_FAILURES:
        raise ValueError(
            f"{np.mean(~solved):.0%} of the bootstrap replicates do not determine the "
            'coefficients: use cov_type="avar1" or "weighted", or more observations.'
        )
    moved = _corrected(fitted, steps[solved], scales[solved]) * fitted.point.scale
    return CovarianceEstimate(
        core=np.cov(moved, rowvar=False, ddof=1).reshape(2 * (fitted.n_parameters,)),
        back=fitted.whitening,
        root=fitted.whitening,
        degrees_of_freedom=fitted.degrees_of_freedom,
        description=f"fast and robust bootstrap, {n_bootstrap} replicates",
        replicates=fitted.theta + moved @ fitted.whitening.T,
    )


def _replicates(
    fitted: FittedMM, z: Matrix, number: int, groups: Any, rng: np.random.Generator
) -> tuple[Matrix, Vector]:
    """Return one step of each replicate, in units of sigma, and its relative change of scale."""
    u = fitted.standardized
    weight = fitted.loss.weight(u)
    rho = fitted.s_loss.rho(fitted.s_standardized)
    total = float(fitted.frequencies @ rho)
    steps, scales = np.full((number, z.shape[1]), np.nan), np.empty(number)
    size = max(1, BATCH_ENTRIES // z.shape[0])
    for begin in range(0, number, size):
        part = slice(begin, min(begin + size, number))
        counts = _counts(fitted, part.stop - part.start, groups, rng)
        scales[part] = counts @ rho / total - 1.0
        gradient = (counts * (weight * u)) @ z
        for i, line in enumerate(counts, start=part.start):
            gram = (z * (line * weight)[:, None]).T @ z
            values, vectors = np.linalg.eigh(gram)
            if values[0] > SINGULAR * values[-1]:
                steps[i] = vectors @ ((gradient[i - part.start] @ vectors) / values)
    return steps, scales


def _counts(fitted: FittedMM, size: int, groups: Any, rng: np.random.Generator) -> Matrix:
    """Draw how often each row occurs, with one row of the result per replicate."""
    s = fitted.frequencies
    if groups is None:
        number = max(1, round(fitted.n))
        return (
            rng.multinomial(number, s / s.sum(), size=size).astype(np.float64) * fitted.n / number
        )
    labels = np.asarray(groups)
    if labels.shape != s.shape:
        raise ValueError(
            f"groups has shape {labels.shape} for {s.size} rows: pass one label for each row."
        )
    names, index = np.unique(labels, return_inverse=True)
    if names.size < 2:
        raise ValueError("groups has one label for all rows: at least two groups are needed.")
    drawn = rng.multinomial(names.size, np.full(names.size, 1.0 / names.size), size=size)
    return drawn[:, index] * s


def _corrected(fitted: FittedMM, steps: Matrix, scales: Vector) -> Matrix:
    """Apply the linear correction for the remaining steps."""
    u, u0, n = fitted.standardized, fitted.s_standardized, fitted.n
    loss, s_loss = fitted.loss, fitted.s_loss
    inverse = np.linalg.inv(curvature(fitted) / n)
    M = inverse @ weight_matrix(fitted, loss.weight(u)) / n
    (coupling,) = fitted.rows.transformed(fitted.whitening).sum(
        lambda z, f: (f @ z,), fitted.frequencies * loss.psi_prime(u) * u
    )
    a = fitted.mean(s_loss.psi(u0) * u0) / fitted.mean(s_loss.rho(u0))
    return steps @ M.T - np.outer(scales / a, inverse @ coupling / n)
