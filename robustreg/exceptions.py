"""Warnings of their own class, so that each can be filtered or raised on its own."""

from __future__ import annotations

from sklearn.exceptions import ConvergenceWarning

__all__ = ["ConvergenceWarning", "ExactFitWarning", "UndeterminedWarning"]


class ExactFitWarning(UserWarning):
    """So much of the data is fitted exactly that the scale of the residuals is zero.

    With ``scale="joint"`` and many more rows than columns that is more than 61 % of the rows at the
    default delta and 26 % at 0.5, with ``"mad"`` half of them. ``scale_`` is 0.0, and the
    coefficients are those of least absolute deviations over all rows, so that outliers among the
    rows that are not fitted exactly do little harm. With a penalty on the coefficients, they are
    zero and the intercept is the weighted median of y: fit with ``alpha=0`` instead.

    Examples
    --------
    >>> import warnings
    >>> import numpy as np
    >>> from robustreg import ExactFitWarning, HuberRegressor
    >>> X = np.arange(20.0).reshape(-1, 1)
    >>> y = 2.0 * X[:, 0]
    >>> y[7] = 100.0
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore", ExactFitWarning)
    ...     model = HuberRegressor().fit(X, y)
    >>> model.coef_.round(6), model.scale_
    (array([2.]), 0.0)
    """


class UndeterminedWarning(UserWarning):
    """Standard errors of some of many responses cannot be computed, and are NaN.

    Such a response is fitted exactly, or has too few observations within the threshold.
    """
