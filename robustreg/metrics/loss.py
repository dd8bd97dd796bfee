"""The Huber loss and the smooth L1 loss of predictions, and the D² score of the Huber loss."""

from __future__ import annotations

import warnings
from numbers import Real
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.utils import check_array, check_consistent_length
from sklearn.utils._param_validation import Interval, StrOptions

from robustreg.data import as_numbers, check_weights
from robustreg.location import huber_location
from robustreg.losses import Huber
from robustreg.parameters import checked_parameters

__all__ = ["d2_huber_score", "huber_loss", "smooth_l1_loss"]

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]
Reduction = Literal["mean", "sum", "none"]

_ARRAY = ["array-like"]
_TARGETS: dict[str, list[Any]] = {
    "y_true": _ARRAY,
    "y_pred": _ARRAY,
    "sample_weight": [*_ARRAY, None],
}
_REDUCTION = {"reduction": [StrOptions({"mean", "sum", "none"})]}
_DELTA = {"delta": [Interval(Real, 0, np.inf, closed="right")]}
_BETA = {"beta": [Interval(Real, 0, np.inf, closed="left")]}
_OUTPUTS = {"multioutput": [StrOptions({"raw_values", "uniform_average"}), "array-like"]}


@checked_parameters(_TARGETS | _REDUCTION | _DELTA)
def huber_loss(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    delta: float = 1.0,
    sample_weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
) -> float | NDArray[np.float64]:
    r"""Compute the Huber loss of the prediction errors.

    The loss is quadratic for small errors and linear for large ones [1]_, so that a few gross
    errors do not dominate it:

    .. math:: L(e) = e^2/2 \text{ if } |e| \le \delta, \ \delta(|e| - \delta/2) \text{ otherwise}

    Parameters
    ----------
    y_true : array-like of shape (n_samples,) or (n_samples, n_outputs)
        Observed values.
    y_pred : array-like of shape (n_samples,) or (n_samples, n_outputs)
        Predicted values.
    delta : float in (0, inf], default=1.0
        Threshold in units of y. ``inf`` gives half the squared error.
    sample_weight : array-like of shape (n_samples,), default=None
        Nonnegative weights of the rows. None means 1 for each row.
    reduction : {"mean", "sum", "none"}, default="mean"
        With weights s, return the mean ``sum s L / sum s`` over rows and outputs, the sum
        ``sum s L``, or ``s L`` for each value.

    Returns
    -------
    float, or ndarray of the shape of ``y_true`` with ``reduction="none"``
        The loss, in squared units of y, computed in double precision.

    Raises
    ------
    ValueError
        If values are NaN or infinite, shapes differ, weights are negative or all zero, or a
        parameter is out of range.

    Notes
    -----
    Without weights, the result equals that of ``torch.nn.HuberLoss``. With weights, the mean is
    the sum divided by the sum of the weights, as in scikit-learn's metrics.

    References
    ----------
    .. [1] P. J. Huber, "Robust Estimation of a Location Parameter", Ann. Math. Statist. 35 (1964).

    Examples
    --------
    >>> from robustreg.metrics import huber_loss
    >>> huber_loss([1.0, 2.0, 3.0], [1.0, 2.5, 13.0])
    3.2083...
    >>> huber_loss([1.0, 2.0, 3.0], [1.0, 2.5, 13.0], reduction="none")
    array([0.   , 0.125, 9.5  ])
    """
    residual, weights, shape = _checked_residual(y_true, y_pred, sample_weight)
    return _reduced(Huber(float(delta)).rho(residual), weights, shape, reduction)


@checked_parameters(_TARGETS | _REDUCTION | _BETA)
def smooth_l1_loss(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    beta: float = 1.0,
    sample_weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
) -> float | NDArray[np.float64]:
    r"""Compute the smooth L1 loss of the prediction errors.

    The loss is the absolute error with a quadratic piece near zero [1]_:

    .. math:: \ell(e) = e^2/(2\beta) \text{ if } |e| < \beta, \ |e| - \beta/2 \text{ otherwise}

    Parameters
    ----------
    y_true : array-like of shape (n_samples,) or (n_samples, n_outputs)
        Observed values.
    y_pred : array-like of shape (n_samples,) or (n_samples, n_outputs)
        Predicted values.
    beta : float in [0, inf), default=1.0
        Threshold in units of y. Zero gives the absolute error.
    sample_weight : array-like of shape (n_samples,), default=None
        Nonnegative weights of the rows. None means 1 for each row.
    reduction : {"mean", "sum", "none"}, default="mean"
        As in :func:`huber_loss`.

    Returns
    -------
    float, or ndarray of the shape of ``y_true`` with ``reduction="none"``
        The loss, in units of y, computed in double precision.

    Raises
    ------
    ValueError
        As in :func:`huber_loss`.

    Notes
    -----
    The result is ``huber_loss(delta=beta) / beta``. Without weights it equals that of
    ``torch.nn.SmoothL1Loss``.

    References
    ----------
    .. [1] R. Girshick, "Fast R-CNN", ICCV (2015), eq. 3, for beta = 1.

    Examples
    --------
    >>> from robustreg.metrics import smooth_l1_loss
    >>> smooth_l1_loss([1.0, 2.0, 3.0], [1.0, 2.5, 13.0], beta=0.5)
    3.3333...
    """
    residual, weights, shape = _checked_residual(y_true, y_pred, sample_weight)
    loss = Huber(float(beta)).rho(residual) / beta if beta > 0 else np.abs(residual)
    return _reduced(loss, weights, shape, reduction)


