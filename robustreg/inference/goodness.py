"""How much of y a fit explains, in two measures that gross errors do not decide."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from robustreg.annotations import Scale
from robustreg.estimators.huber import HuberRegressor
from robustreg.exceptions import ConvergenceWarning, ExactFitWarning
from robustreg.inference.regression import FittedRegression
from robustreg.inference.residuals import Residuals
from robustreg.location import huber_location
from robustreg.losses import Huber
from robustreg.tuning import kappa

__all__ = ["d2", "robust_r2"]

#: Each row of the constant's fit counts so many times that the one parameter of the constant takes
#: a part of 1e-6/n from the observations: the definition of robust R² counts no degrees of freedom.
#: A whole number, a power of two: frequencies stay frequencies, and exact.
COPIES = 2.0**20

#: Distance at which that fit ends, in standard errors of all these copies.
COPIES_TOLERANCE = 1e-4

#: Relative change of the scale of the residuals at which its iteration ends, and its most steps.
SCALE_TOLERANCE, MOST_STEPS = 1e-12, 100


def d2(fitted: FittedRegression) -> float:
    """Fraction of the Huber loss explained, against the best constant at the same threshold."""
    delta, (y, weights) = fitted.delta, _response(fitted)
    if isinstance(y, np.ndarray):
        frequencies = np.ones_like(y) if weights is None else weights
        total = float(frequencies @ Huber(delta).rho(y - huber_location(y, frequencies, delta)))
    else:
        constant = _constant(delta, 1.0, y, weights).coef_[0]

        def statistic(rows: Residuals) -> tuple[NDArray]:
            assert rows.response is not None
            return (rows.sums(Huber(delta).rho(rows.response - constant)),)

        total = float(fitted.sum_residuals(statistic)[0][0])
    explained = fitted.n * fitted.moments.loss
    # As in scikit-learn: of a constant y nothing can be explained.
    return 1.0 - explained / total if total > 0.0 else 0.0


def robust_r2(fitted: FittedRegression) -> float:
    """``1 - (s / s_0)²`` with s the scale of the residuals and s_0 that of y about its location.

    Both are Huber's Proposal 2 at the delta of the fit, without correction for degrees of freedom.
    At delta = inf it is the R² of least squares, and at normal errors it estimates the same. (Croux
    and Dehon, Statistical Papers 44, 2003, for scales in general.) NaN where so much of y is
    constant that it has no scale.
    """
    y, weights = _response(fitted)
    copies = np.full_like(y, COPIES) if weights is None else COPIES * weights
    total = float(_constant(fitted.delta, "joint", y, copies, tol=COPIES_TOLERANCE).scale_)
    total *= np.sqrt(1.0 - 1.0 / (COPIES * fitted.n))
    return 1.0 - (_residual_scale(fitted) / total) ** 2 if total > 0.0 else float("nan")


def _response(fitted: FittedRegression) -> tuple[Any, Any]:
    """y in units of the scale, and frequencies: of Dask where they do not fit in memory."""
    return fitted.small_response[0] / fitted.working_scale, fitted.small_response[1]


def _constant(
    delta: float, scale: Scale, y: Any, weights: Any, tol: float = 1e-6
) -> HuberRegressor:
    """The fit of a constant, one column of ones."""
    ones = np.ones_like(y)[:, None]
    model = HuberRegressor(delta=delta, scale=scale, fit_intercept=False, tol=tol)
    with warnings.catch_warnings():
        # An exact fit has scale zero, which says all; and the last digit does not matter here.
        warnings.simplefilter("ignore", ExactFitWarning)
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(ones, y, weights)


def _residual_scale(fitted: FittedRegression) -> float:
    """s in units of the fit's scale: the root of ``sum s min(u², (delta s)²) = 2 kappa n s²``.

    By Newton's method for s². The left side is concave in it, so that after the first step all go
    down to the root; it is piecewise linear, so that they end on it.
    """
    delta, scale, at = fitted.delta, 1.0, fitted.moments
    target, outside = 2.0 * kappa(delta), at.above + at.below
    squares = at.psi_square - (delta**2 * outside if outside > 0.0 else 0.0)
    for _ in range(MOST_STEPS):
        slope = target - (delta**2 * outside if outside > 0.0 else 0.0)
        last, scale = scale, 2.0 * scale
        if slope > 0.0:
            scale = float(np.sqrt(max(squares, 0.0) / slope))
        if scale == 0.0 or abs(scale - last) <= SCALE_TOLERANCE * last:
            break
        squares, outside = _clipped(fitted, delta * scale)
    return scale


def _clipped(fitted: FittedRegression, threshold: float) -> tuple[float, float]:
    """Means of u² where it is within a threshold, and of the indicator that it is not."""

    def statistic(rows: Residuals) -> tuple[NDArray]:
        within = np.abs(rows.u) <= threshold
        return (rows.sums(np.where(within, rows.u, 0.0) ** 2, ~within),)

    return tuple((fitted.sum_residuals(statistic)[0] / fitted.n).tolist())
