"""Intervals for predictions: the mean's variance, and the errors' own distribution."""

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose
from problems import plain
from scipy import stats

from robustreg import HuberRegressor
from robustreg.inference import summarize
from robustreg.inference.prediction import ErrorDistribution

pd = pytest.importorskip("pandas")


@pytest.fixture
def summary(rng):
    X, y = plain(rng, n=200)
    return summarize(HuberRegressor().fit(X, y), X, y)


def test_mean_and_its_interval(rng, summary):
    new = rng.normal(size=(7, 3))
    found = summary.predict(new, level=0.8)
    rows = np.column_stack((np.ones(7), new))
    variance = np.einsum("ij,jk,ik->i", rows, summary.covariance_matrix, rows)
    half = stats.t.ppf(0.9, 196) * np.sqrt(variance)
    assert_allclose(found["prediction"], rows @ summary.coefficients, rtol=1e-12)
    assert_allclose(found["std_err"], np.sqrt(variance), rtol=1e-9)
    assert_allclose(found["ci_low"], found["prediction"] - half, rtol=1e-9)
    assert_allclose(found["ci_high"], found["prediction"] + half, rtol=1e-9)


def test_the_same_for_sparse_and_named_rows(rng, summary):
    new = np.round(rng.normal(size=(4, 3)), 1)
    expected = summary.predict(new)
    pd.testing.assert_frame_equal(summary.predict(sp.csr_array(new)), expected)
    X, y = plain(rng, n=200)
    frame = pd.DataFrame(X, columns=list("abc"), index=np.arange(200) + 1000)
    named = summarize(HuberRegressor().fit(frame, y), frame, y)
    assert list(named.predict(frame.tail(2)).index) == [1198, 1199]
    with pytest.raises(ValueError, match="feature names"):
        named.predict(frame.rename(columns={"a": "z"}))
    with pytest.raises(ValueError, match="X has 2 features"):
        summary.predict(new[:, :2])


@pytest.mark.parametrize("level", [0.5, 0.9, 0.95])
def test_limits_solve_their_equation(rng, level):
    errors, frequencies = rng.standard_t(2, size=80), rng.integers(0, 3, size=80).astype(float)
    n, tail = frequencies.sum(), (1 - level) / 2
    distribution = ErrorDistribution.of(errors, frequencies)
    se = np.array([1e-3, 0.1, 0.5, 3.0])
    low, high = distribution.limits(se, level)
    below = [frequencies @ stats.norm.cdf((a - errors) / s) for a, s in zip(low, se, strict=True)]
    above = [frequencies @ stats.norm.sf((b - errors) / s) for b, s in zip(high, se, strict=True)]
    assert_allclose(below, (n + 1) * tail, rtol=2e-3)
    assert_allclose(above, (n + 1) * tail, rtol=2e-3)


def test_limits_without_an_error_of_the_mean_are_order_statistics(rng):
    errors = rng.normal(size=199)
    low, high = ErrorDistribution.of(errors, np.ones(199)).limits(np.zeros(1), 0.95)
    # 2.5 % of the 200 gaps are below the fifth of 199 values.
    assert_allclose([low[0], high[0]], np.sort(errors)[[4, -5]], rtol=1e-12)


def test_many_rows_are_interpolated_as_they_are_solved(rng):
    distribution = ErrorDistribution.of(rng.standard_t(3, size=500), np.ones(500))
    se = rng.lognormal(-2.0, 1.0, size=3000)
    low, high = distribution.limits(se, 0.95)
    few = rng.choice(3000, 40, replace=False)
    exact = distribution.limits(se[few], 0.95)
    assert_allclose([low[few], high[few]], exact, rtol=3e-3)


def test_distribution_of_errors_is_not_taken_as_gaussian(rng):
    X = rng.normal(size=(3000, 1))
    errors = rng.exponential(size=3000)
    summary = summarize(HuberRegressor().fit(X, X[:, 0] + errors), X, X[:, 0] + errors)
    found = summary.predict(np.zeros((1, 1)), level=0.9)
    # The quantiles of the exponential distribution itself, from -ln 0.95 to -ln 0.05.
    assert_allclose(found[["pi_low", "pi_high"]], [[0.0513, 2.996]], atol=0.12)


def test_too_few_observations_for_the_level(rng):
    X, y = plain(rng, n=25)
    summary = summarize(HuberRegressor().fit(X, y), X, y)
    with pytest.warns(UserWarning, match=r"level 0\.95.*at least 39 .* there are 25.*level=0\.92"):
        found = summary.predict(X[:1])
    assert np.all(np.isfinite(found))
    summary.predict(X[:1], level=0.92)


def test_level_out_of_range(summary):
    with pytest.raises(ValueError, match="level must be"):
        summary.predict(np.zeros((1, 3)), level=2)
