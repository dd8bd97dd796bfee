"""Many responses to one X give the same numbers as separate fits."""

import pickle
import tracemalloc
import warnings
from itertools import product

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from effort import examples
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LinearRegression
from sklearn.metrics import r2_score
from sklearn.model_selection import GridSearchCV, cross_val_score

from robustreg import ExactFitWarning, HuberRegressor
from robustreg.estimators.many_fit import ManyFit
from robustreg.estimators.many_solutions import ManySolutions
from robustreg.exceptions import MissingResponseWarning

N, P = 60, 4
TOL = 1e-8  # of both fits, so that their difference is not an error of either

OPTIONS = [
    {"delta": delta, "scale": scale, "alpha": alpha, "fit_intercept": intercept}
    for delta, scale, alpha, intercept in product(
        (1.345, 0.5, "auto", np.inf), ("joint", "mad", 1.0), (0.0, 1.0), (True, False)
    )
]


def many(rng, n=N, p=P, k=40, outliers=0.05):
    X = rng.normal(size=(n, p)) + rng.normal(size=p)
    Y = X @ rng.normal(size=(p, k)) + rng.normal(size=(n, k))
    return X, Y + 10.0 * (rng.random((n, k)) < outliers)


def single_fits(model, X, Y, sample_weight=None):
    """Fit each response alone, without its NaN."""
    fits = []
    X = X.tocsr() if sp.issparse(X) else X  # other formats have no rows by number
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExactFitWarning)
        warnings.simplefilter("ignore", ConvergenceWarning)
        for y in Y.T:
            rows = ~np.isnan(y)
            weights = None if sample_weight is None else sample_weight[rows]
            fits.append(clone(model).fit(X[rows], y[rows], weights))
    return fits


def assert_equal_to_single_fits(model, X, Y, sample_weight=None, error=1e-6):
    """Return the difference in standard errors, of size scale / sqrt(n)."""
    design = np.column_stack((np.ones(X.shape[0]), X.toarray() if sp.issparse(X) else X))
    inverse = np.sqrt(np.diagonal(np.linalg.pinv(design.T @ design)))
    for j, fit in enumerate(single_fits(model, X, Y, sample_weight)):
        rows = ~np.isnan(Y[:, j])
        unit = error * fit.scale_ + 1e-13 * np.abs(Y[rows, j]).max()
        assert np.all(np.abs(model.coef_[j] - fit.coef_) <= unit * inverse[1:] + 1e-300), j
        assert abs(model.intercept_[j] - fit.intercept_) <= unit * max(inverse[0], 0.1) + 1e-300, j
        assert model.scale_[j] == pytest.approx(fit.scale_, rel=error, abs=1e-300), j
        assert model.delta_[j] == fit.delta_, j
        assert model.threshold_[j] == pytest.approx(fit.threshold_, rel=error, abs=1e-300), j
        assert model.converged_[j] == (fit.optimality_ <= model.tol), j
        np.testing.assert_allclose(model.weights_[rows, j], fit.weights_, atol=1e-4)
        np.testing.assert_array_equal(model.outliers_[rows, j], fit.outliers_)


