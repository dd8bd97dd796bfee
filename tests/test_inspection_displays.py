"""Displays: their data, drawing, conventions and errors."""

import sys
from itertools import pairwise

import numpy as np
import pytest
import scipy.sparse as sp
import sklearn.linear_model
from numpy.testing import assert_allclose, assert_array_equal
from problems import plain
from scipy import stats
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from robustreg import ExactFitWarning, HuberRegressor
from robustreg.datasets import load_phones, load_stars
from robustreg.inference import diagnose, summarize

matplotlib = pytest.importorskip("matplotlib")
pd = pytest.importorskip("pandas")
plt = pytest.importorskip("matplotlib.pyplot")

from matplotlib.text import Text  # noqa: E402 - only where matplotlib is

from robustreg.inspection import (  # noqa: E402 - only where matplotlib is
    CoefficientsDisplay,
    QuantilesDisplay,
    ResidualsDisplay,
    WeightsDisplay,
)

OF_ROWS = [ResidualsDisplay, WeightsDisplay, QuantilesDisplay]
EVERY = [*OF_ROWS, CoefficientsDisplay]


@pytest.fixture(autouse=True)
def _pictures():
    with matplotlib.rc_context({"backend": "agg"}):
        yield
    plt.close("all")


@pytest.fixture
def data(rng):
    X, y = plain(rng)
    return HuberRegressor().fit(X, y), X, y


@pytest.fixture
def phones():
    X, y = load_phones(return_X_y=True, as_frame=True)
    X.index = y.index = (1900 + X["year"]).astype(int)
    return HuberRegressor(scale="mad").fit(X, y), X, y


def written(display):
    return {text.get_text() for text in display.texts_}


# -- conventions --------------------------------------------------------------------------------


@pytest.mark.parametrize("display", EVERY)
def test_axes_of_the_user_or_its_own(data, display):
    figure, ax = plt.subplots()
    given = display.from_estimator(*data, ax=ax)
    assert given.ax_ is ax
    assert given.figure_ is figure
    own = display.from_estimator(*data)
    assert own.figure_ is not figure
    # It can be drawn again in other axes, and returns itself.
    assert own.plot(ax=ax) is own
    assert own.ax_ is ax
    figure.canvas.draw()


@pytest.mark.parametrize("display", EVERY)
def test_without_matplotlib_the_error_names_the_extra(data, display, monkeypatch):
    made = display.from_estimator(*data)
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match=rf"{display.__name__}.*pip install robustreg\[plot\]"):
        made.plot()


@pytest.mark.parametrize("display", OF_ROWS)
def test_pipelines_searches_and_sparse_rows(data, display):
    _, X, y = data
    model = HuberRegressor()
    expected = display.from_estimator(model.fit(X, y), X, y)
    others = [
        make_pipeline(StandardScaler(), HuberRegressor()).fit(X, y),
        GridSearchCV(HuberRegressor(), {"delta": [1.345]}, cv=2).fit(X, y),
    ]
    found = [display.from_estimator(other, X, y) for other in others]
    found.append(display.from_estimator(model, sp.csr_array(X), y))
    for name in ("residuals", "weights", "residual_quantiles"):
        for other in found:
            if hasattr(expected, name):
                assert_allclose(getattr(other, name), getattr(expected, name), atol=1e-4)


@pytest.mark.parametrize("display", [ResidualsDisplay, QuantilesDisplay])
def test_regressors_of_others(data, display):
    _, X, y = data
    made = display.from_estimator(sklearn.linear_model.LinearRegression().fit(X, y), X, y)
    if display is ResidualsDisplay:
        assert made.threshold is None
        assert made.band_ is None
        assert not made.outliers.any()
        assert made.texts_ == []


@pytest.mark.parametrize("display", OF_ROWS)
def test_exact_fit(rng, display):
    X, _ = plain(rng)
    with pytest.warns(ExactFitWarning):
        model = HuberRegressor().fit(X, X @ np.ones(3))
    with pytest.raises(
        ValueError, match=r"estimator fits the data exactly.*Pass a number as scale"
    ):
        display.from_estimator(model, X, X @ np.ones(3))


