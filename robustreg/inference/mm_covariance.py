r"""Covariance matrices of MM-estimates.

Let u and u_0 be the residuals of the M- and of the S-estimate in units of sigma, psi and psi'
derivatives of the M loss, rho_0 and psi_0 the S loss and its derivative, and b sup rho_0 the mean
of rho_0 that the S-scale requires. With means over observations:

    avar1      H = mean psi'(u) z z',   c = mean psi'(u) u z,   d = mean psi_0(u_0) u_0,
               chi = rho_0(u_0) - b sup rho_0,   a = H^-1 c / d,
               sigma²/n [H^-1 (mean psi² z z') H^-1 - a q' H^-1 - H^-1 q a' + v a a'],
               q = mean psi chi z,   v = mean rho_0² - (b sup rho_0)²

    weighted   sigma² K² (sum psi² / (n - k)) / mean(psi')² mean(w) (sum w z z')^-1,
               w = psi(u)/u,   K = 1 + (k/n) var(psi') / mean(psi')²

    sandwich   sigma² W^-1 (sum psi² z z' / (1 - h)²) W^-1,   W = sum psi' z z',
               h = psi' z W^-1 z'

avar1 includes the error of the scale. It assumes neither symmetric errors nor the same spread for
all x (C. Croux, G. Dhaene, D. Hoorelbeke, "Robust standard errors for robust estimators",
Discussion Paper 03.16, K.U. Leuven, 2003). weighted is Huber's estimate with the weighted Gram
matrix, so that wrong rows in X do not make it too small (V. J. Yohai, W. A. Stahel, R. H. Zamar,
1991; K is that of P. J. Huber, 1981, section 7.6). sandwich treats sigma as known, and inflates the
score of each row by its leverage as HC3 does. ``lmrob`` of R's robustbase computes avar1 and
weighted as ``.vcov.avar1`` and ``.vcov.w``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from robustreg.inference.covariance import CovarianceEstimate
from robustreg.inference.mm_fitted import FittedMM

__all__ = ["curvature", "mm_covariance", "weight_matrix"]

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]

DESCRIPTIONS = {
    "avar1": "avar1 (Croux, Dhaene and Hoorelbeke), including the error of the scale",
    "weighted": "weighted, for errors with the same distribution",
    "sandwich": "sandwich, for errors whose spread may depend on x, with leverage correction",
}

#: The coefficients count as determined if the smallest eigenvalue of W, relative to all rows,
#: exceeds this.
LEAST_CURVATURE = 1e-10

#: A row with a larger leverage determines a coefficient alone.
DECISIVE = 1.0 - 1e-8


def mm_covariance(fitted: FittedMM, kind: str) -> CovarianceEstimate:
    """Compute one of the three estimates, in working units.

    Parameters
    ----------
    fitted : FittedMM
    kind : {"avar1", "weighted", "sandwich"}
    """
    core = {"avar1": _avar1, "weighted": _weighted, "sandwich": _sandwich}[kind](fitted)
    return CovarianceEstimate(
        core=fitted.point.scale**2 * core,
        back=fitted.whitening,
        root=fitted.whitening,
        degrees_of_freedom=fitted.degrees_of_freedom,
        description=DESCRIPTIONS[kind],
    )


def weight_matrix(fitted: FittedMM, factors: Vector) -> Matrix:
    """Return ``sum f z z'`` of the whitened rows, for factors f of any sign."""
    (total,) = fitted.rows.transformed(fitted.whitening).sum(
        lambda z, f: ((z * f[:, None]).T @ z,), fitted.frequencies * factors
    )
    symmetric: Matrix = 0.5 * (total + total.T)
    return symmetric


def curvature(fitted: FittedMM) -> Matrix:
    """Return W for the whitened rows.

    Raises
    ------
    ValueError
        If the rows with a positive weight do not determine the coefficients.
    """
    W = weight_matrix(fitted, fitted.loss.psi_prime(fitted.standardized))
    smallest = float(np.linalg.eigvalsh(W)[0])
    if not smallest > LEAST_CURVATURE:
        raise ValueError(
            "the rows with a positive weight do not determine all "
            f"{fitted.n_parameters} coefficients: this cov_type cannot be computed. Use "
            'cov_type="weighted" or "bootstrap", more observations, or fewer columns.'
        )
    return W


def _avar1(fitted: FittedMM) -> Matrix:
    u, u0 = fitted.standardized, fitted.s_standardized
    loss, s_loss, n = fitted.loss, fitted.s_loss, fitted.n
    psi, slope = loss.psi(u), loss.psi_prime(u)
    bound = float(fitted.model.breakdown) * float(s_loss.sup)
    rho = s_loss.rho(u0)
    inverse = np.linalg.inv(curvature(fitted) / n)
    s = fitted.frequencies
    sums = fitted.rows.transformed(fitted.whitening).sum(
        lambda z, f, g: (f @ z, g @ z), s * slope * u, s * psi * (rho - bound)
    )
    coupling, across = (value / n for value in sums)
    a = inverse @ coupling / fitted.mean(s_loss.psi(u0) * u0)
    half = np.outer(a, inverse @ across)
    own = inverse @ (weight_matrix(fitted, psi**2) / n) @ inverse
    variance = fitted.mean(rho**2) - bound**2
    return (own - half - half.T + variance * np.outer(a, a)) / n


def _weighted(fitted: FittedMM) -> Matrix:
    u, loss, n, k = fitted.standardized, fitted.loss, fitted.n, fitted.n_parameters
    slope, weight = loss.psi_prime(u), loss.weight(u)
    mean = fitted.mean(slope)
    correction = 1.0 + k / n * (fitted.mean(slope**2) - mean**2) / mean**2
    spread = n * fitted.mean(loss.psi(u) ** 2) / (n - k) / mean**2
    inverse = np.linalg.inv(weight_matrix(fitted, weight))
    core = correction**2 * spread * fitted.mean(weight) * inverse
    return np.asarray(core, dtype=np.float64)


def _sandwich(fitted: FittedMM) -> Matrix:
    u, loss = fitted.standardized, fitted.loss
    inverse = np.linalg.inv(curvature(fitted))
    white = fitted.rows.transformed(fitted.whitening)
    leverage = white.map(lambda z: np.einsum("ij,ij->i", z @ inverse, z))
    leverage = np.clip(leverage * loss.psi_prime(u), 0.0, DECISIVE)
    middle = weight_matrix(fitted, (loss.psi(u) / (1.0 - leverage)) ** 2)
    return inverse @ middle @ inverse
