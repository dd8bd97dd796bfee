"""``HuberRegressorCV`` inside scikit-learn: its checks, pipelines, routing, progress."""

import pickle
import re

import numpy as np
import pytest
import sklearn
from effort import slow
from numpy.testing import assert_allclose, assert_array_equal
from problems import plain
from sklearn.base import clone
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.exceptions import UnsetMetadataPassedError
from sklearn.linear_model import LinearRegression
from sklearn.metrics import get_scorer
from sklearn.model_selection import GridSearchCV, GroupKFold, KFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.utils.estimator_checks import check_estimator

from robustreg import HuberRegressor, HuberRegressorCV
from robustreg.metrics import make_huber_scorer

INFINITY = float("inf")
DELTAS = [0.5, 1.345, INFINITY]

CONFIGURATIONS = [
    HuberRegressorCV(deltas=DELTAS, cv=3),
    HuberRegressorCV(deltas=DELTAS, scale=2.0, alphas=[0.5], solver="newton", cv=3),
    *slow(
        HuberRegressorCV(),
        HuberRegressorCV(scale=1.0),
        HuberRegressorCV(deltas=DELTAS, alphas=(0.1, 1.0), cv=3),
        HuberRegressorCV(deltas=DELTAS, n_jobs=2),
        HuberRegressorCV(deltas=DELTAS, scale=2.0, alphas=[0.5], solver="newton"),
        HuberRegressorCV(deltas=DELTAS, selection="one_se"),
        HuberRegressorCV(deltas=DELTAS, scoring="neg_median_absolute_error"),
        HuberRegressorCV(deltas=DELTAS, fit_intercept=False, alphas=[1.0]),
    ),
]


@pytest.fixture
def data(rng):
    return plain(rng, n=120, p=4)


# Several checks fit one row, a constant y, or a y that is a column of X: exact fits, as the warning
# says. Every other warning is an error here.
@pytest.mark.filterwarnings("ignore::robustreg.ExactFitWarning")
class TestChecks:
    @pytest.mark.parametrize("estimator", CONFIGURATIONS, ids=repr)
    def test_check_estimator(self, estimator):
        results = check_estimator(estimator, on_skip=None, on_fail="raise")
        assert len(results) > 40
        assert {result["status"] for result in results} == {"passed"}


