"""The estimator in scikit-learn's tools, and with every kind of X."""

import pickle

import numpy as np
import pytest
import scipy.sparse as sp
import sklearn
from numpy.testing import assert_allclose, assert_array_equal
from problems import plain, sparse_formats
from sklearn.base import clone
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from robustreg import HuberRegressor

SETTINGS = [{}, {"scale": "mad"}, {"scale": 1.0, "alpha": 0.5}, {"delta": "auto"}]


@pytest.fixture
def data(rng):
    return plain(rng, n=120, p=4)


def assert_same(model, expected, rtol=1e-6):
    assert_allclose(model.coef_, expected.coef_, rtol=rtol)
    assert_allclose(model.intercept_, expected.intercept_, rtol=rtol)
    assert_allclose(model.scale_, expected.scale_, rtol=rtol)
    assert model.delta_ == expected.delta_
    assert_array_equal(model.outliers_, expected.outliers_)


class TestMachinery:
    def test_pipeline_names_and_scores(self, data):
        X, y = data
        pipe = make_pipeline(StandardScaler(), HuberRegressor(tol=1e-9)).fit(X, y)
        direct = HuberRegressor(tol=1e-9).fit(X, y)
        assert_allclose(pipe.predict(X), direct.predict(X), rtol=1e-7)
        assert_allclose(pipe.score(X, y), direct.score(X, y), rtol=1e-7)

    def test_grid_search_over_delta_prefers_robust_fits_of_contaminated_data(self, data):
        X, y = data
        grid = {"delta": [0.7, 1.345, 3.0, float("inf"), "auto"]}
        search = GridSearchCV(HuberRegressor(), grid, scoring="neg_median_absolute_error").fit(X, y)
        assert set(search.cv_results_["param_delta"]) == set(grid["delta"])
        assert np.isfinite(search.cv_results_["mean_test_score"]).all()
        assert search.best_params_["delta"] != float("inf")
        refit = HuberRegressor(**search.best_params_).fit(X, y)
        assert_array_equal(search.best_estimator_.coef_, refit.coef_)

    @pytest.mark.parametrize("parameters", SETTINGS, ids=str)
    def test_clone_and_pickle(self, data, parameters):
        X, y = data
        model = HuberRegressor(**parameters).fit(X, y)
        restored = pickle.loads(pickle.dumps(model))
        assert_array_equal(restored.predict(X), model.predict(X))
        assert_array_equal(restored.weights_, model.weights_)
        copy = clone(model)
        assert not hasattr(copy, "coef_")
        assert copy.get_params() == model.get_params()
        assert_array_equal(copy.fit(X, y).coef_, model.coef_)

    def test_a_fitted_model_does_not_hold_the_data(self, rng):
        X, y = plain(rng, n=2000, p=20)
        model = HuberRegressor().fit(X, y)
        # weights_ (16 kB) and outliers_ (2 kB) have length n; X has 320 kB.
        assert len(pickle.dumps(model)) < 25_000

    def test_set_output_of_the_steps_before(self, data):
        pd = pytest.importorskip("pandas")
        X, y = data
        frame = pd.DataFrame(X, columns=list("abcd"))
        columns = ColumnTransformer(
            [("scaled", StandardScaler(), ["a", "b"])],
            remainder="passthrough",
            verbose_feature_names_out=False,
        )
        pipe = make_pipeline(columns, HuberRegressor()).set_output(transform="pandas").fit(frame, y)
        assert_array_equal(pipe[-1].feature_names_in_, list("abcd"))

    def test_metadata_routing_of_sample_weight(self, data):
        X, y = data
        weights = np.arange(len(y)) % 3.0
        with sklearn.config_context(enable_metadata_routing=True):
            inner = HuberRegressor().set_fit_request(sample_weight=True)
            pipe = make_pipeline(StandardScaler().set_fit_request(sample_weight=False), inner)
            pipe.fit(X, y, sample_weight=weights)
            requested = inner.get_metadata_routing().fit.requests
            refused = make_pipeline(StandardScaler(), HuberRegressor())
            with pytest.raises(TypeError, match="sample_weight"):
                refused.fit(X, y, sample_weights=weights)
            scored = inner.set_score_request(sample_weight=True)
            scores = cross_val_score(scored, X, y, params={"sample_weight": weights}, cv=KFold(3))
        assert requested == {"sample_weight": True}
        expected = make_pipeline(StandardScaler(), HuberRegressor())
        expected.fit(X, y, huberregressor__sample_weight=weights)
        assert_allclose(pipe[-1].coef_, expected[-1].coef_, rtol=1e-10)
        train, test = next(KFold(3).split(X))
        fold = HuberRegressor().fit(X[train], y[train], weights[train])
        assert_allclose(scores[0], fold.score(X[test], y[test], weights[test]), rtol=1e-10)

    def test_transformed_target(self, data):
        X, y = data
        model = TransformedTargetRegressor(HuberRegressor(tol=1e-10), transformer=StandardScaler())
        direct = HuberRegressor(tol=1e-10).fit(X, y)
        assert_allclose(model.fit(X, y).predict(X), direct.predict(X), rtol=1e-7)

    def test_progress_bar_changes_nothing(self, data, capsys):
        callback = pytest.importorskip("sklearn.callback")
        pytest.importorskip("rich")  # scikit-learn's ProgressBar draws with it
        X, y = data
        model = HuberRegressor().set_callbacks(callback.ProgressBar()).fit(X, y)
        assert_array_equal(model.coef_, HuberRegressor().fit(X, y).coef_)
        assert "HuberRegressor" in capsys.readouterr().out

    @pytest.mark.parametrize("parameters", SETTINGS, ids=str)
    def test_callbacks_see_one_task_a_pass(self, data, parameters):
        pytest.importorskip("sklearn.callback")
        X, y = data
        model = HuberRegressor(**parameters).set_callbacks(counter := _Counter()).fit(X, y)
        tasks = model.n_passes_ + 1  # the passes, and the fit as a whole
        assert counter.events == {"setup": 1, "begin": tasks, "end": tasks, "teardown": 1}

    def test_callbacks_are_torn_down_when_a_fit_fails(self, data):
        pytest.importorskip("sklearn.callback")
        counter = _Counter(fail_at=3)
        with pytest.raises(InterruptedError):
            HuberRegressor().set_callbacks(counter).fit(*data)
        assert counter.events["setup"] == counter.events["teardown"] == 1


