"""Bad input to ``HuberRegressorCV``, and candidates that cannot be fitted or scored."""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from problems import plain
from sklearn.exceptions import FitFailedWarning
from sklearn.metrics import make_scorer, mean_absolute_error
from sklearn.model_selection import GridSearchCV, GroupKFold, KFold, PredefinedSplit

from robustreg import ExactFitWarning, HuberRegressor, HuberRegressorCV
from robustreg.exceptions import ConvergenceWarning

INFINITY = float("inf")
DELTAS = [0.5, 1.345, INFINITY]


@pytest.fixture
def data(rng):
    return plain(rng, n=60, p=3)


class TestArguments:
    @pytest.mark.parametrize("name", ["deltas", "alphas"])
    @pytest.mark.parametrize(
        ("grid", "message"),
        [
            ([], "must be a list of at least one number in"),
            ([[1.0, 2.0]], "must be a list of at least one number in"),
            ([2.0, 1.0], r"must be increasing without repetition, got \[2.0, 1.0\]: pass sorted"),
            ([1.0, 1.0], "must be increasing without repetition"),
            ([-1.0, 1.0], r"must be numbers in .*, got -1.0: leave it out"),
            ([1.0, float("nan")], r"must be numbers in .*, got nan: leave it out"),
            (["auto", 1.0], r"must be numbers in .*, got \['auto', 1.0\]"),
            ([1.0, None], "must be numbers in"),
            (1.0, "must be an array-like"),
            ("auto", "must be an array-like"),
        ],
        ids=str,
    )
    def test_grids(self, data, name, grid, message):
        with pytest.raises(ValueError, match=f"'?{name}'?.* {message}"):
            HuberRegressorCV(**{name: grid}).fit(*data)

    def test_zero_is_an_alpha_but_no_delta_and_infinity_a_delta_but_no_alpha(self, data):
        with pytest.raises(ValueError, match=r"deltas must be numbers in \(0, inf\], got 0.0"):
            HuberRegressorCV(deltas=[0.0, 1.0]).fit(*data)
        with pytest.raises(ValueError, match=r"alphas must be numbers in \[0, inf\), got inf"):
            HuberRegressorCV(alphas=[0.0, INFINITY]).fit(*data)
        model = HuberRegressorCV(deltas=[1.0, INFINITY], alphas=[0.0, 1.0]).fit(*data)
        assert len(model.cv_results_["params"]) == 4

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("selection", "1se"),
            ("scoring", "squared_error"),
            ("error_score", "nan"),
            ("n_jobs", 0.5),
            ("verbose", -1),
            ("scale", -1.0),
            ("scale", "huber"),
            ("solver", "sag"),
            ("tol", 0.0),
            ("max_iter", 0),
            ("cv", 2.5),
        ],
    )
    def test_options(self, data, name, value):
        with pytest.raises(ValueError, match=name):
            HuberRegressorCV(**{name: value}).fit(*data)

    def test_folds(self, data):
        with pytest.raises(ValueError, match="greater than the number of samples: n_samples=60"):
            HuberRegressorCV(cv=61).fit(*data)
        with pytest.raises(ValueError, match="cv gives no split: pass at least one pair"):
            HuberRegressorCV(cv=[]).fit(*data)
        with pytest.raises(IndexError, match="60 is out of bounds"):
            HuberRegressorCV(cv=[(np.arange(30), np.arange(40, 61))]).fit(*data)

    def test_groups_where_the_splitter_needs_them(self, data):
        with pytest.raises(ValueError, match="'groups' parameter should not be None"):
            HuberRegressorCV(cv=GroupKFold(2)).fit(*data)
        with pytest.raises(ValueError, match="inconsistent numbers of samples"):
            HuberRegressorCV(cv=GroupKFold(2)).fit(*data, groups=np.arange(59))

    @pytest.mark.parametrize("name", ["group", "check_input"])
    def test_unknown_parameters_of_fit(self, data, name):
        with pytest.raises((TypeError, ValueError), match=name):
            HuberRegressorCV().fit(*data, **{name: np.arange(60)})

    @pytest.mark.parametrize(
        ("weights", "message"),
        [
            (np.zeros(60), "zero for every row"),
            (-np.ones(60), "must not be negative"),
            (np.full(60, np.nan), "NaN"),
            (np.ones(59), r"sample_weight.shape == \(59,\)"),
        ],
    )
    def test_weights(self, data, weights, message):
        with pytest.raises(ValueError, match=message):
            HuberRegressorCV().fit(*data, sample_weight=weights)


