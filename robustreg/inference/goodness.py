"""How much of y a fit explains, in two measures that gross errors do not decide."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from robustreg.inference.fitted import FittedRegression
from robustreg.metrics import d2_huber_score
from robustreg.scales import OrderedSquares, median_absolute_residual, weighted_median
from robustreg.tuning import kappa

__all__ = ["d2", "robust_r2"]

Vector = NDArray[np.float64]

#: Relative change of the scale of y at which its iteration ends, and its most steps.
TOLERANCE, MOST_STEPS = 1e-10, 200


def d2(fitted: FittedRegression) -> float:
    """Fraction of the Huber loss explained, against the best constant at the same threshold."""
    y = fitted.response
    predicted = y - fitted.standardized * fitted.working_scale
    threshold, weights = fitted.point.threshold, fitted.weights
    return float(d2_huber_score(y, predicted, delta=threshold, sample_weight=weights))


def robust_r2(fitted: FittedRegression) -> float:
    """``1 - (s / s_0)²`` with s the scale of the residuals and s_0 that of y about its location.

    Both are Huber's Proposal 2 at the delta of the fit, without correction for degrees of freedom.
    At delta = inf it is the R² of least squares, and at normal errors it estimates the same. (Croux
    and Dehon, Statistical Papers 44, 2003, for scales in general.) NaN where so much of y is
    constant that it has no scale.
    """
    residual = _scale(fitted, fitted.standardized * fitted.working_scale)
    total = _scale_about_location(fitted)
    return 1.0 - (residual / total) ** 2 if total > 0.0 else float("nan")


def _scale(fitted: FittedRegression, errors: Vector) -> float:
    target = 2.0 * kappa(fitted.delta) * fitted.n
    return OrderedSquares(errors, fitted.frequencies).joint_scale(fitted.delta, target)


def _scale_about_location(fitted: FittedRegression) -> float:
    """s_0, with the location that belongs to it, by Huber's steps (1981, section 6.7).

    ``location += s mean(psi) / mean(psi')``, ``s² = s² mean(psi²) / (2 kappa)``.
    """
    y, delta, weights = fitted.response, fitted.delta, fitted.weights
    location = weighted_median(y, weights)
    scale = median_absolute_residual(y - location, weights)
    for _ in range(MOST_STEPS):
        if not scale > 0.0:
            break
        u = (y - location) / scale
        psi = np.clip(u, -delta, delta)
        inside = fitted.mean((np.abs(u) <= delta).astype(np.float64))
        location += scale * fitted.mean(psi) / max(inside, 1.0 / fitted.n)
        change = np.sqrt(fitted.mean(psi**2) / (2.0 * kappa(delta)))
        scale *= change
        if abs(change - 1.0) <= TOLERANCE:
            break
    return _scale(fitted, y - location)
