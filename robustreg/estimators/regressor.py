"""What all estimators of one linear model share: predictions, pickling and tags."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted

from robustreg.annotations import Features
from robustreg.data import is_collection, validate_features
from robustreg.design.prediction import linear_prediction
from robustreg.estimators.progress import CallbackSupportMixin

__all__ = ["LinearRegressor"]


class LinearRegressor(CallbackSupportMixin, RegressorMixin, BaseEstimator):
    """A regressor with ``coef_`` and ``intercept_`` that takes sparse X and reports its passes."""

    _doc_link_module = "robustreg"
    #: No link in the HTML representation as long as the site has no address.
    _doc_link_template = ""

    #: Whether X of the fit was float32.
    _single_ = False

    def predict(self, X: Features) -> NDArray[np.float64]:
        """Predict with the linear model.

        Parameters
        ----------
        X : array-like, sparse matrix, or Dask array or frame of shape (n_samples, n_features)
            New rows.

        Returns
        -------
        ndarray, dask array or dask series of shape (n_samples,)
            Predictions, in units of y; lazy, in the same chunks, where X is of Dask. They are
            float32 where X is and that of ``fit`` was, as those of ``LinearRegression``.
        """
        check_is_fitted(self)
        X = validate_features(self, X)
        return linear_prediction(X, self.coef_, self.intercept_, single=self._single_)

    def __getstate__(self) -> dict[str, Any]:
        """Without lazy arrays, which hold on to the data and to a cluster."""
        state = super().__getstate__()
        return {name: value for name, value in state.items() if not is_collection(value)}

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "coef_")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
