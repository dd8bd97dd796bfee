"""The warnings of an MM fit."""

from __future__ import annotations

import warnings

from robustreg.exceptions import ConvergenceWarning, ExactFitWarning
from robustreg.solvers.resistant import MMProblem, MMResult
from robustreg.solvers.result import Status

__all__ = ["warn_of_doubt"]


def warn_of_doubt(result: MMResult, problem: MMProblem) -> None:
    """Say what is doubtful about a fit, and what to do."""
    if result.status is Status.EXACT_FIT:
        warnings.warn(
            "So many rows are fitted exactly that the scale of the residuals is zero: the fit is "
            "the plane through them, scale_ is 0.0, and all other rows have weight zero. This is "
            "right for data without noise and for no more rows than coefficients. If y is rounded "
            "or has many equal values, use HuberRegressor, or a smaller breakdown.",
            ExactFitWarning,
            stacklevel=3,
        )
    elif result.status is Status.MAX_ITER:
        warnings.warn(
            f"MMRegressor stopped after max_iter={problem.max_iter} iterations at a distance of "
            f"{result.optimality:.2g} standard errors from a local minimum; tol={problem.tol:g}. "
            "Increase max_iter, or tol if this distance is small enough for you.",
            ConvergenceWarning,
            stacklevel=3,
        )
    elif result.status is Status.ROUNDING:
        warnings.warn(
            f"MMRegressor stopped at a distance of {result.optimality:.2g} standard errors from a "
            f"local minimum (tol={problem.tol:g}): rounding errors of double precision allow no "
            "less. Columns of X that nearly determine one another cause this, or noise that is "
            "tiny beside y: drop or combine columns, subtract a constant from y, or increase tol.",
            ConvergenceWarning,
            stacklevel=3,
        )
