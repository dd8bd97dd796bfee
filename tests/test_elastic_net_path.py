"""The path of the elastic net, its end, its cross-validation and its picture."""

import warnings

import numpy as np
import pytest
from sklearn.linear_model import enet_path as least_squares_path
from sklearn.model_selection import GroupKFold, KFold
from test_elastic_net import problem

from robustreg import HuberElasticNet, HuberElasticNetCV, HuberRegressor, enet_path
from robustreg.inference import summarize


def test_equals_the_path_of_least_squares():
    X, y = problem(0, 60, 90)
    X, y = X - X.mean(axis=0), y - y.mean()
    alphas, coefs, intercepts, scales = enet_path(
        X, y, delta=np.inf, scale=1.0, fit_intercept=False, n_alphas=15, eps=0.02
    )
    expected_alphas, expected, _ = least_squares_path(
        X, y, alphas=alphas, l1_ratio=0.5, tol=1e-14, max_iter=10**6
    )
    np.testing.assert_allclose(alphas, expected_alphas)
    np.testing.assert_allclose(coefs, expected, atol=1e-7)
    assert (intercepts == 0.0).all()
    np.testing.assert_allclose(scales, 1.0)


@pytest.mark.parametrize("scale", ["joint", "mad", 1.0])
def test_path_begins_where_all_are_zero_and_goes_through_the_fits(scale):
    X, y = problem(1, 80, 60)
    alphas, coefs, intercepts, scales = enet_path(X, y, scale=scale, n_alphas=8, eps=0.2)
    assert (coefs[:, 0] == 0.0).all()
    larger = HuberElasticNet(1.001 * alphas[0], scale=scale).fit(X, y)
    # When a column enters, the joint scale rises by a part of 1/n, and its coefficient stays at
    # zero.
    smaller = HuberElasticNet(0.98 * alphas[0], scale=scale).fit(X, y)
    assert not larger.coef_.any()
    assert smaller.coef_.any()
    for alpha, coef, intercept, sigma in zip(alphas, coefs.T, intercepts, scales, strict=True):
        model = HuberElasticNet(alpha, scale=scale).fit(X, y)
        np.testing.assert_allclose(model.coef_, coef, atol=1e-7)
        np.testing.assert_allclose([model.intercept_, model.scale_], [intercept, sigma], rtol=1e-6)


@pytest.mark.parametrize("scale", ["joint", "mad"])
def test_path_ends_where_it_saturates_and_tells_the_rest(scale):
    X, y = problem(2, 40, 200)
    with pytest.warns(UserWarning, match="did not reach the smallest alphas, because"):
        alphas, coefs, _, scales = enet_path(X, y, scale=scale, n_alphas=50)
    assert alphas.size < 50
    assert coefs.shape == (200, alphas.size)
    assert (scales > 0.0).all()
    assert np.count_nonzero(coefs[:, -1]) < 40


def test_a_path_at_a_given_scale_reaches_its_last_alpha():
    X, y = problem(2, 40, 200)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        alphas, _, _, _ = enet_path(X, y, scale=1.0, n_alphas=20)
    assert alphas.size == 20


def test_alphas_are_sorted_and_checked():
    X, y = problem(3)
    alphas, *_ = enet_path(X, y, alphas=[0.1, 0.5, 0.2])
    np.testing.assert_array_equal(alphas, [0.5, 0.2, 0.1])
    for bad in ([0.0, 1.0], [], [[1.0]], ["a"], [np.nan]):
        with pytest.raises(ValueError, match="alphas must be"):
            enet_path(X, y, alphas=bad)
    with pytest.raises(ValueError, match="l1_ratio=0 there is no such alpha: pass alphas"):
        enet_path(X, y, l1_ratio=0.0)
    assert enet_path(X, y, l1_ratio=0.0, alphas=[1.0])[1].shape == (12, 1)


@pytest.fixture(scope="module")
def search():
    X, y = problem(4, 120, 40)
    return HuberElasticNetCV(l1_ratio=[0.5, 1.0], n_alphas=20, eps=0.01).fit(X, y), X, y


def equally_strong(ratio, alpha, l1_ratio):
    """Return the model that is equally strong with fewer rows, as the class describes."""
    first, second = alpha * l1_ratio * np.sqrt(ratio), alpha * (1.0 - l1_ratio) * ratio
    return HuberElasticNet(first + second, l1_ratio=first / (first + second))


def test_scores_are_those_of_single_fits(search):
    model, X, y = search
    results = model.cv_results_
    for index in (0, 7, 25, model.best_index_):
        for fold, (train, test) in enumerate(KFold(5).split(X)):
            alone = equally_strong(len(y) / len(train), **results["params"][index])
            alone.fit(X[train], y[train])
            score = model.scorer_(alone, X[test], y[test])
            np.testing.assert_allclose(results[f"split{fold}_test_score"][index], score, rtol=1e-6)
            np.testing.assert_allclose(model.coefs_paths_[fold, index], alone.coef_, atol=1e-6)


