"""A fit again, by the regressor's own solver: the one place where inference calls it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from robustreg.estimators.fitting import HuberProblem, Start, fit_huber
from robustreg.inference.regression import FittedRegression

__all__ = ["refit"]

Vector = NDArray[np.float64]

#: Most iterations of a refit, and the distance, in standard errors, at which it must end: a tenth
#: of a standard error is the last step of a replicate that is solved with others.
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
    """Theta in working units of the same problem, with other frequencies or another y.

    NaN where the solver ends farther than a tenth of a standard error away, as it may where the
    other rows are mostly outliers.

    Parameters
    ----------
    fitted : FittedRegression
    weights : array of shape (n,)
        Frequencies.
    errors : array of shape (n,), optional
        What is added to y, in units of the scale.
    delta : float or "auto", optional
        Another than that of the fit.
    tol : float
        Distance to the minimiser, in standard errors.
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
    # A search that diverges says so by where it ends.
    with np.errstate(over="ignore", invalid="ignore"):
        solution = fit_huber(design, problem, start)
    if not solution.result.optimality <= FARTHEST_END:
        return np.full(fitted.n_parameters, np.nan)
    coef, intercept = original.from_user(solution.coef, solution.intercept)
    return np.append(coef, intercept)[: fitted.n_parameters]
