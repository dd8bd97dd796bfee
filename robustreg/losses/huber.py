"""Huber's loss."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammainc, ndtr

from robustreg.losses.base import Loss, Terms, dot

__all__ = ["LARGEST_DELTA", "Huber"]

Vector = NDArray[np.float64]

#: Beyond this delta, at normal errors, the loss equals least squares in double precision.
LARGEST_DELTA = 40.0


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

    def terms(self, residual: NDArray[Any], weights: Vector | None) -> Terms:
        """As in the base class. ``sum s psi (e - psi/2)`` needs no array of values."""
        psi = np.minimum(residual, self.delta)
        np.maximum(psi, -self.delta, out=psi)
        curvature = psi == residual  # as in psi_prime, without an array of absolute values
        weighted = psi if weights is None else weights * psi
        squares = dot(weighted, psi)
        return Terms(weighted, curvature, dot(weighted, residual) - 0.5 * squares, squares)

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
