"""The coefficients of least norm among those that fit the same, where columns are dependent."""

from __future__ import annotations

import numpy as np
from scipy import linalg

from robustreg.design.base import Point
from robustreg.problem import Problem

__all__ = ["minimum_norm"]


def minimum_norm(problem: Problem, point: Point) -> Point:
    """The coefficients of least norm, in the user's units, that predict the same.

    Where columns depend on one another, (w, b) is free to move along the null space of the rows
    (z, 1). It moves by the vector of it that makes w shortest: to project w onto the row space, in
    the units of the user, would lose as many digits as columns differ in size.
    """
    if problem.null is None or not problem.null.size:
        return point
    p, column_scale = problem.design.n_features, problem.design.units.column_scale
    # Rows in descending order and pivoted columns: reflections then keep the digits of small rows.
    rows = problem.null[:p] / column_scale[:, None]
    order = np.argsort(-np.abs(rows).max(axis=1, initial=0.0))
    q, r, pivots = linalg.qr(rows[order], mode="economic", pivoting=True)
    weights = np.empty(rows.shape[1])
    weights[pivots] = linalg.solve_triangular(r, q.T @ (point.coef / column_scale)[order])
    move = problem.null @ weights
    intercept = point.intercept - float(move[p]) if problem.fit_intercept else 0.0
    return point._replace(coef=point.coef - move[:p], intercept=intercept)
