"""The Huber regressor."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils._param_validation import Interval, StrOptions

from robustreg.annotations import Features, Scale, Solver
from robustreg.data import is_collection, validate_regression_data
from robustreg.design import as_design
from robustreg.estimators.fitted_attributes import previous_fit, store_fit
from robustreg.estimators.fitting import HuberProblem, fit_huber, warn_of_doubt
from robustreg.estimators.many_responses import fit_many, score_of_present
from robustreg.estimators.progress import PassCounter
from robustreg.estimators.refit import restored_on_failure
from robustreg.estimators.regressor import LinearRegressor
from robustreg.parameters import fit_method, refuses
from robustreg.response_data import is_table, omit_missing

__all__ = ["HuberRegressor"]


class HuberRegressor(LinearRegressor):
    r"""Linear regression with the Huber loss and a jointly estimated scale.

    The fit resists outliers in y. For residuals :math:`e_i = y_i - x_i w - b`, weights :math:`s_i`
    (``sample_weight``) and the Huber loss, which is :math:`L_t(e) = e^2/2` for :math:`|e| \le t`
    and :math:`t(|e| - t/2)` otherwise, the coefficients minimise

    .. math::

        \sum_i s_i L_t(e_i) + \frac{\alpha}{2}\|w\|^2 , \qquad t = \delta\sigma ,

    where :math:`\sigma` is the scale, an estimate of the noise level. ``delta=inf`` gives the
    coefficients of ``Ridge(alpha)``, which are those of least squares for ``alpha=0``. With
    ``scale="joint"``, :math:`\sigma` solves the equation of Huber's Proposal 2 [1]_,

    .. math::

        \sum_i s_i \min(e_i^2, t^2) = 2\kappa(\delta)\,\nu\,\sigma^2 ,
        \qquad \nu = \sum_i s_i\,(1 - \mathrm{edf}/N) ,

    where :math:`2\kappa(\delta) = E\min(Z^2, \delta^2)` makes the scale consistent at normal
    errors, and edf and N are the effective numbers of parameters and of observations (see Notes).
    The equation does not contain the penalty. For :math:`\alpha = 0`, the coefficients and the
    scale together minimise a convex function, :math:`\sum_i s_i L_{\delta\sigma}(e_i)/\sigma +
    \kappa\nu\sigma`.

    Parameters
    ----------
    delta : float or "auto", default=1.345
        Threshold in units of the scale, in (0, inf]. With 1.345 the estimates are 95 % as efficient
        as least squares at normal errors (:func:`robustreg.tuning.efficiency`). A smaller delta
        resists more outliers. ``"auto"`` chooses the delta with the smallest variance of the
        coefficients, estimated from a fit with ``delta=0.5``, or 1.345 if that fit has scale zero.
    scale : {"joint", "mad"} or float, default="joint"
        Rule for the scale. ``"joint"`` solves the equation above, ``"mad"`` is
        ``median(|e|)/0.6745`` of the residuals of the fit itself, and a number fixes the scale, in
        units of y. With ``scale=1.0``, ``delta`` is the threshold in units of y. At the default
        delta and with few columns, the joint scale breaks down when 39 % of the rows are far
        outliers on both sides, or 28 % on one side; the MAD at 50 % and 33 %. With many columns
        both break down earlier. With k parameters, the joint scale breaks down at ``1 - k/n`` times
        39 % or earlier.
    alpha : float, default=0.0
        Strength of the ridge penalty, in units of X squared; it does not depend on the scale.
    fit_intercept : bool, default=True
        Whether to fit an intercept. It is not penalised.
    solver : {"lbfgs", "newton"}, default="lbfgs"
        L-BFGS preconditioned by a Hessian, or Newton's method. Both give the same result.
    max_iter : int, default=100
        Maximum number of iterations.
    tol : float, default=1e-6
        The solver stops when the distance to the exact solution is at most ``tol`` standard errors,
        or ``tol * sqrt(N / 4000)`` for N < 4000 observations.
    warm_start : bool, default=False
        Whether to start from the previous fit.
    missing : {"raise", "omit"}, default="raise"
        Where y is NaN, raise an error, or leave the row out for that response. With a Dask X, only
        ``"raise"`` is possible.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,)
        Coefficients, in units of y per unit of X.
    intercept_ : numpy.float64
        Intercept, in units of y; 0.0 if ``fit_intercept=False``.
    scale_ : float
        Estimate of the noise level, in units of y; 0.0 if too many rows are fitted exactly.
    delta_ : float
        The delta used. With ``delta="auto"``, the one chosen.
    threshold_ : float
        ``delta_ * scale_``, in units of y.
    weights_ : ndarray or dask array of shape (n_samples,)
        Weights of the rows, ``min(1, threshold_/|residual|)``; 1 means full weight. For a Dask X it
        is a lazy array, which keeps the data alive and is dropped when the model is pickled.
    outliers_ : ndarray or dask array of shape (n_samples,) of bool
        Rows whose absolute residual exceeds the threshold. They are not necessarily errors: with
        ``delta=1.345``, 18 % of clean normal rows exceed it.
    n_iter_ : int
        Number of solver iterations on all rows.
    n_passes_ : int
        Number of passes, that is, of times that all rows were read, including the iterations.
    optimality_ : float
        Certificate: distance to the exact solution, in standard errors, rounding errors included.
        If the scale is zero, the relative duality gap of the sum of absolute residuals.
    converged_ : ndarray of shape (n_targets,) of bool
        Whether ``optimality_`` is at most ``tol``. Set only if y has two dimensions.
    n_features_in_ : int
        Number of columns of X.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the columns, if all of them are strings.

    Warns
    -----
    ConvergenceWarning
        If and only if ``optimality_`` is above ``tol``.
    ExactFitWarning
        If the scale is zero.
    MissingResponseWarning
        If a column of y has no value. Each warning names all the columns that it concerns.

    See Also
    --------
    HuberRegressorCV : Chooses delta, and alpha if asked, by cross-validation.
    MMRegressor : Resists outliers in X as well.
    HuberElasticNet : Selects columns where there are many and few matter.
    robustreg.tuning.delta_from_epsilon : Converts ``epsilon`` of scikit-learn's HuberRegressor.

    Notes
    -----
    With y of shape (n_samples, n_targets), each column gets the same fit as it would alone, but
    much faster. ``coef_`` then has shape (n_targets, n_features), ``weights_`` and ``outliers_``
    have shape (n_samples, n_targets), ``n_iter_`` and ``n_passes_`` are the largest over the
    columns, and the other numbers have shape (n_targets,). Where y is missing, the weight is 0 and
    the outlier flag False. If y has more than 2**24 values, ``weights_`` and ``outliers_`` are not
    stored, since they need 9 bytes for each value. Standard errors are given by
    :func:`robustreg.inference.summarize_many`.

    edf is the trace of the smoother ``(Z'WZ + alpha I)^-1 Z'WZ``, plus one for the intercept, where
    ``W = s weights_`` and Z are the columns of X centred with the weights W. For ``alpha=0`` this
    is the rank plus one. If X has so many columns that no Gram matrix is formed, edf is estimated,
    and ``optimality_`` with it.

    N is ``max(sum s, (sum s)²/sum s²)``. For whole numbers this is ``sum s``. For small weights it
    is Kish's effective sample size. Without a penalty, multiplying small weights by a common factor
    therefore does not change the fit.

    A fit with ``scale="mad"`` is a fixed point, and there may be more than one. The search starts
    from the joint fit with ``delta=0.5``. If the scale is zero, the coefficients minimise the sum
    of absolute residuals over all rows, which is the limit of the fit as the scale goes to zero.
    With ``alpha > 0``, if the scale is also zero without slopes, the slopes are zero and the
    intercept is the weighted median of y. Otherwise the penalty has no effect.

    References
    ----------
    .. [1] P. J. Huber, Robust Statistics, Wiley, 1981, chapters 6 and 7.

    Examples
    --------
    >>> from robustreg import HuberRegressor
    >>> from robustreg.datasets import load_phones
    >>> X, y = load_phones(return_X_y=True)
    >>> model = HuberRegressor(scale="mad").fit(X, y)
    >>> model.coef_.round(2)
    array([2.04])
    """

    _parameter_constraints: dict[str, list[Any]] = {
        "delta": [Interval(Real, 0, np.inf, closed="right"), StrOptions({"auto"})],
        "scale": [Interval(Real, 0, np.inf, closed="neither"), StrOptions({"joint", "mad"})],
        "alpha": [Interval(Real, 0, np.inf, closed="left")],
        "fit_intercept": ["boolean"],
        "solver": [StrOptions({"lbfgs", "newton"})],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, np.inf, closed="neither")],
        "warm_start": ["boolean"],
        "missing": [StrOptions({"raise", "omit"})],
    }

    @refuses(
        epsilon="pass delta=robustreg.tuning.delta_from_epsilon(epsilon) for the threshold of "
        "scikit-learn's HuberRegressor, or leave delta=1.345, which is 95 % efficient."
    )
    def __init__(
        self,
        *,
        delta: float | Literal["auto"] = 1.345,
        scale: Scale = "joint",
        alpha: float = 0.0,
        fit_intercept: bool = True,
        solver: Solver = "lbfgs",
        max_iter: int = 100,
        tol: float = 1e-6,
        warm_start: bool = False,
        missing: Literal["raise", "omit"] = "raise",
    ) -> None:
        self.delta = delta
        self.scale = scale
        self.alpha = alpha
        self.fit_intercept = fit_intercept
        self.solver = solver
        self.max_iter = max_iter
        self.tol = tol
        self.warm_start = warm_start
        self.missing = missing

    @fit_method
    def fit(
        self, X: Features, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> HuberRegressor:
        """Fit the model.

        Parameters
        ----------
        X : array-like, sparse matrix, or Dask array or frame of shape (n_samples, n_features)
            Features. Numeric and boolean arrays are not copied, whatever their memory order, and a
            memory map is read block by block. A Dask collection of at most 64 MB is loaded; the
            chunks of a larger one are read once in each step of the solver.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Responses, matched with the rows of X by position. y may be a Dask collection if X is
            one. With several responses X must be in memory. y is then read in blocks of columns,
            and may be a memory map, or a Dask array, whose chunks are loaded one after the other.
        sample_weight : array-like of shape (n_samples,), optional
            Nonnegative weights. Whole numbers are frequencies: 2 counts the row twice, 0 leaves it
            out. Weights between 0 and 1 are relative: see the Notes of the class.

        Returns
        -------
        HuberRegressor
            The fitted estimator itself.

        Raises
        ------
        ValueError
            If X, y or sample_weight contain infinity, masked values or NaN (for y, see
            ``missing``), or differ in length; if the weights are negative or all zero; or if a Dask
            collection has columns that are not numeric. After an error or an interruption, the
            estimator is as it was before.
        RuntimeError
            If a Dask cluster has lost all its workers, or its scheduler.
        """
        with restored_on_failure(self):
            if is_table(X, y):
                fit_many(self, X, y, sample_weight)
                return self
            start, present = previous_fit(self), None
            given = X, y
            if self.missing == "omit":
                y, sample_weight, present = omit_missing(y, sample_weight)
            X, y, weights = validate_regression_data(self, X, y, sample_weight)
            progress = PassCounter(self, *given, {"sample_weight": sample_weight})
            design = as_design(X, y, weights, centered=self.fit_intercept, on_pass=progress)
            problem = self._problem()
            solution = fit_huber(design, problem, start)
            store_fit(self, design, solution, X, present)
            progress.close()
            warn_of_doubt(solution, problem)
        return self

    def score(self, X: Features, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """Return the R² of the predictions, averaged over the responses if there are several.

        Parameters
        ----------
        X : array-like, sparse matrix, or Dask array or frame of shape (n_samples, n_features)
            Features.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Responses. With ``missing="omit"``, NaN is left out.
        sample_weight : array-like of shape (n_samples,), optional
            Weights of the rows.

        Returns
        -------
        float
            R², as ``sklearn.metrics.r2_score`` computes it.
        """
        if self.missing == "omit" and not is_collection(y):
            return score_of_present(y, self.predict(X), sample_weight)
        return float(super().score(X, y, sample_weight))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def _problem(self) -> HuberProblem:
        return HuberProblem(
            self.delta,
            self.scale,
            self.alpha,
            bool(self.fit_intercept),
            self.solver,
            self.max_iter,
            self.tol,
        )
