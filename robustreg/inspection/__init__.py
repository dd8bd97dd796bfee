"""Displays that draw a fit with matplotlib (``pip install robustreg[plot]``)."""

from robustreg.inspection.coefficients import CoefficientsDisplay
from robustreg.inspection.delta_curve import DeltaCurveDisplay
from robustreg.inspection.outlier_map import OutlierMapDisplay
from robustreg.inspection.path import PathDisplay
from robustreg.inspection.quantiles import QuantilesDisplay
from robustreg.inspection.residuals import ResidualsDisplay
from robustreg.inspection.weights import WeightsDisplay

__all__ = [
    "CoefficientsDisplay",
    "DeltaCurveDisplay",
    "OutlierMapDisplay",
    "PathDisplay",
    "QuantilesDisplay",
    "ResidualsDisplay",
    "WeightsDisplay",
]
