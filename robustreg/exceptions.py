"""Warnings of their own class, so that each can be filtered or raised on its own."""

from __future__ import annotations

from sklearn.exceptions import ConvergenceWarning

__all__ = ["ConvergenceWarning", "ExactFitWarning"]


class ExactFitWarning(UserWarning):
    """So much of the data is fitted exactly that the scale of the residuals is zero.

    With ``scale="joint"`` that is more than 61 % of the rows at the default delta (where rows are
    many), with ``"mad"`` half of them. The coefficients are those of the exact fit;
    ``scale_`` is 0.0.

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