class TestEqualToSingleFits:
    @pytest.mark.parametrize("options", OPTIONS, ids=str)
    def test_every_option(self, rng, options):
        X, Y = many(rng)
        model = HuberRegressor(tol=TOL, **options).fit(X, Y)
        assert_equal_to_single_fits(model, X, Y)

    @pytest.mark.parametrize("solver", ["lbfgs", "newton"])
    @pytest.mark.parametrize("scale", ["joint", "mad", 1.0])
    @pytest.mark.parametrize("kind", ["counts", "importance", "some zero"])
    def test_weights(self, rng, solver, scale, kind):
        X, Y = many(rng, k=20)
        weights = {
            "counts": rng.integers(1, 4, N).astype(float),
            "importance": rng.random(N),
            "some zero": rng.integers(0, 3, N).astype(float),
        }[kind]
        model = HuberRegressor(tol=TOL, solver=solver, scale=scale, delta="auto")
        assert_equal_to_single_fits(model.fit(X, Y, weights), X, Y, weights)

    @pytest.mark.parametrize("kind", [sp.csr_array, sp.csc_matrix, sp.coo_array])
    def test_sparse_X(self, rng, kind):
        X, Y = many(rng, k=10)
        X = kind(X * (rng.random(X.shape) < 0.3))
        model = HuberRegressor(tol=TOL).fit(X, Y)
        assert_equal_to_single_fits(model, X, Y)
        np.testing.assert_allclose(model.predict(X), model.predict(X.toarray()))

    @pytest.mark.parametrize(
        "shape", [(1, 3), (3, 5), (4, 3), (5, 3), (9, 3), (30, 40), (200, 70), (5000, 3)], ids=str
    )
    @pytest.mark.parametrize("alpha", [0.0, 1.0])
    @pytest.mark.filterwarnings("ignore::robustreg.ExactFitWarning")
    def test_shapes(self, rng, shape, alpha):
        X, Y = many(rng, *shape, k=5)
        model = HuberRegressor(tol=1e-7, alpha=alpha).fit(X, Y)
        assert_equal_to_single_fits(model, X, Y)

    @pytest.mark.parametrize("intercept", [True, False])
    @pytest.mark.parametrize("weighted", [True, False])
    @pytest.mark.parametrize("kind", ["copy", "dummies", "constant", "units", "far", "near copy"])
    @pytest.mark.filterwarnings("ignore:.*:sklearn.exceptions.ConvergenceWarning")
    def test_columns(self, rng, kind, weighted, intercept):
        """Dependent columns get coefficients of minimum norm."""
        X, Y = many(rng, k=6)
        X = {
            "copy": np.column_stack((X, X[:, 0])),
            "dummies": np.column_stack((X, np.eye(3)[np.arange(N) % 3])),
            "constant": np.column_stack((X, np.full(N, 5.0))),
            "units": X * np.array([1e-200, 1e-8, 1e8, 1e200]),
            "far": X + 1e6,
            "near copy": np.column_stack((X, X[:, 0] + 1e-6 * rng.normal(size=N))),
        }[kind]
        weights = rng.integers(0, 3, N).astype(float) if weighted else None
        model = HuberRegressor(fit_intercept=intercept).fit(X, Y, weights)
        for j, fit in enumerate(single_fits(model, X, Y, weights)):
            np.testing.assert_allclose(
                model.predict(X)[:, j], fit.predict(X), atol=1e-5 * fit.scale_
            )
            np.testing.assert_allclose(model.coef_[j], fit.coef_, rtol=1e-4, atol=1e-5)
            np.testing.assert_allclose(model.weights_[:, j], fit.weights_, atol=1e-4)

    @pytest.mark.parametrize("intercept", [True, False])
    def test_dependent_columns_are_solved_together(self, rng, monkeypatch, intercept):
        alone = []
        monkeypatch.setattr(ManyFit, "_alone", lambda self, table, j, found: alone.append(j))
        X, Y = many(rng, k=50)
        HuberRegressor(fit_intercept=intercept).fit(np.eye(4)[np.arange(N) % 4], Y)
        HuberRegressor(fit_intercept=intercept).fit(np.column_stack((X, X[:, :2])), Y)
        assert not alone

    @given(st.data())
    @examples(60)
    def test_anything(self, data):
        """The results are the same for any data, options and neighbours of a response."""
        rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1), label="seed"))
        n, p = data.draw(st.integers(2, 40), label="n"), data.draw(st.integers(1, 6), label="p")
        X, Y = many(rng, n, p, 6, outliers=data.draw(st.sampled_from([0.0, 0.1, 0.3])))
        Y *= 10.0 ** data.draw(st.integers(-6, 6), label="unit")
        kinds = ["plain", "constant", "exact", "wild", "rounded", "missing", "mostly zero"]
        for j, kind in enumerate(data.draw(st.lists(st.sampled_from(kinds), max_size=6))):
            Y[:, j] = changed(rng, X, Y[:, j], kind)
        model = HuberRegressor(
            delta=data.draw(st.sampled_from([0.3, 1.345, "auto"]), label="delta"),
            scale=data.draw(st.sampled_from(["joint", "mad", 1.0]), label="scale"),
            alpha=data.draw(st.sampled_from([0.0, 1e-3, 10.0]), label="alpha"),
            fit_intercept=data.draw(st.booleans(), label="intercept"),
            tol=1e-7,
            max_iter=500,
            missing="omit",
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExactFitWarning)
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(X, Y)
        for j, fit in enumerate(single_fits(model, X, Y)):
            if fit.optimality_ > model.tol:
                continue
            rows = ~np.isnan(Y[:, j])
            unit = 1e-5 * fit.scale_ + 1e-9 * np.median(np.abs(Y[rows, j]))
            if fit.scale_ == 0.0 and model.alpha == 0.0:
                # Least absolute deviations need not be unique, but their sum is.
                unit = 1e-9 * np.abs(Y[rows, j]).max() + 1e-300
                sums = [np.abs(m - Y[rows, j]).sum() for m in both(model, fit, X[rows], j)]
                assert sums[0] == pytest.approx(sums[1], rel=1e-9, abs=unit * n)
                continue
            one, other = both(model, fit, X[rows], j)
            np.testing.assert_allclose(one, other, atol=unit, rtol=1e-9)
            assert model.scale_[j] == pytest.approx(fit.scale_, rel=1e-5)


