"""Dask collections give the numbers of the fit in memory, in few rounds, and errors for bad data.

Collections of up to 64 MB are loaded into memory. ``far`` switches that off, so that small data are
treated as large ones.
"""

import pickle
import subprocess
import sys

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose

from robustreg import HuberRegressor, HuberRegressorCV
from robustreg.design.dask import design as dask_designs
from robustreg.design.dask import scheduler as schedulers
from robustreg.inference import diagnose, summarize

dask = pytest.importorskip("dask")
da = pytest.importorskip("dask.array")
dd = pytest.importorskip("dask.dataframe")
pd = pytest.importorskip("pandas")

#: Both fits end this close to the minimiser, so that they agree to 1e-8 whatever their paths.
TIGHT = 1e-9


@pytest.fixture
def far(monkeypatch):
    monkeypatch.setattr(dask_designs, "LOADED_BYTES", 0)


@pytest.fixture(params=["synchronous", "threads"])
def scheduler(request):
    with dask.config.set(scheduler=request.param):
        yield request.param


def contaminated(n, p, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, p))
    y = X @ np.arange(1.0, p + 1.0) + 3.0 + rng.standard_normal(n)
    y[rng.random(n) < 0.1] += 20.0
    return X, y


def collections(X, y, chunks):
    return da.from_array(X, chunks=(chunks, -1)), da.from_array(y, chunks=chunks)


def frame(n=2000, seed=1):
    """Return numbers of three types, responses and weights, with an index that is not unique."""
    rng = np.random.default_rng(seed)
    data = pd.DataFrame(rng.standard_normal((n, 2)), columns=["a", "b"])
    data["k"] = rng.integers(0, 5, n)
    data["y"] = data.a - 2.0 * data.b + 0.5 * data.k + rng.standard_t(2, n)
    data["w"] = rng.integers(0, 3, n)
    data.index = np.sort(np.arange(n) % 7)
    return data


def assert_same(model, expected, rtol=1e-8):
    assert_allclose(model.coef_, expected.coef_, rtol=rtol)
    assert_allclose(
        [model.intercept_, model.scale_, model.threshold_],
        [expected.intercept_, expected.scale_, expected.threshold_],
        rtol=rtol,
    )
    assert model.delta_ == expected.delta_
    assert abs(model.optimality_ - expected.optimality_) < 1e-8
    assert_allclose(model.weights_.compute(), expected.weights_, atol=1e-7)
    assert np.array_equal(model.outliers_.compute(), expected.outliers_)


