r"""Covariance matrices for errors of one distribution, and what every estimate of one returns.

Huber's three estimates (Robust Statistics, 1981, section 7.6), with k coefficients, n observations,
u = e / sigma, and m and v the mean and variance of psi'(u):

    K  = 1 + (k/n) v / m²                       the correction of order k/n
    S  = sigma² sum psi² / (n - k)
    H1 = K² S / m²  (Z'Z)^-1
    H2 = K  S / m   W^-1                        W = sum psi' z z'
    H3 = S / K      W^-1 Z'Z W^-1

psi' is zero or one, so v = m (1 - m) as Huber writes it, and v = m (1 - m) n/(n - 1) with
``ddof=1``, as in R's MASS. Where K is far from one, H1 has another m, and K = 1:
:mod:`robustreg.inference.interpolation`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from robustreg.design.base import Mixing
from robustreg.inference.equations import inverse_root, scale_equation, whitening
from robustreg.inference.fitted import FittedRegression
from robustreg.inference.interpolation import (
    LARGE,
    density_share,
    interpolated_part,
    note_of_few_inside,
)
from robustreg.inference.rows import weighted_gram

__all__ = [
    "Coupling",
    "CovarianceEstimate",
    "huber_covariance",
    "normal_equations",
    "scale_coupling",
]

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]
Coupling = Literal["auto"] | bool

#: Standard errors from zero beyond which the coupling of the intercept to sigma counts as skewness.
#: Below it, adding what it adds to the variance would add little but noise.
SKEWED = 2.0

FEW_INSIDE = "Few rows lie within the threshold: the density there is from a wider window."


@dataclass(frozen=True)
class CovarianceEstimate:
    """A covariance of theta in working units, and how it is to be read.

    It is ``back @ core @ back.T``, kept apart: where columns are nearly dependent the variance of a
    prediction z theta has its digits in z back, and none in the product.

    Attributes
    ----------
    core, back : arrays of shape (k, k)
    degrees_of_freedom : float
        Of Student's t.
    description : str
        One line for the summary.
    notes : tuple of str
        What a reader must know.
    replicates : array of shape (n_replicates, k) or None
        Of theta, for the bootstrap.
    """

    core: Matrix
    back: Matrix
    degrees_of_freedom: float
    description: str
    notes: tuple[str, ...] = ()
    replicates: Matrix | None = field(default=None, repr=False)

    def of_combinations(self, lines: Matrix) -> Matrix:
        """Covariance of ``lines @ theta``."""
        half = lines @ self.back
        return half @ self.core @ half.T

    def variance_of_rows(self, rows: Matrix) -> Vector:
        """Variance of ``row @ theta`` for each row."""
        half = rows @ self.back
        return np.einsum("ij,ij->i", half @ self.core, half)


def huber_covariance(
    fitted: FittedRegression, kind: str, ddof: int, coupling: Coupling
) -> CovarianceEstimate:
    """H1, H2 or H3: one pass over the rows, two for H3."""
    n, k = fitted.n, fitted.n_parameters
    m, K, notes = _mean_and_correction(fitted, kind, ddof)
    S = fitted.working_scale**2 * n * fitted.mean(fitted.psi**2) / (n - k)
    transform, constant = normal_equations(fitted, None if kind == "H1" else 0.0)
    if kind == "H1":
        core = K**2 * S / m**2 * np.eye(k)
    elif kind == "H2":
        core = K * S / m * np.eye(k)
    else:
        (every,) = fitted.rows.transformed(transform).sum(
            lambda z, s: (weighted_gram(z, s),), fitted.frequencies
        )
        core = S / K * every
    direction = transform.T @ constant  # (Z'Z)^-1 sum z, in the coordinates of the core
    counted = n if kind == "H1" else n * m
    excess, skewed = _excess(fitted, coupling, float(direction @ direction) / counted, m)
    factor = K**2 * fitted.working_scale**2 / (n - k)
    core = core + factor * excess * np.outer(direction, direction)
    description = f"{kind} (Huber), errors of one distribution"
    return CovarianceEstimate(core, transform, n - k, description, (*notes, *skewed))


def _mean_and_correction(
    fitted: FittedRegression, kind: str, ddof: int
) -> tuple[float, float, tuple[str, ...]]:
    """m and K. H1 weighs all rows alike, and needs no more of those within the threshold than m."""
    n, k, m = fitted.n, fitted.n_parameters, fitted.mean(fitted.inside)
    if kind == "H1" and interpolated_part(fitted) >= LARGE:
        return density_share(fitted), 1.0, (FEW_INSIDE,)
    variance = m * (1.0 - m) * n / (n - ddof)
    notes = () if kind == "H1" else note_of_few_inside(fitted, kind)
    return m, 1.0 + k / n * variance / m**2, notes


def normal_equations(fitted: FittedRegression, which: Mixing) -> tuple[Matrix, Vector]:
    """T with ``T T'`` the inverse of the Gram matrix of the rows, and their sum; in one pass."""
    k, p = fitted.n_parameters, fitted.design.n_features
    sums, upper = fitted.design.gram(fitted.point, which)
    augmented = np.triu(upper) + np.triu(upper, 1).T
    transform = inverse_root(augmented[:k, :k])
    if transform is None:
        transform = whitening(fitted, which)
    share = fitted.mean(fitted.inside) if which is None else 1.0
    gradient = np.append(sums.gradient, sums.psi)[:k] / fitted.working_scale
    fitted.check_solution(transform / np.sqrt(share), gradient)
    return transform, augmented[:k, p]


