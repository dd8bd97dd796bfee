"""A loss of opposite curvature, from which the negative part of a curvature is computed."""

from __future__ import annotations

from typing import Any

from numpy.typing import ArrayLike, NDArray

from robustreg.losses import Loss

__all__ = ["Turned"]


class Turned(Loss):
    """A loss whose curvature has the opposite sign.

    A triangular factor leaves out rows of negative curvature. With this loss, it has only these.

    Parameters
    ----------
    loss : Loss
    """

    def __init__(self, loss: Loss) -> None:
        self.loss = loss

    def rho(self, u: ArrayLike) -> NDArray[Any]:
        """The rho of the loss."""
        return self.loss.rho(u)

    def psi(self, u: ArrayLike) -> NDArray[Any]:
        """The psi of the loss."""
        return self.loss.psi(u)

    def psi_prime(self, u: ArrayLike) -> NDArray[Any]:
        """The psi' of the loss with the opposite sign."""
        return -self.loss.psi_prime(u)

    def weight(self, u: ArrayLike) -> NDArray[Any]:
        """The weight with the opposite sign, so that ``curvature`` has it at every mixing."""
        return -self.loss.weight(u)

    def at(self, scale: Any) -> Turned:
        """The loss in units of the residuals, with opposite curvature."""
        return Turned(self.loss.at(scale))
