"""Robust linear regression with the Huber loss, for scikit-learn."""

from importlib import metadata

from robustreg.estimators.huber import HuberRegressor
from robustreg.estimators.huber_cv import HuberRegressorCV
from robustreg.exceptions import ExactFitWarning

__all__ = ["ExactFitWarning", "HuberRegressor", "HuberRegressorCV"]


def __getattr__(name: str) -> str:
    # When it is asked for: a checkout on the path alone has no metadata, and works too.
    if name == "__version__":
        return metadata.version("robustreg")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
