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
    r"""Linear regression with the Huber loss, the scale estimated jointly.

    With residuals :math:`e_i = y_i - x_i w - b`, weights :math:`s_i` (``sample_weight``) and the
    Huber loss :math:`L_t(e) = e^2/2` for :math:`|e| \le t`, :math:`t(|e| - t/2)` beyond, the
    coefficients minimise, at the scale :math:`\sigma` and the threshold :math:`t = \delta\sigma`,

    .. math::

        \sum_i s_i L_t(e_i) + \frac{\alpha}{2}\|w\|^2 .

    So ``delta=inf`` gives those of ``Ridge(alpha)``, and of least squares with ``alpha=0``. With
    ``scale="joint"``, :math:`\sigma` solves Huber's Proposal 2 [1]_,

    .. math::

        \sum_i s_i \min(e_i^2, t^2) = 2\kappa(\delta)\,\nu\,\sigma^2 ,
        \qquad \nu = \sum_i s_i\,(1 - \mathrm{edf}/N) ,

    where :math:`2\kappa(\delta) = E\min(Z^2, \delta^2)` makes it consistent at normal errors, and
    edf and N are the effective numbers of parameters and of observations (see Notes). The penalty
    is not part of it. For :math:`\alpha = 0` both equations are the minimum of one convex function
    of :math:`w, b, \sigma`, :math:`\sum_i s_i L_{\delta\sigma}(e_i)/\sigma + \kappa\nu\sigma`.

    Parameters
    ----------
    delta : float or "auto", default=1.345
        Threshold in units of the scale, in (0, inf]. 1.345 is 95 % as efficient as least squares at
        normal errors (:func:`robustreg.tuning.efficiency`); less resists more outliers. ``"auto"``
        minimises the variance as estimated from a fit at 0.5 (at 1.345 where that has scale zero).
    scale : {"joint", "mad"} or float, default="joint"
        Noise level sigma: by the equation above, as ``median(|e|)/0.6745`` of the fit's own
        residuals, or given, in the units of y. With ``scale=1.0`` delta is the threshold. At the
        default delta and with few columns, the joint scale breaks down at 39 % of far outliers on
        both sides and 28 % on one side, the MAD at 50 % and 33 %. With many columns both break down
        earlier: the joint scale, with k parameters, at most at ``1 - k/n`` times 39 %.
    alpha : float, default=0.0
        Penalty, in the units of X squared; it means the same whatever the scale.
    fit_intercept : bool, default=True
        Whether to fit an intercept. It is not penalised.
    solver : {"lbfgs", "newton"}, default="lbfgs"
        L-BFGS in the metric of a Hessian, or Newton's method. Both give the same numbers.
    max_iter : int, default=100
        Most iterations of the solver.
    tol : float, default=1e-6
        Distance to the exact solution, in standard errors of the estimate, at which a fit ends.
    warm_start : bool, default=False
        Start from the previous fit.
    missing : {"raise", "omit"}, default="raise"
        Whether NaN in y is an error, or leaves out its row, for that response alone. X of Dask
        allows the first only.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,)
        Coefficients, in units of y per unit of X.
    intercept_ : numpy.float64
        Intercept, in units of y; 0.0 if ``fit_intercept=False``.
    scale_ : float
        Sigma, in units of y; 0.0 where too many rows are fitted exactly.
    delta_ : float
        The delta used: the one chosen where ``delta="auto"``.
    threshold_ : float
        ``delta_ * scale_``, in units of y.
    weights_ : ndarray or dask array of shape (n_samples,)
        ``min(1, threshold_/|residual|)``: 1 for rows that count fully. Lazy where X was of Dask;
        it then keeps the data alive, and is left out when the model is pickled.
    outliers_ : ndarray or dask array of shape (n_samples,) of bool
        Rows whose residual is beyond the threshold: 18 % of clean normal rows at 1.345.
    n_iter_ : int
        Iterations of the solver on all rows.
    n_passes_ : int
        How often all rows were read, the iterations included.
    optimality_ : float
        Certificate: distance to the exact solution in standard errors, rounding errors included.
        Where the scale is zero, the relative duality gap of the sum of absolute residuals.
    converged_ : ndarray of shape (n_targets,) of bool
        Of y with two dimensions alone: whether ``optimality_`` is at most ``tol``.
    n_features_in_ : int
        Number of columns of X.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the columns, where X had names that are strings.

    Warns
    -----
    ConvergenceWarning
        If and only if ``optimality_`` is above ``tol``.
    ExactFitWarning
        If the scale is zero.
    MissingResponseWarning
        If a column of y has no value. Each warning names all columns of y that it is about.

    See Also
    --------
    HuberRegressorCV : Chooses delta, and alpha if asked, by cross-validation.
    MMRegressor : Resists outliers in X as well.
    HuberElasticNet : For many columns, of which few matter.
    robustreg.tuning.delta_from_epsilon : For those who come from scikit-learn's class.

    Notes
    -----
    With y of shape (n_samples, n_targets) each column gets the fit that it would get alone, in a
    small part of the time. ``coef_`` has shape (n_targets, n_features), ``weights_`` and
    ``outliers_`` (n_samples, n_targets), ``n_iter_`` and ``n_passes_`` are the largest of all
    columns, and the other numbers have shape (n_targets,). Beyond 2**24 values of y there are
    no ``weights_`` and ``outliers_``, which take 9 bytes for each. They are 0 and False where y is
    missing. :func:`robustreg.inference.summarize_many` gives the standard errors.

    edf is one for the intercept plus the trace of the smoother ``(Z'WZ + alpha I)^-1 Z'WZ``, with
    ``W = s weights_`` and the columns Z of X centred with W: for ``alpha=0`` the rank plus one. For
    more columns than a Gram matrix is formed for, edf and with it ``optimality_`` are estimates.

    N is ``max(sum s, (sum s)²/sum s²)``. For whole numbers it is ``sum s``. For small weights it is
    Kish's effective number, so that without a penalty a common factor of them changes nothing.

    A fit with ``scale="mad"`` is a fixed point, which need not be the only one; the search starts
    at the joint solution with ``delta=0.5``. Where the scale is zero, the coefficients are those of
    least absolute deviations over all rows, the limit of the fit as the scale goes to zero. With
    ``alpha > 0`` the slopes are then zero and the intercept is the weighted median of y.

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
            An array of numbers, integers and booleans too, is not copied, in whatever order, and a
            memory map is read block by block. Each step of the solver reads the chunks of a Dask
            collection once; those of up to 64 MB are loaded.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Responses, matched with the rows of X by position; they may be of Dask where X is. A
            table of responses needs X in memory, and is read in blocks of columns: it may be a
            memory map, or a Dask array, whose chunks are loaded one after the other.
        sample_weight : array-like of shape (n_samples,), optional
            Not negative. Whole numbers are frequencies: 2 is the row twice, 0 the row left out.
            Weights between 0 and 1 have no unit: see the class's notes.

        Returns
        -------
        HuberRegressor
            The fitted estimator itself.

        Raises
        ------
        ValueError
            If X, y or sample_weight hold infinity, masked values or NaN (but see ``missing``) or
            differ in length, or if the weights are negative or all zero. A Dask collection must
            have columns of numbers.
            After an error, and after an interruption, the estimator is as it was before.
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
        """R² of the predictions; of several responses, the mean of theirs.

        Parameters
        ----------
        X : array-like, sparse matrix, or Dask array or frame of shape (n_samples, n_features)
            Rows.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Their responses. With ``missing="omit"``, NaN is left out.
        sample_weight : array-like of shape (n_samples,), optional
            Weights of the rows.

        Returns
        -------
        float
            As of ``sklearn.metrics.r2_score``.
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
