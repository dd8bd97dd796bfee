"""``HuberRegressorCV`` gives the results of ``GridSearchCV`` over ``HuberRegressor``."""

import numpy as np
import pytest
import scipy.sparse as sp
from joblib import parallel_config
from numpy.testing import assert_allclose, assert_array_equal
from problems import conditioned, plain
from sklearn.base import clone
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    LeaveOneGroupOut,
    PredefinedSplit,
    RepeatedKFold,
    ShuffleSplit,
    TimeSeriesSplit,
    cross_val_score,
)

from robustreg import HuberRegressor, HuberRegressorCV
from robustreg.design import as_design
from robustreg.estimators.search_grid import candidate_alphas
from robustreg.metrics import huber_loss
from robustreg.tuning import delta_grid

INFINITY = float("inf")
DELTAS = [0.5, 0.8, 1.345, 2.5, INFINITY]

#: Scores, their means and deviations: a relative error of 1e-6 in each.
CELL = 1e-6


@pytest.fixture
def data(rng):
    return plain(rng, n=150, p=4, contamination=0.1)


def exhaustive(model, X, y, **fit_params):
    """Run ``GridSearchCV`` over the candidates of a fitted search, with its folds and scorer."""
    names = ("scale", "fit_intercept", "solver", "max_iter", "tol")
    regressor = HuberRegressor(**{name: getattr(model, name) for name in names})
    grid = {
        "alpha": sorted(set(model.cv_results_["param_alpha"].tolist())),
        "delta": sorted(set(model.cv_results_["param_delta"].tolist())),
    }
    search = GridSearchCV(regressor, grid, cv=model.cv, scoring=model.scorer_)
    return search.fit(X, y, **fit_params)


def assert_same_results(model, search):
    """Check that layout and numbers are the same, except for the times."""
    ours, theirs = model.cv_results_, search.cv_results_
    assert list(ours) == list(theirs)
    assert ours["params"] == theirs["params"]
    for key, cells in theirs.items():
        if key.startswith("param_"):
            assert_array_equal(ours[key], cells)
            assert isinstance(ours[key], np.ma.MaskedArray)
            assert ours[key].dtype == cells.dtype
        elif key == "rank_test_score":
            # Least squares and a delta beyond all residuals are the same fit, ranked by rounding
            # errors.
            near = np.isclose(
                theirs["mean_test_score"][:, None], theirs["mean_test_score"], CELL, 0
            )
            alone = near.sum(axis=1) == 1
            assert_array_equal(ours[key][alone], cells[alone])
        elif key.endswith("test_score"):
            # Scores of one fold may nearly agree: their deviation is as exact as they are.
            size = np.abs(theirs["mean_test_score"]).max() if key.startswith("std") else 0.0
            assert_allclose(ours[key], cells, rtol=CELL, atol=CELL * size, err_msg=key)
            assert ours[key].dtype == cells.dtype
        elif key.endswith("_time"):
            assert ours[key].shape == cells.shape
            assert (ours[key] >= 0.0).all()
    if alone[search.best_index_]:
        assert model.best_index_ == search.best_index_
        assert model.best_params_ == search.best_params_
    assert_allclose(model.best_score_, search.best_score_, rtol=CELL)
    assert model.n_splits_ == search.n_splits_


SETTINGS = [
    {},
    {"deltas": DELTAS, "alphas": [0.0, 0.5, 20.0]},
    {"alphas": [3.0]},
    {"scale": "mad", "deltas": DELTAS},
    {"scale": 1.5},
    {"scale": 0.7, "deltas": DELTAS, "alphas": [0.0, 1.0]},
    {"fit_intercept": False},
    {"fit_intercept": False, "scale": 2.0, "alphas": [0.1, 1.0]},
    {"solver": "newton", "scale": "mad", "alphas": [0.1, 1.0]},
    {"deltas": [0.05, 0.1, 0.3]},
    {"deltas": [INFINITY]},
    {"deltas": [1.345, 50.0, 1e6]},
    {"scoring": "r2"},
    {"scoring": "neg_median_absolute_error", "alphas": [0.0, 10.0]},
]