def both(model, fit, X, j):
    return model.predict(X)[:, j], fit.predict(X)


def changed(rng, X, y, kind):
    """Return a response of another kind."""
    if kind == "constant":
        return np.full_like(y, y[0])
    if kind == "exact":
        return y[0] * X[:, 0] + y[-1]
    if kind == "wild":
        return np.where(np.arange(y.size) == 1, 1e12 * y[0], y)
    if kind == "rounded":
        unit = 2.0 * np.abs(y).mean() + 1e-300
        return unit * np.round(y / unit)
    if kind == "missing":
        # At least one is left.
        return np.where((rng.random(y.size) < 0.3) & (np.arange(y.size) > 0), np.nan, y)
    if kind == "mostly zero":
        return y * (rng.random(y.size) < 0.3)
    return y


class TestEdges:
    def test_one_odd_response_costs_the_others_nothing(self, rng):
        X, Y = many(rng, k=8)
        expected = HuberRegressor(tol=TOL).fit(X, Y)
        for kind in ("constant", "exact", "wild", "mostly zero"):
            odd = Y.copy()
            odd[:, 3] = changed(rng, X, Y[:, 3], kind)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ExactFitWarning)
                model = HuberRegressor(tol=TOL).fit(X, odd)
            others = np.arange(8) != 3
            np.testing.assert_allclose(
                model.coef_[others], expected.coef_[others], rtol=0, atol=1e-12
            )
            assert model.converged_.all()

    @pytest.mark.parametrize("unit", [1e-100, 1e-6, 1e6, 1e100])
    def test_units_of_a_response(self, rng, unit):
        X, Y = many(rng, k=5)
        model, scaled = HuberRegressor(tol=TOL).fit(X, Y), HuberRegressor(tol=TOL).fit(X, unit * Y)
        np.testing.assert_allclose(scaled.coef_, unit * model.coef_, rtol=1e-7)
        np.testing.assert_allclose(scaled.scale_, unit * model.scale_, rtol=1e-7)

    def test_one_warning_names_all_that_are_fitted_exactly(self, rng):
        X, Y = many(rng, k=6)
        Y[:, 2], Y[:, 4] = 5.0, 2.0 * X[:, 1] - 1.0
        names = [f"gene{j}" for j in range(6)]
        with pytest.warns(
            ExactFitWarning, match="In responses 'gene2' and 'gene4' so many"
        ) as caught:
            model = HuberRegressor().fit(X, pd.DataFrame(Y, columns=names))
        assert len(caught) == 1
        assert model.scale_[[2, 4]].tolist() == [0.0, 0.0]
        assert model.threshold_[[2, 4]].tolist() == [0.0, 0.0]
        assert model.converged_.all()
        assert model.weights_[:, [2, 4]].min() == 1.0

    def test_one_warning_names_all_that_have_not_converged(self, rng):
        X, Y = many(rng, k=6)
        Y[:, 0] = 5.0
        with pytest.warns() as caught:
            model = HuberRegressor(delta=0.3, max_iter=1).fit(X, Y)
        assert [warning.category for warning in caught] == [ExactFitWarning, ConvergenceWarning]
        assert "responses 1, 2, 3, 4 and 5" in str(caught[1].message)
        assert model.converged_.tolist() == [True] + 5 * [False]

    def test_blocks_do_not_matter(self, rng, monkeypatch):
        X, Y = many(rng, k=100)
        whole = HuberRegressor().fit(X, Y)
        monkeypatch.setattr(ManyFit, "_width", 8)
        parts = HuberRegressor().fit(X, Y)
        np.testing.assert_allclose(parts.coef_, whole.coef_, rtol=0, atol=1e-12)
        np.testing.assert_allclose(parts.weights_, whole.weights_, rtol=0, atol=1e-12)

    def test_the_usual_options_are_solved_together(self, rng, monkeypatch):
        """Few responses are solved alone, which takes as long as a hundred in a block."""
        alone = []
        monkeypatch.setattr(ManyFit, "_alone", lambda self, table, j, found: alone.append(j))
        X, Y = many(rng, k=500)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", MissingResponseWarning)
            for options in OPTIONS:
                HuberRegressor(**options).fit(X, Y)
        assert len(alone) <= 1e-3 * 500 * len(OPTIONS)

    @pytest.mark.parametrize("dtype", [np.float64, np.float32])
    @pytest.mark.parametrize("options", [{}, {"delta": "auto"}, {"scale": "mad", "alpha": 1.0}])
    def test_memory(self, rng, monkeypatch, tmp_path, dtype, options):
        """A fit holds only blocks of a memory map, for any number of responses."""
        import robustreg.estimators.many_solutions as many_solutions

        n, p, k = 100, 10, 30_000
        monkeypatch.setattr(many_solutions, "KEPT_VALUES", 0)
        X = rng.normal(size=(n, p))
        Y = np.memmap(tmp_path / "Y", dtype=dtype, mode="w+", shape=(n, k))
        for row in Y:
            row[:] = rng.normal(size=k)
        Y.flush()
        HuberRegressor(**options).fit(X, Y[:, :100])
        tracemalloc.start()
        try:
            HuberRegressor(**options).fit(X, Y)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert peak < 200e6


