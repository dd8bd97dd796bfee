"""The coefficients of least norm among those with the same fit, for dependent columns."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from robustreg.design.base import Point
from robustreg.problem import NullSpace, Problem
from robustreg.solvers.square_root import column_norms, cutoff, null_space

__all__ = ["dependence", "minimum_norm"]


def minimum_norm(problem: Problem, point: Point) -> Point:
    """Return the coefficients of least norm, in the user's units, with the same predictions.

    If columns are dependent, (w, b) can move along the null space of the rows (z, 1) without a
    change of the predictions. Here it moves by the vector of the null space that makes w shortest.
    Projecting w onto the row space, in the user's units, would lose as many digits as the sizes of
    the columns differ by.
    """
    if problem.null is None:
        return point
    p, column_scale = problem.design.n_features, problem.design.units.column_scale
    # With rows in descending order and pivoted columns, reflections keep the digits of small rows.
    rows = problem.null.directions[:p] / column_scale[:, None]
    order = np.argsort(-np.abs(rows).max(axis=1, initial=0.0))
    q, r, pivots = linalg.qr(rows[order], mode="economic", pivoting=True)
    weights = np.empty((rows.shape[1], *point.coef.shape[1:]))
    coef = (point.coef.T / column_scale).T  # one response, or many in columns
    weights[pivots] = linalg.solve_triangular(r, q.T @ coef[order])
    move = problem.null.directions @ weights
    intercept = point.intercept - move[p] if problem.fit_intercept else 0.0
    return point._replace(coef=point.coef - move[:p], intercept=intercept)


def dependence(factor: NDArray[np.float64], n_rows: int, n_features: int) -> NullSpace:
    """Return the null space of the rows (z, 1), or z without an intercept, from their R."""
    inverse_norm = 1.0 / column_norms(factor)
    _, singular, right = np.linalg.svd(factor * inverse_norm)
    return null_space(right, singular > cutoff(singular, n_rows), inverse_norm, n_features)