class TestCells:
    @pytest.mark.parametrize("settings", SETTINGS, ids=str)
    def test_equal_those_of_an_exhaustive_search(self, data, settings):
        model = HuberRegressorCV(**settings).fit(*data)
        assert_same_results(model, exhaustive(model, *data))

    @pytest.mark.parametrize(
        ("n", "p", "cond", "spread", "contamination"),
        [
            (40, 2, 1.0, 1.0, 0.0),
            (60, 8, 1.0, 1e6, 0.1),
            (300, 5, 1e4, 1.0, 0.2),
            (200, 3, 1.0, 1.0, 0.35),
            (1200, 20, 10.0, 1e3, 0.25),
        ],
    )
    def test_on_problems_of_every_condition(self, rng, n, p, cond, spread, contamination):
        X, y = conditioned(rng, n, p, cond=cond, spread=spread, contamination=contamination)
        model = HuberRegressorCV(deltas=DELTAS).fit(X, y)
        assert_same_results(model, exhaustive(model, X, y))

    @pytest.mark.parametrize("unit", [1e-100, 1e-8, 1e8, 1e100])
    def test_in_any_unit_of_y(self, data, unit):
        X, y = data
        expected = HuberRegressorCV(deltas=DELTAS).fit(X, y)
        model = HuberRegressorCV(deltas=DELTAS).fit(X, unit * y)
        assert model.delta_ == expected.delta_
        scores, known = (m.cv_results_["mean_test_score"] for m in (model, expected))
        assert_allclose(scores / unit / unit, known, rtol=CELL)

    @pytest.mark.parametrize(
        "cv",
        [
            3,
            KFold(4, shuffle=True, random_state=1),
            ShuffleSplit(3, test_size=0.2, random_state=2),
            # Training folds below a quarter of the rows are copied.
            ShuffleSplit(3, test_size=0.5, train_size=0.2, random_state=3),
            RepeatedKFold(n_splits=3, n_repeats=2, random_state=4),
            TimeSeriesSplit(4),
            PredefinedSplit(np.arange(150) % 3 - 1),
        ],
        ids=lambda cv: str(cv)[:40],
    )
    def test_splitters(self, data, cv):
        model = HuberRegressorCV(deltas=DELTAS, cv=cv).fit(*data)
        assert_same_results(model, exhaustive(model, *data))

    @pytest.mark.parametrize("cv", [GroupKFold(4), LeaveOneGroupOut()], ids=str)
    def test_groups(self, data, cv):
        groups = np.arange(150) // 7 % 6
        model = HuberRegressorCV(deltas=DELTAS, cv=cv).fit(*data, groups=groups)
        assert_same_results(model, exhaustive(model, *data, groups=groups))

    @pytest.mark.parametrize("kind", ["numbers", "masks", "lists", "negative"])
    def test_pairs_of_rows_overlapping_repeated_and_incomplete(self, data, kind):
        drawn = np.random.default_rng(5).integers(0, 150, size=(2, 120))  # bootstrap samples
        folds = [(drawn[0], np.arange(20)), (drawn[1], np.arange(140, 150))]
        # As many rows as there are, but some of them twice.
        folds.append((np.arange(0, 120), np.repeat(np.arange(120, 135), 2)))
        if kind == "masks":
            number = np.arange(150)
            folds = [(number < 100, number >= 90), (number % 2 == 0, number % 2 == 1)]
        elif kind == "lists":
            folds = [(train.tolist(), test.tolist()) for train, test in folds]
        elif kind == "negative":
            folds = [(np.arange(30, 150) - 150, np.arange(30))]
        model = HuberRegressorCV(deltas=DELTAS, cv=folds).fit(*data)
        assert_same_results(model, exhaustive(model, *data))

    @pytest.mark.parametrize("matrix", [sp.csr_array, sp.csc_matrix, np.asfortranarray])
    def test_sparse_and_fortran_ordered(self, rng, matrix):
        X, y = conditioned(rng, 120, 6, density=0.4, contamination=0.1)
        dense = HuberRegressorCV(deltas=DELTAS, alphas=[0.0, 1.0]).fit(X, y)
        model = HuberRegressorCV(deltas=DELTAS, alphas=[0.0, 1.0]).fit(matrix(X), y)
        assert_same_results(model, dense)
        assert_same_results(model, exhaustive(model, sp.csr_array(X), y))

    def test_single_precision(self, data):
        X, y = (array.astype(np.float32) for array in data)
        model = HuberRegressorCV(deltas=DELTAS).fit(X, y)
        assert_same_results(model, HuberRegressorCV(deltas=DELTAS).fit(X.astype(float), y))

    def test_dependent_columns_have_no_path(self, rng):
        X, y = plain(rng, n=80, p=3)
        X = np.column_stack((X, X @ [1.0, -1.0, 2.0]))
        model = HuberRegressorCV(deltas=DELTAS).fit(X, y)
        assert_same_results(model, exhaustive(model, X, y))

    def test_more_columns_than_rows(self, rng):
        X, y = plain(rng, n=40, p=60)
        model = HuberRegressorCV(deltas=DELTAS, alphas=[1.0, 10.0], cv=4).fit(X, y)
        assert_same_results(model, exhaustive(model, X, y))


