"""Cost of a fit: passes over X, for any condition number, and memory in addition to X."""

import tracemalloc

import numpy as np
import pytest
from problems import conditioned
from sklearn.base import clone

from robustreg import HuberRegressor
from robustreg.design.dense import DenseDesign

MODELS = [
    HuberRegressor(),
    HuberRegressor(solver="newton"),
    HuberRegressor(scale=1.0),
    HuberRegressor(scale=1.0, solver="newton"),
    HuberRegressor(alpha=1.0),
    HuberRegressor(delta=float("inf")),
]
CONDITIONS = {
    "plain": {},
    "offset 1e3": {"offset": 1e3},
    "columns over 1e6": {"spread": 1e6},
    "cond 1e4": {"cond": 1e4},
    "cond 1e6": {"cond": 1e6},
    "cond 1e8": {"cond": 1e8},
    "cond 1e8, columns over 1e6": {"cond": 1e8, "spread": 1e6},
}
SIZES = [(200, 2), (500, 5), (1_000, 20), (4_000, 30), (40_000, 10)]
MOST = 12
#: With a penalty, the scale needs up to two more Gram matrices for its effective parameters.
MOST_PENALISED = MOST + 2


# Beyond a condition of 1e7 the rounding errors of double precision may be half of tol.
@pytest.mark.filterwarnings("ignore:.*rounding errors:sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("model", MODELS, ids=repr)
@pytest.mark.parametrize("condition", CONDITIONS)
@pytest.mark.parametrize(("n", "p"), SIZES)
def test_at_most_twelve_passes(n, p, condition, model):
    rng = np.random.default_rng(n + p)
    for _ in range(3):
        X, y = conditioned(rng, n, p, contamination=0.1, **CONDITIONS[condition])
        fitted = clone(model).fit(X, y)
        assert fitted.n_passes_ <= (MOST_PENALISED if model.alpha else MOST)
        assert fitted.n_iter_ <= fitted.n_passes_


@pytest.mark.parametrize("unit", [1e-5, 1e5])
def test_units_of_y_cost_no_pass(rng, unit):
    X, y = conditioned(rng, 2_000, 20, contamination=0.1)
    assert HuberRegressor().fit(X, unit * y).n_passes_ <= HuberRegressor().fit(X, y).n_passes_ + 1


def test_columns_over_a_million_cost_no_pass(rng):
    X, y = conditioned(rng, 2_000, 20, contamination=0.1)
    spread = X * np.geomspace(1, 1e6, 20)
    assert HuberRegressor().fit(spread, y).n_passes_ <= HuberRegressor().fit(X, y).n_passes_ + 1


def test_warm_start_at_the_solution_costs_two_passes(rng):
    X, y = conditioned(rng, 2_000, 10, contamination=0.1)
    model = HuberRegressor(warm_start=True).fit(X, y)
    # One pass for the metric, whose gradient is the certificate, and one that may improve it.
    assert model.fit(X, y).n_passes_ <= 2


def peak_of_fit(model, X, y, weights=None):
    """Return the largest memory that Python and NumPy held in addition to X and y, in bytes."""
    clone(model).fit(X[:500], y[:500])  # imports modules and fills caches
    tracemalloc.start()
    try:
        clone(model).fit(X, y, weights)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("n", "p", "weighted", "model"),
    [
        (200_000, 50, False, HuberRegressor()),
        (200_000, 50, True, HuberRegressor()),
        (200_000, 50, True, HuberRegressor(delta="auto")),
        (200_000, 50, True, HuberRegressor(scale="mad", solver="newton")),
        (20_000, 200, False, HuberRegressor()),
        (20_000, 200, True, HuberRegressor(scale=1.0)),
        # Here the vectors need more memory than X.
        (400_000, 4, False, HuberRegressor()),
        (400_000, 4, True, HuberRegressor(delta="auto")),
        (400_000, 4, True, HuberRegressor(scale="mad")),
    ],
    ids=repr,
)
def test_memory_of_a_fit(n, p, weighted, model):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, p))
    y = X[:, 0] + rng.standard_t(2, size=n)
    X.flags.writeable = False
    weights = np.ones(n) if weighted else None
    # This includes the results of length n, weights_ and outliers_.
    assert peak_of_fit(model, X, y, weights) < 0.10 * X.nbytes + 12 * y.nbytes


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_memory_map_is_read_in_blocks(tmp_path, rng, dtype):
    n, p = 100_000, 20
    path = tmp_path / "X.dat"
    X = np.memmap(path, dtype=dtype, mode="w+", shape=(n, p))
    X[:] = rng.normal(size=(n, p))
    y = X[:, 0].astype(float) + rng.standard_t(2, size=n)
    X.flush()
    mapped = np.memmap(path, dtype=dtype, mode="r", shape=(n, p))
    expected = HuberRegressor(tol=1e-9).fit(np.asarray(X, dtype=float), y)
    assert peak_of_fit(HuberRegressor(), mapped, y) < 0.10 * 8 * n * p + 12 * y.nbytes
    model = HuberRegressor(tol=1e-9).fit(mapped, y)
    np.testing.assert_allclose(model.coef_, expected.coef_, rtol=1e-8, atol=1e-10)


def test_fortran_order_is_not_copied(rng):
    X = np.asfortranarray(rng.normal(size=(100_000, 20)))
    y = X[:, 0] + rng.standard_t(2, size=100_000)
    assert peak_of_fit(HuberRegressor(), X, y) < 0.10 * X.nbytes + 12 * y.nbytes


@pytest.mark.parametrize("cond", [1.0, 10.0, 100.0, 1000.0])
@pytest.mark.parametrize("scale", ["joint", 1.0])
def test_columns_that_go_together_are_fitted_without_a_gram_matrix(cond, scale, monkeypatch):
    # As if there were too many columns for a Gram matrix; warnings are errors.
    X, y = conditioned(np.random.default_rng(0), 3_000, 60, contamination=0.1, cond=cond)
    expected = HuberRegressor(scale=scale, tol=1e-8).fit(X, y)
    monkeypatch.setattr(DenseDesign, "widest_gram", 10)
    model = HuberRegressor(scale=scale).fit(X, y)
    assert model.optimality_ <= 1e-6
    # Predictions a millionth of a standard error away: sqrt(p / n) of the scale.
    distance = np.sqrt(np.mean((model.predict(X) - expected.predict(X)) ** 2)) / expected.scale_
    assert distance <= 2e-6 * np.sqrt(60 / 3_000)
