r"""Leverages, which measure how far rows are from the others in X.

Among all rows, a row has leverage ``l = z (Z'Z)^-1 z'``. Among the rows within the threshold it has
leverage ``h = z W^-1 z'`` with W = sum psi' z z'. If row i is left out and sigma stays the same,
its residual changes by ``h psi / (1 - psi' h)`` in units of sigma.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from robustreg.inference.covariance import normal_equations
from robustreg.inference.equations import UndeterminedError
from robustreg.inference.regression import FittedRegression
from robustreg.inference.residuals import Residuals

__all__ = ["DECISIVE", "largest_leverage", "leverages", "leverages_inside"]

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]

#: Limit for 1 - h. A row that determines a coefficient alone has leverage one and psi zero, and
#: psi / (1 - h) must not be a rounding error divided by zero.
DECISIVE = 1.0 - 1e-8

#: Number of steps in which the largest leverage is searched for.
STEPS = 100


def leverages(fitted: FittedRegression) -> Vector:
    """Return ``l`` of every row, for data in memory."""
    return _squares(fitted, normal_equations(fitted, None)[0])


def leverages_inside(fitted: FittedRegression, plain: Vector) -> Vector:
    """Return ``h`` of every row, for data in memory.

    If the rows within the threshold do not determine the coefficients, ``h`` is approximated by
    ``l`` divided by the share of these rows.
    """
    try:
        h = _squares(fitted, normal_equations(fitted, 0.0)[0])
    except UndeterminedError:
        h = plain / fitted.moments.inside
    inside = fitted.residuals.inside > 0.0
    return np.where(inside, np.minimum(h, DECISIVE), h)


def _squares(fitted: FittedRegression, transform: Matrix) -> Vector:
    return fitted.rows.map(lambda z: ((z @ transform) ** 2).sum(axis=1))


def largest_leverage(fitted: FittedRegression, root: Matrix) -> float:
    """Return the largest ``l``, rounded down to two decimals, in one pass over data of any kind.

    Parameters
    ----------
    fitted : FittedRegression
    root : array of shape (k, k)
        T with ``T T'`` the inverse of Z'Z, exactly or nearly.
    """

    def statistic(z: Matrix, rows: Residuals) -> tuple[NDArray]:
        found = ((z @ root) ** 2).sum(axis=1)[rows.frequencies > 0.0]
        steps = np.minimum(STEPS * found, STEPS).astype(np.intp)
        return (np.bincount(steps, minlength=STEPS + 1),)

    (counts,) = fitted.sum_rows(fitted.rows, statistic)
    return float(np.flatnonzero(counts)[-1]) / STEPS
