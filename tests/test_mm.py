"""MMRegressor with data of every kind, and its errors."""

import pickle
import warnings

import numpy as np
import pytest
import scipy.sparse as sp
from effort import examples
from hard_cases import hard_case, scale_from
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from robustreg import ExactFitWarning, HuberRegressor, MMRegressor
from robustreg.exceptions import ConvergenceWarning

B = np.array([1.0, 2.0, 3.0])


@pytest.fixture
def data(rng):
    X = rng.normal(size=(80, 3))
    y = 4.0 + X @ B + rng.normal(size=80)
    X[:16, 0], y[:16] = 20.0, -60.0 + rng.normal(size=16)
    return X, y


def fit(X, y, sample_weight=None, **parameters):
    return MMRegressor(random_state=0, **parameters).fit(X, y, sample_weight)


def assert_same_fit(a, b, rtol=1e-7):
    assert_allclose(a.coef_, b.coef_, rtol=rtol, atol=rtol)
    assert_allclose(a.intercept_, b.intercept_, rtol=rtol, atol=rtol)
    assert_allclose(a.scale_, b.scale_, rtol=rtol)


def test_succeeds_where_huber_fails(data):
    X, y = data
    assert np.linalg.norm(HuberRegressor().fit(X, y).coef_ - B) > 2.0
    model = fit(X, y)
    assert np.linalg.norm(model.coef_ - B) < 0.5
    assert model.outliers_[:16].all()
    assert (model.weights_[:16] == 0.0).all()
    assert model.optimality_ <= model.tol
    assert 1 <= model.n_best_starts_ <= model.n_starts_


def test_the_estimating_equations_hold(data):
    X, y = data
    for loss in ("bisquare", "lqq", "optimal"):
        model = fit(X, y, loss=loss, efficiency=0.9, breakdown=0.4)
        problem = model._problem()
        Z = np.column_stack((np.ones(80), X))
        u = (y - model.predict(X)) / model.scale_
        u0 = (y - X @ model.s_coef_ - model.s_intercept_) / model.scale_
        assert_allclose(problem.m_loss.psi(u) @ Z, 0.0, atol=1e-6)
        assert_allclose(problem.s_loss.psi(u0) @ Z, 0.0, atol=1e-6)
        rho = problem.s_loss.rho(u0).sum() / problem.s_loss.sup
        assert_allclose(rho, 0.4 * (80 - 4), rtol=1e-10)


def test_weights_are_frequencies(data, rng):
    X, y = data
    s = rng.integers(0, 4, size=80).astype(float)
    repeated = fit(np.repeat(X, s.astype(int), axis=0), np.repeat(y, s.astype(int)))
    assert_same_fit(fit(X, y, s), repeated)
    # Weights below one are relative, and their unit does not matter.
    small = rng.uniform(0.01, 0.2, size=80)
    assert_same_fit(fit(X, y, small), fit(X, y, small / 7.0))


def test_kinds_of_arrays(data, tmp_path):
    X, y = data
    model = fit(X, y)
    X.tofile(tmp_path / "X")
    mapped = np.memmap(tmp_path / "X", dtype=np.float64, mode="r", shape=X.shape)
    assert_same_fit(fit(mapped, y), model)
    assert_same_fit(fit(np.asfortranarray(X), y), model)
    assert_same_fit(fit(X.astype(np.float32), y), model, rtol=1e-5)
    assert_same_fit(fit(sp.csr_array(X), y), model)


def test_more_rows_than_the_pilot_has(rng):
    X, y = hard_case(6000, 5, 0.3, 8, 1)
    model = fit(X, y)
    clean = np.arange(6000) >= 1800
    assert model.scale_ <= scale_from(X, y, clean) * (1 + 1e-9)
    assert np.linalg.norm(model.coef_ - np.linspace(1, 2, 5)) < 0.2
    mask = rng.random(X.shape) < 0.5
    sparse = sp.csr_array(X * mask)
    assert_same_fit(fit(sparse, y), fit(X * mask, y))


def test_dask_collections(rng):
    da = pytest.importorskip("dask.array")
    from robustreg.design.dask import design

    X, y = hard_case(6000, 5, 0.3, 8, 1)
    lazy = da.from_array(X, chunks=(1000, 5)), da.from_array(y, chunks=1000)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(design, "LOADED_BYTES", 0)
        model = fit(*lazy)
        predictions = model.predict(lazy[0]).compute()
    assert_same_fit(model, fit(X, y))
    assert_allclose(model.weights_.compute(), fit(X, y).weights_, atol=1e-6)
    assert_allclose(predictions, X @ model.coef_ + model.intercept_)
    assert not hasattr(pickle.loads(pickle.dumps(model)), "weights_")


def test_same_seed_same_numbers_and_seeds_agree_on_the_minimum(data):
    X, y = data
    assert_same_fit(fit(X, y), fit(X, y), rtol=0)
    assert_same_fit(MMRegressor(random_state=1).fit(X, y), fit(X, y, n_subsets=0))


def test_works_with_scikit_learn(data):
    X, y = data
    pipeline = make_pipeline(StandardScaler(), MMRegressor(random_state=0)).fit(X, y)
    assert_allclose(pipeline.predict(X), fit(X, y).predict(X), rtol=1e-6)
    search = GridSearchCV(MMRegressor(random_state=0), {"efficiency": [0.85, 0.95]}, cv=3)
    assert search.fit(X, y).best_params_["efficiency"] in (0.85, 0.95)
    model = fit(X, y)
    copy = pickle.loads(pickle.dumps(clone(model).fit(X, y)))
    assert_same_fit(copy, model, rtol=0)