def scale_coupling(fitted: FittedRegression) -> tuple[float, float]:
    """Mean of psi' u, by which sigma's error moves the intercept, and its z statistic.

    It is zero where sigma is not estimated and, but for sampling error, where errors are symmetric.
    """
    equation = scale_equation(fitted)
    if equation is None:
        return 0.0, 0.0
    coupling = fitted.mean(equation.coupling)
    spread = np.sqrt(max(fitted.mean(equation.coupling**2) - coupling**2, 0.0) / fitted.n)
    return coupling, coupling / spread if spread > 0.0 else 0.0


def _excess(
    fitted: FittedRegression, coupling: Coupling, tau: float, a: float
) -> tuple[float, tuple[str, ...]]:
    """What sigma's error adds to n times the covariance, in the direction w = (Z'Z)^-1 sum z.

    Where u is independent of z the blocks of J / n are a Q, c zbar, g zbar' and h with Q the mean
    of z z' and zbar that of z. With w = Q^-1 zbar, tau = zbar'w (one where there is an intercept)
    and r = c g / (a h), J^-1 has (1/a)(Q^-1 + q w w') as its first block, q = r / (1 - r tau), and
    the covariance is B/a² Q^-1 plus w w' times

        (2 q + tau q²) B/a²  +  (c² D / h² - 2 c G / h) / (a (1 - r tau))²

    with B, G, D the means of psi², psi chi, chi².
    """
    equation = scale_equation(fitted)
    c, z = scale_coupling(fitted)
    if equation is None or coupling is False or (coupling == "auto" and abs(z) <= SKEWED):
        return 0.0, ()
    g = fitted.mean(equation.slope)
    h = fitted.mean(equation.curvature)
    B, D = fitted.mean(fitted.psi**2), fitted.mean(equation.score**2)
    G = fitted.mean(fitted.psi * equation.score)
    r = c * g / (a * h)
    q = r / (1.0 - r * tau)
    excess = (2.0 * q + tau * q**2) * B / a**2
    excess += (c**2 * D / h**2 - 2.0 * c * G / h) / (a * (1.0 - r * tau)) ** 2
    return excess, (_coupling_note(z),)


def _coupling_note(z: float) -> str:
    if abs(z) <= SKEWED:
        return "The standard error of the intercept includes the error of the scale."
    return (
        f"The errors are skewed (z = {z:.1f}): the standard error of the intercept includes the "
        "error of the scale."
    )
