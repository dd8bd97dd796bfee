"""Intervals for predictions, from the variance of the mean and the distribution of errors."""

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose
from problems import plain
from scipy import stats

from robustreg import HuberRegressor
from robustreg.inference import summarize
from robustreg.inference.covariance import huber_covariance
from robustreg.inference.fitted import fitted_regression
from robustreg.inference.prediction import (
    ErrorDistribution,
    Ranked,
    error_distribution,
    own_leverages,
)

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


def errors_of(model, X, y, weights=None):
    """Return the distribution of errors in a summary, and its parts."""
    fitted = fitted_regression(model, X, y, weights)
    estimate = huber_covariance(fitted, "H1", 0, False)
    return error_distribution(fitted, estimate, own_leverages(fitted)), fitted, estimate


def test_errors_of_least_squares_are_those_of_fits_without_the_row(rng):
    # e / (1 - h) is the residual from the fit without the row, with variance sigma² / (1 - h).
    X, y = plain(rng, n=30)
    found, fitted, _ = errors_of(HuberRegressor(delta=np.inf).fit(X, y), X, y)
    A = np.column_stack((np.ones(30), X))
    h = np.einsum("ij,ji->i", A, np.linalg.pinv(A))
    without = []
    for row in range(30):
        kept = np.arange(30) != row
        refit = HuberRegressor(delta=np.inf).fit(X[kept], y[kept])
        without.append(y[row] - refit.predict(X[[row]])[0])
    assert_allclose(found.sizes.values, np.abs(without) * np.sqrt(1 - h), rtol=1e-6)
    # The change of the fit at the centre is subtracted, which is the intercept's part of the
    # leverage.
    centre = np.array(without) - fitted.scale * fitted.standardized / (1 - h) / 30
    assert_allclose(found.errors.values, centre * np.sqrt(1 - h), rtol=1e-6)


@pytest.mark.parametrize("scale", ["joint", "mad", 1.0])
def test_errors_are_nearly_those_of_refits_without_the_row(rng, scale):
    X, y = plain(rng, n=40, p=8, contamination=0.0)
    model = HuberRegressor(scale=scale).fit(X, y)
    found, fitted, estimate = errors_of(model, X, y)
    without = []
    for row in range(40):
        kept = np.arange(40) != row
        refit = HuberRegressor(scale=scale).fit(X[kept], y[kept])
        without.append(y[row] - refit.predict(X[[row]])[0])
    plain_leverages = own_leverages(fitted)
    factor = estimate.average_factor() / fitted.working_scale**2
    spread = np.sqrt(1 + factor * plain_leverages / (1 - plain_leverages))
    one_step = found.sizes.values * spread
    slope = one_step @ np.abs(without) / (one_step @ one_step)
    assert slope == pytest.approx(1.0, abs=0.03)
    # The residuals themselves are much nearer to the fit.
    own = np.abs(fitted.standardized * fitted.scale)
    assert own @ np.abs(without) / (own @ own) > 1.1


@pytest.mark.parametrize("level", [0.5, 0.9, 0.95])
def test_limits_are_order_statistics(rng, level):
    errors = rng.normal(size=199)
    ranked = Ranked(errors, np.ones(199)), Ranked(np.abs(errors), np.ones(199))
    low, high = ErrorDistribution(*ranked, 199.0).limits(level)
    tail = 100.0 * (1.0 - level)
    ordered = np.sort(errors)
    assert_allclose(low, np.interp(tail, np.arange(1, 200), ordered), rtol=1e-12)
    assert_allclose(high, np.interp(200 - tail, np.arange(1, 200), ordered), rtol=1e-12)


def test_frequencies_are_repeated_errors(rng):
    errors, frequencies = rng.standard_t(2, size=80), rng.integers(0, 4, size=80)
    weighted = Ranked(errors, frequencies.astype(float))
    repeated = np.sort(np.repeat(errors, frequencies))
    n = repeated.size
    for rank in (1.0, 2.4, n / 3.0, n - 0.3, n):
        assert weighted.at(rank) == pytest.approx(np.interp(rank, np.arange(1, n + 1), repeated))


def test_where_either_side_has_too_few_the_sizes_count_together(rng):
    X, y = plain(rng, n=25)
    summary = summarize(HuberRegressor().fit(X, y), X, y)
    # With 26 gaps and 95 %, there is no gap for either side, and one for both.
    found = summary.predict(X[:1], level=0.95)
    below, above = (found["prediction"] - found["pi_low"]), (found["pi_high"] - found["prediction"])
    assert_allclose(below, above, rtol=1e-12)
    wider = summary.predict(X[:1], level=0.9)
    assert (wider["pi_high"] - wider["pi_low"]).iloc[0] < (below + above).iloc[0]


def test_intervals_grow_with_the_error_of_the_mean(rng, summary):
    far = np.vstack((np.zeros(3), np.full(3, 10.0)))
    found = summary.predict(far, level=0.9)
    scale = summary.scale
    width = (found["pi_high"] - found["pi_low"]).to_numpy()
    spread = np.hypot(1.0, found["std_err"] / scale)
    assert_allclose(width[1] / width[0], spread[1] / spread[0], rtol=1e-12)


def test_many_rows_have_the_average_leverage(rng):
    X, y = plain(rng, n=3000)
    model = HuberRegressor().fit(X, y)
    fitted = fitted_regression(model, X, y)
    assert own_leverages(fitted) is None
    estimate = huber_covariance(fitted, "H1", 0, True)
    average = error_distribution(fitted, estimate, None)
    from robustreg.inference.leverage import leverages

    own = error_distribution(fitted, estimate, leverages(fitted))
    assert_allclose(average.limits(0.95), own.limits(0.95), rtol=5e-3)


def test_distribution_of_errors_is_not_taken_as_gaussian(rng):
    X = rng.normal(size=(3000, 1))
    errors = rng.exponential(size=3000)
    summary = summarize(HuberRegressor().fit(X, X[:, 0] + errors), X, X[:, 0] + errors)
    found = summary.predict(np.zeros((1, 1)), level=0.9)
    # The quantiles of the exponential distribution itself, from -ln 0.95 to -ln 0.05.
    assert_allclose(found[["pi_low", "pi_high"]], [[0.0513, 2.996]], atol=0.12)


def test_too_few_observations_for_the_level(rng):
    X, y = plain(rng, n=15)
    summary = summarize(HuberRegressor().fit(X, y), X, y)
    with pytest.warns(UserWarning, match=r"level 0\.95.*at least 19 .* there are 15.*level=0\.93"):
        found = summary.predict(X[:1])
    assert np.all(np.isfinite(found))
    summary.predict(X[:1], level=0.93)


def test_level_out_of_range(summary):
    with pytest.raises(ValueError, match="level must be"):
        summary.predict(np.zeros((1, 3)), level=2)
