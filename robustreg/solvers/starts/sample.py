"""The rows in which starts are searched, with computations for many candidates at once.

A candidate is a vector of coefficients. All candidates move together, so that their residuals are
one product of matrices, and so are their Gram matrices.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from robustreg.design.units import stratified_rows
from robustreg.losses import Redescending
from robustreg.m_scale import m_scales

__all__ = ["Sample", "scaled_rows"]

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]

#: With at most this many columns and at least this many candidates, all Gram matrices are one
#: product of the weights with the products of pairs of columns. Otherwise one symmetric product for
#: each candidate is as fast, and needs no memory.
FEW_COLUMNS, MANY = 24, 6

#: Number that is added to the diagonal of a Gram matrix of columns of length one. If a subset does
#: not determine a direction, the coefficients do not move in it.
RIDGE = 1e-13

#: Singular values below this part of the largest count as zero.
RANK_CUTOFF = 1e-11


@dataclass(frozen=True)
class Sample:
    """Rows of full column rank, and the S problem that the candidates are to solve.

    Parameters
    ----------
    rows : array of shape (n, k)
        Coordinates in which most rows have a size of about 1. They include the intercept's ones.
    response : array of shape (n,)
    weights : array of shape (n,) or None
        Frequencies, all positive.
    loss : Redescending
        The loss of the S-estimate.
    target : float
        The value of ``sum s rho / sup rho`` that defines the scale.
    negligible : float
        Residuals up to this size are rounding errors.
    """

    rows: Matrix
    response: Vector
    weights: Vector | None
    loss: Redescending
    target: float
    negligible: float = 0.0

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of rows and of coefficients."""
        return self.rows.shape[0], self.rows.shape[1]

    def part(self, n_rows: int) -> Sample:
        """Take about this many evenly spread rows, or all if these do not have full rank."""
        n, k = self.shape
        if n_rows >= n:
            return self
        index = stratified_rows(n, None, n_rows)
        diagonal = np.abs(np.diagonal(np.linalg.qr(self.rows[index], mode="r")))
        if diagonal.min() <= 1e-6 * diagonal.max():
            return self
        weights = None if self.weights is None else self.weights[index]
        share = (index.size if weights is None else weights.sum()) / self.frequencies.sum()
        # The target has the factor 1 - k/N, which is smaller for fewer rows.
        bound = self.target / self.frequencies.sum() / (1.0 - k / n)
        target = bound * (1.0 - k / index.size) * share * self.frequencies.sum()
        return Sample(
            self.rows[index], self.response[index], weights, self.loss, target, self.negligible
        )

    @cached_property
    def frequencies(self) -> Vector:
        """The weights, or ones."""
        return np.ones(self.rows.shape[0]) if self.weights is None else self.weights

    def residuals(self, candidates: Matrix) -> Matrix:
        """Residuals of shape (m, n), for candidates of shape (m, k)."""
        residuals = self.response - candidates @ self.rows.T
        if self.negligible > 0.0:
            residuals[np.abs(residuals) <= self.negligible] = 0.0
        return residuals

    def scales(self, residuals: Matrix, *, steps: int = 100, start: Vector | None = None) -> Vector:
        """M-scales of the candidates, approximate if there are few steps."""
        return m_scales(residuals, self.loss, self.target, self.weights, steps=steps, start=start)

    def stepped(
        self, candidates: Matrix, residuals: Matrix, scales: Vector, mixing: Vector
    ) -> Matrix:
        """Compute the candidates after one step for S at their scales.

        Parameters
        ----------
        candidates, residuals, scales : arrays of shape (m, k), (m, n) and (m,)
        mixing : array of shape (m,)
            0 gives Newton's step, and 1 that of iterated least squares.
        """
        u = residuals / scales[:, None]
        weights = self.loss.weight(u)
        gradient = _times(weights, self.weights) * residuals @ self.rows
        curvature = self.loss.psi_prime(u)
        curvature += mixing[:, None] * (weights - curvature)
        return candidates + _solve(self.grams(_times(curvature, self.weights)), gradient)

    def least_squares(self, weights: Matrix, residuals: Matrix, candidates: Matrix) -> Matrix:
        """Solve weighted least squares for each candidate, as a correction of its coefficients.

        A correction restores the digits that a Gram matrix loses.

        Parameters
        ----------
        weights : array of shape (m, n)
            Without the frequencies.
        residuals : array of shape (m, n) or (n,)
        candidates : array of shape (m, k)
        """
        weights = _times(weights, self.weights)
        gradient = (weights * residuals) @ self.rows
        return candidates + _solve(self.grams(weights), gradient)

    def refined(self, candidates: Matrix, steps: int) -> tuple[Matrix, Vector]:
        """Make steps of iterated least squares for S, and approximate the scales (fast-S).

        The equation of the scale gets one step for each step of the coefficients (M.
        Salibian-Barrera, V. J. Yohai, "A fast algorithm for S-regression estimates", J. Comput.
        Graph. Statist. 15, 2006).
        """
        residuals = self.residuals(candidates)
        scales = self.scales(residuals, steps=2)
        for _ in range(steps):
            weights = self.loss.weight(residuals / _divisor(scales)[:, None])
            candidates = self.least_squares(weights, residuals, candidates)
            residuals = self.residuals(candidates)
            scales = self.scales(residuals, steps=1, start=_positive(scales))
        return candidates, scales

    def grams(self, weights: Matrix) -> NDArray[np.float64]:
        """``sum_i w_i x_i x_i'`` for each line of weights, of shape (m, k, k)."""
        k = self.rows.shape[1]
        if k > FEW_COLUMNS or weights.shape[0] < MANY:
            return _grams(self.rows, weights)
        grams = np.empty((weights.shape[0], k, k))
        upper = np.triu_indices(k)
        products = weights @ self._products
        grams[:, upper[0], upper[1]] = products
        grams[:, upper[1], upper[0]] = products
        return grams

    @cached_property
    def _products(self) -> Matrix:
        upper = np.triu_indices(self.rows.shape[1])
        return self.rows[:, upper[0]] * self.rows[:, upper[1]]


