"""The interface of a loss."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Loss", "Scaled", "Terms", "dot", "total"]

Vector = NDArray[np.float64]


class Terms(NamedTuple):
    """What the sums over rows need of a loss; sums are along the last axis of the residuals."""

    weighted: Any  # s psi of each row
    curvature: Any  # psi' of each row
    loss: Any  # sum s rho
    psi_squares: Any  # sum s psi²


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

    def at(self, scale: Any) -> Loss:
        """The loss of residuals that are not divided by their scale, a number or an array."""
        return Scaled(self, scale)

    @classmethod
    def together(cls, losses: Sequence[Loss]) -> Loss:
        """One loss for residuals of shape (n_losses, n), from a loss for each line."""
        scaled = [loss for loss in losses if isinstance(loss, Scaled)]
        return Scaled(scaled[0].loss, np.array([[loss.scale] for loss in scaled]))

    def terms(self, residual: NDArray[Any], weights: Vector | None) -> Terms:
        """The terms of the sums over rows. A loss whose functions share their parts overrides it.

        Parameters
        ----------
        residual : array of shape (..., n)
        weights : array of shape (n,) or None
            Frequencies.
        """
        psi, curvature = self.psi(residual), self.psi_prime(residual)
        weighted = psi if weights is None else weights * psi
        return Terms(weighted, curvature, total(self.rho(residual), weights), dot(weighted, psi))

    def curvature(self, residual: Vector, mixing: float) -> NDArray[Any]:
        """``(1 - mixing) psi'(e) + mixing psi(e)/e``.

        With mixing 0 it is the second derivative, as in Newton's method. With mixing 1 it is the
        curvature of the majorant in iterated least squares.
        """
        if mixing == 0.0:
            return self.psi_prime(residual)
        return (1.0 - mixing) * self.psi_prime(residual) + mixing * self.weight(residual)


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


def total(values: NDArray[Any], weights: Vector | None) -> Any:
    """The weighted sum of a vector, or of each line of a matrix."""
    return values.sum(axis=-1) if weights is None else values @ weights


def dot(one: NDArray[Any], other: NDArray[Any]) -> Any:
    """The product of two vectors, or of each line of two matrices."""
    return one @ other if one.ndim == 1 else np.einsum("ij,ij->i", one, other)
