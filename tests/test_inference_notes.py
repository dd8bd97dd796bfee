"""Each note appears in the summary if its condition holds, and none for ordinary data."""

import re

import numpy as np
import pytest
from effort import slow
from problems import plain

from robustreg import HuberRegressor, HuberRegressorCV
from robustreg.inference import summarize
from robustreg.tuning import kappa

pytest.importorskip("pandas")


def noted(summary, words):
    """Whether a note has these words, in the summary and in its printed text."""
    found = any(words in note for note in summary.notes)
    assert (words in " ".join(str(summary).split())) == found
    return found


def statecrime():
    data = pytest.importorskip("statsmodels.api").datasets.statecrime.load_pandas().data
    return data[["urban", "poverty", "hs_grad", "single"]], data["murder"]


# -- where an interval cannot hold --------------------------------------------------------------


def test_one_row_decides_a_coefficient():
    X, y = statecrime()
    summary = summarize(HuberRegressor().fit(X, y), X, y)
    assert noted(summary, "A row has leverage 0.74, where the mean is 0.098")
    assert noted(summary, "single: the sandwich's error (HC3) is 0.30178, and Huber's 0.063177")


@pytest.mark.parametrize("unit", [1e-9, 1e9])
def test_units_and_offsets_change_no_note(unit):
    X, y = statecrime()
    expected = summarize(HuberRegressor().fit(X, y), X, y).notes
    other = unit * X + 100.0 * unit
    found = summarize(HuberRegressor().fit(other, y), other, y).notes
    assert [note.split(" is ")[0] for note in found] == [note.split(" is ")[0] for note in expected]


