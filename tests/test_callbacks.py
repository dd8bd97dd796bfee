"""scikit-learn's ScoringMonitor records the model of each pass for all estimators."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from problems import plain
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from robustreg import (
    HuberElasticNet,
    HuberElasticNetCV,
    HuberRegressor,
    HuberRegressorCV,
    MMRegressor,
)

callback = pytest.importorskip("sklearn.callback", reason="scikit-learn 1.9")

SINGLE = {
    "joint": HuberRegressor(),
    "mad": HuberRegressor(scale="mad"),
    "newton, given, alpha": HuberRegressor(solver="newton", scale=1.0, alpha=2.0),
    "auto": HuberRegressor(delta="auto"),
    "no intercept": HuberRegressor(fit_intercept=False),
    "MM": MMRegressor(n_subsets=20, random_state=0),
    "elastic net": HuberElasticNet(0.1),
}
SEARCHES = {
    "Huber": HuberRegressorCV(deltas=[0.7, 1.345], cv=3),
    "elastic net": HuberElasticNetCV(n_alphas=5, cv=3),
}


@pytest.fixture
def data(rng):
    return plain(rng, n=200, p=3, contamination=0.1)


def logged(model, *data, **options):
    """Return the rows of the log of one fit."""
    monitor = callback.ScoringMonitor(scoring="r2")
    model.set_callbacks(monitor).fit(*data, **options)
    return monitor.get_logs().data


@pytest.mark.parametrize("model", SINGLE.values(), ids=SINGLE)
@pytest.mark.parametrize("weighted", [False, True])
def test_each_pass_is_scored(data, model, weighted):
    X, y = data
    options = {"sample_weight": np.arange(len(y)) % 3.0} if weighted else {}
    model = clone(model)
    rows = logged(model, X, y, **options)
    passes = [row["r2"] for row in rows if row["task_name"] == "pass"]
    whole = [row["r2"] for row in rows if row["task_name"] == "fit"]
    assert whole == [model.score(X, y, **options)]
    # There is no model before the first sums over all rows; one or two passes examine the columns.
    assert model.n_passes_ - 3 <= len(passes) <= model.n_passes_
    assert_allclose(passes[-1], whole[0], rtol=1e-5)
    assert len(set(passes)) > 1


@pytest.mark.parametrize("model", SEARCHES.values(), ids=SEARCHES)
def test_a_search_is_scored_when_it_has_ended(data, model):
    model = clone(model)
    rows = logged(model, *data)
    assert [(row["task_name"], row["r2"]) for row in rows] == [("fit", model.score(*data))]


@pytest.mark.parametrize("model", [HuberRegressor(), MMRegressor(n_subsets=0)], ids=str)
def test_inside_a_grid_search(data, model):
    monitor = callback.ScoringMonitor(scoring="r2")
    grid = {"tol": [1e-3, 1e-6]}
    search = GridSearchCV(clone(model).set_callbacks(monitor), grid, cv=3).fit(*data)
    log = monitor.get_logs()
    assert log.estimator_name == "GridSearchCV"
    whole = [row for row in log.data if row["task_name"] == "fit"]
    assert len(whole) == 2 * 3 + 1
    assert search.best_estimator_.score(*data) in [row["r2"] for row in whole]


def test_names_of_columns_reach_the_scorer(data):
    pd = pytest.importorskip("pandas")
    X, y = pd.DataFrame(data[0], columns=list("abc")), pd.Series(data[1])
    for model in (*SINGLE.values(), *SEARCHES.values()):  # a warning about names is an error here
        assert logged(clone(model), X, y)


def test_lazy_data_are_scored(data):
    da = pytest.importorskip("dask.array")
    X, y = (da.from_array(values, chunks=(50, -1)[: values.ndim]) for values in data)
    rows = logged(HuberRegressor(), X, y)
    assert rows[-1]["r2"] == pytest.approx(HuberRegressor().fit(*data).score(*data), rel=1e-5)
