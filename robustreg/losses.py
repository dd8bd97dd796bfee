"""The Huber loss at a point: its value, derivative and weight. Pure NumPy, no model.

With threshold t > 0 and residual e,

    L(e) = e²/2 if |e| <= t else t (|e| - t/2)       value
    psi(e) = clip(e, -t, t)                          derivative
    w(e) = psi(e) / e = min(1, t/|e|), w(0) = 1      weight of iterated least squares

Source: P. J. Huber, "Robust Estimation of a Location Parameter", Ann. Math. Statist. 35 (1964).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["huber", "huber_psi", "huber_weight"]


def huber_psi(residual: ArrayLike, threshold: float) -> NDArray[Any]:
    """Derivative of the Huber loss, ``clip(e, -t, t)``, in the units of the residual."""
    return np.clip(residual, -threshold, threshold)


def huber(residual: ArrayLike, threshold: float) -> NDArray[Any]:
    """Huber loss of each residual, in squared units of the residual."""
    residual = np.asarray(residual)
    psi = huber_psi(residual, threshold)
    # psi (e - psi/2) is e²/2 inside and t(|e| - t/2) outside: no branch, and no e² that overflows.
    return psi * (residual - 0.5 * psi)


def huber_weight(residual: ArrayLike, threshold: float) -> NDArray[Any]:
    """Weight ``min(1, t/|e|)`` that iterated least squares would give each residual."""
    magnitude = np.maximum(np.abs(residual), threshold)
    # A residual of zero has weight 1 also where the threshold is zero (an exact fit), and every
    # residual has weight 1 where the threshold is infinite.
    return np.divide(
        threshold,
        magnitude,
        out=np.ones_like(magnitude),
        where=(magnitude > 0) & np.isfinite(magnitude),
    )
