r"""The equation that the scale solves, with one class per rule ("joint", "mad" or a number).

In units of sigma, with u = (y - z theta)/sigma, a fit solves

    sum s psi(u) z = 0                                                     for the coefficients
    sum s (psi(u)² / 2 - kappa nu / n) = 0          JointEquation          for sigma
    sum s (1/2 - 1{|u| <= c})          = 0          MedianEquation, c = Phi^-1(3/4)

If sigma is given, its equation holds for any residuals. Everything that depends on the rule is a
method here, so that no other module has to ask which rule it is.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from robustreg.inference.replicate_scales import median_scales, nearer_joint_scales
from robustreg.inference.residuals import Residuals
from robustreg.losses import Huber
from robustreg.scales import MAD_FACTOR, MAD_STANDARD_ERROR, OrderedSquares
from robustreg.tuning import kappa

__all__ = [
    "GivenEquation",
    "JointEquation",
    "MedianEquation",
    "RowTerms",
    "ScaleEquation",
    "scale_equation",
]

Vector = NDArray[np.float64]
Single = NDArray[np.float32]

#: A fit farther than this from the solution for given data, in standard errors, is of other data.
FOREIGN_DATA = 0.1

#: The same for the joint scale. It is smaller, because counting each row three times moves this
#: scale by only 0.8 k / sqrt(n) standard errors, and must be detected.
OTHER_SCALE = 1e-3

#: Two residual sizes with a smaller relative difference are equal up to rounding errors.
TIED = 1e-9


class RowTerms(NamedTuple):
    """Contributions of each row to the equation for sigma and its derivative, arrays of length m.

    Attributes
    ----------
    score : chi, with mean zero.
    coupling : psi' u, the derivative of psi with respect to sigma.
    slope : g, the derivative of chi with respect to the prediction.
    curvature : h, the derivative of chi with respect to sigma.
    """

    score: Vector
    coupling: Vector
    slope: Vector
    curvature: Vector


@dataclass(frozen=True)
class ScaleEquation(ABC):
    """The equation for sigma at a fit.

    Parameters
    ----------
    n : float
        Number of observations.

    Attributes
    ----------
    name : str
        Name of the rule in the summary.
    unknown : bool
        Whether Newton steps solve for sigma together with the coefficients.
    estimates_sigma : bool
        Whether the scale estimates the standard deviation if errors are normal.
    counts_parameters : bool
        Whether sigma accounts for the degrees of freedom of the fitted coefficients.
    """

    n: float

    name = ""
    unknown = False
    estimates_sigma = True
    counts_parameters = True
    largest_distance = FOREIGN_DATA

    @abstractmethod
    def terms(self, rows: Residuals) -> RowTerms:
        """Return the terms of some rows."""

    def terms_without(self, rows: Residuals) -> RowTerms:
        """Return the terms that leaving out one observation of each row removes."""
        return self.terms(rows)

    @abstractmethod
    def refit_scale(self, sigma: float) -> str | float:
        """Return the parameter ``scale`` for another fit by this rule, given ``sigma``."""

    def check(self, sigma: float, solved: float, optimality: float) -> None:
        """Refuse a scale that does not solve its equation, for example for duplicated data.

        ``solved`` is the solution for these data in units of sigma, which is ``scale_``.
        """
        distance = abs(solved - 1.0) / self.standard_error()
        if not distance <= max(self.largest_distance, 10.0 * optimality):
            raise ValueError(
                f"model has scale_={sigma:.6g}, and the scale of its residuals is "
                f"{sigma * solved:.6g} for this X, y and sample_weight with {self.n:g} "
                "observations: rows or weights are a multiple of those of fit, or scale_ or a "
                "parameter was changed after fit. Pass the same data and the same sample_weight as "
                "to fit."
            )

    @abstractmethod
    def solution(self, fitted: Any) -> Any:
        """Return the sigma that solves this equation for a fit's residuals, per ``scale_``."""

    def standard_error(self) -> float:
        """Return the standard error of sigma relative to sigma, if errors are normal."""
        return (2.0 * self.n) ** -0.5

    def scales_at(self, deltas: Vector, rows: Residuals) -> Vector:
        """Return sigma of all rows' residuals at other deltas, in units of the scale."""
        return np.ones(deltas.shape)

    def one_sided_breakdown(self, delta: float) -> float:
        """Return the share of outliers on one side that breaks the fit down, if k is much below n.

        At this share, the fit follows the outliers. The residuals of the other rows are then -a.
        Their share times a equals the share of the outliers times delta sigma.
        """
        return 0.5

    def replicate_scales(self, frequencies: Single, residuals: Single, scales: Vector) -> Vector:
        """Return sigma of replicates if their residuals alone determine it."""
        return scales

    def next_scales(
        self, frequencies: Single, residuals: Single, scales: Vector, delta: Vector, k: int
    ) -> Vector:
        """Return sigma of replicates, or a value nearer to it than ``scales``.

        See :func:`~robustreg.inference.replicate_scales.nearer_joint_scales` for the arguments.
        """
        return self.replicate_scales(frequencies, residuals, scales)


