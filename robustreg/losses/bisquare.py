"""Losses that are constant far from zero, and the bisquare."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from robustreg.losses.base import Loss, Terms, dot, total

__all__ = ["Bisquare", "Redescending"]

Vector = NDArray[np.float64]


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
        return total(self.rho(u), weights) / self.sup, total(u * self.psi(u), weights) / self.sup

    def at(self, scale: Any) -> Redescending:
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

    def terms(self, residual: NDArray[Any], weights: Vector | None) -> Terms:
        """As in the base class, from one ``1 - (u/c)²``, in half the time."""
        v = np.abs(residual) / self.c
        np.minimum(v, 1.0, out=v)
        v *= v
        kept = 1.0 - v
        square = kept * kept
        psi = square * residual
        square *= 5.0
        kept *= 4.0
        square -= kept
        values = np.subtract(v, 3.0, out=kept)
        values *= v
        values += 3.0
        values *= v
        values *= self.c**2 / 6.0
        weighted = psi if weights is None else weights * psi
        return Terms(weighted, square, total(values, weights), dot(weighted, psi))

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
        weight = v.shape[-1] if weights is None else weights.sum()
        return weight - total(kept, weights), 6.0 * total(v, weights)

    def _kept(self, u: ArrayLike) -> NDArray[Any]:
        kept = np.asarray(np.abs(u) / self.c)
        np.minimum(kept, 1.0, out=kept)
        np.multiply(kept, kept, out=kept)
        return np.subtract(1.0, kept, out=kept)
