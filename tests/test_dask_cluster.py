"""A cluster of two processes gives the same numbers when workers die, and an error when all die."""

import logging
import os
import signal
from contextlib import contextmanager

import numpy as np
import pytest
from numpy.testing import assert_allclose

from robustreg import HuberRegressor, HuberRegressorCV
from robustreg.design.dask import design as dask_designs
from robustreg.design.dask import scheduler as rounds
from robustreg.inference import summarize

dask = pytest.importorskip("dask")
distributed = pytest.importorskip("distributed")
da = pytest.importorskip("dask.array")
dd = pytest.importorskip("dask.dataframe")
pd = pytest.importorskip("pandas")

TIGHT = 1e-9


@contextmanager
def cluster_of_two():
    """Yield the client of a cluster, and end the cluster afterwards."""
    # A busy machine answers late, which is not a failure of the connection.
    patient = {"distributed.comm.timeouts.connect": "180s", "distributed.comm.timeouts.tcp": "180s"}
    with (
        dask.config.set(patient),
        distributed.LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            dashboard_address=":0",  # any free port: each process of the tests may have a cluster
            silence_logs=logging.CRITICAL,
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


@pytest.fixture(scope="module")
def client():
    """Yield a cluster that the tests share; they release what they persist."""
    with cluster_of_two() as client:
        yield client


@pytest.fixture
def mortal_client():
    """Yield a cluster for one test."""
    with cluster_of_two() as client:
        yield client


@pytest.fixture(autouse=True)
def far(monkeypatch):
    monkeypatch.setattr(dask_designs, "LOADED_BYTES", 0)


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((40_000, 4))
    y = X @ [1.0, 2.0, 3.0, 4.0] + 3.0 + rng.standard_normal(40_000)
    y[rng.random(40_000) < 0.1] += 20.0
    return X, y


def at_round(monkeypatch, number, action):
    """Run a function in the middle of a fit, before a round begins."""
    done = []
    compute = dask_designs.compute

    def counted(tasks):
        done.append(len(tasks))
        if len(done) == number:
            action()
        return compute(tasks)

    monkeypatch.setattr(dask_designs, "compute", counted)


def test_the_same_numbers_from_arrays_and_frames(client, data):
    X, y = data
    expected = HuberRegressor(tol=TIGHT).fit(X, y)
    lazy = client.persist([da.from_array(X, chunks=(7000, 2)), da.from_array(y, chunks=9000)])
    model = HuberRegressor(tol=TIGHT).fit(*lazy)
    assert_allclose([model.scale_, *model.coef_], [expected.scale_, *expected.coef_], rtol=1e-8)
    assert abs(model.optimality_ - expected.optimality_) < 1e-8
    assert_allclose(model.weights_.compute(), expected.weights_, atol=1e-7)
    assert model.n_passes_ <= 12

    frame = pd.DataFrame(X, columns=list("abcd")).assign(y=y)
    parts = client.persist(dd.from_pandas(frame, npartitions=5))
    of_frame = HuberRegressor(tol=TIGHT).fit(parts[list("abcd")], parts["y"])
    assert_allclose(of_frame.coef_, expected.coef_, rtol=1e-8)

    summary = summarize(model, *lazy)
    assert_allclose(summary.table["std_err"], summarize(expected, X, y).table["std_err"], rtol=1e-8)
    search = HuberRegressorCV(deltas=[0.7, 1.345, np.inf]).fit(*lazy)
    assert search.delta_ == HuberRegressorCV(deltas=[0.7, 1.345, np.inf]).fit(X, y).delta_


@pytest.mark.parametrize("kind", ["arrays", "frames"])
def test_lazy_weights_hold_on_to_the_data(client, data, kind):
    """The cluster releases results with the last collection that refers to them."""
    X, y = data
    if kind == "arrays":
        lazy = [da.from_array(X, chunks=(7000, 2)), da.from_array(y, chunks=9000)]
    else:
        parts = dd.from_pandas(pd.DataFrame(X, columns=list("abcd")).assign(y=y), npartitions=5)
        lazy = [parts[list("abcd")], parts["y"]]
    lazy = client.persist(lazy)
    distributed.wait(lazy)
    model = HuberRegressor().fit(*lazy)
    lazy.clear()
    assert_allclose(model.weights_.compute(), HuberRegressor().fit(X, y).weights_, atol=1e-5)


def test_tiny_chunks_share_tasks(client, data):
    X, y = data
    lazy = [da.from_array(X, chunks=(100, 4)), da.from_array(y, chunks=100)]
    known = []
    for chunks in (lazy, client.persist(lazy)):
        model = HuberRegressor(tol=TIGHT).fit(*chunks)
        known.append([model.scale_, *model.coef_])
    expected = HuberRegressor(tol=TIGHT).fit(X, y)
    assert_allclose(known, [[expected.scale_, *expected.coef_]] * 2, rtol=1e-8)
    assert model.weights_.numblocks == (400,)


def test_a_missing_value_is_named(client, data):
    X, y = data[0].copy(), data[1]
    X[12_345, 2] = np.nan
    lazy = client.persist([da.from_array(X, chunks=(7000, 4)), da.from_array(y, chunks=7000)])
    with pytest.raises(ValueError, match="X contains NaN in column '2'"):
        HuberRegressor().fit(*lazy)


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="Windows has no SIGKILL")
def test_a_worker_killed_in_the_middle_changes_nothing(mortal_client, data, monkeypatch):
    X, y = data
    lazy = mortal_client.persist(
        [da.from_array(X, chunks=(4000, 4)), da.from_array(y, chunks=4000)]
    )
    whole = HuberRegressor(tol=TIGHT).fit(*lazy)
    process = next(iter(mortal_client.run(os.getpid).values()))
    killed = []

    def kill():
        os.kill(process, signal.SIGKILL)
        killed.append(process)

    at_round(monkeypatch, 3, kill)
    model = HuberRegressor(tol=TIGHT).fit(*lazy)
    assert killed
    assert_allclose([model.scale_, *model.coef_], [whole.scale_, *whole.coef_], rtol=1e-12)


def fit_in_a_task(seed):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((2000, 3))
    y = X.sum(axis=1) + rng.standard_normal(2000)
    return (
        HuberRegressor().fit(da.from_array(X, chunks=(500, 3)), da.from_array(y, chunks=500)).coef_
    )


def test_fits_in_more_tasks_than_there_are_workers_do_not_wait_for_each_other(client):
    fits = client.gather([client.submit(fit_in_a_task, seed) for seed in range(4)])
    assert_allclose(fits, np.ones((4, 3)), atol=0.1)


@pytest.mark.slow
def test_without_workers_a_fit_is_given_up(mortal_client, data, monkeypatch):
    monkeypatch.setattr(rounds, "PATIENCE", 4.0)
    X, y = data
    lazy = mortal_client.persist(
        [da.from_array(X, chunks=(4000, 4)), da.from_array(y, chunks=4000)]
    )
    at_round(monkeypatch, 3, lambda: mortal_client.cluster.scale(0))
    with pytest.raises(RuntimeError, match="has had no workers for 4 s"):
        HuberRegressor().fit(*lazy)


def test_half_a_minute_without_workers_is_the_most():
    assert rounds.PATIENCE + rounds.LOOK < 60.0
