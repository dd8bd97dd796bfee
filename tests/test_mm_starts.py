"""The search reaches the best known minimum of S: shared/oracles/hard_cases.md."""

import os
import warnings
from threading import Barrier, Event, Thread

import numpy as np
import pytest
from hard_cases import CASES, hard_case, scale_from
from threadpoolctl import threadpool_info, threadpool_limits

from robustreg import MMRegressor
from robustreg.solvers.one_thread import one_thread
from robustreg.solvers.starts.sample import Sample, scaled_rows
from robustreg.solvers.starts.subsets import subset_fits


def found(case, seed, **parameters):
    """Whether the scale is at most that of the clean rows."""
    X, y = hard_case(*case, seed)
    model = MMRegressor(random_state=0, **parameters).fit(X, y)
    clean = np.arange(case[0]) >= int(case[2] * case[0])
    return model.scale_ <= scale_from(X, y, clean) * (1.0 + 1e-6)


@pytest.mark.parametrize("case", CASES)
def test_the_lowest_known_minimum_is_found(case):
    assert found(case, seed=1)


@pytest.mark.parametrize("case", CASES)
def test_without_any_random_subset(case):
    assert found(case, seed=2, n_subsets=0)


@pytest.mark.slow
@pytest.mark.parametrize("case", [*CASES, (500, 20, 0.2, 8), (2500, 30, 0.25, 8)])
def test_the_lowest_known_minimum_is_found_for_all_seeds(case):
    assert sum(found(case, seed) for seed in range(1, 21)) == 20


def threads_of(library):
    return [each["num_threads"] for each in threadpool_info() if each["user_api"] == library]


def threads_of_blas():
    return threads_of("blas")


def test_a_search_in_two_python_threads_restores_the_threads_of_blas():
    before, inside, one_left = threads_of_blas(), Barrier(2), Barrier(2)

    def first():
        with one_thread():
            inside.wait()
        one_left.wait()

    def second():
        with one_thread():
            inside.wait()
            one_left.wait()
            assert set(threads_of_blas()) == {1}

    pair = [Thread(target=first), Thread(target=second)]
    for thread in pair:
        thread.start()
    for thread in pair:
        thread.join()
    assert threads_of_blas() == before
    with pytest.raises(ZeroDivisionError), one_thread():
        raise ZeroDivisionError
    assert threads_of_blas() == before


def test_known_scales():
    # hard_cases.md, seed 1: bisquare, c = 1.547645.
    known = {
        (500, 10, 0.30, 8): 1.7957,
        (500, 20, 0.30, 8): 1.8538,
        (500, 30, 0.25, 8): 1.5207,
        (500, 30, 0.30, 3): 1.7498,
    }
    for case, scale in known.items():
        model = MMRegressor(random_state=0).fit(*hard_case(*case, 1))
        assert round(model.scale_, 4) == scale


def test_random_subsets_are_nonsingular(rng):
    n = 60
    rare = np.zeros((n, 3))
    rare[[0, 1], 0] = rare[[10, 11], 1] = rare[[20], 2] = 1.0
    rows, _ = scaled_rows(np.column_stack((rng.normal(size=(n, 2)), rare, np.ones(n))))
    y = rng.normal(size=n)
    sample = Sample(rows, y, None, MMRegressor()._problem().s_loss, 27.0)
    fits = subset_fits(sample, 200, np.random.default_rng(0))
    # Each fits its own six rows, some of which belong to the dummies.
    assert np.isfinite(fits).all()
    exact = np.abs(y - fits @ rows.T) < 1e-8
    assert (exact.sum(axis=1) >= rows.shape[1]).all()
    assert exact[:, 20].all()


def test_rows_of_large_weight_are_drawn_more_often(rng):
    X, y = rng.normal(size=(40, 2)), rng.normal(size=40)
    s = np.where(np.arange(40) < 4, 50.0, 1.0)
    rows, _ = scaled_rows(np.column_stack((X, np.ones(40))))
    sample = Sample(rows, y, s, MMRegressor()._problem().s_loss, 0.5 * s.sum())
    exact = np.abs(y - subset_fits(sample, 200, np.random.default_rng(0)) @ rows.T) < 1e-9
    assert exact[:, :4].mean() > 3.0 * exact[:, 4:].mean()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_process_does_not_keep_one_thread():
    before, inside, forked = threads_of_blas(), Event(), Event()

    def search():
        with one_thread():
            inside.set()
            forked.wait()

    thread = Thread(target=search)
    thread.start()
    inside.wait()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of fork beside threads, from 3.12 on
        child = os.fork()
    if not child:
        os._exit(threads_of_blas() != before)
    forked.set()
    thread.join()
    assert os.waitpid(child, 0)[1] == 0


def test_only_blas_is_limited():
    """The number of threads of OpenMP belongs to a Python thread."""
    first_is_in, both_are_in, first_is_out = Event(), Event(), Event()
    limits = []

    def second():
        with threadpool_limits(1, user_api="openmp"):
            first_is_in.wait()
            with one_thread():
                both_are_in.set()
                first_is_out.wait()
            limits.extend(threads_of("openmp"))

    thread = Thread(target=second)
    thread.start()
    with one_thread():
        first_is_in.set()
        both_are_in.wait()
    first_is_out.set()
    thread.join()
    assert set(limits) <= {1}