class TestScorers:
    """Scorers that return no number, raise errors, or do not accept weights."""

    @staticmethod
    def undefined_for_least_squares(estimator, X, y):
        return (
            np.nan if estimator.delta == INFINITY else -mean_absolute_error(y, estimator.predict(X))
        )

    @staticmethod
    def raises_for_least_squares(estimator, X, y):
        if np.isinf(estimator.threshold_):
            raise ArithmeticError("no threshold")
        return -mean_absolute_error(y, estimator.predict(X))

    def test_nan_for_one_candidate_keeps_the_others(self, data):
        model = HuberRegressorCV(deltas=DELTAS, scoring=self.undefined_for_least_squares)
        with pytest.warns(UserWarning, match="test scores are non-finite"):
            model.fit(*data)
        whole = HuberRegressorCV(deltas=DELTAS, scoring="neg_mean_absolute_error").fit(*data)
        for key in ("mean_test_score", "std_test_score", "split3_test_score"):
            assert_array_equal(model.cv_results_[key][:2], whole.cv_results_[key][:2])
            assert np.isnan(model.cv_results_[key][2])
        assert model.cv_results_["rank_test_score"][2] == 3
        assert model.delta_ in DELTAS[:2]

    @pytest.mark.parametrize("selection", ["best", "one_se"])
    def test_nan_for_all_candidates(self, data, selection):
        model = HuberRegressorCV(deltas=DELTAS, scoring=lambda *_: np.nan, selection=selection)
        with (
            pytest.warns(UserWarning, match="test scores are non-finite"),
            pytest.raises(ValueError, match="scoring gave no candidate a finite mean score"),
        ):
            model.fit(*data)
        assert np.isnan(model.cv_results_["mean_test_score"]).all()

    def test_infinite_scores_are_not_chosen(self, data):
        def infinite(estimator, X, y):
            return (
                np.inf if estimator.delta == 0.5 else -mean_absolute_error(y, estimator.predict(X))
            )

        with pytest.warns(UserWarning, match="test scores are non-finite"):
            model = HuberRegressorCV(deltas=DELTAS, scoring=infinite).fit(*data)
        assert model.delta_ == 1.345

    @pytest.mark.parametrize("error_score", [np.nan, -1e6])
    def test_errors_become_the_error_score(self, data, error_score):
        scorer = self.raises_for_least_squares
        model = HuberRegressorCV(deltas=DELTAS, scoring=scorer, error_score=error_score, cv=2)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            model.fit(*data)
        messages = [str(warning.message) for warning in caught]
        failed = [m for m in messages if "Scoring failed for some candidates in a fold" in m]
        assert len(failed) == 2
        assert "ArithmeticError: no threshold" in failed[0]
        assert_array_equal(model.cv_results_["split0_test_score"][2], error_score)
        assert np.isfinite(model.cv_results_["mean_test_score"][:2]).all()
        # As in GridSearchCV, whose estimators look the same to the scorer.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            search = GridSearchCV(
                HuberRegressor(), {"delta": DELTAS}, scoring=scorer, error_score=error_score, cv=2
            ).fit(*data)
        for key in ("mean_test_score", "rank_test_score", "split1_test_score"):
            assert_allclose(model.cv_results_[key], search.cv_results_[key], rtol=1e-6)

    def test_errors_are_raised_if_so_wanted(self, data):
        scorer = self.raises_for_least_squares
        with pytest.raises(ArithmeticError, match="no threshold"):
            HuberRegressorCV(deltas=DELTAS, scoring=scorer, error_score="raise").fit(*data)

    @pytest.mark.parametrize("value", [None, "high", {"mae": 1.0}])
    def test_must_return_a_number(self, data, value):
        with pytest.raises(ValueError, match="scoring must return a number, got"):
            HuberRegressorCV(deltas=DELTAS, scoring=lambda *_: value).fit(*data)

    def test_without_weights(self, data):
        def worst(y_true, y_pred):
            return np.abs(y_true - y_pred).max()

        scorer = make_scorer(worst, greater_is_better=False)
        model = HuberRegressorCV(deltas=DELTAS, scoring=scorer)
        with pytest.warns(UserWarning, match="does not support sample_weight: .* scored without"):
            model.fit(*data, sample_weight=np.arange(60) % 3.0)
        X, y = data
        train, test = next(KFold(5).split(X))
        fold = HuberRegressor(delta=0.5).fit(X[train], y[train], (np.arange(60) % 3.0)[train])
        expected = -worst(y[test], fold.predict(X[test]))
        assert_allclose(model.cv_results_["split0_test_score"][0], expected, rtol=1e-6)


