"""Huber regression with an elastic-net penalty chosen by cross-validation."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils._param_validation import Interval, StrOptions

from robustreg.annotations import Features, Scale
from robustreg.design import as_design
from robustreg.design.prediction import is_single
from robustreg.estimators.elastic_net import HuberElasticNet
from robustreg.estimators.elastic_net_folds import (
    SELECTIONS,
    FoldPath,
    checked_ratios,
    fit_folds,
    score_threshold,
)
from robustreg.estimators.elastic_net_path import in_user_units, path_over
from robustreg.estimators.elastic_net_problem import (
    CONSTRAINTS,
    ElasticNetProblem,
    checked_alphas,
    data_in_memory,
    warn_of_doubt,
    warn_of_end,
)
from robustreg.estimators.progress import TaskList
from robustreg.estimators.search_grid import row_splits
from robustreg.estimators.search_results import format_results
from robustreg.metrics import make_huber_scorer
from robustreg.parameters import fit_method
from robustreg.problem import Problem
from robustreg.solvers.elastic_net import Ending, Fit, Path

__all__ = ["HuberElasticNetCV"]

Vector = NDArray[np.float64]


class HuberElasticNetCV(HuberElasticNet):
    """Huber regression with an elastic-net penalty chosen by cross-validation.

    A path of fits at decreasing alphas is computed on all rows and on the training rows of each
    fold. The score of a candidate is minus the mean Huber loss of its validation residuals. The
    threshold of this loss is half the scale of a pilot, a first fit that resists outliers, so that
    outliers among the validation rows do not decide the choice. In a fold, which has m of the n
    rows, alpha is adjusted to have the same effect: the factor of ``|w|`` is multiplied by
    ``sqrt(n/m)``, as the noise of a slope is, and the factor of ``w²`` by ``n/m``.

    Parameters
    ----------
    l1_ratio : float or array-like of floats, default=0.5
        As in :class:`HuberElasticNet`. Among several values, the best is chosen.
    eps : float, default=1e-3
        Smallest alpha of the grid divided by the largest.
    n_alphas : int, default=100
        Number of alphas in the grid.
    alphas : array-like, default=None
        Alphas to use instead of the grid, which begins where all penalised coefficients are zero.
    delta : float, default=1.345
    scale : {"joint", "mad"} or float, default="joint"
    fit_intercept : bool, default=True
    positive : bool, default=False
    penalty_factors : array-like of shape (n_features,), default=None
        This and the four parameters above are as in :class:`HuberElasticNet`.
    cv : int, cross-validation generator or iterable, default=None
        As in ``GridSearchCV``: None for five folds.
    selection : {"best", "one_se"}, default="best"
        ``"best"`` chooses the highest mean score. ``"one_se"`` chooses, for the l1_ratio of that
        candidate, the largest alpha whose mean score is at most one standard error lower.
    max_iter : int, default=100
    tol : float, default=1e-6
        This and ``max_iter`` are as in :class:`HuberElasticNet`.
    n_jobs : int, default=None
        Number of folds to run in parallel, in threads by default (see ``joblib.parallel_config``).

    Attributes
    ----------
    alpha_, l1_ratio_ : float
        Values of the chosen candidate.
    alphas_ : ndarray of shape (n_alphas,), or a list of them for several l1_ratio
        Candidates in decreasing order: the alphas reached by the path on all rows and by the paths
        of all folds.
    unreached_alphas_ : ndarray, or a list of them
        The other alphas, for which a path had ended because it was saturated: see
        :func:`enet_path`.
    best_score_ : float
        Mean score of the chosen candidate.
    best_index_ : int
        Index of the chosen candidate in ``cv_results_``.
    best_params_ : dict
        ``alpha`` and ``l1_ratio`` of the chosen candidate.
    cv_results_ : dict
        In the layout of ``GridSearchCV``, with ``param_alpha`` and ``param_l1_ratio``.
    coefs_paths_ : ndarray of shape (n_splits, n_candidates, n_features)
        Coefficients of each candidate in each fold, with the adjusted alpha, in the order of
        ``cv_results_``.
    coef_path_ : ndarray of shape (n_candidates, n_features)
        Coefficients of each candidate fitted to all rows.
    n_splits_ : int
        Number of folds.
    scorer_ : callable
        The scorer: ``scorer_(model, X, y)`` is the score of a model.
    coef_ : ndarray of shape (n_features,)
        Coefficients of the chosen candidate, fitted to all rows.
    sparse_coef_, intercept_, scale_, delta_, threshold_, weights_, outliers_, n_iter_, n_passes_, \
            optimality_, n_features_in_, feature_names_in_
        Attributes of that fit, as in :class:`HuberElasticNet`.

    Warns
    -----
    UserWarning
        If a path did not reach some of the given ``alphas``.
    ConvergenceWarning, ExactFitWarning
        As in :class:`HuberElasticNet` for the final fit, and at most once for all folds together.

    See Also
    --------
    HuberElasticNet : The fit at one alpha.
    robustreg.inspection.PathDisplay : Draws coefficients and scores against alpha.

    Notes
    -----
    scikit-learn and glmnet do not adjust alpha: they choose it for the rows of a fold and use it
    for a quarter more rows. With 100 rows, 200 columns of which 5 matter and 0 to 20 % of outliers,
    the squared error of the coefficients was then 1.03 to 1.26 times that of the best alpha in
    hindsight. With the adjustment it is 1.03 to 1.12 times (medians of the same 20 samples in six
    settings).

    Examples
    --------
    >>> import numpy as np
    >>> from robustreg import HuberElasticNetCV
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(100, 20))
    >>> y = 3.0 * X[:, 0] - 2.0 * X[:, 1] + rng.normal(size=100)
    >>> y[::10] += 50.0
    >>> model = HuberElasticNetCV(l1_ratio=1.0, selection="one_se").fit(X, y)
    >>> np.flatnonzero(model.coef_)
    array([0, 1])
    """

    _parameter_constraints: dict[str, list[Any]] = CONSTRAINTS | {
        "l1_ratio": [Interval(Real, 0, 1, closed="both"), "array-like"],
        "eps": [Interval(Real, 0, 1, closed="neither")],
        "n_alphas": [Interval(Integral, 1, None, closed="left")],
        "alphas": ["array-like", None],
        "cv": ["cv_object"],
        "selection": [StrOptions(set(SELECTIONS))],
        "n_jobs": [Integral, None],
    }

    def __init__(
        self,
        *,
        l1_ratio: float | ArrayLike = 0.5,
        eps: float = 1e-3,
        n_alphas: int = 100,
        alphas: ArrayLike | None = None,
        delta: float = 1.345,
        scale: Scale = "joint",
        fit_intercept: bool = True,
        positive: bool = False,
        penalty_factors: ArrayLike | None = None,
        cv: Any = None,
        selection: Literal["best", "one_se"] = "best",
        max_iter: int = 100,
        tol: float = 1e-6,
        n_jobs: int | None = None,
    ) -> None:
        self.l1_ratio = l1_ratio  # type: ignore[assignment]
        self.eps = eps
        self.n_alphas = n_alphas
        self.alphas = alphas
        self.delta = delta
        self.scale = scale
        self.fit_intercept = fit_intercept
        self.positive = positive
        self.penalty_factors = penalty_factors
        self.cv = cv
        self.selection = selection
        self.max_iter = max_iter
        self.tol = tol
        self.n_jobs = n_jobs

    @fit_method
    def fit(
        self,
        X: Features,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        groups: ArrayLike | None = None,
    ) -> HuberElasticNetCV:
        """Choose alpha, and fit the chosen model to all rows.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
        sample_weight : array-like of shape (n_samples,), optional
            Nonnegative frequencies, used in fits and in scores.
        groups : array-like of shape (n_samples,), optional
            Groups for the splitter.

        Returns
        -------
        HuberElasticNetCV
            The fitted estimator itself.

        Raises
        ------
        ValueError
            As in :class:`HuberElasticNet`; if ``alphas`` are not positive; or if ``l1_ratio`` is 0
            and ``alphas`` is not given.
        """
        ratios = checked_ratios(self.l1_ratio)
        given = [checked_alphas(self.alphas, ratio) for ratio in ratios]
        given_data = X, y
        X, y, weights = data_in_memory(self, X, y, sample_weight)
        design = as_design(X, y, weights, centered=bool(self.fit_intercept))
        splits = row_splits(self.cv, X, y, {"groups": groups}, design.n_rows)
        if not splits:
            raise ValueError("cv gives no split: pass at least one pair of training and test rows.")
        names = ["path", *["fold"] * len(splits)]
        tasks = TaskList(self, *given_data, {"sample_weight": sample_weight}, names)
        statements = [ElasticNetProblem.of(self, ratio) for ratio in ratios]
        options = {"tol": self.tol, "max_iter": self.max_iter}
        with tasks.task(0):
            grid = {"eps": self.eps, "n_alphas": self.n_alphas}
            found = [
                path_over(statement, design, alphas, options | grid)
                for statement, alphas in zip(statements, given, strict=True)
            ]
        grids = [path.alphas[: len(path.fits)] for _, path in found]
        threshold = score_threshold(design, statements[0], grids[0])
        folds = fit_folds(
            design, statements, grids, splits, threshold, options, tasks, n_jobs=self.n_jobs
        )
        kept = self._keep_reached([path for _, path in found], folds, grids)
        problem, fit = self._choose(found, folds, kept)
        self.scorer_ = make_huber_scorer(threshold)
        self._single_ = is_single(X)
        self._store(problem, fit)
        tasks.close()
        warn_of_doubt(fit, type(self).__name__, self.tol, self.max_iter)
        return self

    def _keep_reached(
        self, paths: Sequence[Path], folds: Sequence[FoldPath], grids: Sequence[Vector]
    ) -> NDArray[np.bool_]:
        """Flag the candidates that all paths reached, and warn of given alphas not reached."""
        kept: NDArray[np.bool_] = np.isfinite(np.array([fold.scores for fold in folds])).all(axis=0)
        parts = np.split(kept, np.cumsum([grid.size for grid in grids])[:-1])
        alphas, unreached = [], []
        for path, part, grid in zip(paths, parts, grids, strict=True):
            count = int(part.sum())
            alphas.append(grid[:count])
            unreached.append(path.alphas[count:])
            if self.alphas is not None and unreached[-1].size:
                ending = Ending.NO_FREEDOM if path.ending is Ending.COMPLETE else path.ending
                warn_of_end(Path(path.alphas, path.fits[:count], ending))
        several = np.ndim(self.l1_ratio) > 0
        self.alphas_ = alphas if several else alphas[0]
        self.unreached_alphas_ = unreached if several else unreached[0]
        return kept

    def _choose(
        self,
        found: Sequence[tuple[Problem, Path]],
        folds: Sequence[FoldPath],
        kept: NDArray[np.bool_],
    ) -> tuple[Problem, Fit]:
        """Store the results of the search and return the chosen fit."""
        fits = [(problem, fit) for problem, path in found for fit in path.fits]
        candidates = [pair for pair, keep in zip(fits, kept, strict=True) if keep]
        grid = [
            {"alpha": fit.alpha, "l1_ratio": problem.penalty.l1_ratio}  # type: ignore[attr-defined]
            for problem, fit in candidates
        ]
        scores = np.column_stack([fold.scores[kept] for fold in folds])
        times = (
            np.column_stack([np.full(len(grid), getattr(fold, name)) for fold in folds])
            for name in ("fit_time", "score_time")
        )
        self.cv_results_ = format_results(grid, scores, *times)
        self.coefs_paths_ = np.array([fold.coefs[kept] for fold in folds])
        self.coef_path_ = np.concatenate([in_user_units(*pair)[0] for pair in found])[kept]
        self.n_splits_ = len(folds)
        self.best_index_ = SELECTIONS[self.selection](self.cv_results_)
        self.best_params_ = self.cv_results_["params"][self.best_index_]
        self.best_score_ = float(self.cv_results_["mean_test_score"][self.best_index_])
        self.alpha_, self.l1_ratio_ = self.best_params_["alpha"], self.best_params_["l1_ratio"]
        return candidates[self.best_index_]
