"""With float32 X, fits use double precision and predictions are single, as in LinearRegression."""

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose
from problems import plain
from sklearn.base import clone
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV

from robustreg import (
    HuberElasticNet,
    HuberElasticNetCV,
    HuberRegressor,
    HuberRegressorCV,
    MMRegressor,
)

MODELS = {
    type(model).__name__: model
    for model in (
        HuberRegressor(),
        HuberRegressorCV(deltas=[0.7, 1.345], cv=2),
        MMRegressor(n_subsets=10, random_state=0),
        HuberElasticNet(0.1),
        HuberElasticNetCV(n_alphas=4, cv=2),
    )
}
every_model = pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)


@pytest.fixture
def data(rng):
    X, y = plain(rng, n=120, p=3)
    return X.astype(np.float32), y


@every_model
@pytest.mark.parametrize("kind", [np.asarray, sp.csr_array, "frame"])
def test_predictions_are_single_where_fit_and_predict_saw_single(data, model, kind):
    X, y = data
    if kind == "frame":
        kind = pytest.importorskip("pandas").DataFrame
    single, double = (clone(model).fit(kind(X.astype(dtype)), y) for dtype in ("f4", "f8"))
    predicted = single.predict(kind(X))
    assert predicted.dtype == LinearRegression().fit(X, y).predict(X).dtype == np.float32
    # The numbers are the same, since X is converted block by block and sums use double precision.
    assert_allclose(single.coef_, double.coef_, rtol=1e-6)
    assert single.coef_.dtype == np.float64
    assert_allclose(predicted, double.predict(kind(X.astype(float))), rtol=1e-5, atol=1e-5)
    assert single.predict(kind(X.astype(np.float64))).dtype == np.float64
    assert double.predict(kind(X)).dtype == np.float64


@every_model
@pytest.mark.parametrize("intercept", [True, False])
def test_numbers_are_those_of_numpy(data, model, intercept):
    """As in scikit-learn, since a Python float has no ``dtype`` and no ``item``."""
    fitted = clone(model).set_params(fit_intercept=intercept).fit(*data)
    assert type(fitted.intercept_) is np.float64
    assert (fitted.intercept_ == 0.0) is not intercept


@pytest.mark.parametrize("name", ["HuberRegressor", "HuberRegressorCV", "MMRegressor"])
def test_lazy_predictions(data, name):
    da = pytest.importorskip("dask.array")
    X, y = data
    lazy = da.from_array(X, chunks=(40, 3))
    model = clone(MODELS[name]).fit(lazy, da.from_array(y, chunks=40))
    predicted = model.predict(lazy)
    assert predicted.dtype == predicted.compute().dtype == np.float32
    assert model.predict(lazy.astype(np.float64)).compute().dtype == np.float64


@pytest.mark.parametrize("name", ["HuberElasticNet", "HuberElasticNetCV"])
def test_lazy_predictions_of_a_fit_in_memory(data, name):
    da = pytest.importorskip("dask.array")
    X, y = data
    model = clone(MODELS[name]).fit(X, y)
    lazy = model.predict(da.from_array(X, chunks=(40, 3)))
    assert_allclose(lazy.compute(), model.predict(X), rtol=1e-6)


def test_a_model_of_before_this_attribute_predicts_in_double(data):
    """A pickle of an earlier version has no ``_single_``."""
    model = HuberRegressor().fit(*data)
    del model._single_
    assert model.predict(data[0]).dtype == np.float64


@every_model
def test_no_link_to_another_library_in_the_html(model):
    assert model._get_doc_link() == ""


def test_scorers_of_a_search_see_what_those_of_a_grid_search_see(data):
    types = []

    def scorer(model, X, y):
        types.append(model.predict(X).dtype)
        return model.score(X, y)

    X, y = data
    searched = HuberRegressorCV(deltas=[0.7, 1.345], cv=2, scoring=scorer).fit(X, y)
    grid = GridSearchCV(HuberRegressor(), {"delta": [0.7, 1.345]}, cv=2, scoring=scorer).fit(X, y)
    assert set(types) == {np.dtype(np.float32)}
    scores = [results.cv_results_["mean_test_score"] for results in (searched, grid)]
    assert_allclose(*scores, rtol=1e-6)
