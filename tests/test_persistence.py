"""Saved models: the list of types to trust, and the contents of a file."""

import pickle

import numpy as np
import pytest
from problems import plain
from sklearn.base import clone

import robustreg
from robustreg.inference import summarize
from robustreg.persistence import SKOPS_TRUSTED_TYPES

MODELS = [
    robustreg.HuberRegressor(),
    robustreg.HuberRegressorCV(deltas=[1.0, 2.0], cv=2),
    robustreg.MMRegressor(n_subsets=0),
    robustreg.HuberElasticNet(0.1),
    robustreg.HuberElasticNetCV(n_alphas=3, cv=2),
]


def test_every_estimator_is_on_the_list():
    estimators = [getattr(robustreg, name) for name in robustreg.__all__]
    names = [f"{e.__module__}.{e.__name__}" for e in estimators if hasattr(e, "fit")]
    assert len(names) == len(MODELS)
    assert set(names) < set(SKOPS_TRUSTED_TYPES)
    assert "robustreg.estimators.huber.HuberRegressor" in SKOPS_TRUSTED_TYPES


@pytest.mark.parametrize("model", MODELS, ids=lambda model: type(model).__name__)
def test_skops_loads_what_it_saved(rng, model):
    skops = pytest.importorskip("skops.io", reason="of the page with other tools")
    X, y = plain(rng)
    model = clone(model).fit(X, y)
    data = skops.dumps(model)
    assert set(skops.get_untrusted_types(data=data)) <= set(SKOPS_TRUSTED_TYPES)
    loaded = skops.loads(data, trusted=SKOPS_TRUSTED_TYPES)
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))


def test_without_attributes_of_rows_a_model_is_small_and_can_be_summarized(rng):
    """Loading works as described on the page about other tools."""
    X, y = plain(rng, n=20_000, p=4)
    model = robustreg.HuberRegressor().fit(X, y)
    expected = summarize(model, X, y).standard_errors
    assert len(pickle.dumps(model)) > 9 * len(y)
    del model.weights_, model.outliers_
    data = pickle.dumps(model)
    assert len(data) < 1000
    np.testing.assert_array_equal(summarize(pickle.loads(data), X, y).standard_errors, expected)
