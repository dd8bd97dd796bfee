r"""How far rows are from the others in X.

A row has the leverage ``l = z (Z'Z)^-1 z'`` among all, and ``h = z W^-1 z'``, W = sum psi' z z',
among those within the threshold. Leaving row i out changes its residual by ``h psi / (1 - psi' h)``
in units of sigma, but for the change of sigma itself.
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

#: A row that alone determines a coefficient has leverage one and psi zero: its product with
#: ``1/(1 - h)`` must not be infinity times a rounding error.
DECISIVE = 1.0 - 1e-8

#: Steps in which the largest leverage is found.
STEPS = 100


def leverages(fitted: FittedRegression) -> Vector:
    """``l`` of every row, for data in memory."""
    return _squares(fitted, normal_equations(fitted, None)[0])


def leverages_inside(fitted: FittedRegression, plain: Vector) -> Vector:
    """``h`` of every row, for data in memory, from its ``l``.

    Where the rows within the threshold do not determine the coefficients, ``l`` divided by their
    share stands for it.
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
    """The largest ``l`` to a hundredth, in one pass, wherever the rows are.

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
