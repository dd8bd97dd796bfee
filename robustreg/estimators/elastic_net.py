"""Huber regression with an elastic-net penalty."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse
from sklearn.utils._param_validation import Interval

from robustreg.annotations import Features, Scale
from robustreg.design import Design, as_design
from robustreg.design.prediction import is_single
from robustreg.estimators.elastic_net_problem import (
    CONSTRAINTS,
    ElasticNetProblem,
    attributes_of_rows,
    data_in_memory,
    warn_of_doubt,
)
from robustreg.estimators.progress import PassCounter
from robustreg.estimators.refit import restored_on_failure
from robustreg.estimators.regressor import LinearRegressor
from robustreg.parameters import fit_method
from robustreg.problem import Problem
from robustreg.solvers.elastic_net import Fit, Start, fit_at

__all__ = ["HuberElasticNet"]


class HuberElasticNet(LinearRegressor):
    r"""Linear regression with the Huber loss and an elastic-net penalty, for many columns.

    The fit resists outliers in y and selects columns. It minimises over w and b, for residuals
    :math:`e_i = y_i - x_i w - b`, frequencies :math:`s_i` (``sample_weight``), the Huber loss
    :math:`L_t` of :class:`HuberRegressor` and factors :math:`f_j` (``penalty_factors``),

    .. math::

        \frac{1}{\sum_i s_i}\sum_i s_i L_{\delta\sigma}(e_i)
        + \sigma\,\alpha\,\rho \sum_j f_j |w_j| + \frac{\alpha (1 - \rho)}{2} \sum_j f_j w_j^2 ,

    where :math:`\rho` is ``l1_ratio`` and :math:`\sigma` is the scale, an estimate of the noise
    level. The factor :math:`\sigma` makes alpha independent of the units of y and of the noise
    level [1]_ [2]_. With ``delta=inf, scale=1.0`` this is scikit-learn's ``ElasticNet``.

    Parameters
    ----------
    alpha : float, default=1.0
        Strength of the penalty, positive. As in scikit-learn, it is relative to the mean of the
        losses. In :class:`HuberRegressor` alpha is relative to their sum.
    l1_ratio : float, default=0.5
        1 gives the lasso, and 0 the ridge penalty of ``HuberRegressor(alpha=alpha * sum(s))``.
    delta : float, default=1.345
        Threshold in units of the scale, in (0, inf].
    scale : {"joint", "mad"} or float, default="joint"
        Rule for the scale. ``"joint"`` solves the equation of Huber's Proposal 2, given in
        :class:`HuberRegressor`, with the effective number of parameters, which for the lasso is the
        number of nonzero coefficients. ``"mad"`` is ``median(|e|)/0.6745`` of the residuals. A
        number fixes the scale, in units of y. The equation of the joint scale may have several
        solutions. The largest is the estimate, and the solver finds the one nearest to the scale at
        larger alphas. These differed in 2 of 150 random problems, in which more columns were used
        than half the number of rows. The solution for ``"mad"`` need not be unique either.
    fit_intercept : bool, default=True
        Whether to fit an intercept. It is not penalised.
    positive : bool, default=False
        Whether to force the coefficients to be nonnegative.
    penalty_factors : array-like of shape (n_features,), default=None
        Nonnegative factors of alpha, one for each column; 0 leaves the column without a penalty.
        They are not normalised. None means 1 for all columns.
    max_iter : int, default=100
        Maximum number of Newton steps at one scale.
    tol : float, default=1e-6
        The solver stops when ``optimality_`` is at most ``tol``.
    warm_start : bool, default=False
        Whether to start from the previous fit. Otherwise the fit starts from fits at larger alphas.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,)
        Coefficients, in units of y per unit of X; exactly zero for columns that are not used.
    sparse_coef_ : sparse matrix of shape (1, n_features)
        Coefficients as a sparse matrix.
    intercept_ : numpy.float64
        Intercept, in units of y; 0.0 if ``fit_intercept=False``.
    scale_ : float
        Estimate of the noise level, in units of y; 0.0 if too many rows are fitted exactly.
    delta_ : float
        The delta used.
    threshold_ : float
        ``delta_ * scale_``, in units of y.
    weights_ : ndarray of shape (n_samples,)
        Weights of the rows, ``min(1, threshold_/|residual|)``; 1 means full weight.
    outliers_ : ndarray of shape (n_samples,) of bool
        Rows whose absolute residual exceeds the threshold.
    n_iter_ : int
        Number of Newton steps, including those at the larger alphas from which the fit starts.
    n_passes_ : int
        Number of times that all columns were read.
    optimality_ : float
        Certificate: the largest violation of the optimality conditions over all columns, in units
        of alpha. (The conditions say that a mean of products is at most alpha.) The intercept and
        columns without a penalty have units of their own if these are smaller than alpha. If the
        relative distance of the scale from the solution of its equation is larger, ``optimality_``
        is that distance.
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
    HuberElasticNetCV : Chooses alpha by cross-validation.
    enet_path : Fits at many alphas.
    HuberRegressor : Has a ridge penalty only, which sets no coefficient to zero.

    Notes
    -----
    The fit depends on the units of the columns. Standardise the columns in a pipeline.

    References
    ----------
    .. [1] A. B. Owen, "A robust hybrid of lasso and ridge regression", Contemporary Mathematics
       443 (2007).
    .. [2] T. Sun, C.-H. Zhang, "Scaled sparse linear regression", Biometrika 99 (2012).

    Examples
    --------
    >>> import numpy as np
    >>> from robustreg import HuberElasticNet
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(100, 200))
    >>> y = 3.0 * X[:, 0] - 2.0 * X[:, 1] + rng.normal(size=100)
    >>> y[:10] += 50.0
    >>> model = HuberElasticNet(alpha=0.3, l1_ratio=1.0).fit(X, y)
    >>> np.flatnonzero(model.coef_)
    array([0, 1])
    """

    _parameter_constraints: dict[str, list[Any]] = CONSTRAINTS | {
        "alpha": [Interval(Real, 0, np.inf, closed="neither")],
        "l1_ratio": [Interval(Real, 0, 1, closed="both")],
        "warm_start": ["boolean"],
    }

    def __init__(
        self,
        alpha: float = 1.0,
        *,
        l1_ratio: float = 0.5,
        delta: float = 1.345,
        scale: Scale = "joint",
        fit_intercept: bool = True,
        positive: bool = False,
        penalty_factors: ArrayLike | None = None,
        max_iter: int = 100,
        tol: float = 1e-6,
        warm_start: bool = False,
    ) -> None:
        self.alpha = alpha
        self.l1_ratio = l1_ratio
        self.delta = delta
        self.scale = scale
        self.fit_intercept = fit_intercept
        self.positive = positive
        self.penalty_factors = penalty_factors
        self.max_iter = max_iter
        self.tol = tol
        self.warm_start = warm_start

    @fit_method
    def fit(
        self, X: Features, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> HuberElasticNet:
        """Fit the model.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Features. There may be more columns than rows. Only the columns of the active set, those
            that may have a nonzero coefficient, are copied.
        y : array-like of shape (n_samples,)
            Responses.
        sample_weight : array-like of shape (n_samples,), optional
            Nonnegative frequencies: 2 counts the row twice, 0 leaves it out.

        Returns
        -------
        HuberElasticNet
            The fitted estimator itself.

        Raises
        ------
        ValueError
            If X, y or sample_weight contain NaN or infinity or differ in length; if the weights are
            negative or all zero; if ``penalty_factors`` has a negative value or not one value for
            each column; or if X is a Dask collection.
        """
        with restored_on_failure(self):
            given = X, y
            X, y, weights = data_in_memory(self, X, y, sample_weight)
            progress = PassCounter(self, *given, {"sample_weight": sample_weight})
            intercept = bool(self.fit_intercept)
            design = as_design(X, y, weights, centered=intercept, on_pass=progress)
            problem = ElasticNetProblem.of(self, self.l1_ratio).over(design, self.alpha)
            fit = fit_at(
                problem,
                float(self.alpha),
                tol=self.tol,
                max_iter=self.max_iter,
                start=self._previous(design),
            )
            self._single_ = is_single(X)
            self._store(problem, fit)
            progress.close()
            warn_of_doubt(fit, type(self).__name__, self.tol, self.max_iter)
        return self

    @property
    def sparse_coef_(self) -> Any:
        """Coefficients as a sparse matrix with one row."""
        return sparse.csr_matrix(self.coef_)

    def _previous(self, design: Design) -> Start | None:
        """Return the previous fit as a start, if warm_start is set and there is one that fits."""
        if not (self.warm_start and hasattr(self, "coef_")):
            return None
        if self.coef_.shape[0] != design.n_features or not self.scale_ > 0.0:
            return None
        coef, intercept = design.from_user(self.coef_, self.intercept_)
        index = np.flatnonzero(coef)
        return Start(index, coef[index], intercept, self.scale_ / design.units.response_scale)

    def _store(self, problem: Problem, fit: Fit) -> None:
        design, point = problem.design, fit.point(problem)
        self.coef_, intercept = design.to_user(point)
        self.intercept_ = np.float64(intercept if problem.fit_intercept else 0.0)
        self.scale_ = fit.scale * design.units.response_scale
        self.delta_ = float(self.delta)
        self.threshold_ = self.delta_ * self.scale_ if self.scale_ else 0.0
        self.weights_, self.outliers_ = attributes_of_rows(design, point)
        self.n_iter_ = max(1, fit.n_iter)
        self.n_passes_ = int(design.passes)
        self.optimality_ = fit.optimality
