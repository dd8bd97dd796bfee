"""Fit models with a formula such as ``y ~ C(region) + x`` over the columns of a frame.

The formulas are parsed by formulaic, an optional dependency: ``pip install 'robustreg[formula]'``.
"""

from robustreg.formula.features import FormulaFeatures
from robustreg.formula.regression import fit, observations

__all__ = ["FormulaFeatures", "fit", "observations"]
