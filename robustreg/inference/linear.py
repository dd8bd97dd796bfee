"""A fitted linear model with its checked data, as the base of all kinds of fits."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import _check_feature_names, _check_n_features

from robustreg.data import columns_of, is_collection, validate_regression_data
from robustreg.design.base import Design, Point
from robustreg.inference.rows import RowBlocks

__all__ = ["FittedLinear", "as_counts", "checked_data", "refuse_too_few"]

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class FittedLinear:
    """A fit of ``y = z theta + sigma u``, where the rows z are in working units.

    The last entry of z is a one if there is an intercept.

    Attributes
    ----------
    model : estimator
        A copy without the arrays of length n. It checks new X.
    prepare : callable
        Converts the user's X to the X of the model, with the pipeline's other steps.
    names : tuple of str
        Names of the coefficients: "intercept" if the model has one, then the features.
    design : Design
    rows : RowBlocks
    point : Point
        The fit in working units.
    delta : float
        The threshold in units of the scale.
    scale, threshold, optimality : float
        Attributes of the model, scale and threshold in units of y.
    """

    model: Any
    prepare: Callable[[Any], Any]
    names: tuple[str, ...]
    design: Design
    rows: RowBlocks
    point: Point
    delta: float
    scale: float
    threshold: float
    optimality: float

    @property
    def n(self) -> float:
        """Number of observations: the sum of the frequencies (see ``as_counts``)."""
        return self.design.total_weight

    @property
    def n_parameters(self) -> int:
        """k, the number of coefficients including the intercept."""
        return self.rows.n_columns

    @property
    def degrees_of_freedom(self) -> float:
        """Number of observations minus number of parameters."""
        return self.n - self.n_parameters

    @property
    def working_scale(self) -> float:
        """Sigma in working units."""
        return float(self.point.scale)

    # -- rows -------------------------------------------------------------------------------------

    @cached_property
    def weights(self) -> Vector | None:
        """Frequencies of the rows, or None if all are one."""
        weights = self.design.weights
        return None if weights is None else np.asarray(weights)

    @cached_property
    def frequencies(self) -> Vector:
        """How often each row counts."""
        return np.ones(self.design.n_rows) if self.weights is None else self.weights

    @cached_property
    def response(self) -> Vector:
        """y in working units."""
        return np.asarray(self.design.response)

    @cached_property
    def standardized(self) -> Vector:
        """u = e / sigma of every row."""
        # For a Dask collection they are loaded into memory: eight bytes per row, much less than X.
        return np.asarray(self.design.residuals(self.point)) / self.working_scale

    def mean(self, values: Vector) -> float:
        """Mean over observations."""
        return float(self.frequencies @ values) / self.n

    # -- units ------------------------------------------------------------------------------------

    @cached_property
    def coefficients(self) -> Vector:
        """Coefficients in the order of ``names`` and in the user's units."""
        coef, intercept = self.design.to_user(self.point)
        return np.concatenate(([intercept], coef)) if self.rows.fit_intercept else coef

    @property
    def theta(self) -> Vector:
        """Coefficients in working units, with the intercept last."""
        return np.append(self.point.coef, self.point.intercept)[: self.n_parameters]

    def to_user(self) -> Matrix:
        """Matrix A such that A theta are the coefficients for the user's X, ordered as ``names``.

        y stays in working units. Results are multiplied by its unit only when they are shown,
        because its square could over- or underflow.
        """
        units, p = self.design.units, self.design.n_features
        slopes = np.diag(1.0 / units.column_scale)
        if not self.rows.fit_intercept:
            return slopes
        change = np.zeros((p + 1, p + 1))
        change[0, :p] = -units.center / units.column_scale
        change[0, p] = 1.0
        change[1:, :p] = slopes
        return change


def checked_data(
    regressor: Any, X: Any, y: ArrayLike, sample_weight: ArrayLike | None
) -> tuple[Any, Vector, Vector | None]:
    """Check data as ``fit`` does, and that they have the columns of this fit."""
    _check_feature_names(regressor, columns_of(X) if is_collection(X) else X, reset=False)
    # Use a copy, because the checks of fit set attributes of the estimator.
    X, response, weights = validate_regression_data(copy.copy(regressor), X, y, sample_weight)
    _check_n_features(regressor, X, reset=False)
    return X, response, weights


def as_counts(design: Design) -> Design:
    """Return the design with weights that add up to its number of observations.

    Frequencies already do. Weights that are not counts, for example below one, do not. Multiplying
    them by a constant does not change the fit, and must not change the standard errors.
    """
    n = design.n_observations
    if not n > design.total_weight:
        return design
    weights = design.weights
    assert weights is not None, "rows without weights are as many as there are observations"
    return design.reweighted(weights * (n / design.total_weight))


def refuse_too_few(fitted: FittedLinear) -> None:
    """Refuse fits without degrees of freedom, or with too many columns for a covariance."""
    n, k = fitted.n, fitted.n_parameters
    if not n > k:
        data = "X has" if fitted.weights is None else "X and sample_weight have"
        raise ValueError(
            f"{data} {n:.3g} observations for {k} coefficients: no degrees of freedom are left to "
            "estimate standard errors. Use more observations or fewer columns."
        )
    if fitted.design.gram_kind(0.0) != "matrix":
        raise ValueError(
            f"X has {fitted.design.n_features} columns: the covariance matrix of so many "
            "coefficients would be too large. Fit fewer columns for inference."
        )
