"""Bootstrap replicates are refits of samples drawn as documented."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from problems import plain

from robustreg import HuberRegressor
from robustreg.inference import summarize
from robustreg.inference.bootstrap import _group_counts, _refit_failures, _row_counts, _signed
from robustreg.inference.fitted import fitted_regression
from robustreg.inference.replicates import Sample, solve_replicates
from robustreg.inference.sandwich import whiten

pytest.importorskip("pandas")

SCALES = ["joint", "mad", 1.0]


def sample_of(model, X, y, weights=None):
    fitted = fitted_regression(model, X, y, weights)
    return fitted, Sample.of(fitted, whiten(fitted))


def coefficients(fitted, sample, steps):
    """Return replicates in the order intercept, slopes, for the user's X and y."""
    change = fitted.to_user() @ sample.back * fitted.scale
    return fitted.coefficients + steps @ change.T


def distances(fitted, sample, steps, refits, X, y):
    """Return the distance of replicates from refits, in standard errors."""
    errors = summarize(fitted.model, X, y, cov_type="HC1").standard_errors
    return (coefficients(fitted, sample, steps) - refits) / errors


@pytest.mark.parametrize(
    ("scale", "n"), [("joint", 40), ("joint", 300), ("mad", 300), (1.0, 40), (1.0, 300)]
)
@pytest.mark.parametrize("delta", [0.8, 1.345, np.inf])
def test_pairs_replicates_are_refits_with_the_counts_as_weights(rng, scale, delta, n):
    X, y = plain(rng, n=n)
    model = HuberRegressor(scale=scale, delta=delta).fit(X, y)
    fitted, sample = sample_of(model, X, y)
    counts = _row_counts(fitted, np.arange(n), 0, 30, rng)
    steps = solve_replicates(sample, counts, sample.u[None, :])
    _refit_failures(fitted, sample, counts, sample.u[None, :], steps)
    refits = [HuberRegressor(scale=scale, delta=delta).fit(X, y, s) for s in counts]
    refits = [[refit.intercept_, *refit.coef_] for refit in refits]
    found = distances(fitted, sample, steps, refits, X, y)
    assert np.sqrt(np.mean(found**2)) < 0.03
    assert np.abs(found).max() < 0.2


@pytest.mark.parametrize("scale", SCALES)
def test_wild_replicates_are_refits_to_signed_residuals(rng, scale):
    X, y = plain(rng, n=300)
    model = HuberRegressor(scale=scale).fit(X, y)
    fitted, sample = sample_of(model, X, y)
    u = _signed(sample, np.arange(300), 30, rng)
    steps = solve_replicates(sample, np.ones((1, 300), dtype=np.float32), u.copy())
    fits = [
        HuberRegressor(scale=scale).fit(X, model.predict(X) + line * model.scale_)
        for line in u.astype(np.float64)
    ]
    refits = [[refit.intercept_, *refit.coef_] for refit in fits]
    found = distances(fitted, sample, steps, refits, X, y)
    assert np.sqrt(np.mean(found**2)) < 0.02
    assert np.abs(found).max() < 0.1


def test_residuals_are_as_wide_as_those_of_least_squares_divided_by_root_one_less_leverage(rng):
    X, y = plain(rng)
    fitted, sample = sample_of(HuberRegressor(delta=np.inf).fit(X, y), X, y)
    A = np.column_stack((np.ones(60), X))
    leverage = np.einsum("ij,ji->i", A, np.linalg.pinv(A))
    assert_allclose(sample.spread, fitted.standardized / np.sqrt(1 - leverage), rtol=1e-5)


def test_what_is_drawn(rng):
    X, y = plain(rng, n=50)
    weights = rng.integers(0, 4, size=50).astype(float)
    fitted, sample = sample_of(HuberRegressor().fit(X, y, weights), X, y, weights)
    counts = _row_counts(fitted, np.arange(50), 0, 2000, rng)
    assert_array_equal(counts.sum(axis=1), weights.sum())
    # A row drawn n times with probability s/n is binomial: mean s, variance s (1 - s/n).
    assert_allclose(counts.mean(axis=0), weights, atol=6 * np.sqrt(3 / 2000))
    numbers = np.arange(50) % 7
    grouped = _group_counts(fitted, numbers, 7, 30, rng)
    ratio = np.divide(grouped, weights, out=np.zeros_like(grouped, dtype=float), where=weights > 0)
    for group in range(7):
        members = ratio[:, (numbers == group) & (weights > 0)]
        assert_array_equal(members, np.repeat(members[:, :1], members.shape[1], axis=1))
    signs = _signed(sample, numbers, 30, rng) / sample.spread
    assert_array_equal(np.abs(np.round(signs, 5)), 1.0)
    assert_array_equal(signs[:, 7:14], signs[:, :7])


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("kind", ["pairs", "wild"])
def test_standard_errors_are_those_of_the_sandwich(rng, kind, scale):
    X, y = plain(rng, n=1500)
    model = HuberRegressor(scale=scale).fit(X, y)
    drawn = summarize(
        model, X, y, cov_type="bootstrap", bootstrap=kind, n_bootstrap=4000, random_state=0,
        scale_coupling=False,
    )  # fmt: skip
    sandwich = summarize(model, X, y, cov_type="HC2")
    # Four times 1/sqrt(2 * 4000), the error of the bootstrap.
    assert_allclose(drawn.standard_errors, sandwich.standard_errors, rtol=0.05)


