"""The summary: its table, tests, text and errors."""

import dataclasses
import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from problems import plain
from scipy import optimize, stats
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from robustreg import HuberRegressor
from robustreg.datasets import load_stackloss
from robustreg.inference import Summary, summarize
from robustreg.metrics import d2_huber_score
from robustreg.tuning import efficiency, kappa

pd = pytest.importorskip("pandas")


@pytest.fixture
def stackloss():
    X, y = load_stackloss(return_X_y=True, as_frame=True)
    return HuberRegressor().fit(X, y), X, y


# -- the table ---------------------------------------------------------------------------------


def test_table(stackloss):
    model, X, y = stackloss
    summary = summarize(model, X, y, level=0.9)
    table = summary.table
    assert list(table.index) == ["intercept", "air_flow", "water_temp", "acid_conc"]
    assert list(table.columns) == ["coef", "std_err", "t", "p_value", "ci_low", "ci_high"]
    assert_allclose(table["coef"], [model.intercept_, *model.coef_], rtol=1e-12)
    assert_allclose(table["std_err"], np.sqrt(np.diag(summary.covariance)), rtol=1e-12)
    assert_allclose(table["t"], table["coef"] / table["std_err"], rtol=1e-12)
    assert_allclose(table["p_value"], 2 * stats.t.sf(np.abs(table["t"]), 17), rtol=1e-12)
    half = stats.t.ppf(0.95, 17) * table["std_err"]
    assert_allclose(table["ci_low"], table["coef"] - half, rtol=1e-12)
    assert_allclose(table["ci_high"], table["coef"] + half, rtol=1e-12)


def test_names_without_intercept_or_frame(stackloss):
    _, X, y = stackloss
    model = HuberRegressor(fit_intercept=False).fit(X.to_numpy(), y)
    summary = summarize(model, X.to_numpy(), y)
    assert summary.names == ("x0", "x1", "x2")
    assert summary.degrees_of_freedom == 18


def test_what_it_says_of_the_fit(stackloss):
    model, X, y = stackloss
    summary = summarize(model, X, y)
    assert (summary.n, summary.degrees_of_freedom, summary.reference_df) == (21, 17, 17)
    assert (summary.scale, summary.delta) == (model.scale_, 1.345)
    assert summary.threshold == model.threshold_
    assert summary.efficiency == efficiency(1.345)
    assert summary.outlier_share == pytest.approx(model.outliers_.mean())
    assert summary.optimality == model.optimality_
    expected = d2_huber_score(y, model.predict(X), delta=model.threshold_)
    assert summary.d2 == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("unit", [1e-3, 1.0, 1e3])
def test_efficiency_at_a_given_scale_is_that_of_the_threshold(rng, unit):
    X, y = rng.normal(size=(400, 2)), rng.normal(size=400)
    # Sigma is the unit: the first two are the same fit, and the third has delta in units of y.
    for delta, scale in ((1.345, unit), (2.69, unit / 2.0), (1.345 * unit, 1.0)):
        model = HuberRegressor(delta=delta, scale=scale).fit(X, unit * y)
        summary = summarize(model, X, unit * y)
        mad = np.median(np.abs(unit * y - model.predict(X))) / 0.6744897501960817
        assert summary.efficiency == pytest.approx(efficiency(1.345 * unit / mad), rel=1e-9)
        assert f"the efficiency uses the MAD of the residuals, {mad:.4g}" in str(summary)
    inf = HuberRegressor(delta=np.inf, scale=1.0).fit(X, y)
    assert summarize(inf, X, y).efficiency == 1.0


@pytest.mark.parametrize("delta", [0.5, 1.345, 3.0])
def test_robust_r2_compares_the_scales_of_proposal_2(rng, delta):
    X, y = plain(rng, n=200)
    model = HuberRegressor(delta=delta, scale="mad").fit(X, y)
    found = summarize(model, X, y).robust_r2

    def equation(s, e):
        return np.sum(np.minimum(e**2, (delta * s) ** 2)) / (2 * kappa(delta) * len(e)) - s**2

    def equations(v):
        u = np.clip((y - v[0]) / v[1], -delta, delta)
        return np.mean(u), np.mean(u**2) - 2 * kappa(delta)

    e = y - model.predict(X)
    s = optimize.brentq(equation, 1e-3, 1e3, args=(e,), xtol=1e-14)
    start = [np.median(y), np.std(y)]
    # At its default gtol it ends at 1e-8.
    _, s_0 = optimize.least_squares(equations, start, xtol=1e-15, ftol=None, gtol=None).x
    assert found == pytest.approx(1 - (s / s_0) ** 2, rel=1e-7)


