"""Models stated by a formula, ``y ~ C(region) + x``, over the columns of a frame.

The formulas are those of formulaic: ``pip install 'robustreg[formula]'``.
"""

from robustreg.formula.features import FormulaFeatures
from robustreg.formula.regression import fit, observations

__all__ = ["FormulaFeatures", "fit", "observations"]