class TestMissing:
    @pytest.mark.parametrize("scale", ["joint", "mad", 1.0])
    @pytest.mark.parametrize("delta", [1.345, "auto"])
    @pytest.mark.parametrize("weighted", [False, True])
    def test_each_response_without_its_missing_rows(self, rng, scale, delta, weighted):
        X, Y = many(rng)
        Y[rng.random(Y.shape) < 0.15] = np.nan
        weights = rng.integers(0, 3, N).astype(float) if weighted else None
        model = HuberRegressor(tol=TOL, scale=scale, delta=delta, missing="omit")
        assert_equal_to_single_fits(model.fit(X, Y, weights), X, Y, weights)
        assert np.all(model.weights_[np.isnan(Y)] == 0.0)
        assert not model.outliers_[np.isnan(Y)].any()

    def test_one_response(self, rng):
        X, Y = many(rng, k=1)
        y = Y[:, 0].copy()
        y[::7] = np.nan
        model, rows = HuberRegressor(missing="omit").fit(X, y), ~np.isnan(y)
        expected = HuberRegressor().fit(X[rows], y[rows])
        np.testing.assert_allclose(model.coef_, expected.coef_, atol=1e-6)
        assert model.coef_.shape == (P,)
        assert np.all(model.weights_[~rows] == 0.0)
        np.testing.assert_allclose(model.weights_[rows], expected.weights_, atol=1e-6)

    def test_raises_by_default_and_names_the_responses(self, rng):
        X, Y = many(rng, k=4)
        Y[3, 1] = np.nan
        with pytest.raises(
            ValueError, match=r'Input y contains NaN, in response 1.*missing="omit"'
        ):
            HuberRegressor().fit(X, Y)
        with pytest.raises(ValueError, match="Input y contains NaN, in response 'b'"):
            HuberRegressor().fit(X, pd.DataFrame(Y, columns=list("abcd")))
        with pytest.raises(ValueError, match="Input y contains NaN"):
            HuberRegressor().fit(X, Y[:, 1])

    @pytest.mark.parametrize("missing", ["raise", "omit"])
    def test_infinity_is_refused(self, rng, missing):
        X, Y = many(rng, k=4)
        Y[3, 2], Y[4, 1] = -np.inf, np.nan
        with pytest.raises(ValueError, match="Input y contains"):
            HuberRegressor(missing=missing).fit(X, Y)
        with pytest.raises(ValueError, match="Input y contains"):
            HuberRegressor(missing=missing).fit(X, Y[:, 2])

    def test_a_response_without_values(self, rng):
        X, Y = many(rng, k=4)
        Y[:, 1] = np.nan
        Y[2:, 3] = np.nan
        with pytest.warns() as caught:
            model = HuberRegressor(missing="omit").fit(X, Y)
        text = " ".join(str(warning.message) for warning in caught)
        assert "No value of y is left in response 1," in text
        assert "In response 3 so many observations" in text
        assert np.isnan(model.coef_[1]).all()
        assert np.isnan([model.intercept_[1], model.scale_[1]]).all()
        np.testing.assert_array_equal(model.converged_, [True, False, True, True])
        np.testing.assert_allclose(model.predict(X)[:2, 3], Y[:2, 3])

    def test_the_score_leaves_them_out(self, rng):
        X, Y = many(rng, k=3)
        Y[::5, 1] = np.nan
        model, rows = HuberRegressor(missing="omit").fit(X, Y), ~np.isnan(Y[:, 1])
        predicted = model.predict(X)
        parts = [r2_score(Y[:, 0], predicted[:, 0]), r2_score(Y[rows, 1], predicted[rows, 1])]
        parts.append(r2_score(Y[:, 2], predicted[:, 2]))
        assert model.score(X, Y) == pytest.approx(np.mean(parts))


