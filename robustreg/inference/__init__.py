"""Standard errors, tests, intervals and diagnostics of a fitted model."""

from robustreg.inference.comparison import Comparison, compare
from robustreg.inference.diagnostics import Diagnostics, diagnose
from robustreg.inference.summarize import summarize
from robustreg.inference.summary import Summary
from robustreg.inference.wald import WaldTest

__all__ = [
    "Comparison",
    "Diagnostics",
    "Summary",
    "WaldTest",
    "compare",
    "diagnose",
    "summarize",
]