def predefined(rows, n=60):
    """One fold with these validation rows, and two of the others."""
    fold = np.arange(n) % 2
    fold[rows] = 2
    return PredefinedSplit(fold)


class TestFolds:
    """Folds that leave too little to fit or to score."""

    def test_without_weight_in_validation_rows(self, data):
        weights = np.ones(60)
        weights[10:20] = 0.0
        model = HuberRegressorCV(deltas=DELTAS, cv=predefined(range(10, 20)), error_score=-9.0)
        with pytest.warns(UserWarning, match="zero for every validation row of a fold"):
            model.fit(*data, sample_weight=weights)
        assert_array_equal(model.cv_results_["split2_test_score"], -9.0)
        assert np.isfinite(model.cv_results_["split0_test_score"]).all()
        with pytest.raises(ValueError, match="zero for every validation row of a fold"):
            model.set_params(error_score="raise").fit(*data, sample_weight=weights)

    @pytest.mark.parametrize("n_jobs", [1, 2])
    def test_without_weight_in_training_rows(self, data, n_jobs):
        folds = [(np.arange(10, 20), np.arange(10)), *KFold(3).split(np.zeros((60, 1)))]
        weights = np.ones(60)
        weights[10:20] = 0.0
        model = HuberRegressorCV(deltas=DELTAS, cv=folds, error_score=-9.0, n_jobs=n_jobs)
        with pytest.warns(FitFailedWarning, match=r"(?s)3 fits failed.*every training row"):
            model.fit(*data, sample_weight=weights)
        assert_array_equal(model.cv_results_["split0_test_score"], -9.0)
        others = HuberRegressorCV(deltas=DELTAS, cv=folds[1:]).fit(*data, sample_weight=weights)
        for k in range(3):
            found = model.cv_results_[f"split{k + 1}_test_score"]
            assert_array_equal(found, others.cv_results_[f"split{k}_test_score"])
        with pytest.raises(ValueError, match="sample_weight is zero for every training row"):
            model.set_params(error_score="raise").fit(*data, sample_weight=weights)

    def test_without_weight_leave_no_score_at_the_default(self, data):
        """As in GridSearchCV, one fold without a score leaves all candidates without a mean."""
        folds = [(np.arange(0), np.arange(10)), (np.arange(10, 60), np.arange(10))]
        with (
            pytest.warns(FitFailedWarning),
            pytest.warns(UserWarning, match="non-finite"),
            pytest.raises(ValueError, match="every fold has weight"),
        ):
            HuberRegressorCV(deltas=DELTAS, cv=folds).fit(*data)

    def test_of_which_none_can_be_fitted(self, data):
        with pytest.raises(ValueError, match="All the 3 fits failed"):
            HuberRegressorCV(deltas=DELTAS, cv=[(np.arange(0), np.arange(10))]).fit(*data)

    def test_without_validation_rows(self, data):
        folds = [(np.arange(60), np.arange(0)), *KFold(2).split(np.zeros((60, 1)))]
        model = HuberRegressorCV(deltas=DELTAS, cv=folds, error_score=-9.0)
        with pytest.warns(UserWarning, match="Scoring failed for some candidates in a fold"):
            model.fit(*data)
        assert_array_equal(model.cv_results_["split0_test_score"], -9.0)

    @pytest.mark.parametrize("alphas", [[0.0], [0.5, 5.0]])
    def test_with_fewer_rows_than_parameters(self, rng, alphas):
        X, y = plain(rng, n=60, p=8)
        folds = [(np.arange(6), np.arange(6, 60)), *KFold(3).split(X)]
        model = HuberRegressorCV(deltas=DELTAS, alphas=alphas, cv=folds)
        search = GridSearchCV(HuberRegressor(), {"alpha": alphas, "delta": DELTAS}, cv=folds)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            model.fit(X, y)
        exact = [str(w.message) for w in caught if w.category is ExactFitWarning]
        if alphas == [0.0]:  # the exact fit of minimum norm, for any delta
            assert len(exact) == len(caught) == 1
            assert exact[0].startswith("Some fits in folds are exact")
            assert "alphas > 0" in exact[0]
            # Up to the rounding errors of different starts: 1 ulp with NumPy 1.26.
            scores = model.cv_results_["split0_test_score"]
            assert np.ptp(scores) <= 4.0 * np.spacing(np.abs(scores[0]))
        else:
            assert not caught
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExactFitWarning)
            search.set_params(scoring=model.scorer_).fit(X, y)
        for k in range(4):
            key = f"split{k}_test_score"
            assert_allclose(model.cv_results_[key], search.cv_results_[key], rtol=1e-6)

    @pytest.mark.parametrize("scale", ["joint", "mad", 1.0])
    def test_whose_weights_are_no_counts(self, data, scale):
        """The unit of the weights, here 1/20 in a fold, does not affect its fits."""
        weights = np.full(60, 1.0)
        weights[:30] = 0.05
        folds = [(np.arange(30), np.arange(30, 60)), (np.arange(30, 60), np.arange(30))]
        model = HuberRegressorCV(deltas=DELTAS, cv=folds, scale=scale)
        model.fit(*data, sample_weight=weights)
        plain = HuberRegressorCV(deltas=DELTAS, cv=folds, scale=scale, scoring=model.scorer_)
        plain.fit(*data)
        found = model.cv_results_["mean_test_score"]
        assert_allclose(found, plain.cv_results_["mean_test_score"], rtol=1e-6)