def _grams(rows: Matrix, weights: Matrix) -> NDArray[np.float64]:
    grams = np.empty((weights.shape[0], rows.shape[1], rows.shape[1]))
    weighted = np.empty_like(rows)
    for gram, own in zip(grams, weights, strict=True):
        if own.min() < 0.0:
            np.multiply(rows, own[:, None], out=weighted)
            np.matmul(rows.T, weighted, out=gram)
        else:
            np.multiply(rows, np.sqrt(own)[:, None], out=weighted)
            # NumPy computes the product of an array and its own transpose in half the time.
            np.matmul(weighted.T, weighted, out=gram)
    return grams


def _solve(grams: NDArray[np.float64], gradient: Matrix) -> Matrix:
    diagonal = np.einsum("mii->mi", grams)
    root = np.sqrt(np.where(diagonal > 0.0, diagonal, 1.0))
    grams = grams / root[:, :, None] / root[:, None, :]
    index = np.arange(grams.shape[1])
    grams[:, index, index] = np.where(diagonal > 0.0, 1.0, 0.0) + RIDGE
    return np.linalg.solve(grams, (gradient / root)[:, :, None])[:, :, 0] / root


def _divisor(scales: Vector) -> Vector:
    """Replace scales of zero by a tiny number, so that rows with a residual get the weight zero."""
    return np.maximum(scales, np.finfo(np.float64).tiny * 1e10)


def _times(values: Matrix, weights: Vector | None) -> Matrix:
    return values if weights is None else values * weights


def _positive(scales: Vector | None) -> Vector | None:
    if scales is None or np.all(scales > 0.0):
        return scales
    return None


def scaled_rows(rows: Matrix) -> tuple[Matrix, Matrix]:
    """Choose coordinates in which most rows have a size of about 1.

    Parameters
    ----------
    rows : array of shape (n, k)
        A matrix of any rank.

    Returns
    -------
    scaled : array of shape (n, r)
        ``rows @ transform``, with r the rank.
    transform : array of shape (k, r)
    """
    size = np.median(np.abs(rows), axis=0)
    size = np.where(size > 0.0, size, np.sqrt(np.mean(rows**2, axis=0)))
    transform = np.diag(1.0 / np.where(size > 0.0, size, 1.0))
    scaled = rows @ transform
    # Only rows in the middle of all columns are used. A far row would make the others tiny.
    spread = np.abs(scaled).max(axis=1)
    inner = scaled[spread <= np.median(spread)]
    factor = np.linalg.qr(inner if inner.shape[0] >= rows.shape[1] else scaled, mode="r")
    singular, right = np.linalg.svd(factor)[1:]
    if singular.size < rows.shape[1] or singular.min() <= 1e-8 * singular.max():
        singular, right = np.linalg.svd(np.linalg.qr(scaled, mode="r"))[1:]
    kept = singular > RANK_CUTOFF * singular.max(initial=0.0)
    root = np.sqrt(float(rows.shape[0]))
    change = right[: singular.size][kept].T * (root / singular[kept])
    return scaled @ change, transform @ change
