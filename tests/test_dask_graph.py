"""Tiny chunks of Dask share tasks, and rounds are reported."""

from itertools import pairwise

import dask.callbacks
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from robustreg import HuberRegressor
from robustreg.design.dask import design as dask_designs
from robustreg.design.dask import graph as graphs
from robustreg.design.dask.graph import Sources, neighbours, parts_of
from robustreg.design.dask.reading import read_vector

da = pytest.importorskip("dask.array")
dd = pytest.importorskip("dask.dataframe")
pd = pytest.importorskip("pandas")

NAMES = ["a", "b"]


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
        """150 chunks of seven rows: some dozens of tasks in a round, and the same numbers."""
        monkeypatch.setattr(dask_designs, "LOADED_BYTES", 0)
        rng = np.random.default_rng(0)
        data = pd.DataFrame(rng.standard_normal((1050, 2)), columns=NAMES)
        y = data.a + rng.standard_t(2, 1050)
        expected = HuberRegressor(tol=1e-9).fit(data, y)
        if kind == "array":
            X, y = da.from_array(data.to_numpy(), (7, 2)), da.from_array(y.to_numpy(), 7)
        else:
            table = dd.from_pandas(data.assign(y=y), npartitions=150)
            X, y = table[NAMES], table.y
        with dask.config.set(scheduler=scheduler):
            if persisted:
                X, y = dask.persist(X, y)
            with CountTasks() as tasks:
                model = HuberRegressor(tol=1e-9).fit(X, y)
        # The lengths of frames are unknown, so that the first round has a task for each partition.
        later = tasks.rounds if kind == "array" else tasks.rounds[1:]
        # Results that exist are part of the graph, but not tasks.
        assert max(later) <= graphs.LEAST_GROUPS + 10
        assert_allclose(model.coef_, expected.coef_, rtol=1e-8)
        assert_allclose(model.scale_, expected.scale_, rtol=1e-8)
        assert model.weights_.numblocks == (150,)
        assert_allclose(model.weights_.compute(), expected.weights_, atol=1e-7)

    def test_large_chunks_stay_alone(self):
        assert len(neighbours([2.0**24] * 50)) == 50

    def test_a_chunk_of_many_tasks_is_left_to_dask(self):
        """Tasks are not joined if a worker would then do in sequence what Dask does in parallel."""
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
    """A callback of scikit-learn that records the passes of a fit."""

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
    def test_each_round_is_reported_before_the_next(self, monkeypatch):
        pytest.importorskip("sklearn.callback")
        monkeypatch.setattr(dask_designs, "LOADED_BYTES", 0)
        callback, seen = Rounds(), []

        class Watch(dask.callbacks.Callback):
            def _start(self, graph):
                seen.append(len(callback.names))

        rng = np.random.default_rng(0)
        X = rng.standard_normal((3000, 2))
        y = X[:, 0] + rng.standard_t(2, 3000)
        with Watch():
            model = HuberRegressor().set_callbacks(callback)
            model.fit(da.from_array(X, (700, 2)), da.from_array(y, 700))
        assert seen == [1 + i for i in range(model.n_passes_)]
        assert callback.names == ["fit"] + ["pass"] * model.n_passes_
