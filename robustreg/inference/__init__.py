"""Standard errors, tests, intervals and diagnostics of a fitted model."""

from robustreg.inference.diagnostics import Diagnostics, diagnose
from robustreg.inference.summarize import summarize
from robustreg.inference.summary import Summary, WaldTest

__all__ = ["Diagnostics", "Summary", "WaldTest", "diagnose", "summarize"]
