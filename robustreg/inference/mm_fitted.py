"""A fitted MM regression and its data, checked, in the units of its covariance."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import _check_feature_names, _check_n_features, check_is_fitted

from robustreg.data import columns_of, is_collection, validate_regression_data
from robustreg.design import as_design
from robustreg.design.base import Design, Point
from robustreg.estimators.mm import MMRegressor
from robustreg.inference.rows import RowBlocks
from robustreg.losses import Redescending
from robustreg.losses_redescending import loss_for_breakdown, loss_for_efficiency

__all__ = ["FittedMM", "fitted_mm", "is_mm"]

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]

#: Distance to the minimum, in standard errors, and relative difference of the scale, from which
#: data are not those of the fit.
FOREIGN_DATA, OTHER_SCALE = 0.1, 1e-4

#: Ratio of the extreme singular values, of columns of length one, at which a standard error has no
#: digits left.
SMALLEST_SINGULAR = 1e-12


@dataclass(frozen=True)
class FittedMM:
    """A fit of ``y = z theta + sigma u`` with rows z in working units, the intercept's one last.

    Attributes
    ----------
    model : MMRegressor
        A copy without the arrays of length n, for the checks of new X.
    prepare : callable
        From the X that the user has to the X that the model has: the steps before it.
    names : tuple of str
        "intercept" if fitted, then the features.
    design : Design
    rows : RowBlocks
    point, s_point : Point
        The M- and the S-estimate, with their losses, in working units.
    """

    model: Any
    prepare: Callable[[Any], Any]
    names: tuple[str, ...]
    design: Design
    rows: RowBlocks
    point: Point
    s_point: Point

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
    def scale(self) -> float:
        """Sigma, in units of y."""
        return float(self.model.scale_)

    @property
    def loss(self) -> Redescending:
        """That of the coefficients."""
        return self.point.loss  # type: ignore[return-value]

    @property
    def s_loss(self) -> Redescending:
        """That of the scale."""
        return self.s_point.loss  # type: ignore[return-value]

    @cached_property
    def standardized(self) -> Vector:
        """u = e / sigma of every row."""
        # Those of a Dask collection are fetched: eight bytes a row, where X has eight a number.
        return np.array(self.design.residuals(self.point)) / self.point.scale

    @cached_property
    def s_standardized(self) -> Vector:
        """The same at the S-estimate."""
        return np.array(self.design.residuals(self.s_point)) / self.s_point.scale

    @cached_property
    def frequencies(self) -> Vector:
        """How often each row counts."""
        weights = self.design.weights
        return np.ones(self.design.n_rows) if weights is None else np.asarray(weights)

    @cached_property
    def response(self) -> Vector:
        """y in working units."""
        return np.asarray(self.design.response)

    def mean(self, values: Vector) -> float:
        """Mean over observations."""
        return float(self.frequencies @ values) / self.n

    @cached_property
    def coefficients(self) -> Vector:
        """In the order of ``names`` and the units of the user."""
        coef, intercept = self.design.to_user(self.point)
        return np.concatenate(([intercept], coef)) if self.rows.fit_intercept else coef

    def to_user(self) -> Matrix:
        """A, for which A theta are the coefficients in the user's X, in the order of ``names``.

        y stays in working units.
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

    @cached_property
    def whitening(self) -> Matrix:
        """T with ``T T'`` the inverse of ``Z'Z``, by reflections; rows ``z T`` are orthonormal.

        Raises
        ------
        ValueError
            If X has dependent columns.
        """
        _, augmented = self.design.triangular_factor(self.point, None)
        factor = augmented[:, : self.n_parameters]
        norms = np.linalg.norm(factor, axis=0)
        norms[norms == 0.0] = 1.0
        _, singular, right = np.linalg.svd(factor / norms)
        rank = int(np.count_nonzero(singular > SMALLEST_SINGULAR * singular.max(initial=0.0)))
        if rank < self.n_parameters:
            raise ValueError(
                f"X has rank {rank} for {self.n_parameters} coefficients: some columns can be "
                "computed from others, and their coefficients have no standard error. Drop them "
                "and fit again."
            )
        return right.T / singular / norms[:, None]


def is_mm(model: Any) -> bool:
    """Whether a model, or the last step of a pipeline, is an ``MMRegressor``."""
    last = model[-1] if isinstance(model, Pipeline) else model
    return isinstance(last, MMRegressor)


