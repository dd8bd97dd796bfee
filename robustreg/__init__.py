"""Robust linear regression for scikit-learn: Huber and MM regression, and the elastic net."""

from importlib import metadata

from robustreg.estimators.elastic_net import HuberElasticNet
from robustreg.estimators.elastic_net_cv import HuberElasticNetCV
from robustreg.estimators.elastic_net_path import enet_path
from robustreg.estimators.huber import HuberRegressor
from robustreg.estimators.huber_cv import HuberRegressorCV
from robustreg.estimators.mm import MMRegressor
from robustreg.exceptions import ExactFitWarning, MissingResponseWarning, UndeterminedWarning

__all__ = [
    "ExactFitWarning",
    "HuberElasticNet",
    "HuberElasticNetCV",
    "HuberRegressor",
    "HuberRegressorCV",
    "MMRegressor",
    "MissingResponseWarning",
    "UndeterminedWarning",
    "enet_path",
]


def __getattr__(name: str) -> str:
    # When it is asked for: a checkout on the path alone has no metadata, and works too.
    if name == "__version__":
        return metadata.version("robustreg")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
