r"""The equation that the scale solves, one class for each rule.

In units of sigma, with u = (y - z theta)/sigma, a fit solves

    sum s psi(u) z = 0                                                     for the coefficients
    sum s (psi(u)² / 2 - kappa nu / n) = 0          JointEquation          for sigma
    sum s (1/2 - 1{|u| <= c})          = 0          MedianEquation, c = Phi^-1(3/4)

and where sigma is given, it has an equation that any residuals solve. Everything that depends on
the rule is a method here: nothing else in this package asks which rule it is.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from robustreg.inference.replicate_scales import median_scales, nearer_joint_scales
from robustreg.inference.residuals import Residuals
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

#: Distance to the solution, in standard errors, from which data are not those of the fit.
FOREIGN_DATA = 0.1

#: The same for the joint scale, whose equation depends on the number of observations: to count each
#: three times moves its solution by only 0.8 k / sqrt(n) standard errors.
OTHER_SCALE = 1e-3

#: Relative difference at which two sizes of residuals are equal but for rounding errors.
TIED = 1e-9


class RowTerms(NamedTuple):
    """What each row contributes to the equation for sigma and its derivative, of length m each.

    Attributes
    ----------
    score : chi, of mean zero.
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
        For the summary.
    unknown : bool
        Whether Newton steps solve for sigma together with the coefficients.
    estimates_sigma : bool
        Whether the scale estimates the standard deviation of normal errors.
    counts_parameters : bool
        Whether sigma takes account of the coefficients that were fitted.
    """

    n: float

    name = ""
    unknown = False
    estimates_sigma = True
    counts_parameters = True
    largest_distance = FOREIGN_DATA

    @abstractmethod
    def terms(self, rows: Residuals) -> RowTerms:
        """Terms of some rows."""

    def terms_without(self, rows: Residuals) -> RowTerms:
        """What leaving out one observation of each row takes from the equation."""
        return self.terms(rows)

    @abstractmethod
    def refit_scale(self, sigma: float) -> str | float:
        """The parameter ``scale`` of a fit by the same rule, at an estimate ``sigma``."""

    def check(self, sigma: float, solved: float, optimality: float) -> None:
        """Refuse a scale that does not solve its equation, as of a multiple of the data.

        ``solved`` is the solution for these data, in units of sigma, that is, of ``scale_``.
        """
        distance = abs(solved - 1.0) / self.standard_error()
        if not distance <= max(self.largest_distance, 10.0 * optimality):
            raise ValueError(
                f"model has scale_={sigma:.6g}, and the scale of its residuals is "
                f"{sigma * solved:.6g} for this X, y and sample_weight, {self.n:g} "
                "observations: rows or weights are a multiple of those of fit, or scale_ or a "
                "parameter was changed after it. Pass the same data and the same sample_weight as "
                "to fit."
            )

    @abstractmethod
    def solution(self, fitted: Any) -> float:
        """Sigma of the residuals of a fit by this equation, in units of ``scale_``."""

    def standard_error(self) -> float:
        """Of sigma at the normal, relative to sigma."""
        return (2.0 * self.n) ** -0.5

    def scales_at(self, deltas: Vector, rows: Residuals) -> Vector:
        """Sigma of all rows' residuals at other deltas, in units of the scale."""
        return np.ones(deltas.shape)

    def one_sided_breakdown(self, delta: float) -> float:
        """Share of outliers on one side at which they carry the fit along, for k much below n.

        The others are then at -a, with a times their share equal to delta sigma times that of the
        outliers, and sigma grows with a.
        """
        return 0.5

    def replicate_scales(self, frequencies: Single, residuals: Single, scales: Vector) -> Vector:
        """Sigma of replicates at their residuals, where it follows from these alone."""
        return scales

    def next_scales(
        self, frequencies: Single, residuals: Single, scales: Vector, delta: Vector, k: int
    ) -> Vector:
        """Sigma of replicates at their residuals, or nearer to it than ``scales``.

        Arguments are those of :func:`~robustreg.inference.replicate_scales.nearer_joint_scales`.
        """
        return self.replicate_scales(frequencies, residuals, scales)