class TestExactFits:
    def test_without_noise_the_score_is_the_absolute_error(self, rng):
        X = rng.normal(size=(60, 3))
        y = X @ [1.0, 2.0, 3.0] + 4.0
        model = HuberRegressorCV(deltas=DELTAS)
        with (
            pytest.warns(ExactFitWarning, match="Some fits in folds are exact"),
            pytest.warns(ExactFitWarning, match="are fitted exactly"),
        ):
            model.fit(X, y)
        assert_allclose(model.coef_, [1.0, 2.0, 3.0], rtol=1e-10)
        assert model.scale_ == 0.0
        assert model.scorer_._score_func is mean_absolute_error
        assert abs(model.best_score_) < 1e-10

    def test_constant_y(self, rng):
        X = rng.normal(size=(60, 3))
        with pytest.warns(ExactFitWarning):
            model = HuberRegressorCV(deltas=DELTAS).fit(X, np.full(60, 3.5))
        assert_array_equal(model.coef_, 0.0)
        assert model.intercept_ == 3.5
        assert model.best_score_ == 0.0


def test_folds_that_stop_early_are_named_once(rng):
    """Without a path, each candidate is fitted alone and may run out of iterations."""
    X, y = plain(rng, n=80, p=3)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        HuberRegressorCV(deltas=DELTAS, scale="mad", max_iter=1, tol=1e-12).fit(X, y)
    folds = [w.message for w in caught if "Some fits in folds" in str(w.message)]
    assert len(folds) == 1
    assert all(issubclass(w.category, ConvergenceWarning) for w in caught)
    assert "increase max_iter" in str(folds[0])
    assert folds[0].optimality > folds[0].tol == 1e-12