class TestOracles:
    def test_least_squares_is_the_candidate_infinity(self, data):
        X, y = data
        model = HuberRegressorCV(deltas=[1.0, INFINITY]).fit(X, y)
        expected = cross_val_score(LinearRegression(), X, y, scoring=model.scorer_)
        found = [model.cv_results_[f"split{k}_test_score"][1] for k in range(5)]
        assert_allclose(found, expected, rtol=CELL)
        chosen = HuberRegressorCV(deltas=[INFINITY]).fit(X, y)
        assert_allclose(chosen.coef_, LinearRegression().fit(X, y).coef_, rtol=1e-9)

    def test_ridge_is_infinity_with_a_given_scale(self, data):
        X, y = data
        scoring, alphas = "neg_mean_squared_error", [0.1, 10.0, 1000.0]
        model = HuberRegressorCV(deltas=[INFINITY], scale=1.0, alphas=alphas, scoring=scoring)
        model.fit(X, y)
        expected = [cross_val_score(Ridge(a), X, y, scoring=scoring).mean() for a in alphas]
        assert_allclose(model.cv_results_["mean_test_score"], expected, rtol=CELL)
        assert model.alpha_ == alphas[int(np.argmax(expected))]
        assert_allclose(model.coef_, Ridge(model.alpha_).fit(X, y).coef_, rtol=1e-9)

    @pytest.mark.parametrize("scale", ["joint", "mad", 2.0])
    def test_default_score_is_the_huber_loss_at_one_threshold(self, data, scale):
        X, y = data
        model = HuberRegressorCV(deltas=DELTAS, alphas=[0.5, 5.0], scale=scale).fit(X, y)
        pilot = HuberRegressor(delta=0.5, alpha=0.5, scale="mad").fit(X, y)
        threshold = 0.5 * pilot.scale_
        train, test = next(KFold(5).split(X))
        for k, params in enumerate(model.cv_results_["params"]):
            fitted = HuberRegressor(scale=scale, **params).fit(X[train], y[train])
            loss = huber_loss(y[test], fitted.predict(X[test]), delta=threshold)
            assert_allclose(model.cv_results_["split0_test_score"][k], -loss, rtol=CELL)

    def test_the_chosen_model_is_fitted_to_all_rows(self, data):
        X, y = data
        weights = np.arange(150) % 4.0
        # The fits start from the path's solution. Both end within tol of the minimiser.
        model = HuberRegressorCV(deltas=DELTAS, alphas=[0.0, 2.0], tol=1e-11).fit(X, y, weights)
        chosen = {"delta": model.delta_, "alpha": model.alpha_}
        expected = HuberRegressor(**chosen, tol=1e-11).fit(X, y, weights)
        for name in ("coef_", "intercept_", "scale_", "threshold_", "weights_", "outliers_"):
            assert_allclose(getattr(model, name), getattr(expected, name), rtol=1e-11, err_msg=name)
        assert_allclose(model.predict(X), expected.predict(X), rtol=1e-11)
        assert_allclose(model.score(X, y), expected.score(X, y), rtol=1e-11)
        assert 0.0 <= model.optimality_ <= model.tol


