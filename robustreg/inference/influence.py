"""Changes of the coefficients if one observation is left out: by one step, or exactly."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from robustreg.inference.equations import UndeterminedError
from robustreg.inference.progress import ProgressBar
from robustreg.inference.refits import refit
from robustreg.inference.regression import FittedRegression
from robustreg.inference.sandwich import Whitened, whiten

__all__ = ["exact_changes", "one_step_changes"]

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]
Indices = NDArray[np.intp]

#: Below this, 1 - h counts as zero. The row then determines a coefficient alone, and the change
#: without it is unbounded.
LEAST_REMAINDER = 1e-8

#: Tolerance of a refit, the distance to the minimiser in standard errors.
TOLERANCE = 1e-6


def one_step_changes(fitted: FittedRegression) -> Matrix:
    """Return changes of theta in working units, of shape (n, k); NaN without a Newton step."""
    try:
        return _newton_changes(fitted, whiten(fitted))
    except UndeterminedError:
        return np.full((fitted.design.n_rows, fitted.n_parameters), np.nan)


def _newton_changes(fitted: FittedRegression, white: Whitened) -> Matrix:
    """Compute one Newton step per row with the Sherman-Morrison formula.

    J_i is U V' with U = (z, g) and V = psi' (z, u), so that
    (J - U V')^-1 s = J^-1 s + J^-1 U (V'J^-1 s) / (1 - V'J^-1 U).
    """
    inverse, k, rows = white.bread.inverse().T, fitted.n_parameters, fitted.residuals
    terms = fitted.coupled_equation.terms_without(rows)

    def function(z: Matrix, psi: Vector, inside: Vector, *last: Vector) -> Matrix:
        columns = (psi[:, None] * z, inside[:, None] * z, z)
        S, V, U = (np.column_stack(pair) for pair in zip(columns, last, strict=True))
        step, along = S @ inverse, U @ inverse
        remainder = np.maximum(1.0 - (V * along).sum(axis=1), LEAST_REMAINDER)
        correction = (V * step).sum(axis=1) / remainder
        return -(step + correction[:, None] * along)[:, :k]

    last = (terms.score, terms.coupling, terms.slope)
    changes = white.rows.map(function, rows.psi, rows.inside, *last)
    counted = (fitted.frequencies > 0.0)[:, None]
    return counted * (changes @ (fitted.working_scale * white.back).T)


def exact_changes(fitted: FittedRegression, rows: Indices, verbose: int) -> Matrix:
    """Compute changes of theta in working units by refits, of shape (number of rows, k).

    Refits do not start from the fit. If the scale equation has several solutions, a warm start
    would stay near the old one, while a new fit to the other rows may find another.
    """
    changes = np.empty((rows.size, fitted.n_parameters))
    progress = ProgressBar(rows.size, "refits", verbose)
    for number, row in enumerate(rows.tolist()):
        weights = fitted.frequencies.copy()
        weights[row] = max(weights[row] - 1.0, 0.0)
        changes[number] = refit(fitted, weights, tol=TOLERANCE, warm=False) - fitted.theta
        progress.advance(1)
    return changes