@pytest.mark.parametrize("display", OF_ROWS)
@pytest.mark.parametrize(
    ("y_true", "y_pred", "message"),
    [
        ([1.0, np.nan], [1.0, 2.0], "y_true contains NaN"),
        ([1.0, 2.0, 3.0], [1.0, 2.0], "inconsistent numbers of samples"),
        ([[1.0, 2.0], [3.0, 4.0]], [1.0, 2.0], r"y_true has shape \(2, 2\)"),
    ],
)
def test_bad_predictions(display, y_true, y_pred, message):
    options = {"threshold": 1.0} if display is WeightsDisplay else {}
    with pytest.raises(ValueError, match=message):
        display.from_predictions(y_true, y_pred, **options)


# -- residuals ----------------------------------------------------------------------------------


def test_residuals_hold_the_fit(phones):
    model, X, y = phones
    display = ResidualsDisplay.from_estimator(model, X, y)
    assert_allclose(display.fitted_values, model.predict(X), rtol=1e-12)
    assert_allclose(display.residuals, y - model.predict(X), rtol=1e-9)
    assert display.threshold == model.threshold_
    assert_array_equal(display.outliers, model.outliers_)
    assert_array_equal(display.labels, y.index)
    drawn = np.vstack((display.scatter_.get_offsets(), display.outliers_.get_offsets()))
    expected = np.column_stack((model.predict(X), y - model.predict(X)))
    assert_allclose(drawn[np.argsort(drawn[:, 0])], expected[np.argsort(expected[:, 0])])
    assert len(display.outliers_.get_offsets()) == model.outliers_.sum()


def test_the_worst_rows_are_labelled(phones):
    years = {"1964", "1965", "1966", "1967", "1968", "1969"}
    display = ResidualsDisplay.from_estimator(*phones, n_labels=6)
    assert written(display) == years
    assert written(display.plot(n_labels=2)) == {"1968", "1969"}
    assert written(display.plot(n_labels=0)) == set()


def test_residuals_of_predictions(phones):
    model, X, y = phones
    made = ResidualsDisplay.from_predictions(y, model.predict(X), threshold=model.threshold_)
    expected = ResidualsDisplay.from_estimator(model, X, y)
    assert_allclose(made.residuals, expected.residuals)
    assert written(made) == written(expected)
    other = ResidualsDisplay.from_predictions(
        [1.0, 5.0], [1.0, 1.0], threshold=1.0, labels=["a", "b"]
    )
    assert written(other) == {"b"}
    for bad in (0.0, -1.0, "1"):
        with pytest.raises(ValueError, match="threshold must be a positive number or None"):
            ResidualsDisplay.from_predictions([1.0], [1.0], threshold=bad)


def test_leverages_show_the_giants():
    X, y = load_stars(return_X_y=True)
    model = HuberRegressor().fit(X, y)
    display = ResidualsDisplay.from_estimator(model, X, y, kind="residual_vs_leverage")
    expected = diagnose(model, X, y)
    assert_allclose(display.leverages, expected.leverages)
    assert display.leverage_cutoff == pytest.approx(3 * 2 / 47)
    assert {"10", "19", "29", "33"} <= written(display)
    drawn = display.leverage_points_.get_offsets()
    assert_allclose(np.sort(drawn[:, 0]), np.sort(expected.leverages[[10, 19, 29, 33]]))
    assert display.ax_.get_xlabel() == "leverage"
    # The same data plotted against fitted values: giants have small residuals.
    assert not {"10", "19", "29"} & written(display.plot(kind="residual_vs_fitted"))


def test_kind_of_residuals_is_checked(data):
    made = ResidualsDisplay.from_estimator(*data)
    with pytest.raises(ValueError, match="kind must be one of 'residual_vs_fitted'"):
        made.plot(kind="scale_location")
    with pytest.raises(ValueError, match="needs leverages: make the display with"):
        made.plot(kind="residual_vs_leverage")


def test_delta_inf_has_no_band(data):
    _, X, y = data
    made = ResidualsDisplay.from_estimator(HuberRegressor(delta=np.inf).fit(X, y), X, y)
    assert made.band_ is None
    assert made.ax_.get_legend() is None


