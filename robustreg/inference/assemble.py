"""Build a summary from a fit and a covariance."""

from __future__ import annotations

from typing import Any

import numpy as np

from robustreg.inference.covariance import CovarianceEstimate
from robustreg.inference.goodness import d2, robust_r2
from robustreg.inference.linear import FittedLinear
from robustreg.inference.notes import notes_on_design, notes_on_fit
from robustreg.inference.prediction import EmpiricalPredictor, error_distribution, own_leverages
from robustreg.inference.regression import FittedRegression
from robustreg.inference.summary import Summary
from robustreg.tuning import efficiency

__all__ = ["shared_facts", "summary_of"]


def summary_of(
    fitted: FittedRegression, estimate: CovarianceEstimate, kind: str, level: float, use_t: bool
) -> Summary:
    """Return the summary for this covariance, with the notes on the fit.

    Parameters
    ----------
    fitted : FittedRegression
    estimate : CovarianceEstimate
    kind : str
        Formula of the covariance; "pairs" or "wild" for a bootstrap.
    level : float
    use_t : bool
    """
    leverages = own_leverages(fitted)
    normal_efficiency, efficiency_notes = _efficiency(fitted)
    notes = (*estimate.notes, *notes_on_fit(fitted, kind))
    notes += (*notes_on_design(fitted, estimate, kind, leverages), *efficiency_notes)
    return Summary(
        **shared_facts(fitted, estimate, kind, level, use_t),
        scale_kind=fitted.equation.name,
        efficiency=normal_efficiency,
        outlier_share=1.0 - fitted.moments.inside,
        d2=d2(fitted),
        robust_r2=robust_r2(fitted),
        notes=notes,
        _predictor=EmpiricalPredictor(
            fitted.model,
            fitted.prepare,
            fitted.design.units,
            estimate,
            error_distribution(fitted, estimate, leverages),
            fitted.scale,
        ),
    )


def shared_facts(
    fitted: FittedLinear, estimate: CovarianceEstimate, kind: str, level: float, use_t: bool
) -> dict[str, Any]:
    """Return the attributes that all kinds of summaries share, in the user's units."""
    change, unit = fitted.to_user(), fitted.design.units.response_scale
    working = estimate.of_combinations(change)
    replicates = None if estimate.replicates is None else unit * estimate.replicates @ change.T
    with np.errstate(over="ignore", under="ignore"):
        covariance = working * unit * unit
    return {
        "names": fitted.names,
        "coefficients": fitted.coefficients,
        "standard_errors": np.sqrt(np.diag(working)) * unit,
        "covariance_matrix": covariance,
        "cov_type": "bootstrap" if replicates is not None else kind,
        "description": estimate.description,
        "level": level,
        "n": fitted.n,
        "degrees_of_freedom": fitted.degrees_of_freedom,
        "reference_df": float(estimate.degrees_of_freedom) if use_t else np.inf,
        "scale": fitted.scale,
        "delta": fitted.delta,
        "threshold": fitted.threshold,
        "optimality": fitted.optimality,
        "replicates": replicates,
    }


def _efficiency(fitted: FittedRegression) -> tuple[float, tuple[str, ...]]:
    """Return the efficiency of the threshold at normal errors, and a note if it is uncertain."""
    if np.isinf(fitted.delta):
        return 1.0, ()
    if fitted.equation.estimates_sigma:
        return float(efficiency(fitted.delta)), ()
    # A given scale need not be sigma: with scale=1.0, for example, delta is in units of y.
    spread = fitted.median_size
    if not spread > 0.0:
        return float("nan"), ("The scale was given: the efficiency is unknown.",)
    mad = f"{fitted.scale * spread:.4g}"
    note = f"The scale was given: the efficiency uses the MAD of the residuals, {mad}, instead."
    return float(efficiency(fitted.delta / spread)), (note,)
