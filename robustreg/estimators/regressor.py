"""The base class of the linear models: prediction, pickling and scikit-learn's tags."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils._param_validation import validate_parameter_constraints
from sklearn.utils.validation import check_is_fitted

from robustreg.annotations import Features
from robustreg.data import is_collection, validate_features
from robustreg.design.prediction import linear_prediction
from robustreg.estimators.progress import CallbackSupportMixin

__all__ = ["LinearRegressor"]

#: Types whose values cannot change, so that a check stays valid.
IMMUTABLE = frozenset({bool, float, int, str, type(None)})


def _check(kind: type[Any], *values: Any) -> None:
    """Check parameters of a class, in the order of its constraints."""
    constraints = kind._parameter_constraints
    parameters = dict(zip(constraints, values, strict=True))
    validate_parameter_constraints(constraints, parameters, caller_name=kind.__name__)


#: An error is not remembered, but raised again.
_checked: Callable[..., None] = lru_cache(maxsize=256, typed=True)(_check)


class LinearRegressor(CallbackSupportMixin, RegressorMixin, BaseEstimator):
    """Base class of regressors with ``coef_`` and ``intercept_`` that accept sparse X."""

    _doc_link_module = "robustreg"
    #: The HTML representation has no link, since the site has no address yet.
    _doc_link_template = ""

    #: Whether the X given to ``fit`` was float32.
    _single_ = False

    def predict(self, X: Features) -> NDArray[np.float64]:
        """Predict the responses.

        Parameters
        ----------
        X : array-like, sparse matrix, or Dask array or frame of shape (n_samples, n_features)
            Features of new rows.

        Returns
        -------
        ndarray, dask array or dask series of shape (n_samples,)
            Predictions, in units of y. For a Dask X they are lazy and have the chunks of X. They
            are float32 if X and the X given to ``fit`` are float32, as in ``LinearRegression``.
        """
        check_is_fitted(self)
        X = validate_features(self, X)
        return linear_prediction(X, self.coef_, self.intercept_, single=self._single_)

    def _validate_params(self) -> None:
        """Check the parameters. Numbers and strings that have passed are not checked again.

        scikit-learn's check, which also reads the signature of the class, takes 7 % of a small fit.
        """
        constraints = self._parameter_constraints
        values = [getattr(self, name) for name in constraints]
        check = _checked if IMMUTABLE.issuperset(map(type, values)) else _check
        check(type(self), *values)

    def __getstate__(self) -> dict[str, Any]:
        """Return the state without lazy arrays, which keep the data and a cluster alive."""
        state = super().__getstate__()
        return {name: value for name, value in state.items() if not is_collection(value)}

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "coef_")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
