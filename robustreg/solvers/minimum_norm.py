"""The coefficients of least norm among those with the same fit, for dependent columns."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from robustreg.design.base import Point
from robustreg.problem import Problem
from robustreg.solvers.metric import column_norms, cutoff

__all__ = ["independent_columns", "minimum_norm"]


def minimum_norm(problem: Problem, point: Point) -> Point:
    """Return the coefficients of least norm, in the user's units, with the same predictions.

    If columns are dependent, (w, b) can move along the null space of the rows (z, 1) without a
    change of the predictions. Here it moves by the vector of the null space that makes w shortest.
    Projecting w onto the row space, in the user's units, would lose as many digits as the sizes of
    the columns differ by.
    """
    if problem.null is None or not problem.null.size:
        return point
    p, column_scale = problem.design.n_features, problem.design.units.column_scale
    # With rows in descending order and pivoted columns, reflections keep the digits of small rows.
    rows = problem.null[:p] / column_scale[:, None]
    order = np.argsort(-np.abs(rows).max(axis=1, initial=0.0))
    q, r, pivots = linalg.qr(rows[order], mode="economic", pivoting=True)
    weights = np.empty((rows.shape[1], *point.coef.shape[1:]))
    coef = (point.coef.T / column_scale).T  # one response, or many in columns
    weights[pivots] = linalg.solve_triangular(r, q.T @ coef[order])
    move = problem.null @ weights
    intercept = point.intercept - move[p] if problem.fit_intercept else 0.0
    return point._replace(coef=point.coef - move[:p], intercept=intercept)


def independent_columns(
    factor: NDArray[np.float64], n_rows: int, fit_intercept: bool
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Choose columns of X that determine the others, and the directions without effect.

    Parameters
    ----------
    factor : array of shape (q, q)
        R of the rows (z, 1), or z without an intercept.
    n_rows : int
    fit_intercept : bool

    Returns
    -------
    columns : array of int
        In ascending order. They are chosen by pivoting: each has the largest part that the
        intercept and the columns before it do not explain.
    null : array of shape (q, q - rank)
        Directions of (w, b) that change no prediction.
    """
    inverse_norm = 1.0 / column_norms(factor)
    equilibrated = factor * inverse_norm
    _, singular, right = np.linalg.svd(equilibrated)
    kept = singular > cutoff(singular, n_rows)
    if fit_intercept:
        first = np.roll(equilibrated, 1, axis=1)
        equilibrated = linalg.qr(first, mode="r")[0][1:, 1:]
    pivots = linalg.qr(equilibrated, mode="r", pivoting=True)[1]
    rank = int(np.count_nonzero(kept)) - fit_intercept
    return np.sort(pivots[:rank]), right[~kept].T * inverse_norm[:, None]
