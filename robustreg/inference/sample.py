"""A sample at its fit, in coordinates in which many resampled fits are solved together."""

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

#: Residuals beyond it, as of fillers like 1e300, are put there: their squares have to be numbers in
#: single precision, and beyond the threshold a size has no effect.
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
        u as wide as errors are: a fit draws the residuals towards itself.
    standard_errors : array of shape (k,)
        Of theta in these coordinates and units of sigma, by the sandwich.
    inverse : array of shape (k, k), or (k + 1, k + 1) where sigma is unknown
        J^-1 of the sample.
    back : array of shape (k, k)
        theta in working units is ``back`` times theta in these coordinates.
    delta : float
    equation : ScaleEquation
        Of sigma.
    unknown : bool
        Whether sigma is among the unknowns of a step.
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
        """The sample of a fit whose rows have been whitened."""
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
    """Standardised residuals with the spread of the errors themselves.

    Leaving row i out changes its residual by the factor ``1 + h w / (1 - psi' h)``, w = psi/u: from
    narrower than an error to wider by as much. The square root stands between; for least squares it
    is the customary ``1/sqrt(1 - h)``.
    """
    return rows.u * np.sqrt(1.0 + leverage * rows.weight / (1.0 - leverage * rows.inside))


def _inverse_at_fit(fitted: FittedRegression, white: Whitened, scaling: Matrix) -> Matrix:
    """J^-1 in the coordinates of the sample; with the MAD, that at a given scale."""
    if not fitted.coupled_equation.unknown:
        return np.eye(fitted.n_parameters) / fitted.n
    change = linalg.block_diag(np.linalg.inv(scaling), 1.0)
    return change @ white.bread.inverse() @ change.T


@dataclass(frozen=True)
class Start:
    """Where each of a batch of replicates begins, and its delta.

    Attributes
    ----------
    steps : array of shape (size, k)
        theta* - theta^, in the sample's coordinates and units of sigma.
    scale : array of shape (size,)
        sigma*, in units of sigma.
    delta : array of shape (size,)
    inverse : array of shape (size, k, k), or (size, k + 1, k + 1) where sigma is unknown
        J^-1 for the first steps.
    """

    steps: Matrix
    scale: Vector
    delta: Vector
    inverse: Matrix