@dataclass(frozen=True)
class JointEquation(ScaleEquation):
    """The joint scale, Huber's Proposal 2.

    Parameters
    ----------
    delta : float
    degrees_of_freedom : float
    half_square : float
        The mean of ``psi² / 2`` over the observations.
    """

    delta: float
    degrees_of_freedom: float
    half_square: float

    name = "joint"
    unknown = True
    largest_distance = OTHER_SCALE

    def terms(self, rows: Residuals) -> RowTerms:
        """Return the terms of psi²/2 minus its mean."""
        return self._terms(rows, self.half_square)

    def terms_without(self, rows: Residuals) -> RowTerms:
        """Return the terms of psi²/2 - kappa, because one observation less removes kappa."""
        return self._terms(rows, kappa(self.delta))

    def _terms(self, rows: Residuals, constant: float) -> RowTerms:
        coupling = rows.inside * rows.u
        return RowTerms(0.5 * rows.psi**2 - constant, coupling, coupling, coupling * rows.u)

    def refit_scale(self, sigma: float) -> str | float:
        """Return the name of the same rule."""
        return self.name

    def scales_at(self, deltas: Vector, rows: Residuals) -> Vector:
        """Solve Proposal 2 for each delta."""
        targets = 2.0 * Huber(deltas).kappa[:, None] * self.degrees_of_freedom
        return OrderedSquares(rows.u, rows.frequencies).joint_scales(deltas[:, None], targets)[:, 0]

    def next_scales(
        self, frequencies: Single, residuals: Single, scales: Vector, delta: Vector, k: int
    ) -> Vector:
        """Make one Newton step for sigma², limited to a factor."""
        return nearer_joint_scales(frequencies, residuals, scales, delta, k)

    def one_sided_breakdown(self, delta: float) -> float:
        """Return ``2 kappa / (2 kappa + delta²)``."""
        target = 2.0 * kappa(delta)
        return target / (target + delta**2)

    def solution(self, fitted: Any) -> Any:
        """Return sigma from ``sum s psi² = 2 kappa nu`` at this threshold."""
        target = Huber(self.delta).kappa * self.degrees_of_freedom / self.n
        return np.sqrt(self.half_square / target)


@dataclass(frozen=True)
class MedianEquation(ScaleEquation):
    """The MAD, ``median(|e|) / c``."""

    name = "mad"
    counts_parameters = False

    def terms(self, rows: Residuals) -> RowTerms:
        """Return the terms, with the density of u at the two quartiles."""
        # The row at the median counts as within it, whatever its last bits are.
        within = (np.abs(rows.u) <= MAD_FACTOR * (1.0 + TIED)).astype(np.float64)
        upper, lower = self._density(rows, MAD_FACTOR), self._density(rows, -MAD_FACTOR)
        return RowTerms(
            0.5 - within, rows.inside * rows.u, upper - lower, MAD_FACTOR * (upper + lower)
        )

    def terms_without(self, rows: Residuals) -> RowTerms:
        """Return zero terms except for psi', because one row hardly changes a density estimate."""
        terms, zeros = self.terms(rows), np.zeros_like(rows.u)
        return terms._replace(slope=zeros, curvature=zeros)

    def _density(self, rows: Residuals, at: float) -> Vector:
        """Return terms whose mean is a kernel estimate of the density of u at a point.

        The bandwidth is Silverman's. The robust standard deviation of u is one.
        """
        bandwidth = 1.06 * self.n**-0.2
        distance = (rows.u - at) / bandwidth
        return np.exp(-0.5 * distance**2) / (bandwidth * np.sqrt(2.0 * np.pi))

    def refit_scale(self, sigma: float) -> str | float:
        """Return the name of the same rule."""
        return self.name

    def one_sided_breakdown(self, delta: float) -> float:
        """Return ``c / (c + delta)``, or the breakdown point of the median if that is smaller."""
        return min(0.5, MAD_FACTOR / (MAD_FACTOR + delta))

    def solution(self, fitted: Any) -> Any:
        """Return the MAD."""
        return fitted.median_size

    def standard_error(self) -> float:
        """Return the relative standard error of the MAD."""
        return MAD_STANDARD_ERROR * self.n**-0.5

    def replicate_scales(self, frequencies: Single, residuals: Single, scales: Vector) -> Vector:
        """Return the MAD of each replicate."""
        return median_scales(frequencies, residuals)


@dataclass(frozen=True)
class GivenEquation(ScaleEquation):
    """A given scale. Its equation ``sum s (sigma - sigma) / n = 0`` always holds."""

    name = "fixed"
    estimates_sigma = False
    counts_parameters = False

    def terms(self, rows: Residuals) -> RowTerms:
        """Return zeros, and a curvature that sums to one."""
        zeros = np.zeros_like(rows.u)
        return RowTerms(zeros, zeros, zeros, np.full_like(rows.u, 1.0 / self.n))

    def refit_scale(self, sigma: float) -> str | float:
        """Return the same number."""
        return sigma

    def solution(self, fitted: Any) -> float:
        """Return the given scale."""
        return 1.0


def scale_equation(
    scale: str | float,
    n: float,
    *,
    delta: float,
    degrees_of_freedom: float,
    half_square: float,
) -> ScaleEquation:
    """Return the equation for a model's parameter ``scale``."""
    if scale == "joint":
        return JointEquation(n, delta, degrees_of_freedom, half_square)
    return MedianEquation(n) if scale == "mad" else GivenEquation(n)