class TestSameNumbers:
    @pytest.mark.parametrize("chunks", [1, 7, 100, 300, (5, 0, 295)])
    def test_whatever_the_chunks(self, far, chunks):
        X, y = contaminated(300, 3)
        model = HuberRegressor(tol=TIGHT).fit(*collections(X, y, chunks))
        assert_same(model, HuberRegressor(tol=TIGHT).fit(X, y))

    @pytest.mark.parametrize(
        "parameters",
        [
            {},
            {"delta": "auto"},
            {"delta": np.inf},
            {"scale": "mad"},
            {"scale": 2.0},
            {"alpha": 5.0},
            {"fit_intercept": False},
            {"solver": "newton"},
        ],
        ids=str,
    )
    @pytest.mark.parametrize("shape", [(600, 4), (20_000, 6)])
    def test_whatever_the_model(self, far, scheduler, parameters, shape):
        X, y = contaminated(*shape)
        parameters = {"tol": TIGHT} | parameters
        model = HuberRegressor(**parameters).fit(*collections(X, y, shape[0] // 3))
        assert_same(model, HuberRegressor(**parameters).fit(X, y))

    @pytest.mark.parametrize("chunks", [1, 100, 1000])
    def test_small_collections_come_home_and_nothing_differs(self, chunks):
        X, y = contaminated(1000, 3)
        model = HuberRegressor().fit(*collections(X, y, chunks))
        expected = HuberRegressor().fit(X, y)
        assert_same(model, expected, rtol=1e-15)
        assert model.optimality_ == expected.optimality_
        assert model.weights_.chunks == collections(X, y, chunks)[1].chunks

    def test_weights(self, far, scheduler):
        X, y = contaminated(20_000, 3)
        weights = np.random.default_rng(0).integers(0, 4, 20_000).astype(float)
        weights[:7000] = 0.0  # more than a chunk
        expected = HuberRegressor(tol=TIGHT).fit(X, y, sample_weight=weights)
        dX, dy = collections(X, y, 6000)
        for given in (weights, da.from_array(weights, chunks=3000)):
            assert_same(HuberRegressor(tol=TIGHT).fit(dX, dy, sample_weight=given), expected)

    @pytest.mark.parametrize("scale", ["joint", "mad"])
    def test_frames_with_an_index_that_is_not_unique(self, far, scheduler, scale):
        data = frame()
        parts = dd.from_pandas(data, npartitions=4, sort=False)
        columns = ["a", "b", "k"]
        model = HuberRegressor(scale=scale, tol=TIGHT)
        model.fit(parts[columns], parts.y, sample_weight=parts.w)
        expected = HuberRegressor(scale=scale, tol=TIGHT)
        expected.fit(data[columns], data.y, sample_weight=data.w)
        assert_same(model, expected)
        assert list(model.feature_names_in_) == columns

    def test_parquet(self, far, tmp_path):
        data = frame()
        data.to_parquet(tmp_path / "rows.parquet", row_group_size=400)
        parts = dd.read_parquet(tmp_path / "rows.parquet", split_row_groups=True)
        model = HuberRegressor(tol=TIGHT).fit(parts[["a", "b"]], parts["y"])
        assert_same(model, HuberRegressor(tol=TIGHT).fit(data[["a", "b"]], data.y))

    def test_chunks_of_unknown_length_and_y_in_memory(self, far):
        X, y = contaminated(900, 3)
        dX = collections(X, y, 200)[0]
        unknown = dX[dX[:, 0] < np.inf]
        assert np.isnan(unknown.shape[0])
        model = HuberRegressor(tol=TIGHT).fit(unknown, y)
        assert_same(model, HuberRegressor(tol=TIGHT).fit(X, y))

    def test_columns_in_chunks_and_float32(self, far):
        X, y = contaminated(900, 4)
        X = X.astype(np.float32)
        model = HuberRegressor(tol=TIGHT).fit(da.from_array(X, chunks=(250, 3)), y)
        assert_same(model, HuberRegressor(tol=TIGHT).fit(X, y))

    def test_sparse_chunks(self, far):
        X, y = contaminated(900, 4)
        X[np.abs(X) < 0.5] = 0.0
        dX, dy = collections(X, y, 200)
        model = HuberRegressor(tol=TIGHT).fit(dX.map_blocks(sp.csr_array), dy)
        assert_same(model, HuberRegressor(tol=TIGHT).fit(X, y))

    def test_columns_far_from_zero(self, far):
        X, y = contaminated(20_000, 3)
        X += 1e6
        model = HuberRegressor(tol=1e-6).fit(*collections(X, y, 7000))
        expected = HuberRegressor(tol=1e-6).fit(X, y)
        assert_allclose(model.coef_, expected.coef_, rtol=1e-8)

    def test_dependent_columns_and_more_columns_than_rows(self, far):
        X, y = contaminated(600, 3)
        X = np.column_stack((X, X[:, 0] - X[:, 1]))
        model = HuberRegressor(tol=TIGHT).fit(*collections(X, y, 150))
        assert_allclose(model.coef_, HuberRegressor(tol=TIGHT).fit(X, y).coef_, rtol=1e-8)

    def test_an_exact_fit(self, far):
        X, y = contaminated(200, 2)
        y = X @ [1.0, 2.0]
        y[::9] += 5.0
        with pytest.warns(UserWarning, match="fitted exactly"):
            model = HuberRegressor().fit(*collections(X, y, 60))
        assert model.scale_ == 0.0
        assert_allclose(model.coef_, [1.0, 2.0], rtol=1e-12)
        assert np.array_equal(np.flatnonzero(model.outliers_.compute()), np.arange(0, 200, 9))


class TestRounds:
    @pytest.mark.parametrize("condition", [1.0, 1e2, 1e4, 1e6, 1e8])
    @pytest.mark.parametrize("parameters", [{}, {"solver": "newton"}, {"scale": 1.0}], ids=str)
    def test_at_most_twelve_whatever_the_conditioning(self, far, condition, parameters):
        rng = np.random.default_rng(3)
        Z, y = contaminated(20_000, 8)
        mixing = np.linalg.qr(rng.standard_normal((8, 8)))[0] * np.geomspace(1.0, 1 / condition, 8)
        with CountRounds() as rounds:
            model = HuberRegressor(**parameters).fit(*collections(Z @ mixing, y, 3000))
        assert rounds.count == model.n_passes_ <= 12
        assert model.optimality_ <= 1e-6

    def test_small_data_take_two(self):
        with CountRounds() as rounds:
            HuberRegressor(delta="auto").fit(*collections(*contaminated(5000, 3), 700))
        assert rounds.count == 2

    def test_what_comes_home_has_the_size_of_the_parameters(self, far, monkeypatch):
        sizes = []

        def spy(tasks, compute=schedulers.compute):
            results = compute(tasks)
            sizes.append(len(pickle.dumps(results)))
            return results

        monkeypatch.setattr(dask_designs, "compute", spy)
        HuberRegressor().fit(*collections(*contaminated(50_000, 5), 5000))
        # Sums of p numbers, or a Gram matrix, but not 50,000 residuals.
        assert max(sizes) < 3000


class CountRounds(dask.callbacks.Callback):
    """Counts the calls of Dask's local schedulers."""

    count = 0

    def _start(self, graph):
        self.count += 1


class CountTasks:
    """A callback of scikit-learn that counts the tasks of a fit."""

    count = 0

    def setup(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context, **arguments):
        self.count += 1

    def on_fit_task_end(self, estimator, context, **arguments):
        pass

    def teardown(self, estimator, context):
        pass


class TestPredict:
    def test_an_array_stays_lazy_in_its_chunks(self):
        X, y = contaminated(1000, 3)
        model = HuberRegressor().fit(X, y)
        predicted = model.predict(da.from_array(X, chunks=(170, 2)))
        assert predicted.chunks == ((170,) * 5 + (150,),)
        assert_allclose(predicted.compute(), model.predict(X), rtol=1e-14)

    def test_a_frame_gives_a_series_with_its_index(self):
        data = frame()
        model = HuberRegressor().fit(data[["a", "b"]], data.y)
        parts = dd.from_pandas(data, npartitions=3, sort=False)
        predicted = model.predict(parts[["a", "b"]])
        assert predicted.npartitions == parts.npartitions
        expected = pd.Series(model.predict(data[["a", "b"]]), index=data.index)
        pd.testing.assert_series_equal(predicted.compute(), expected)
        assert parts.assign(predicted=predicted).compute()["predicted"].equals(expected)

    def test_other_columns_are_refused(self):
        data = frame()
        model = HuberRegressor().fit(data[["a", "b"]], data.y)
        parts = dd.from_pandas(data, npartitions=3, sort=False)
        with pytest.raises(ValueError, match="feature names"):
            model.predict(parts[["b", "a"]])
        with pytest.raises(ValueError, match="expecting 2 features"):
            HuberRegressor().fit(data[["a", "b"]].values, data.y).predict(da.ones((4, 3)))

    def test_a_missing_value_is_named_when_it_is_computed(self):
        X, y = contaminated(100, 3)
        model = HuberRegressor().fit(X, y)
        X[60, 1] = np.nan
        lazy = model.predict(da.from_array(X, chunks=(50, 3)))
        with pytest.raises(ValueError, match="NaN in column '1'"):
            lazy.compute()


class TestRefused:
    def test_a_missing_value_is_named_before_the_rest_is_read(self):
        X, y = contaminated(4000, 3)
        X[3, 2] = np.nan
        read = []

        def block(values, block_info=None):
            read.append(block_info[0]["chunk-location"])
            return values

        dX = da.from_array(X, chunks=(100, 3)).map_blocks(block, dtype=float, meta=np.empty((0, 0)))
        with (
            dask.config.set(scheduler="synchronous"),
            pytest.raises(ValueError, match="X contains NaN in column '2'"),
        ):
            HuberRegressor().fit(dX, da.from_array(y, chunks=100))
        assert len(read) < 10

    @pytest.mark.parametrize("value", [np.nan, np.inf])
    def test_values_that_are_not_finite(self, value):
        data = frame().astype(float)
        for name in ("b", "y", "w"):
            bad = data.copy()
            bad.iloc[1500, bad.columns.get_loc(name)] = value
            parts = dd.from_pandas(bad, npartitions=4, sort=False)
            found = "NaN" if np.isnan(value) else "infinity"
            expected = {
                "b": f"X contains {found} in column 'b'",
                "y": f"y contains {found}",
                "w": f"sample_weight contains {found}",
            }
            with pytest.raises(ValueError, match=expected[name]):
                HuberRegressor().fit(parts[["a", "b"]], parts.y, sample_weight=parts.w)

    def test_missing_values_of_nullable_columns(self):
        data = frame()
        data["k"] = data["k"].astype("Int64")
        parts = dd.from_pandas(data, npartitions=2, sort=False)
        whole = HuberRegressor().fit(parts[["a", "k"]], parts.y)
        assert_allclose(whole.coef_, HuberRegressor().fit(data[["a", "k"]], data.y).coef_)
        data.iloc[5, 2] = pd.NA
        parts = dd.from_pandas(data, npartitions=2, sort=False)
        with pytest.raises(ValueError, match="NaN in column 'k'"):
            HuberRegressor().fit(parts[["a", "k"]], parts.y)

    def test_masked_values(self):
        X, y = contaminated(500, 3)
        masked = da.ma.masked_greater(da.from_array(X, chunks=(200, 3)), 3.0)
        with pytest.raises(ValueError, match="X contains NaN in column"):
            HuberRegressor().fit(masked, y)

    def test_text_and_categories_by_name(self):
        data = frame()
        data["town"], data["kind"] = "x", pd.Categorical(data.k)
        parts = dd.from_pandas(data, npartitions=2, sort=False)
        with pytest.raises(ValueError, match=r"'town' \(.*\), 'kind' \(category\)"):
            HuberRegressor().fit(parts[["a", "town", "kind"]], parts.y)
        with pytest.raises(ValueError, match="'town'"):
            HuberRegressor().fit(data[["a"]].values, data.y).predict(parts[["town"]])

    @pytest.mark.parametrize(
        ("make", "message"),
        [
            (lambda X, y: (X[:, 0], y, None), "two dimensions"),
            (lambda X, y: (X.astype(str), y, None), "dtype <U"),
            (lambda X, y: (X, y[:-1], None), "999 entries for 1000 rows"),
            (lambda X, y: (X, y.compute()[:-1], None), "999 entries for 1000 rows"),
            (lambda X, y: (X, X, None), "X is a Dask collection and y has two dimensions"),
            (lambda X, y: (X, y + 1j, None), "Complex data not supported"),
            (lambda X, y: (X, y.compute() + 1j, None), "Complex data not supported"),
            (lambda X, y: (X, y, abs(y) + 1j), "Complex data not supported"),
            (lambda X, y: (X, y, -abs(y)), "must not be negative"),
            (lambda X, y: (X, y, 0.0 * y), "zero for every row"),
            (lambda X, y: (X[X[:, 0] > 9.0], y[X[:, 0] > 9.0], None), "X has 0 rows"),
            (lambda X, y: (X[X[:, 0] > 0.0], y[:400], None), "lengths that are not known|entries"),
        ],
    )
    def test_shapes_and_weights(self, make, message):
        X, y, weights = make(*collections(*contaminated(1000, 3), 300))
        with pytest.raises(ValueError, match=message):
            HuberRegressor().fit(X, y, sample_weight=weights)

    def test_a_series_as_X(self):
        parts = dd.from_pandas(frame(), npartitions=2, sort=False)
        with pytest.raises(ValueError, match=r"to_frame"):
            HuberRegressor().fit(parts.a, parts.y)


class TestOtherEstimators:
    @pytest.mark.parametrize("weighted", [False, True])
    def test_cross_validation(self, far, weighted):
        X, y = contaminated(3000, 4)
        weights = np.random.default_rng(0).integers(0, 3, 3000).astype(float) if weighted else None
        dX, dy = collections(X, y, 700)
        lazy = None if weights is None else da.from_array(weights, chunks=700)
        deltas = [0.5, 1.0, 2.0, np.inf]
        model = HuberRegressorCV(deltas=deltas).fit(dX, dy, sample_weight=lazy)
        expected = HuberRegressorCV(deltas=deltas).fit(X, y, sample_weight=weights)
        assert model.best_params_ == expected.best_params_
        for name in ("mean_test_score", "split0_test_score", "std_test_score"):
            assert_allclose(model.cv_results_[name], expected.cv_results_[name], rtol=1e-6)
        assert_allclose(model.coef_, expected.coef_, rtol=1e-7)

    def test_scorers_that_want_rows_are_refused(self):
        search = HuberRegressorCV(scoring="neg_median_absolute_error")
        with pytest.raises(ValueError, match="needs single rows"):
            search.fit(*collections(*contaminated(500, 2), 200))

    @pytest.mark.parametrize("cov_type", ["huber", "H2", "H3", "HC1", "HC3", "CR1"])
    def test_summaries(self, far, scheduler, cov_type):
        X, y = contaminated(2000, 3)
        lazy = collections(X, y, 450)
        groups = np.arange(2000) % 40 if cov_type == "CR1" else None
        model = HuberRegressor(tol=TIGHT).fit(X, y)
        found = summarize(model, *lazy, cov_type=cov_type, groups=groups)
        expected = summarize(model, X, y, cov_type=cov_type, groups=groups)
        pd.testing.assert_frame_equal(found.table, expected.table, rtol=1e-9)
        assert_allclose([found.d2, found.robust_r2], [expected.d2, expected.robust_r2], rtol=1e-9)

    def test_what_takes_rows_one_by_one_is_refused(self, far):
        lazy = collections(*contaminated(500, 2), 200)
        model = HuberRegressor().fit(*lazy)
        with pytest.raises(ValueError, match="needs the rows in memory"):
            summarize(model, *lazy, cov_type="bootstrap")
        with pytest.raises(ValueError, match="table with one line per row"):
            diagnose(model, *lazy)


class TestAround:
    def test_a_pickled_model_leaves_the_data_behind(self):
        model = HuberRegressor().fit(*collections(*contaminated(500, 2), 200))
        copy = pickle.loads(pickle.dumps(model))
        assert not hasattr(copy, "weights_")
        assert_allclose(copy.coef_, model.coef_)

    def test_warm_start_takes_fewer_rounds(self, far):
        lazy = collections(*contaminated(20_000, 4), 6000)
        model = HuberRegressor(warm_start=True).fit(*lazy)
        first = model.n_passes_
        assert model.fit(*lazy).n_passes_ < first

    def test_the_progress_bar_of_dask_and_user_rounds(self, far, capsys):
        from dask.diagnostics import ProgressBar

        with ProgressBar(dt=0.01):
            HuberRegressor().fit(*collections(*contaminated(20_000, 4), 6000))
        assert "100% Completed" in capsys.readouterr().out

    @pytest.mark.parametrize("loaded", [0, 2**26])
    def test_callbacks_see_one_task_a_round(self, loaded, monkeypatch):
        pytest.importorskip("sklearn.callback")
        monkeypatch.setattr(dask_designs, "LOADED_BYTES", loaded)
        counter = CountTasks()
        with CountRounds() as rounds:
            model = HuberRegressor().set_callbacks(counter)
            model.fit(*collections(*contaminated(20_000, 4), 6000))
        assert counter.count == model.n_passes_ + 1  # and the fit as a whole
        assert rounds.count == (model.n_passes_ if loaded == 0 else 2)

    def test_without_dask_the_library_works_and_an_error_names_the_extra(self):
        code = """
import sys
sys.modules["dask"] = sys.modules["distributed"] = None
import numpy as np
from robustreg import HuberRegressor
X = np.random.default_rng(0).standard_normal((50, 2))
HuberRegressor().fit(X, X[:, 0] + X[:, 1] ** 3)
class Collection:
    dtype, ndim, shape, chunks = np.dtype(float), 2, (50, 2), ((50,), (2,))
    def __dask_graph__(self): return {}
    def rechunk(self, chunks): return self
    def to_delayed(self): return np.array([[X]], dtype=object)[:, :, 0, 0]
try:
    HuberRegressor().fit(Collection(), X[:, 0])
except ImportError as error:
    print(error)
"""
        command = [sys.executable, "-c", code]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert "robustreg[dask]" in done.stdout, done.stderr