class _Counter:
    """Counts calls of the hooks in the FitCallback protocol of scikit-learn 1.9."""

    def __init__(self, fail_at=None):
        self.events = dict.fromkeys(("setup", "begin", "end", "teardown"), 0)
        self.fail_at = fail_at

    def setup(self, estimator, context):
        self.events["setup"] += 1

    def on_fit_task_begin(self, estimator, context):
        self.events["begin"] += 1
        if self.events["begin"] == self.fail_at:
            raise InterruptedError

    def on_fit_task_end(self, estimator, context):
        self.events["end"] += 1

    def teardown(self, estimator, context):
        self.events["teardown"] += 1


class TestKindsOfX:
    """Every kind of X gives the coefficients of the C-ordered float64 array."""

    @pytest.mark.parametrize("parameters", SETTINGS, ids=str)
    @pytest.mark.parametrize("intercept", [True, False])
    def test_layouts(self, data, parameters, intercept):
        X, y = data
        model = HuberRegressor(**parameters, fit_intercept=intercept)
        expected = clone(model).fit(X, y)
        wide, tall = np.zeros((len(y), 9)), np.zeros((2 * len(y), 4))
        wide[:, 1::2], tall[::2] = X, X
        read_only = X.copy()
        read_only.flags.writeable = False
        reversed_rows = np.ascontiguousarray(X[::-1])[::-1]
        kinds = [
            np.asfortranarray(X),
            wide[:, 1::2],
            tall[::2],
            read_only,
            reversed_rows,
            X.tolist(),
        ]
        for kind in kinds:
            assert_same(clone(model).fit(kind, y), expected)
        # The user's data have not changed.
        assert_array_equal(read_only, X)
        y_read_only = y.copy()
        y_read_only.flags.writeable = False
        assert_same(clone(model).fit(read_only, y_read_only), expected)

    def test_data_are_left_alone(self, data):
        X, y = data
        weights = np.linspace(0, 2, len(y))
        copies = X.copy(), y.copy(), weights.copy()
        for parameters in SETTINGS:
            HuberRegressor(**parameters).fit(X, y, weights)
            HuberRegressor(**parameters).fit(np.asfortranarray(X), y, weights)
        for kept, now in zip(copies, (X, y, weights), strict=True):
            assert_array_equal(now, kept)

    def test_float32_is_the_fit_of_the_rounded_values(self, data):
        X, y = data
        single, y_single = X.astype(np.float32), y.astype(np.float32)
        model = HuberRegressor(tol=1e-9).fit(single, y_single)
        expected = HuberRegressor(tol=1e-9).fit(single.astype(float), y_single.astype(float))
        # Sums use float64, and only the data are rounded.
        assert_same(model, expected, rtol=1e-8)
        assert model.predict(single).shape == y.shape

    @pytest.mark.parametrize("dtype", [np.int8, np.int32, np.int64, np.uint8, np.float16, bool])
    def test_numeric_dtypes(self, rng, dtype):
        X = rng.integers(0, 2 if dtype is bool else 100, size=(80, 3)).astype(dtype)
        y = X @ np.array([1.0, -2.0, 0.5]) + rng.standard_t(3, size=80)
        assert_same(HuberRegressor().fit(X, y), HuberRegressor().fit(X.astype(float), y))
        assert_same(
            HuberRegressor().fit(X, y.round().astype(int)), HuberRegressor().fit(X, y.round())
        )

    def test_extended_precision_is_rounded_to_float64(self, data):
        X, y = data
        model = HuberRegressor().fit(X.astype(np.longdouble), y.astype(np.longdouble))
        assert_same(model, HuberRegressor().fit(X, y))
        assert model.coef_.dtype == np.float64

    # predict() without names warns after a fit with names, as everywhere in scikit-learn.
    @pytest.mark.filterwarnings("ignore:X does not have valid feature names:UserWarning")
    @pytest.mark.parametrize("library", ["pandas", "polars"])
    def test_frames_keep_their_names(self, data, library):
        frames = pytest.importorskip(library)
        X, y = data
        names = ["first", "second", "third", "fourth"]
        frame = frames.DataFrame(dict(zip(names, X.T, strict=True)))
        counts = np.arange(len(y)) % 3.0
        model = HuberRegressor().fit(frame, frames.Series(y), frames.Series(counts))
        assert_same(model, HuberRegressor().fit(X, y, counts))
        assert_allclose(model.predict(frame), model.predict(X), rtol=1e-12, atol=1e-12)
        if not hasattr(LinearRegression().fit(frame, y), "feature_names_in_"):
            return  # older versions of scikit-learn do not read names of polars frames
        assert_array_equal(model.feature_names_in_, names)
        with pytest.raises(ValueError, match="feature names"):
            model.predict(frame[names[::-1]])

    @pytest.mark.parametrize(("kind", "index"), sparse_formats())
    def test_sparse_formats(self, rng, kind, index):
        X, y = _sparse_data(rng)
        matrix = _with_index(kind(X), index)
        for parameters in SETTINGS:
            expected = HuberRegressor(**parameters, tol=1e-9).fit(X, y)
            model = HuberRegressor(**parameters, tol=1e-9).fit(matrix, y)
            assert_same(model, expected, rtol=1e-7)
            assert_allclose(model.predict(matrix), expected.predict(X), rtol=1e-7, atol=1e-9)

    @pytest.mark.parametrize("intercept", [True, False])
    @pytest.mark.parametrize("alpha", [0.0, 2.0])
    def test_sparse_weights_and_float32(self, rng, intercept, alpha):
        X, y = _sparse_data(rng)
        weights = rng.integers(0, 4, len(y))
        model = HuberRegressor(alpha=alpha, fit_intercept=intercept, tol=1e-9)
        expected = clone(model).fit(X, y, weights)
        assert_same(clone(model).fit(sp.csr_array(X), y, weights), expected, rtol=1e-7)
        single = sp.csr_array(X.astype(np.float32))
        expected = clone(model).fit(single.toarray().astype(float), y, weights)
        assert_same(clone(model).fit(single, y, weights), expected, rtol=1e-7)

    def test_sparse_unsorted_indices_duplicates_and_explicit_zeros(self, rng):
        X, y = _sparse_data(rng)
        tidy = sp.coo_array(X)
        half = tidy.data / 2
        order = rng.permutation(2 * tidy.nnz + 5)
        data = np.concatenate((half, half, np.zeros(5)))[order]
        row = np.concatenate((tidy.row, tidy.row, np.arange(5)))[order]
        column = np.concatenate((tidy.col, tidy.col, np.zeros(5, tidy.col.dtype)))[order]
        untidy = sp.coo_array((data, (row, column)), shape=X.shape)
        expected = HuberRegressor(tol=1e-9).fit(X, y)
        assert_same(HuberRegressor(tol=1e-9).fit(untidy, y), expected, rtol=1e-7)
        permuted = sp.csr_array(X)
        for i in range(X.shape[0]):  # column numbers in descending order within each row
            part = slice(permuted.indptr[i], permuted.indptr[i + 1])
            permuted.indices[part] = permuted.indices[part][::-1].copy()
            permuted.data[part] = permuted.data[part][::-1].copy()
        permuted.has_sorted_indices = False
        before = permuted.indices.copy()
        assert_same(HuberRegressor(tol=1e-9).fit(permuted, y), expected, rtol=1e-7)
        assert_array_equal(permuted.indices, before)


def _sparse_data(rng):
    X = rng.normal(size=(150, 5)) * (rng.random((150, 5)) < 0.4)
    y = X @ np.arange(1.0, 6.0) + 2.0 + rng.standard_t(2, size=150)
    return X, y


def _with_index(matrix, dtype):
    if matrix.format == "coo":
        arguments = (matrix.data, (matrix.row.astype(dtype), matrix.col.astype(dtype)))
        return type(matrix)(arguments, shape=matrix.shape)
    result = matrix.copy()
    result.indices, result.indptr = matrix.indices.astype(dtype), matrix.indptr.astype(dtype)
    assert result.indices.dtype == dtype
    return result
