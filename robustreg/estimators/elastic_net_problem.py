"""The problem, the data and the warnings of the estimators with an elastic-net penalty."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import Interval, StrOptions

from robustreg.data import is_collection, validate_regression_data
from robustreg.design import Design
from robustreg.design.base import Point
from robustreg.exceptions import ExactFitWarning, convergence_warning
from robustreg.losses import Huber
from robustreg.penalties import ElasticNet
from robustreg.problem import NEGLIGIBLE, Problem
from robustreg.scales import scale_rule
from robustreg.solvers.elastic_net import Ending, Fit, Path

__all__ = [
    "CONSTRAINTS",
    "ElasticNetProblem",
    "attributes_of_rows",
    "checked_alphas",
    "data_in_memory",
    "warn_of_doubt",
    "warn_of_end",
]

Vector = NDArray[np.float64]

#: Residuals of an exact fit are below this in working units, in which typical residuals are about
#: 1.
EXACT = 1e-8

#: Constraints of the parameters that all these estimators have.
CONSTRAINTS: dict[str, list[Any]] = {
    "delta": [Interval(Real, 0, np.inf, closed="right")],
    "scale": [Interval(Real, 0, np.inf, closed="neither"), StrOptions({"joint", "mad"})],
    "fit_intercept": ["boolean"],
    "positive": ["boolean"],
    "penalty_factors": ["array-like", None],
    "max_iter": [Interval(Integral, 1, None, closed="left")],
    "tol": [Interval(Real, 0, np.inf, closed="neither")],
}


@dataclass(frozen=True)
class ElasticNetProblem:
    """The parameters that define the problem."""

    l1_ratio: float
    delta: float
    scale: float | str
    fit_intercept: bool
    positive: bool
    penalty_factors: ArrayLike | None

    @classmethod
    def of(cls, estimator: Any, l1_ratio: float) -> ElasticNetProblem:
        """Take the parameters from an estimator."""
        return cls(
            float(l1_ratio),
            float(estimator.delta),
            estimator.scale,
            bool(estimator.fit_intercept),
            bool(estimator.positive),
            estimator.penalty_factors,
        )

    def with_rows(self, ratio: float) -> tuple[ElasticNetProblem, float]:
        """Return the problem that is equally strong with fewer rows, and the factor of its alpha.

        The lasso part, alpha l1_ratio, is compared with a mean of products, whose noise grows as
        the square root of the ratio. The ridge part, alpha (1 - l1_ratio), is compared with a mean
        whose inverse is the variance, which grows as the ratio.

        Parameters
        ----------
        ratio : float
            Number of all rows divided by the number of rows that are left.
        """
        first, second = self.l1_ratio * np.sqrt(ratio), (1.0 - self.l1_ratio) * ratio
        return replace(self, l1_ratio=float(first / (first + second))), float(first + second)

    def over(self, design: Design, alpha: float) -> Problem:
        """Return the problem over a design, in the working units of the design."""
        factors = _checked_factors(self.penalty_factors, design.n_features)
        penalty: Any = ElasticNet(float(alpha), self.l1_ratio, factors, self.positive)
        rule = scale_rule(self.scale, design.units.response_scale)
        return Problem(design, Huber(self.delta), rule, penalty, self.fit_intercept)


def data_in_memory(
    estimator: BaseEstimator, X: Any, y: Any, sample_weight: Any
) -> tuple[Any, Any, Vector | None]:
    """Validate X, y and weights, which must be in memory."""
    if is_collection(X):
        raise ValueError(
            f"{type(estimator).__name__} needs X in memory, and X is a lazy Dask collection: pass "
            "X.compute(), or use HuberRegressor, which reads chunks."
        )
    X, y, weights = validate_regression_data(estimator, X, y, sample_weight)
    if X.dtype not in (np.float32, np.float64):
        X = X.astype(np.float64)
    return X, y, weights


def _checked_factors(factors: ArrayLike | None, n_features: int) -> Vector | None:
    if factors is None:
        return None
    try:
        checked = np.asarray(factors, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"penalty_factors must be numbers in [0, inf), got {factors!r}."
        ) from error
    if checked.shape != (n_features,):
        raise ValueError(
            f"penalty_factors has shape {checked.shape} and X has {n_features} columns: pass one "
            "number for each column."
        )
    if not (np.isfinite(checked).all() and (checked >= 0.0).all()):
        raise ValueError(
            f"penalty_factors must be in [0, inf), got a minimum of {checked.min():g} and a "
            f"maximum of {checked.max():g}: leave a column out of X if it must not be used."
        )
    return checked


def checked_alphas(alphas: ArrayLike | None, l1_ratio: float) -> Vector | None:
    """Return the alphas in decreasing order without repetition, or None for the default grid."""
    if alphas is None:
        if l1_ratio == 0.0:
            raise ValueError(
                "alphas=None means a grid that begins at the smallest alpha for which all "
                "coefficients are zero, and with l1_ratio=0 there is no such alpha: pass alphas."
            )
        return None
    try:
        grid = np.asarray(alphas, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"alphas must be numbers in (0, inf), got {alphas!r}.") from error
    if grid.ndim != 1 or grid.size == 0 or not (np.isfinite(grid) & (grid > 0.0)).all():
        raise ValueError(
            f"alphas must be a list of at least one number in (0, inf), got {alphas!r}: for no "
            "penalty use HuberRegressor."
        )
    return np.unique(grid)[::-1]


def attributes_of_rows(design: Design, point: Point) -> tuple[Vector, NDArray[np.bool_]]:
    """Return the weight of every row, and whether it is an outlier.

    They are ``min(1, t/|e|)`` and ``|e| > t``. If the scale is zero, rows that are not fitted
    exactly are outliers with weight zero.
    """
    residuals = design.residuals(point)
    if point.scale > 0.0:
        return point.units_loss.weight(residuals), np.abs(residuals) > point.threshold
    outliers = np.abs(residuals) > max(EXACT, NEGLIGIBLE * design.rounding_level(point))
    return np.where(outliers, 0.0, 1.0), outliers


def warn_of_doubt(fit: Fit, name: str, tol: float, max_iter: int) -> None:
    """Warn if a fit is doubtful, and say what to do."""
    if fit.scale == 0.0:
        warnings.warn(
            "So many rows are fitted exactly that the scale of the residuals is zero: scale_ is "
            "0.0. This is the right answer for data without noise or a constant y. Otherwise alpha "
            "is so small that the columns fit the rows exactly: increase alpha, or pass a number "
            "as scale.",
            ExactFitWarning,
            stacklevel=4,
        )
    elif fit.optimality > tol:
        text = (
            f"{name} did not come within tol={tol:g} of the solution, in units of alpha and of the "
            f"scale. The distance reached is optimality_. Increase max_iter={max_iter}, or "
            "tol if this distance is small enough for you. Standardise columns of very different "
            "sizes."
        )
        warnings.warn(convergence_warning(text, fit.optimality, tol), stacklevel=4)


def warn_of_end(path: Path) -> None:
    """Warn if alphas were not reached, and say why."""
    if path.ending is not Ending.COMPLETE:
        warnings.warn(
            f"The path did not reach the smallest alphas, because {path.ending.value}. Increase "
            "eps or leave these alphas out. A path with a number as scale does not end early.",
            UserWarning,
            stacklevel=3,
        )