def fitted_mm(model: Any, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None) -> FittedMM:
    """Check a fitted ``MMRegressor``, or a pipeline that ends with one, and its data.

    Raises
    ------
    ValueError
        If the model fits exactly, has no residual degrees of freedom, or was fitted to other data.
    """
    regressor, prepare, names = _last_step(model)
    if not regressor.scale_ > 0.0:
        raise ValueError(
            "model fits half of the data exactly (scale_ is 0.0): there are no residuals to "
            "measure errors by. Fit more observations, or fewer columns."
        )
    X = prepare(X)
    _check_feature_names(regressor, columns_of(X) if is_collection(X) else X, reset=False)
    # A copy, for what the checks of fit store on the estimator.
    data = validate_regression_data(copy.copy(regressor), X, y, sample_weight)
    _check_n_features(regressor, data[0], reset=False)
    intercept = bool(regressor.fit_intercept)
    design = as_design(*data, centered=intercept)
    fitted = FittedMM(
        model=_without_rows(regressor),
        prepare=prepare,
        names=(("intercept",) if intercept else ()) + names,
        design=design,
        rows=RowBlocks(design, intercept),
        point=_point(regressor, design, s=False),
        s_point=_point(regressor, design, s=True),
    )
    _refuse_other_data(fitted)
    return fitted


def _point(regressor: MMRegressor, design: Design, *, s: bool) -> Point:
    coef = regressor.s_coef_ if s else regressor.coef_
    intercept = regressor.s_intercept_ if s else regressor.intercept_
    name = regressor.loss
    if s:
        loss = loss_for_breakdown(name, float(regressor.breakdown))
    else:
        loss = loss_for_efficiency(name, float(regressor.efficiency))
    scale = regressor.scale_ / design.units.response_scale
    return Point(*design.from_user(coef, intercept), scale, loss)


def _last_step(model: Any) -> tuple[MMRegressor, Callable[[Any], Any], tuple[str, ...]]:
    """The regressor, the transformation before it, and the names of the features it was given."""
    regressor = model[-1] if isinstance(model, Pipeline) else model
    check_is_fitted(regressor)
    own = getattr(regressor, "feature_names_in_", None)
    if own is None:
        own = [f"x{j}" for j in range(regressor.n_features_in_)]
    names = tuple(str(name) for name in own)
    if not isinstance(model, Pipeline) or len(model) == 1:
        return regressor, _unchanged, names
    # A later fit of the pipeline must not change what a summary predicts.
    before = copy.deepcopy(model[:-1])
    try:
        found = before.get_feature_names_out(getattr(model, "feature_names_in_", None))
    except (AttributeError, ValueError):
        return regressor, before.transform, names
    return regressor, before.transform, tuple(str(name) for name in found)


def _unchanged(X: Any) -> Any:
    return X


def _without_rows(regressor: MMRegressor) -> MMRegressor:
    small = copy.copy(regressor)
    for name in ("weights_", "outliers_"):
        small.__dict__.pop(name, None)
    return small


def _refuse_other_data(fitted: FittedMM) -> None:
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
    rho = fitted.mean(fitted.s_loss.rho(fitted.s_standardized)) / float(fitted.s_loss.sup)
    wanted = float(fitted.model.breakdown) * (1.0 - k / fitted.design.n_observations)
    slope = fitted.mean(fitted.s_loss.psi(fitted.s_standardized) * fitted.s_standardized)
    relative = abs(rho - wanted) * float(fitted.s_loss.sup) / max(slope, 1e-300)
    (score,) = fitted.rows.sum(
        lambda z, f: (f @ z,), fitted.frequencies * fitted.loss.psi(fitted.standardized)
    )
    noise = np.sqrt(fitted.mean(fitted.loss.psi(fitted.standardized) ** 2))
    distance = float(np.linalg.norm(score @ fitted.whitening)) / max(noise, 1e-300)
    limit = max(1.0, float(fitted.model.optimality_) / float(fitted.model.tol))
    if relative > OTHER_SCALE * limit or distance > FOREIGN_DATA * limit:
        raise ValueError(
            f"model is {distance:.2g} standard errors away from the solution for this X, y and "
            f"sample_weight, and its scale is off by {relative:.1%}: pass the same data and the "
            "same sample_weight as to fit, and change no parameter after it."
        )
