"""Robust R² compared with its definition, also if y has many equal values."""

import itertools
import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose
from problems import plain
from scipy import optimize

from robustreg import ExactFitWarning, HuberRegressor
from robustreg.inference import summarize
from robustreg.location import huber_location
from robustreg.metrics import d2_huber_score
from robustreg.tuning import kappa

pytest.importorskip("pandas")


def proposal_2(e, delta, location):
    """Return the largest root of Huber's second equation, with the location for each scale.

    It is zero if there is no root. The function uses a fine grid from above and Brent's method, and
    nothing of the library except the location at a known threshold.
    """

    def excess(log_scale):
        scale = np.exp(log_scale)
        centre = huber_location(e, np.ones(e.size), delta * scale) if location else 0.0
        return np.mean(np.minimum(((e - centre) / scale) ** 2, delta**2)) - 2.0 * kappa(delta)

    top = np.log(10.0 * np.abs(e).max() + 1e-300)
    grid = np.linspace(top, top - 25.0, 600)
    for above, below in itertools.pairwise(grid):
        if excess(below) >= 0.0:
            return np.exp(optimize.brentq(excess, below, above, xtol=1e-13))
    return 0.0


def definition(model, X, y):
    """Return 1 - (s / s_0)² by its two equations; NaN if y has scale zero."""
    s = proposal_2(y - model.predict(X), model.delta_, location=False)
    s_0 = proposal_2(y, model.delta_, location=True)
    return 1.0 - (s / s_0) ** 2 if s_0 > 0.0 else np.nan


def fitted(X, y, **parameters):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExactFitWarning)
        return HuberRegressor(max_iter=1000, **parameters).fit(X, y)


@pytest.mark.parametrize("seed", range(25))
def test_robust_r2_is_its_definition_where_y_has_equal_values(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(40, 300))
    X = rng.normal(size=(n, 2))
    kind = seed % 5
    if kind == 0:
        y = rng.poisson(np.exp(0.5 + 0.3 * X[:, 0])).astype(float)
    elif kind == 1:
        y = np.where(rng.random(n) < rng.uniform(0.3, 0.7), 0.0, 5.0 + 2.0 * X[:, 0])
    elif kind == 2:
        y = np.round(0.15 * X[:, 0] + 0.6 * rng.normal(size=n))
    elif kind == 3:
        y = np.where(rng.random(n) < 0.5, 7.0, rng.standard_cauchy(size=n))
    else:
        y = rng.integers(0, 3, size=n).astype(float)
    parameters = {"delta": rng.choice([0.3, 0.6, 1.345, 3.0])}
    parameters["scale"] = rng.choice(["joint", "mad"])
    model = fitted(X, y, **parameters)
    if not model.scale_ > 1e-8:
        return
    found, expected = summarize(model, X, y).robust_r2, definition(model, X, y)
    assert_allclose(found, expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("delta", [0.3, 1.345])
@pytest.mark.parametrize("weighted", [False, True])
def test_robust_r2_counts_frequencies(rng, delta, weighted):
    X = rng.normal(size=(80, 1))
    y = np.round(2.0 * X[:, 0] + rng.normal(size=80), 1)
    weights = rng.integers(0, 4, size=80) if weighted else np.ones(80, dtype=int)
    model = HuberRegressor(delta=delta).fit(X, y, weights)
    found = summarize(model, X, y, sample_weight=weights)
    repeated = [np.repeat(values, weights, axis=0) for values in (X, y)]
    assert_allclose(found.robust_r2, definition(model, *repeated), rtol=1e-6)
    expected = d2_huber_score(y, model.predict(X), delta=model.threshold_, sample_weight=weights)
    assert_allclose(found.d2, expected, rtol=1e-9)


def test_robust_r2_is_nan_where_y_has_no_scale():
    # At delta = 1.345 the joint scale is zero from 61 % of equal values on, at 0.3 from 7 %.
    i = np.arange(100)
    X, y = np.sin(3.0 * i)[:, None], np.where(i < 70, 0.0, 20.0 * (-1.0) ** i)
    summary = summarize(HuberRegressor(scale=3.0).fit(X, y), X, y)
    assert np.isnan(summary.robust_r2)
    assert "nan" in str(summary)
    y = np.where(i < 40, 0.0, np.cos(7.0 * i))
    model = HuberRegressor(scale=1.0, delta=0.3).fit(X, y)
    assert np.isnan(summarize(model, X, y).robust_r2)


@pytest.mark.parametrize("seed", range(20))
def test_robust_r2_is_never_far_below_its_definition(seed):
    # A location at the median where the MAD is zero would give -13.9 for -0.48, and -9e15 for
    # counts.
    rng = np.random.default_rng(seed)
    y = np.where(rng.random(200) < 0.58, 0.0, rng.normal(3.0, 1.0, size=200))
    X = rng.normal(size=(200, 2))
    for delta in (1.0, 1.345, 2.0):
        model = fitted(X, y, delta=delta, scale=1.0)
        found, expected = summarize(model, X, y).robust_r2, definition(model, X, y)
        assert_allclose(found, expected, rtol=1e-6)
        assert np.isnan(found) or found > -5.0


@pytest.mark.parametrize("unit", [1e-150, 1e-6, 1e6, 1e150])
def test_units_and_offsets_of_y_do_not_matter(rng, unit):
    X, y = plain(rng)
    one = summarize(HuberRegressor().fit(X, y), X, y)
    other = unit * (y + 100.0)
    found = summarize(HuberRegressor().fit(X, other), X, other)
    assert_allclose([found.robust_r2, found.d2], [one.robust_r2, one.d2], rtol=1e-6)