def test_styles_reach_matplotlib(data):
    made = ResidualsDisplay.from_estimator(
        *data, scatter_kwargs={"color": "red", "s": 99}, band_kwargs={"facecolor": "yellow"}
    )
    assert made.scatter_.get_sizes() == [99]
    assert_allclose(made.scatter_.get_facecolor()[0, :3], [1.0, 0.0, 0.0])
    assert_allclose(made.band_.get_facecolor(), [1.0, 1.0, 0.0, 1.0])


# -- weights ------------------------------------------------------------------------------------


def test_weights_are_those_of_the_model(phones):
    model, X, y = phones
    display = WeightsDisplay.from_estimator(model, X, y)
    assert_allclose(display.weights, model.weights_, rtol=1e-9)
    assert_array_equal(display.labels, y.index)
    rows, weights = display.reduced_.get_offsets().T
    assert_array_equal(rows, np.flatnonzero(model.weights_ < 1.0))
    assert_allclose(weights, model.weights_[model.weights_ < 1.0], rtol=1e-9)
    assert len(display.full_.get_offsets()) == np.count_nonzero(model.weights_ == 1.0)
    assert {"1964", "1969"} <= written(display)


def test_weights_in_ascending_order(phones):
    model, X, y = phones
    display = WeightsDisplay.from_estimator(model, X, y, order="weight")
    points = np.vstack((display.reduced_.get_offsets(), display.full_.get_offsets()))
    shares, weights = points[np.argsort(points[:, 0])].T
    assert_allclose(shares, 100 * np.arange(1, 25) / 24)
    assert_allclose(weights, np.sort(model.weights_), rtol=1e-9)
    with pytest.raises(ValueError, match="order must be one of 'row', 'weight', got 'size'"):
        display.plot(order="size")


def test_weights_of_predictions():
    display = WeightsDisplay.from_predictions([0.0, 2.0, -8.0], [0.0, 0.0, 0.0], threshold=2.0)
    assert_allclose(display.weights, [1.0, 1.0, 0.25])
    with pytest.raises(ValueError, match="threshold is None"):
        WeightsDisplay.from_predictions([0.0], [0.0], threshold=None)


def test_weights_need_a_threshold(data):
    _, X, y = data
    model = sklearn.linear_model.LinearRegression().fit(X, y)
    with pytest.raises(TypeError, match="LinearRegression without threshold_"):
        WeightsDisplay.from_estimator(model, X, y)


# -- quantiles ----------------------------------------------------------------------------------


def test_quantiles_and_their_band(data):
    model, X, y = data
    display = QuantilesDisplay.from_estimator(model, X, y, level=0.9)
    expected = np.sort((y - model.predict(X)) / model.scale_)
    assert_allclose(display.residual_quantiles, expected, rtol=1e-9, atol=1e-12)
    assert_allclose(display.normal_quantiles, stats.norm.ppf((np.arange(60) + 0.5) / 60))
    # P(U_(i) <= u) is the probability of at least i successes in 60 trials.
    for i in (1, 20, 60):
        for limit, p in [(display.band_low, 0.05), (display.band_high, 0.95)]:
            found = stats.binom.sf(i - 1, 60, stats.norm.cdf(limit[i - 1]))
            assert found == pytest.approx(p, rel=1e-6)
    outside = (expected < display.band_low) | (expected > display.band_high)
    assert_array_equal(display.outside, outside)
    assert len(display.outside_.get_offsets()) == outside.sum()


def test_band_holds_as_many_normal_values_as_it_says(rng):
    _, ax = plt.subplots()
    shares = []
    for _ in range(200):
        ax.clear()
        display = QuantilesDisplay.from_predictions(
            rng.normal(size=50), np.zeros(50), scale=1.0, level=0.9, n_labels=0, ax=ax
        )
        shares.append(display.outside.mean())
    # The points of a sample are dependent: the Monte Carlo error, of 200 samples, is measured.
    error = np.std(shares) / np.sqrt(200)
    assert np.mean(shares) == pytest.approx(0.1, abs=3 * error)


