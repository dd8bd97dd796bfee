"""What other programs must be told to load a fitted model."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from robustreg.estimators.elastic_net import HuberElasticNet
from robustreg.estimators.elastic_net_cv import HuberElasticNetCV
from robustreg.estimators.huber import HuberRegressor
from robustreg.estimators.huber_cv import HuberRegressorCV
from robustreg.estimators.mm import MMRegressor
from robustreg.metrics import huber_loss

__all__ = ["SKOPS_TRUSTED_TYPES"]


def _names(objects: Iterable[Any]) -> list[str]:
    return [f"{item.__module__}.{item.__qualname__}" for item in objects]


#: Names of the types that skops, and with it MLflow, must be told to trust before it loads a fitted
#: model of this library: its estimators, and the default scorer that a search keeps. A search with
#: another scorer needs the name of its metric too, which ``skops.io.get_untrusted_types`` tells.
SKOPS_TRUSTED_TYPES: list[str] = [
    *_names([HuberRegressor, HuberRegressorCV, MMRegressor, HuberElasticNet, HuberElasticNetCV]),
    *_names([huber_loss]),
    "sklearn.metrics._scorer._Scorer",
]
