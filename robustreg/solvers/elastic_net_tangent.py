"""The derivative of a penalised solution with respect to sigma, and a step along it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from robustreg.solvers.active_set import ActiveSet

__all__ = ["Tangent", "follow", "tangent_at"]

Vector = NDArray[np.float64]


@dataclass
class Tangent:
    """Derivative of a solution with respect to sigma.

    It is constant as long as no row crosses the threshold and no coefficient becomes zero or
    nonzero.

    Attributes
    ----------
    coef : array of shape (k,)
    residual : array of shape (n,)
    slopes : array of shape (k,)
        Derivative of ``sum s psi z``.
    """

    coef: Vector
    residual: Vector
    slopes: Vector


def tangent_at(active: ActiveSet, scale: float) -> Tangent:
    """Compute the derivative of the solution with respect to sigma."""
    threshold = active.delta * scale
    residual = active.columns.residual
    beyond = np.where(np.abs(residual) > threshold, np.sign(residual), 0.0)
    if np.isfinite(active.delta):
        outer = active.delta * active.columns.products(beyond)
    else:
        outer = np.zeros(active.columns.size)
    curvature = active.newton_hessian(threshold)
    members = np.flatnonzero((active.coef != 0.0) | active.signs.free)
    right = outer[members] - active.sizes[members] * np.sign(active.coef[members])
    coef = np.zeros(active.columns.size)
    coef[members] = curvature.solve(members, right)
    slopes = outer - curvature.Q @ coef
    return Tangent(coef, -active.columns.image(coef), slopes)


def follow(active: ActiveSet, tangent: Tangent, change: float) -> None:
    """Move along a tangent. Coefficients that would change their sign become zero."""
    moved = active.coef + change * tangent.coef
    stopped = ~active.signs.free & (moved * active.coef < 0.0)
    if stopped.any():
        moved[stopped] = 0.0
        active.columns.residual -= active.columns.image(moved - active.coef)
    else:
        active.columns.residual += change * tangent.residual
    active.coef = moved
