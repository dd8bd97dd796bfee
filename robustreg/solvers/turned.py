"""A loss with the opposite curvature, of which the negative part is wanted."""

from __future__ import annotations

from typing import Any

from numpy.typing import ArrayLike, NDArray

from robustreg.losses import Loss

__all__ = ["Turned"]


class Turned(Loss):
    """A loss whose curvature has the opposite sign: rows that count are those that did not.

    Parameters
    ----------
    loss : Loss
    """

    def __init__(self, loss: Loss) -> None:
        self.loss = loss

    def rho(self, u: ArrayLike) -> NDArray[Any]:
        """That of the loss."""
        return self.loss.rho(u)

    def psi(self, u: ArrayLike) -> NDArray[Any]:
        """That of the loss."""
        return self.loss.psi(u)

    def psi_prime(self, u: ArrayLike) -> NDArray[Any]:
        """Minus that of the loss."""
        return -self.loss.psi_prime(u)

    def weight(self, u: ArrayLike) -> NDArray[Any]:
        """Minus that of the loss, so that ``curvature`` is minus the loss's at every mixing."""
        return -self.loss.weight(u)

    def at(self, scale: float) -> Turned:
        """The loss in units of the residuals, turned."""
        return Turned(self.loss.at(scale))
