"""Scorers of the user receive the same arguments as from GridSearchCV."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from problems import plain
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, KFold

from robustreg import HuberRegressor, HuberRegressorCV

pd = pytest.importorskip("pandas")

DELTAS = [0.7, 1.345, np.inf]


def errors(model, X, y):
    return np.abs(np.asarray(y) - model.predict(X))


def by_scale(model, X, y):
    return -float(np.mean(np.minimum(errors(model, X, y) / model.scale_, 3.0)))


def by_training_weights(model, X, y):
    assert model.weights_.shape == model.outliers_.shape == (48,)
    return float(model.weights_.mean() - model.outliers_.mean())


def by_columns(model, X, y):
    assert isinstance(X, pd.DataFrame)
    assert isinstance(y, pd.Series)
    assert list(X.columns) == list(model.feature_names_in_) == ["a", "b", "c"]
    assert X.dtypes["b"].kind == "i"
    return -float(errors(model, X, y)[(X["a"] > X["a"].median()).to_numpy()].mean())


def by_clone(model, X, y):
    assert clone(model).get_params() == model.get_params()
    return model.score(X, y)


@pytest.mark.parametrize("scale", ["joint", "mad", 1.0])
@pytest.mark.parametrize("scorer", [by_scale, by_training_weights, by_columns, by_clone])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.filterwarnings("ignore:.*does not support sample_weight:UserWarning")
def test_scores_are_those_of_grid_search(rng, scorer, scale, weighted):
    X, y = plain(rng)
    frame = pd.DataFrame(X, columns=["a", "b", "c"], index=[f"row {i}" for i in range(60)])
    frame["b"] = (10 * frame["b"]).astype(int)
    y = pd.Series(y, index=frame.index)
    options = {"sample_weight": rng.integers(1, 4, size=60)} if weighted else {}
    cv = KFold(5, shuffle=True, random_state=0)
    found = HuberRegressorCV(
        deltas=DELTAS, scale=scale, cv=cv, scoring=scorer, error_score="raise", tol=1e-9
    ).fit(frame, y, **options)
    grid = GridSearchCV(
        HuberRegressor(scale=scale, tol=1e-9), {"delta": DELTAS}, cv=cv, scoring=scorer
    ).fit(frame, y, **options)
    expected = grid.cv_results_["mean_test_score"]
    assert_allclose(found.cv_results_["mean_test_score"], expected, rtol=1e-6, atol=1e-7)


def test_training_rows_that_are_few(rng):
    X, y = plain(rng)
    seen = []

    def scorer(model, X, y):
        seen.append(model.weights_)
        return model.score(X, y)

    split = [(np.arange(12), np.arange(12, 60))]
    HuberRegressorCV(deltas=[1.0], cv=split, scoring=scorer).fit(X, y)
    expected = HuberRegressor(delta=1.0).fit(X[:12], y[:12]).weights_
    assert_allclose(seen[0], expected, rtol=1e-3)


@pytest.mark.parametrize(
    ("split", "part"),
    [((np.arange(60), []), "validation"), (([], np.arange(60)), "training")],
)
def test_a_fold_without_rows(rng, split, part):
    X, y = plain(rng)
    rows = [tuple(np.array(each, dtype=int) for each in split)]
    search = HuberRegressorCV(deltas=DELTAS, cv=rows, error_score="raise")
    with pytest.raises(ValueError, match=f"cv has a fold without {part} rows"):
        search.fit(X, y)


@pytest.mark.parametrize("name", ["n_iter_", "n_passes_", "optimality_"])
def test_what_only_a_fit_alone_has(rng, name):
    X, y = plain(rng)

    def scorer(model, X, y):
        return float(getattr(model, name))

    search = HuberRegressorCV(deltas=DELTAS, scoring=scorer, error_score="raise")
    with pytest.raises(AttributeError, match=f"has no {name}.*GridSearchCV"):
        search.fit(X, y)


def test_lists_and_arrays_stay_what_they_are(rng):
    X, y = plain(rng)
    kinds = []

    def scorer(model, X, y):
        kinds.append((type(X), type(y)))
        return model.score(X, y)

    first = HuberRegressorCV(deltas=DELTAS, scoring=scorer).fit(X.tolist(), y.tolist())
    assert set(kinds) == {(list, list)}
    kinds.clear()
    second = HuberRegressorCV(deltas=DELTAS, scoring=scorer).fit(X, y)
    assert set(kinds) == {(np.ndarray, np.ndarray)}
    assert_array_equal(first.cv_results_["mean_test_score"], second.cv_results_["mean_test_score"])


@pytest.mark.parametrize("values", [["1.0", "2.0"], [False, True], np.array([True]), [1.0, "2"]])
@pytest.mark.parametrize("name", ["deltas", "alphas"])
def test_grids_are_numbers(rng, name, values):
    X, y = plain(rng)
    with pytest.raises(ValueError, match=f"{name} must be numbers in"):
        HuberRegressorCV(**{name: values}).fit(X, y)
