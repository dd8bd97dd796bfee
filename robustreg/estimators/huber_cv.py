"""The Huber regressor whose delta, and alpha if asked for, is chosen by cross-validation."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike
from sklearn.metrics import get_scorer_names
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.metadata_routing import MetadataRouter

from robustreg.annotations import Features, Scale, Solver
from robustreg.estimators.fitting import HuberProblem
from robustreg.estimators.huber import HuberRegressor
from robustreg.estimators.huber_search import fit_search
from robustreg.estimators.many_search import fit_many_search
from robustreg.estimators.refit import restored_on_failure
from robustreg.estimators.search_results import SELECTIONS
from robustreg.estimators.search_scoring import (
    metadata_router,
)
from robustreg.parameters import fit_method
from robustreg.response_data import is_table

__all__ = ["HuberRegressorCV"]


class HuberRegressorCV(HuberRegressor):
    """Huber regression whose delta, and alpha if asked, is chosen by a resistant cross-validation.

    Scored by squared error, outliers among the validation rows choose the model, and often the
    largest delta. Here a candidate is scored by minus the mean Huber loss of its validation
    residuals [1]_, at one threshold for all candidates and folds: half the scale of one pilot fit,
    ``HuberRegressor(delta=0.5, scale="mad")``, to all rows that ``fit`` is given. This threshold is
    all that a fold's score knows of its validation rows beforehand. It is small because each wrong
    validation row pulls the choice in proportion to it.

    For skewed responses whose mean is to be predicted, ``scoring="neg_mean_squared_error"`` is
    better. No score helps where most rows of a validation fold are wrong, as with
    ``TimeSeriesSplit`` and outliers in the last rows.

    The grid is solved as a path on all rows, and each fold starts from there: 100 fits cost about
    what ten single ones do.

    Parameters
    ----------
    deltas : array-like of shape (n_deltas,), default=None
        Candidates for delta in (0, inf], increasing. None takes
        :func:`robustreg.tuning.delta_grid`: 20 from 0.5 to infinity in equal steps of efficiency,
        or, where ``scale`` is a number, quantiles of the pilot's absolute residuals.
    alphas : array-like of shape (n_alphas,) or None, default=(0.0,)
        Candidates for alpha in [0, inf), increasing. By default there is no penalty, so that
        standard errors hold. None takes 0, where there are two observations for each parameter,
        and alphas that leave ridge regression 90, 70, 50, 30 and 10 % of its effective parameters.
    scale : {"joint", "mad"} or float, default="joint"
        As in :class:`HuberRegressor`.
    fit_intercept : bool, default=True
        Whether to fit an intercept.
    solver : {"lbfgs", "newton"}, default="lbfgs"
        That of the final fit, and of candidates that the path does not serve.
    max_iter : int, default=100
        Most iterations of the solver in one fit.
    tol : float, default=1e-6
        As in :class:`HuberRegressor` for the final fit. Scores are exact to about ``tol``,
        relatively.
    cv : int, cross-validation generator or iterable, default=None
        As in ``GridSearchCV``: None for five folds, an int for as many, a splitter, or pairs of
        arrays of row numbers.
    scoring : str or callable, default=None
        None for the score above; or a scorer of scikit-learn, or its name.
    selection : {"best", "one_se"}, default="best"
        The candidate with the highest mean score; or the simplest whose mean score is at most one
        standard error below: the largest alpha, and for it the largest delta.
    error_score : "raise" or float, default=nan
        What a candidate scores in a fold where it cannot be fitted or scored.
    n_jobs : int, default=None
        Number of folds that run in parallel, in threads unless ``joblib.parallel_config`` says
        otherwise.
    verbose : int, default=0
        1 announces the search, 2 reports each fit, 3 its score too.
    alpha_per_target : bool, default=False
        With y of shape (n_samples, n_targets), whether each response has its own delta and alpha.
        If False, one pair with the best mean score over all responses serves them all.
    missing : {"raise", "omit"}, default="raise"
        As in :class:`HuberRegressor`, in fits and in scores.

    Attributes
    ----------
    delta_, alpha_ : float, or ndarray of shape (n_targets,)
        Those of the chosen candidate.
    best_score_ : float, or ndarray of shape (n_targets,)
        Its mean score.
    best_index_ : int, or ndarray of shape (n_targets,)
        Its index in ``cv_results_``.
    best_params_ : dict
        Its ``alpha`` and ``delta``.
    cv_results_ : dict
        In the layout of ``GridSearchCV``: ``param_delta``, ``param_alpha``, ``params``,
        ``split0_test_score`` and so on, ``mean_test_score``, ``std_test_score``,
        ``rank_test_score``, ``mean_fit_time``, ... The candidates of a fold are fitted together:
        their times are equal.
    coefs_paths_ : ndarray of shape (n_splits, n_candidates, n_features)
        Coefficients of each candidate in each fold, in the order of ``cv_results_``; NaN where it
        could not be fitted. Not set with several responses.
    n_splits_ : int
        Number of folds.
    scorer_ : callable
        The scorer: ``GridSearchCV(HuberRegressor(), ..., scoring=scorer_)`` gives the same scores.
    coef_ : ndarray of shape (n_features,)
        Coefficients of the fit of the chosen candidate to all rows.
    n_passes_ : int
        How often all rows were read: for the path over all candidates, and for that fit.
    intercept_, scale_, threshold_, weights_, outliers_, n_iter_, optimality_, \
            n_features_in_, feature_names_in_
        Of that fit, as in :class:`HuberRegressor`.

    Warns
    -----
    FitFailedWarning, UserWarning
        If candidates could not be fitted or scored in some folds.
    ConvergenceWarning, ExactFitWarning
        As :class:`HuberRegressor` does for the final fit, and once for all folds.

    See Also
    --------
    HuberRegressor : ``delta="auto"`` chooses from the residuals of one fit and needs no folds.
    robustreg.metrics.make_huber_scorer : The scorer for searches over other models.
    robustreg.inspection.DeltaCurveDisplay : Draws the scores against delta.

    Notes
    -----
    The pilot has the smallest of the ``alphas`` with fewer effective parameters than a third of the
    observations, or the largest. Where its scale is zero, the joint scale at ``delta=1.345`` takes
    its place, and where that is zero too the score is minus the mean absolute error.

    With several responses there is a pilot for each. The loss of a response is divided by its
    squared scale, and a score is the mean over responses.

    References
    ----------
    .. [1] E. Ronchetti, C. Field, W. Blanchard, "Robust Linear Model Selection by
       Cross-Validation", J. Amer. Statist. Assoc. 92 (1997).

    Examples
    --------
    >>> from robustreg import HuberRegressorCV
    >>> from robustreg.datasets import make_contaminated_regression
    >>> X, y = make_contaminated_regression(400, 3, contamination=0.3, random_state=0)
    >>> model = HuberRegressorCV(deltas=[0.5, 0.7, 1.0, 1.345, 2.0, float("inf")]).fit(X, y)
    >>> model.delta_
    0.5
    """

    _parameter_constraints: dict[str, list[Any]] = {
        name: constraint
        for name, constraint in HuberRegressor._parameter_constraints.items()
        if name not in ("delta", "alpha", "warm_start")
    } | {
        "deltas": ["array-like", None],
        "alphas": ["array-like", None],
        "cv": ["cv_object"],
        "scoring": [StrOptions(set(get_scorer_names())), callable, None],
        "selection": [StrOptions(set(SELECTIONS))],
        "error_score": [StrOptions({"raise"}), Real],
        "n_jobs": [Integral, None],
        "verbose": ["verbose"],
        "alpha_per_target": ["boolean"],
    }

    def __init__(
        self,
        *,
        deltas: ArrayLike | None = None,
        alphas: ArrayLike | None = (0.0,),
        scale: Scale = "joint",
        fit_intercept: bool = True,
        solver: Solver = "lbfgs",
        max_iter: int = 100,
        tol: float = 1e-6,
        cv: Any = None,
        scoring: Any = None,
        selection: Literal["best", "one_se"] = "best",
        error_score: Any = np.nan,
        n_jobs: int | None = None,
        verbose: int = 0,
        alpha_per_target: bool = False,
        missing: Literal["raise", "omit"] = "raise",
    ) -> None:
        self.deltas = deltas
        self.alphas = alphas
        self.scale = scale
        self.fit_intercept = fit_intercept
        self.solver = solver
        self.max_iter = max_iter
        self.tol = tol
        self.cv = cv
        self.scoring = scoring
        self.selection = selection
        self.error_score = error_score
        self.n_jobs = n_jobs
        self.verbose = verbose
        self.alpha_per_target = alpha_per_target
        self.missing = missing

    @fit_method
    def fit(
        self, X: Features, y: ArrayLike, sample_weight: ArrayLike | None = None, **params: Any
    ) -> HuberRegressorCV:
        """Choose delta, and alpha among several, and fit the chosen model to all rows.

        Parameters
        ----------
        X : array-like, sparse matrix, or Dask array or frame of shape (n_samples, n_features)
            An array of numbers is not copied, but for the validation rows of the fold at work.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Responses.
        sample_weight : array-like of shape (n_samples,), optional
            As in :class:`HuberRegressor`, in fits and in scores. A scorer that takes no weights is
            warned of; with metadata routing it gets them if it requests them.
        **params : dict
            ``groups``, for the splitter; with metadata routing, what the splitter and the scorer
            request.

        Returns
        -------
        HuberRegressorCV
            The fitted estimator itself.

        Raises
        ------
        ValueError
            As :class:`HuberRegressor`; if ``deltas`` or ``alphas`` are empty, not increasing or out
            of range; if no candidate could be fitted, or none has a finite mean score.
        """
        with restored_on_failure(self):
            if is_table(X, y):
                fit_many_search(self, X, y, sample_weight, params)
            else:
                fit_search(self, X, y, sample_weight, params)
        return self

    def get_metadata_routing(self) -> MetadataRouter:
        """What ``fit`` passes on: to the scorer's ``score`` and to the splitter's ``split``.

        Returns
        -------
        MetadataRouter
        """
        return metadata_router(self)

    # -- what is searched -------------------------------------------------------------------------

    def _problem_at(self, delta: float, alpha: float, scale: Any = None) -> HuberProblem:
        scale = self.scale if scale is None else scale
        intercept = bool(self.fit_intercept)
        return HuberProblem(delta, scale, alpha, intercept, self.solver, self.max_iter, self.tol)