@checked_parameters(_TARGETS | _DELTA | _OUTPUTS)
def d2_huber_score(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    delta: float = 1.0,
    sample_weight: ArrayLike | None = None,
    multioutput: Literal["raw_values", "uniform_average"] | ArrayLike = "uniform_average",
) -> float | NDArray[np.float64]:
    """Compute the fraction of the Huber loss that the predictions explain.

    The D² score [1]_ is ``1 - loss(y_pred) / loss(c)``, where c is the constant prediction with the
    smallest Huber loss. It can be negative. For a large ``delta`` it approaches ``r2_score``, and
    for a small one ``d2_absolute_error_score``.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,) or (n_samples, n_outputs)
        Observed values.
    y_pred : array-like of shape (n_samples,) or (n_samples, n_outputs)
        Predicted values.
    delta : float in (0, inf], default=1.0
        Threshold in units of y.
    sample_weight : array-like of shape (n_samples,), default=None
        Nonnegative weights of the rows. None means 1 for each row.
    multioutput : {"raw_values", "uniform_average"} or array-like of shape (n_outputs,), \
            default="uniform_average"
        Return the score of each output, their mean, or their mean with the given weights.

    Returns
    -------
    float, or ndarray of shape (n_outputs,) with ``multioutput="raw_values"``
        The score, at most 1. For fewer than two rows it is NaN, with a warning. As in scikit-learn,
        a constant output scores 1 if it is predicted exactly and 0 otherwise.

    Raises
    ------
    ValueError
        As in :func:`huber_loss`; or if ``multioutput`` does not have one weight for each output.

    References
    ----------
    .. [1] T. Hastie, R. Tibshirani, M. Wainwright, "Statistical Learning with Sparsity" (2015),
       eq. 3.11.

    Examples
    --------
    >>> from robustreg.metrics import d2_huber_score
    >>> from sklearn.metrics import r2_score
    >>> y_true, y_pred = [1.0, 2.0, 3.0, 4.0, 5.0, 26.0], [1.1, 2.1, 2.9, 4.2, 5.0, 5.9]
    >>> print(f"{d2_huber_score(y_true, y_pred):.3f}, {r2_score(y_true, y_pred):.3f}")
    0.252, 0.104
    """
    residual, weights, _ = _checked_residual(y_true, y_pred, sample_weight)
    if residual.shape[0] < 2:
        message = "D² is not defined for fewer than two samples: give a longer y_true."
        warnings.warn(message, UndefinedMetricWarning, stacklevel=3)
        return float("nan")
    observed = _as_matrix(y_true, "y_true")
    constants = [huber_location(column, weights, float(delta)) for column in observed.T]
    loss = weights @ Huber(float(delta)).rho(residual)
    constant_loss = weights @ Huber(float(delta)).rho(observed - constants)
    ratio = np.divide(loss, constant_loss, out=np.ones_like(loss), where=constant_loss > 0)
    scores = np.where(loss == 0, 1.0, 1.0 - ratio)
    return _averaged(scores, multioutput)


def _as_matrix(values: ArrayLike, name: str) -> Matrix:
    numbers = as_numbers(values, name)
    array = check_array(numbers, ensure_2d=False, dtype=np.float64, input_name=name)
    return array.reshape(-1, 1) if array.ndim == 1 else array


def _checked_residual(
    y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None
) -> tuple[Matrix, Vector, tuple[int, ...]]:
    """Return ``y_true - y_pred`` as a matrix, the weights, and the shape of y_true."""
    check_consistent_length(y_true, y_pred)
    observed, predicted = _as_matrix(y_true, "y_true"), _as_matrix(y_pred, "y_pred")
    if observed.shape[1] != predicted.shape[1]:
        raise ValueError(
            f"y_true has {observed.shape[1]} outputs and y_pred has {predicted.shape[1]}: "
            "pass the same number of columns in both."
        )
    weights = check_weights(sample_weight, len(observed))
    return observed - predicted, weights, np.shape(y_true)


def _reduced(
    loss: NDArray[np.floating], weights: Vector, shape: tuple[int, ...], reduction: Reduction
) -> float | NDArray[np.float64]:
    weighted = loss * weights[:, np.newaxis]
    if reduction == "none":
        return weighted.reshape(shape)
    count = weights.sum() * loss.shape[1] if reduction == "mean" else 1.0
    return float(weighted.sum() / count)


def _averaged(scores: Vector, multioutput: str | ArrayLike) -> float | Vector:
    if np.ndim(multioutput) == 0:
        return scores if multioutput == "raw_values" else float(scores.mean())
    shares = check_array(multioutput, ensure_2d=False, dtype=np.float64, input_name="multioutput")
    if shares.shape != scores.shape or not (shares >= 0).all() or not shares.sum() > 0:
        raise ValueError(
            f"multioutput has shape {shares.shape}, minimum {shares.min():g} and sum "
            f"{shares.sum():g}, and y_true has {scores.size} outputs: pass one nonnegative weight "
            "for each output, not all of them zero."
        )
    return float(np.average(scores, weights=shares))
