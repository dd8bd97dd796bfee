"""The coefficients of least norm among those that fit the same, where columns are dependent."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from robustreg.design.base import Point
from robustreg.problem import Problem
from robustreg.solvers.metric import column_norms, cutoff

__all__ = ["minimum_norm"]

Matrix = NDArray[np.float64]


def minimum_norm(problem: Problem, point: Point) -> Point:
    """The coefficients of least norm, in the user's units, that predict the same.

    Where columns depend on one another, the coefficients are free to move along the null space of
    the centred X. They move by the vector of it that makes them shortest: to project them onto the
    row space, in the units of the user, would lose as many digits as columns differ in size.
    """
    design, p = problem.design, problem.design.n_features
    _, factor = design.triangular_factor(point, None)
    mean = np.zeros(p)
    if problem.fit_intercept:
        # With the column of ones first, R = [[r, r m'], [0, R of the centred columns]].
        factor = np.asarray(np.linalg.qr(factor[:, np.append(p, np.arange(p))], mode="r"))
        mean, factor = factor[0, 1:] / factor[0, 0], factor[1:, 1:]
    else:
        factor = factor[:, :p]
    null = _null_space(factor, design.n_rows)
    column_scale = design.units.column_scale
    # Rows in descending order and pivoted columns: reflections then keep the digits of small rows.
    rows = null / column_scale[:, None]
    order = np.argsort(-np.abs(rows).max(axis=1, initial=0.0))
    q, r, pivots = linalg.qr(rows[order], mode="economic", pivoting=True)
    weights = np.empty(null.shape[1])
    weights[pivots] = linalg.solve_triangular(r, q.T @ (point.coef / column_scale)[order])
    move = null @ weights
    coef = point.coef - move
    intercept = point.intercept + float(mean @ move)
    return point._replace(coef=coef, intercept=intercept if problem.fit_intercept else 0.0)


def _null_space(factor: Matrix, n_rows: int) -> Matrix:
    """Basis of the null space of R, of shape (p, p - rank), by its equilibrated columns."""
    p = factor.shape[1]
    norms = column_norms(factor)
    _, singular, right = np.linalg.svd(factor / norms, full_matrices=True)
    values = np.zeros(p)
    values[: singular.size] = singular
    return right[values <= cutoff(singular, n_rows)].T / norms[:, None]
