"""The threshold delta: its efficiency at normal errors, its consistency factor, and grids of it."""

from __future__ import annotations

from functools import lru_cache
from numbers import Integral, Real

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq
from scipy.special import erf
from sklearn.utils._param_validation import Interval

from robustreg.delta_choice import AUTO_DELTAS as AUTO_DELTAS
from robustreg.delta_choice import least_variance_delta, thresholds_of_residuals
from robustreg.losses import LARGEST_DELTA, Huber
from robustreg.parameters import checked_parameters

__all__ = [
    "delta_for_efficiency",
    "delta_from_epsilon",
    "delta_grid",
    "efficiency",
    "kappa",
    "least_variance_delta",
]

Vector = NDArray[np.float64]

#: The search for the delta of an efficiency goes from here to ``LARGEST_DELTA``. Outside, the
#: efficiency is that of the median or of least squares to double precision.
SMALLEST_DELTA = 1e-8

MEDIAN_EFFICIENCY = 2.0 / np.pi

#: Below this value of epsilon - 1, the first term of the series is as exact as the equation.
NEARLY_ONE = 3e-8


def kappa(delta: float) -> float:
    """Consistency factor ``E[min(Z², delta²)] / 2`` of the joint scale, for Z standard normal.

    With it, the joint scale estimates the standard deviation of normal errors.

    ``2 kappa = P(chi²_3 < delta²) + 2 delta² (1 - Phi(delta))`` (Huber, Robust Statistics, 1981,
    section 6.7).

    Parameters
    ----------
    delta : float
        Threshold in units of the errors' standard deviation, in (0, inf].

    Returns
    -------
    float
        In (0, 1/2].

    Raises
    ------
    ValueError
        If ``delta`` is not a positive number.

    Examples
    --------
    >>> from robustreg.tuning import kappa
    >>> round(2 * kappa(1.345), 4)
    0.7102
    """
    if not (isinstance(delta, Real) and delta > 0.0):
        raise ValueError(f"delta must be a positive number, got {delta!r}: it is a threshold.")
    return Huber(float(delta)).kappa


@checked_parameters({"delta": [Interval(Real, 0, np.inf, closed="right"), "array-like"]})
def efficiency(delta: ArrayLike) -> float | NDArray[np.float64]:
    """Efficiency of the Huber estimator at normal errors, relative to least squares.

    ``(2 Phi(delta) - 1)² / (2 kappa(delta))``, the ratio of the asymptotic variances (Huber 1964).

    Parameters
    ----------
    delta : float or array-like, positive
        Threshold in units of the errors' standard deviation. ``inf`` is least squares.

    Returns
    -------
    float or ndarray
        Between 2/pi, the efficiency of the median, and 1.

    Raises
    ------
    ValueError
        If a delta is not positive.

    Examples
    --------
    >>> from robustreg.tuning import efficiency
    >>> round(efficiency(1.345), 4)
    0.95
    """
    values = np.asarray(delta)
    if values.dtype.kind not in "fiu" or not np.all(values > 0):
        raise ValueError(f"delta must be positive numbers, got {delta!r}: they are thresholds.")
    result = np.vectorize(_efficiency, otypes=[np.float64])(values)
    return float(result) if values.ndim == 0 else result


def _efficiency(delta: float) -> float:
    if delta < SMALLEST_DELTA:
        return MEDIAN_EFFICIENCY  # delta² may underflow
    return float(erf(delta / np.sqrt(2.0)) ** 2 / (2.0 * kappa(float(delta))))


@checked_parameters({"eff": [Interval(Real, 0, 1, closed="right")]})
def delta_for_efficiency(eff: float) -> float:
    """The delta at which the Huber estimator has this efficiency at normal errors.

    Parameters
    ----------
    eff : float
        Efficiency in (2/pi, 1]: 0.95 gives the customary 1.345, and 1 gives ``inf``.

    Returns
    -------
    float
        Threshold in units of the errors' standard deviation.

    Raises
    ------
    ValueError
        If ``eff`` is not above 2/pi = 0.6366, the efficiency of the median.

    Examples
    --------
    >>> from robustreg.tuning import delta_for_efficiency
    >>> round(delta_for_efficiency(0.95), 4)
    1.345
    """
    if eff <= MEDIAN_EFFICIENCY:
        raise ValueError(
            f"eff must be above 2/pi = {MEDIAN_EFFICIENCY:.4f}, the efficiency of the median, "
            f"got {eff!r}: no Huber estimator has less."
        )
    if eff >= _efficiency(LARGEST_DELTA / 4):
        return float("inf")
    low, high = SMALLEST_DELTA, LARGEST_DELTA
    return float(brentq(lambda d: _efficiency(d) - eff, low, high, xtol=1e-14, rtol=1e-14))


