"""A regressor of many responses: from its data to its fitted attributes, and what is doubtful."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from robustreg.data import check_weights
from robustreg.design.prediction import is_single
from robustreg.design.response_table import ResponseTable
from robustreg.estimators.fitting import HuberProblem
from robustreg.estimators.many_fit import ManyFit, ManySolutions
from robustreg.estimators.progress import PassCounter
from robustreg.exceptions import ConvergenceWarning, ExactFitWarning
from robustreg.response_data import validate_table

__all__ = ["fit_many"]

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]


def fit_many(model: Any, X: Any, Y: Any, sample_weight: Any) -> None:
    """Fit a ``HuberRegressor`` to a table of responses, and set its attributes."""
    start = _previous(model)
    X, Y, names = validate_table(model, X, Y)
    weights = None if sample_weight is None else check_weights(sample_weight, X.shape[0])
    table = ResponseTable(Y, names, omit=model.missing == "omit")
    progress = PassCounter(model, X, Y, {"sample_weight": sample_weight})
    if start is not None and start[0].shape != (table.n_responses, X.shape[1]):
        start = None
    fit = ManyFit(model._problem(), X, table, weights, start, progress)
    found = fit.run()
    model.coef_, model.intercept_ = found.coef, found.intercept
    model._single_ = is_single(X)
    model.scale_, model.delta_ = found.scale, found.delta
    with np.errstate(invalid="ignore"):  # of an infinite delta and a scale of zero
        model.threshold_ = np.where(found.scale == 0.0, 0.0, found.delta * found.scale)
    model.optimality_ = found.optimality
    model.converged_ = found.exact | (found.optimality <= model.tol)
    model.n_iter_ = max(1, int(found.n_iter.max(initial=1)))
    model.n_passes_ = fit.n_passes
    for name in ("weights_", "outliers_"):
        vars(model).pop(name, None)
    if found.weights is not None:
        model.weights_, model.outliers_ = found.weights, found.outliers
    progress.close()
    warn_of_many(found, model._problem(), table)


def _previous(model: Any) -> tuple[Matrix, Vector, Vector] | None:
    """The last fit as a start, where a warm start is wanted and there was one."""
    if not (model.warm_start and hasattr(model, "coef_")) or np.ndim(model.coef_) != 2:
        return None
    return model.coef_, model.intercept_, model.scale_


def warn_of_many(found: ManySolutions, problem: HuberProblem, table: ResponseTable) -> None:
    """One warning for the responses that are fitted exactly, and one for those not converged."""
    exact = np.flatnonzero(found.exact)
    if exact.size:
        warnings.warn(
            f"{table.named(exact).capitalize()}: so many observations are fitted exactly that the "
            "scale of the residuals is zero.",
            ExactFitWarning,
            stacklevel=4,
        )
    distant = np.flatnonzero(~found.exact & (found.optimality > problem.tol))
    if distant.size:
        warnings.warn(
            f"{table.named(distant)} did not converge.",
            ConvergenceWarning,
            stacklevel=4,
        )