def test_the_chosen_fit_is_that_to_all_rows(search):
    model, X, y = search
    alone = HuberElasticNet(model.alpha_, l1_ratio=model.l1_ratio_).fit(X, y)
    np.testing.assert_allclose(model.coef_, alone.coef_, atol=1e-7)
    np.testing.assert_allclose(model.coef_path_[model.best_index_], alone.coef_, atol=1e-7)
    assert model.best_params_ == {"alpha": model.alpha_, "l1_ratio": model.l1_ratio_}
    assert model.best_score_ == model.cv_results_["mean_test_score"].max()
    assert model.optimality_ <= 1e-6
    assert len(model.alphas_) == len(model.unreached_alphas_) == 2


def test_one_se_takes_a_larger_alpha(search):
    _, X, y = search
    sparser = HuberElasticNetCV(l1_ratio=1.0, n_alphas=20, eps=0.01, selection="one_se").fit(X, y)
    best = HuberElasticNetCV(l1_ratio=1.0, n_alphas=20, eps=0.01, n_jobs=2).fit(X, y)
    assert sparser.alpha_ > best.alpha_
    errors = best.cv_results_["std_test_score"][best.best_index_] / 2.0
    assert sparser.best_score_ >= best.best_score_ - errors


def test_weights_repeat_rows_in_folds_and_scores():
    X, y = problem(5, 60, 10)
    counts = np.random.default_rng(0).integers(1, 4, 60)
    rows = np.repeat(np.arange(60), counts)
    options = {"n_alphas": 6, "eps": 0.05}
    groups = np.arange(60) % 4
    weighted = HuberElasticNetCV(cv=GroupKFold(4), **options).fit(X, y, counts, groups=groups)
    repeated = HuberElasticNetCV(cv=GroupKFold(4), **options).fit(
        X[rows], y[rows], groups=groups[rows]
    )
    for fold in range(4):
        name = f"split{fold}_test_score"
        same = [
            np.allclose(weighted.cv_results_[name], repeated.cv_results_[f"split{k}_test_score"])
            for k in range(4)
        ]
        assert any(same)  # GroupKFold orders its groups by their sizes


def test_outliers_do_not_choose_alpha():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(120, 30))
    y = 2.0 * X[:, 0] - 2.0 * X[:, 1] + rng.normal(size=120)
    clean = HuberElasticNetCV(l1_ratio=1.0, n_alphas=30, eps=0.02).fit(X, y)
    wrong = y.copy()
    wrong[rng.permutation(120)[:18]] += 1000.0
    model = HuberElasticNetCV(l1_ratio=1.0, n_alphas=30, eps=0.02).fit(X, wrong)
    assert np.linalg.norm(model.coef_ - clean.coef_) < 0.5
    assert (model.coef_[:2] != 0.0).all()


@pytest.mark.parametrize("l1_ratio", [[], [2.0], "a", [[0.5]]])
def test_bad_ratios_are_named(l1_ratio):
    X, y = problem(0)
    with pytest.raises(ValueError, match="l1_ratio"):
        HuberElasticNetCV(l1_ratio=l1_ratio).fit(X, y)


def test_given_alphas_that_are_not_reached_are_told():
    X, y = problem(2, 40, 200)
    with pytest.warns(UserWarning, match="did not reach"):
        model = HuberElasticNetCV(alphas=np.geomspace(2.0, 1e-3, 15)).fit(X, y)
    assert model.alphas_.size + model.unreached_alphas_.size == 15
    assert model.unreached_alphas_.size > 0


def test_summarize_refuses_and_names_what_can_be_done(search):
    model, X, y = search
    with pytest.raises(ValueError, match=r"one half of the rows .*and fit HuberRegressor"):
        summarize(model, X, y)
    chosen = X[::2][:, np.flatnonzero(model.coef_)]
    assert summarize(HuberRegressor().fit(chosen, y[::2]), chosen, y[::2]) is not None


def test_display_draws_the_path_and_the_scores(search):
    plt = pytest.importorskip("matplotlib.pyplot")
    from robustreg.inspection import PathDisplay

    model, X, y = search
    display = PathDisplay.from_estimator(model)
    entered = np.any(display.coefs != 0.0, axis=0)
    assert len(display.coef_lines_) == entered.sum()
    assert display.axes_.size == len(display.chosen_) == 2
    assert display.ax_.xaxis_inverted()
    np.testing.assert_array_equal(display.line_.get_xdata(), display.alphas)
    row = list(display.alphas).index(model.alpha_)
    np.testing.assert_allclose(display.coefs[row], model.coef_)
    np.testing.assert_allclose(display.mean_scores[row], model.best_score_)
    alphas, coefs, *_ = enet_path(X, y, n_alphas=5, eps=0.1)
    plain = PathDisplay(alphas=alphas, coefs=coefs.T).plot(plt.figure().subplots())
    assert plain.line_ is None
    with pytest.raises(ValueError, match="ax has 2 axes"):
        plain.plot(plt.figure().subplots(2))
    with pytest.raises(TypeError, match="PathDisplay"):
        PathDisplay.from_estimator(HuberElasticNet())
    plt.close("all")
