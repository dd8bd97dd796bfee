"""Standard errors of many responses at once.

The formulas are those of :mod:`robustreg.inference.covariance`, :mod:`robustreg.inference.sandwich`
and :mod:`robustreg.inference.cluster`, with sums over rows written as matrix products. If the
errors of a response cannot be computed, they are NaN.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from robustreg.inference.cluster import LARGEST_SHARE
from robustreg.inference.covariance import SKEWED, Coupling, coupled_excess, scale_coupling
from robustreg.inference.equations import SMALLEST_SCHUR, determines_scale
from robustreg.inference.interpolation import (
    REFUSED,
    interpolated_part,
    is_small_threshold,
    windowed_share,
)
from robustreg.inference.leverage import DECISIVE
from robustreg.inference.response_block import OrthonormalRows, ResponseResiduals, ResponsesFit
from robustreg.inference.scale_equations import RowTerms

__all__ = [
    "Groups",
    "cluster_errors",
    "distance_to_solution",
    "huber_errors",
    "sandwich_errors",
]

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]
Stack = NDArray[np.float64]

#: The rows within the threshold determine the coefficients in double precision if the ratio of the
#: extreme eigenvalues of ``sum s psi' z z'`` is above this. (The same sum over all rows is I.)
SMALLEST_EIGENVALUE = 1e-10


class Groups(NamedTuple):
    """Groups of rows, numbered from 0 to n_groups - 1."""

    numbers: NDArray[np.intp]
    n_groups: int


def huber_errors(
    fit: ResponsesFit, kind: str, ddof: int, coupling: Coupling
) -> tuple[Matrix, Vector]:
    """Return standard errors by H1, H2 or H3, of shape (k, B), and degrees of freedom."""
    n, k = fit.n, fit.n_parameters
    m, K = fit.moments.inside, np.ones(n.size)
    small = is_small_threshold(fit) if kind == "H1" else np.zeros(n.size, dtype=bool)
    with np.errstate(divide="ignore", invalid="ignore"):
        K = np.where(small, 1.0, 1.0 + k / n * (m * (1.0 - m) * n / (n - ddof)) / m**2)
        m = np.where(small, _density_shares(fit, small), m)
        S = fit.moments.psi_square * n / (n - k)
        if kind == "H1":
            inverse, center, counted = fit.gram_inverse, fit.total, n
            variance = K**2 * S / m**2 * _diagonal(fit, inverse)
        else:
            inverse, center, counted = _inverse_inside(fit), _total_inside(fit), n * m
            if kind == "H2":
                variance = K * S / m * _diagonal(fit, inverse)
            else:
                middle = inverse @ np.linalg.inv(fit.gram_inverse) @ inverse
                variance = S / K * _diagonal(fit, middle)
        direction = np.einsum("bij,jb->ib", _of_all(fit, inverse), center)
        tau = np.einsum("ib,ib->b", center, direction) / counted
        excess = _excess(fit, coupling, tau, m, small)
        variance = variance + K**2 / (n - k) * excess * (fit.rows.change @ direction) ** 2
    if kind != "H1":
        variance = np.where(_is_interpolated(fit), np.nan, variance)
    return _errors(fit, variance), n - k


def sandwich_errors(fit: ResponsesFit, kind: str) -> tuple[Matrix, Vector]:
    """Return standard errors by HC0, HC1, HC2 or HC3, and degrees of freedom."""
    rows, n, k = fit.residuals, fit.n, fit.n_parameters
    psi = rows.psi
    if kind in ("HC2", "HC3"):
        leverage = rows.inside * fit.rows.quadratic(_inverse_inside(fit))
        psi = psi * (1.0 - np.minimum(leverage, DECISIVE)) ** (-0.5 if kind == "HC2" else -1.0)
    s, score = rows.frequencies, fit.coupled_equation.terms(rows).score
    meat = np.empty((n.size, k + 1, k + 1))
    meat[:, :k, :k] = fit.rows.gram(s * psi**2)
    meat[:, :k, k] = meat[:, k, :k] = (fit.rows.z.T @ (s * psi * score)).T
    meat[:, k, k] = rows.sum(score**2)
    lines = fit.rows.change @ _inverse_bread(fit)[:, :k]
    variance = np.einsum("bij,bjk,bik->ib", lines, meat, lines, optimize=True)
    if kind == "HC1":
        variance = variance * n / (n - k)
    return _errors(fit, np.where(_is_interpolated(fit), np.nan, variance)), n - k


def cluster_errors(fit: ResponsesFit, kind: str, groups: Groups) -> tuple[Matrix, Vector]:
    """Return standard errors by CR1 or CR3, and degrees of freedom."""
    n, k, change = fit.n, fit.n_parameters, fit.rows.change
    terms = fit.coupled_equation.terms(fit.residuals)
    inverse, whole = _inverse_bread(fit), _bread(fit.rows, fit.residuals, terms)
    variance, G = np.zeros((k, n.size)), np.zeros(n.size)
    for group in range(groups.n_groups):
        index = np.flatnonzero(groups.numbers == group)
        rows, residuals = fit.rows.take(index), fit.residuals.take(index)
        own = RowTerms(*(term[index] for term in terms))
        s = residuals.frequencies
        G += s.sum(axis=0) > 0.0
        scores = np.vstack((rows.z.T @ (s * residuals.psi), residuals.sum(own.score))).T
        if kind == "CR1":
            step = np.einsum("bij,bj->bi", inverse, scores)
        else:
            part = _bread(rows, residuals, own)
            rest = np.where(_is_decisive(fit, part)[:, None, None], np.nan, whole - part)
            step = _solved(rest, scores)
        variance += (change @ step[:, :k].T) ** 2
    with np.errstate(divide="ignore", invalid="ignore"):
        factor = G / (G - 1) * (n - 1) / (n - k) if kind == "CR1" else (G - 1) / G
    variance = np.where(_is_interpolated(fit) | (G < 2), np.nan, factor * variance)
    return _errors(fit, variance), np.maximum(G - 1.0, 1.0)


def distance_to_solution(fit: ResponsesFit) -> tuple[Vector, Vector]:
    """Return how far coefficients and scales are from solving their equations.

    Both distances are in standard errors. They are large for data of another fit.
    """
    gradient = fit.rows.z.T @ (fit.residuals.frequencies * fit.residuals.psi)
    with np.errstate(divide="ignore", invalid="ignore"):
        step = np.einsum("bij,jb->ib", _of_all(fit, fit.gram_inverse), gradient)
        distance = np.sqrt(np.einsum("ib,ib->b", gradient, step) / fit.moments.psi_square)
        solved = fit.equation.solution(fit)
    return distance, np.abs(solved - 1.0) / fit.equation.standard_error()


# -- parts of the formulas ------------------------------------------------------------------------


def _errors(fit: ResponsesFit, variance: Matrix) -> Matrix:
    with np.errstate(invalid="ignore"):
        return np.asarray(fit.scale * np.sqrt(variance))


def _of_all(fit: ResponsesFit, matrices: Stack) -> Stack:
    """Return one matrix per response, also if all responses share a single one."""
    return np.broadcast_to(matrices, (fit.n.size, *matrices.shape[1:]))


def _diagonal(fit: ResponsesFit, core: Stack) -> Matrix:
    """Return the diagonals of ``A core A'``, of shape (k, B) or (k, 1)."""
    change = fit.rows.change
    return np.einsum("ij,bjk,ik->ib", change, core, change, optimize=True)


