"""Types of X, far values, unusable starts, and the state around a fit."""

import pickle
import sys
import tracemalloc

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_array_equal
from problems import plain
from sklearn.base import clone
from sklearn.exceptions import FitFailedWarning
from sklearn.linear_model import LinearRegression, Ridge

import robustreg
from robustreg import HuberRegressor, HuberRegressorCV
from robustreg.design import as_design
from robustreg.design.dense import DenseDesign
from robustreg.inference import summarize

pd = pytest.importorskip("pandas")

INTEGERS = [np.dtype(f"{kind}{size}") for kind in "iu" for size in (1, 2, 4, 8)]
TYPES = [*INTEGERS, np.dtype(bool), np.dtype("f2"), np.dtype(">i2"), np.dtype(">f8")]


class TestTypesOfX:
    """Integers, booleans and half precision are converted block by block."""

    @staticmethod
    def problem(n, p, dtype, seed=0):
        rng = np.random.default_rng(seed)
        low = 0 if dtype.kind in "bu" else -100
        X = rng.integers(low, 2 if dtype.kind == "b" else 100, (n, p)).astype(dtype)
        y = X.astype(float) @ np.linspace(1.0, 2.0, p) + rng.standard_t(2, n)
        return X, y

    @pytest.mark.parametrize("dtype", TYPES, ids=str)
    @pytest.mark.parametrize(
        "model",
        [
            HuberRegressor(tol=1e-9),
            HuberRegressor(tol=1e-9, fit_intercept=False, scale="mad"),
            HuberRegressor(tol=1e-9, alpha=1.0, solver="newton"),
            HuberRegressorCV(deltas=[0.7, 1.345, np.inf], tol=1e-9),
        ],
        ids=str,
    )
    def test_the_fit_of_the_same_floats(self, dtype, model):
        X, y = self.problem(3000, 4, dtype)
        expected = clone(model).fit(X.astype(float), y)
        fitted = clone(model).fit(X, y)
        assert_allclose(fitted.coef_, expected.coef_, rtol=1e-12)
        assert_allclose(fitted.predict(X), expected.predict(X.astype(float)), rtol=1e-12)

    @pytest.mark.parametrize("dtype", TYPES, ids=str)
    def test_the_inference_of_the_same_floats(self, dtype):
        X, y = self.problem(500, 3, dtype)
        model = HuberRegressor().fit(X, y)
        for cov_type in ("huber", "HC3"):
            expected = summarize(model, X.astype(float), y, cov_type=cov_type).table
            pd.testing.assert_frame_equal(
                summarize(model, X, y, cov_type=cov_type).table, expected, rtol=1e-9
            )

    @given(
        X=st.sampled_from(INTEGERS).flatmap(
            lambda dtype: arrays(
                dtype,
                (7, 2),
                elements=st.integers(np.iinfo(dtype).min, np.iinfo(dtype).max),
            )
        ),
        centered=st.booleans(),
    )
    def test_units_up_to_the_ends_of_the_type(self, X, centered):
        """Bytes have no +128 for -128, and squares leave their range."""
        y = np.arange(7.0)
        design = DenseDesign(X, y, None, centered=centered)
        expected = DenseDesign(X.astype(float), y, None, centered=centered)
        for name in ("center", "column_scale", "magnitude"):
            assert_array_equal(getattr(design.units, name), getattr(expected.units, name))
        assert_array_equal(design.rows_of_X(np.arange(3)), X[:3].astype(float))
        assert design.rows_of_X(np.arange(3)).dtype == np.float64

    @pytest.mark.parametrize("dtype", ["u1", "i2", "?", "f2", "f4", ">i4"])
    @pytest.mark.parametrize("offset", [0, 90])  # far columns are shifted first
    def test_a_memory_map_is_never_converted_whole(self, tmp_path, dtype, offset):
        n, p = 100_000, 20
        X, y = self.problem(n, p, np.dtype(dtype))
        X = np.memmap(tmp_path / "X", dtype, "w+", shape=X.shape)
        X[:] = self.problem(n, p, np.dtype(dtype))[0] // 100 + np.array(offset).astype(dtype)
        mapped = np.memmap(tmp_path / "X", dtype, "r", shape=X.shape)
        HuberRegressor().fit(mapped[:500], y[:500])
        as_floats = 8 * n * p
        tracemalloc.start()
        try:
            model = HuberRegressor().fit(mapped, y)
            assert tracemalloc.get_traced_memory()[1] < 0.10 * as_floats + 12 * y.nbytes
            tracemalloc.reset_peak()
            del model.weights_, model.outliers_
            before = tracemalloc.get_traced_memory()[0]
            model.predict(mapped)
            assert tracemalloc.get_traced_memory()[1] - before < 0.10 * as_floats + y.nbytes
        finally:
            tracemalloc.stop()


