"""A fitted model and its data, checked, in the units in which its covariance is computed."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import _check_feature_names, _check_n_features, check_is_fitted

from robustreg.data import columns_of, is_collection, validate_regression_data
from robustreg.design import as_design
from robustreg.design.base import Design, Point
from robustreg.inference.rows import RowBlocks
from robustreg.losses import Huber
from robustreg.scales import MAD_STANDARD_ERROR, median_absolute_residual
from robustreg.tuning import kappa

__all__ = ["FittedRegression", "fitted_regression", "last_step"]

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]

ScaleKind = Literal["joint", "mad", "fixed"]

#: What a model must have: a joint fit of scikit-learn's HuberRegressor has no consistent scale.
ATTRIBUTES = ("coef_", "intercept_", "scale_", "delta_", "threshold_", "optimality_")

#: Distance to the minimiser, in standard errors, from which data are not those of the fit.
FOREIGN_DATA = 0.1

#: The same for the joint scale, whose equation depends on the number of observations: to count each
#: three times moves its solution by only 0.8 k / sqrt(n) standard errors.
OTHER_SCALE = 1e-3

#: Residuals below so many rounding errors are none.
ROUNDING_ERRORS = 10.0


@dataclass(frozen=True)
class FittedRegression:
    """A fit of ``y = z theta + sigma u`` with rows z in working units, the intercept's one last.

    Attributes
    ----------
    model : estimator
        A copy without the arrays of length n, for the checks of new X.
    prepare : callable
        From the X that the user has to the X that the model has: the steps before it.
    names : tuple of str
        "intercept" if fitted, then the features.
    design : Design
    rows : RowBlocks
    point : Point
        The fit in working units.
    scale_kind : {"joint", "mad", "fixed"}
    delta, scale, threshold, optimality : float
        Of the model, in the units of y.
    """

    model: Any
    prepare: Callable[[Any], Any]
    names: tuple[str, ...]
    design: Design
    rows: RowBlocks
    point: Point
    scale_kind: ScaleKind
    delta: float
    scale: float
    threshold: float
    optimality: float

    @property
    def n(self) -> float:
        """Number of observations: the sum of the frequencies."""
        return self.design.total_weight

    @property
    def n_parameters(self) -> int:
        """k: the coefficients, and the intercept where there is one."""
        return self.rows.n_columns

    @property
    def degrees_of_freedom(self) -> float:
        """Observations less parameters."""
        return self.n - self.n_parameters

    @property
    def working_scale(self) -> float:
        """Sigma in working units."""
        return self.scale / self.design.units.response_scale

    @cached_property
    def standardized(self) -> Vector:
        """u = e / sigma of every row."""
        # Those of a Dask collection come home: eight bytes a row, where X has eight a number.
        return np.asarray(self.design.residuals(self.point)) / self.working_scale

    @cached_property
    def inside(self) -> Vector:
        """psi': one for rows with a residual within the threshold, else zero."""
        return (np.abs(self.standardized) <= self.delta).astype(np.float64)

    @cached_property
    def psi(self) -> Vector:
        """``clip(u, -delta, delta)``."""
        return np.clip(self.standardized, -self.delta, self.delta)

    @cached_property
    def frequencies(self) -> Vector:
        """How often each row counts."""
        return np.ones(self.design.n_rows) if self.weights is None else self.weights

    @cached_property
    def weights(self) -> Vector | None:
        """Frequencies of the rows, or None where all are one."""
        weights = self.design.weights
        return None if weights is None else np.asarray(weights)

    @cached_property
    def response(self) -> Vector:
        """y in working units."""
        return np.asarray(self.design.response)

    def mean(self, values: Vector) -> float:
        """Mean over observations."""
        if self.weights is None:
            return float(np.mean(values))  # a product with ones would wake the threads of BLAS
        return float(self.frequencies @ values) / self.n

    @cached_property
    def coefficients(self) -> Vector:
        """In the order of ``names`` and the units of the user."""
        coef, intercept = self.design.to_user(self.point)
        return np.concatenate(([intercept], coef)) if self.rows.fit_intercept else coef

    def to_user(self) -> Matrix:
        """A, for which A theta are the coefficients in the user's X, in the order of ``names``.

        y stays in working units: variances are multiplied by its unit where they are shown, so that
        no square of it over- or underflows before.
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

    def check_solution(self, transform: Matrix, gradient: Vector) -> None:
        """Refuse data of another fit: there the gradient does not vanish.

        Parameters
        ----------
        transform : array of shape (k, k)
            T with ``T T'`` the inverse of the sum of psi' z z'.
        gradient : array of shape (k,)
            ``sum psi z``.
        """
        step = transform.T @ gradient
        noise = np.sqrt(self.mean(self.psi**2) / self.mean(self.inside))
        distance = float(np.sqrt(step @ step)) / noise
        if not distance <= max(FOREIGN_DATA, 10.0 * self.optimality):
            raise ValueError(
                f"model is {distance:.2g} standard errors away from the solution for this X, y "
                f"and sample_weight, and its own fit ended at {self.optimality:.2g}: pass the same "
                "data and the same sample_weight as to fit."
            )
        self._check_scale()

    def _check_scale(self) -> None:
        """Refuse a multiple of the data, or of the weights: their coefficients are the same."""
        if self.scale_kind == "fixed":
            return
        if self.scale_kind == "joint":
            factor = 2.0 * kappa(self.delta) * self.degrees_of_freedom / self.n
            solved = np.sqrt(self.mean(self.psi**2) / factor)
            error, limit = np.sqrt(0.5 / self.n), OTHER_SCALE
        else:
            solved = median_absolute_residual(self.standardized, self.weights)
            error, limit = MAD_STANDARD_ERROR / np.sqrt(self.n), FOREIGN_DATA
        if not abs(solved - 1.0) / error <= max(limit, 10.0 * self.optimality):
            raise ValueError(
                f"model has scale_={self.scale:.6g}, and the scale of its residuals is "
                f"{self.scale * solved:.6g} for this X, y and sample_weight, {self.n:g} "
                "observations: rows or weights are a multiple of those of fit, or scale_ or a "
                "parameter was changed after it. Pass the same data and the same sample_weight as "
                "to fit."
            )


def fitted_regression(
    model: Any, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None
) -> FittedRegression:
    """Check a fitted model, or a pipeline that ends with one, and its data.

    Raises
    ------
    TypeError
        If the model is not a Huber regressor of this library.
    ValueError
        If the model has a penalty, fits exactly, has no residual degrees of freedom, or was fitted
        to another number of rows. (Other data are refused by ``check_solution``.)
    """
    regressor, prepare, names = last_step(model)
    _refuse(regressor)
    X, response, weights = _checked_data(regressor, prepare(X), y, sample_weight)
    fit_intercept = bool(regressor.fit_intercept)
    design = as_design(X, response, weights, centered=fit_intercept)
    coef, intercept = design.from_user(regressor.coef_, regressor.intercept_)
    scale = float(regressor.scale_) / design.units.response_scale
    fitted = FittedRegression(
        model=_without_rows(regressor),
        prepare=prepare,
        names=(("intercept",) if fit_intercept else ()) + names,
        design=design,
        rows=RowBlocks(design, fit_intercept),
        point=Point(coef, intercept, scale, Huber(float(regressor.delta_))),
        scale_kind=_scale_kind(regressor.scale),
        delta=float(regressor.delta_),
        scale=float(regressor.scale_),
        threshold=float(regressor.threshold_),
        optimality=float(regressor.optimality_),
    )
    _refuse_other_rows(regressor, fitted)
    _refuse_too_few(fitted)
    _refuse_rounding_errors(fitted)
    return fitted


def last_step(model: Any) -> tuple[Any, Callable[[Any], Any], tuple[str, ...]]:
    """The regressor, the transformation before it, and the names of the features it was given."""
    if not isinstance(model, Pipeline):
        _require_huber(model)
        return model, _unchanged, _feature_names(model)
    regressor = model[-1]
    _require_huber(regressor)
    if len(model) == 1:
        return regressor, _unchanged, _feature_names(regressor)
    # A later fit of the pipeline must not change what a summary predicts.
    before = copy.deepcopy(model[:-1])
    try:
        names = before.get_feature_names_out(getattr(model, "feature_names_in_", None))
    except (AttributeError, ValueError):
        return regressor, before.transform, _feature_names(regressor)
    return regressor, before.transform, tuple(str(name) for name in names)


def _scale_kind(scale: str | float) -> ScaleKind:
    if scale == "joint":
        return "joint"
    return "mad" if scale == "mad" else "fixed"


def _unchanged(X: Any) -> Any:
    return X


def _require_huber(model: Any) -> None:
    if not isinstance(model, BaseEstimator):
        raise TypeError(
            "model must be a fitted robustreg.HuberRegressor or a Pipeline that ends with one, "
            f"got {type(model).__name__}. From a search, pass best_estimator_."
        )
    check_is_fitted(model)
    missing = [name for name in ATTRIBUTES if not hasattr(model, name)]
    if missing:
        raise TypeError(
            "model must be a fitted robustreg.HuberRegressor or a Pipeline that ends with one, "
            f"got {type(model).__name__} without {', '.join(missing)}. For least squares fit "
            "robustreg.HuberRegressor(delta=inf); from a search, pass best_estimator_."
        )


def _feature_names(regressor: Any) -> tuple[str, ...]:
    names = getattr(regressor, "feature_names_in_", None)
    if names is None:
        return tuple(f"x{j}" for j in range(regressor.n_features_in_))
    return tuple(str(name) for name in names)


def _refuse(regressor: Any) -> None:
    alpha = regressor.alpha_ if hasattr(regressor, "alpha_") else regressor.alpha
    if hasattr(regressor, "l1_ratio"):
        raise ValueError(
            f"model is a {type(regressor).__name__} with alpha={alpha:g}: its penalty biases the "
            "coefficients, and the choice of columns by the same rows makes intervals too short. "
            "Choose the columns on one half of the rows, and fit HuberRegressor to them on the "
            "other half for inference; a refit on the same rows (coef_ != 0) describes, and its "
            "intervals do not cover."
        )
    if alpha > 0.0:
        raise ValueError(
            f"model has alpha={alpha:g}: its penalty biases the coefficients by an unknown "
            "amount of the order of their errors, and no standard error makes an interval around "
            "them cover the true values. Fit with alpha=0.0 for inference."
        )
    if not regressor.scale_ > 0.0:
        raise ValueError(
            "model fits the data exactly (scale_ is 0.0): there are no residuals to measure errors "
            "by. Fit more observations, or fewer columns."
        )
    scale = regressor.scale
    if not (isinstance(scale, str) or np.isclose(scale, regressor.scale_, rtol=1e-6, atol=0.0)):
        raise ValueError(
            f"model has scale={scale!r} and scale_={regressor.scale_!r}: the parameter was changed "
            "after fit. Fit again."
        )


def _checked_data(
    regressor: Any, X: Any, y: ArrayLike, sample_weight: ArrayLike | None
) -> tuple[Any, Vector, Vector | None]:
    """Data as ``fit`` takes them, with the columns of this fit."""
    _check_feature_names(regressor, columns_of(X) if is_collection(X) else X, reset=False)
    # A copy, for what the checks of fit store on the estimator.
    X, response, weights = validate_regression_data(copy.copy(regressor), X, y, sample_weight)
    _check_n_features(regressor, X, reset=False)
    return X, response, weights


def _refuse_other_rows(regressor: Any, fitted: FittedRegression) -> None:
    """Refuse another number of rows."""
    # A Dask array does not always know its length.
    weights = getattr(regressor, "weights_", None)
    rows = fitted.design.n_rows if weights is None else np.shape(weights)[0]
    if rows != fitted.design.n_rows and not np.isnan(rows):
        raise ValueError(
            f"X has {fitted.design.n_rows} rows, and model was fitted to {rows} (the length of its "
            "weights_): pass the same data as to fit."
        )


def _refuse_rounding_errors(fitted: FittedRegression) -> None:
    # A given scale is not zero where the fit is exact.
    largest = float(np.abs(fitted.standardized).max()) * fitted.working_scale
    if largest <= ROUNDING_ERRORS * fitted.design.rounding_level(fitted.point):
        raise ValueError(
            "model fits the data exactly (its residuals are rounding errors): there are none to "
            "measure errors by, whatever the scale. Fit more observations, or fewer columns."
        )


def _refuse_too_few(fitted: FittedRegression) -> None:
    n, k = fitted.n, fitted.n_parameters
    if not n > k:
        raise ValueError(
            f"X has {n:g} observations for {k} coefficients: no degrees of freedom are left to "
            "estimate errors by. Use more observations or fewer columns."
        )
    if fitted.design.gram_kind(0.0) != "matrix":
        raise ValueError(
            f"X has {fitted.design.n_features} columns: the covariance matrix of so many "
            "coefficients is not formed. Fit fewer columns for inference."
        )


def _without_rows(regressor: Any) -> Any:
    """A copy that a later fit does not change, and that keeps no array of length n alive."""
    small = copy.copy(regressor)
    for name in ("weights_", "outliers_"):
        small.__dict__.pop(name, None)
    return small
