"""Problems of some columns alone, where the others depend on them.

A redescending loss has rows of negative curvature, and a triangular factor of the Hessian does not
exist in general: the coefficients of dependent columns cannot be left to its rank. They are kept at
zero, and the solution of least norm is taken afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from robustreg.design.base import Point, Sums
from robustreg.problem import AtScale, Evaluation, Problem
from robustreg.solvers.metric import column_norms

__all__ = ["AtScaleOfColumns", "independent_columns", "moved_to_columns"]

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class AtScaleOfColumns(AtScale):
    """``sum s rho_sigma(e)`` as a function of the coefficients of some columns.

    Parameters
    ----------
    kept : tuple of int
        Ascending numbers of the columns; p is the intercept's.
    """

    kept: tuple[int, ...] = ()

    @property
    def size(self) -> int:
        """How many columns are kept."""
        return len(self.kept)

    def pack(self, coef: Vector, intercept: float, scale: float) -> Vector:
        """The parts that belong to the columns kept."""
        return np.append(coef, intercept)[list(self.kept)]

    def point(self, parameters: Vector) -> Point:
        """With zeros for the other columns."""
        full = np.zeros(self.design.n_features + 1)
        full[list(self.kept)] = parameters
        return Point(full[:-1], float(full[-1]), self.scale, self.problem.loss)

    def evaluation(self, parameters: Vector, sums: Sums) -> Evaluation:
        """As in the base class; there is no penalty."""
        gradient = self.pack(-sums.gradient, -sums.psi, np.nan)
        return Evaluation(parameters, sums.loss, gradient, sums)

    def columns(self, parameters: Vector) -> tuple[NDArray[np.intp], Vector]:
        """The columns kept."""
        return np.array(self.kept, dtype=np.intp), np.ones(self.size)


def independent_columns(problem: Problem, point: Point) -> tuple[tuple[int, ...], Matrix]:
    """Columns on which the others depend, the intercept first, and R of all columns.

    Returns
    -------
    kept : tuple of int
        As many as the rank of the problem says.
    factor : array of shape (order, p + 1)
    """
    p = problem.design.n_features
    _, augmented = problem.design.triangular_factor(point._replace(scale=1.0), None)
    factor = augmented[:, : p + 1]
    if not problem.fit_intercept:
        factor = factor.copy()
        factor[:, p] = 0.0
    scaled = factor / column_norms(factor)
    others = scaled[:, :p]
    if problem.fit_intercept:
        one = scaled[:, p] / np.linalg.norm(scaled[:, p])
        others = others - np.outer(one, one @ others)
    pivots = linalg.qr(others, mode="r", pivoting=True)[1]
    kept = sorted(int(i) for i in pivots[: problem.known_rank])
    return (*kept, p) if problem.fit_intercept else tuple(kept), factor


def moved_to_columns(point: Point, kept: tuple[int, ...], factor: Matrix) -> Point:
    """The point with zeros for the columns that are not kept which predicts the same."""
    norms = column_norms(factor)
    scaled = factor / norms
    target = scaled @ (np.append(point.coef, point.intercept) * norms)
    full = np.zeros(norms.size)
    full[list(kept)] = np.linalg.lstsq(scaled[:, list(kept)], target, rcond=None)[0]
    full /= norms
    return point._replace(coef=full[:-1], intercept=float(full[-1]))
