r"""Losses of a standardised residual, and the functions of them that solvers and inference need.

A loss is a function rho of u = e / sigma. In the units of the residuals, at a scale sigma, it is

    sigma² rho(e / sigma),      its derivative  sigma psi(e / sigma),      psi = rho'

and ``at(sigma)`` is the loss in these units. A new loss is a subclass of :class:`Loss` with four
methods.

Sources: P. J. Huber, "Robust Estimation of a Location Parameter", Ann. Math. Statist. 35 (1964);
A. E. Beaton and J. W. Tukey, Technometrics 16 (1974), for the bisquare.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammainc, ndtr

__all__ = ["LARGEST_DELTA", "Bisquare", "Huber", "Loss", "Redescending"]

Vector = NDArray[np.float64]

#: Beyond this delta, at normal errors, the loss equals least squares in double precision.
LARGEST_DELTA = 40.0


class Loss(ABC):
    """Base class of losses, which are even in u, with ``rho(0) = 0`` and ``psi'(0) = 1``.

    Attributes
    ----------
    convex : bool
        Whether rho is convex, so that a problem has one minimum.
    """

    convex: ClassVar[bool] = False

    @abstractmethod
    def rho(self, u: ArrayLike) -> NDArray[Any]:
        """Value of the loss."""

    @abstractmethod
    def psi(self, u: ArrayLike) -> NDArray[Any]:
        """Derivative of the loss."""

    @abstractmethod
    def psi_prime(self, u: ArrayLike) -> NDArray[Any]:
        """Second derivative of the loss, of type bool if its values are only zero and one."""

    @abstractmethod
    def weight(self, u: ArrayLike) -> NDArray[Any]:
        """``psi(u) / u``, the weight of iterated least squares, which is one at zero."""

    def at(self, scale: float) -> Loss:
        """The loss of residuals that are not divided by their scale."""
        return Scaled(self, scale)

    @classmethod
    def together(cls, losses: Sequence[Loss]) -> Loss:
        """One loss for residuals of shape (n_losses, n), from a loss for each line."""
        scaled = [loss for loss in losses if isinstance(loss, Scaled)]
        return Scaled(scaled[0].loss, np.array([[loss.scale] for loss in scaled]))

    def sum_of(
        self, residual: Vector, weighted: Vector, psi_squares: Any, weights: Vector | None
    ) -> Any:
        """``sum s rho(e)`` along the last axis. The caller has computed s psi and its products."""
        return _sum(self.rho(residual), weights)

    def curvature(self, residual: Vector, mixing: float) -> NDArray[Any]:
        """``(1 - mixing) psi'(e) + mixing psi(e)/e``.

        With mixing 0 it is the second derivative, as in Newton's method. With mixing 1 it is the
        curvature of the majorant in iterated least squares.
        """
        if mixing == 0.0:
            return self.psi_prime(residual)
        return (1.0 - mixing) * self.psi_prime(residual) + mixing * self.weight(residual)


class Huber(Loss):
    r"""Huber's loss: ``u²/2`` for ``|u| <= delta`` and ``delta (|u| - delta/2)`` beyond.

    Parameters
    ----------
    delta : float in (0, inf]
        Threshold, in the units of the argument. (Or an array that broadcasts against it.)
    """

    convex = True

    def __init__(self, delta: Any) -> None:
        self.delta = delta

    def rho(self, u: ArrayLike) -> NDArray[Any]:
        """Value of the loss."""
        u = np.asarray(u)
        psi = self.psi(u)
        # psi (u - psi/2) is u²/2 inside and delta (|u| - delta/2) outside, without a branch and
        # without a u² that overflows.
        return psi * (u - 0.5 * psi)

    def psi(self, u: ArrayLike) -> NDArray[Any]:
        """``clip(u, -delta, delta)``."""
        # Two ufuncs: numpy.clip costs several microseconds more on small data.
        psi = np.minimum(u, self.delta)
        return np.maximum(psi, -self.delta)

    def psi_prime(self, u: ArrayLike) -> NDArray[Any]:
        """True within the threshold."""
        return np.abs(u) <= self.delta

    def weight(self, u: ArrayLike) -> NDArray[Any]:
        """``min(1, delta/|u|)``."""
        magnitude = np.maximum(np.abs(u), self.delta)
        if not getattr(self.delta, "ndim", 0) and 0.0 < self.delta < np.inf:
            return np.asarray(self.delta / magnitude)
        # A residual of zero has weight 1 even if the threshold is zero (an exact fit). If the
        # threshold is infinite, every residual has weight 1.
        divided = (magnitude > 0) & np.isfinite(magnitude)
        return np.divide(self.delta, magnitude, out=np.ones_like(magnitude), where=divided)

    def at(self, scale: Any) -> Huber:
        """The loss with the threshold ``delta scale``, in the units of the residuals."""
        return Huber(self.delta * scale if getattr(scale, "ndim", 0) or scale > 0.0 else 0.0)

    @classmethod
    def together(cls, losses: Sequence[Loss]) -> Huber:
        """One loss for residuals of shape (n_losses, n)."""
        return cls(np.array([[loss.delta] for loss in losses if isinstance(loss, Huber)]))

    def sum_of(
        self, residual: Vector, weighted: Vector, psi_squares: Any, weights: Vector | None
    ) -> Any:
        """``sum s psi (e - psi/2)``, with a product and without an array of values."""
        if residual.ndim == 1:
            return float(weighted @ residual) - 0.5 * psi_squares
        return np.einsum("ij,ij->i", weighted, residual) - 0.5 * psi_squares

    @property
    def kappa(self) -> Any:
        """``E[min(Z², delta²)] / 2`` for Z standard normal: see :func:`robustreg.tuning.kappa`."""
        if getattr(self.delta, "ndim", 0):
            deltas, where = np.unique(self.delta, return_inverse=True)
            return np.array([_huber_kappa(delta) for delta in deltas.tolist()])[where]
        return _huber_kappa(float(self.delta))


@lru_cache(maxsize=1024)
def _huber_kappa(delta: float) -> float:
    # E[Z²; |Z| < delta] is a chi-squared probability, which avoids cancellation.
    if delta > LARGEST_DELTA:
        return 0.5
    inside = float(gammainc(1.5, 0.5 * delta**2))
    outside = 2.0 * delta**2 * float(ndtr(-delta))
    return 0.5 * (inside + outside)


class Redescending(Loss):
    """A loss ``c² rho_1(u / c)`` that is constant beyond a multiple of c.

    Parameters
    ----------
    c : float
        Tuning constant, in the units of the argument. (Or an array that broadcasts against it.)

    Attributes
    ----------
    shape_sup : float
        The largest value of rho_1.
    knots : tuple of float
        Points at which rho_1 changes its formula. It is constant beyond the last.
    """

    shape_sup: ClassVar[float]
    knots: ClassVar[tuple[float, ...]]

    def __init__(self, c: Any) -> None:
        self.c = c

    @property
    def sup(self) -> Any:
        """The largest value of the loss."""
        return self.shape_sup * self.c**2

    def scale_sums(self, u: NDArray[Any], weights: Vector | None) -> tuple[Any, Any]:
        """``sum s rho(u) / sup`` and ``sum s u psi(u) / sup`` along the last axis.

        They are the terms of the equation of an M-scale.

        Parameters
        ----------
        u : array of shape (..., n)
            Not negative; overwritten.
        weights : array of shape (n,) or None
        """
        # Beyond the last knot psi is zero, and infinity times zero would not be.
        np.minimum(u, self.knots[-1] * self.c, out=u)
        return _sum(self.rho(u), weights) / self.sup, _sum(u * self.psi(u), weights) / self.sup

    def at(self, scale: float) -> Redescending:
        """The loss with the constant ``c scale``, in the units of the residuals."""
        return type(self)(self.c * scale)

    @classmethod
    def together(cls, losses: Sequence[Loss]) -> Redescending:
        """One loss for residuals of shape (n_losses, n)."""
        return cls(np.array([[loss.c] for loss in losses if isinstance(loss, Redescending)]))


class Bisquare(Redescending):
    r"""Tukey's bisquare: ``psi(u) = u (1 - (u/c)²)²`` within c and zero beyond.

    Parameters
    ----------
    c : float
        Rejection point. 4.685 is 95 % efficient at normal errors.
    """

    shape_sup = 1.0 / 6.0
    knots = (1.0,)

    def rho(self, u: ArrayLike) -> NDArray[Any]:
        """``c²/6 (1 - (1 - (u/c)²)³)``, and ``c²/6`` beyond c."""
        # v (3 - 3 v + v²) is used, since 1 - (1 - v)³ would cancel.
        v = np.minimum(np.abs(u) / self.c, 1.0) ** 2
        return self.c**2 / 6.0 * (v * (3.0 + v * (v - 3.0)))

    def psi(self, u: ArrayLike) -> NDArray[Any]:
        """Derivative of the loss."""
        psi = self.weight(u)
        return np.multiply(psi, u, out=psi)

    def psi_prime(self, u: ArrayLike) -> NDArray[Any]:
        """Second derivative: negative between ``c / sqrt(5)`` and c."""
        kept = self._kept(u)
        return kept * (5.0 * kept - 4.0)

    def weight(self, u: ArrayLike) -> NDArray[Any]:
        """``(1 - (u/c)²)²`` within c."""
        kept = self._kept(u)
        return np.multiply(kept, kept, out=kept)

    def scale_sums(self, u: NDArray[Any], weights: Vector | None) -> tuple[Any, Any]:
        """As in the base class, in place and from the square of u alone."""
        u *= 1.0 / self.c
        np.minimum(u, 1.0, out=u)
        v = np.multiply(u, u, out=u)
        kept = 1.0 - v
        square = kept * kept
        v *= square
        # The sum is compared with a share of n: that 1 - kept^3 has no relative precision at small
        # v does no harm.
        kept *= square
        total = v.shape[-1] if weights is None else weights.sum()
        return total - _sum(kept, weights), 6.0 * _sum(v, weights)

    def _kept(self, u: ArrayLike) -> NDArray[Any]:
        kept = np.asarray(np.abs(u) / self.c)
        np.minimum(kept, 1.0, out=kept)
        np.multiply(kept, kept, out=kept)
        return np.subtract(1.0, kept, out=kept)


class Scaled(Loss):
    """``scale² rho(e / scale)``: a loss in the units of the residuals."""

    def __init__(self, loss: Loss, scale: Any) -> None:
        self.loss, self.scale = loss, scale

    def rho(self, u: ArrayLike) -> NDArray[Any]:
        """Value, in squared units of the residuals."""
        return self.scale**2 * self.loss.rho(np.asarray(u) / self.scale)

    def psi(self, u: ArrayLike) -> NDArray[Any]:
        """Derivative, in units of the residuals."""
        return self.scale * self.loss.psi(np.asarray(u) / self.scale)

    def psi_prime(self, u: ArrayLike) -> NDArray[Any]:
        """Second derivative, without a unit."""
        return self.loss.psi_prime(np.asarray(u) / self.scale)

    def weight(self, u: ArrayLike) -> NDArray[Any]:
        """Weight, without a unit."""
        return self.loss.weight(np.asarray(u) / self.scale)


def _sum(values: NDArray[Any], weights: Vector | None) -> Any:
    return values.sum(axis=-1) if weights is None else values @ weights
