"""A fitted model and its data, checked, in the units in which its covariance is computed."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import _check_feature_names, _check_n_features

from robustreg.data import columns_of, is_collection, validate_regression_data
from robustreg.design import as_design
from robustreg.design.base import Design, Point
from robustreg.inference.models import choice_of_delta, last_step, refuse_model, without_rows
from robustreg.inference.residuals import Residuals, sum_over_residuals
from robustreg.inference.rows import RowBlocks
from robustreg.inference.scale_equations import (
    FOREIGN_DATA,
    GivenEquation,
    ScaleEquation,
    scale_equation,
)
from robustreg.losses import Huber

__all__ = ["FittedRegression", "fitted_regression", "last_step"]

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]

#: Residuals below so many rounding errors are none.
ROUNDING_ERRORS = 10.0


class Moments(NamedTuple):
    """Means over the observations.

    Attributes
    ----------
    inside : that of psi', the share within the threshold.
    psi_square : that of psi².
    above, below : shares beyond the threshold, on either side of the fit.
    loss : that of the Huber loss, in squared units of the scale.
    real : share of the residuals that are no rounding errors.
    """

    inside: float
    psi_square: float
    above: float
    below: float
    loss: float
    real: float


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
    scale_parameter : str or float
        The rule of the scale.
    delta, scale, threshold, optimality : float
        Of the model, in the units of y.
    sampled : bool
        Whether the data are a sample of those of the fit, which do not solve its equations.
    """

    model: Any
    prepare: Callable[[Any], Any]
    names: tuple[str, ...]
    design: Design
    rows: RowBlocks
    point: Point
    scale_parameter: str | float
    delta: float
    scale: float
    threshold: float
    optimality: float
    sampled: bool = False

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

    @property
    def choice(self) -> str | None:
        """How delta was found in the data, or None where it was given."""
        return choice_of_delta(self.model)

    # -- residuals --------------------------------------------------------------------------------

    @cached_property
    def moments(self) -> Moments:
        """In one round where the rows are elsewhere."""
        rounding = ROUNDING_ERRORS * self.design.rounding_level(self.point) / self.working_scale

        def statistic(rows: Residuals) -> tuple[NDArray]:
            u, psi = rows.u, rows.psi
            loss = psi * (u - 0.5 * psi)
            sizes = (u > self.delta, u < -self.delta, np.abs(u) > rounding)
            return (rows.sums(rows.inside, psi**2, *sizes[:2], loss, sizes[2]),)

        (sums,) = self.sum_residuals(statistic)
        return Moments(*(sums / self.n).tolist())

    @cached_property
    def equation(self) -> ScaleEquation:
        """That of the scale."""
        return scale_equation(
            self.scale_parameter,
            self.n,
            delta=self.delta,
            degrees_of_freedom=self.degrees_of_freedom,
            half_square=0.5 * self.moments.psi_square,
        )

    @cached_property
    def coupled_equation(self) -> ScaleEquation:
        """That through which sigma moves the coefficients: at delta = inf it moves none."""
        return self.equation if np.isfinite(self.delta) else GivenEquation(self.n)

    @cached_property
    def median_size(self) -> float:
        """MAD of the residuals, in units of the scale."""
        return self.design.median_scale(self.point) / self.working_scale

    @cached_property
    def residuals(self) -> Residuals:
        """Of every row: for data in memory."""
        scale = self.working_scale
        return Residuals(
            np.asarray(self.design.residuals(self.point)) / scale,
            np.ones(self.design.n_rows) if self.weights is None else self.weights,
            self.response / scale,
            self.delta,
        )

    @property
    def standardized(self) -> Vector:
        """u = e / sigma of every row: for data in memory."""
        return self.residuals.u

    @property
    def frequencies(self) -> Vector:
        """How often each row counts."""
        return self.residuals.frequencies

    @cached_property
    def weights(self) -> Vector | None:
        """Frequencies of the rows, or None where all are one."""
        weights = self.design.weights
        return None if weights is None else np.asarray(weights)

    @cached_property
    def response(self) -> Vector:
        """y in working units."""
        return np.asarray(self.design.response)

    def sum_residuals(self, statistic: Callable[..., tuple[NDArray, ...]]) -> tuple[NDArray, ...]:
        """Add ``statistic(residuals)`` over all rows, wherever they are."""
        on_block = _OnResiduals(statistic, self.working_scale, self.delta)
        return sum_over_residuals(self.design, self.point, on_block)

    def sum_rows(
        self, rows: RowBlocks, statistic: Callable[..., tuple[NDArray, ...]], *values: NDArray
    ) -> tuple[NDArray, ...]:
        """Add ``statistic(z, residuals, *values)`` over all rows, in one pass."""
        return rows.sum_at(self.point, self.working_scale, self.delta, statistic, *values)

    # -- units ------------------------------------------------------------------------------------

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

    # -- checks -----------------------------------------------------------------------------------

    def check_solution(self, transform: Matrix, gradient: Vector) -> None:
        """Refuse data of another fit: there the gradient does not vanish.

        Parameters
        ----------
        transform : array of shape (k, k)
            T with ``T T'`` the inverse of the sum of psi' z z'.
        gradient : array of shape (k,)
            ``sum psi z``.
        """
        if self.sampled:
            return
        step = transform.T @ gradient
        noise = np.sqrt(self.moments.psi_square / self.moments.inside)
        distance = float(np.sqrt(step @ step)) / noise
        if not distance <= max(FOREIGN_DATA, 10.0 * self.optimality):
            raise ValueError(
                f"model is {distance:.2g} standard errors away from the solution for this X, y "
                f"and sample_weight, and its own fit ended at {self.optimality:.2g}: pass the same "
                "data and the same sample_weight as to fit."
            )
        self.equation.check(self.scale, self.equation.solution(self), self.optimality)

    def on_sample(self, n_rows: int) -> FittedRegression:
        """The same fit on about ``n_rows`` of its rows, spread evenly over all."""
        design = self.design.subsample(n_rows)
        rows = RowBlocks(design, self.rows.fit_intercept)
        return replace(self, design=design, rows=rows, sampled=True)


