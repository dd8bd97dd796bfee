"""Two robust measures of how much of y a fit explains."""

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

#: The definition of robust R² has no correction for degrees of freedom. In the fit of the constant,
#: each row therefore counts this many times, so that the correction for its one parameter is only
#: 1e-6/n. A power of two keeps frequencies exact integers.
COPIES = 2.0**20

#: Tolerance of that fit, in standard errors for this number of copies.
COPIES_TOLERANCE = 1e-4

#: Tolerance of the scale of the residuals, as a relative change, and its iteration limit.
SCALE_TOLERANCE, MOST_STEPS = 1e-12, 100


def d2(fitted: FittedRegression) -> float:
    """Return the fraction of the Huber loss explained, compared with the best constant."""
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
    # If y is constant, the score is zero, because nothing can be explained.
    return 1.0 - explained / total if total > 0.0 else 0.0


def robust_r2(fitted: FittedRegression) -> float:
    """Return ``1 - (s / s_0)²``, with s the scale of the residuals and s_0 that of y.

    Both are Huber's Proposal 2 at the delta of the fit, without correction for degrees of freedom.
    At delta = inf this is the R² of least squares, and with normal errors it estimates the same
    quantity (Croux and Dehon, Statistical Papers 44, 2003, for scales in general). It is NaN if y
    has scale zero because many of its values are equal.
    """
    y, weights = _response(fitted)
    copies = np.full_like(y, COPIES) if weights is None else COPIES * weights
    total = float(_constant(fitted.delta, "joint", y, copies, tol=COPIES_TOLERANCE).scale_)
    total *= np.sqrt(1.0 - 1.0 / (COPIES * fitted.n))
    return 1.0 - (_residual_scale(fitted) / total) ** 2 if total > 0.0 else float("nan")


def _response(fitted: FittedRegression) -> tuple[Any, Any]:
    """Return y in units of the scale, and frequencies; Dask arrays if they are too large."""
    return fitted.small_response[0] / fitted.working_scale, fitted.small_response[1]


def _constant(
    delta: float, scale: Scale, y: Any, weights: Any, tol: float = 1e-6
) -> HuberRegressor:
    """Fit a constant, one column of ones."""
    ones = np.ones_like(y)[:, None]
    model = HuberRegressor(delta=delta, scale=scale, fit_intercept=False, tol=tol)
    with warnings.catch_warnings():
        # An exact fit has scale zero, which says all; and the last digit does not matter here.
        warnings.simplefilter("ignore", ExactFitWarning)
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(ones, y, weights)


def _residual_scale(fitted: FittedRegression) -> float:
    """Solve ``sum s min(u², (delta s)²) = 2 kappa n s²`` for s, in units of the fit's scale.

    This is Newton's method for s². The left side is a concave, piecewise linear function of s², so
    that the iterates decrease after the first step and reach the root in finitely many steps.
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
    """Return the mean of u² over rows within a threshold, and the share of rows beyond it."""

    def statistic(rows: Residuals) -> tuple[NDArray]:
        within = np.abs(rows.u) <= threshold
        return (rows.sums(np.where(within, rows.u, 0.0) ** 2, ~within),)

    return tuple((fitted.sum_residuals(statistic)[0] / fitted.n).tolist())