def test_robust_r2_is_hardly_moved_by_outliers(rng):
    X = rng.normal(size=(20_000, 1))
    y = X[:, 0] + rng.normal(size=20_000)
    spoilt = np.where(rng.random(20_000) < 0.02, 1000.0, y)
    clean, robust, squares = (
        summarize(HuberRegressor(delta=delta).fit(X, values), X, values).robust_r2
        for delta, values in [(np.inf, y), (1.345, spoilt), (np.inf, spoilt)]
    )
    assert clean == pytest.approx(0.5, abs=0.02)
    assert robust == pytest.approx(0.5, abs=0.02)
    assert squares < 0.01


# -- intervals and tests ------------------------------------------------------------------------


def test_confidence_interval_at_another_level(stackloss):
    summary = summarize(*stackloss)
    interval = summary.confidence_interval(0.5)
    assert list(interval.columns) == ["ci_low", "ci_high"]
    assert list(interval.index) == list(summary.names)
    half = stats.t.ppf(0.75, 17) * summary.standard_errors
    assert_allclose(interval["ci_high"] - summary.coefficients, half, rtol=1e-12)
    assert_array_equal(summary.confidence_interval(), summary.table[["ci_low", "ci_high"]])


def test_normal_reference(stackloss):
    summary = summarize(*stackloss, use_t=False)
    assert_allclose(summary.p_values, 2 * stats.norm.sf(np.abs(summary.t)), rtol=1e-12)
    assert "normal" in str(summary)


def test_wald_test_of_one_coefficient_is_the_square_of_t(stackloss):
    summary = summarize(*stackloss)
    for j, name in enumerate(summary.names):
        found = summary.wald_test(name)
        assert found.statistic == pytest.approx(summary.t[j] ** 2)
        assert found.p_value == pytest.approx(summary.p_values[j])


def test_wald_test_of_a_value_and_of_a_sum(stackloss):
    summary = summarize(*stackloss)
    R, r = [[0, 1, 1, 0], [0, 0, 0, 1]], [1.5, 0.1]
    discrepancy = np.asarray(R) @ summary.coefficients - r
    covariance = np.asarray(R) @ summary.covariance_matrix @ np.transpose(R)
    expected = discrepancy @ np.linalg.inv(covariance) @ discrepancy
    found = summary.wald_test(R, r)
    assert found.statistic == pytest.approx(expected / 2)
    assert found.p_value == pytest.approx(stats.f.sf(expected / 2, 2, 17))
    chi2 = summarize(*stackloss, use_t=False).wald_test(R, r)
    assert chi2.statistic == pytest.approx(expected)
    assert chi2.p_value == pytest.approx(stats.chi2.sf(expected, 2))
    assert str(chi2).startswith("chi2(2) = ")


def test_wald_test_of_all_slopes_at_delta_inf_is_the_f_test_of_least_squares(rng):
    sm = pytest.importorskip("statsmodels.api")
    X, y = plain(rng)
    expected = sm.OLS(y, sm.add_constant(X)).fit()
    found = summarize(HuberRegressor(delta=np.inf).fit(X, y), X, y).wald_test(["x0", "x1", "x2"])
    assert_allclose(
        [found.statistic, found.p_value], [expected.fvalue, expected.f_pvalue], rtol=1e-8
    )


@pytest.mark.parametrize(
    ("R", "r", "message"),
    [
        ("water", None, "R names 'water'"),
        ([1.0, 0.0], None, r"R must be .* each of the 4 coefficients"),
        ([[0, 1, 0, 0], [0, 2, 0, 0]], None, r"R has 2 row\(s\), which are linearly dependent"),
        ([0, np.nan, 0, 0], None, "R must be finite"),
        ("air_flow - water_temp", None, "R names .*pass rows of numbers"),
        ([0, "a", 0, 0], None, "R must be rows of 4 numbers or names of coefficients"),
        ([0, 1, 0, 0], np.nan, "r must be finite"),
        ([0, 1, 0, 0], [1.0, 2.0], r"r has shape \(2,\) for 1 hypotheses"),
    ],
)
def test_wald_test_refuses(stackloss, R, r, message):
    with pytest.raises(ValueError, match=message):
        summarize(*stackloss).wald_test(R, r)


