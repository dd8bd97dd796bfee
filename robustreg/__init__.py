"""Robust linear regression with the Huber loss, for scikit-learn."""

from robustreg.estimators.huber import HuberRegressor
from robustreg.estimators.huber_cv import HuberRegressorCV
from robustreg.estimators.mm import MMRegressor
from robustreg.exceptions import ExactFitWarning

__all__ = ["ExactFitWarning", "HuberRegressor", "HuberRegressorCV", "MMRegressor"]
