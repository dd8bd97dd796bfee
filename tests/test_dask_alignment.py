"""X, y and weights in any mixture of Dask and memory."""

import numpy as np
import pytest
from effort import examples
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.model_selection import GroupKFold, KFold, StratifiedKFold

from robustreg import HuberRegressor, HuberRegressorCV
from robustreg.design.dask import design as dask_designs
from robustreg.inference import summarize

da = pytest.importorskip("dask.array")
dd = pytest.importorskip("dask.dataframe")
pd = pytest.importorskip("pandas")

N, NAMES = 900, ["a", "b"]


def rows(seed=0):
    rng = np.random.default_rng(seed)
    data = pd.DataFrame(rng.standard_normal((N, 9)), columns=list("abcdefghi"))
    data["y"] = data.a - 2.0 * data.b + rng.standard_t(2, N)
    data["w"] = rng.integers(0, 4, N).astype(float)
    return data


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    """Return the rows as frames whose partitions Dask joins, does not join, or cannot count."""
    data, folder = rows(), tmp_path_factory.mktemp("rows")
    for i in range(10):
        data.iloc[90 * i : 90 * (i + 1)].to_parquet(folder / f"{i}.parquet")
    in_memory = dd.from_pandas(data.assign(keep=True), npartitions=7)
    return {
        "files": dd.read_parquet(folder),
        "partitions": in_memory.drop(columns="keep"),
        "filtered": in_memory[in_memory.keep],
    }


FAR = pytest.mark.parametrize("loaded", [0, 2**26], ids=["far", "home"])


class TestMixtures:
    #: Ways to pass a column of a table; (30, 870) are chunks different from those of X.
    WAYS = {
        "column": lambda table, name: table[name],
        "frame": lambda table, name: table[[name]],
        "values": lambda table, name: table[name].values,
        "other partitions": lambda table, name: table[name].repartition(npartitions=3),
        "other chunks": lambda table, name: da.from_array(rows()[name].to_numpy(), (30, 870)[1]),
        "array": lambda table, name: rows()[name].to_numpy(),
        "series": lambda table, name: rows()[name],
        "list": lambda table, name: rows()[name].tolist(),
    }
    OF_X = {
        "frame": lambda table: table[NAMES],
        "values": lambda table: table[NAMES].values,
        "array": lambda table: da.from_array(rows()[NAMES].to_numpy(), (250, 1)),
    }

    @FAR
    @given(mixture=st.data())
    @examples(25)
    def test_any_of_them_together(self, tables, loaded, mixture):
        table = tables[mixture.draw(st.sampled_from(sorted(tables)), "table")]
        X = self.OF_X[mixture.draw(st.sampled_from(sorted(self.OF_X)), "X")](table)
        ways = st.sampled_from(sorted(self.WAYS))
        y = self.WAYS[mixture.draw(ways, "y")](table, "y")
        weighted = mixture.draw(st.sampled_from(["no", "one number", "each"]), "weighted")
        weights = {"no": None, "one number": 2.0, "each": None}[weighted]
        if weighted == "each":
            weights = self.WAYS[mixture.draw(ways, "weights")](table, "w")
        data = rows()
        in_memory = data.w if weighted == "each" else weights
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(dask_designs, "LOADED_BYTES", loaded)
            model = HuberRegressor(tol=1e-9).fit(X, y, weights)
        expected = HuberRegressor(tol=1e-9).fit(data[NAMES], data.y, in_memory)
        assert_allclose(model.coef_, expected.coef_, rtol=1e-8)
        assert_allclose(model.scale_, expected.scale_, rtol=1e-8)
        assert_allclose(model.weights_.compute(), expected.weights_, atol=1e-7)
        assert model.weights_.numblocks == model.outliers_.numblocks == (_n_parts(X),)

    @FAR
    @pytest.mark.parametrize("name", ["files", "partitions", "filtered"])
    def test_weights_are_a_column_of_the_table(self, tables, loaded, name, monkeypatch):
        monkeypatch.setattr(dask_designs, "LOADED_BYTES", loaded)
        table = tables[name]
        model = HuberRegressor().fit(table[NAMES], table.y)
        with_weights = table.assign(weight=model.weights_, outlier=model.outliers_).compute()
        assert_allclose(with_weights.weight, model.weights_.compute(), rtol=1e-12)
        assert_array_equal(with_weights.outlier, with_weights.weight < 1.0)

    def test_rounds(self, tables, monkeypatch):
        """One round checks y from the same table or in memory, two or three rounds other y."""
        monkeypatch.setattr(dask_designs, "LOADED_BYTES", 2**26)
        table, expected = tables["filtered"], {"column": 1, "values": 1, "array": 1}
        for way, rounds in (expected | {"other partitions": 3}).items():
            y = self.WAYS[way](table, "y")
            assert HuberRegressor().fit(table[NAMES], y).n_passes_ == rounds + 1 + FITTED_AT_HOME
        # Dask joins the partitions of y's files, whose lengths are counted first.
        y = tables["files"].y.values
        model = HuberRegressor().fit(tables["files"][NAMES], y)
        assert model.n_passes_ == 3 + 1 + FITTED_AT_HOME