def test_frequencies_are_repeated_values(rng):
    e, s = rng.normal(size=40), rng.integers(0, 4, size=40)
    options = {"scale": 1.0}
    weighted = QuantilesDisplay.from_predictions(e, np.zeros(40), sample_weight=s, **options)
    repeated = np.repeat(e, s)
    plainly = QuantilesDisplay.from_predictions(repeated, np.zeros(repeated.size), **options)
    assert_array_equal(weighted.residual_quantiles, np.unique(repeated))
    # One point in the middle of the points of the equal values.
    middle = [
        np.mean(stats.norm.cdf(plainly.normal_quantiles)[plainly.residual_quantiles == value])
        for value in weighted.residual_quantiles
    ]
    assert_allclose(stats.norm.cdf(weighted.normal_quantiles), middle, rtol=1e-12)
    for bad, message in [(np.zeros(40), "zero for every row"), (-np.ones(40), "must not be neg")]:
        with pytest.raises(ValueError, match=f"sample_weight (is )?{message}"):
            QuantilesDisplay.from_predictions(e, np.zeros(40), sample_weight=bad)


def test_scale_is_the_mad_where_none_is_known(rng):
    e = rng.normal(size=200)
    display = QuantilesDisplay.from_predictions(e, np.zeros(200))
    scale = np.median(np.abs(e)) / stats.norm.ppf(0.75)
    assert_allclose(display.residual_quantiles, np.sort(e) / scale)
    with pytest.raises(ValueError, match=r"scale is 0\.0"):
        QuantilesDisplay.from_predictions(np.zeros(5), np.zeros(5))


# -- coefficients -------------------------------------------------------------------------------


def test_coefficients_of_several_models(data):
    model, X, y = data
    squares = HuberRegressor(delta=np.inf).fit(X, y)
    display = CoefficientsDisplay.from_estimator(
        {"least squares": squares, "Huber": model}, X, y, level=0.8, cov_type="sandwich"
    )
    assert display.model_names == ["least squares", "Huber"]
    assert display.feature_names == ["x0", "x1", "x2"]
    for row, fitted in enumerate((squares, model)):
        interval = summarize(fitted, X, y, cov_type="sandwich").confidence_interval(0.8)[1:]
        assert_allclose(display.coefficients[row], fitted.coef_, rtol=1e-9)
        assert_allclose(display.ci_low[row], interval["ci_low"], rtol=1e-9)
        assert_allclose(display.ci_high[row], interval["ci_high"], rtol=1e-9)
        (middle, _, (bars,)) = display.errorbars_[row]
        assert_allclose(middle.get_xdata(), fitted.coef_, rtol=1e-9)
        ends = np.array([segment[:, 0] for segment in bars.get_segments()])
        assert_allclose(ends, interval, rtol=1e-9)
    names = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert names == ["least squares", "Huber"]
    # They can be distinguished without colour.
    first, second = (bars[0] for bars in display.errorbars_)
    assert first.get_marker() != second.get_marker()


def test_least_squares_has_one_colour_wherever_it_stands(data):
    model, X, y = data
    squares = sklearn.linear_model.LinearRegression().fit(X, y)
    alone = CoefficientsDisplay.from_estimator(model, X, y)
    both = CoefficientsDisplay.from_estimator({"Huber": model, "squares": squares}, X, y)
    turned = CoefficientsDisplay.from_estimator({"squares": squares, "Huber": model}, X, y)

    def style(display, place):
        line = display.errorbars_[place].lines[0]
        return line.get_color(), line.get_marker()

    assert style(alone, 0) == style(both, 0) == style(turned, 1)
    assert style(both, 1) == style(turned, 0) != style(alone, 0)


