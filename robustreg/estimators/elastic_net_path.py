"""The path of Huber regression with an elastic-net penalty."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import Interval

from robustreg.annotations import Features, Scale
from robustreg.design import as_design
from robustreg.estimators.elastic_net_problem import (
    CONSTRAINTS,
    ElasticNetProblem,
    checked_alphas,
    data_in_memory,
    warn_of_doubt,
    warn_of_end,
)
from robustreg.parameters import checked_parameters
from robustreg.problem import Problem
from robustreg.solvers.elastic_net import Path, follow_path

__all__ = ["enet_path", "in_user_units", "path_over"]

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]


@checked_parameters(
    CONSTRAINTS
    | {
        "l1_ratio": [Interval(Real, 0, 1, closed="both")],
        "eps": [Interval(Real, 0, 1, closed="neither")],
        "n_alphas": [Interval(Integral, 1, None, closed="left")],
        "alphas": ["array-like", None],
    }
)
def enet_path(
    X: Features,
    y: ArrayLike,
    *,
    l1_ratio: float = 0.5,
    eps: float = 1e-3,
    n_alphas: int = 100,
    alphas: ArrayLike | None = None,
    delta: float = 1.345,
    scale: Scale = "joint",
    sample_weight: ArrayLike | None = None,
    fit_intercept: bool = True,
    positive: bool = False,
    penalty_factors: ArrayLike | None = None,
    max_iter: int = 100,
    tol: float = 1e-6,
) -> tuple[Vector, Matrix, Vector, Vector]:
    """Compute fits of :class:`HuberElasticNet` at decreasing alphas.

    Each fit starts from the one before it, so that the path is much faster than separate fits.

    Parameters
    ----------
    X : array-like or sparse matrix of shape (n_samples, n_features)
        Features.
    y : array-like of shape (n_samples,)
        Responses.
    l1_ratio : float, default=0.5
        As in :class:`HuberElasticNet`. With 0, ``alphas`` must be given.
    eps : float, default=1e-3
        Smallest alpha of the grid divided by the largest. The largest is the smallest alpha for
        which all penalised coefficients are zero.
    n_alphas : int, default=100
        Number of alphas in the grid.
    alphas : array-like, default=None
        Alphas to use instead of the grid.
    delta : float, default=1.345
    scale : {"joint", "mad"} or float, default="joint"
    sample_weight : array-like of shape (n_samples,), default=None
    fit_intercept : bool, default=True
    positive : bool, default=False
    penalty_factors : array-like of shape (n_features,), default=None
    max_iter : int, default=100
    tol : float, default=1e-6
        This and the seven parameters above are as in :class:`HuberElasticNet`.

    Returns
    -------
    alphas : ndarray of shape (n_reached,)
        The alphas that the path reached, in decreasing order.
    coefs : ndarray of shape (n_features, n_reached)
        Coefficients, in the layout of scikit-learn's ``enet_path``.
    intercepts : ndarray of shape (n_reached,)
        Intercepts, in units of y.
    scales : ndarray of shape (n_reached,)
        Estimates of the noise level, in units of y.

    Warns
    -----
    UserWarning
        If the path ended before the last alpha. The warning tells which alphas it did not reach.
        The path ends where the fit is saturated: where no degrees of freedom are left for the
        scale, or where the scale is zero or more than twice the smallest scale of the path. It
        never ends early if ``scale`` is a number.
    ConvergenceWarning
        If the ``optimality_`` of a fit is above ``tol``.

    Examples
    --------
    >>> import numpy as np
    >>> from robustreg import enet_path
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(100, 20))
    >>> y = 3.0 * X[:, 0] + rng.normal(size=100)
    >>> alphas, coefs, intercepts, scales = enet_path(X, y, l1_ratio=1.0, eps=0.1, n_alphas=5)
    >>> (coefs != 0.0).sum(axis=0)
    array([0, 1, 1, 4, 7])
    """
    grid = checked_alphas(alphas, l1_ratio)
    X, y, weights = data_in_memory(BaseEstimator(), X, y, sample_weight)
    design = as_design(X, y, weights, centered=bool(fit_intercept))
    statement = ElasticNetProblem(
        float(l1_ratio), float(delta), scale, bool(fit_intercept), bool(positive), penalty_factors
    )
    options = {"eps": eps, "n_alphas": n_alphas, "tol": tol, "max_iter": max_iter}
    problem, path = path_over(statement, design, grid, options)
    warn_of_end(path)
    if path.fits:
        worst = max(path.fits, key=lambda fit: fit.optimality)
        warn_of_doubt(worst, "enet_path", tol, max_iter)
    coefs, intercepts, scales = in_user_units(problem, path)
    return path.alphas[: len(path.fits)], coefs.T, intercepts, scales


def path_over(
    statement: ElasticNetProblem, design: Any, alphas: Vector | None, options: dict[str, Any]
) -> tuple[Problem, Path]:
    """Return the problem over the design, and its path."""
    first = 1.0 if alphas is None else float(alphas[0])
    problem = statement.over(design, first)
    return problem, follow_path(problem, alphas, **options)


def in_user_units(problem: Problem, path: Path) -> tuple[Matrix, Vector, Vector]:
    """Return coefficients of shape (n_reached, p), intercepts and scales, in the user's units."""
    design, n = problem.design, len(path.fits)
    coefs, intercepts = np.zeros((n, design.n_features)), np.zeros(n)
    for number, fit in enumerate(path.fits):
        coefs[number], intercepts[number] = design.to_user(fit.point(problem))
    scales = np.array([fit.scale for fit in path.fits]) * design.units.response_scale
    return coefs, intercepts if problem.fit_intercept else np.zeros(n), scales
