"""``DeltaCurveDisplay``: its data, drawing, conventions and errors."""

import sys

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from problems import plain
from sklearn.compose import TransformedTargetRegressor
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, ShuffleSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from robustreg import HuberRegressor, HuberRegressorCV
from robustreg.metrics import make_huber_scorer

matplotlib = pytest.importorskip("matplotlib")
plt = pytest.importorskip("matplotlib.pyplot")

from robustreg.inspection import DeltaCurveDisplay  # noqa: E402 - only where matplotlib is

INFINITY = float("inf")
DELTAS = [0.3, 0.5, 1.0, 2.0, 4.0, INFINITY]


@pytest.fixture(autouse=True)
def _pictures():
    with matplotlib.rc_context({"backend": "agg"}):
        yield
    plt.close("all")


@pytest.fixture
def data(rng):
    return plain(rng, n=100, p=3)


@pytest.fixture
def model(data):
    return HuberRegressorCV(deltas=DELTAS, alphas=[0.0, 50.0]).fit(*data)


def tick_labels(ax):
    return [label.get_text() for label in ax.get_xticklabels()]


class TestOfHuberRegressorCV:
    def test_scores_are_those_at_the_chosen_alpha(self, model):
        display = DeltaCurveDisplay.from_estimator(model)
        results = model.cv_results_
        at = np.asarray(results["param_alpha"]) == model.alpha_
        scores = np.array([results[f"split{k}_test_score"][at] for k in range(5)])
        assert_array_equal(display.deltas, DELTAS)
        assert_allclose(display.mean_scores, scores.mean(axis=0), rtol=1e-12)
        errors = scores.std(axis=0, ddof=1) / np.sqrt(5)
        assert_allclose(display.standard_errors, errors, rtol=1e-12)
        assert display.delta == model.delta_
        assert display.score_name == "minus Huber loss"

    def test_coefficients_are_means_over_folds(self, model, data):
        X, y = data
        display = DeltaCurveDisplay.from_estimator(model)
        expected = np.zeros((len(DELTAS), 3))
        for number in range(5):
            train = np.arange(100) // 20 != number
            for j, delta in enumerate(DELTAS):
                fold = HuberRegressor(delta=delta, alpha=model.alpha_).fit(X[train], y[train])
                expected[j] += fold.coef_ / 5
        assert_allclose(display.coefs, expected, rtol=1e-5)
        assert display.feature_names == ["x0", "x1", "x2"]

    def test_coefficients_of_all_rows_where_the_data_are_given(self, model, data):
        X, y = data
        weights = np.arange(100) % 3.0
        display = DeltaCurveDisplay.from_estimator(model, X, y, sample_weight=weights)
        for delta, coef in zip(DELTAS, display.coefs, strict=True):
            fitted = HuberRegressor(delta=delta, alpha=model.alpha_).fit(X, y, weights)
            assert_array_equal(coef, fitted.coef_)

    def test_what_is_drawn_is_what_is_held(self, model):
        display = DeltaCurveDisplay.from_estimator(model)
        x, scores = display.line_.get_data()
        # Between the last finite delta and infinity there is a gap.
        assert_array_equal(np.isnan(x), [False] * 5 + [True, False])
        assert_array_equal(x[:5], DELTAS[:5])
        assert 4.0 < x[-1] < 12.0
        assert_array_equal(scores[[0, 1, 2, 3, 4, 6]], display.mean_scores)
        vertices = display.band_.get_paths()[0].vertices
        low = display.mean_scores - display.standard_errors
        assert_allclose(vertices[:, 1].min(), low[:5].min())
        assert len(display.coef_lines_) == 3
        assert_array_equal(display.coef_lines_[1].get_ydata()[:5], display.coefs[:5, 1])
        legend = [text.get_text() for text in display.axes_[1].get_legend().get_texts()]
        assert legend == ["x0", "x1", "x2"]
        for line in display.chosen_:
            assert_array_equal(line.get_xdata(), model.delta_)
        assert_array_equal(display.mark_.get_ydata(), [model.best_score_])

    def test_infinity_has_a_tick_and_a_bar_of_its_own(self, data):
        model = HuberRegressorCV(deltas=DELTAS, selection="one_se", scoring="r2").fit(*data)
        display = DeltaCurveDisplay.from_estimator(model)
        labels = tick_labels(display.axes_[-1])
        assert labels[-1] == "∞"
        assert {"0.5", "1", "2"} <= set(labels)
        place = display.axes_[-1].get_xticks()[-1]
        assert display.line_.get_xdata()[-1] == place
        (segments,) = display.errorbar_.lines[2]
        assert_array_equal(segments.get_segments()[0][:, 0], place)
        assert display.score_name == "r2 score"
        display.delta = INFINITY
        assert display.plot().chosen_[0].get_xdata()[0] == place
        assert "delta = ∞ was chosen" in display.ax_.get_title(loc="left")

    @pytest.mark.parametrize("deltas", [[1.0], [INFINITY], [1.0, INFINITY], [0.01, 100.0]])
    def test_few_candidates(self, data, deltas):
        display = DeltaCurveDisplay.from_estimator(HuberRegressorCV(deltas=deltas).fit(*data))
        display.figure_.draw_without_rendering()
        assert ("∞" in tick_labels(display.axes_[-1])) == (INFINITY in deltas)
        assert np.isfinite(display.axes_[-1].get_xlim()).all()

    def test_default_grid_and_thresholds_in_units_of_y(self, data):
        X, y = data
        for factor in (1e-6, 1.0, 1e6):
            model = HuberRegressorCV(scale=1.0).fit(X, factor * y)
            display = DeltaCurveDisplay.from_estimator(model)
            assert 3 <= len(tick_labels(display.axes_[-1])) <= 8
            assert_array_equal(display.deltas, model.cv_results_["param_delta"])

    def test_many_features_name_those_that_change_most(self, rng):
        X, y = plain(rng, n=100, p=12)
        model = HuberRegressorCV(deltas=DELTAS).fit(X, y)
        display = DeltaCurveDisplay.from_estimator(model)
        legend = [text.get_text() for text in display.axes_[1].get_legend().get_texts()]
        most = np.argsort(-np.ptp(display.coefs, axis=0))[:10]
        assert set(legend) == {f"x{j}" for j in most}
        assert len(display.coef_lines_) == 12

    def test_candidates_without_a_score_are_left_out(self, data):
        def undefined(estimator, X, y):
            return np.nan if estimator.delta == 1.0 else -1.0

        with pytest.warns(UserWarning, match="non-finite"):
            model = HuberRegressorCV(deltas=DELTAS, scoring=undefined).fit(*data)
        display = DeltaCurveDisplay.from_estimator(model)
        assert_array_equal(np.isnan(display.mean_scores), np.array(DELTAS) == 1.0)
        display.figure_.draw_without_rendering()

    def test_one_split_has_no_errors(self, data):
        model = HuberRegressorCV(deltas=DELTAS, cv=ShuffleSplit(1, random_state=0)).fit(*data)
        assert_array_equal(DeltaCurveDisplay.from_estimator(model).standard_errors, 0.0)


