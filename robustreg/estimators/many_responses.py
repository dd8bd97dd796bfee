"""Fit a regressor with many responses, set its attributes and warn of doubtful fits."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from robustreg.data import as_numbers, check_weights
from robustreg.design.prediction import is_single
from robustreg.design.response_table import ResponseTable
from robustreg.estimators.fitting import REASONS, HuberProblem, exact_fit
from robustreg.estimators.many_fit import ManyFit
from robustreg.estimators.many_solutions import ManySolutions
from robustreg.estimators.progress import PassCounter
from robustreg.exceptions import (
    ExactFitWarning,
    MissingResponseWarning,
    convergence_warning,
)
from robustreg.response_data import validate_table
from robustreg.solvers import Status

__all__ = ["fit_many", "score_of_present", "store_many", "warn_of_many"]

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]

#: Smallest divisor.
TINY = float(np.finfo(np.float64).tiny)


def fit_many(model: Any, X: Any, Y: Any, sample_weight: Any) -> None:
    """Fit a ``HuberRegressor`` to a table of responses, and set its attributes."""
    start, given = _previous(model), (X, Y)
    X, Y, names = validate_table(model, X, Y)
    weights = None if sample_weight is None else check_weights(sample_weight, X.shape[0])
    table = ResponseTable(Y, names, omit=model.missing == "omit")
    progress = PassCounter(model, *given, {"sample_weight": sample_weight})
    if start is not None and start[0].shape != (table.n_responses, X.shape[1]):
        start = None
    fit = ManyFit(model._problem(), X, table, weights, start, progress)
    found = fit.run()
    store_many(model, found, X, fit.n_passes)
    progress.close()
    warn_of_many(found, model._problem(), table)


def store_many(model: Any, found: ManySolutions, X: Any, n_passes: int) -> None:
    """Set the fitted attributes of a model with many responses."""
    model.coef_, model.intercept_ = found.coef, found.intercept
    model._single_ = is_single(X)
    model.scale_, model.delta_ = found.scale, found.delta
    with np.errstate(invalid="ignore"):  # infinite delta times a scale of zero
        model.threshold_ = np.where(found.scale == 0.0, 0.0, found.delta * found.scale)
    model.optimality_ = found.optimality
    model.converged_ = found.optimality <= model.tol
    model.n_iter_ = max(1, int(found.n_iter.max(initial=1)))
    model.n_passes_ = n_passes
    for name in ("weights_", "outliers_"):
        vars(model).pop(name, None)
    if found.weights is not None:
        model.weights_, model.outliers_ = found.weights, found.outliers


def _previous(model: Any) -> tuple[Matrix, Vector, Vector] | None:
    """Return the previous fit as a start, if warm_start is set and there is one."""
    if not (model.warm_start and hasattr(model, "coef_")) or np.ndim(model.coef_) != 2:
        return None
    return model.coef_, model.intercept_, model.scale_


def warn_of_many(found: ManySolutions, problem: HuberProblem, table: ResponseTable) -> None:
    """Warn once for each kind of doubtful fit, naming all its responses."""
    exact = np.flatnonzero(found.status == Status.EXACT_FIT)
    if exact.size:
        text = f"In {table.named(exact)} " + exact_fit("so", problem)
        warnings.warn(text, ExactFitWarning, stacklevel=4)
    empty = np.array([k for k, status in enumerate(found.status) if status is None], np.intp)
    if empty.size:
        warnings.warn(
            f"No value of y is left in {table.named(empty)}, or none with a positive weight: "
            "coef_, intercept_ and scale_ are NaN there. Leave such columns out of y.",
            MissingResponseWarning,
            stacklevel=4,
        )
    stopped = np.isin(found.status, np.array(list(REASONS), np.object_))
    index = np.flatnonzero(stopped & ~(found.optimality <= problem.tol))
    if index.size:
        farthest = index[np.argmax(found.optimality[index])]
        reason = REASONS[found.status[farthest]].format(
            max_iter=problem.max_iter, tol=problem.tol, solution="the minimiser"
        )
        text = f"In {table.named(index)} HuberRegressor {reason}"
        warning = convergence_warning(text, found.optimality[farthest], problem.tol)
        warnings.warn(warning, stacklevel=4)


def score_of_present(Y: Any, predicted: Matrix, sample_weight: Any) -> float:
    """Return the mean of R² over the responses, each over the rows where it is not missing.

    The score is that of ``sklearn.metrics.r2_score``, which does not accept NaN. A constant
    response scores 1 if it is predicted exactly, otherwise 0. Responses with fewer than two values
    are left out.
    """
    Y = np.asarray(as_numbers(Y, "y"), dtype=np.float64).reshape(predicted.shape)
    weights = check_weights(sample_weight, Y.shape[0])[:, None] * ~np.isnan(Y)
    values = np.where(weights > 0.0, Y, 0.0)
    mean = (weights * values).sum(axis=0) / np.maximum(weights.sum(axis=0), TINY)
    spread = (weights * (values - mean) ** 2).sum(axis=0)
    error = (weights * (values - np.where(weights > 0.0, predicted, 0.0)) ** 2).sum(axis=0)
    constant = np.where(error > 0.0, 0.0, 1.0)
    scores = np.where(spread > 0.0, 1.0 - error / np.maximum(spread, TINY), constant)
    return float(scores[(weights > 0.0).sum(axis=0) > 1].mean())