class TestTypeOfPredictions:
    """Predictions have the same type as those of LinearRegression and Ridge."""

    @pytest.mark.parametrize("fitted", [np.float64, np.float32, int])
    @pytest.mark.parametrize("predicted", [np.float64, np.float32, int])
    @pytest.mark.parametrize(
        "convert", [np.asarray, pd.DataFrame, sp.csr_array], ids=["array", "frame", "sparse"]
    )
    def test_as_least_squares(self, rng, fitted, predicted, convert):
        X, y = plain(rng)
        X = 10.0 * X
        model = HuberRegressor().fit(convert(X.astype(fitted)), y)
        found = model.predict(convert(X.astype(predicted)))
        for other in (LinearRegression(), Ridge()):
            other.fit(convert(X.astype(fitted)), y)
            assert found.dtype == other.predict(convert(X.astype(predicted))).dtype
        expected = X.astype(predicted).astype(float) @ model.coef_ + model.intercept_
        assert_allclose(found, expected, rtol=1e-6 if found.dtype == np.float32 else 1e-12)

    def test_candidates_of_a_search_and_copies(self, rng):
        X, y = plain(rng)
        X = X.astype(np.float32)
        assert HuberRegressorCV().fit(X, y).predict(X).dtype == np.float32
        model = pickle.loads(pickle.dumps(HuberRegressor().fit(X, y)))
        assert model.predict(X).dtype == np.float32

    def test_the_intercept_is_a_number_of_numpy(self, rng):
        X, y = plain(rng)
        for model in (HuberRegressor(), HuberRegressor(fit_intercept=False), HuberRegressorCV()):
            assert type(model.fit(X, y).intercept_) is np.float64


class TestFarValues:
    """A missing-value code such as 1e300 among the responses is just another outlier."""

    @given(
        filler=st.sampled_from([1e100, 1e154, 1e160, 1e200, 1e300, -1e300]),
        share=st.integers(1, 6),
        seed=st.integers(0, 99),
    )
    @example(filler=1e154, share=3, seed=13)
    @example(filler=1e300, share=5, seed=24)
    @example(filler=1e100, share=6, seed=42)
    @pytest.mark.parametrize(
        ("delta", "scale"),
        [
            (1.345, "mad"),
            (1.345, 1.0),
            (1.345, "joint"),
            (0.4, 1.0),
            (0.4, "joint"),
            ("auto", "joint"),
            ("auto", "mad"),
            ("auto", 1.0),
        ],
    )
    def test_it_is_as_far_as_any_other(self, delta, scale, filler, share, seed):
        X, y = plain(np.random.default_rng(seed), n=40, p=2, contamination=0.0)
        far = y.copy()
        y[:share], far[:share] = np.sign(filler) * 1e9, filler
        fitted = HuberRegressor(delta=delta, scale=scale).fit(X, far)  # warnings are errors
        expected = HuberRegressor(delta=fitted.delta_, scale=scale).fit(X, y)
        assert_allclose(fitted.coef_, expected.coef_, rtol=1e-5)
        assert_allclose(fitted.scale_, expected.scale_, rtol=1e-5)

    def test_least_squares_says_why_it_has_no_solution(self, rng):
        X, y = plain(rng, n=40, p=2)
        y[3] = 1e300
        with pytest.raises(ValueError, match="their squares overflow"):
            HuberRegressor(delta=np.inf).fit(X, y)

    @pytest.mark.filterwarnings("ignore:One or more of the test scores are non-finite")
    @pytest.mark.parametrize("weighted", [False, True])
    def test_in_a_search(self, rng, weighted):
        X, y = plain(rng, n=80, p=2)
        y[3] = 1e300
        weights = 1.0 + np.arange(80) % 3 if weighted else None
        with pytest.warns(FitFailedWarning, match="their squares overflow"):
            model = HuberRegressorCV().fit(X, y, weights)
        assert np.isfinite(model.delta_)
        assert np.abs(model.coef_).max() < 100.0

    def test_units(self):
        y = np.r_[np.arange(1.0, 50.0), 1e300, -1.7e308]
        design = as_design(np.arange(51.0)[:, None], y, None, centered=True)
        assert design.units.response_scale == 16.0


class TestWarmStart:
    @pytest.mark.parametrize("name", ["coef_", "intercept_", "scale_"])
    @pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
    @pytest.mark.parametrize("scale", ["joint", "mad", 2.0])
    def test_from_what_is_not_finite_it_is_cold(self, rng, scale, name, value):
        X, y = plain(rng)
        model = HuberRegressor(scale=scale, warm_start=True).fit(X, y)
        setattr(model, name, np.full(3, value) if name == "coef_" else value)
        cold = HuberRegressor(scale=scale).fit(X, y)
        model.fit(X, y)
        assert_array_equal(model.coef_, cold.coef_)
        assert model.n_passes_ == cold.n_passes_


class TestAround:
    def test_version(self):
        assert robustreg.__version__.split(".")[0].isdigit()
        with pytest.raises(AttributeError, match="robustreg"):
            robustreg.versions  # noqa: B018

    def test_no_link_to_the_pages_of_scikit_learn(self):
        for model in (HuberRegressor(), HuberRegressorCV()):
            assert model._doc_link_module == "robustreg"
            assert model._get_doc_link() == ""
            assert "https://scikit-learn.org" not in model._repr_html_()

    @pytest.mark.parametrize("verbose", [1, 2, 3])
    def test_every_line_is_written_in_one_call(self, rng, monkeypatch, verbose):
        written = []
        monkeypatch.setattr(sys.stdout, "write", written.append)
        HuberRegressorCV(deltas=[1.0, 2.0], cv=3, verbose=verbose).fit(*plain(rng))
        assert len(written) == (1 if verbose == 1 else 4)  # the search, and each fold
        assert all(text.endswith("\n") for text in written)
