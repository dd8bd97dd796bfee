"""Classes of warnings about doubtful results."""

from __future__ import annotations

from typing import Any

from sklearn.exceptions import ConvergenceWarning

__all__ = [
    "ConvergenceWarning",
    "ExactFitWarning",
    "MissingResponseWarning",
    "UndeterminedWarning",
]


class ExactFitWarning(UserWarning):
    """So much of the data is fitted exactly that the scale of the residuals is zero.

    With ``scale="joint"`` and many more rows than columns, this happens if more than 61 % of the
    rows are fitted exactly at the default delta, and 26 % at ``delta=0.5``. With ``"mad"`` it is
    half of the rows. ``scale_`` is then 0.0, and the coefficients minimise the sum of absolute
    residuals over all rows, so that outliers among the other rows do little harm. With a penalty,
    the slopes are zero if the scale is zero with them, and the intercept is the weighted median of
    y. Otherwise, the penalty has no effect. Use ``alpha=0`` in both cases.

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


class MissingResponseWarning(UserWarning):
    """A response has no values, so that its coefficients are NaN.

    Examples
    --------
    >>> import warnings
    >>> import numpy as np
    >>> from robustreg import HuberRegressor
    >>> from robustreg.exceptions import MissingResponseWarning
    >>> X = np.arange(6.0).reshape(-1, 1)
    >>> Y = np.column_stack((X[:, 0] + [0, 1, 0, 1, 0, 1], np.full(6, np.nan)))
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore", MissingResponseWarning)
    ...     model = HuberRegressor(missing="omit").fit(X, Y)
    >>> model.coef_.round(2)
    array([[1.09],
           [ nan]])
    """


class UndeterminedWarning(UserWarning):
    """The standard errors of some of many responses cannot be computed and are NaN.

    Such a response is fitted exactly, or has too few observations within the threshold.

    Examples
    --------
    >>> import warnings
    >>> import numpy as np
    >>> from robustreg import ExactFitWarning, HuberRegressor
    >>> from robustreg.exceptions import UndeterminedWarning
    >>> from robustreg.inference import summarize_many
    >>> x = np.arange(10.0).reshape(-1, 1)
    >>> Y = np.column_stack((np.sin(7.0 * x), 2.0 * x))  # the second is fitted exactly
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore", ExactFitWarning)
    ...     warnings.simplefilter("ignore", UndeterminedWarning)
    ...     table = summarize_many(HuberRegressor().fit(x, Y), x, Y)
    >>> table["std_err"].isna().tolist()
    [False, False, True, True]
    """


def convergence_warning(text: str, optimality: float, tol: float) -> Any:
    """Return a ``ConvergenceWarning`` with the attributes ``optimality`` and ``tol``.

    ``optimality``, the distance, is not part of the text. Python shows a warning once for each text
    and line, and would otherwise show it for each fit in a loop.
    """
    warning = ConvergenceWarning(text)
    warning.optimality, warning.tol = float(optimality), tol
    return warning