class TestGrids:
    def test_by_efficiency_where_the_scale_is_estimated(self, data):
        for scale in ("joint", "mad"):
            model = HuberRegressorCV(scale=scale).fit(*data)
            assert_array_equal(model.cv_results_["param_delta"], delta_grid())
        assert model.cv_results_["param_delta"][0] == 0.5
        assert model.cv_results_["param_delta"][-1] == INFINITY

    @pytest.mark.parametrize("scale", [0.25, 1.0, 40.0])
    def test_in_units_of_the_data_where_the_scale_is_a_number(self, data, scale):
        """Thresholds delta x scale are quantiles of the pilot's residuals, whatever the scale."""
        X, y = data
        model = HuberRegressorCV(scale=scale).fit(X, y)
        residuals = y - HuberRegressor(delta=0.5, scale="mad").fit(X, y).predict(X)
        thresholds = scale * np.asarray(model.cv_results_["param_delta"])
        assert_allclose(thresholds, delta_grid(residuals=residuals), rtol=1e-6)
        assert np.isin(thresholds[:-1].round(6), np.abs(residuals).round(6)).all()
        # 79 % efficiency at normal errors: the quantile at the level P(|Z| < 0.5).
        assert_allclose(np.mean(np.abs(residuals) <= thresholds[0] * (1 + 1e-6)), 0.383, atol=0.01)

    def test_thresholds_follow_the_unit_of_y(self, data):
        X, y = data
        one, thousand = (HuberRegressorCV(scale=1.0).fit(X, c * y) for c in (1.0, 1000.0))
        assert_allclose(thousand.delta_, 1000 * one.delta_, rtol=1e-6)
        assert_allclose(thousand.coef_, 1000 * one.coef_, rtol=1e-5)

    def test_any_array_like(self, data):
        pd = pytest.importorskip("pandas")
        expected = HuberRegressorCV(deltas=DELTAS, alphas=[0.0, 1.0], cv=3).fit(*data)
        for kind in (tuple, np.array, pd.Series):
            model = HuberRegressorCV(deltas=kind(DELTAS), alphas=kind([0.0, 1.0]), cv=3).fit(*data)
            assert model.cv_results_["params"] == expected.cv_results_["params"]
        # They are Python floats, as from a grid of GridSearchCV, and print well.
        assert {type(value) for p in model.cv_results_["params"] for value in p.values()} == {float}


