"""Standard errors, tests, intervals and diagnostics of a fitted model."""

from robustreg.inference.deviance import DevianceTest, deviance_test
from robustreg.inference.diagnostics import Diagnostics, diagnose
from robustreg.inference.mm_diagnostics import MMDiagnostics
from robustreg.inference.mm_summary import MMSummary
from robustreg.inference.summarize import summarize
from robustreg.inference.summary import Summary, WaldTest

__all__ = [
    "DevianceTest",
    "Diagnostics",
    "MMDiagnostics",
    "MMSummary",
    "Summary",
    "WaldTest",
    "deviance_test",
    "diagnose",
    "summarize",
]