class TestEcosystem:
    def test_shapes_are_those_of_linear_regression(self, rng):
        X, Y = many(rng, k=5)
        for responses in (Y, Y[:, :1]):
            k = responses.shape[1]
            ours, theirs = HuberRegressor(delta=np.inf).fit(X, responses), LinearRegression()
            theirs.fit(X, responses)
            np.testing.assert_allclose(ours.coef_, theirs.coef_)
            np.testing.assert_allclose(ours.intercept_, theirs.intercept_)
            np.testing.assert_allclose(ours.predict(X), theirs.predict(X))
            assert ours.score(X, responses) == pytest.approx(theirs.score(X, responses))
            for name in ("scale_", "delta_", "threshold_", "optimality_", "converged_"):
                assert getattr(ours, name).shape == (k,)
            for name in ("weights_", "outliers_"):
                assert getattr(ours, name).shape == (N, k)
            assert isinstance(ours.n_iter_, int)
            assert isinstance(ours.n_passes_, int)

    def test_refit_with_another_kind_of_y(self, rng):
        X, Y = many(rng, k=3)
        model = HuberRegressor(warm_start=True).fit(X, Y)
        model.fit(X, Y[:, 0])
        assert model.coef_.shape == (P,)
        assert not hasattr(model, "converged_")
        model.fit(X, Y)
        assert model.coef_.shape == (3, P)

    def test_warm_start(self, rng):
        X, Y = many(rng, k=20)
        model = HuberRegressor(warm_start=True).fit(X, Y)
        coef, passes = model.coef_.copy(), model.n_passes_
        model.fit(X, Y)
        assert model.n_passes_ < passes
        np.testing.assert_allclose(model.coef_, coef, atol=1e-6)

    @pytest.mark.parametrize("order", ["C", "F"])
    @pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int8, np.bool_, object])
    def test_types_of_Y(self, rng, order, dtype):
        X, Y = many(rng, k=5)
        Y = np.asarray(np.round(Y) if dtype != np.bool_ else Y > 0, dtype=dtype, order=order)
        model = HuberRegressor(scale=1.0).fit(X, Y)
        expected = HuberRegressor(scale=1.0).fit(X, Y.astype(np.float64))
        np.testing.assert_allclose(model.coef_, expected.coef_)
        assert model.coef_.dtype == np.float64

    def test_frames_and_lists(self, rng):
        X, Y = many(rng, k=3)
        expected = HuberRegressor().fit(X, Y).coef_
        frame = pd.DataFrame(Y, columns=list("abc"))
        for responses in (frame, frame.astype("Float64"), Y.tolist()):
            np.testing.assert_allclose(HuberRegressor().fit(X, responses).coef_, expected)
        frame = frame.astype("Float64")
        frame.loc[3, "b"] = pd.NA
        model = HuberRegressor(missing="omit").fit(X, frame)
        np.testing.assert_allclose(model.coef_[[0, 2]], expected[[0, 2]], atol=1e-6)

    def test_memory_map(self, rng, tmp_path):
        X, Y = many(rng, k=5)
        table = np.memmap(tmp_path / "Y", dtype=np.float32, mode="w+", shape=Y.shape)
        table[:] = Y
        model = HuberRegressor().fit(X, np.memmap(tmp_path / "Y", np.float32, "r", shape=Y.shape))
        np.testing.assert_allclose(model.coef_, HuberRegressor().fit(X, Y.astype(np.float32)).coef_)

    def test_dask_responses(self, rng):
        array = pytest.importorskip("dask.array")
        X, Y = many(rng, k=12)
        lazy = array.from_array(Y, chunks=(25, 5))
        np.testing.assert_allclose(
            HuberRegressor().fit(X, lazy).coef_, HuberRegressor().fit(X, Y).coef_
        )
        with pytest.raises(ValueError, match="X is a Dask collection and y has two dimensions"):
            HuberRegressor().fit(array.from_array(X), lazy)

    def test_predictions_of_dask(self, rng):
        array = pytest.importorskip("dask.array")
        frames = pytest.importorskip("dask.dataframe")
        X, Y = many(rng, k=3)
        model = HuberRegressor().fit(X, Y)
        lazy = model.predict(array.from_array(X, chunks=(25, 2)))
        assert lazy.shape == (N, 3)
        np.testing.assert_allclose(lazy.compute(), model.predict(X))
        frame = pd.DataFrame(X, columns=list("abcd"))
        model = HuberRegressor().fit(frame, Y)
        lazy = model.predict(frames.from_pandas(frame, npartitions=3))
        np.testing.assert_allclose(lazy.compute(), model.predict(frame))

    def test_clone_pickle_and_searches(self, rng):
        X, Y = many(rng, k=3)
        model = HuberRegressor().fit(X, Y)
        restored = pickle.loads(pickle.dumps(model))
        np.testing.assert_array_equal(restored.predict(X), model.predict(X))
        search = GridSearchCV(HuberRegressor(), {"delta": [0.7, 1.345]}).fit(X, Y)
        assert search.best_estimator_.coef_.shape == (3, P)
        for scoring in ("r2", "neg_mean_absolute_error", "neg_mean_squared_error"):
            assert np.isfinite(cross_val_score(clone(model), X, Y, scoring=scoring)).all()

    def test_large_tables_have_no_weights(self, rng, monkeypatch):
        import robustreg.estimators.many_solutions as many_solutions

        monkeypatch.setattr(many_solutions, "KEPT_VALUES", N * 3 - 1)
        X, Y = many(rng, k=3)
        model = HuberRegressor().fit(X, Y[:, :2])
        assert model.weights_.shape == (N, 2)
        model.fit(X, Y)
        assert not hasattr(model, "weights_")
        assert not hasattr(model, "outliers_")
        assert ManySolutions.of_shape(N, P, 3).weights is None

    def test_a_failed_fit_changes_nothing(self, rng):
        X, Y = many(rng, k=3)
        model = HuberRegressor().fit(X, Y)
        coef = model.coef_
        Y[5, 2] = np.nan
        with pytest.raises(ValueError, match="NaN"):
            model.fit(X[:, :2], Y)
        assert model.coef_ is coef
        assert model.n_features_in_ == P

    def test_bad_input(self, rng):
        X, Y = many(rng, k=3)
        for responses, message in (
            (Y[:-1], "inconsistent numbers of samples"),
            (Y[:, :0], "0 feature"),
            (Y[:, :, None], "dim 3"),
            (Y.astype(complex), "Complex data"),
            (np.ma.masked_less(Y, 0.0), "masked values"),
        ):
            with pytest.raises(ValueError, match=message):
                HuberRegressor().fit(X, responses)
        with pytest.raises(ValueError, match="sample_weight must not be negative"):
            HuberRegressor().fit(X, Y, np.linspace(-1.0, 1.0, N))


