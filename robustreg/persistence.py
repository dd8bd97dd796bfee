"""Types that other programs need to know in order to load a fitted model."""

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


#: Names of the types that skops, and MLflow through it, must trust in order to load a fitted model:
#: the estimators of this library, and the default scorer that a search stores. A search with
#: another scorer also needs the name of its metric, which ``skops.io.get_untrusted_types`` returns.
SKOPS_TRUSTED_TYPES: list[str] = [
    *_names([HuberRegressor, HuberRegressorCV, MMRegressor, HuberElasticNet, HuberElasticNetCV]),
    *_names([huber_loss]),
    "sklearn.metrics._scorer._Scorer",
]
