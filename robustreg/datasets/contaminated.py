"""Generate regression problems with a known model and known outliers in y and in X."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Integral, Real
from typing import Any, Protocol

import numpy as np
from numpy.random import RandomState
from numpy.typing import NDArray
from scipy import stats
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions

from robustreg.parameters import checked_parameters

__all__ = ["DISTRIBUTIONS", "make_contaminated_regression"]

Vector = NDArray[np.float64]


class FrozenDistribution(Protocol):
    """A distribution of scipy.stats with fixed parameters."""

    def rvs(self, *, size: Any, random_state: RandomState) -> Any:
        """Draw ``size`` numbers."""


#: A name of ``DISTRIBUTIONS``, a distribution of scipy.stats, or a function ``draw(rng, size)``.
Distribution = str | FrozenDistribution | Callable[[RandomState, tuple[int, ...]], Any]

#: Distributions by name. Those before variance_inflation have median zero.
DISTRIBUTIONS: dict[str, FrozenDistribution] = {
    "normal": stats.norm(),
    "t3": stats.t(3),
    "t1.5": stats.t(1.5),
    "cauchy": stats.cauchy(),
    "laplace": stats.laplace(),
    "uniform": stats.uniform(-1, 2),
    "lognormal": stats.lognorm(1, loc=-1),
    "variance_inflation": stats.norm(0, 10),
    "mean_shift": stats.norm(10, 1),
}

_SHARE = [Interval(Real, 0, 1, closed="both")]
_DISTRIBUTION = [StrOptions(set(DISTRIBUTIONS)), HasMethods("rvs"), callable]


@checked_parameters(
    {
        "n_samples": [Interval(Integral, 1, None, closed="left")],
        "n_features": [Interval(Integral, 1, None, closed="left")],
        "bias": [Interval(Real, None, None, closed="neither")],
        "noise": [Interval(Real, 0, np.inf, closed="left")],
        "noise_distribution": _DISTRIBUTION,
        "contamination": _SHARE,
        "outlier_distribution": _DISTRIBUTION,
        "leverage": _SHARE,
        "leverage_distribution": _DISTRIBUTION,
        "shuffle": ["boolean"],
        "coef": ["boolean"],
        "return_outliers": ["boolean"],
        "random_state": ["random_state"],
    }
)
def make_contaminated_regression(
    n_samples: int = 100,
    n_features: int = 5,
    *,
    bias: float = 0.0,
    noise: float = 1.0,
    noise_distribution: Distribution = "normal",
    contamination: float = 0.1,
    outlier_distribution: Distribution = "mean_shift",
    leverage: float = 0.0,
    leverage_distribution: Distribution = "mean_shift",
    shuffle: bool = True,
    coef: bool = False,
    return_outliers: bool = False,
    random_state: int | RandomState | None = None,
) -> tuple[NDArray[Any], ...]:
    """Generate a linear regression problem with a known share of contaminated rows.

    X and the coefficients are standard normal, and ``y = X @ coef + bias + error``. A share
    ``contamination`` of the rows has errors from another distribution [1]_. A share ``leverage`` of
    other rows gets a new X, while their y does not change. They are bad leverage points.

    Parameters
    ----------
    n_samples : int, default=100
        Number of rows, outliers included.
    n_features : int, default=5
        Number of columns of X. All of them have an effect on y.
    bias : float, default=0.0
        Intercept of the true model, in units of y.
    noise : float, default=1.0
        Unit of the errors, in units of y. For normal errors it is their standard deviation.
    noise_distribution : str, distribution of scipy.stats, or callable, default="normal"
        Errors of the rows that are not contaminated, in units of ``noise``. See Notes.
    contamination : float in [0, 1], default=0.1
        Share of rows with an outlier in y. Their number is ``round(contamination * n_samples)``.
    outlier_distribution : str, distribution of scipy.stats, or callable, default="mean_shift"
        Errors of these rows, in units of ``noise``, or in units of y if ``noise=0``.
    leverage : float in [0, 1], default=0.0
        Share of rows with an outlier in X. Their number is ``round(leverage * n_samples)``.
    leverage_distribution : str, distribution of scipy.stats, or callable, default="mean_shift"
        Distribution of each number in X in these rows.
    shuffle : bool, default=True
        Whether to put the rows in random order. If False, the outliers in y come first, followed by
        the outliers in X.
    coef : bool, default=False
        Whether to return the true coefficients.
    return_outliers : bool, default=False
        Whether to return the mask of contaminated rows.
    random_state : int, RandomState instance or None, default=None
        Pass an int to get the same problem in each call.

    Returns
    -------
    X : ndarray of shape (n_samples, n_features)
        Features.
    y : ndarray of shape (n_samples,)
        Responses.
    coef : ndarray of shape (n_features,)
        True coefficients, only if ``coef=True``.
    outliers : ndarray of shape (n_samples,) of bool
        Rows with an outlier in y or in X, only if ``return_outliers=True``.

    Raises
    ------
    ValueError
        If a parameter is out of range, if the two shares together exceed all rows, or if a
        distribution does not return ``size`` finite numbers.

    Notes
    -----
    A distribution is a name, a distribution of scipy.stats with fixed parameters, or a function
    ``draw(rng, size)``, with a ``numpy.random.RandomState`` as first argument. The names are

    ========================  ===================================================================
    normal, cauchy, laplace   in their standard form
    t3, t1.5                  Student's t with 3 and 1.5 degrees of freedom
    uniform                   from -1 to 1
    lognormal                 exp(Z) - 1, Z standard normal: skewed, its median at zero
    variance_inflation        normal with mean 0 and standard deviation 10
    mean_shift                normal with mean 10 and standard deviation 1: outliers on one side
    ========================  ===================================================================

    References
    ----------
    .. [1] P. J. Huber, "Robust Estimation of a Location Parameter", Ann. Math. Statist. 35 (1964).

    Examples
    --------
    >>> from robustreg.datasets import make_contaminated_regression
    >>> X, y, coef, outliers = make_contaminated_regression(
    ...     n_samples=50, n_features=2, contamination=0.2, leverage=0.1,
    ...     coef=True, return_outliers=True, random_state=0,
    ... )
    >>> X.shape, y.shape, coef.shape, int(outliers.sum())
    ((50, 2), (50,), (2,), 15)
    """
    rng = check_random_state(random_state)
    n_outliers, n_leverage = _counts(n_samples, contamination, leverage)
    X = rng.standard_normal((n_samples, n_features))
    true_coef = rng.standard_normal(n_features)
    error = noise * _draw("noise_distribution", noise_distribution, rng, (n_samples,))
    shift = _draw("outlier_distribution", outlier_distribution, rng, (n_outliers,))
    error[:n_outliers] = (noise or 1.0) * shift
    y = X @ true_coef + bias + error

    # X changes only after y has been computed. Otherwise the leverage points would be good ones.
    moved = slice(n_outliers, n_outliers + n_leverage)
    size = (n_leverage, n_features)
    X[moved] = _draw("leverage_distribution", leverage_distribution, rng, size)

    outliers = np.arange(n_samples) < n_outliers + n_leverage
    if shuffle:
        order = rng.permutation(n_samples)
        X, y, outliers = X[order], y[order], outliers[order]
    wanted = ((X, True), (y, True), (true_coef, coef), (outliers, return_outliers))
    return tuple(array for array, is_wanted in wanted if is_wanted)


def _counts(n_samples: int, contamination: float, leverage: float) -> tuple[int, int]:
    n_outliers, n_leverage = round(contamination * n_samples), round(leverage * n_samples)
    if n_outliers + n_leverage > n_samples:
        raise ValueError(
            f"contamination={contamination:g} and leverage={leverage:g} are shares of different "
            f"rows, together {n_outliers + n_leverage} of n_samples={n_samples}: reduce one of "
            "them."
        )
    return n_outliers, n_leverage


def _draw(
    parameter: str, distribution: Any, rng: RandomState, size: tuple[int, ...]
) -> NDArray[np.float64]:
    if isinstance(distribution, str):
        distribution = DISTRIBUTIONS[distribution]
    # Distributions of scipy.stats are also callable, but with parameters as arguments.
    if hasattr(distribution, "rvs"):
        values = distribution.rvs(size=size, random_state=rng)
    else:
        values = distribution(rng, size)
    values = np.asarray(values, dtype=np.float64)
    if values.shape != size or not np.isfinite(values).all():
        raise ValueError(
            f"{parameter} gave an array of shape {values.shape} with {np.isfinite(values).sum()} "
            f"finite numbers: it must return finite numbers of shape {size}."
        )
    return values
