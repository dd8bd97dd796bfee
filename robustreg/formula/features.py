"""A transformer that makes the columns of a formula."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from robustreg.formula.matrices import as_frame, model_matrix, side

__all__ = ["FormulaFeatures"]

INTERCEPT = "Intercept"


class FormulaFeatures(TransformerMixin, BaseEstimator):
    """Make the columns of the right side of a formula, as a step of a pipeline.

    Parameters
    ----------
    formula : str
        Terms such as ``"C(region) + x"``. A left side, as in ``"y ~ C(region) + x"``, is ignored.

    Attributes
    ----------
    has_intercept_ : bool
        Whether the formula has an intercept. It is not a column, since the estimator fits it.
    feature_names_in_ : ndarray of str
        Names of the columns of the data that the formula uses.
    model_spec_ : formulaic.ModelSpec
        Specification of the columns, with what was learnt from the data, such as the levels of
        categories, the knots of splines, and means.
    n_incomplete_rows_ : int
        Number of rows that :func:`robustreg.formula.fit` left out because a value was missing; 0 in
        a pipeline of your own.

    Raises
    ------
    ImportError
        If formulaic is not installed.
    ValueError
        In ``fit`` and ``transform``, if a value is missing. In ``transform``, if the data have a
        category that did not occur in ``fit``.

    See Also
    --------
    robustreg.formula.fit : Fits a model with a formula, and leaves incomplete rows out.

    Examples
    --------
    >>> import pandas as pd
    >>> from robustreg.formula import FormulaFeatures
    >>> data = pd.DataFrame({"x": [1.0, 2.0, 3.0], "region": ["north", "south", "north"]})
    >>> FormulaFeatures("C(region) + x").fit_transform(data)
       C(region)[T.south]    x
    0                 0.0  1.0
    1                 1.0  2.0
    2                 0.0  3.0
    """

    def __init__(self, formula: str) -> None:
        self.formula = formula

    def fit(self, X: Any, y: Any = None) -> FormulaFeatures:
        """Learn the levels of categories, and whatever else the terms depend on.

        Parameters
        ----------
        X : DataFrame, or mapping of names to columns
            The data.
        y : None, default=None
            Not used.

        Returns
        -------
        FormulaFeatures
            The fitted transformer itself.
        """
        self.fit_transform(X)
        return self

    def fit_transform(self, X: Any, y: Any = None) -> Any:
        """Fit to data, and return their columns.

        Parameters
        ----------
        X : DataFrame, or mapping of names to columns
            The data.
        y : None, default=None
            Not used.

        Returns
        -------
        DataFrame of shape (n_samples, n_columns)
            The columns, without that of the intercept.
        """
        matrix = side(model_matrix(self.formula, as_frame(X), "raise"), "rhs")
        self.model_spec_ = matrix.model_spec
        self.has_intercept_ = INTERCEPT in self.model_spec_.column_names
        self.feature_names_in_ = np.array(sorted(self.model_spec_.required_variables), dtype=object)
        self.n_incomplete_rows_ = 0
        if not len(self.get_feature_names_out()):
            raise ValueError(
                f"formula={self.formula!r} has no columns but the intercept: add a term."
            )
        return self._columns(matrix)

    def transform(self, X: Any) -> Any:
        """Return the columns of other data.

        Parameters
        ----------
        X : DataFrame, or mapping of names to columns
            Data with the columns that the formula uses.

        Returns
        -------
        DataFrame of shape (n_samples, n_columns)
            The columns, without that of the intercept.
        """
        check_is_fitted(self)
        frame = as_frame(X)
        for name in frame.select_dtypes("category"):
            frame[name] = frame[name].cat.remove_unused_categories()
        self._refuse_new_levels(frame)
        return self._columns(model_matrix(self.model_spec_, frame, "raise"))

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Return the names of the columns, which are those of the terms.

        Parameters
        ----------
        input_features : None, default=None
            Not used.

        Returns
        -------
        ndarray of str
            Names, without that of the intercept.
        """
        check_is_fitted(self)
        names = [name for name in self.model_spec_.column_names if name != INTERCEPT]
        return np.array(names, dtype=object)

    def _columns(self, matrix: Any) -> Any:
        import pandas as pd

        frame = pd.DataFrame(matrix, copy=False).drop(columns=INTERCEPT, errors="ignore")
        return frame.astype(np.float64)

    def _refuse_new_levels(self, frame: Any) -> None:
        """Raise an error for new levels, since formulaic would code them as the first one.

        The levels in these data are found by coding the categories again.
        """
        known = {
            factor: state["categories"]
            for factor, (kind, state) in self.model_spec_.encoder_state.items()
            if "categories" in state
        }
        if not known:
            return
        anew = model_matrix(" + ".join(["0", *known]), frame, "ignore").model_spec
        for factor, levels in known.items():
            new = [x for x in anew.encoder_state[factor][1]["categories"] if x not in levels]
            if new:
                raise ValueError(
                    f"{factor} has categories that fit did not see: {_listed(new)}. It saw "
                    f"{_listed(levels)}. There is no coefficient for a new category: leave these "
                    "rows out."
                )


def _listed(values: Sequence[Any]) -> str:
    listed = ", ".join(repr(value) for value in values[:5])
    return listed + (" and others" if len(values) > 5 else "")
