"""Regression, scale and affine equivariance, and breakdown."""

import numpy as np
import pytest
from effort import examples
from hard_cases import hard_case, scale_from
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from robustreg import MMRegressor


def fit(X, y, **parameters):
    return MMRegressor(random_state=0, **parameters).fit(X, y)


@examples(25)
@given(
    seed=st.integers(0, 2**31),
    n=st.integers(30, 120),
    p=st.integers(1, 5),
    share=st.floats(0.0, 0.35),
    loss=st.sampled_from(["bisquare", "lqq", "optimal"]),
)
def test_equivariance(seed, n, p, share, loss):
    X, y = hard_case(n, p, share, 6.0, seed)
    rng = np.random.default_rng(seed)
    model = fit(X, y, loss=loss)
    unit = float(np.exp(rng.uniform(-20, 20)))
    add = rng.normal(size=p)
    A = rng.normal(size=(p, p)) + 2.0 * np.eye(p)
    b = rng.normal(size=p)

    moved = fit(X, unit * (y + X @ add + 3.0), loss=loss)
    size = np.abs(model.coef_).max() + np.abs(add).max() + 3.0
    assert_allclose(moved.coef_ / unit, model.coef_ + add, rtol=1e-8, atol=1e-8 * size)
    assert_allclose(moved.intercept_ / unit, model.intercept_ + 3.0, rtol=1e-8, atol=1e-8 * size)
    assert_allclose(moved.scale_ / unit, model.scale_, rtol=1e-8)

    if np.linalg.cond(A) < 50:
        turned = fit(X @ A + b, y, loss=loss)
        assert_allclose(A @ turned.coef_, model.coef_, rtol=1e-7, atol=1e-8 * size)
        assert_allclose(turned.predict(X @ A + b), model.predict(X), rtol=1e-8, atol=1e-7)
        assert_allclose(turned.scale_, model.scale_, rtol=1e-8)


# -- breakdown at n = 200, p = 5 ------------------------------------------------------------------


def clean_data(seed):
    r = np.random.default_rng(seed)
    X = r.normal(size=(200, 5))
    return X, 1.0 + X @ np.arange(1.0, 6.0) + r.normal(size=200), r


def assert_bounded(X, y, k):
    model = fit(X, y)
    assert np.linalg.norm(model.coef_ - np.arange(1.0, 6.0)) < 1.0
    assert model.scale_ <= scale_from(X, y, np.arange(200) >= k) * (1.0 + 1e-8)


@pytest.mark.parametrize("far", [1e2, 1e4, 1e6])
@pytest.mark.parametrize("seed", [0, 1])
def test_wrong_responses(seed, far):
    X, y, r = clean_data(seed)
    for values in (far, far * r.normal(size=90), -far + r.normal(size=90)):
        wrong = y.copy()
        wrong[:90] = values
        assert_bounded(X, wrong, 90)


@pytest.mark.parametrize("far", [1e2, 1e4, 1e6])
@pytest.mark.parametrize("ratio", [1e3, -1e6])
def test_far_rows_whose_response_is_farther(far, ratio):
    X, y, r = clean_data(2)
    X[:90, 0] = far * (1.0 + 0.01 * r.normal(size=90))
    y[:90] = ratio * far
    assert_bounded(X, y, 90)


@pytest.mark.parametrize("far", [1e2, 1e4, 1e6])
@pytest.mark.parametrize("share", [0.2, 0.3, 0.4])
def test_clusters_of_leverage_points(far, share):
    X, y, r = clean_data(3)
    k = int(share * 200)
    X[:k, 0] = far + r.normal(size=k)
    y[:k] = -3.0 * X[:k, 0] + r.normal(size=k)
    assert_bounded(X, y, k)


def test_beyond_breakdown_the_lower_minimum_is_found():
    # DESIGN.md: with 45 % of the rows at (100, -300) the wrong minimum is the lower one.
    X, y, r = clean_data(4)
    X[:90, 0] = 100.0 + 0.3 * r.normal(size=90)
    y[:90] = -300.0 + X[:90, 1:] @ np.arange(2.0, 6.0) + r.normal(size=90)
    model = fit(X, y)
    assert model.scale_ < 0.9 * scale_from(X, y, np.arange(200) >= 90)