class TestOfGridSearch:
    def test_equals_that_of_huber_regressor_cv(self, model, data):
        grid = {"delta": DELTAS[::-1], "alpha": [0.0, 50.0]}  # in whatever order
        search = GridSearchCV(HuberRegressor(), grid, scoring=model.scorer_).fit(*data)
        display, known = (DeltaCurveDisplay.from_estimator(each) for each in (search, model))
        assert_array_equal(display.deltas, known.deltas)
        assert_allclose(display.mean_scores, known.mean_scores, rtol=1e-6)
        assert_allclose(display.standard_errors, known.standard_errors, rtol=1e-5)
        assert display.delta == known.delta
        assert display.coefs is None
        assert display.axes_.size == 1

    def test_over_a_step_of_a_pipeline(self, data):
        pd = pytest.importorskip("pandas")
        X, y = data
        frame = pd.DataFrame(X, columns=["a", "b", "c"])
        grid = {"huberregressor__delta": DELTAS, "standardscaler__with_mean": [True, False]}
        pipe = make_pipeline(StandardScaler(), HuberRegressor())
        search = GridSearchCV(pipe, grid, scoring=make_huber_scorer(2.0)).fit(frame, y)
        display = DeltaCurveDisplay.from_estimator(search, frame, y)
        assert display.delta == search.best_params_["huberregressor__delta"]
        assert display.feature_names == ["a", "b", "c"]
        scaled = StandardScaler().fit_transform(X)
        for delta, coef in zip(DELTAS, display.coefs, strict=True):
            assert_allclose(coef, HuberRegressor(delta=delta).fit(scaled, y).coef_, rtol=1e-5)

    def test_over_a_step_of_a_transformed_target(self, data):
        X, y = data
        composite = TransformedTargetRegressor(
            make_pipeline(StandardScaler(), HuberRegressor()), transformer=StandardScaler()
        )
        search = GridSearchCV(composite, {"regressor__huberregressor__delta": DELTAS}).fit(X, y)
        display = DeltaCurveDisplay.from_estimator(search, X, y)
        assert display.coefs.shape == (6, 3)
        assert display.score_name == "R²"

    def test_auto_has_no_place_but_what_it_chose_has(self, data):
        X, y = data
        chosen = HuberRegressor(delta="auto").fit(X, y).delta_
        search = GridSearchCV(HuberRegressor(), {"delta": [2.0, "auto", INFINITY]}, scoring="r2")
        search.fit(X, y)
        search.best_index_ = 1  # whatever the scores say
        search.best_estimator_ = HuberRegressor(delta="auto").fit(X, y)
        display = DeltaCurveDisplay.from_estimator(search)
        assert_array_equal(display.deltas, [2.0, INFINITY])
        assert display.delta == chosen
        assert display.mark_.get_xdata().size == 0

    def test_several_metrics_show_the_one_that_chose(self, data):
        scoring = {"loss": make_huber_scorer(2.0), "median": "neg_median_absolute_error"}
        search = GridSearchCV(HuberRegressor(), {"delta": DELTAS}, scoring=scoring, refit="median")
        display = DeltaCurveDisplay.from_estimator(search.fit(*data))
        assert_array_equal(display.mean_scores, search.cv_results_["mean_test_median"])
        deviations = search.cv_results_["std_test_median"]
        assert_allclose(display.standard_errors, deviations / 2)  # five splits
        assert display.score_name == "minus median absolute error"

    def test_without_refit(self, data):
        X, y = data
        search = GridSearchCV(HuberRegressor(), {"delta": DELTAS}, refit=False).fit(X, y)
        display = DeltaCurveDisplay.from_estimator(search, X, y)
        assert display.delta == search.best_params_["delta"]
        assert_array_equal(display.coefs[2], HuberRegressor(delta=1.0).fit(X, y).coef_)

    def test_of_a_name_that_is_given(self, data):
        search = GridSearchCV(Ridge(), {"alpha": [0.1, 1.0, 10.0]}).fit(*data)
        display = DeltaCurveDisplay.from_estimator(search, param_name="alpha")
        assert_array_equal(display.deltas, [0.1, 1.0, 10.0])


