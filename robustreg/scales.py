"""Scale rules, which determine sigma from the residuals of a fit.

Each rule is an object. The solvers ask it for its equation, and inference for the influence of a
row and the standard error of sigma.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
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
    "joint_scale",
    "median",
    "median_absolute_residual",
    "scale_rule",
    "weighted_median",
]

#: Newton steps for the joint scale of given residuals. If these are not enough, the residuals are
#: sorted, which takes as long as eight steps.
NEWTON_STEPS = 12

#: Standard error of the MAD at the normal, in units of sigma / sqrt(n): 1 / (4 c phi(c)) at the
#: quartile c, ``MAD_FACTOR``.
MAD_STANDARD_ERROR = 1.1664


# -- rules ----------------------------------------------------------------------------------------


class ScaleRule(ABC):
    """A rule that determines sigma from the residuals of a fit.

    Attributes
    ----------
    convex : bool
        Whether sigma and the coefficients minimise one convex function, if there is no penalty.
    """

    convex: ClassVar[bool] = False

    @abstractmethod
    def estimate(self, design: Any, point: Any, freedom: float) -> float:
        """Return sigma for the coefficients of a point; 0.0 if they fit too many rows exactly.

        Parameters
        ----------
        design : Design
        point : Point
        freedom : float
            Degrees of freedom of the residuals.
        """

    def step(self, sums: Any, point: Any, total_weight: float, freedom: float) -> float | None:
        """Return a sigma nearer to the estimate, from the sums at a point without its residuals.

        Parameters
        ----------
        sums : Sums
        point : Point
            The closer its sigma is to the estimate, the closer is the result.
        total_weight : float
        freedom : float

        Returns
        -------
        float or None
            Sigma; None if the sums do not determine it, as for an order statistic.
        """
        return None

    @abstractmethod
    def relative_error(self, loss: Loss) -> Any:
        """Return the standard error of ``log sigma`` at normal errors, times sqrt(n)."""

    def known(self) -> float | None:
        """Return sigma if it does not depend on the data, otherwise None."""
        return None

    def of_squares(self, squares: float, freedom: float) -> float:
        """Return a first sigma from the sum of the squares of residuals."""
        return math.sqrt(squares / freedom)

    def slope(self, pull: float, sums: Any, total_weight: float, point: Any) -> float | None:
        """Return the derivative of ``log estimate`` with respect to ``log sigma``.

        The coefficients are those that minimise the loss at sigma.

        Parameters
        ----------
        pull : float
            ``sum s psi' e (z d theta)``, where d theta is the derivative of the coefficients with
            respect to log sigma.
        sums : Sums
        total_weight : float
        point : Point

        Returns
        -------
        float or None
            None if it is not known, as for an order statistic.
        """
        return None

    def slope_of_freedom(self, sums: Any, total_weight: float, point: Any) -> float:
        """Return the derivative of ``log estimate`` with respect to ``log freedom``."""
        return 0.0

    def starts(self, loss: Loss) -> list[tuple[ScaleRule, Loss]]:
        """Return problems whose solutions are starts, the best first; empty if none is needed."""
        return []


@dataclass(frozen=True)
class GivenScale(ScaleRule):
    """Sigma is known.

    Parameters
    ----------
    value : float
        Sigma, in the units of the residuals.
    """

    value: float

    def estimate(self, design: Any, point: Any, freedom: float) -> float:
        """The value."""
        return self.value

    def relative_error(self, loss: Loss) -> float:
        """One: a given sigma has no standard error that could be a unit."""
        return 1.0

    def known(self) -> float | None:
        """The value."""
        return self.value

    def of_squares(self, squares: float, freedom: float) -> float:
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
        """Take a step of Newton's method for sigma².

        The equation is concave and piecewise linear in sigma². From a sigma above the root, the
        steps decrease to the root and reach it exactly. If sigma is so small that the equation
        increases with it, the step doubles sigma.
        """
        outside = max(total_weight - sums.curvature, 0.0)
        clipped = point.loss.delta**2 * outside if outside > 0.0 else 0.0
        rest = 2.0 * point.loss.kappa * freedom - clipped
        if not rest > 0.0:
            return 2.0 * float(point.scale)
        return float(np.sqrt(max(self._inside(sums, total_weight, point), 0.0) / rest))

    def slope(self, pull: float, sums: Any, total_weight: float, point: Any) -> float | None:
        """Return ``-pull / sum s psi' e²``, from the derivatives of the equation."""
        inside = self._inside(sums, total_weight, point)
        return -pull / inside if inside > 0.0 else None

    def slope_of_freedom(self, sums: Any, total_weight: float, point: Any) -> float:
        """As in the base class."""
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
        """Standard error of the MAD, which does not depend on the loss."""
        return MAD_STANDARD_ERROR

    def starts(self, loss: Loss) -> list[tuple[ScaleRule, Loss]]:
        """The joint fit with delta = 0.5, or with 1.345 if the first collapses.

        The fixed point need not be unique. In 400 trials, whenever the first start led to another
        scale than the second, it was the smaller one (DESIGN.md, section 2).
        """
        return [(JointScale(), Huber(0.5)), (JointScale(), Huber(1.345))]


def joint_scale(
    residuals: NDArray[Any], weights: NDArray[Any] | None, delta: float, target: float, guess: float
) -> float:
    """Solve ``sum s min(e², (delta sigma)²) = target sigma²`` for sigma.

    The difference of both sides is concave in sigma² and piecewise linear. Where it decreases,
    Newton's method leads to the root, and has reached it once a step moves no residual across the
    threshold. Elsewhere the residuals are sorted, as in ``OrderedSquares.joint_scale``.

    Parameters
    ----------
    residuals : array of shape (n,)
    weights : array of shape (n,) or None
        Frequencies.
    delta, target : float
    guess : float
        Where to begin.

    Returns
    -------
    float
        The largest root, or 0.0 if there is no positive one.
    """
    with np.errstate(over="ignore", invalid="ignore"):  # squares of huge values are infinite
        squares = residuals * residuals
        count, square = -1, guess * guess
        total = float(squares.shape[0] if weights is None else weights.sum())
        for _ in range(NEWTON_STEPS):
            inside = squares <= delta * delta * square
            before, count = count, int(np.count_nonzero(inside))
            if count == before:
                return math.sqrt(square)
            counted = inside if weights is None else inside * weights
            within = count if weights is None else float(counted.sum())
            outside = max(total - within, 0.0)
            slope = target - (delta * delta * outside if outside > 0.0 else 0.0)
            following = float(squares @ counted) / slope if slope > 0.0 else 0.0
            if not 0.0 < following < math.inf:
                break
            square = following
    return OrderedSquares(residuals, weights).joint_scale(delta, target)


def scale_rule(scale: str | float, response_scale: float = 1.0) -> ScaleRule:
    """Return the rule for a value of the parameter ``scale``.

    Parameters
    ----------
    scale : {"joint", "mad"} or float
    response_scale : float
        Unit of y, by which a number is divided.
    """
    if isinstance(scale, str):
        return {"joint": JointScale, "mad": MedianScale}[scale]()
    return GivenScale(float(scale) / response_scale)
