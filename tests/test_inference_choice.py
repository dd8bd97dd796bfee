"""The bootstrap that chooses delta in each replicate, as ``delta="auto"`` does."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from problems import plain

from robustreg import HuberRegressor
from robustreg.inference import summarize
from robustreg.inference.bootstrap import _row_counts, _signed
from robustreg.inference.choice import FINITE, KAPPAS, Bins, DeltaChoice
from robustreg.inference.fitted import fitted_regression
from robustreg.inference.replicates import Sample, solve_replicates
from robustreg.inference.sandwich import whiten
from robustreg.order_statistics import OrderedSquares
from robustreg.tuning import least_variance_delta

pytest.importorskip("pandas")

SCALES = ["joint", "mad", 1.0]


def batch(rng, scale, kind, n, size, p=3):
    """Return deltas, coefficients and standard errors of replicates, and refits with "auto"."""
    X, y = plain(rng, n=n, p=p)
    model = HuberRegressor(delta="auto", scale=scale).fit(X, y)
    fitted = fitted_regression(model, X, y)
    sample = Sample.of(fitted, whiten(fitted))
    choice = DeltaChoice(fitted, sample)
    if kind == "pairs":
        s, u = _row_counts(fitted, np.arange(n), 0, size, rng), sample.u[None, :]
        refits = [HuberRegressor(delta="auto", scale=scale).fit(X, y, each) for each in s]
    else:
        s, u = np.ones((1, n), dtype=np.float32), _signed(sample, np.arange(n), size, rng)
        lines = u.astype(np.float64) * model.scale_ + model.predict(X)
        refits = [HuberRegressor(delta="auto", scale=scale).fit(X, line) for line in lines]
    start = choice.starts(s, u.copy())
    steps = solve_replicates(choice.solver, s, u, start)
    change = fitted.to_user() @ sample.back * fitted.scale
    theirs = np.array([[refit.intercept_, *refit.coef_] for refit in refits])
    deltas = start.delta, np.array([refit.delta_ for refit in refits])
    return deltas, fitted.coefficients + steps @ change.T, theirs, summarize(model, X, y)


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("kind", ["pairs", "wild"])
def test_replicates_with_the_same_delta_are_refits(rng, kind, scale):
    (found, expected), ours, theirs, summary = batch(rng, scale, kind, 300, 40)
    same = np.isclose(found, expected)
    # Variances of neighbouring candidates are nearly equal, so that a pilot a few hundredths of a
    # standard error away may choose another one.
    assert same.sum() >= 10
    distances = (ours - theirs)[same] / summary.standard_errors
    assert np.sqrt(np.mean(distances**2)) < 0.02


@pytest.mark.parametrize("scale", ["joint", "mad"])
def test_deltas_and_spread_are_those_of_refits(rng, scale):
    (found, expected), ours, theirs, _ = batch(rng, scale, "pairs", 100, 200)
    levels = [0.25, 0.5, 0.75]
    # Two candidates, 13 % apart.
    ratio = np.quantile(found, levels) / np.quantile(expected, levels)
    assert np.all((ratio > 0.77) & (ratio < 1.3))
    # They share their draws and differ only in the choice between nearly equal candidates.
    assert_allclose(ours.std(axis=0), theirs.std(axis=0), rtol=0.05)


@pytest.mark.parametrize("seed", range(10))
def test_binned_residuals_give_the_choice_of_ordered_ones(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(20, 3000))
    residuals = rng.standard_t(rng.uniform(1.0, 10.0), size=n).astype(np.float32)
    counts = rng.integers(0, 4, size=n).astype(np.float32)
    bins = Bins.of(residuals, counts)
    freedom = counts.sum() - 5.0
    ordered = OrderedSquares(residuals.astype(float), counts.astype(float))
    scales = bins.joint_scales(2.0 * KAPPAS * freedom)
    expected = [
        ordered.joint_scale(d, 2.0 * k * freedom) for d, k in zip(FINITE, KAPPAS, strict=True)
    ]
    assert_allclose(scales, expected, rtol=0.01)
    variances = bins.variances(FINITE * scales)
    exact = ordered.variances((FINITE * expected)[:, None], KAPPAS[:, None], 1.0)[:, 0]
    # A row more or less is within the threshold, since t is known only to the width of a bin.
    assert_allclose(variances, exact, rtol=0.02 + 6.0 / n)
    assert bins.square == pytest.approx(float(counts @ residuals.astype(float) ** 2), rel=1e-5)
    chosen = least_variance_delta(
        residuals.astype(float), counts.astype(float), degrees_of_freedom=freedom
    )
    least = min(*exact, bins.square / bins.total)
    candidates = np.append(exact, bins.square / bins.total)
    ours = np.append(variances, bins.square / bins.total)
    assert candidates[np.argmin(ours)] <= 1.03 * least + 6.0 * least / n
    assert chosen > 0.0


def test_residuals_of_any_size(rng):
    for size in (0.0, 1e-30, 1e-3, 1e3, 1e15):
        residuals = np.full(50, size, dtype=np.float32)
        bins = Bins.of(residuals, np.ones(50, dtype=np.float32))
        assert bins.total == 50.0
        with np.errstate(all="raise"):
            assert np.all(bins.joint_scales(2.0 * KAPPAS * 45.0) >= 0.0)
            assert np.all(bins.variances(FINITE) > 0.0)


@pytest.mark.slow
def test_standard_errors_count_the_choice():
    # Over these samples the coefficients of "auto" vary more than its formula says.
    slopes, ours, formula = [], [], []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        X, y = rng.normal(size=(100, 4)), rng.standard_t(3, size=100)
        model = HuberRegressor(delta="auto").fit(X, y)
        options = {"cov_type": "bootstrap", "n_bootstrap": 150, "random_state": seed}
        slopes.append(model.coef_)
        ours.append(summarize(model, X, y, **options).standard_errors[1:])
        formula.append(summarize(model, X, y).standard_errors[1:])
    assert np.mean(ours) > 1.03 * np.mean(formula)
    assert 0.85 < np.sqrt(np.mean(np.square(ours))) / np.std(slopes) < 1.25


def test_a_given_delta_is_not_chosen_again(rng):
    X, y = plain(rng, n=200)
    chosen = HuberRegressor(delta="auto").fit(X, y)
    given = HuberRegressor(delta=chosen.delta_).fit(X, y)
    options = {"cov_type": "bootstrap", "n_bootstrap": 100, "random_state": 0}
    one, other = (summarize(model, X, y, **options) for model in (chosen, given))
    assert "delta chosen in each" in one.description
    assert "delta chosen" not in other.description
    assert np.all(one.standard_errors != other.standard_errors)


@pytest.mark.parametrize("kind", ["pairs", "wild"])
@pytest.mark.parametrize("grouped", [False, True])
def test_reproducible_with_groups_threads_and_weights(rng, kind, grouped):
    X, y = plain(rng, n=150)
    weights = rng.integers(0, 3, size=150).astype(float)
    model = HuberRegressor(delta="auto").fit(X, y, weights)
    options = {
        "cov_type": "bootstrap", "bootstrap": kind, "n_bootstrap": 200, "random_state": 0,
        "sample_weight": weights, "groups": np.arange(150) % 30 if grouped else None,
    }  # fmt: skip
    one, two = (summarize(model, X, y, n_jobs=jobs, **options) for jobs in (None, 2))
    assert_array_equal(one.covariance_matrix, two.covariance_matrix)
    assert np.all(one.standard_errors > 0.0)


@pytest.mark.parametrize("delta", ["auto", 1.345])
def test_a_filler_in_y(rng, delta):
    X, y = plain(rng, n=100)
    y[::20] = 1e100
    model = HuberRegressor(delta=delta).fit(X, y)
    options = {"cov_type": "bootstrap", "n_bootstrap": 100, "random_state": 0}
    for kind in ("pairs", "wild"):
        summary = summarize(model, X, y, bootstrap=kind, **options)
        assert np.all(np.isfinite(summary.standard_errors))


def test_where_no_row_is_clipped(rng):
    X = rng.normal(size=(200, 3))
    y = X[:, 0] + rng.uniform(-1.0, 1.0, size=200)
    model = HuberRegressor(delta="auto").fit(X, y)
    assert not model.outliers_.any()
    summary = summarize(model, X, y, cov_type="bootstrap", n_bootstrap=500, random_state=0)
    sandwich = summarize(model, X, y, cov_type="HC2")
    # The error of the bootstrap is 3 %.
    assert_allclose(summary.standard_errors, sandwich.standard_errors, rtol=0.15)


@pytest.mark.parametrize("delta", [0.3, 0.5, 1.345])
@pytest.mark.parametrize("n", [40, 60])
@pytest.mark.filterwarnings("ignore::robustreg.exceptions.ExactFitWarning")
def test_few_rows_within_the_threshold_are_solved_together(rng, delta, n):
    X, y = plain(rng, n=n, p=3, contamination=0.0)
    model = HuberRegressor(delta=delta).fit(X, y)
    fitted = fitted_regression(model, X, y)
    sample = Sample.of(fitted, whiten(fitted))
    counts = _row_counts(fitted, np.arange(n), 0, 100, rng)
    steps = solve_replicates(sample, counts, sample.u[None, :])
    failed = np.isnan(steps).any(axis=1)
    assert failed.mean() <= 0.05
    refits = [HuberRegressor(delta=delta, max_iter=1000).fit(X, y, s) for s in counts[~failed]]
    scales = np.array([refit.scale_ for refit in refits]) / model.scale_
    theirs = np.array([[refit.intercept_, *refit.coef_] for refit in refits])
    ours = fitted.coefficients + steps[~failed] @ (fitted.to_user() @ sample.back * fitted.scale).T
    errors = summarize(model, X, y).standard_errors
    distances = np.abs(ours - theirs) / errors
    # Those whose scale nearly vanishes have nearly as many solutions as they have rows.
    assert np.quantile(distances[scales > 0.1], 0.95) < 0.1