def _is_interpolated(fit: ResponsesFit) -> NDArray[np.bool_]:
    """Return whether half of the rows within the threshold are interpolated."""
    with np.errstate(divide="ignore"):
        return np.asarray(interpolated_part(fit) >= REFUSED)


def _density_shares(fit: ResponsesFit, small: NDArray[np.bool_]) -> Vector:
    """Return m_0 of the responses with a small threshold; NaN if it is not positive."""
    shares = np.full(small.size, np.nan)
    if small.any():
        shares[small] = windowed_share(fit.take(np.flatnonzero(small)))[0]
    return shares


def _excess(
    fit: ResponsesFit, coupling: Coupling, tau: Vector, m: Vector, small: NDArray[np.bool_]
) -> Vector:
    if coupling is False:
        return np.zeros(fit.n.size)
    at = scale_coupling(fit)
    excess = coupled_excess(at, tau, m, fit.n, small)
    return np.where(np.abs(at.z) > SKEWED, excess, 0.0) if coupling == "auto" else excess


def _total_inside(fit: ResponsesFit) -> Matrix:
    return fit.rows.z.T @ (fit.residuals.frequencies * fit.residuals.inside)


def _inverse_inside(fit: ResponsesFit) -> Stack:
    """Return inverses of ``sum s psi' z z'``; NaN if it is singular to double precision."""
    W = fit.curvature_inside
    values = np.linalg.eigvalsh(W)
    good = values[:, 0] > SMALLEST_EIGENVALUE * values[:, -1]
    inverse = np.full_like(W, np.nan)
    inverse[good] = np.linalg.inv(W[good])
    return inverse