def test_dependent_columns_give_no_warning():
    """Warnings are errors: no metric is computed where a response makes it singular."""
    rng = np.random.default_rng(0)
    constants = np.full((100, 1), 1e3), np.zeros((100, 1)), np.ones((100, 1))
    X = np.hstack([rng.normal(size=(100, 12)), *constants])
    Y = rng.normal(size=(100, 4))
    model = HuberRegressor().fit(X, Y)
    for k in range(4):
        single = HuberRegressor().fit(X, Y[:, k])
        np.testing.assert_allclose(model.coef_[k], single.coef_, atol=1e-6)


@pytest.mark.parametrize("parameters", [{}, {"delta": "auto"}, {"scale": "mad", "alpha": 1.0}])
def test_a_table_of_one_response_has_exactly_the_fit_of_a_vector(rng, parameters):
    X, Y = many(rng, k=1)
    model = HuberRegressor(**parameters).fit(X, Y)
    single = HuberRegressor(**parameters).fit(X, Y[:, 0])
    np.testing.assert_array_equal(model.coef_, single.coef_[None])
    assert model.scale_[0] == single.scale_
    assert model.optimality_[0] == single.optimality_


@pytest.mark.parametrize("seed", range(5))
def test_responses_that_are_solved_alone_later_give_no_warning_of_numpy(seed):
    rng = np.random.default_rng(seed)
    x = 100.0 * rng.normal(size=10)
    Y = np.column_stack((5e8 * x, rng.normal(size=10)))
    weights = np.array([3.0, 2.0, 1.0, 2.0, 0.0, 1.0, 1.0, 3.0, 1.0, 2.0])
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        warnings.simplefilter("ignore", ExactFitWarning)
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = HuberRegressor(alpha=1e-3, fit_intercept=False)
        model.fit(np.column_stack((x, 2.0 * x)), Y, weights)
    assert np.isfinite(model.scale_).all()