def test_linear_regression_and_summaries_beside_models(data):
    model, X, y = data
    weights = 1.0 + np.arange(60) % 3
    squares = sklearn.linear_model.LinearRegression().fit(X, y, weights)
    behind_a_scaler = make_pipeline(StandardScaler(), sklearn.linear_model.LinearRegression())
    behind_a_scaler.fit(X, y, linearregression__sample_weight=weights)
    summary = summarize(model, X, y, cov_type="sandwich")
    given = {"squares": squares, "scaled": behind_a_scaler, "Huber": summary}
    display = CoefficientsDisplay.from_estimator(given, X, y, sample_weight=weights)
    assert_allclose(display.coefficients[0], squares.coef_, rtol=1e-9)
    assert_allclose(display.coefficients[1], behind_a_scaler[-1].coef_, rtol=1e-9)
    assert_allclose(display.ci_low[2], summary.confidence_interval()["ci_low"].iloc[1:])
    expected = summarize(
        HuberRegressor(delta=np.inf).fit(X, y, weights), X, y, sample_weight=weights
    )
    assert_allclose(display.ci_high[0], expected.confidence_interval()["ci_high"].iloc[1:])
    assert CoefficientsDisplay.from_estimator(summary).model_names == ["Summary"]
    with pytest.raises(TypeError, match="X and y are missing"):
        CoefficientsDisplay.from_estimator(squares)
    with pytest.raises(ValueError, match="coefficients are not those of least squares on X and y"):
        CoefficientsDisplay.from_estimator(squares, X, y)
    with pytest.raises(ValueError, match="standardize=True needs the data of each model"):
        CoefficientsDisplay.from_estimator(summary, standardize=True)


def test_one_model_needs_no_legend_and_can_show_its_intercept(data):
    model, X, y = data
    display = CoefficientsDisplay.from_estimator(model, X, y, intercept=True)
    assert display.feature_names == ["intercept", "x0", "x1", "x2"]
    assert display.coefficients[0, 0] == pytest.approx(model.intercept_)
    assert display.ax_.get_legend() is None
    assert display.ax_.get_xlabel() == "coefficient, 95 % interval"


@pytest.mark.parametrize("kind", [np.asarray, sp.csr_array])
def test_standardised_coefficients_are_those_of_a_scaled_model(data, kind):
    model, X, y = data
    weights = np.arange(60) % 3.0
    model = HuberRegressor().fit(kind(X), y, weights)
    display = CoefficientsDisplay.from_estimator(
        model, kind(X), y, sample_weight=weights, standardize=True
    )
    scaled = StandardScaler().fit(X, sample_weight=weights).transform(X)
    expected = summarize(
        HuberRegressor().fit(scaled, y, weights), scaled, y, sample_weight=weights
    ).table[1:]
    assert_allclose(display.coefficients[0], expected["coef"], rtol=1e-4)
    assert_allclose(display.ci_low[0], expected["ci_low"], rtol=1e-4)
    assert "one standard deviation" in display.ax_.get_xlabel()


def test_summaries_of_models_with_other_features(data):
    _, X, y = data
    frame = pd.DataFrame(X, columns=["a", "b", "c"])
    summaries = {}
    for columns in (["a", "b"], ["b", "c"]):
        model = HuberRegressor().fit(frame[columns], y)
        summaries[" and ".join(columns)] = summarize(model, frame[columns], y, level=0.9)
    display = CoefficientsDisplay.from_summaries(summaries)
    assert display.feature_names == ["a", "b", "c"]
    assert display.level == 0.9
    assert_array_equal(np.isnan(display.coefficients), [[0, 0, 1], [1, 0, 0]])
    assert_allclose(
        display.ci_high[1, 1:], summaries["b and c"].confidence_interval()["ci_high"].iloc[1:]
    )
    display.figure_.canvas.draw()
    alone = CoefficientsDisplay.from_summaries(summaries["a and b"])
    assert alone.model_names == ["Summary"]
    with pytest.raises(ValueError, match="no models are given"):
        CoefficientsDisplay.from_summaries({})


# -- labels -------------------------------------------------------------------------------------


def test_labels_do_not_overprint_one_another(rng):
    y = np.concatenate((rng.normal(size=100), 20 + 0.3 * rng.normal(size=12)))
    display = ResidualsDisplay.from_predictions(y, np.zeros(112), threshold=2.0, n_labels=12)
    display.figure_.canvas.draw()
    boxes = [Text.get_window_extent(text) for text in display.texts_]
    assert len(boxes) > 2
    for index, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[index + 1 :])


def test_no_label_crosses_the_threshold(rng):
    # Residuals just beyond the threshold have labels that would lie on its line.
    y = np.concatenate((rng.normal(scale=0.3, size=40), 1.05 + 0.1 * rng.random(8)))
    display = ResidualsDisplay.from_predictions(
        y + np.arange(48.0), np.arange(48.0), threshold=1.0, labels=np.arange(48) + 1000
    )
    display.figure_.canvas.draw()
    assert len(display.texts_) >= 5
    _, line = display.ax_.transData.transform((0.0, 1.0))
    for text in display.texts_:
        box = Text.get_window_extent(text)
        assert not box.y0 + 2.0 < line < box.y1 - 2.0