@pytest.mark.parametrize("kind", [tuple, np.array, pd.Index, pd.Series, "frame"])
def test_wald_test_of_names_of_any_kind(stackloss, kind):
    summary = summarize(*stackloss)
    names = ["air_flow", "acid_conc"]
    given = summary.table.index[[1, 3]] if kind == "frame" else kind(names)
    assert summary.wald_test(given) == summary.wald_test(names)


def test_wald_test_of_a_feature_named_as_the_intercept(rng):
    X, y = plain(rng)
    frame = pd.DataFrame(X, columns=["a", "intercept", "b"])
    summary = summarize(HuberRegressor().fit(frame, y), frame, y)
    with pytest.raises(ValueError, match="'intercept', the name of 2 coefficients"):
        summary.wald_test("intercept")
    assert summary.wald_test([0, 0, 1, 0]).statistic == pytest.approx(summary.t[2] ** 2)


def test_predictions_for_a_list(stackloss):
    model, X, y = stackloss
    summary = summarize(model, X, y)
    with pytest.warns(UserWarning, match="valid feature names"):
        found = summary.predict(X.to_numpy().tolist(), level=0.9)
    assert_allclose(found, summary.predict(X, level=0.9), rtol=1e-12)


@pytest.mark.parametrize("level", [0.0, 1.0, 95, -0.1, "0.95", None, np.nan])
def test_level_out_of_range(stackloss, level):
    with pytest.raises(ValueError, match=r"level must be a number between 0 and 1"):
        summarize(*stackloss, level=level)


def test_unknown_method_of_an_interval(stackloss):
    summary = summarize(*stackloss)
    with pytest.raises(ValueError, match='method must be "std_err" or "percentile"'):
        summary.confidence_interval(method="bca")
    with pytest.raises(ValueError, match='call summarize with cov_type="bootstrap"'):
        summary.confidence_interval(method="percentile")


# -- immutable, printed, kept -------------------------------------------------------------------


def test_immutable(stackloss):
    model, X, y = stackloss
    summary = summarize(model, X, y)
    with pytest.raises(dataclasses.FrozenInstanceError):
        summary.scale = 1.0
    with pytest.raises(ValueError, match="read-only"):
        summary.covariance_matrix[0, 0] = 1.0
    before = summary.table
    for frame in (summary.table, summary.covariance):
        frame.iloc[0, 0] = 0.0
    pd.testing.assert_frame_equal(summary.table, before)


def test_a_later_fit_changes_nothing(stackloss):
    model, X, y = stackloss
    pipeline = make_pipeline(StandardScaler(), HuberRegressor()).fit(X, y)
    summaries = [summarize(m, X, y) for m in (model, pipeline)]
    before = [s.predict(X, level=0.8) for s in summaries]
    model.fit(2.0 * X, -y)
    pipeline.fit(2.0 * X, -y)
    for summary, expected in zip(summaries, before, strict=True):
        pd.testing.assert_frame_equal(summary.predict(X, level=0.8), expected)


def test_pickle(stackloss):
    summary = summarize(*stackloss)
    again = pickle.loads(pickle.dumps(summary))
    pd.testing.assert_frame_equal(again.table, summary.table)


def test_text(stackloss):
    text = str(summarize(*stackloss))
    lines = text.splitlines()
    assert max(map(len, lines)) <= 80
    row = next(line for line in lines if line.startswith("water_temp"))
    assert row.split() == [
        "water_temp",
        "0.98379",
        "0.32863",
        "2.994",
        "0.008",
        "0.29045",
        "1.6771",
    ]
    for fact in (
        "Observations:",
        "Efficiency (normal data):",
        "95.0%",
        "H1 (Huber)",
        "[0.025",
        "0.975]",
    ):
        assert fact in text


def test_text_of_long_names_and_wide_numbers(rng):
    X, y = plain(rng)
    frame = pd.DataFrame(X * [1e-12, 1.0, 1e12], columns=["a" * 60, "b", "c"])
    text = str(summarize(HuberRegressor().fit(frame, 1e9 * y), frame, 1e9 * y))
    _, *rows = [line for line in text.splitlines() if line[:4] in ("    ", "aaaa", "b   ", "c   ")][
        1:
    ]
    assert len({len(line) for line in rows}) == 1
    assert rows[0].startswith("a" * 12 + "…" + "a" * 11 + " ")


