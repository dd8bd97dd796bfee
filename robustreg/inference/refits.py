"""Fit a model again with the regressor's own solver."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from robustreg.estimators.fitting import HuberProblem, Start, fit_huber
from robustreg.inference.regression import FittedRegression

__all__ = ["refit"]

Vector = NDArray[np.float64]

#: Iteration limit of a refit, and the largest distance to the minimiser that is accepted, in
#: standard errors. The last step of a replicate solved in a batch may also be a tenth of one.
MOST_ITERATIONS, FARTHEST_END = 100, 0.1


def refit(
    fitted: FittedRegression,
    weights: Vector,
    errors: Vector | None = None,
    *,
    delta: float | str | None = None,
    tol: float,
    warm: bool,
) -> Vector:
    """Solve the same problem with other frequencies or another y; return theta in working units.

    The result is NaN if the solver stops more than a tenth of a standard error from the minimiser.
    This can happen if most of the remaining rows are outliers.

    Parameters
    ----------
    fitted : FittedRegression
    weights : array of shape (n,)
        Frequencies.
    errors : array of shape (n,), optional
        Values to add to y, in units of the scale.
    delta : float or "auto", optional
        Delta of the refit, if not that of the fit.
    tol : float
        Tolerance, the distance to the minimiser in standard errors.
    warm : bool
        Whether to start from the fit.
    """
    original = fitted.design
    y = fitted.response if errors is None else fitted.response + fitted.working_scale * errors
    design = original.answering(y * original.units.response_scale, weights)
    problem = HuberProblem(
        delta=fitted.delta if delta is None else delta,
        scale=fitted.equation.refit_scale(fitted.scale),
        alpha=0.0,
        fit_intercept=fitted.rows.fit_intercept,
        solver="newton",
        max_iter=MOST_ITERATIONS,
        tol=tol,
    )
    start = Start(*original.to_user(fitted.point), fitted.scale) if warm else None
    # If the solver diverges, the distance at which it stops shows this.
    with np.errstate(over="ignore", invalid="ignore"):
        solution = fit_huber(design, problem, start)
    if not solution.result.optimality <= FARTHEST_END:
        return np.full(fitted.n_parameters, np.nan)
    coef, intercept = original.from_user(solution.coef, solution.intercept)
    return np.append(coef, intercept)[: fitted.n_parameters]
