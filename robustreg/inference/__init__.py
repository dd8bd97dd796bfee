"""Standard errors, tests, intervals and diagnostics of a fitted model."""

from robustreg.inference.comparison import Comparison, compare
from robustreg.inference.deviance import DevianceTest, deviance_test
from robustreg.inference.diagnostics import Diagnostics, diagnose
from robustreg.inference.mm_diagnostics import MMDiagnostics
from robustreg.inference.mm_summary import MMSummary
from robustreg.inference.summarize import summarize
from robustreg.inference.summarize_many import summarize_many
from robustreg.inference.summary import Summary
from robustreg.inference.wald import WaldTest

__all__ = [
    "Comparison",
    "DevianceTest",
    "Diagnostics",
    "MMDiagnostics",
    "MMSummary",
    "Summary",
    "WaldTest",
    "compare",
    "deviance_test",
    "diagnose",
    "summarize",
    "summarize_many",
]
