"""Deviance tests of nested MM regressions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from robustreg.design import as_design
from robustreg.design.base import Point
from robustreg.inference.mm_fitted import FittedMM, fitted_mm, is_mm
from robustreg.inference.text import equality, listed
from robustreg.penalties import Ridge
from robustreg.problem import Problem
from robustreg.scales import GivenScale
from robustreg.solvers.certificate import local_model
from robustreg.solvers.minimise import minimise

__all__ = ["DevianceTest", "deviance_test"]

#: Tolerance of the smaller model's solution, in standard errors, and its iteration limit.
TOLERANCE, MAX_ITER = 1e-7, 200


@dataclass(frozen=True)
class DevianceTest:
    """Deviance test of an MM regression. Returned by :func:`deviance_test`.

    The hypothesis is that some coefficients are zero. The test measures how much the loss increases
    without them.

    Attributes
    ----------
    statistic : float
        Has a chi-squared distribution with ``df`` degrees of freedom if the hypothesis is true.
    df : int
        Number of coefficients that are tested.
    p_value : float
        Probability of a statistic at least this large if the hypothesis is true.

    Examples
    --------
    >>> from robustreg import MMRegressor
    >>> from robustreg.datasets import load_stackloss
    >>> from robustreg.inference import deviance_test
    >>> X, y = load_stackloss(return_X_y=True, as_frame=True)
    >>> print(deviance_test(MMRegressor(random_state=0).fit(X, y), X, y, "acid_conc"))
    chi2(1) = 1.598, p = 0.206
    """

    statistic: float
    df: int
    p_value: float

    def __str__(self) -> str:
        return f"chi2({self.df}) = {self.statistic:.4g}, p {equality(self.p_value)}"


def deviance_test(
    model: Any,
    X: Any,
    y: ArrayLike,
    dropped: str | Sequence[str],
    *,
    sample_weight: ArrayLike | None = None,
) -> DevianceTest:
    r"""Test whether some coefficients of an MM regression are zero.

    The model is fitted again without their columns, and the losses of the two fits are compared.

    Parameters
    ----------
    model : MMRegressor or Pipeline
        Fitted model, or a pipeline that ends with one.
    X, y : array-like
        The data of ``fit``.
    dropped : str or sequence of str
        Names of the features whose coefficients are zero under the hypothesis.
    sample_weight : array-like of shape (n_samples,), default=None
        The weights passed to ``fit``.

    Returns
    -------
    DevianceTest

    Raises
    ------
    TypeError
        If the model is not an ``MMRegressor``.
    ValueError
        If a name is unknown or given twice, if no coefficient would be left, or for the reasons
        given at :func:`summarize`.

    See Also
    --------
    Summary.wald_test : A test that needs no second fit.

    Notes
    -----
    Both losses are computed with the scale of the larger model. The statistic is [1]_

    .. math::

        2\, \frac{\overline{\psi'(u)}}{\overline{\psi(u)^2}}
        \Bigl[\sum_i s_i \rho(u_i^{\text{smaller}}) - \sum_i s_i \rho(u_i)\Bigr],

    as in R's ``anova.lmrob``. The fit of the smaller model starts from the weights of the larger
    one.

    References
    ----------
    .. [1] E. Ronchetti, Robust model selection in regression, Statist. Probab. Lett. 3, 1985,
       21-23.

    Examples
    --------
    >>> from robustreg import MMRegressor
    >>> from robustreg.datasets import load_stackloss
    >>> from robustreg.inference import deviance_test
    >>> X, y = load_stackloss(return_X_y=True, as_frame=True)
    >>> test = deviance_test(MMRegressor(random_state=0).fit(X, y), X, y, "air_flow")
    >>> round(test.statistic, 2), test.df
    (28.67, 1)
    """
    if not is_mm(model):
        raise TypeError(
            f"model must be an MMRegressor or a Pipeline that ends with one, got "
            f"{type(model).__name__}: for a Huber regression use wald_test of its summary."
        )
    fitted = fitted_mm(model, X, y, sample_weight)
    kept = _kept_columns(fitted, [dropped] if isinstance(dropped, str) else list(dropped))
    smaller = _smaller_loss(fitted, kept)
    u, loss = fitted.standardized, fitted.loss
    larger = fitted.n * fitted.mean(loss.rho(u))
    factor = fitted.mean(loss.psi_prime(u)) / fitted.mean(loss.psi(u) ** 2)
    statistic = max(2.0 * factor * (smaller - larger), 0.0)
    df = fitted.design.n_features - kept.size
    return DevianceTest(float(statistic), df, float(stats.chi2.sf(statistic, df)))


def _kept_columns(fitted: FittedMM, dropped: list[str]) -> NDArray[np.intp]:
    features = fitted.names[fitted.rows.fit_intercept :]
    for name in dropped:
        if features.count(name) != 1 or dropped.count(name) != 1:
            raise ValueError(
                f"dropped has {name!r}, and features are {listed(features)}: name each feature "
                "that is left out once."
            )
    kept = np.array([i for i, name in enumerate(features) if name not in dropped], dtype=np.intp)
    if not kept.size and not fitted.rows.fit_intercept:
        raise ValueError("dropped names all features, and there is no intercept: nothing is left.")
    if not dropped:
        raise ValueError("dropped is empty: name at least one feature.")
    return kept


def _smaller_loss(fitted: FittedMM, kept: NDArray[np.intp]) -> float:
    """Return the loss of the smaller model at its local minimum, with the larger model's scale."""
    design, loss, intercept = fitted.design, fitted.loss, fitted.rows.fit_intercept
    if not design.in_memory:
        raise ValueError(
            "deviance_test fits a smaller model and needs the rows in memory, not in a Dask "
            "collection: use wald_test of the summary, or load the data with compute()."
        )
    X = design.rows_of_X(np.arange(design.n_rows))[:, kept]
    y = fitted.response * design.units.response_scale
    if not kept.size:
        X = np.zeros((design.n_rows, 1))
    part = as_design(X, y, design.weights, centered=intercept)
    scale = fitted.scale / part.units.response_scale
    problem = Problem(part, loss, GivenScale(scale), Ridge(), intercept)
    mass = fitted.frequencies * loss.weight(fitted.standardized)
    weighted = problem.on(part.reweighted(mass)).least_squares()
    begin = weighted.at(Point(np.zeros(part.n_features), 0.0, 1.0, loss))
    model = local_model(weighted, begin, None)
    start = begin - model.metric.solve(model.evaluation.gradient)
    known = replace(problem, rank=model.objective.problem.rank)
    objective = known.at_scale(scale)
    reached = minimise(objective, start, memory=True, tol=TOLERANCE, max_iter=MAX_ITER)
    return float(reached.evaluation.value) / scale**2
