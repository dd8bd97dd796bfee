"""The ends of the problem where rows are fitted exactly, and where X has dependent columns."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from robustreg.design.base import Point
from robustreg.objective import NEGLIGIBLE, FixedScale, Objective
from robustreg.solvers.local_model import whiten
from robustreg.solvers.preconditioner import row_space

__all__ = ["exact_fit", "minimum_norm"]

Vector = NDArray[np.float64]

#: Newton steps from a fit that is exact but for rounding errors of a Gram matrix.
REFINEMENTS = 2


def exact_fit(objective: Objective, parameters: Vector, threshold: float | None = None) -> Vector:
    """Parameters with the scale at zero, refined on the rows that they fit exactly.

    Those are the rows with a residual inside ``threshold``, by default that of rounding errors;
    where there are no more observations than parameters, all rows are.
    """
    design, point = objective.design, objective.point(parameters)
    if threshold is None:
        threshold = objective.exact_below(parameters, NEGLIGIBLE)
    if objective.degrees_of_freedom > 0:
        exact = np.abs(design.residuals(point)) <= threshold
        weights = exact.astype(np.float64)
        if design.weights is not None:
            weights *= design.weights
        if not weights.any():
            return objective.pack(point.coef, point.intercept, 0.0)
        design = design.reweighted(weights)
    rows = FixedScale(design, np.inf, objective.alpha, objective.fit_intercept, 1.0)
    refined = rows.pack(point.coef, point.intercept, 0.0)
    for _ in range(REFINEMENTS):
        evaluation, preconditioner = whiten(rows, refined, "all")
        refined = refined - preconditioner.newton_step(evaluation.gradient)
    return objective.pack(rows.coef(refined), rows.intercept(refined), 0.0)


def minimum_norm(objective: Objective, point: Point) -> Point:
    """The coefficients of least norm, in the user's units, that predict the same.

    Where columns depend on one another, the coefficients are free to move along the null space of
    the centred X. The projection on its row space takes that part out; the intercept makes up for
    the shift of the mean.
    """
    design, p = objective.design, objective.design.n_features
    _, factor = design.triangular_factor(point, "all")
    mean = np.zeros(p)
    if objective.fit_intercept:
        # With the column of ones first, R = [[r, r m'], [0, R of the centred columns]].
        factor = np.asarray(np.linalg.qr(factor[:, np.append(p, np.arange(p))], mode="r"))
        mean, factor = factor[0, 1:] / factor[0, 0], factor[1:, 1:]
    else:
        factor = factor[:, :p]
    basis = row_space(factor, design.n_rows) * design.units.column_scale[:, None]
    orthonormal = np.linalg.qr(basis)[0]
    raw = point.coef / design.units.column_scale
    coef = (orthonormal @ (orthonormal.T @ raw)) * design.units.column_scale
    intercept = point.intercept + float(mean @ (point.coef - coef))
    return Point(coef, intercept if objective.fit_intercept else 0.0, point.threshold)
