"""Compute the distance of a fit from the exact minimiser, independently of the library.

Both objectives are convex, so that a point is the minimiser exactly if the gradient is zero. Here
the gradient and the Hessian at the stored ``coef_``, ``intercept_`` and ``scale_`` are computed
from the formulas of the objectives, over the user's X and y, with 64-bit mantissas
(``numpy.longdouble`` on x86), and without calling the library. With e = y - Xw - b, psi = clip(e,
-t, t), t = delta sigma:

    fixed scale   F = sum s L_t(e) + alpha/2 |w|²          rows of sqrt(H): (x, 1), |e| <= t
    joint scale   F / sigma + kappa nu sigma               (x, 1, e/sigma) / sqrt(sigma)

The second holds without a penalty. With a penalty, sigma solves its own equation in the residuals,
with the effective number of parameters, and the coefficients minimise the first.

The distance is ``sqrt(g' H^-1 g) / sqrt(E psi² / E psi')``, in standard errors of the estimate.
"""

from typing import NamedTuple

import mpmath
import numpy as np
import pytest
import scipy.sparse as sp

Extended = np.longdouble

#: Unit roundoff of the arithmetic that is checked.
UNIT = float(np.finfo(np.float64).eps) / 2

requires_extended = pytest.mark.skipif(
    np.finfo(np.longdouble).nmant < 63,
    reason="numpy.longdouble has no more digits than float64 here",
)


class Distance(NamedTuple):
    """Distance of a point from the minimiser, and the error of computing it in float64."""

    coefficients: float  # standard errors; of w, b and sigma together where sigma is joint
    scale: float  # of a scale with an equation of its own, in its standard errors
    rounding: float  # provable bound on the error of the first in float64

    @property
    def total(self):
        return max(self.coefficients, self.scale)


def distance(model, X, y, sample_weight=None, rank=None):
    """Return the distance of a fitted model from the minimiser of its problem."""
    X, y, s = _extended(X, y, sample_weight)
    w, b, sigma = Extended(1) * model.coef_, Extended(model.intercept_), Extended(model.scale_)
    alpha = Extended(model.alpha)
    # With a penalty, sigma solves an equation of its own.
    joint, own = model.scale == "joint" and alpha == 0, model.scale == "joint" and alpha > 0
    t = Extended(model.delta_) * sigma
    e = y - X @ w - b
    psi, inside = np.clip(e, -t, t), np.abs(e) <= t
    # The distance does not depend on the origin of X. Rows centred at the mean lose no digits.
    Z = X - (s @ X) / s.sum() if model.fit_intercept else X
    # Both sides are in units of the columns: |w|² alpha becomes sum (alpha / size²) (size w)².
    size = np.where((size := np.abs(Z).max(axis=0, initial=0)) > 0, size, 1)
    Z, w_size = Z / size, w * size
    ridge = alpha / size**2
    has_b = int(model.fit_intercept)
    columns = [Z, np.ones((len(y), has_b), Extended)]
    gradient = [ridge * w_size - (s * psi) @ Z, np.full(has_b, -(s * psi).sum())]
    penalty = [np.diag(np.sqrt(ridge)), np.zeros((len(w), has_b), Extended)]
    if joint:  # the objective times sigma: gradient and Hessian have the factor, the distance not
        if rank is None:
            rank = np.linalg.matrix_rank(Z.astype(np.float64)) if alpha == 0 else 0
        nu = s.sum() * (1 - (has_b + rank) / observations(s))
        columns.append((e / sigma)[:, None])
        quadratic = (s * psi**2).sum()
        gradient.append([(two_kappa(model.delta_) * nu * sigma - quadratic / sigma) / 2])
    rows, g = np.hstack(columns), np.concatenate(gradient)
    root = np.sqrt(s)[:, None] * rows * inside[:, None]
    if alpha > 0:
        root = np.vstack((root, np.hstack(penalty)))
    R = triangular(root)
    if not _full_rank(R, np.abs(rows).max(axis=0)):
        # There are too few rows inside for a Hessian. The majorant of iterated least squares is
        # used, which is larger.
        weight = np.minimum(1, t / np.maximum(np.abs(e), np.finfo(Extended).tiny))
        if joint:
            rows[:, -1] *= inside
        root = np.vstack((np.sqrt(s * weight)[:, None] * rows, root[len(y) :]))
        R = triangular(root)
    # E psi² / E psi'. If no row is inside, one observation is assumed to be, as at a median.
    unit = s.sum() / observations(s)
    noise = np.sqrt(unit * (s * psi**2).sum() / max((s * inside).sum(), unit))
    of_scale = 0.0
    if model.scale == "mad":
        of_scale = _mad_distance(model, e, s, sigma)
    elif own:
        of_scale = _edf_distance(model, np.hstack(columns), ridge, e, s, sigma)
    return Distance(
        float(np.sqrt((solve_transposed(R, g) ** 2).sum()) / noise),
        of_scale,
        float(_rounding(R, rows, X, y, w, b, s, psi, t, e) / noise),
    )


def two_kappa(delta):
    """Return ``E min(Z², delta²)`` in closed form with forty digits; small deltas lose many."""
    if np.isinf(delta):
        return Extended(1)
    with mpmath.workdps(40):
        d = mpmath.mpf(float(delta))
        tail, density = mpmath.ncdf(-d), mpmath.npdf(d)
        return Extended(mpmath.nstr(1 - 2 * tail - 2 * d * density + 2 * d**2 * tail, 25))