@checked_parameters({"epsilon": [Interval(Real, 0, np.inf, closed="right")]})
def delta_from_epsilon(epsilon: float) -> float:
    """The delta that gives the fit of scikit-learn's ``HuberRegressor(epsilon, alpha=0)``.

    In scikit-learn the threshold t is epsilon times a scale that is not consistent for sigma. It
    solves ``mean(min(e², t²)) = (t/epsilon)²``, and ours solves
    ``mean(min(e², t²)) = 2 kappa(delta) (t/delta)²``. Therefore
    ``epsilon = delta / sqrt(2 kappa(delta))`` for n much larger than p. scikit-learn does not
    count degrees of freedom, so that at finite n ``epsilon = delta sqrt(n / (2 kappa nu))``.

    Parameters
    ----------
    epsilon : float
        Above 1. (At 1 or below scikit-learn's scale tends to zero or to infinity.)

    Returns
    -------
    float
        Threshold in units of the errors' standard deviation.

    Raises
    ------
    ValueError
        If ``epsilon`` is not above 1.

    Examples
    --------
    scikit-learn's default is not 95 % efficient, but

    >>> from robustreg.tuning import delta_from_epsilon, efficiency
    >>> round(delta_from_epsilon(1.35), 3), round(efficiency(delta_from_epsilon(1.35)), 3)
    (0.92, 0.889)
    """
    if np.isinf(epsilon):
        return float("inf")
    if epsilon <= 1.0:
        raise ValueError(
            f"epsilon must be above 1, got {epsilon!r}: at or below it scikit-learn's scale is "
            "degenerate and there is no corresponding delta."
        )
    if epsilon >= LARGEST_DELTA:
        return float(epsilon)

    if epsilon < 1.0 + NEARLY_ONE:
        # epsilon = 1 + (2/3) phi(0) delta + O(delta²). brentq would lose digits to rounding here.
        return float(1.5 * np.sqrt(2.0 * np.pi) * (epsilon - 1.0))

    def excess(delta: float) -> float:
        return delta / np.sqrt(2.0 * kappa(delta)) - epsilon

    return float(brentq(excess, SMALLEST_DELTA, LARGEST_DELTA, xtol=1e-14, rtol=1e-14))


@checked_parameters(
    {
        "n_deltas": [Interval(Integral, 2, None, closed="left")],
        "smallest": [Interval(Real, 0, 5, closed="neither")],
        "residuals": ["array-like", None],
        "scale": [Interval(Real, 0, np.inf, closed="neither")],
        "sample_weight": ["array-like", None],
    }
)
def delta_grid(
    n_deltas: int = 20,
    *,
    smallest: float = 0.5,
    residuals: ArrayLike | None = None,
    scale: float = 1.0,
    sample_weight: ArrayLike | None = None,
) -> NDArray[np.float64]:
    """Candidates for delta in equal steps of efficiency, up to and including infinity.

    With equal steps of delta, most candidates would differ little: between 2 and infinity the
    efficiency at normal errors changes by only 0.01.

    Parameters
    ----------
    n_deltas : int, default=20
        Number of candidates, including infinity.
    smallest : float in (0, 5), default=0.5
        The smallest candidate. 0.5 has an efficiency of 79 % at normal errors.
    residuals : array-like of shape (n_samples,), optional
        Residuals of a first fit, for a model with a given ``scale``. The thresholds are then the
        quantiles of their absolute values at the levels ``2 Phi(delta) - 1``. For normal errors
        these quantiles are delta times the standard deviation.
    scale : float, default=1.0
        Scale of the model, in the units of the residuals, by which thresholds are divided. Only
        used with ``residuals``.
    sample_weight : array-like of shape (n_samples,), optional
        How often each residual counts. Only used with ``residuals``.

    Returns
    -------
    ndarray of shape (n_deltas,)
        In increasing order. There are fewer if quantiles of the residuals are equal or zero.

    Raises
    ------
    ValueError
        If an argument is out of range, if residuals are not finite or not one per row, or if
        weights are negative or all zero.

    See Also
    --------
    efficiency : Efficiency of each candidate at normal errors.
    robustreg.HuberRegressorCV : Uses this grid by default.

    Examples
    --------
    >>> from robustreg.tuning import delta_grid, efficiency
    >>> delta_grid(5).round(2)
    array([0.5 , 0.71, 0.96, 1.33,  inf])
    >>> efficiency(delta_grid(5)).round(3)
    array([0.792, 0.844, 0.896, 0.948, 1.   ])
    """
    if isinstance(smallest, (bool, np.bool_)):
        raise ValueError(f"smallest must be a number in (0, 5), got {smallest!r}.")
    deltas = _efficiency_grid(int(n_deltas), float(smallest))
    if residuals is None:
        return deltas.copy()
    thresholds = thresholds_of_residuals(residuals, deltas[:-1], sample_weight)
    return np.append(thresholds / scale, np.inf)


@lru_cache(maxsize=32)
def _efficiency_grid(n_deltas: int, smallest: float) -> Vector:
    steps = np.linspace(_efficiency(smallest), 1.0, n_deltas)
    inner = [delta_for_efficiency(float(step)) for step in steps[1:-1]]
    return np.array([smallest, *inner, np.inf])