@dataclass(frozen=True)
class _OnResiduals:
    """A function of residuals as one of what a design has."""

    function: Callable[..., tuple[NDArray, ...]]
    scale: float
    delta: float

    def __call__(self, residuals: Vector, frequencies: Vector, response: Vector) -> Any:
        scaled = residuals / self.scale, frequencies, response / self.scale
        return self.function(Residuals(*scaled, self.delta))


def fitted_regression(
    model: Any,
    X: Any,
    y: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    may_be_sample: bool = False,
) -> FittedRegression:
    """Check a fitted model, or a pipeline that ends with one, and its data.

    Parameters
    ----------
    may_be_sample : bool
        Whether some of the rows will do, for a model that was fitted to a Dask collection. Each
        then stands for so many rows that they add up to those of the fit.

    Raises
    ------
    TypeError
        If the model is not a Huber regressor of this library.
    ValueError
        If the model has a penalty, fits exactly, has no residual degrees of freedom, or was fitted
        to another number of rows. (Other data are refused by ``check_solution``.)
    """
    regressor, prepare, names = last_step(model)
    refuse_model(regressor)
    X, response, weights = _checked_data(regressor, prepare(X), y, sample_weight)
    sampled = may_be_sample and _is_sample(regressor, X)
    if sampled:
        weights = _standing_for_all(regressor, response.shape[0], weights)
    fit_intercept = bool(regressor.fit_intercept)
    design = as_design(X, response, weights, centered=fit_intercept)
    coef, intercept = design.from_user(regressor.coef_, regressor.intercept_)
    scale = float(regressor.scale_) / design.units.response_scale
    fitted = FittedRegression(
        model=without_rows(regressor),
        prepare=prepare,
        names=(("intercept",) if fit_intercept else ()) + names,
        design=design,
        rows=RowBlocks(design, fit_intercept),
        point=Point(coef, intercept, scale, Huber(float(regressor.delta_))),
        scale_parameter=regressor.scale,
        delta=float(regressor.delta_),
        scale=float(regressor.scale_),
        threshold=float(regressor.threshold_),
        optimality=float(regressor.optimality_),
        sampled=sampled,
    )
    _refuse_other_rows(regressor, fitted)
    _refuse_too_few(fitted)
    _refuse_rounding_errors(fitted)
    return fitted


def _checked_data(
    regressor: Any, X: Any, y: ArrayLike, sample_weight: ArrayLike | None
) -> tuple[Any, Vector, Vector | None]:
    """Data as ``fit`` takes them, with the columns of this fit."""
    _check_feature_names(regressor, columns_of(X) if is_collection(X) else X, reset=False)
    # A copy, for what the checks of fit store on the estimator.
    X, response, weights = validate_regression_data(copy.copy(regressor), X, y, sample_weight)
    _check_n_features(regressor, X, reset=False)
    return X, response, weights


def _is_sample(regressor: Any, X: Any) -> bool:
    """Whether X has fewer rows than the Dask collection that the model was fitted to."""
    # A pickled model has no weights_ if they were of Dask: its own number of rows is not known.
    weights = getattr(regressor, "weights_", None)
    if weights is not None and not is_collection(weights):
        return False
    return weights is None or X.shape[0] != weights.shape[0]


def _standing_for_all(regressor: Any, n_rows: int, weights: Vector | None) -> Vector | None:
    """Frequencies with which the rows of a sample stand for all, where it is known how many."""
    of_fit = getattr(regressor, "weights_", None)
    total = float("nan") if of_fit is None else float(of_fit.shape[0])
    if not total > n_rows:
        return weights
    each = np.full(n_rows, total / n_rows)
    return each if weights is None else each * weights


def _refuse_other_rows(regressor: Any, fitted: FittedRegression) -> None:
    """Refuse another number of rows."""
    # A Dask array does not always know its length.
    weights = getattr(regressor, "weights_", None)
    rows = fitted.design.n_rows if weights is None else np.shape(weights)[0]
    if fitted.sampled or rows == fitted.design.n_rows or np.isnan(rows):
        return
    raise ValueError(
        f"X has {fitted.design.n_rows} rows, and model was fitted to {rows} (the length of its "
        "weights_): pass the same data as to fit."
    )


def _refuse_rounding_errors(fitted: FittedRegression) -> None:
    # A given scale is not zero where the fit is exact.
    if not fitted.moments.real > 0.0:
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
