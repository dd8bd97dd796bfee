"""Residuals in units of the scale, with psi and weights of the loss."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Residuals"]

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Residuals:
    """Residuals of some rows, with psi and weights of the loss.

    Attributes
    ----------
    u : array of shape (m,)
        Residuals divided by the scale.
    frequencies : array of shape (m,)
        How often each row counts.
    response : array of shape (m,), or None
        y in units of the scale; None if it is not needed.
    delta : float, or array with one entry per response
        The threshold, in the same units.
    """

    u: Vector
    frequencies: Vector
    response: Vector | None
    delta: Any

    @cached_property
    def inside(self) -> Vector:
        """Derivative psi': one for rows within the threshold, zero for the others."""
        return (np.abs(self.u) <= self.delta).astype(np.float64)

    @cached_property
    def psi(self) -> Vector:
        """Score psi, ``clip(u, -delta, delta)``."""
        return np.clip(self.u, -self.delta, self.delta)

    @cached_property
    def weight(self) -> Vector:
        """Robustness weight ``psi / u``, which is one if u is zero."""
        return np.divide(self.psi, self.u, out=np.ones_like(self.u), where=self.u != 0.0)

    def take(self, index: NDArray[np.intp]) -> Residuals:
        """Return the residuals of some rows."""
        response = None if self.response is None else self.response[index]
        return Residuals(self.u[index], self.frequencies[index], response, self.delta)

    def sums(self, *values: NDArray) -> Vector:
        """Return sums over observations, of shape (number of values,)."""
        return np.array([self.frequencies @ value.astype(np.float64) for value in values])