#: Passes of the fit of ``rows`` in memory.
FITTED_AT_HOME = HuberRegressor().fit(rows()[NAMES], rows().y).n_passes_


def _n_parts(X):
    return (
        X.npartitions
        if hasattr(X, "npartitions") and not hasattr(X, "chunks")
        else len(X.chunks[0])
    )


class TestRefused:
    @pytest.mark.parametrize(
        ("y", "weights", "message"),
        [
            (lambda t: None, lambda t: None, "requires y to be passed"),
            (lambda t: t.y, lambda t: -1.0, "must not be negative, got minimum -1"),
            (lambda t: t.y, lambda t: 0.0, "zero for every row"),
            (lambda t: t.y, lambda t: np.nan, "sample_weight contains NaN"),
            (lambda t: t.y, lambda t: np.ones(N - 1), r"\(899,\), expected \(900,\)"),
            (lambda t: np.ones(N - 1), lambda t: None, "y has 899 entries for 900 rows of X"),
            (lambda t: da.ones(100), lambda t: None, "y has 100 entries for 900 rows of X"),
            (lambda t: t[["y", "w"]], lambda t: None, "a Dask collection and y has two dimensions"),
            (lambda t: [None, *rows().y[1:]], lambda t: None, "Input y contains NaN"),
            (
                lambda t: np.ma.masked_less(rows().y.to_numpy(), 0),
                lambda t: None,
                "y has masked values",
            ),
            (
                lambda t: t.y,
                lambda t: np.ma.masked_less(rows().w.to_numpy(), 1),
                "sample_weight has masked",
            ),
            (lambda t: da.ma.masked_less(t.y.values, 0.0), lambda t: None, "y contains NaN"),
            (lambda t: t.y, lambda t: da.ma.masked_less(t.w.values, 1.0), "sample_weight contains"),
            (lambda t: t.y.astype(object).where(t.y > 0), lambda t: None, "y contains NaN"),
        ],
    )
    def test_by_the_name_of_the_argument(self, tables, y, weights, message):
        table = tables["files"]
        with pytest.raises(ValueError, match=message):
            HuberRegressor().fit(table[NAMES], y(table), weights(table))

    def test_splitters_that_look_at_y(self, tables):
        table = tables["partitions"]
        search = HuberRegressorCV(deltas=[1.0, 2.0], cv=StratifiedKFold(3))
        with pytest.raises(ValueError, match=r"cv=StratifiedKFold.*such as KFold, or pass pairs"):
            search.fit(table[NAMES], table.y)
        labels = rows().y > 0
        search.set_params(cv=list(StratifiedKFold(3).split(np.zeros(N), labels)))
        expected = HuberRegressorCV(**search.get_params()).fit(rows()[NAMES], rows().y)
        assert search.fit(table[NAMES], table.y).best_params_ == expected.best_params_

    @pytest.mark.parametrize("cv", [KFold(3, shuffle=True, random_state=0), GroupKFold(3)])
    def test_splitters_that_do_not(self, tables, cv):
        table = tables["partitions"]
        options = {"groups": np.arange(N) % 10} if isinstance(cv, GroupKFold) else {}
        search = HuberRegressorCV(deltas=[1.0, 2.0], cv=cv)
        search.fit(table[NAMES], table.y, **options)
        expected = HuberRegressorCV(deltas=[1.0, 2.0], cv=cv)
        expected.fit(rows()[NAMES], rows().y, **options)
        assert_allclose(
            search.cv_results_["mean_test_score"],
            expected.cv_results_["mean_test_score"],
            rtol=1e-6,
        )


def test_one_number_as_weight_everywhere(tables):
    data, table = rows(), tables["filtered"]
    expected = HuberRegressor(tol=1e-9).fit(data[NAMES], data.y, 2.0)
    model = HuberRegressor(tol=1e-9).fit(table[NAMES], table.y, 2.0)
    found = summarize(model, table[NAMES], table.y, sample_weight=2.0).table
    pd.testing.assert_frame_equal(
        found, summarize(expected, data[NAMES], data.y, sample_weight=2.0).table, rtol=1e-6
    )
    search = HuberRegressorCV(deltas=[1.0, 2.0]).fit(table[NAMES], table.y, sample_weight=2.0)
    assert_allclose(
        search.cv_results_["mean_test_score"],
        HuberRegressorCV(deltas=[1.0, 2.0])
        .fit(data[NAMES], data.y, sample_weight=2.0)
        .cv_results_["mean_test_score"],
        rtol=1e-6,
    )