@pytest.mark.parametrize("n", [60, 3000, 20_000])
def test_a_far_row_is_found_among_any_number(rng, n):
    X, y = plain(rng, n=n, contamination=0.0)
    clean = summarize(HuberRegressor().fit(X, y), X, y)
    assert not noted(clean, "leverage")
    X[n // 3] = 20.0 * np.sqrt(n)
    summary = summarize(HuberRegressor().fit(X, y), X, y)
    assert noted(summary, "A row has leverage")


def test_a_row_of_weight_zero_has_no_leverage(rng):
    X, y = plain(rng, contamination=0.0)
    X[5], weights = 1e4, np.ones(60)
    weights[5] = 0.0
    model = HuberRegressor().fit(X, y, weights)
    assert not noted(summarize(model, X, y, sample_weight=weights), "leverage")


@pytest.mark.parametrize("cov_type", ["H1", "H2"])
@pytest.mark.parametrize("n", [100, 20_000])
def test_a_spread_that_depends_on_x(rng, cov_type, n):
    X = rng.normal(size=(n, 3))
    y = np.exp(1.5 * X[:, 0]) * rng.normal(size=n)
    model = HuberRegressor().fit(X, y)
    assert noted(summarize(model, X, y, cov_type=cov_type), "x0: the sandwich's error (HC3) is")
    assert not noted(summarize(model, X, y, cov_type="sandwich"), "the sandwich's error")


def test_errors_in_the_note_are_those_of_all_rows(rng):
    X = rng.normal(size=(20_000, 2))
    y = np.exp(1.5 * X[:, 0]) * rng.normal(size=20_000)
    model = HuberRegressor().fit(X, y)
    summary = summarize(model, X, y)
    (note,) = [note for note in summary.notes if "the sandwich's error" in note]
    theirs, own = (float(value) for value in re.findall(r"0\.\d+", note))
    assert own == pytest.approx(summary.standard_errors[1], rel=1e-3)
    expected = summarize(model, X, y, cov_type="HC3").standard_errors[1]
    assert theirs == pytest.approx(expected, rel=0.3)  # by a sample of 1,000


@pytest.mark.parametrize(("cov_type", "options"), [
    ("HC0", {}), ("HC3", {}), ("sandwich", {}),
    ("bootstrap", {"bootstrap": "wild", "n_bootstrap": 20, "random_state": 0}),
])  # fmt: skip
def test_a_sandwich_that_rests_on_few_rows(cov_type, options):
    # Log-normal X, n = 30, p = 4: 95 % intervals of HC3 cover about 90 %.
    fired = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        X, y = rng.lognormal(size=(30, 4)), rng.normal(size=30)
        summary = summarize(HuberRegressor().fit(X, y), X, y, cov_type=cov_type, **options)
        fired.append(noted(summary, "its error"))
    assert np.mean(fired) >= 0.9


def test_a_level_of_few_rows(rng):
    # The coefficient of a dummy of four rows among 200 is a mean of four.
    X = np.column_stack((rng.normal(size=200), np.arange(200) < 4))
    y = rng.normal(size=200)
    model = HuberRegressor().fit(X, y)
    summary = summarize(model, X, y, cov_type="HC3")
    assert noted(summary, "x1: its error rests on about 4 rows")
    assert not noted(summarize(model, X, y), "its error")


@pytest.mark.parametrize("share", [0.25, -0.25])
def test_outliers_on_one_side_near_breakdown(share):
    # 2 kappa / (2 kappa + delta²) = 28 % at the default delta.
    for seed in range(10):
        rng = np.random.default_rng(seed)
        X, y = rng.normal(size=(200, 3)), rng.normal(size=200)
        y[:50] += np.sign(share) * 30.0
        summary = summarize(HuberRegressor().fit(X, y), X, y)
        side = "above" if share > 0 else "below"
        assert noted(summary, f"of the observations are clipped {side} the fit")
        assert noted(summary, "28% on one side break it down")


@pytest.mark.parametrize(("scale", "delta", "limit"), [
    ("joint", 0.8, 2 * kappa(0.8) / (2 * kappa(0.8) + 0.64)),
    ("joint", 2.5, 2 * kappa(2.5) / (2 * kappa(2.5) + 6.25)),
    ("mad", 1.345, 0.6744897501960817 / (0.6744897501960817 + 1.345)),
])  # fmt: skip
def test_share_that_breaks_a_fit_down(rng, scale, delta, limit):
    X, y = rng.normal(size=(1000, 1)), rng.normal(size=1000)
    y[: int(0.95 * limit * 1000)] = 1e4
    model = HuberRegressor(scale=scale, delta=delta, max_iter=1000).fit(X, y)
    assert model.intercept_ < 20.0  # it has not broken down
    assert noted(summarize(model, X, y), f"{limit:.0%} on one side break it down")
    y[: int(1.15 * limit * 1000)] = 1e4
    model = HuberRegressor(scale=scale, delta=delta, max_iter=1000).fit(X, y)
    assert model.intercept_ > 1000.0


@pytest.mark.parametrize("kind", ["pairs", "wild"])
def test_few_groups(rng, kind):
    X, y = plain(rng, n=80, contamination=0.0)
    model = HuberRegressor().fit(X, y)
    options = {"cov_type": "bootstrap", "bootstrap": kind, "n_bootstrap": 20, "random_state": 0}
    summary = summarize(model, X, y, groups=np.arange(80) % 8, **options)
    assert noted(summary, "With 8 groups, fewer than about 20")
    summary = summarize(model, X, y, groups=np.arange(80) % 8, cov_type="cluster")
    assert noted(summary, "With 8 groups, fewer than about 20")


def test_a_delta_that_the_data_chose(rng):
    X, y = plain(rng, n=100)
    model = HuberRegressor(delta="auto").fit(X, y)
    assert noted(summarize(model, X, y), "delta was chosen from these data")
    drawn = summarize(model, X, y, cov_type="bootstrap", n_bootstrap=50, random_state=0)
    assert not noted(drawn, "delta was chosen")
    assert "delta chosen in each" in drawn.description
    search = HuberRegressorCV().fit(X, y)
    for options in ({}, {"cov_type": "bootstrap", "n_bootstrap": 50, "random_state": 0}):
        assert noted(summarize(search, X, y, **options), "by cross-validation")
    one = HuberRegressorCV(deltas=[1.345]).fit(X, y)
    assert not noted(summarize(one, X, y), "by cross-validation")


def test_the_mad_of_many_columns(rng):
    X, y = rng.normal(size=(100, 30)), rng.normal(size=100)
    for scale, expected in (("mad", True), ("joint", False), (1.0, False)):
        model = HuberRegressor(scale=scale, max_iter=1000).fit(X, y)
        assert noted(summarize(model, X, y), "the MAD is low") == expected


# -- where it does ------------------------------------------------------------------------------


@pytest.mark.parametrize("cov_type", ["huber", "H2", "H3", "sandwich"])
@pytest.mark.parametrize(("n", "p"), [(30, 1), (40, 4), *slow((100, 4), (100, 20), (2000, 5))])
@pytest.mark.parametrize("errors", ["normal", "student"])
def test_ordinary_data_have_hardly_a_note(cov_type, n, p, errors):
    fired = []
    for seed in range(25):
        rng = np.random.default_rng(1000 + seed)
        X = rng.normal(size=(n, p))
        y = rng.normal(size=n) if errors == "normal" else rng.standard_t(3, size=n)
        summary = summarize(HuberRegressor().fit(X, y), X, y, cov_type=cov_type)
        fired.append(any("skewed" not in note for note in summary.notes))
    assert np.mean(fired) <= 0.16


def test_skewed_errors_are_not_taken_for_outliers():
    fired = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        X, y = rng.normal(size=(200, 3)), rng.exponential(size=200)
        fired.append(noted(summarize(HuberRegressor().fit(X, y), X, y), "clipped"))
    assert np.mean(fired) <= 0.1


@pytest.mark.parametrize("scale", ["joint", "mad"])
@pytest.mark.parametrize("n", [400, 5000])
def test_a_fit_that_outliers_on_one_side_have_broken_down(scale, n):
    """No row is clipped then, and the scale shows the breakdown. Other fits have no such note."""
    rng = np.random.default_rng(5)
    X, y = plain(rng, n=n, contamination=0.0)
    y[: int((0.32 if scale == "joint" else 0.48) * n)] += 1e4
    broken = summarize(HuberRegressor(scale=scale).fit(X, y), X, y)
    assert not noted(broken, "clipped")
    assert noted(broken, "times the MAD of the residuals about their median: outliers may have")
    holding = summarize(HuberRegressor(delta=0.2, scale=scale).fit(X, y), X, y)
    assert not noted(holding, "broken") or scale == "mad"
    assert not noted(summarize(HuberRegressor(scale=1.0).fit(X, y), X, y), "broken")


@pytest.mark.parametrize("errors", ["exponential", "lognormal", "chi2", "cauchy"])
def test_skewed_and_heavy_errors_do_not_look_broken_down(rng, errors):
    draw = {"chi2": lambda size: rng.chisquare(1, size), "cauchy": rng.standard_cauchy}
    for _ in range(10):
        X, _ = plain(rng, n=100, contamination=0.0)
        e = draw[errors](100) if errors in draw else getattr(rng, errors)(size=100)
        y = X.sum(axis=1) + e
        assert not noted(summarize(HuberRegressor().fit(X, y), X, y), "broken")