def test_labels_far_from_their_point_have_a_line(rng):
    y = np.concatenate((rng.normal(size=100), 20 + 0.3 * rng.normal(size=12)))
    display = ResidualsDisplay.from_predictions(y, np.zeros(112), threshold=2.0, n_labels=12)
    distances = [np.abs(text.get_position()).max() for text in display.texts_]
    led = [text.arrow_patch is not None for text in display.texts_]
    assert len(led) > 6
    assert led == [distance > 6.0 for distance in distances]


def test_many_rows_have_small_marks(rng):
    few, many = (
        ResidualsDisplay.from_predictions(rng.normal(size=n), np.zeros(n), threshold=1.0)
        for n in (50, 5000)
    )
    assert many.scatter_.get_sizes()[0] < 0.2 * few.scatter_.get_sizes()[0]


# -- what users pass ----------------------------------------------------------------------------


def test_names_of_matplotlib_for_the_same_property(data):
    display = ResidualsDisplay.from_estimator(
        *data, scatter_kwargs={"c": "red"}, outlier_kwargs={"lw": 3, "ec": "blue"},
        band_kwargs={"fc": "yellow"},
    )  # fmt: skip
    assert_allclose(display.scatter_.get_facecolor()[0][:3], (1.0, 0.0, 0.0))
    assert_allclose(display.outliers_.get_linewidth(), 3.0)
    assert_allclose(display.outliers_.get_edgecolor()[0][:3], (0.0, 0.0, 1.0))
    assert_allclose(display.band_.get_facecolor()[:3], (1.0, 1.0, 0.0))
    hollow = WeightsDisplay.from_estimator(*data, reduced_kwargs={"color": "red"}).reduced_
    assert_allclose(hollow.get_edgecolor()[0][:3], (1.0, 0.0, 0.0))
    assert_allclose(hollow.get_facecolor()[0][:3], (1.0, 1.0, 1.0))
    bars = CoefficientsDisplay.from_estimator(*data, errorbar_kwargs={"c": "red", "ms": 11})
    assert bars.errorbars_[0].lines[0].get_color() == "red"
    assert bars.errorbars_[0].lines[0].get_markersize() == 11
    with pytest.raises(TypeError, match="keywords for matplotlib must be a dict, got str"):
        QuantilesDisplay.from_estimator(*data, band_kwargs="red")


@pytest.mark.parametrize("display", EVERY)
def test_no_figure_is_left_after_an_error(data, display):
    name = {ResidualsDisplay: "scatter_kwargs", WeightsDisplay: "full_kwargs",
            QuantilesDisplay: "scatter_kwargs", CoefficientsDisplay: "errorbar_kwargs"}  # fmt: skip
    mine = plt.figure()
    with pytest.raises(AttributeError):
        display.from_estimator(*data, **{name[display]: {"no_such_property": 1}})
    assert plt.get_fignums() == [mine.number]


@pytest.mark.parametrize("display", EVERY)
def test_axes_of_another_type(data, display):
    with pytest.raises(TypeError, match="ax must be a matplotlib Axes or None, got Figure"):
        display.from_estimator(*data, ax=plt.figure())


@pytest.mark.parametrize("display", OF_ROWS)
@pytest.mark.parametrize("labels", [["a", "b"], list("abcdefghijk")])
def test_labels_of_another_length(rng, display, labels):
    y = rng.normal(size=10)
    options = {"threshold": 1.0} if display is not QuantilesDisplay else {}
    with pytest.raises(ValueError, match=f"labels has {len(labels)} entries for 10 rows"):
        display.from_predictions(y, 0.0 * y, labels=labels, **options)
    assert plt.get_fignums() == []


