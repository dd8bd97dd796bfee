"""The Huber regressor that chooses delta, and optionally alpha, by cross-validation."""

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
    """Huber regression that chooses delta, and optionally alpha, by robust cross-validation.

    The score of a candidate is minus the mean Huber loss of its validation residuals [1]_. With
    squared error, outliers among the validation rows would decide the choice, and often the largest
    delta would win. The threshold of the loss is the same for all candidates and folds: half the
    scale of a pilot, which is a first fit of ``HuberRegressor(delta=0.5, scale="mad")`` to all
    rows. It is small because the influence of a wrong validation row on the choice is proportional
    to it. No other information about the validation rows of a fold is used before scoring.

    To predict the mean of a skewed response, use ``scoring="neg_mean_squared_error"``. No score
    helps if most rows of a validation fold are wrong, as with ``TimeSeriesSplit`` when the outliers
    are in the last rows.

    All candidates are first fitted to all rows, and the fits of each fold start from these
    solutions. 100 fits cost about as much as ten separate ones.

    Parameters
    ----------
    deltas : array-like of shape (n_deltas,), default=None
        Candidates for delta in (0, inf], in increasing order. None means
        :func:`robustreg.tuning.delta_grid`, 20 values from 0.5 to infinity in equal steps of
        efficiency, or, if ``scale`` is a number, quantiles of the pilot's absolute residuals.
    alphas : array-like of shape (n_alphas,) or None, default=(0.0,)
        Candidates for alpha in [0, inf), in increasing order. By default there is no penalty, so
        that standard errors are valid. None means 0, if there are at least two observations for
        each parameter, and the alphas with which ridge regression keeps 90, 70, 50, 30 and 10 % of
        its effective parameters.
    scale : {"joint", "mad"} or float, default="joint"
        As in :class:`HuberRegressor`.
    fit_intercept : bool, default=True
        Whether to fit an intercept.
    solver : {"lbfgs", "newton"}, default="lbfgs"
        Solver of the final fit, and of candidates that cannot be fitted together with the others.
    max_iter : int, default=100
        Maximum number of iterations of the solver in one fit.
    tol : float, default=1e-6
        For the final fit, as in :class:`HuberRegressor`. Scores have a relative error of about
        ``tol``.
    cv : int, cross-validation generator or iterable, default=None
        As in ``GridSearchCV``: None for five folds, an int for that many, a splitter, or pairs of
        arrays of row numbers for training and validation.
    scoring : str or callable, default=None
        Scorer of scikit-learn, or its name. None means the score described above.
    selection : {"best", "one_se"}, default="best"
        ``"best"`` chooses the candidate with the highest mean score. ``"one_se"`` chooses the
        simplest candidate whose mean score is at most one standard error lower: the one with the
        largest alpha and, for that alpha, the largest delta.
    error_score : "raise" or float, default=nan
        Score of a candidate in a fold where it cannot be fitted or scored. ``"raise"`` raises the
        error.
    n_jobs : int, default=None
        Number of folds to run in parallel, in threads by default (see ``joblib.parallel_config``).
    verbose : int, default=0
        1 prints the size of the search, 2 a line for each fit, 3 its score too.
    alpha_per_target : bool, default=False
        Whether each of several responses gets its own delta and alpha. If False, the pair with the
        best mean score over all responses is used for all.
    missing : {"raise", "omit"}, default="raise"
        As in :class:`HuberRegressor`, in fits and in scores.

    Attributes
    ----------
    delta_, alpha_ : float, or ndarray of shape (n_targets,)
        Values of the chosen candidate.
    best_score_ : float, or ndarray of shape (n_targets,)
        Mean score of the chosen candidate.
    best_index_ : int, or ndarray of shape (n_targets,)
        Index of the chosen candidate in ``cv_results_``.
    best_params_ : dict
        ``alpha`` and ``delta`` of the chosen candidate.
    cv_results_ : dict
        In the layout of ``GridSearchCV``: ``param_delta``, ``param_alpha``, ``params``,
        ``split0_test_score`` and so on, ``mean_test_score``, ``std_test_score``,
        ``rank_test_score``, ``mean_fit_time``, ... All candidates of a fold have the same time,
        since they are fitted together.
    coefs_paths_ : ndarray of shape (n_splits, n_candidates, n_features)
        Coefficients of each candidate in each fold, in the order of ``cv_results_``; NaN where a
        candidate could not be fitted. Not set for several responses.
    n_splits_ : int
        Number of folds.
    scorer_ : callable
        The scorer: ``GridSearchCV(HuberRegressor(), ..., scoring=scorer_)`` gives the same scores.
    coef_ : ndarray of shape (n_features,)
        Coefficients of the final fit, which is the chosen candidate fitted to all rows.
    n_passes_ : int
        Number of times that all rows were read, for fitting all candidates and for the final fit.
    intercept_, scale_, threshold_, weights_, outliers_, n_iter_, optimality_, \
            n_features_in_, feature_names_in_
        Attributes of the final fit, as in :class:`HuberRegressor`.

    Warns
    -----
    FitFailedWarning, UserWarning
        If some candidates could not be fitted or scored in some folds.
    ConvergenceWarning, ExactFitWarning
        As in :class:`HuberRegressor` for the final fit, and at most once for all folds together.

    See Also
    --------
    HuberRegressor : ``delta="auto"`` chooses delta without folds, from the residuals of one fit.
    robustreg.metrics.make_huber_scorer : The scorer for searches over other models.
    robustreg.inspection.DeltaCurveDisplay : Draws the scores against delta.

    Notes
    -----
    The pilot uses the smallest of ``alphas`` that leaves fewer effective parameters than a third of
    the observations, or else the largest. If the pilot's scale is zero, the joint scale of a fit
    with ``delta=1.345`` is used instead. If that is zero too, the score is minus the mean absolute
    error.

    With several responses, each has its own pilot. The loss of a response is divided by the square
    of its scale, and the score is the mean over the responses.

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
        """Choose delta, and alpha if there are several, and fit the chosen model to all rows.

        Parameters
        ----------
        X : array-like, sparse matrix, or Dask array or frame of shape (n_samples, n_features)
            Features. Of a numeric array, only the validation rows of the current fold are copied.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Responses.
        sample_weight : array-like of shape (n_samples,), optional
            As in :class:`HuberRegressor`, in fits and in scores. If the scorer does not accept
            weights, a warning says so. With metadata routing, the scorer gets the weights if it
            requests them.
        **params : dict
            ``groups`` for the splitter. With metadata routing, whatever the splitter and the scorer
            request.

        Returns
        -------
        HuberRegressorCV
            The fitted estimator itself.

        Raises
        ------
        ValueError
            As in :class:`HuberRegressor`; if ``deltas`` or ``alphas`` are empty, not increasing or
            out of range; or if no candidate could be fitted or has a finite mean score.
        """
        with restored_on_failure(self):
            if is_table(X, y):
                fit_many_search(self, X, y, sample_weight, params)
            else:
                fit_search(self, X, y, sample_weight, params)
        return self

    def get_metadata_routing(self) -> MetadataRouter:
        """Return the metadata that ``fit`` routes to the scorer and to the splitter.

        Returns
        -------
        MetadataRouter
        """
        return metadata_router(self)

    # -- the problem of a candidate
    # -------------------------------------------------------------------------

    def _problem_at(self, delta: float, alpha: float, scale: Any = None) -> HuberProblem:
        scale = self.scale if scale is None else scale
        intercept = bool(self.fit_intercept)
        return HuberProblem(delta, scale, alpha, intercept, self.solver, self.max_iter, self.tol)