@dataclass(frozen=True)
class JointEquation(ScaleEquation):
    """Huber's Proposal 2.

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
        """Of psi²/2 less its mean."""
        return self._terms(rows, self.half_square)

    def terms_without(self, rows: Residuals) -> RowTerms:
        """An observation less takes kappa from the right-hand side, and not its mean."""
        return self._terms(rows, kappa(self.delta))

    def _terms(self, rows: Residuals, constant: float) -> RowTerms:
        coupling = rows.inside * rows.u
        return RowTerms(0.5 * rows.psi**2 - constant, coupling, coupling, coupling * rows.u)

    def refit_scale(self, sigma: float) -> str | float:
        """By the same rule."""
        return self.name

    def scales_at(self, deltas: Vector, rows: Residuals) -> Vector:
        """Roots of Proposal 2."""
        squares, nu = OrderedSquares(rows.u, rows.frequencies), self.degrees_of_freedom
        return np.array([squares.joint_scale(d, 2.0 * kappa(d) * nu) for d in deltas.tolist()])

    def next_scales(
        self, frequencies: Single, residuals: Single, scales: Vector, delta: Vector, k: int
    ) -> Vector:
        """By one step of Newton's method for sigma², and by no more than a factor."""
        return nearer_joint_scales(frequencies, residuals, scales, delta, k)

    def one_sided_breakdown(self, delta: float) -> float:
        """``2 kappa / (2 kappa + delta²)``."""
        target = 2.0 * kappa(delta)
        return target / (target + delta**2)

    def solution(self, fitted: Any) -> float:
        """By ``sum s psi² = 2 kappa nu`` at this threshold."""
        target = kappa(self.delta) * self.degrees_of_freedom / self.n
        return float(np.sqrt(self.half_square / target))


@dataclass(frozen=True)
class MedianEquation(ScaleEquation):
    """``median(|e|) / c``."""

    name = "mad"
    counts_parameters = False

    def terms(self, rows: Residuals) -> RowTerms:
        """With the density of u at the two quartiles."""
        # The row that is the median counts as within whatever its last bits.
        within = (np.abs(rows.u) <= MAD_FACTOR * (1.0 + TIED)).astype(np.float64)
        upper, lower = self._density(rows, MAD_FACTOR), self._density(rows, -MAD_FACTOR)
        return RowTerms(
            0.5 - within, rows.inside * rows.u, upper - lower, MAD_FACTOR * (upper + lower)
        )

    def terms_without(self, rows: Residuals) -> RowTerms:
        """One row does not move a density's estimate: J is left whole but for psi'."""
        terms, zeros = self.terms(rows), np.zeros_like(rows.u)
        return terms._replace(slope=zeros, curvature=zeros)

    def _density(self, rows: Residuals, at: float) -> Vector:
        """Terms whose mean is a kernel estimate of the density of u at a point.

        Silverman's bandwidth: u has a robust standard deviation of one.
        """
        bandwidth = 1.06 * self.n**-0.2
        distance = (rows.u - at) / bandwidth
        return np.exp(-0.5 * distance**2) / (bandwidth * np.sqrt(2.0 * np.pi))

    def refit_scale(self, sigma: float) -> str | float:
        """By the same rule."""
        return self.name

    def one_sided_breakdown(self, delta: float) -> float:
        """``c / (c + delta)``, and that of the median where this is more."""
        return min(0.5, MAD_FACTOR / (MAD_FACTOR + delta))

    def solution(self, fitted: Any) -> float:
        """The MAD itself."""
        return float(fitted.median_size)

    def standard_error(self) -> float:
        """Of the median."""
        return MAD_STANDARD_ERROR * self.n**-0.5

    def replicate_scales(self, frequencies: Single, residuals: Single, scales: Vector) -> Vector:
        """The MAD of each."""
        return median_scales(frequencies, residuals)


@dataclass(frozen=True)
class GivenEquation(ScaleEquation):
    """A scale that was given: its equation ``sum s (sigma - sigma) / n = 0`` moves nothing."""

    name = "fixed"
    estimates_sigma = False
    counts_parameters = False

    def terms(self, rows: Residuals) -> RowTerms:
        """Zeros, and a curvature whose sum is one."""
        zeros = np.zeros_like(rows.u)
        return RowTerms(zeros, zeros, zeros, np.full_like(rows.u, 1.0 / self.n))

    def refit_scale(self, sigma: float) -> str | float:
        """The same number."""
        return sigma

    def solution(self, fitted: Any) -> float:
        """Whatever was given."""
        return 1.0


def scale_equation(
    scale: str | float,
    n: float,
    *,
    delta: float,
    degrees_of_freedom: float,
    half_square: float,
) -> ScaleEquation:
    """The equation of a model's parameter ``scale``."""
    if scale == "joint":
        return JointEquation(n, delta, degrees_of_freedom, half_square)
    return MedianEquation(n) if scale == "mad" else GivenEquation(n)