def _bread(rows: OrthonormalRows, residuals: ResponseResiduals, terms: RowTerms) -> Stack:
    """Return J of :mod:`robustreg.inference.equations` for some rows."""
    s, k = residuals.frequencies, rows.n_parameters
    J = np.empty((residuals.u.shape[1], k + 1, k + 1))
    J[:, :k, :k] = rows.gram(s * residuals.inside)
    J[:, :k, k] = (rows.z.T @ (s * terms.coupling)).T
    J[:, k, :k] = (rows.z.T @ (s * terms.slope)).T
    J[:, k, k] = residuals.sum(terms.curvature)
    return J


def _inverse_bread(fit: ResponsesFit) -> Stack:
    """Return inverses of J; NaN if the rows within the threshold do not determine sigma."""
    terms = fit.coupled_equation.terms(fit.residuals)
    k, P, J = fit.n_parameters, _inverse_inside(fit), _bread(fit.rows, fit.residuals, terms)
    right = np.einsum("bij,bj->bi", P, J[:, :k, k])
    left = np.einsum("bj,bji->bi", J[:, k, :k], P)
    curvature = J[:, k, k]
    schur = curvature - np.einsum("bi,bi->b", J[:, k, :k], right)
    schur = np.where(np.abs(schur) > SMALLEST_SCHUR * np.abs(curvature), schur, np.nan)
    inverse = np.empty_like(J)
    inverse[:, :k, :k] = P + right[:, :, None] * left[:, None, :] / schur[:, None, None]
    inverse[:, :k, k] = -right / schur[:, None]
    inverse[:, k, :k] = -left / schur[:, None]
    inverse[:, k, k] = 1.0 / schur
    return inverse


def _is_decisive(fit: ResponsesFit, part: Stack) -> NDArray[np.bool_]:
    """Return whether the other groups alone do not determine the coefficients."""
    k = fit.n_parameters
    share = _inverse_inside(fit) @ part[:, :k, :k]
    decisive = ~(np.trace(share, axis1=1, axis2=2) < LARGEST_SHARE)
    known = np.flatnonzero(decisive & np.isfinite(share).all(axis=(1, 2)))
    decisive[known] = np.linalg.eigvals(share[known]).real.max(axis=1) > LARGEST_SHARE
    return decisive


def _solved(matrices: Stack, sides: Matrix) -> Matrix:
    """Return solutions; NaN if a matrix has NaN or does not determine sigma."""
    solved = np.full_like(sides, np.nan)
    good = np.flatnonzero(np.isfinite(matrices).all(axis=(1, 2)))
    good = good[determines_scale(matrices[good])]
    solved[good] = np.linalg.solve(matrices[good], sides[good][:, :, None])[:, :, 0]
    return solved
