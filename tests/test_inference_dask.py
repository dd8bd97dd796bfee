"""Inference on Dask: sums on the workers, samples for diagnostics, and progress."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose

from robustreg import HuberRegressor
from robustreg.inference import diagnose, summarize

dask = pytest.importorskip("dask")
da = pytest.importorskip("dask.array")
dd = pytest.importorskip("dask.dataframe")
pd = pytest.importorskip("pandas")

KINDS = ["huber", "H2", "H3", "HC0", "HC1", "HC2", "HC3", "CR1"]


@pytest.fixture(autouse=True)
def synchronous():
    with dask.config.set(scheduler="synchronous"):
        yield


@pytest.fixture
def far(monkeypatch):
    """Small collections stay where they are."""
    from robustreg.design.dask import design
    from robustreg.inference import regression

    for module in (design, regression):
        monkeypatch.setattr(module, "LOADED_BYTES", 0)


def data(n=2400, p=3, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p))
    y = X @ np.arange(1.0, p + 1.0) + rng.standard_t(3, size=n) + 5.0
    y[::40] += 30.0
    return X, y


def lazy(*arrays, chunk=500):
    return [da.from_array(a, chunks=(chunk, *a.shape[1:])) for a in arrays]


@pytest.mark.parametrize("cov_type", KINDS)
@pytest.mark.parametrize("scale", ["joint", "mad", 1.5])
def test_summary_is_that_of_the_rows_in_memory(far, cov_type, scale):
    X, y = data()
    groups = np.arange(2400) % 40 if cov_type == "CR1" else None
    model = HuberRegressor(scale=scale, tol=1e-9).fit(X, y)
    found = summarize(model, *lazy(X, y), cov_type=cov_type, groups=groups)
    expected = summarize(model, X, y, cov_type=cov_type, groups=groups)
    pd.testing.assert_frame_equal(found.table, expected.table, rtol=1e-9)
    assert_allclose([found.d2, found.robust_r2], [expected.d2, expected.robust_r2], rtol=1e-8)
    assert_allclose(found.efficiency, expected.efficiency, rtol=1e-9)
    assert found.outlier_share == pytest.approx(expected.outlier_share)
    new = X[:5]
    assert_allclose(found.predict(new), expected.predict(new), rtol=0.01)


def test_a_small_y_is_loaded(far, monkeypatch):
    from robustreg.inference import regression

    X, y = data()
    weights = np.random.default_rng(1).integers(0, 3, size=2400).astype(float)
    model = HuberRegressor(tol=1e-9).fit(X, y, weights)
    dX, dy, dw = lazy(X, y, weights)
    lazily = summarize(model, dX, dy, sample_weight=dw)
    monkeypatch.setattr(regression, "LOADED_BYTES", 2**26)
    loaded = summarize(model, dX, dy, sample_weight=dw)
    assert_allclose([loaded.d2, loaded.robust_r2], [lazily.d2, lazily.robust_r2], rtol=1e-8)


def test_weighted_summary(far):
    X, y = data()
    weights = np.random.default_rng(1).integers(0, 3, size=2400).astype(float)
    model = HuberRegressor(tol=1e-9).fit(X, y, weights)
    dX, dy, dw = lazy(X, y, weights)
    for cov_type in ("huber", "HC3"):
        found = summarize(model, dX, dy, sample_weight=dw, cov_type=cov_type)
        expected = summarize(model, X, y, sample_weight=weights, cov_type=cov_type)
        pd.testing.assert_frame_equal(found.table, expected.table, rtol=1e-9)
        assert_allclose(found.robust_r2, expected.robust_r2, rtol=1e-8)


@pytest.mark.parametrize("cov_type", ["huber", "H3", "HC1", "HC3"])
def test_no_array_of_all_rows_comes_home(far, monkeypatch, cov_type):
    from robustreg.design.dask import design
    from robustreg.inference.linear import FittedLinear
    from robustreg.inference.regression import FittedRegression

    X, y = data()
    model = HuberRegressor(tol=1e-9).fit(X, y)
    collections = lazy(X, y)

    def refuse(self, *arguments):
        raise AssertionError("an array of length n was asked for")

    lengths = []

    def counted(tasks, compute=design.compute):
        results = compute(tasks)
        for result in results:
            parts = result if isinstance(result, tuple) else (result,)
            lengths.extend(len(part) for part in parts if getattr(part, "ndim", 0))
        return results

    monkeypatch.setattr(design, "compute", counted)
    monkeypatch.setattr(design.DaskDesign, "map_rows", refuse)
    for name in ("residuals", "response"):
        of_sample = vars(FittedRegression).get(name) or vars(FittedLinear)[name]

        def unless_sampled(self, of_sample=of_sample):
            return of_sample.func(self) if self.sampled else refuse(self)

        monkeypatch.setattr(FittedRegression, name, property(unless_sampled))
    assert summarize(model, *collections, cov_type=cov_type).n == 2400
    assert lengths
    assert 2400 not in lengths


def test_far_rows_are_noted_wherever_they_are(far):
    X, y = data()
    X[1700] = 500.0
    y[1700] = X[1700] @ np.arange(1.0, 4.0) + 5.0
    model = HuberRegressor(tol=1e-9).fit(X, y)
    notes = summarize(model, *lazy(X, y)).notes
    assert any("A row has leverage" in note for note in notes)


def test_rounds_are_shown(far, capsys):
    X, y = data()
    model = HuberRegressor(tol=1e-9).fit(X, y)
    summarize(model, *lazy(X, y))
    assert capsys.readouterr().err == ""
    summarize(model, *lazy(X, y), verbose=1)
    lines = capsys.readouterr().err.split("\r")
    assert lines[-1].endswith(" rounds over 2,400 rows\n")
    assert int(lines[-1].split()[0]) == len(lines) - 1
    summarize(model, X, y, verbose=1)
    assert capsys.readouterr().err == ""


# -- diagnostics of a sample --------------------------------------------------------------------


def test_diagnose_takes_some_rows_of_a_dask_fit(far):
    X, y = data()
    dX, dy = lazy(X, y)
    model = HuberRegressor().fit(dX, dy)
    rows = np.random.default_rng(0).permutation(2400)[:600]
    found = diagnose(model, X[rows], y[rows])
    whole = diagnose(HuberRegressor().fit(X, y), X, y)
    assert found.n == pytest.approx(2400)
    assert_allclose(found.residuals, whole.residuals[rows], atol=1e-5)
    # The rows are a sample of 2,400, so that these are their values up to sampling error.
    assert np.corrcoef(found.leverages, whole.leverages[rows])[0, 1] > 0.97
    assert found.leverages.mean() == pytest.approx(4 / 2400, rel=1e-6)
    assert np.corrcoef(found.influence, whole.influence[rows])[0, 1] > 0.97
    assert found.influence.mean() == pytest.approx(whole.influence.mean(), rel=0.15)
    assert found.cutoffs == whole.cutoffs


def test_diagnose_takes_what_its_message_says(far):
    X, y = data()
    frame = dd.from_pandas(pd.DataFrame(X, columns=list("abc")).assign(y=y), npartitions=4)
    names = list("abc")
    model = HuberRegressor().fit(frame[names], frame["y"])
    with pytest.raises(ValueError, match=r"X\.partitions\[0\]\.compute\(\)"):
        diagnose(model, frame[names], frame["y"])
    part = frame.partitions[0].compute()
    found = diagnose(model, part[names], part["y"])
    assert found.n == pytest.approx(2400)
    assert list(found.table.index) == list(part.index)


def test_diagnose_of_all_rows_of_a_dask_fit_is_exact(far):
    X, y = data(n=600)
    model = HuberRegressor().fit(*lazy(X, y, chunk=200))
    found = diagnose(model, X, y, exact=2)
    assert np.count_nonzero(found.exact) == 2
    with pytest.raises(ValueError, match="standard errors away"):
        diagnose(model, X, -y)


def test_sample_with_weights_and_of_a_pickled_model(far):
    X, y = data()
    weights = np.random.default_rng(1).integers(1, 4, size=2400).astype(float)
    model = HuberRegressor().fit(*lazy(X, y), sample_weight=lazy(weights)[0])
    found = diagnose(model, X[:600], y[:600], sample_weight=weights[:600])
    assert found.n == pytest.approx(weights[:600].sum() * 4)
    # Without its lazy weights_ it does not know how many rows it was fitted to.
    again = pickle.loads(pickle.dumps(HuberRegressor().fit(*lazy(X, y))))
    assert diagnose(again, X[:600], y[:600]).n == 600


def test_rows_are_refused_where_the_fit_was_in_memory():
    X, y = data()
    model = HuberRegressor().fit(X, y)
    with pytest.raises(ValueError, match=r"X has 600 rows, and model was fitted to 2400"):
        diagnose(model, X[:600], y[:600])


def test_no_exact_refit_of_a_sample(far):
    X, y = data()
    model = HuberRegressor().fit(*lazy(X, y))
    with pytest.raises(ValueError, match="exact=3 asks for refits without a row"):
        diagnose(model, X[:600], y[:600], exact=3)


def test_summaries_take_no_sample(far):
    X, y = data()
    model = HuberRegressor().fit(*lazy(X, y))
    with pytest.raises(ValueError, match=r"X has 600 rows, and model was fitted to 2400"):
        summarize(model, X[:600], y[:600])


@pytest.mark.parametrize("cov_type", ["huber", "HC3"])
def test_weights_that_are_no_counts_have_no_unit_on_dask(far, cov_type):
    X, y = data()
    weights = np.random.default_rng(1).uniform(0.1, 1.0, 2400) / 2400.0
    model = HuberRegressor(tol=1e-9).fit(X, y, weights)
    parts = lazy(X, y, weights)
    found = summarize(model, *parts[:2], sample_weight=parts[2], cov_type=cov_type)
    expected = summarize(model, X, y, sample_weight=weights, cov_type=cov_type)
    assert expected.n == pytest.approx(weights.sum() ** 2 / (weights @ weights))
    assert found.n == pytest.approx(expected.n)
    pd.testing.assert_frame_equal(found.table, expected.table, rtol=1e-9)
