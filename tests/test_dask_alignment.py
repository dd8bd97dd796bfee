"""X, y and weights in any mixture of Dask and memory; tiny chunks that share tasks; progress."""

from itertools import pairwise

import dask.callbacks
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.model_selection import GroupKFold, KFold, StratifiedKFold

from robustreg import HuberRegressor, HuberRegressorCV
from robustreg.design.dask import design as dask_designs
from robustreg.design.dask import graph as graphs
from robustreg.design.dask.graph import Sources, neighbours, parts_of
from robustreg.design.dask.reading import read_vector

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
    """The same rows as frames whose partitions Dask joins, does not join, and cannot count."""
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
    #: Ways to give a column of a table; (30, 870) are other chunks than those of X.
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
    @settings(max_examples=25)
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
        """One to check where y is from the same table or in memory, two or three elsewhere."""
        monkeypatch.setattr(dask_designs, "LOADED_BYTES", 2**26)
        table, expected = tables["filtered"], {"column": 1, "values": 1, "array": 1}
        for way, rounds in (expected | {"other partitions": 3}).items():
            y = self.WAYS[way](table, "y")
            assert HuberRegressor().fit(table[NAMES], y).n_passes_ == rounds + 1 + FITTED_AT_HOME
        # Dask joins the partitions of y's files: their lengths are counted first.
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
            (lambda t: t[["y", "w"]], lambda t: None, "y must have one dimension"),
            (lambda t: [None, *rows().y[1:]], lambda t: None, "Input y contains NaN"),
            (lambda t: np.ma.masked_less(rows().y, 0), lambda t: None, "y has masked values"),
            (lambda t: t.y, lambda t: np.ma.masked_less(rows().w, 1), "sample_weight has masked"),
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


class CountTasks(dask.callbacks.Callback):
    """Tasks of each round, as Dask's local schedulers count them."""

    def __init__(self):
        self.rounds = []

    def _start_state(self, graph, state):
        self.rounds.append(len(state["waiting"]) + len(state["ready"]))


class TestTinyChunks:
    @given(
        sizes=st.lists(
            st.one_of(st.floats(0.0, 2**17), st.floats(2**17, 2**30, exclude_min=True)), max_size=60
        ),
        copies=st.integers(1, 40),
    )
    def test_groups_are_neighbours_and_none_is_left_out(self, sizes, copies):
        sizes = sizes * copies
        groups = neighbours(sizes)
        covered = [i for group in groups for i in range(len(sizes))[group]]
        assert covered == list(range(len(sizes)))
        for group in groups:
            members = sizes[group]
            if len(members) > 1:
                assert max(members) <= graphs.SMALL_CHUNK
                assert sum(members) <= graphs.GROUP_BYTES
                assert sum(members) <= sum(sizes) / graphs.LEAST_GROUPS
        # Two groups of small chunks that lie side by side are too large for one.
        for first, second in pairwise(groups):
            both = sizes[first] + sizes[second]
            if max(both) <= graphs.SMALL_CHUNK:
                head = sum(sizes[first]) + sizes[second.start]
                assert head > min(graphs.GROUP_BYTES, sum(sizes) / graphs.LEAST_GROUPS)

    @pytest.mark.parametrize("scheduler", ["synchronous", "threads"])
    @pytest.mark.parametrize("persisted", [False, True])
    @pytest.mark.parametrize("kind", ["array", "frame"])
    def test_they_share_tasks(self, scheduler, persisted, kind, monkeypatch):
        """300 chunks of seven rows: some dozens of tasks in a round, and the same numbers."""
        monkeypatch.setattr(dask_designs, "LOADED_BYTES", 0)
        rng = np.random.default_rng(0)
        data = pd.DataFrame(rng.standard_normal((2100, 2)), columns=NAMES)
        y = data.a + rng.standard_t(2, 2100)
        expected = HuberRegressor(tol=1e-9).fit(data, y)
        if kind == "array":
            X, y = da.from_array(data.to_numpy(), (7, 2)), da.from_array(y.to_numpy(), 7)
        else:
            table = dd.from_pandas(data.assign(y=y), npartitions=300)
            X, y = table[NAMES], table.y
        with dask.config.set(scheduler=scheduler):
            if persisted:
                X, y = dask.persist(X, y)
            with CountTasks() as tasks:
                model = HuberRegressor(tol=1e-9).fit(X, y)
        # Frames do not tell their lengths: the first round has a task for each partition.
        later = tasks.rounds if kind == "array" else tasks.rounds[1:]
        # What has results already is part of the graph, and is no task.
        assert max(later) <= graphs.LEAST_GROUPS + 10
        assert_allclose(model.coef_, expected.coef_, rtol=1e-8)
        assert_allclose(model.scale_, expected.scale_, rtol=1e-8)
        assert model.weights_.numblocks == (300,)
        assert_allclose(model.weights_.compute(), expected.weights_, atol=1e-7)

    def test_large_chunks_stay_alone(self):
        assert len(neighbours([2.0**24] * 50)) == 50

    def test_a_chunk_of_many_tasks_is_left_to_dask(self):
        """A worker would do one after the other what Dask does side by side."""
        parts = da.from_array(np.arange(90.0), chunks=10)
        for collection, inside in ((parts, True), (parts.rechunk(30), False)):
            graph, keys = parts_of(collection)
            sources = Sources(graph, [(key,) for key in keys], 1)
            readings = sources.readings(lambda part: part, [slice(i, i + 1) for i in range(3)])
            assert [bool(reading.inner) for reading in readings] == [inside] * 3
            assert all(bool(reading.outer) is not inside for reading in readings)

    def test_tasks_that_serve_several_chunks_are_done_once(self):
        done = []

        def noted(block):
            done.append(block.size)
            return block

        whole = da.from_array(np.arange(40.0), chunks=40).map_blocks(noted, dtype=float)
        y = whole.rechunk(1)
        X = da.from_array(np.arange(40.0)[:, None] ** 2, chunks=(1, 1))
        done.clear()
        HuberRegressor().fit(X, y + 0.0)
        assert done == [40, 40]  # to check, and to load

    def test_a_series_of_chunks_of_other_types(self):
        assert_array_equal(read_vector("y", pd.DataFrame({"y": [1, 2]})), [1.0, 2.0])


class Rounds:
    """A callback of scikit-learn that notes the fit's passes as they are made."""

    def __init__(self):
        self.names = []

    def setup(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        self.names.append(context.task_name)

    def on_fit_task_end(self, estimator, context):
        pass

    def teardown(self, estimator, context):
        pass


class TestProgress:
    def test_each_round_is_reported_before_the_next(self, monkeypatch, tables):
        pytest.importorskip("sklearn.callback")
        monkeypatch.setattr(dask_designs, "LOADED_BYTES", 0)
        callback, seen = Rounds(), []

        class Watch(dask.callbacks.Callback):
            def _start(self, graph):
                seen.append(len(callback.names))

        table = tables["files"]
        with Watch():
            model = HuberRegressor().set_callbacks(callback)
            model.fit(table[NAMES], table.y)
        assert seen == [1 + i for i in range(model.n_passes_)]
        assert callback.names == ["fit"] + ["pass"] * model.n_passes_