@pytest.mark.parametrize("kind", ["pairs", "wild"])
def test_groups_are_drawn_whole(rng, kind):
    groups = np.arange(1200) % 60
    X = rng.normal(size=60)[groups, None] + 0.1 * rng.normal(size=(1200, 1))
    y = X[:, 0] + rng.normal(size=60)[groups] + rng.normal(size=1200)
    model = HuberRegressor().fit(X, y)
    options = {"cov_type": "bootstrap", "bootstrap": kind, "n_bootstrap": 2000, "random_state": 0}
    rows, whole = (
        summarize(model, X, y, groups=g, **options).standard_errors for g in (None, groups)
    )
    cluster = summarize(model, X, y, cov_type="CR1", groups=groups).standard_errors
    assert_allclose(whole, cluster, rtol=0.12)
    assert np.all(rows < 0.5 * whole)


def test_reproducible_and_the_same_for_any_number_of_threads(rng):
    X, y = plain(rng, n=300)
    model = HuberRegressor().fit(X, y)
    options = {"cov_type": "bootstrap", "n_bootstrap": 300}
    one = summarize(model, X, y, random_state=3, **options)
    two = summarize(model, X, y, random_state=3, n_jobs=2, **options)
    other = summarize(model, X, y, random_state=4, **options)
    assert_array_equal(one.covariance_matrix, two.covariance_matrix)
    assert np.all(one.standard_errors != other.standard_errors)
    assert one.replicates.shape == (300, 4)
    assert summarize(model, X, y, random_state=np.random.RandomState(3), **options).n == 300
    first, second = (
        summarize(model, X, y, random_state=np.random.default_rng(3), **options) for _ in range(2)
    )
    assert_array_equal(first.covariance_matrix, second.covariance_matrix)


def test_few_groups_have_a_note(rng):
    X, y = plain(rng)
    model, options = HuberRegressor().fit(X, y), {"cov_type": "bootstrap", "n_bootstrap": 20}
    few = summarize(model, X, y, groups=np.arange(60) % 3, bootstrap="wild", **options)
    assert "With 3 groups, fewer than about 20" in few.notes[0]
    many = summarize(model, X, y, groups=np.arange(60) % 20, bootstrap="wild", **options)
    assert many.notes == ()


def test_percentile_interval(rng):
    X, y = plain(rng, n=300)
    summary = summarize(
        HuberRegressor().fit(X, y), X, y, cov_type="bootstrap", n_bootstrap=500, random_state=0
    )
    found = summary.confidence_interval(0.9, method="percentile")
    assert_allclose(found.T, np.quantile(summary.replicates, [0.05, 0.95], axis=0), rtol=1e-12)
    assert_allclose(np.cov(summary.replicates.T), summary.covariance_matrix, rtol=1e-4)


def test_fewer_rows_than_newton_steps_can_solve(rng):
    # With twelve rows for four coefficients, many replicates have few rows within the threshold.
    X, y = plain(rng, n=16)
    model = HuberRegressor().fit(X, y)
    summary = summarize(model, X, y, cov_type="bootstrap", random_state=0, n_bootstrap=200)
    assert np.all(np.isfinite(summary.standard_errors))


def test_progress_bar(rng, capsys):
    X, y = plain(rng, n=200)
    model = HuberRegressor().fit(X, y)
    summarize(model, X, y, cov_type="bootstrap", n_bootstrap=200)
    assert capsys.readouterr().err == ""
    summarize(model, X, y, cov_type="bootstrap", n_bootstrap=200, verbose=1)
    lines = capsys.readouterr().err.split("\r")
    assert lines[-1] == f"[{'#' * 30}] 200/200 replicates\n"
    assert lines[1].endswith("] 128/200 replicates")


@pytest.mark.parametrize("bootstrap", ["pairs", "wild"])
@pytest.mark.parametrize("delta", [1.345, 3.0, "auto"])
@pytest.mark.parametrize("scale", ["joint", "mad"])
def test_fillers_in_a_fifth_of_the_rows(delta, scale, bootstrap):
    """The result is numbers or our error, but neither a warning nor an error of the solver."""
    rng = np.random.default_rng(3)
    X = rng.normal(size=(100, 3))
    y = X.sum(axis=1) + rng.normal(size=100)
    far = rng.random(100) < 0.2
    y[far] = 1e100 * rng.normal(size=far.sum())
    model = HuberRegressor(delta=delta, scale=scale).fit(X, y)
    chosen = {"cov_type": "bootstrap", "bootstrap": bootstrap, "n_bootstrap": 40}
    try:
        summary, message = summarize(model, X, y, **chosen, random_state=0), ""
    except ValueError as error:
        summary, message = None, str(error)
    if summary is None:
        assert "of the bootstrap replicates have no unique solution" in message
    else:
        assert np.all(summary.standard_errors > 0.0)


def test_a_refit_that_does_not_end_at_a_solution_has_no_value(rng, monkeypatch):
    from robustreg.inference import refits

    X, y = plain(rng)
    fitted = fitted_regression(HuberRegressor().fit(X, y), X, y)
    weights = np.ones(60)
    found = refits.refit(fitted, weights, tol=1e-8, warm=False)
    np.testing.assert_allclose(found, fitted.theta, rtol=1e-6)
    monkeypatch.setattr(refits, "FARTHEST_END", -1.0)
    assert np.isnan(refits.refit(fitted, weights, tol=1e-8, warm=False)).all()