class TestGridOfAlphas:
    """``alphas=None`` gives no penalty, and equal steps of the effective parameters."""

    @staticmethod
    def effective(alpha, X, weights=None, intercept=True):
        """Return the trace of a ridge fit's smoother, without the intercept, by its definition."""
        weights = np.ones(len(X)) if weights is None else weights
        root = np.sqrt(weights)[:, None]
        Z = root * (X - np.average(X, axis=0, weights=weights) if intercept else X)
        squares = np.linalg.svd(Z, compute_uv=False) ** 2
        return np.sum(squares / (squares + alpha))

    @pytest.mark.parametrize("intercept", [True, False])
    @pytest.mark.parametrize("kind", [np.asarray, sp.csr_array])
    @pytest.mark.parametrize("weighted", [False, True])
    def test_shares_of_the_effective_parameters(self, rng, intercept, kind, weighted):
        X, y = conditioned(rng, 120, 6, cond=30.0)
        X += 1.0
        weights = rng.integers(0, 4, len(y)) * 1.0 if weighted else None
        model = HuberRegressorCV(deltas=[1.0], alphas=None, cv=2, fit_intercept=intercept)
        alphas = model.fit(kind(X), y, weights).cv_results_["param_alpha"].tolist()
        assert alphas[0] == 0.0
        found = [self.effective(alpha, X, weights, intercept) / 6 for alpha in alphas[1:]]
        assert_allclose(found, [0.9, 0.7, 0.5, 0.3, 0.1], rtol=0.01)

    def test_scores_are_those_of_an_exhaustive_search(self, data):
        model = HuberRegressorCV(deltas=[0.7, 1.345, INFINITY], alphas=None, cv=3).fit(*data)
        assert len(set(model.cv_results_["param_alpha"])) == 6
        assert_same_results(model, exhaustive(model, *data))

    def test_follow_the_units_of_the_columns_and_the_number_of_rows(self, data):
        X, y = data
        model = HuberRegressorCV(deltas=[1.0], alphas=None, cv=3)
        one = model.fit(X, y).cv_results_["param_alpha"]
        assert_allclose(clone(model).fit(100.0 * X, y).cv_results_["param_alpha"], 1e4 * one)
        twice = clone(model).fit(np.tile(X, (2, 1)), np.tile(y, 2))
        assert_allclose(twice.cv_results_["param_alpha"], 2 * one, rtol=0.01)

    def test_a_penalty_is_chosen_where_it_helps(self, rng):
        """With 30 columns without an effect in 90 rows, a strong penalty is best."""
        X, y = rng.normal(size=(90, 30)), rng.standard_t(3, size=90)
        model = HuberRegressorCV(deltas=[1.0], alphas=None).fit(X, y)
        assert model.alpha_ == max(model.cv_results_["param_alpha"])

    @pytest.mark.parametrize(("n", "p"), [(60, 200), (60, 40)])
    def test_without_rows_for_an_unpenalised_fit_zero_is_no_candidate(self, rng, n, p):
        X = rng.normal(size=(n, p))
        y = X[:, 0] + 0.1 * rng.normal(size=n)
        model = HuberRegressorCV(deltas=[1.0], alphas=None, scale=0.1, cv=3).fit(X, y)
        alphas = np.unique(model.cv_results_["param_alpha"])
        assert alphas.size == 5
        found = [self.effective(alpha, X) / min(n - 1, p) for alpha in alphas]
        assert_allclose(found, [0.9, 0.7, 0.5, 0.3, 0.1], rtol=0.01)

    def test_of_a_constant_column_there_is_none_but_zero(self, rng):
        model = HuberRegressorCV(deltas=[1.0], alphas=None).fit(
            np.ones((40, 1)), rng.normal(size=40)
        )
        assert model.cv_results_["param_alpha"].tolist() == [0.0]

    def test_of_lazy_chunks(self, rng):
        da = pytest.importorskip("dask.array")
        X, y = plain(rng, n=200, p=3)
        model = HuberRegressorCV(deltas=[1.0], alphas=None, cv=3).fit(X, y)
        lazy = clone(model).fit(da.from_array(X, chunks=(50, 3)), da.from_array(y, chunks=50))
        assert lazy.cv_results_["params"] == model.cv_results_["params"]

    def test_of_more_columns_than_a_gram_matrix_is_formed_for(self, rng):
        """For uncorrelated columns, the squared lengths are the eigenvalues."""
        X = sp.csr_array(rng.random((2400, 2100)) * (rng.random((2400, 2100)) < 0.02))
        design = as_design(X, rng.normal(size=2400), None, centered=True)
        alphas = candidate_alphas(HuberRegressorCV(alphas=None), design)
        lengths = (X.multiply(X)).sum(axis=0) - X.sum(axis=0) ** 2 / 2400
        shares = [np.mean(lengths / (lengths + alpha)) for alpha in alphas]
        assert_allclose(shares, [0.9, 0.7, 0.5, 0.3, 0.1], rtol=0.01)


class TestSelection:
    def test_best_is_the_highest_mean_score(self, data):
        model = HuberRegressorCV(alphas=[0.0, 1.0, 10.0]).fit(*data)
        results = model.cv_results_
        assert model.best_index_ == int(np.argmax(results["mean_test_score"]))
        assert results["rank_test_score"][model.best_index_] == 1
        assert model.best_score_ == results["mean_test_score"].max()
        assert model.best_params_ == {"alpha": model.alpha_, "delta": model.delta_}

    @pytest.mark.parametrize("alphas", [[0.0], [0.0, 1.0, 10.0, 100.0]])
    def test_one_se_is_the_simplest_within_one_standard_error(self, rng, alphas):
        X, y = plain(rng, n=80, p=4, contamination=0.05)
        model = HuberRegressorCV(alphas=alphas, selection="one_se").fit(X, y)
        results = model.cv_results_
        scores = np.array([results[f"split{k}_test_score"] for k in range(5)])
        means, errors = scores.mean(axis=0), scores.std(axis=0, ddof=1) / np.sqrt(5)
        best = int(np.argmax(means))
        near = [
            (params["alpha"], params["delta"])
            for params, mean in zip(results["params"], means, strict=True)
            if mean >= means[best] - errors[best]
        ]
        assert (model.alpha_, model.delta_) == max(near)
        assert (model.alpha_, model.delta_) != tuple(results["params"][best].values())
        assert model.best_score_ == results["mean_test_score"][model.best_index_]

    def test_without_outliers_one_se_is_least_squares(self, rng):
        X = rng.normal(size=(300, 3))
        y = X.sum(axis=1) + rng.normal(size=300)
        assert HuberRegressorCV(selection="one_se").fit(X, y).delta_ == INFINITY

    def test_one_split_has_no_standard_error(self, data):
        split = ShuffleSplit(1, random_state=0)
        best, simplest = (
            HuberRegressorCV(cv=split, selection=selection).fit(*data)
            for selection in ("best", "one_se")
        )
        assert best.best_params_ == simplest.best_params_