class TestPipelines:
    def test_as_last_step(self, data):
        X, y = data
        pipe = make_pipeline(StandardScaler(), HuberRegressorCV(deltas=DELTAS, tol=1e-9)).fit(X, y)
        direct = HuberRegressorCV(deltas=DELTAS, tol=1e-9).fit(X, y)
        assert pipe[-1].delta_ == direct.delta_
        assert_allclose(pipe.predict(X), direct.predict(X), rtol=1e-7)

    def test_names_of_the_columns_before(self, data):
        pd = pytest.importorskip("pandas")
        X, y = data
        frame = pd.DataFrame(X, columns=list("abcd")).assign(kind=np.where(X[:, 0] > 0, "p", "n"))
        columns = ColumnTransformer(
            [
                ("scaled", StandardScaler(), list("abcd")),
                ("coded", OneHotEncoder(drop="first", sparse_output=False), ["kind"]),
            ],
            verbose_feature_names_out=False,
        ).set_output(transform="pandas")
        pipe = make_pipeline(columns, HuberRegressorCV(deltas=DELTAS)).fit(frame, y)
        assert_array_equal(pipe[-1].feature_names_in_, ["a", "b", "c", "d", "kind_p"])
        assert np.isfinite(pipe.predict(frame)).all()

    def test_inside_another_cross_validation(self, data):
        X, y = data
        scores = cross_val_score(HuberRegressorCV(deltas=DELTAS), X, y, cv=3)
        train, test = next(KFold(3).split(X))
        model = HuberRegressorCV(deltas=DELTAS).fit(X[train], y[train])
        assert scores[0] == model.score(X[test], y[test])

    def test_of_a_transformed_target(self, data):
        X, y = data
        model = TransformedTargetRegressor(
            HuberRegressorCV(deltas=DELTAS, tol=1e-10), transformer=StandardScaler()
        )
        direct = HuberRegressorCV(deltas=DELTAS, tol=1e-10).fit(X, y)
        assert_allclose(model.fit(X, y).predict(X), direct.predict(X), rtol=1e-7)

    def test_clone_and_pickle(self, data):
        model = HuberRegressorCV(deltas=DELTAS, alphas=(0.0, 1.0)).fit(*data)
        restored = pickle.loads(pickle.dumps(model))
        assert_array_equal(restored.predict(data[0]), model.predict(data[0]))
        assert restored.best_params_ == model.best_params_
        copy = clone(model)
        assert not hasattr(copy, "cv_results_")
        assert copy.get_params() == model.get_params()

    def test_a_fitted_search_does_not_hold_the_data(self, rng):
        X, y = plain(rng, n=2000, p=20)
        assert len(pickle.dumps(HuberRegressorCV(deltas=DELTAS).fit(X, y))) < 30_000  # X has 320 kB

    def test_results_as_a_frame(self, data):
        pd = pytest.importorskip("pandas")
        model = HuberRegressorCV(deltas=DELTAS, alphas=[0.0, 1.0]).fit(*data)
        frame = pd.DataFrame(model.cv_results_).sort_values("rank_test_score")
        assert len(frame) == 6
        assert frame.iloc[0]["param_delta"] == model.delta_
        table = frame.pivot_table(
            index="param_alpha", columns="param_delta", values="mean_test_score"
        )
        assert table.shape == (2, 3)

    @pytest.mark.parametrize("library", ["pandas", "polars"])
    def test_frames(self, data, library):
        frames = pytest.importorskip(library)
        X, y = data
        frame = frames.DataFrame(dict(zip("abcd", X.T, strict=True)))
        weights = np.arange(120) % 3.0
        model = HuberRegressorCV(deltas=DELTAS, scoring="neg_mean_absolute_error")
        expected = clone(model).fit(X, y, weights)
        model.fit(frame, frames.Series(y), frames.Series(weights))
        # Older versions of scikit-learn do not read names of polars frames.
        if hasattr(LinearRegression().fit(frame, y), "feature_names_in_"):
            assert_array_equal(model.feature_names_in_, list("abcd"))
        found = model.cv_results_["mean_test_score"]
        assert_allclose(found, expected.cv_results_["mean_test_score"], rtol=1e-10)
        assert_allclose(model.predict(frame), expected.predict(X), rtol=1e-10)


@pytest.fixture
def routing():
    with sklearn.config_context(enable_metadata_routing=True):
        yield