class TestConventions:
    def test_one_axes_for_the_scores_alone(self, model):
        figure, ax = plt.subplots()
        display = DeltaCurveDisplay.from_estimator(model, ax=ax)
        assert display.ax_ is ax
        assert display.figure_ is figure
        assert display.coef_lines_ == []
        assert ax.get_xlabel() == "delta"
        assert ax.get_ylabel() == "minus Huber loss"

    def test_two_axes_for_both(self, model):
        figure, axes = plt.subplots(1, 2)
        display = DeltaCurveDisplay.from_estimator(model, ax=axes)
        assert list(display.axes_) == list(axes)
        assert display.figure_ is figure
        assert len(display.coef_lines_) == 3

    def test_axes_that_do_not_fit(self, model, data):
        _, axes = plt.subplots(3)
        with pytest.raises(ValueError, match="ax has 3 axes: pass one for the scores"):
            DeltaCurveDisplay.from_estimator(model, ax=axes)
        search = GridSearchCV(HuberRegressor(), {"delta": DELTAS}).fit(*data)
        with pytest.raises(ValueError, match="coefficients are drawn only if X and y are passed"):
            DeltaCurveDisplay.from_estimator(search, ax=axes[:2])

    def test_keywords_reach_matplotlib(self, model):
        display = DeltaCurveDisplay.from_estimator(
            model,
            line_kwargs={"color": "k"},
            band_kwargs={"alpha": 0.5},
            coef_kwargs={"linewidth": 3.0},
        )
        assert display.line_.get_color() == "k"
        assert display.band_.get_alpha() == 0.5
        assert {line.get_linewidth() for line in display.coef_lines_} == {3.0}

    def test_made_of_numbers_alone(self):
        display = DeltaCurveDisplay(
            deltas=np.array([0.5, 1.0, INFINITY]),
            mean_scores=np.array([-3.0, -2.0, -4.0]),
            standard_errors=np.array([0.1, 0.2, 0.3]),
            delta=1.0,
            coefs=np.array([[1.0, 2.0], [1.1, 2.2], [1.5, 3.0]]),
        )
        assert not hasattr(display, "ax_")
        assert display.plot() is display
        assert [line.get_label() for line in display.coef_lines_] == ["x0", "x1"]
        again = display.plot()
        assert again.figure_ is display.figure_

    def test_names_the_extra_where_matplotlib_is_missing(self, model, monkeypatch):
        monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
        with pytest.raises(ImportError, match=r"pip install robustreg\[plot\]"):
            DeltaCurveDisplay.from_estimator(model)

    def test_a_figure_is_saved(self, model, tmp_path):
        path = tmp_path / "curve.png"
        DeltaCurveDisplay.from_estimator(model).figure_.savefig(path)
        assert path.stat().st_size > 5000


