"""The Huber regressor whose delta and alpha are chosen by cross-validation."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from inspect import signature
from numbers import Integral, Real
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import ArrayLike, NDArray
from sklearn import config_context, get_config
from sklearn.base import _fit_context
from sklearn.metrics import check_scoring, get_scorer_names
from sklearn.model_selection import ParameterGrid, check_cv
from sklearn.utils import indexable
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.metadata_routing import (
    MetadataRouter,
    MethodMapping,
    _raise_for_params,
    _routing_enabled,
    process_routing,
)

from robustreg.data import is_collection, validate_regression_data
from robustreg.design import as_design
from robustreg.design.base import Design
from robustreg.estimators.cross_validation import (
    CrossValidation,
    FoldResult,
    HuberScoring,
    ScorerScoring,
    Scoring,
)
from robustreg.estimators.fitting import (
    HuberProblem,
    Solution,
    effective_parameters,
    fit_huber,
    warn_of_doubt,
)
from robustreg.estimators.huber import HuberRegressor
from robustreg.estimators.path import objective_of, reference_path
from robustreg.estimators.progress import TaskList
from robustreg.estimators.refit import restored_on_failure
from robustreg.estimators.search_results import (
    best_candidate,
    format_results,
    print_fold,
    print_lines,
    simplest_within_one_standard_error,
    warn_of_failed_fits,
)
from robustreg.metrics import make_huber_scorer
from robustreg.tuning import delta_grid

__all__ = ["HuberRegressorCV"]

Vector = NDArray[np.float64]

#: Delta of the pilot, whose scale is the MAD, and threshold of the score in units of that scale.
#: Each wrong validation row pulls the choice with a force in proportion to the threshold. With 25 %
#: of outliers far to one side the prediction error of the model chosen was 1.33 times that of the
#: best candidate at a threshold of 1.345 joint scales, and 1.00 times at this one; without outliers
#: 1.10 and 1.12 times (DESIGN.md, section 2, and tests/test_simulation_cv.py).
PILOT_DELTA, SCORE_DELTA = 0.5, 0.5

#: Delta of a joint fit whose scale is taken where that of the pilot is zero.
SECOND_DELTA = 1.345

#: Share of the observations that the pilot's effective parameters may have: the MAD of a fit that
#: follows nearly half of the rows vanishes.
FOLLOWED = 1 / 3

SELECTIONS = {"best": best_candidate, "one_se": simplest_within_one_standard_error}


class HuberRegressorCV(HuberRegressor):
    """Huber regression, delta and alpha chosen by cross-validation that outliers do not mislead.

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
    alphas : array-like of shape (n_alphas,), default=(0.0,)
        Candidates for alpha in [0, inf), increasing; by default only delta is chosen.
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

    Attributes
    ----------
    delta_, alpha_ : float
        The chosen candidate's.
    best_score_ : float
        Its mean score.
    best_index_ : int
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
        could not be fitted.
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
        "alphas": ["array-like"],
        "cv": ["cv_object"],
        "scoring": [StrOptions(set(get_scorer_names())), callable, None],
        "selection": [StrOptions(set(SELECTIONS))],
        "error_score": [StrOptions({"raise"}), Real],
        "n_jobs": [Integral, None],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        *,
        deltas: ArrayLike | None = None,
        alphas: ArrayLike = (0.0,),
        scale: float | str = "joint",
        fit_intercept: bool = True,
        solver: str = "lbfgs",
        max_iter: int = 100,
        tol: float = 1e-6,
        cv: Any = None,
        scoring: Any = None,
        selection: str = "best",
        error_score: Any = np.nan,
        n_jobs: int | None = None,
        verbose: int = 0,
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

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None, **params: Any
    ) -> HuberRegressorCV:
        """Choose delta and alpha, and fit the chosen model to all rows.

        Parameters
        ----------
        X : array-like, sparse matrix, or Dask array or frame of shape (n_samples, n_features)
            An array of numbers is not copied, but for the validation rows of the fold at work.
        y : array-like of shape (n_samples,)
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
        split_params, score_params = self._route(sample_weight, params)
        given = X, y  # a scorer is handed them as they are
        with restored_on_failure(self):
            X, y, weights = validate_regression_data(self, X, y, sample_weight)
            alphas = _checked_grid(self.alphas, "alphas", "[0, inf)")
            design = as_design(X, y, weights, centered=self.fit_intercept)
            splits = _splits(self.cv, X, y, split_params, design.n_rows)
            names = ["path", *["fold"] * len(splits), "refit"]
            tasks = TaskList(self, X, y, {"sample_weight": sample_weight}, names)

            with tasks.task(0):
                pilot = self._pilot(design, alphas)
                grid = ParameterGrid({"alpha": alphas, "delta": self._deltas(design, pilot)})
                candidates = [self._problem_at(**candidate) for candidate in grid]
                waypoints = reference_path(design, candidates, pilot)
                rows, responses = (X, y) if is_collection(X) else indexable(*given)
                scoring = self._scoring(rows, responses, pilot, score_params)
            search = CrossValidation(
                design, candidates, waypoints, pilot, scoring, self.error_score
            )
            folds = self._evaluate(search, splits, list(grid), tasks)
            self._choose(folds, list(grid))
            with tasks.task(len(splits) + 1):
                problem = self._problem_at(self.delta_, self.alpha_)
                waypoint = waypoints[self.best_index_]
                begin = (
                    None if waypoint is None else waypoint.start(objective_of(problem.over(design)))
                )
                solution = fit_huber(design, problem, begin)
                self._store(design, solution, X)
            tasks.close()
            warn_of_doubt(solution, problem)
        return self

    def get_metadata_routing(self) -> MetadataRouter:
        """What ``fit`` passes on: to the scorer's ``score`` and to the splitter's ``split``.

        Returns
        -------
        MetadataRouter
        """
        scorer = check_scoring(self, scoring=self.scoring)
        if self.scoring is None:
            scorer = make_huber_scorer().set_score_request(sample_weight=True)
        return (
            MetadataRouter(owner=self)
            .add_self_request(self)
            .add(scorer=scorer, method_mapping=MethodMapping().add(caller="fit", callee="score"))
            .add(splitter=self.cv, method_mapping=MethodMapping().add(caller="fit", callee="split"))
        )

    # -- what is searched -------------------------------------------------------------------------

    def _pilot(self, design: Design, alphas: list[float]) -> Solution:
        most = FOLLOWED * design.n_observations
        for alpha in alphas:
            problem = self._problem_at(PILOT_DELTA, alpha, scale="mad")
            if effective_parameters(design, problem) < most:
                break
        pilot = fit_huber(design, problem)
        if pilot.scale > 0.0:
            return pilot
        # Half of the residuals or more are zero: there may be a scale at a larger delta.
        return fit_huber(design, self._problem_at(SECOND_DELTA, alpha, scale="joint"))

    def _problem_at(self, delta: float, alpha: float, scale: Any = None) -> HuberProblem:
        scale = self.scale if scale is None else scale
        intercept = bool(self.fit_intercept)
        return HuberProblem(delta, scale, alpha, intercept, self.solver, self.max_iter, self.tol)

    def _deltas(self, design: Design, pilot: Solution) -> list[float]:
        if self.deltas is not None:
            return _checked_grid(self.deltas, "deltas", "(0, inf]")
        if isinstance(self.scale, str) or not pilot.scale > 0.0:
            return delta_grid().tolist()
        residuals = design.residuals(pilot.point) * design.units.response_scale
        grid = delta_grid(residuals=residuals, scale=self.scale, sample_weight=design.weights)
        return grid.tolist()

    # -- how it is scored -------------------------------------------------------------------------

    def _route(
        self, sample_weight: ArrayLike | None, params: dict[str, Any]
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """What the splitter and the scorer are passed."""
        weights = {} if sample_weight is None else {"sample_weight": sample_weight}
        if _routing_enabled():
            routed = process_routing(self, "fit", **weights, **params)
            return routed.splitter.split, routed.scorer.score
        groups = params.pop("groups", None)
        _raise_for_params(params, self, "fit")
        return {"groups": groups}, weights

    def _scoring(self, X: Any, y: Any, pilot: Solution, score_params: dict[str, Any]) -> Scoring:
        threshold = SCORE_DELTA * pilot.scale
        if self.scoring is None and threshold > 0.0:
            self.scorer_ = make_huber_scorer(threshold)
            return HuberScoring(threshold)
        name = "neg_mean_absolute_error" if self.scoring is None else self.scoring
        if is_collection(X):
            raise ValueError(
                f"scoring={name!r} takes rows, which a Dask collection does not give: take "
                "scoring=None, for which the pilot must not fit exactly, or load the data with "
                "compute()."
            )
        self.scorer_ = check_scoring(self, scoring=name)
        if "sample_weight" in score_params and not _takes_weights(self.scorer_):
            warnings.warn(
                f"scoring={name!r} does not support sample_weight: candidates are fitted with "
                "weights and scored without. Pass a scorer whose metric takes sample_weight.",
                UserWarning,
                stacklevel=3,
            )
            score_params = {k: v for k, v in score_params.items() if k != "sample_weight"}
        return ScorerScoring(self.scorer_, self, X, y, score_params)

    # -- the search -------------------------------------------------------------------------------

    def _evaluate(
        self,
        search: CrossValidation,
        splits: Sequence[tuple[Any, Any]],
        grid: list[dict[str, float]],
        tasks: TaskList,
    ) -> list[FoldResult]:
        if not splits:
            raise ValueError("cv gives no split: pass at least one pair of training and test rows.")
        n_splits, n_candidates = len(splits), len(grid)
        if self.verbose > 0:
            print_lines(
                f"Fitting {n_splits} folds for each of {n_candidates} candidates, totalling "
                f"{n_splits * n_candidates} fits"
            )

        config = get_config()  # scikit-learn keeps it for each thread

        def evaluate(number: int, train: Any, test: Any) -> FoldResult | Exception:
            try:
                with config_context(**config), tasks.task(1 + number):
                    fold = search.evaluate(np.asarray(train), np.asarray(test))
            except Exception as error:  # noqa: BLE001 - joblib would leave the others running
                return error
            if self.verbose > 1:
                print_fold(fold, grid, number, n_splits, self.verbose)
            return fold

        # joblib's, not scikit-learn's: that enters catch_warnings in each worker, and threads that
        # do so at a time leave the filters of the process in disorder (before Python 3.14).
        parallel = Parallel(n_jobs=self.n_jobs, prefer="threads")
        folds = parallel(
            delayed(evaluate)(i, train, test) for i, (train, test) in enumerate(splits)
        )
        for fold in folds:
            if isinstance(fold, Exception):
                raise fold
        warn_of_failed_fits(folds, self.error_score)
        return folds

    def _choose(self, folds: Sequence[FoldResult], grid: list[dict[str, float]]) -> None:
        scores, fit_times, score_times = (
            np.column_stack([np.broadcast_to(getattr(fold, name), len(grid)) for fold in folds])
            for name in ("scores", "fit_time", "score_time")
        )
        self.cv_results_ = format_results(grid, scores, fit_times, score_times)
        self.coefs_paths_ = np.array([fold.coefs for fold in folds])
        self.n_splits_ = len(folds)
        self.best_index_ = SELECTIONS[self.selection](self.cv_results_)
        self.best_params_ = self.cv_results_["params"][self.best_index_]
        self.best_score_ = float(self.cv_results_["mean_test_score"][self.best_index_])
        self.delta_, self.alpha_ = self.best_params_["delta"], self.best_params_["alpha"]


def _splits(
    cv: Any, X: Any, y: Any, split_params: dict[str, Any], n_rows: int
) -> list[tuple[Any, Any]]:
    """Pairs of row numbers; of a Dask collection a splitter sees only how many rows there are."""
    if not is_collection(X):
        return list(check_cv(cv, y).split(X, y, **split_params))
    splitter = check_cv(cv)
    try:
        return list(splitter.split(np.broadcast_to(0.0, (n_rows, 1)), **split_params))
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"cv={splitter!r} cannot split by the number of rows alone, which is all that it is "
            f"told of a Dask collection ({error}). Take a splitter that does not look at y, such "
            "as KFold, or pass pairs of row numbers: list(cv.split(numpy.zeros(n), labels)) with "
            "labels in memory."
        ) from error


def _checked_grid(values: ArrayLike, name: str, interval: str) -> list[float]:
    """A grid as a list of floats, if it is one."""
    try:
        # Of text and booleans NumPy would make numbers.
        if any(isinstance(value, (str, bytes, bool, np.bool_)) for value in np.ravel(values)):
            raise ValueError("not numbers")
        grid = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must be numbers in {interval}, got {values!r}.") from error
    if grid.ndim != 1 or grid.size == 0:
        raise ValueError(
            f"{name} must be a list of at least one number in {interval}, got {values!r}."
        )
    valid = grid > 0.0 if name == "deltas" else (grid >= 0.0) & np.isfinite(grid)
    if not valid.all():
        raise ValueError(
            f"{name} must be numbers in {interval}, got {grid[~valid][0]!s}: leave it out."
        )
    if not np.all(np.diff(grid) > 0.0):
        raise ValueError(
            f"{name} must be increasing without repetition, got {grid.tolist()}: pass "
            f"sorted(set({name}))."
        )
    return grid.tolist()


def _takes_weights(scorer: Callable[..., Any]) -> bool:
    metric = getattr(scorer, "_score_func", scorer)
    return "sample_weight" in signature(metric).parameters