@pytest.mark.usefixtures("routing")
class TestRouting:
    def test_weights_in_fit_and_score_as_grid_search_routes_them(self, data):
        X, y = data
        weights = np.random.default_rng(1).uniform(0.5, 3.0, size=120)
        scorer = make_huber_scorer(2.0).set_score_request(sample_weight=True)
        model = HuberRegressorCV(deltas=DELTAS, scoring=scorer).fit(X, y, sample_weight=weights)
        search = GridSearchCV(
            HuberRegressor().set_fit_request(sample_weight=True), {"delta": DELTAS}, scoring=scorer
        ).fit(X, y, sample_weight=weights)
        for key in search.cv_results_:
            if key.endswith("test_score"):
                assert_allclose(model.cv_results_[key], search.cv_results_[key], rtol=1e-6)

    @pytest.mark.parametrize("n_jobs", [1, 2])
    def test_default_score_takes_weights_and_splitters_groups(self, data, n_jobs):
        X, y = data
        weights, groups = np.arange(120) % 3.0, np.arange(120) // 10
        model = HuberRegressorCV(deltas=DELTAS, cv=GroupKFold(4), n_jobs=n_jobs)
        model.fit(X, y, sample_weight=weights, groups=groups)
        with sklearn.config_context(enable_metadata_routing=False):
            expected = clone(model).fit(X, y, sample_weight=weights, groups=groups)
        for key in expected.cv_results_:
            if key.endswith("test_score"):
                assert_array_equal(model.cv_results_[key], expected.cv_results_[key])

    def test_a_scorer_may_refuse_weights(self, data):
        X, y = data
        weights = np.arange(120) % 3.0
        scorer = get_scorer("neg_mean_absolute_error")
        # Older versions of scikit-learn do not know the parameters of their scorers' metrics.
        if "sample_weight" in scorer.get_metadata_routing().score.requests:
            with pytest.raises(UnsetMetadataPassedError, match="sample_weight"):
                HuberRegressorCV(deltas=DELTAS, scoring=scorer).fit(X, y, sample_weight=weights)
        scorer = scorer.set_score_request(sample_weight=False)
        model = HuberRegressorCV(deltas=DELTAS, scoring=scorer).fit(X, y, sample_weight=weights)
        train, test = next(KFold(5).split(X))
        fold = HuberRegressor(delta=0.5).fit(X[train], y[train], weights[train])
        expected = -np.abs(y[test] - fold.predict(X[test])).mean()
        assert_allclose(model.cv_results_["split0_test_score"][0], expected, rtol=1e-6)

    def test_metadata_that_a_scorer_asks_for(self, data):
        X, y = data
        prices = np.linspace(1.0, 2.0, 120)

        def cost(y_true, y_pred, price=None):
            return np.mean(price * np.abs(y_true - y_pred))

        scorer = sklearn.metrics.make_scorer(cost, greater_is_better=False)
        scorer = scorer.set_score_request(price=True)
        model = HuberRegressorCV(deltas=DELTAS, scoring=scorer).fit(X, y, price=prices)
        train, test = next(KFold(5).split(X))
        predicted = HuberRegressor(delta=1.345).fit(X[train], y[train]).predict(X[test])
        expected = -cost(y[test], predicted, prices[test])
        assert_allclose(model.cv_results_["split0_test_score"][1], expected, rtol=1e-6)

    def test_through_a_pipeline(self, data):
        X, y = data
        groups = np.arange(120) // 10
        inner = HuberRegressorCV(deltas=DELTAS, cv=GroupKFold(4))
        pipe = make_pipeline(StandardScaler(), inner).fit(X, y, groups=groups)
        direct = clone(inner).fit(StandardScaler().fit_transform(X), y, groups=groups)
        assert_array_equal(pipe[-1].coef_, direct.coef_)


