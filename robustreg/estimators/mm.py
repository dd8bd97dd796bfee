"""The MM regressor, which resists outliers in X as well."""

from __future__ import annotations

from functools import partial
from numbers import Integral, Real
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions

from robustreg.annotations import Features
from robustreg.data import validate_regression_data
from robustreg.design import as_design
from robustreg.design.base import Design
from robustreg.design.prediction import is_single
from robustreg.estimators.mm_warnings import warn_of_doubt
from robustreg.estimators.progress import PassCounter
from robustreg.estimators.refit import restored_on_failure
from robustreg.estimators.regressor import LinearRegressor
from robustreg.losses_redescending import loss_for_breakdown, loss_for_efficiency
from robustreg.parameters import fit_method
from robustreg.problem import NEGLIGIBLE
from robustreg.solvers.resistant import MMProblem, MMResult, solve_mm
from robustreg.solvers.result import Status

__all__ = ["MMRegressor"]

#: A row is an outlier if its residual exceeds this many scales (Rousseeuw and van Zomeren 1990).
OUTLYING = 2.5


class MMRegressor(LinearRegressor):
    r"""Linear regression that resists outliers in y and in X (MM-estimation).

    Up to half of the rows may be wrong, in y and in X, and the fit stays close to that of the other
    rows. MM-estimation [1]_ has two steps. The first is an S-estimate: the coefficients whose
    residuals :math:`e_i` have the smallest M-scale :math:`\sigma`. This scale is the solution of

    .. math::

        \frac{\sum_i s_i\,\rho_0(e_i/\sigma)}{\sup \rho_0} = b \sum_i s_i \Bigl(1 - \frac kN\Bigr),

    where :math:`b` is the breakdown point, :math:`s_i` are the weights (``sample_weight``),
    :math:`k` is the number of parameters and :math:`N` the effective number of rows. The S-estimate
    resists wrong rows but is inefficient at normal errors. The second step is an M-estimate: it
    starts from the S-estimate and descends to a local minimum of :math:`\sum_i s_i \rho_1(e_i /
    \sigma)` at the same scale, with a wider loss :math:`\rho_1` that has the given efficiency.

    Parameters
    ----------
    efficiency : float in [0.8, 0.99], default=0.95
        Efficiency of the coefficients at normal errors, relative to least squares. A higher
        efficiency means a larger bias under moderate contamination.
    breakdown : float in (0, 0.5], default=0.5
        Share of wrong rows that can make the fit arbitrarily wrong. It must be large enough for the
        loss of the M-estimate to be at least as wide as that of the S-estimate: at least 0.119 for
        an efficiency of 0.95 with the bisquare.
    loss : {"bisquare", "lqq", "optimal"}, default="bisquare"
        Family of both losses, as ``psi`` in R's ``lmrob``.
    n_subsets : int, default=500
        Number of random subsets of rows from which the search for the S-estimate starts, in
        addition to deterministic starts.
    fit_intercept : bool, default=True
        Whether to fit an intercept.
    max_iter : int, default=200
        Maximum number of iterations of the S-estimate, and of the M-estimate.
    tol : float, default=1e-6
        The solver stops when the distance to the local minimum is at most ``tol`` standard errors,
        for the S-estimate and for the M-estimate.
    random_state : int, RandomState instance or None, default=None
        Seed of the random subsets.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,)
        Coefficients, in units of y per unit of X.
    intercept_ : numpy.float64
        Intercept, in units of y; 0.0 if ``fit_intercept=False``.
    scale_ : float
        M-scale of the S-estimate, in units of y; 0.0 if half of the rows are fitted exactly.
    weights_ : ndarray or dask array of shape (n_samples,)
        Weights of the rows, ``psi(u)/u`` for the residual u in units of the scale: 1 at zero, and 0
        for rows that do not count.
    outliers_ : ndarray or dask array of shape (n_samples,) of bool
        Rows whose absolute residual exceeds ``2.5 * scale_``.
    s_coef_, s_intercept_ : ndarray of shape (n_features,) and numpy.float64
        Coefficients and intercept of the S-estimate.
    n_starts_ : int
        Number of candidates that the search refined to convergence.
    n_best_starts_ : int
        Number of these candidates that reached the lowest scale, within a relative 1e-6.
    n_iter_ : int
        Number of iterations on all rows.
    n_passes_ : int
        Number of times that all rows were read.
    optimality_ : float
        Distance to the local minimum in standard errors, the larger one of the S-estimate and the
        M-estimate. It does not tell whether the minimum is the lowest one: see ``n_best_starts_``.
    n_features_in_ : int
        Number of columns of X.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the columns, if all of them are strings.

    Warns
    -----
    ConvergenceWarning
        If ``optimality_`` is above ``tol``.
    ExactFitWarning
        If the scale is zero.

    See Also
    --------
    HuberRegressor : Resists outliers in y only. Its problem is convex, and it is much faster.

    Notes
    -----
    If there are more than about 2,000 rows, the search uses a sample of them. Apart from the random
    subsets, all starting points are deterministic: they come from sensitivity components [2]_ and
    from projections of (x, y) with two modes.

    References
    ----------
    .. [1] V. J. Yohai, "High breakdown-point and high efficiency robust estimates for regression",
       Ann. Statist. 15 (1987).
    .. [2] D. Peña, V. J. Yohai, "A fast procedure for outlier diagnostics in large regression
       problems", J. Amer. Statist. Assoc. 94 (1999).

    Examples
    --------
    Four giant stars are also outliers in temperature, and reverse the sign of the Huber slope. The
    MM fit gives them weight zero.

    >>> from robustreg import HuberRegressor, MMRegressor
    >>> from robustreg.datasets import load_stars
    >>> X, y = load_stars(return_X_y=True)
    >>> HuberRegressor().fit(X, y).coef_.round(1)
    array([-0.4])
    >>> MMRegressor(random_state=0).fit(X, y).coef_.round(1)
    array([2.3])
    """

    _parameter_constraints: dict[str, list[Any]] = {
        "efficiency": [Interval(Real, 0.8, 0.99, closed="both")],
        "breakdown": [Interval(Real, 0.0, 0.5, closed="right")],
        "loss": [StrOptions({"bisquare", "lqq", "optimal"})],
        "n_subsets": [Interval(Integral, 0, None, closed="left")],
        "fit_intercept": ["boolean"],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, np.inf, closed="neither")],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        *,
        efficiency: float = 0.95,
        breakdown: float = 0.5,
        loss: Literal["bisquare", "lqq", "optimal"] = "bisquare",
        n_subsets: int = 500,
        fit_intercept: bool = True,
        max_iter: int = 200,
        tol: float = 1e-6,
        random_state: Any = None,
    ) -> None:
        self.efficiency = efficiency
        self.breakdown = breakdown
        self.loss = loss
        self.n_subsets = n_subsets
        self.fit_intercept = fit_intercept
        self.max_iter = max_iter
        self.tol = tol
        self.random_state = random_state

    @fit_method
    def fit(self, X: Features, y: ArrayLike, sample_weight: ArrayLike | None = None) -> MMRegressor:
        """Fit the model.

        Parameters
        ----------
        X : array-like, sparse matrix, or Dask array or frame of shape (n_samples, n_features)
            Features, as in ``HuberRegressor.fit``. The rows that the search uses are made dense.
        y : array-like of shape (n_samples,)
            Responses.
        sample_weight : array-like of shape (n_samples,), optional
            Nonnegative frequencies: 2 counts the row twice, 0 leaves it out.

        Returns
        -------
        MMRegressor
            The fitted estimator itself.

        Raises
        ------
        ValueError
            If X, y or sample_weight contain NaN or infinity or differ in length, if the weights are
            negative or all zero, if ``efficiency`` is too low for ``breakdown``, or if X or y has
            values near the largest double, whose sums or squares overflow.
        """
        problem = self._problem()
        with restored_on_failure(self):
            given = X, y
            X, y, weights = validate_regression_data(self, X, y, sample_weight)
            progress = PassCounter(self, *given, {"sample_weight": sample_weight})
            design = as_design(X, y, weights, centered=self.fit_intercept, on_pass=progress)
            seed = check_random_state(self.random_state).randint(np.iinfo(np.int32).max)
            result = _solved(problem, design, np.random.default_rng(seed))
            self._single_ = is_single(X)
            self._store(result)
            progress.close()
            warn_of_doubt(result, problem)
        return self

    def _problem(self) -> MMProblem:
        s_loss = loss_for_breakdown(self.loss, float(self.breakdown))
        m_loss = loss_for_efficiency(self.loss, float(self.efficiency))
        if m_loss.c < s_loss.c:
            raise ValueError(
                f"efficiency={self.efficiency!r} and breakdown={self.breakdown!r} do not go "
                f"together: the loss of the coefficients ({self.loss} with c={m_loss.c:.4g}) would "
                f"be narrower than that of the scale (c={s_loss.c:.4g}), and reject rows that the "
                "scale counts. Increase either of them."
            )
        return MMProblem(
            s_loss,
            m_loss,
            float(self.breakdown),
            bool(self.fit_intercept),
            int(self.n_subsets),
            self.max_iter,
            self.tol,
        )

    def _store(self, result: MMResult) -> None:
        design = result.problem.design
        unit = design.units.response_scale
        self.coef_, intercept = design.to_user(result.point)
        self.s_coef_, s_intercept = design.to_user(result.s_point)
        self.intercept_ = np.float64(intercept if self.fit_intercept else 0.0)
        self.s_intercept_ = np.float64(s_intercept if self.fit_intercept else 0.0)
        self.scale_ = float(result.point.scale * unit)
        self.weights_, self.outliers_ = _weights_and_outliers(design, result)
        self.n_starts_, self.n_best_starts_ = result.n_starts, result.n_best_starts
        self.n_iter_ = max(1, result.n_iter)
        self.n_passes_ = int(design.passes)
        self.optimality_ = float(result.optimality)
        self._runner_up = result.runner_up


def _solved(problem: MMProblem, design: Design, rng: np.random.Generator) -> MMResult:
    try:
        return solve_mm(problem, design, rng)
    except np.linalg.LinAlgError as error:
        raise ValueError(
            "X or y has values so near the largest double, 1.8e308, that their sums or squares "
            "overflow: correct or remove these rows. If a whole column has such values, divide it "
            "by a constant."
        ) from error


@np.errstate(over="ignore")  # as in solve_mm
def _weights_and_outliers(design: Design, result: MMResult) -> tuple[NDArray, NDArray]:
    point = result.point
    if result.status is not Status.EXACT_FIT:
        weights = design.map_residuals(point.units_loss.weight, point)
        beyond = partial(_beyond, size=OUTLYING * point.scale)
        return weights, design.map_residuals(beyond, point)
    beyond = partial(_beyond, size=NEGLIGIBLE * design.rounding_level(point))
    outliers = design.map_residuals(beyond, point)
    return np.where(outliers, 0.0, 1.0), outliers


def _beyond(residuals: NDArray, size: float) -> NDArray[np.bool_]:
    return np.abs(residuals) > size
