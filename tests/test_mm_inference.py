"""Summaries, bootstrap, nested tests and diagnostics of MM regressions."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
import scipy.sparse as sp
from hard_cases import hard_case
from numpy.testing import assert_allclose
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from robustreg import ExactFitWarning, HuberRegressor, MMRegressor
from robustreg.datasets import load_stackloss, load_stars
from robustreg.inference import (
    MMDiagnostics,
    deviance_test,
    diagnose,
    summarize,
)
from robustreg.inference.robust_distance import robust_distances
from robustreg.inspection import OutlierMapDisplay, ResidualsDisplay

KINDS = ("avar1", "weighted", "sandwich", "bootstrap")


def fit(X, y, sample_weight=None, **parameters):
    return MMRegressor(random_state=0, **parameters).fit(X, y, sample_weight)


@pytest.fixture(scope="module")
def data():
    X, y = hard_case(400, 3, 0.15, 6, 0)
    return X, y, fit(X, y)


def errors(model, X, y, cov_type="avar1", **options):
    return summarize(model, X, y, cov_type=cov_type, random_state=0, **options).standard_errors


def test_the_kinds_agree_where_their_assumptions_hold(data):
    X, y, model = data
    reference = errors(model, X, y)
    for kind in KINDS[1:]:
        # Because of the fourth moment of the scores, each estimate has an error of some per cent at
        # n = 400.
        assert_allclose(errors(model, X, y, kind), reference, rtol=0.15)


@pytest.mark.slow
def test_bootstrap_against_refits(data):
    X, y, model = data
    rng = np.random.default_rng(1)
    coefs = []
    for _ in range(200):
        rows = rng.integers(0, 400, size=400)
        refit = fit(X[rows], y[rows], n_subsets=0)
        coefs.append(np.append(refit.intercept_, refit.coef_))
    fast = summarize(model, X, y, cov_type="bootstrap", random_state=0)
    # A standard deviation of 200 values has an error of 5 %.
    assert_allclose(fast.standard_errors, np.std(coefs, axis=0, ddof=1), rtol=0.2)
    assert fast.replicates.shape == (1000, 4)
    low, high = fast.confidence_interval(method="percentile").to_numpy().T
    assert np.all(low < fast.coefficients)
    assert np.all(fast.coefficients < high)


def test_bootstrap_by_groups_and_its_refusals(data):
    X, y, model = data
    groups = np.repeat(np.arange(100), 4)
    assert (errors(model, X, y, "bootstrap", groups=groups) > 0.0).all()
    with pytest.raises(ValueError, match="groups has shape"):
        errors(model, X, y, "bootstrap", groups=groups[:5])
    with pytest.raises(ValueError, match="groups has one label"):
        errors(model, X, y, "bootstrap", groups=np.zeros(400))
    with pytest.raises(ValueError, match="groups is given"):
        errors(model, X, y, groups=groups)
    with pytest.raises(ValueError, match="n_bootstrap"):
        errors(model, X, y, "bootstrap", n_bootstrap=1)


def test_frequencies_stand_for_repeated_rows(data):
    X, y, _ = data
    s = np.random.default_rng(0).integers(0, 3, size=400).astype(float)
    repeated = np.repeat(X, s.astype(int), axis=0), np.repeat(y, s.astype(int))
    for kind in KINDS[:3]:
        weighted = errors(fit(X, y, s), X, y, kind, sample_weight=s)
        assert_allclose(weighted, errors(fit(*repeated), *repeated, kind), rtol=1e-6)


def test_units_of_the_columns_and_of_y_do_not_matter(data):
    X, y, model = data
    units = np.array([1e-6, 1.0, 1e8])
    moved = X * units + 100.0 * units
    for kind in KINDS[:3]:
        found = errors(fit(moved, 1e3 * y), moved, 1e3 * y, kind)[1:]
        assert_allclose(found, 1e3 * errors(model, X, y, kind)[1:] / units, rtol=1e-6)
    sparse = sp.csr_array(X)
    assert_allclose(errors(fit(sparse, y), sparse, y), errors(model, X, y), rtol=1e-6)


def test_a_pipeline_is_summarised_by_its_last_step(data):
    X, y, model = data
    pipeline = make_pipeline(StandardScaler(), MMRegressor(random_state=0)).fit(X, y)
    summary = summarize(pipeline, X, y)
    assert_allclose(summary.standard_errors[1:], errors(model, X, y)[1:] * X.std(axis=0), rtol=1e-6)
    rows = summary.predict(X[:5])
    assert_allclose(rows["prediction"], model.predict(X[:5]), rtol=1e-8)
    assert np.all(rows["pi_high"] - rows["pi_low"] > rows["ci_high"] - rows["ci_low"])


def test_the_text_says_what_fit_it_was(data):
    X, y, model = data
    text = str(summarize(model, X, y))
    assert "MM regression" in text
    assert "Starts at best fit" in text
    assert "MM regression" in summarize(model, X, y)._repr_html_()


def test_notes_on_starts(data):
    X, y, model = data
    assert not summarize(model, X, y).notes
    alone = fit(X, y)
    alone.n_best_starts_ = 1
    assert "starts reached the lowest scale" in summarize(alone, X, y).notes[0]
    close = fit(X, y)
    close._runner_up = 1.004
    assert "within 1 % of the lowest" in summarize(close, X, y).notes[0]


def test_other_data_and_exact_fits_are_refused(data):
    X, y, model = data
    with pytest.raises(ValueError, match="pass the same data"):
        summarize(model, X, y + X[:, 0])
    with pytest.raises(ValueError, match="pass the same data"):
        summarize(model, X[:200], y[:200])
    with pytest.raises(ValueError, match="cov_type must be one of"):
        summarize(model, X, y, cov_type="HC3")
    with pytest.warns(ExactFitWarning):
        exact = fit(X, X[:, 0])
    with pytest.raises(ValueError, match="exactly"):
        summarize(exact, X, X[:, 0])
    double = np.column_stack((X, X[:, 0]))
    with pytest.raises(ValueError, match="X has rank 4 for 5 coefficients"):
        summarize(fit(double, y), double, y)


def test_deviance_test(data):
    X, y, model = data
    strong = deviance_test(model, X, y, ["x1", "x2"])
    assert strong.df == 2
    assert strong.p_value < 1e-6
    everything = deviance_test(model, X, y, ["x0", "x1", "x2"])
    assert everything.statistic > strong.statistic
    noise = np.column_stack((X, np.random.default_rng(2).normal(size=400)))
    assert deviance_test(fit(noise, y), noise, y, "x3").p_value > 1e-3
    with pytest.raises(ValueError, match="dropped has 'z'"):
        deviance_test(model, X, y, "z")
    with pytest.raises(ValueError, match="dropped is empty"):
        deviance_test(model, X, y, [])
    with pytest.raises(TypeError, match="MMRegressor"):
        deviance_test(HuberRegressor().fit(X, y), X, y, "x0")


# -- diagnostics and the map ----------------------------------------------------------------------


def test_regions_of_the_star_cluster():
    X, y = load_stars(return_X_y=True)
    found = diagnose(fit(X, y), X, y)
    assert isinstance(found, MMDiagnostics)
    # Rousseeuw and Leroy: four giants, stars 11, 20, 30 and 34.
    assert np.flatnonzero(found.regions == "bad leverage point").tolist() == [10, 19, 29, 33]
    assert found.rows_to_check(4).index.tolist() == [33, 29, 19, 10]
    assert_allclose(found.fitted_values + found.residuals, y)
    assert "bad leverage point" in str(found)


def test_regions_of_made_data():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 2))
    y = X @ [1.0, -1.0] + 0.1 * rng.normal(size=200)
    y[:10] += 5.0
    X[10:20] = 20.0 + rng.normal(size=(10, 2))
    y[10:20] = X[10:20] @ [1.0, -1.0]
    X[20:30] = -20.0 + rng.normal(size=(10, 2))
    y[20:30] = 50.0
    regions = diagnose(fit(X, y), X, y).regions
    assert set(regions[:10]) <= {"vertical outlier", "bad leverage point"}
    assert set(regions[10:20]) == {"good leverage point"}
    assert set(regions[20:30]) == {"bad leverage point"}
    assert np.mean(regions[30:] == "regular") > 0.9


def test_robust_distances_leave_dummies_out():
    rng = np.random.default_rng(0)
    X = np.column_stack((rng.normal(size=(100, 2)), rng.random(100) < 0.2))
    found = robust_distances(X)
    assert found.used.tolist() == [0, 1]
    assert "1 of 3 columns" in found.note
    assert np.isnan(robust_distances(X[:4]).values).all()
    # They are the same in other units and with another origin.
    moved = robust_distances(X * [1e6, 1e-6, 1.0] + [1e3, 5.0, 0.0])
    assert_allclose(moved.values, found.values, rtol=1e-6)


def test_the_map_of_a_huber_fit_shows_what_it_cannot_see():
    X, y = load_stars(return_X_y=True)
    robust = OutlierMapDisplay.from_estimator(fit(X, y), X, y)
    huber = OutlierMapDisplay.from_estimator(HuberRegressor().fit(X, y), X, y)
    giants = [10, 19, 29, 33]
    assert (robust.regions[giants] == "bad leverage point").all()
    assert (huber.regions[giants] == "good leverage point").all()
    assert robust.ax_.get_xlabel() == "robust distance"
    # Rows far away in X have labels although their residuals are small.
    assert {text.get_text() for text in huber.texts_} >= {str(row) for row in giants}
    assert len(robust.texts_) > 0
    plt.close("all")


def test_the_maps_refusals():
    X, y = load_stackloss(return_X_y=True)
    model = fit(X, y)
    with pytest.raises(ValueError, match="use OutlierMapDisplay"):
        ResidualsDisplay.from_estimator(model, X, y, kind="residual_vs_leverage")
    with pytest.raises(ValueError, match="X has no robust distances"):
        OutlierMapDisplay.from_estimator(model, X[:5], y[:5])
    plt.close("all")