@pytest.mark.parametrize(
    ("index", "expected"),
    [
        (pd.date_range("2020-01-01", periods=24, freq="D"), "2020-01-15"),
        (pd.date_range("2020-01-01", periods=24, freq="h"), "2020-01-01 14:00:00"),
        (pd.date_range("2020-01-01", periods=24, freq="D", tz="UTC"), "2020-01-15"),
        (pd.period_range("2020-01", periods=24, freq="M"), "2021-03"),
        (pd.MultiIndex.from_product([["north"], range(24)]), "north, 14"),
        ([("north", i) for i in range(24)], "north, 14"),
    ],
)
def test_labels_read_as_people_write_them(phones, index, expected):
    model, X, y = phones
    display = WeightsDisplay.from_predictions(
        y, model.predict(X), threshold=model.threshold_, labels=index
    )
    assert expected in written(display)


def test_the_least_weights_are_labelled_however_long_their_labels(phones):
    model, X, y = phones
    names = [f"an uncommonly long name of a station, {i}" for i in range(24)]
    display = WeightsDisplay.from_predictions(
        y, model.predict(X), threshold=model.threshold_, labels=names
    )
    assert {text.split()[-1] for text in written(display)} >= {str(i) for i in range(14, 20)}
    plain_labels = WeightsDisplay.from_estimator(model, X, y)
    assert plain_labels.ax_.get_ylim()[1] == 1.2
    # The space for labels below zero is not part of the scale.
    assert plain_labels.ax_.spines["left"].get_bounds() == (0.0, 1.0)


def test_many_models_look_different(data):
    model, X, y = data
    models = {f"{i}": model for i in range(12)}
    display = CoefficientsDisplay.from_estimator(models, X, y)
    lines = [bars.lines[0] for bars in display.errorbars_]
    styles = {(a.get_color(), a.get_marker(), a.get_fillstyle()) for a in lines}
    assert len(styles) == 12


@pytest.mark.parametrize("n_models", [2, 7])
def test_the_legend_stays_in_the_axes_and_above_the_marks(data, n_models):
    model, X, y = data
    models = {f"a model with a rather long name, {i}": model for i in range(n_models)}
    display = CoefficientsDisplay.from_estimator(models, X, y)
    display.figure_.canvas.draw()
    legend = display.ax_.get_legend().get_window_extent()
    frame = display.ax_.get_window_extent()
    assert frame.x0 <= legend.x0
    assert legend.x1 <= frame.x1
    highest = display.ax_.transData.transform((0.0, -0.3))[1]
    assert legend.y0 > highest


def test_a_figure_is_as_high_as_its_coefficients_need(rng):
    X, y = plain(rng, n=200, p=40)
    display = CoefficientsDisplay.from_estimator(HuberRegressor().fit(X, y), X, y)
    texts = [text.get_window_extent() for text in display.ax_.get_yticklabels()]
    below = [one.y0 - other.y1 for one, other in pairwise(texts)]
    assert min(below) > 0.0


def test_coefficients_of_what_is_no_model(data):
    model, X, y = data
    with pytest.raises(TypeError, match=r"summaries must be results of .*got HuberRegr.*from_est"):
        CoefficientsDisplay.from_summaries(model)
    with pytest.raises(TypeError, match="several models must be named, got a list"):
        CoefficientsDisplay.from_estimator([model, model], X, y)


def test_a_feature_named_as_the_intercept(rng):
    X, y = plain(rng)
    frame = pd.DataFrame(X, columns=["a", "intercept", "b"])
    model = HuberRegressor().fit(frame, y)
    display = CoefficientsDisplay.from_estimator(model, frame, y)
    assert display.feature_names == ["a", "intercept (feature)", "b"]
    assert_allclose(display.coefficients[0], model.coef_)
    standard = CoefficientsDisplay.from_estimator(model, frame, y, standardize=True)
    assert_allclose(standard.coefficients[0], model.coef_ * X.std(axis=0))


# -- the style ----------------------------------------------------------------------------------


def test_the_style_sheet_is_found_and_understood(data):
    with plt.style.context("robustreg.inspection.style"):
        assert matplotlib.rcParams["legend.frameon"] is False
        display = ResidualsDisplay.from_estimator(*data)
        assert_allclose(display.figure_.get_size_inches(), [5.8, 3.9])
        assert display.ax_.xaxis.label.get_size() == 11
