"""A sample at its fit, in coordinates suited to solving many resampled fits together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from robustreg.inference.leverage import DECISIVE
from robustreg.inference.regression import FittedRegression
from robustreg.inference.residuals import Residuals
from robustreg.inference.sandwich import Whitened
from robustreg.inference.scale_equations import ScaleEquation

__all__ = ["Sample", "Start", "widened"]

Single = NDArray[np.float32]
Matrix = NDArray[np.float64]
Vector = NDArray[np.float64]

#: Larger residuals, for example of placeholders such as 1e300, are reduced to this, so that their
#: squares do not overflow in single precision. Beyond the threshold, size has no effect.
FARTHEST = 1e15


@dataclass(frozen=True)
class Sample:
    """A sample at its fit.

    Attributes
    ----------
    z : array of shape (n, k)
        Rows in coordinates in which ``sum s psi' z z'`` is n times the identity.
    u : array of shape (n,)
        Residuals in units of sigma.
    spread : array of shape (n,)
        u, inflated to the spread of the errors, because residuals are smaller than errors.
    standard_errors : array of shape (k,)
        Standard errors of theta by the sandwich, in these coordinates and units of sigma.
    inverse : array of shape (k, k), or (k + 1, k + 1) if sigma is unknown
        J^-1 of the sample.
    back : array of shape (k, k)
        theta in working units is ``back`` times theta in these coordinates.
    delta : float
    equation : ScaleEquation
        Equation of sigma.
    unknown : bool
        Whether a step also solves for sigma.
    """

    z: Single
    u: Single
    spread: Single
    standard_errors: Vector
    inverse: Matrix
    back: Matrix
    delta: float
    equation: ScaleEquation
    unknown: bool

    @classmethod
    def of(cls, fitted: FittedRegression, white: Whitened) -> Sample:
        """Make the sample from a fit with whitened rows."""
        root = np.sqrt(fitted.n)
        scaling = root * white.bread.transform
        z = white.rows.map(lambda block: (block @ scaling).astype(np.float32))
        lines = np.linalg.solve(scaling, white.bread.influence()[:, :-1])
        variances = np.diag(lines @ white.meat[:-1, :-1] @ lines.T)
        leverage = np.minimum(np.einsum("ij,ij->i", z, z).astype(np.float64) / fitted.n, DECISIVE)
        equation = fitted.coupled_equation
        errors = widened(fitted.residuals, leverage)
        return cls(
            z=z,
            u=_single(fitted.residuals.u),
            spread=_single(errors),
            standard_errors=np.sqrt(variances),
            inverse=_inverse_at_fit(fitted, white, scaling),
            back=white.back @ scaling,
            delta=fitted.delta,
            equation=equation,
            unknown=equation.unknown,
        )


def _single(u: Vector) -> Single:
    return np.clip(u, -FARTHEST, FARTHEST).astype(np.float32)


def widened(rows: Residuals, leverage: Vector) -> Vector:
    """Inflate standardised residuals to the spread of the errors.

    If row i is left out, its residual is multiplied by ``1 + h w / (1 - psi' h)`` with w = psi/u.
    Before this it is smaller than an error, and after it larger by about as much. The square root
    of the factor is therefore used. For least squares it is the usual ``1/sqrt(1 - h)``.
    """
    return rows.u * np.sqrt(1.0 + leverage * rows.weight / (1.0 - leverage * rows.inside))


def _inverse_at_fit(fitted: FittedRegression, white: Whitened, scaling: Matrix) -> Matrix:
    """Return J^-1 in the coordinates of the sample. With the MAD, sigma is treated as given."""
    if not fitted.coupled_equation.unknown:
        return np.eye(fitted.n_parameters) / fitted.n
    change = linalg.block_diag(np.linalg.inv(scaling), 1.0)
    return change @ white.bread.inverse() @ change.T


@dataclass(frozen=True)
class Start:
    """Starting points and deltas of a batch of replicates.

    Attributes
    ----------
    steps : array of shape (size, k)
        theta* - theta^, in the sample's coordinates and units of sigma.
    scale : array of shape (size,)
        sigma*, in units of sigma.
    delta : array of shape (size,)
    inverse : array of shape (size, k, k), or (size, k + 1, k + 1) if sigma is unknown
        J^-1 for the first steps.
    """

    steps: Matrix
    scale: Vector
    delta: Vector
    inverse: Matrix
