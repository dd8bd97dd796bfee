"""HuberRegressorCV with many responses, with one choice for all or one for each."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.model_selection import GridSearchCV, KFold

from robustreg import HuberRegressor, HuberRegressorCV, MissingResponseWarning

DELTAS, ALPHAS = [0.5, 1.0, 2.0], [0.0, 5.0]
GRID = {"deltas": DELTAS, "alphas": ALPHAS}


def problem(n=80, p=4, k=5):
    """Return responses with heavy tails, of which one has other units."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, p))
    Y = X @ rng.normal(size=(p, k)) + rng.standard_t(2, size=(n, k))
    Y[:, 2] *= 1e5
    return X, Y


def test_one_choice_for_all_is_that_of_grid_search():
    X, Y = problem()
    model = HuberRegressorCV(**GRID, cv=KFold(3)).fit(X, Y)
    search = GridSearchCV(
        HuberRegressor(), {"alpha": ALPHAS, "delta": DELTAS}, cv=KFold(3), scoring=model.scorer_
    ).fit(X, Y)
    assert model.best_params_ == search.best_params_
    assert_allclose(model.best_score_, search.best_score_, rtol=1e-6)
    for split in range(3):
        name = f"split{split}_test_score"
        assert_allclose(model.cv_results_[name], search.cv_results_[name], rtol=1e-6)
    assert_allclose(model.coef_, search.best_estimator_.coef_, rtol=1e-5)
    assert model.delta_.tolist() == [model.best_params_["delta"]] * 5


@pytest.mark.parametrize("selection", ["best", "one_se"])
def test_a_choice_for_each_is_that_of_single_searches(selection):
    X, Y = problem()
    options = {**GRID, "selection": selection}
    model = HuberRegressorCV(**options, alpha_per_target=True).fit(X, Y)
    assert model.coef_.shape == (5, 4)
    for j, y in enumerate(Y.T):
        single = HuberRegressorCV(**options).fit(X, y)
        assert (model.delta_[j], model.alpha_[j]) == (single.delta_, single.alpha_)
        assert model.best_index_[j] == single.best_index_
        # Losses are in squared units of the pilot's scale, which makes responses comparable.
        unit = model.scorer_.unit[j] ** 2
        assert_allclose(model.best_score_[j], single.best_score_ / unit, rtol=1e-5)
        assert_allclose(model.coef_[j], single.coef_, atol=1e-5 * single.scale_)
        assert_allclose(model.scale_[j], single.scale_, rtol=1e-5)


def test_the_units_of_a_response_do_not_matter():
    X, Y = problem()
    scores = [
        HuberRegressorCV(**GRID).fit(X, c * Y).cv_results_["mean_test_score"]
        for c in (np.ones(5), np.array([1e-6, 1.0, 1e3, 1e6, 7.0]))
    ]
    assert_allclose(scores[0], scores[1], rtol=1e-5)


def test_missing_values_count_in_no_score():
    """A response whose last rows are missing has the same search as its other rows alone."""
    X, Y = problem()
    Y[60:, 1] = np.nan
    folds = [(np.arange(20, 80), np.arange(20)), (np.r_[:20, 40:80], np.arange(20, 40))]
    model = HuberRegressorCV(**GRID, alpha_per_target=True, missing="omit", cv=folds).fit(X, Y)
    own = [(train[train < 60], test) for train, test in folds]
    single = HuberRegressorCV(**GRID, cv=own).fit(X[:60], Y[:60, 1])
    assert (model.delta_[1], model.alpha_[1]) == (single.delta_, single.alpha_)
    assert_allclose(model.coef_[1], single.coef_, atol=1e-5)
    weighted = HuberRegressorCV(**GRID, missing="omit", cv=folds).fit(X, Y[:, 1])
    assert_allclose(weighted.coef_, single.coef_, atol=1e-5)


def test_scorer_of_scikit_learn():
    X, Y = problem()
    model = HuberRegressorCV(**GRID, scoring="r2", cv=KFold(3)).fit(X, Y)
    search = GridSearchCV(
        HuberRegressor(), {"alpha": ALPHAS, "delta": DELTAS}, cv=KFold(3), scoring="r2"
    ).fit(X, Y)
    assert_allclose(model.best_score_, search.best_score_, rtol=1e-6)


def test_constant_response_takes_part():
    X, Y = problem()
    Y[:, 3] = 7.0
    with pytest.warns(UserWarning, match="fitted exactly"):
        model = HuberRegressorCV(**GRID, alpha_per_target=True).fit(X, Y)
    assert_allclose(model.intercept_[3], 7.0)
    assert_allclose(model.coef_[3], 0.0, atol=1e-12)


def test_bad_options():
    X, Y = problem()
    with pytest.raises(ValueError, match="alpha_per_target=True needs a score for each response"):
        HuberRegressorCV(alpha_per_target=True, scoring="r2").fit(X, Y)
    y = Y[:, 0].copy()
    y[3] = np.nan
    with pytest.raises(ValueError, match="would receive the missing values"):
        HuberRegressorCV(missing="omit", scoring="r2").fit(X, y)


def test_a_response_without_values_is_left_out():
    X, Y = problem()
    Y[:, 1] = np.nan
    with pytest.warns(MissingResponseWarning):  # and no other
        model = HuberRegressorCV(**GRID, missing="omit").fit(X, Y)
    others = HuberRegressorCV(**GRID).fit(X, Y[:, [0, 2, 3, 4]])
    assert model.best_params_ == others.best_params_
    assert np.isnan(model.coef_[1]).all()


def test_default_deltas_at_a_given_scale_count_weights():
    """Rows with whole weights are repeated rows, in the quantiles of the residuals too."""
    X, Y = problem()
    Y[:, 2] /= 1e5
    weights = np.random.default_rng(1).integers(0, 3, 80)
    rows = np.repeat(np.arange(80), weights)
    folds = [(np.arange(40, 80), np.arange(40)), (np.arange(40), np.arange(40, 80))]
    repeated = [tuple(np.flatnonzero(np.isin(rows, part)) for part in fold) for fold in folds]
    weighted = HuberRegressorCV(scale=1.0, cv=folds).fit(X, Y, weights)
    expected = HuberRegressorCV(scale=1.0, cv=repeated).fit(X[rows], Y[rows])
    deltas = [model.cv_results_["param_delta"].data for model in (weighted, expected)]
    assert_allclose(*deltas, rtol=1e-6)


def test_a_scorer_that_raises_gives_the_error_score():
    def refuse(estimator, X, y):
        if estimator.delta == 0.5:
            raise RuntimeError("no score")
        return estimator.score(X, y)

    X, Y = problem()
    with pytest.warns(UserWarning, match="Scoring failed"), pytest.warns(match="non-finite"):
        model = HuberRegressorCV(**GRID, scoring=refuse).fit(X, Y)
    scores = model.cv_results_["mean_test_score"]
    assert np.isnan(scores).tolist() == [delta == 0.5 for _ in ALPHAS for delta in DELTAS]
    with pytest.raises(RuntimeError, match="no score"):
        HuberRegressorCV(**GRID, scoring=refuse, error_score="raise").fit(X, Y)