# -- columns that depend on one another, and dummies ----------------------------------------------


def test_dependent_columns_share_their_coefficient(data):
    X, y = data
    alone, both = fit(X, y), fit(np.column_stack((X, X[:, 0])), y)
    assert_allclose(both.coef_[[0, 3]], alone.coef_[0] / 2.0, rtol=1e-7)
    assert_allclose(both.scale_, alone.scale_, rtol=1e-8)  # k counts the rank
    assert both.optimality_ <= both.tol
    constant = fit(np.column_stack((X, np.ones(80))), y)
    assert_allclose(constant.coef_, np.append(alone.coef_, 0.0), rtol=1e-7, atol=1e-9)


def test_dummies_that_occur_in_few_rows(rng):
    X = rng.normal(size=(100, 2))
    rare = np.zeros((100, 3))
    for j, first in enumerate((10, 40, 70)):
        rare[first : first + 3 + j, j] = 1.0
    X = np.column_stack((X, rare))
    b = np.array([1.0, -1.0, 20.0, -30.0, 40.0])
    y = X @ b + rng.normal(size=100)
    y[20:39] = 500.0
    model = fit(X, y)
    assert np.abs(model.coef_ - b).max() < 3.0
    assert model.scale_ < 1.5


@pytest.mark.parametrize("kind", [np.asarray, sp.csr_array])
def test_categories_too_rare_for_the_pilot(rng, kind):
    n = 8000
    rare = np.zeros((n, 2))
    rare[:4, 0] = rare[5000:5006, 1] = 1.0
    X = np.column_stack((rng.normal(size=(n, 2)), rare))
    y = X @ [1.0, 2.0, 50.0, -70.0] + rng.normal(size=n)
    y[10:2000] = 1e3
    # The error of a mean of four or six rows.
    assert np.abs(fit(kind(X), y).coef_ - [1.0, 2.0, 50.0, -70.0]).max() < 2.5


# -- fits without noise ---------------------------------------------------------------------------


@examples(30)
@given(
    seed=st.integers(0, 2**31),
    extra=st.integers(0, 20),
    p=st.integers(1, 4),
    offset=st.sampled_from([0.0, 1e3, 1e6]),
)
def test_an_exact_fit_of_half_of_the_rows_is_found(seed, extra, p, offset):
    rng = np.random.default_rng(seed)
    n = 40
    X = rng.normal(size=(n, p)) + offset
    b = rng.normal(size=p)
    y = X @ b + 3.0
    exact = min(n, (n + p + 1 + 1) // 2 + extra)
    y[exact:] += rng.standard_cauchy(n - exact) + 5.0
    with pytest.warns(ExactFitWarning):
        model = fit(X, y)
    assert model.scale_ == 0.0
    assert model.optimality_ == 0.0
    assert_allclose(model.coef_, b, rtol=1e-8 * max(1.0, offset), atol=1e-9 * max(1.0, offset))
    assert model.weights_[:exact].all()
    assert not model.weights_[exact:].any()
    assert model.outliers_[exact:].all()


def test_as_many_coefficients_as_rows_interpolate_with_the_least_norm(rng):
    X, y = rng.normal(size=(6, 15)), rng.normal(size=6)
    with pytest.warns(ExactFitWarning):
        model = fit(X, y)
    assert_allclose(model.predict(X), y, atol=1e-10)
    expected = np.linalg.pinv(X - X.mean(axis=0)) @ (y - y.mean())
    assert_allclose(model.coef_, expected, atol=1e-10)
    assert model.scale_ == 0.0


# -- refusals and warnings ------------------------------------------------------------------------


def test_pairs_of_efficiency_and_breakdown(data):
    # Smallest breakdown points in DESIGN.md: .228 for 80 %, .164 for 90, .119 for 95, .057 for 99.
    for efficiency, least in ((0.8, 0.228), (0.9, 0.164), (0.95, 0.1185), (0.99, 0.057)):
        fit(*data, efficiency=efficiency, breakdown=least + 2e-3, n_subsets=0)
        with pytest.raises(ValueError, match=r"efficiency=.* and breakdown=.* do not go together"):
            fit(*data, efficiency=efficiency, breakdown=least - 2e-3)


@pytest.mark.parametrize(
    "parameters",
    [
        {"efficiency": 0.7},
        {"efficiency": 1.0},
        {"breakdown": 0.0},
        {"breakdown": 0.6},
        {"loss": "huber"},
        {"n_subsets": -1},
        {"tol": 0.0},
    ],
)
def test_parameters_out_of_range(data, parameters):
    with pytest.raises(ValueError, match=next(iter(parameters))):
        fit(*data, **parameters)


def test_a_warning_if_and_only_if_the_distance_exceeds_tol(rng):
    for seed in range(6):
        X, y = hard_case(60, 5, 0.2, 5, seed)
        for max_iter in (1, 2, 4, 200):
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                model = fit(X, y, max_iter=max_iter)
            warned = any(issubclass(w.category, ConvergenceWarning) for w in caught)
            assert warned == (model.optimality_ > model.tol)


def test_ill_conditioned_columns_reach_the_tolerance_or_warn(rng):
    t = np.linspace(0.0, 1.0, 200)
    X = np.vander(t, 10)[:, :-1]
    y = np.sin(6 * t) + 0.1 * rng.normal(size=200)
    y[:40] += 5.0
    model = fit(X, y)
    assert model.optimality_ <= model.tol
