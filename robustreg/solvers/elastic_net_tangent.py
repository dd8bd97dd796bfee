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

    def events(self, active: ActiveSet, scale: float, up: bool) -> tuple[list[float], list[float]]:
        """Changes of sigma at which a column leaves or enters, if the derivative does not change.

        Parameters
        ----------
        active : ActiveSet
        scale : float
        up : bool
            Whether sigma increases.

        Returns
        -------
        changes : list of float
            The nearest first. The last is the end of the line, infinity or zero sigma.
        numbers : list of float
            -1 for a column that leaves, 1 for one that enters, 0 for the end.
        """
        at_zero = (active.coef == 0.0) & ~active.signs.free
        moving = (active.coef != 0.0) & ~active.signs.free
        sizes = active.sizes
        with np.errstate(divide="ignore", invalid="ignore"):
            parts = [-active.coef[moving] / self.coef[moving]]
            for sign in (1.0,) if active.signs.positive else (1.0, -1.0):
                rooms = sign * active.slopes - scale * sizes
                parts.append((rooms / (sizes - sign * self.slopes))[at_zero])
        numbers = np.repeat([-1.0, 1.0], [parts[0].size, sum(part.size for part in parts[1:])])
        changes = np.concatenate(parts)
        ahead = np.isfinite(changes) & ((changes > 0.0) == up) & (changes != 0.0)
        ahead &= changes > -scale
        order = np.argsort(np.abs(changes[ahead]))
        end = np.inf if up else -scale
        return [*changes[ahead][order].tolist(), end], [*numbers[ahead][order].tolist(), 0.0]


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
