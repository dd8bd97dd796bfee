r"""Intervals for the mean and for a new observation at new rows.

The mean at x is x'theta, with variance x'Vx. A new observation adds an error, whose distribution is
that of the sample's residuals and not a Gaussian: heavy tails and outliers are in it as often as in
the sample. With r_1 to r_n the residuals made as wide as errors (``widened``) and F_x the
distribution of r + x'(theta - theta^), that is, of the residuals convolved with N(0, x'Vx), the
limits a < b of level 1 - q leave

    sum s Phi((a - r_i) / se(x)) = (n + 1) q / 2        below, and as much above b.

n + 1 and not n: a new observation is as likely to fall into any of the n + 1 gaps between n others,
so limits at these ranks hold at every n (Vovk, Gammerman and Shafer, 2005, for exchangeable
scores).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.sparse import issparse
from scipy.special import ndtr
from sklearn.utils.extmath import safe_sparse_dot
from sklearn.utils.validation import validate_data

from robustreg.design.units import Units
from robustreg.inference.covariance import CovarianceEstimate
from robustreg.inference.fitted import FittedRegression

__all__ = ["ErrorDistribution", "Predictor", "widened"]

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]

#: Standard errors beyond which a residual is wholly on one side of a limit.
REACH = 9.0

#: Standard errors of the mean for which limits are solved; between them they are interpolated.
NODES = 129


def widened(fitted: FittedRegression, leverage: Vector | float) -> Vector:
    """Standardised residuals with the spread of the errors themselves.

    Leaving row i out changes its residual by the factor ``1 + h w / (1 - psi' h)``, w = psi/u: from
    narrower than an error to wider by as much. The square root stands between; for least squares it
    is the customary ``1/sqrt(1 - h)``.
    """
    u, psi = fitted.standardized, fitted.psi
    weight = np.divide(psi, u, out=np.ones_like(u), where=u != 0.0)
    return u * np.sqrt(1.0 + leverage * weight / (1.0 - leverage * fitted.inside))


@dataclass(frozen=True)
class ErrorDistribution:
    """The empirical distribution of the errors.

    Parameters
    ----------
    errors : array of shape (m,)
        Ascending.
    cumulative : array of shape (m + 1,)
        Frequency below each, from zero to n.
    """

    errors: Vector
    cumulative: Vector

    @classmethod
    def of(cls, errors: Vector, frequencies: Vector) -> ErrorDistribution:
        """From errors in any order and their frequencies."""
        counted = frequencies > 0.0
        errors, frequencies = errors[counted], frequencies[counted]
        order = np.argsort(errors)
        cumulative = np.concatenate(([0.0], np.cumsum(frequencies[order])))
        return cls(errors[order], cumulative)

    @property
    def n(self) -> float:
        """Number of observations."""
        return float(self.cumulative[-1])

    def largest_level(self) -> float:
        """The level whose limits are the smallest and the largest error: more is not known."""
        return (self.n - 1.0) / (self.n + 1.0)

    def limits(self, standard_errors: Vector, level: float) -> tuple[Vector, Vector]:
        """Lower and upper limits of a new error, for each standard error of the mean."""
        tail = 0.5 * (1.0 - level) * (self.n + 1.0)
        mirrored = ErrorDistribution(-self.errors[::-1], self.n - self.cumulative[::-1])
        return self._lower(standard_errors, tail), -mirrored._lower(standard_errors, tail)

    def _lower(self, standard_errors: Vector, tail: float) -> Vector:
        nodes = np.unique(standard_errors)
        if nodes.size > NODES:
            nodes = np.unique(np.quantile(nodes, np.linspace(0.0, 1.0, NODES)))
        return np.interp(standard_errors, nodes, [self._solve(float(se), tail) for se in nodes])

    def _solve(self, se: float, tail: float) -> float:
        """The point with the frequency ``tail`` of the convolved distribution below it."""
        start = self._quantile(tail)
        if not se > 0.0:
            return start
        low, high, width = start, start, se
        while self._below(low, se) > tail:
            low, width = low - width, 2.0 * width
        while self._below(high, se) < tail:
            high, width = high + width, 2.0 * width
        if low == high:
            return start
        return float(brentq(lambda x: self._below(x, se) - tail, low, high, xtol=1e-4 * se))

    def _quantile(self, tail: float) -> float:
        """Where the errors' own distribution, interpolated between them, has ``tail`` below."""
        ranks = 0.5 * (self.cumulative[1:] + self.cumulative[:-1]) + 0.5
        return float(np.interp(tail, ranks, self.errors))

    def _below(self, x: float, se: float) -> float:
        first, last = np.searchsorted(self.errors, (x - REACH * se, x + REACH * se))
        frequencies = np.diff(self.cumulative[first : last + 1])
        return float(
            self.cumulative[first] + frequencies @ ndtr((x - self.errors[first:last]) / se)
        )


@dataclass(frozen=True)
class Predictor:
    """Predictions and their standard errors at new rows.

    Parameters
    ----------
    model : estimator
        For the checks of new X.
    prepare : callable
        The steps before the model.
    units : Units
        In which ``covariance`` is.
    covariance : CovarianceEstimate
        Of theta.
    errors : ErrorDistribution
        In the units of y.
    """

    model: Any
    prepare: Callable[[Any], Any]
    units: Units
    covariance: CovarianceEstimate
    errors: ErrorDistribution

    def mean(self, X: Any) -> tuple[Vector, Vector]:
        """Predictions and their standard errors, of shape (n_samples,) each, in units of y."""
        X = validate_data(
            self.model,
            self.prepare(X),
            reset=False,
            accept_sparse="csr",
            dtype=[np.float64, np.float32],
        )
        prediction = safe_sparse_dot(X, self.model.coef_, dense_output=True) + self.model.intercept_
        p = self.model.n_features_in_
        rows = np.ones((X.shape[0], self.covariance.back.shape[0]))
        rows[:, :p] = (X.toarray() if issparse(X) else X) - self.units.center
        rows[:, :p] /= self.units.column_scale
        variance = np.maximum(self.covariance.variance_of_rows(rows), 0.0)
        return prediction, np.sqrt(variance) * self.units.response_scale

    def new_errors(self, std_err: Vector, level: float) -> tuple[Vector, Vector]:
        """Limits of a new observation about its prediction."""
        largest = self.errors.largest_level()
        if level > largest:
            warnings.warn(
                f"An interval of level {level:g} for a new observation needs at least "
                f"{2.0 / (1.0 - level) - 1.0:.0f} observations, and there are {self.errors.n:g}: "
                f"pi_low and pi_high end near the extreme residuals, which is a level of about "
                f"{largest:.2f}. Pass level={np.floor(100 * largest) / 100:g} or less.",
                UserWarning,
                stacklevel=3,
            )
        return self.errors.limits(std_err, level)
