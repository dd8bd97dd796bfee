"""Scale rules: how sigma follows from the residuals of a fit.

A rule is an object, and whoever needs sigma asks it: the solvers for the equation, inference for
the influence of a row and the standard error.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from scipy.special import ndtr

from robustreg.losses import Huber, Loss
from robustreg.order_statistics import (
    MAD_FACTOR,
    OrderedSquares,
    median,
    median_absolute_residual,
    weighted_median,
)

__all__ = [
    "MAD_FACTOR",
    "MAD_STANDARD_ERROR",
    "GivenScale",
    "JointScale",
    "MedianScale",
    "OrderedSquares",
    "ScaleRule",
    "median",
    "median_absolute_residual",
    "scale_rule",
    "weighted_median",
]

#: Standard error of the MAD at the normal, in units of sigma / sqrt(n): 1 / (4 c phi(c)) at the
#: quartile c, ``MAD_FACTOR``.
MAD_STANDARD_ERROR = 1.1664


# -- rules ----------------------------------------------------------------------------------------


class ScaleRule(ABC):
    """How sigma follows from the residuals of a fit.

    Attributes
    ----------
    convex : bool
        Whether sigma and the coefficients minimise one convex function, if there is no penalty.
    """

    convex: ClassVar[bool] = False

    @abstractmethod
    def estimate(self, design: Any, point: Any, freedom: float) -> float:
        """Sigma that belongs to the coefficients of a point; 0.0 where they fit too much exactly.

        Parameters
        ----------
        design : Design
        point : Point
        freedom : float
            Degrees of freedom of the residuals.
        """

    def step(self, sums: Any, point: Any, total_weight: float, freedom: float) -> float | None:
        """A step towards the estimate by the sums at a point, without its residuals.

        Parameters
        ----------
        sums : Sums
        point : Point
            The nearer its sigma is to the estimate, the nearer is the step.
        total_weight : float
        freedom : float

        Returns
        -------
        float or None
            Sigma; None where the sums do not say, as of an order statistic.
        """
        return None

    @abstractmethod
    def relative_error(self, loss: Loss) -> Any:
        """Standard error of ``log sigma`` at normal errors, times the root of n; 0 if given."""

    def known(self) -> float | None:
        """Sigma where it does not depend on the data."""
        return None

    def slope(self, pull: float, sums: Any, total_weight: float, point: Any) -> float | None:
        """Derivative of ``log estimate`` by ``log sigma``, where the coefficients follow sigma.

        Parameters
        ----------
        pull : float
            ``sum s psi' e (z d theta)`` for the change of the coefficients with log sigma.
        sums : Sums
        total_weight : float
        point : Point

        Returns
        -------
        float or None
            None where it is not known, as of an order statistic.
        """
        return None

    def starts(self, loss: Loss) -> list[tuple[ScaleRule, Loss]]:
        """Problems whose solutions are a start, the better first; none where any start will do."""
        return []


@dataclass(frozen=True)
class GivenScale(ScaleRule):
    """Sigma is known.

    Parameters
    ----------
    value : float
        In the units of the residuals.
    """

    value: float

    def estimate(self, design: Any, point: Any, freedom: float) -> float:
        """The value."""
        return self.value

    def relative_error(self, loss: Loss) -> float:
        """Zero."""
        return 0.0

    def known(self) -> float | None:
        """The value."""
        return self.value


@dataclass(frozen=True)
class JointScale(ScaleRule):
    """``sum s min(e², (delta sigma)²) = 2 kappa nu sigma²``: Huber's Proposal 2."""

    convex = True

    def estimate(self, design: Any, point: Any, freedom: float) -> float:
        """The root of the equation."""
        return design.joint_scale(point, point.loss, 2.0 * point.loss.kappa * freedom)

    def step(self, sums: Any, point: Any, total_weight: float, freedom: float) -> float:
        """Newton's method for sigma², in which the equation is concave and piecewise linear.

        From a sigma above the root the steps go down to it, and end on it. Where sigma is so small
        that the equation rises with it, the step doubles it.
        """
        outside = max(total_weight - sums.curvature, 0.0)
        clipped = point.loss.delta**2 * outside if outside > 0.0 else 0.0
        rest = 2.0 * point.loss.kappa * freedom - clipped
        if not rest > 0.0:
            return 2.0 * float(point.scale)
        return float(np.sqrt(max(self._inside(sums, total_weight, point), 0.0) / rest))

    def slope(self, pull: float, sums: Any, total_weight: float, point: Any) -> float | None:
        """``-pull / sum s psi' e²``, as the equation's derivatives have it."""
        inside = self._inside(sums, total_weight, point)
        return -pull / inside if inside > 0.0 else None

    def slope_of_freedom(self, sums: Any, total_weight: float, point: Any) -> float:
        """Derivative of ``log estimate`` with respect to the logarithm of the freedom."""
        inside = self._inside(sums, total_weight, point)
        return -0.5 * sums.psi_squares / inside if inside > 0.0 else -np.inf

    @staticmethod
    def _inside(sums: Any, total_weight: float, point: Any) -> float:
        """``sum s psi' e²``."""
        outside = max(total_weight - sums.curvature, 0.0)
        return sums.psi_squares - (outside * point.threshold**2 if outside > 0.0 else 0.0)

    def relative_error(self, loss: Loss) -> Any:
        """``sd(chi) / E[u chi'(u)]`` with ``chi = psi² / 2``."""
        assert isinstance(loss, Huber)
        delta = np.minimum(loss.delta, 1e8)
        tail, density = ndtr(-delta), np.exp(-0.5 * delta**2) / np.sqrt(2.0 * np.pi)
        second = 1.0 - 2.0 * tail - 2.0 * delta * density
        fourth = 3.0 * (1.0 - 2.0 * tail) - 2.0 * (delta**3 + 3.0 * delta) * density
        outside = 2.0 * delta**2 * tail
        variance = 0.25 * (fourth + outside * delta**2 - (second + outside) ** 2)
        return np.sqrt(np.maximum(variance, 0.0)) / second


@dataclass(frozen=True)
class MedianScale(ScaleRule):
    """``median(|e|) / Phi^-1(3/4)``: the MAD of the residuals about zero."""

    def estimate(self, design: Any, point: Any, freedom: float) -> float:
        """The MAD."""
        return design.median_scale(point)

    def relative_error(self, loss: Loss) -> float:
        """That of the MAD, whatever the loss."""
        return MAD_STANDARD_ERROR

    def starts(self, loss: Loss) -> list[tuple[ScaleRule, Loss]]:
        """The joint fit at delta = 0.5, or at 1.345 where the scale of that is zero.

        The fixed point need not be unique. In 400 trials the first led to the smaller of two scales
        whenever it led elsewhere (DESIGN.md, section 2).
        """
        return [(JointScale(), Huber(0.5)), (JointScale(), Huber(1.345))]


def scale_rule(scale: str | float, response_scale: float = 1.0) -> ScaleRule:
    """The rule that a value of the parameter ``scale`` stands for.

    Parameters
    ----------
    scale : {"joint", "mad"} or float
    response_scale : float
        Unit of y that a number is divided by.
    """
    if isinstance(scale, str):
        return {"joint": JointScale, "mad": MedianScale}[scale]()
    return GivenScale(float(scale) / response_scale)