def triangular(A):
    """Return R of a QR decomposition of A without pivoting, by Householder reflections."""
    R = A.copy()
    rows, columns = R.shape
    if rows < columns:
        R = np.vstack((R, np.zeros((columns - rows, columns), R.dtype)))
    for k in range(columns):
        v = R[k:, k].copy()
        norm = np.sqrt((v**2).sum())
        if norm == 0:
            continue
        v[0] += norm if v[0] >= 0 else -norm
        R[k:, k:] -= np.outer(v, (2 / (v**2).sum()) * (v @ R[k:, k:]))
        R[k + 1 :, k] = 0
    return R[:columns]


def solve_transposed(R, B):
    """Return ``R^-T B`` by forward substitution; zero pivots, from zero columns, give zero."""
    V = np.zeros(B.shape, R.dtype)
    for k in range(R.shape[0]):
        if R[k, k] != 0:
            V[k] = (B[k] - R[:k, k] @ V[:k]) / R[k, k]
    return V


def _extended(X, y, sample_weight):
    """Return the rows with a positive weight, in extended precision."""
    X = X.toarray() if sp.issparse(X) else np.asarray(X)
    s = np.ones(len(y)) if sample_weight is None else np.asarray(sample_weight)
    kept = s > 0
    return X[kept].astype(Extended), np.asarray(y)[kept].astype(Extended), s[kept].astype(Extended)


def _full_rank(R, sizes):
    """Whether R has a pivot for every column of X that is not zero."""
    norms = np.sqrt((R**2).sum(axis=0))
    return bool(np.all((np.abs(np.diagonal(R)) > 1e-16 * norms) | (sizes == 0)))


def observations(s):
    """Return the sum of the weights, or Kish's effective number of observations if larger."""
    return max(s.sum(), s.sum() ** 2 / (s**2).sum())


def effective_parameters(A, ridge, weights):
    """Return ``tr (A'WA + D)^-1 A'WA`` with the penalty ``ridge`` of the first columns of A."""
    D = np.zeros(A.shape[1], Extended)
    D[: len(ridge)] = ridge
    R = triangular(np.vstack((np.sqrt(weights)[:, None] * A, np.diag(np.sqrt(D)))))
    return A.shape[1] - (solve_transposed(R, np.diag(np.sqrt(D))) ** 2).sum()


def _edf_distance(model, A, ridge, e, s, sigma):
    """Return the difference of sigma from the root at these residuals, in standard errors.

    The root of  sum s min(e², (delta sigma)²) = 2 kappa nu sigma²  is found by bisection.
    """
    delta = Extended(min(model.delta_, 1e100))
    t = delta * sigma
    W = s * np.minimum(1, t / np.maximum(np.abs(e), np.finfo(Extended).tiny))
    nu = s.sum() * (1 - effective_parameters(A, ridge, W) / observations(s))
    target = two_kappa(model.delta_) * nu
    low, high = sigma / 2, sigma * 2
    for _ in range(200):
        middle = (low + high) / 2
        above = (s * np.minimum((e / middle) ** 2, delta**2)).sum() > target
        low, high = (middle, high) if above else (low, middle)
    # sd(chi) / E[u chi'(u)] with chi = min(u², delta²) / 2, by sums over a grid of the normal.
    z = np.linspace(-12, 12, 100_001)
    density = np.exp(-(z**2) / 2) / np.exp(-(z**2) / 2).sum()
    chi, slope = np.minimum(z**2, float(delta) ** 2) / 2, z**2 * (np.abs(z) <= float(delta))
    error = np.sqrt(density @ chi**2 - (density @ chi) ** 2) / (density @ slope)
    return float(abs(middle / sigma - 1) * np.sqrt(observations(s))) / error


def _mad_distance(model, e, s, sigma):
    """Return the difference of sigma and the MAD of the residuals, in standard errors of the MAD.

    At normal errors this standard error is sigma / (4 c phi(c) sqrt(n)), with c the upper quartile.
    """
    order = np.argsort(np.abs(e))
    absolute, cumulative = np.abs(e)[order], np.cumsum(s[order])
    k = np.searchsorted(cumulative, s.sum() / 2)
    median = absolute[k]
    if cumulative[k] == s.sum() / 2:
        median = (median + absolute[k + 1]) / 2
    c = float(mpmath.sqrt(2) * mpmath.erfinv(0.5))
    standard_error = 1 / (4 * c * float(mpmath.npdf(c)))
    return float(abs(median / (c * sigma) - 1) * np.sqrt(observations(s))) / standard_error


def _rounding(R, rows, X, y, w, b, s, psi, t, e):
    """Return a bound on the error of ``|R^-T g|`` when residuals and sums are computed in float64.

    A residual of p + 2 terms has an error of at most (p + 2) u (|y| + |b| + |x||w|), and psi has no
    larger one (none if it is clipped anyway). Row i enters the distance with the factor ``s_i
    sqrt(h_i)``, h_i = x_i' H^-1 x_i. A sum over n rows has an error of n u times the sum of the
    absolute terms, in each component of g. Both are bounds for the worst signs.
    """
    n, p = X.shape
    error = (p + 2) * UNIT * (np.abs(y) + np.abs(b) + np.abs(X) @ np.abs(w))
    error = np.where(np.abs(e) > t + error, UNIT * t, error)
    leverage = np.sqrt((solve_transposed(R, rows.T) ** 2).sum(axis=0))
    absolute = np.abs(s * psi) @ np.abs(rows)
    inverse = solve_transposed(R, np.eye(len(R), dtype=R.dtype))
    return s @ (error * leverage) + n * UNIT * np.sqrt(((np.abs(inverse) @ absolute) ** 2).sum())
