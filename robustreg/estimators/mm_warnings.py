"""The warnings of an MM fit."""

from __future__ import annotations

import warnings

from robustreg.estimators.fitting import REASONS
from robustreg.exceptions import ExactFitWarning, convergence_warning
from robustreg.solvers.resistant import MMProblem, MMResult
from robustreg.solvers.result import Status

__all__ = ["warn_of_doubt"]


def warn_of_doubt(result: MMResult, problem: MMProblem) -> None:
    """Warn if the fit is doubtful, and say what to do."""
    if result.status is Status.EXACT_FIT:
        warnings.warn(
            "So many rows are fitted exactly that the scale of the residuals is zero. The fit is "
            "the plane through these rows, scale_ is 0.0, and all other rows have weight zero. "
            "This is correct for data without noise, or with no more rows than coefficients. If y "
            "is rounded or has many equal values, use HuberRegressor, or a smaller breakdown.",
            ExactFitWarning,
            stacklevel=3,
        )
    elif result.status in REASONS:
        text = "MMRegressor " + REASONS[result.status].format(
            max_iter=problem.max_iter, tol=problem.tol, solution="a local minimum"
        )
        warning = convergence_warning(text, float(result.optimality), problem.tol)
        warnings.warn(warning, stacklevel=3)