def test_names_that_differ_stay_different(rng):
    X, y = plain(rng)
    start = "one_hot_encoder__a_column_with_a_long_name_"
    for names in (
        [start + "x", start + "y", "b"],
        [f"{start}{letter}{'_' * 11}" for letter in "xyz"],
    ):
        frame = pd.DataFrame(X, columns=names)
        summary = summarize(HuberRegressor().fit(frame, y), frame, y)
        lines = [line for line in str(summary).splitlines() if line.startswith("one_hot")]
        first = {line.split()[0] for line in lines}
        assert len(first) == sum(name.startswith("one_hot") for name in names)


def test_notes_are_no_wider_than_the_table(rng):
    X, y = plain(rng, n=200)
    y = y + rng.exponential(3.0, size=200)
    summary = summarize(HuberRegressor().fit(X, y), X, y)
    lines = str(summary).splitlines()
    assert max(map(len, lines)) == len(next(line for line in lines if line.startswith("==")))
    assert any("skewed" in note for note in summary.notes)
    assert " ".join(" ".join(lines).split()).endswith(summary.notes[-1])


@pytest.mark.parametrize("use_t", [True, False])
def test_the_statistic_has_one_name(stackloss, use_t):
    summary = summarize(*stackloss, use_t=use_t)
    assert "P>|t|" in str(summary)
    assert "P&gt;|t|" in summary._repr_html_()
    assert_allclose(summary.t, summary.table["t"], rtol=0)
    assert not hasattr(summary, "z")


def test_numbers_stand_below_one_another(stackloss):
    lines = str(summarize(*stackloss)).splitlines()
    rows = lines[lines.index("-" * len(lines[1])) + 1 :][:4]
    points = [[i for i, sign in enumerate(row) if sign == "."] for row in rows]
    assert len(points[0]) == 6
    assert points == points[:1] * 4


def test_html_escapes_names_and_holds_every_number(rng):
    X, y = plain(rng, p=1)
    frame = pd.DataFrame(X, columns=["<b>&"])
    summary = summarize(HuberRegressor().fit(frame, y), frame, y)
    html = summary._repr_html_()
    assert "&lt;b&gt;&amp;" in html
    assert "<b>&" not in html
    assert f"{summary.coefficients[1]:.5g}" in html
    assert repr(summary) == "Summary(n=60, k=2, cov_type='H1')"


# -- pipelines ----------------------------------------------------------------------------------


def test_pipeline_is_its_last_step_with_the_names_of_the_step_before(rng):
    X, y = plain(rng, p=2)
    frame = pd.DataFrame(X, columns=["age", "height"]).assign(town=rng.choice(["A", "B", "C"], 60))
    before = ColumnTransformer(
        [
            ("one", OneHotEncoder(drop="first"), ["town"]),
            ("z", StandardScaler(), ["age", "height"]),
        ],
        sparse_threshold=0.0,
    )
    pipeline = make_pipeline(before, HuberRegressor()).fit(frame, y)
    summary = summarize(pipeline, frame, y)
    assert summary.names == ("intercept", "one__town_B", "one__town_C", "z__age", "z__height")
    transformed = pipeline[0].transform(frame)
    expected = summarize(pipeline[-1], transformed, y)
    assert_array_equal(summary.covariance_matrix, expected.covariance_matrix)
    assert_allclose(summary.predict(frame[:3]), expected.predict(transformed[:3]), rtol=1e-12)
    assert isinstance(summary, Summary)


def test_pipeline_of_one_step_or_of_arrays(rng):
    X, y = plain(rng)
    alone = summarize(make_pipeline(HuberRegressor()).fit(X, y), X, y)
    assert alone.names == ("intercept", "x0", "x1", "x2")
    scaled = summarize(make_pipeline(StandardScaler(), HuberRegressor()).fit(X, y), X, y)
    assert scaled.names == alone.names
    assert_allclose(scaled.t[1:], alone.t[1:], rtol=1e-5)


def test_pipeline_of_a_step_without_names(rng):
    from sklearn.preprocessing import FunctionTransformer

    X, y = plain(rng)
    pipeline = make_pipeline(FunctionTransformer(np.tanh), HuberRegressor()).fit(X, y)
    assert summarize(pipeline, X, y).names == ("intercept", "x0", "x1", "x2")