class TestProgress:
    @pytest.mark.parametrize("verbose", [0, 1, 2, 3])
    @pytest.mark.parametrize("n_jobs", [1, 2])
    def test_verbose_prints_what_grid_search_prints(self, data, capsys, verbose, n_jobs):
        X, y = data
        model = HuberRegressorCV(deltas=DELTAS, alphas=[0.0, 1.0], cv=3, verbose=verbose)
        model.set_params(n_jobs=n_jobs).fit(X, y)
        ours = capsys.readouterr().out.splitlines()
        grid = {"alpha": [0.0, 1.0], "delta": DELTAS}
        search = GridSearchCV(HuberRegressor(), grid, cv=3, verbose=verbose, scoring=model.scorer_)
        search.fit(X, y)
        theirs = capsys.readouterr().out.splitlines()
        if verbose > 0:
            assert (
                ours[0]
                == theirs[0]
                == "Fitting 3 folds for each of 6 candidates, totalling 18 fits"
            )
        if verbose > 2:
            # The candidates of a fold are fitted together, so that this is the number for the fold.
            theirs = [re.sub(r"; \d+/\d+\]", "]", line) for line in theirs]
        assert sorted(map(_untimed, ours[1:])) == sorted(map(_untimed, theirs[1:]))

    @pytest.mark.parametrize("n_jobs", [1, 2])
    def test_callbacks_see_the_path_each_fold_and_the_last_fit(self, data, n_jobs):
        pytest.importorskip("sklearn.callback")
        model = HuberRegressorCV(deltas=DELTAS, cv=4, n_jobs=n_jobs)
        expected = clone(model).fit(*data)
        model.set_callbacks(counter := _Counter()).fit(*data)
        tasks = 1 + 1 + 4 + 1  # the search, the path, the folds, the last fit
        assert counter.events == {"setup": 1, "begin": tasks, "end": tasks, "teardown": 1}
        assert_array_equal(model.coef_, expected.coef_)

    def test_callbacks_are_torn_down_when_a_search_fails(self, data):
        pytest.importorskip("sklearn.callback")
        counter = _Counter(fail_at=4)
        with pytest.raises(InterruptedError):
            HuberRegressorCV(deltas=DELTAS, n_jobs=2).set_callbacks(counter).fit(*data)
        assert counter.events["setup"] == counter.events["teardown"] == 1

    def test_progress_bar_changes_nothing(self, data, capsys):
        callback = pytest.importorskip("sklearn.callback")
        pytest.importorskip("rich")  # scikit-learn's ProgressBar draws with it
        model = HuberRegressorCV(deltas=DELTAS).set_callbacks(callback.ProgressBar()).fit(*data)
        assert model.delta_ == HuberRegressorCV(deltas=DELTAS).fit(*data).delta_
        assert "HuberRegressorCV" in capsys.readouterr().out


def _untimed(line):
    return re.sub(r"\.*total time=.*|\.+(?=\w*;)|\.{2,}", "", line).replace(" ", "")


class _Counter:
    """Counts calls of the hooks in the FitCallback protocol of scikit-learn 1.9."""

    def __init__(self, fail_at=None):
        # A list, since folds in two threads call at the same time, and appending is atomic.
        self.calls = []
        self.fail_at = fail_at

    @property
    def events(self):
        return {name: self.calls.count(name) for name in ("setup", "begin", "end", "teardown")}

    def setup(self, estimator, context):
        self.calls.append("setup")

    def on_fit_task_begin(self, estimator, context):
        self.calls.append("begin")
        if self.fail_at is not None and self.events["begin"] >= self.fail_at:
            raise InterruptedError

    def on_fit_task_end(self, estimator, context):
        self.calls.append("end")

    def teardown(self, estimator, context):
        self.calls.append("teardown")


def test_exported_and_documented():
    import robustreg

    assert "HuberRegressorCV" in robustreg.__all__
    documented = re.findall(r"^    (\w+(?:, \w+)*) : ", HuberRegressorCV.__doc__, re.MULTILINE)
    names = {name for line in documented for name in line.split(", ")}
    assert set(HuberRegressorCV().get_params()) <= names


def test_squared_error_lets_the_outliers_choose(rng):
    """The reason for the default score: scikit-learn-extra#122."""
    X = rng.normal(size=(200, 3))
    y = X.sum(axis=1) + rng.normal(size=200)
    y[rng.permutation(200)[:40]] += 50.0
    robust = HuberRegressorCV().fit(X, y)
    misled = HuberRegressorCV(scoring="neg_mean_squared_error").fit(X, y)
    clean = rng.normal(size=(1000, 3))
    errors = [np.mean((m.predict(clean) - clean.sum(axis=1)) ** 2) for m in (robust, misled)]
    assert robust.delta_ < 1.0
    assert misled.delta_ > 1.5
    assert errors[0] < 0.2 * errors[1]
    least = LinearRegression().fit(X, y)
    assert errors[1] <= 1.1 * np.mean((least.predict(clean) - clean.sum(axis=1)) ** 2)