class TestWeights:
    def test_are_frequencies_in_fits_and_scores(self, data):
        X, y = data
        counts = np.random.default_rng(6).integers(0, 4, size=150)
        fold = np.arange(150) % 4
        model = HuberRegressorCV(deltas=DELTAS, alphas=[0.0, 1.0], cv=PredefinedSplit(fold))
        repeated = clone(model).set_params(cv=PredefinedSplit(np.repeat(fold, counts)))
        repeated.fit(np.repeat(X, counts, axis=0), np.repeat(y, counts))
        assert_same_results(model.fit(X, y, counts), repeated)
        assert_allclose(model.coef_, repeated.coef_, rtol=1e-6)

    def test_of_zero_leave_a_row_out_whatever_it_holds(self, data):
        X, y = data
        kept = np.arange(150) % 5 != 0
        fold = np.arange(150) // 7 % 4
        model = HuberRegressorCV(deltas=DELTAS, cv=PredefinedSplit(fold))
        few = clone(model).set_params(cv=PredefinedSplit(fold[kept])).fit(X[kept], y[kept])
        wild = np.where(kept, y, 1e30)
        assert_same_results(model.fit(X, wild, kept.astype(float)), few)

    @pytest.mark.parametrize("scoring", [None, "neg_mean_absolute_error"])
    def test_reach_the_scorer(self, data, scoring):
        X, y = data
        weights = np.random.default_rng(7).uniform(0.5, 2.0, size=150)
        model = HuberRegressorCV(deltas=DELTAS, scoring=scoring).fit(X, y, weights)
        for number, (train, test) in enumerate(KFold(5).split(X)):
            fitted = HuberRegressor(delta=DELTAS[1]).fit(X[train], y[train], weights[train])
            expected = model.scorer_(fitted, X[test], y[test], sample_weight=weights[test])
            found = model.cv_results_[f"split{number}_test_score"][1]
            assert_allclose(found, expected, rtol=CELL)


class TestWorkers:
    @pytest.mark.parametrize("settings", [{}, {"alphas": [0.0, 1.0]}, {"scale": "mad"}], ids=str)
    @pytest.mark.parametrize("backend", ["threading", "loky"])
    def test_do_not_change_the_last_bit(self, data, settings, backend):
        settings = {"deltas": DELTAS, **settings}
        one = HuberRegressorCV(**settings, n_jobs=1).fit(*data)
        with parallel_config(backend=backend):
            two = HuberRegressorCV(**settings, n_jobs=2).fit(*data)
        assert (two.delta_, two.alpha_, two.best_index_) == (
            one.delta_,
            one.alpha_,
            one.best_index_,
        )
        for key, cells in one.cv_results_.items():
            if not key.endswith("_time"):
                assert_array_equal(two.cv_results_[key], cells, err_msg=key)
        assert_array_equal(two.coef_, one.coef_)
        assert_array_equal(two.weights_, one.weights_)

    def test_a_second_fit_gives_the_same_bits(self, data):
        model = HuberRegressorCV()
        first = model.fit(*data).cv_results_["mean_test_score"]
        assert_array_equal(model.fit(*data).cv_results_["mean_test_score"], first)


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("alphas", [(0.0,), (0.0, 1.0)])
def test_exact_responses_at_a_given_scale(seed, alphas):
    """Sums over the training rows are differences, and those of squares are not negative."""
    X = np.random.default_rng(seed).normal(size=(10 + seed, 4))
    model = HuberRegressorCV(scale=1.0, alphas=alphas, error_score="raise").fit(X, X[:, 0])
    if alphas == (0.0,):
        assert_allclose(model.coef_, [1.0, 0.0, 0.0, 0.0], atol=1e-6)