class TestRefusals:
    @pytest.mark.parametrize("other", [HuberRegressor(), HuberRegressorCV(), "search", None])
    def test_no_fitted_search(self, other):
        with pytest.raises(TypeError, match="without cv_results_ or best_index_: pass a fitted"):
            DeltaCurveDisplay.from_estimator(other)

    def test_a_search_over_something_else(self, data):
        search = GridSearchCV(Ridge(), {"alpha": [0.1, 1.0]}).fit(*data)
        with pytest.raises(ValueError, match="alpha, which are no parameter delta: pass a search"):
            DeltaCurveDisplay.from_estimator(search)
        with pytest.raises(ValueError, match="by the name 'beta'"):
            DeltaCurveDisplay.from_estimator(search, param_name="beta")

    def test_a_search_over_auto_alone(self, data):
        search = GridSearchCV(HuberRegressor(), {"delta": ["auto"]}).fit(*data)
        with pytest.raises(ValueError, match="no candidate with a number as delta"):
            DeltaCurveDisplay.from_estimator(search)

    def test_coefficients_of_another_model(self, data):
        search = GridSearchCV(Ridge(), {"alpha": [0.1, 1.0]}).fit(*data)
        with pytest.raises(TypeError, match=r"must be a fitted robustreg\.HuberRegressor"):
            DeltaCurveDisplay.from_estimator(search, *data, param_name="alpha")


def test_title_names_what_was_chosen_in_full(data):
    model = HuberRegressorCV(deltas=[1.345], alphas=[0.0, 50.0]).fit(*data)
    display = DeltaCurveDisplay.from_estimator(model)
    title = display.ax_.get_title(loc="left")
    assert f"delta = 1.345, alpha = {model.alpha_:.4g} was chosen" in title
    assert display.chosen == {"alpha": model.alpha_}
    one = DeltaCurveDisplay.from_estimator(HuberRegressorCV(deltas=[1.345]).fit(*data))
    assert "alpha" not in one.ax_.get_title(loc="left")


@pytest.mark.parametrize("deltas", [[1.345], [1.345, INFINITY]])
def test_every_score_shows_its_error(data, deltas):
    display = DeltaCurveDisplay.from_estimator(HuberRegressorCV(deltas=deltas).fit(*data))
    (bars,) = display.errorbar_.lines[2]
    assert len(bars.get_segments()) == len(deltas)
    lengths = [np.ptp(segment[:, 1]) for segment in bars.get_segments()]
    assert_allclose(lengths, 2.0 * display.standard_errors)


def test_axes_that_are_none(data):
    model = HuberRegressorCV(deltas=DELTAS).fit(*data)
    with pytest.raises(TypeError, match="ax must be a matplotlib Axes or None, got str"):
        DeltaCurveDisplay.from_estimator(model, ax="here")
    with pytest.raises(TypeError, match="got int"):
        DeltaCurveDisplay.from_estimator(model, ax=[plt.figure().add_subplot(), 1])
    before = plt.get_fignums()
    with pytest.raises(AttributeError):
        DeltaCurveDisplay.from_estimator(model, line_kwargs={"no_such_property": 1})
    assert plt.get_fignums() == before
