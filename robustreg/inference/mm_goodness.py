"""Robust measures of how much of y an MM fit explains."""

from __future__ import annotations

from robustreg.inference.mm_fitted import FittedMM
from robustreg.losses_redescending import LMROB_EFFICIENCY, normal_mean

__all__ = ["explained"]

#: Correction factor of the weighted variance of the residuals at 95 % efficiency, with the digits
#: of R's lmrob, computed from the R² that it prints. Other factors are computed by quadrature.
LMROB_CORRECTIONS = {"bisquare": 1.207617, "lqq": 1.159232, "optimal": 1.068939}


def explained(fitted: FittedMM) -> tuple[float, float, float]:
    """Return robust R², adjusted robust R², and the fraction of the bounded loss explained.

    The factor ``E[w] / E[w Z²]`` makes the weighted variance of the residuals consistent.
    """
    loss, weight = fitted.loss, fitted.loss.weight(fitted.standardized)
    y, residual = fitted.response, fitted.standardized * fitted.point.scale
    mass = fitted.frequencies * weight
    intercept = fitted.rows.fit_intercept
    center = float(mass @ y) / float(mass.sum()) if intercept else 0.0
    total, left = float(mass @ (y - center) ** 2), float(mass @ residual**2)
    correction = _consistency(fitted)
    if not total > 0.0:
        return float("nan"), float("nan"), float("nan")
    r2 = (total - left) / (total + left * (correction - 1.0))
    adjusted = 1.0 - (1.0 - r2) * (fitted.n - intercept) / fitted.degrees_of_freedom
    constant = fitted.mean(loss.rho((y - _constant(fitted, center)) / fitted.point.scale))
    d2 = 1.0 - fitted.mean(loss.rho(fitted.standardized)) / constant
    return r2, adjusted, d2


def _consistency(fitted: FittedMM) -> float:
    """Return ``E[w] / E[w Z²]`` for Z standard normal."""
    loss, model = fitted.loss, fitted.model
    if model.efficiency == LMROB_EFFICIENCY:
        return LMROB_CORRECTIONS[model.loss]
    return normal_mean(loss, loss.weight) / normal_mean(loss, lambda u: loss.weight(u) * u**2)


def _constant(fitted: FittedMM, center: float) -> float:
    """Return the constant with the smallest loss, by iteration from ``center``."""
    if not fitted.rows.fit_intercept:
        return 0.0
    y, scale = fitted.response, fitted.point.scale
    for _ in range(200):
        mass = fitted.frequencies * fitted.loss.weight((y - center) / scale)
        if not mass.sum() > 0.0:
            break
        last, center = center, float(mass @ y) / float(mass.sum())
        if abs(center - last) <= 1e-12 * scale:
            break
    return center
