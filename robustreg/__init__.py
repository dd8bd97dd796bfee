"""Robust linear regression for scikit-learn: Huber and MM regression, and the elastic net."""

from importlib import import_module, metadata
from typing import TYPE_CHECKING, Any

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

#: Public modules that are imported when they are asked for: ``robustreg.formula.fit`` works without
#: an import of its own, and ``import robustreg`` stays as fast as it is without them.
MODULES = ("datasets", "formula", "inference", "inspection", "metrics", "persistence", "tuning")

if TYPE_CHECKING:
    from robustreg import datasets as datasets
    from robustreg import formula as formula
    from robustreg import inference as inference
    from robustreg import inspection as inspection
    from robustreg import metrics as metrics
    from robustreg import persistence as persistence
    from robustreg import tuning as tuning

    __version__: str

else:
    # A type checker that saw this function would take a misspelt name for a string.
    def __getattr__(name: str) -> Any:
        if name in MODULES:
            return import_module(f"robustreg.{name}")
        # When it is asked for: a checkout on the path alone has no metadata, and works too.
        if name == "__version__":
            return metadata.version("robustreg")
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *MODULES, "__version__"})
