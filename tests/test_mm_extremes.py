"""MMRegressor gives answers for extreme data, with a warning only if there is a reason."""

import warnings

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from robustreg import ExactFitWarning, MMRegressor
from robustreg.exceptions import ConvergenceWarning


@pytest.mark.parametrize("loss", ["bisquare", "lqq", "optimal"])
@pytest.mark.parametrize("far", [1e20, 1e160, 1e300])
def test_responses_of_any_size_are_outliers(rng, loss, far):
    X = rng.normal(size=(60, 3))
    y = X @ [1.0, 2.0, 3.0] + rng.normal(size=60)
    expected = MMRegressor(loss=loss, random_state=0).fit(X, np.append(np.full(12, 1e6), y[12:]))
    y[:12] = far
    model = MMRegressor(loss=loss, random_state=0).fit(X, y)
    assert_allclose(model.coef_, expected.coef_, rtol=1e-7)
    assert model.outliers_[:12].all()


def test_a_scale_whose_square_overflows(rng):
    # With seven coefficients and eight rows, the far ones have to be fitted.
    X, y = rng.normal(size=(8, 6)), rng.normal(size=8)
    y[:2] = 1e300, -2e300
    model = MMRegressor(random_state=0).fit(X, y)
    assert 1e298 < model.scale_ < 1e301
    small = MMRegressor(random_state=0).fit(X, y / 1e300)
    assert_allclose(model.coef_ / 1e300, small.coef_, rtol=1e-8)


# scikit-learn's check of finite values warns too, since their sum overflows.
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.filterwarnings("ignore::robustreg.exceptions.ConvergenceWarning")
def test_features_whose_squares_overflow_are_refused_or_fitted():
    refused = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        X = rng.normal(size=(30, 2))
        y = X @ [1.0, 2.0] + rng.normal(size=30)
        X *= 10.0 ** rng.choice([-300, 0, 100, 300], size=2)
        with np.errstate(over="ignore"):
            X[:3] = np.clip(X[:3] * 10.0 ** rng.choice([3, 100, 200]), -1e308, 1e308)
        try:
            model = MMRegressor(random_state=0, n_subsets=20).fit(X, y)
        except ValueError as error:
            refused.append(str(error))
        else:
            assert np.isfinite(model.coef_).all()
    assert 0 < len(refused) < 60
    assert all("correct or remove these rows" in text for text in refused)


def test_no_column_and_no_intercept(rng):
    y = rng.normal(size=30)
    model = MMRegressor(fit_intercept=False, random_state=0).fit(np.zeros((30, 2)), y)
    assert (model.coef_ == 0.0).all()
    problem = model._problem()
    rho = problem.s_loss.rho(y / model.scale_).mean() / problem.s_loss.sup
    assert_allclose(rho, 0.5, rtol=1e-9)


@st.composite
def nasty(draw):
    """Draw X, y and weights: dummies, shifts, dependent and constant columns, ties, duplicates."""
    rng = np.random.default_rng(draw(st.integers(0, 2**31)))
    p = draw(st.integers(1, 5))
    n = draw(st.sampled_from([p + 2, 2 * p + 2, 4 * p + 4, 60]))
    X = draw(st.sampled_from([rng.normal(size=(n, p)), rng.integers(-3, 4, size=(n, p))]))
    X = X.astype(np.float64)
    j = p - 1
    kind = draw(st.sampled_from(["", "zeros", "dummy", "shift", "dependent", "constant", "far"]))
    if kind == "zeros":
        X[rng.random(n) < 0.7, j] = 0.0
    elif kind == "dummy":
        X[:, j] = np.arange(n) < draw(st.integers(1, 3))
    elif kind == "shift":
        X[:, j] += 1e6
    elif kind == "dependent":
        X[:, j] = X[:, 0]
    elif kind == "constant":
        X[:, j] = draw(st.sampled_from([0.0, 1.0, 1e6]))
    elif kind == "far":
        X[: n // 5, j] = 1e6
    y = X @ rng.normal(size=p) + rng.normal(size=n)
    answers = {
        "": y,
        "ties": np.round(y),
        "integers": rng.integers(-5, 6, size=n),
        "zero-inflated": np.where(rng.random(n) < 0.6, 0.0, y),
        "constant": np.full(n, 3.0),
        "far": np.where(np.arange(n) < n // 4, 1e300, y),
    }
    y = answers[draw(st.sampled_from(sorted(answers)))]
    if draw(st.booleans()):
        again = rng.integers(0, n, size=n)
        X, y = X[again], y[again]
    weights = [None, rng.integers(0, 3, size=n) + (np.arange(n) == 0), rng.random(n)]
    kinds = [np.asarray, sp.csr_array, lambda X: X.astype(np.float32)]
    return draw(st.sampled_from(kinds))(X), y, draw(st.sampled_from(weights))


@settings(max_examples=60)
@given(nasty(), st.sampled_from(["bisquare", "lqq", "optimal"]), st.booleans())
def test_a_warning_of_its_own_class_or_none(data, loss, fit_intercept):
    X, y, weights = data
    model = MMRegressor(loss=loss, fit_intercept=fit_intercept, n_subsets=50, random_state=0)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.fit(X, y, weights)
    kinds = {warning.category for warning in caught}
    assert kinds <= {ExactFitWarning, ConvergenceWarning}
    assert np.isfinite(model.coef_).all()
    assert np.isfinite([model.intercept_, model.scale_]).all()
    assert (ExactFitWarning in kinds) == (model.scale_ == 0.0)
    assert (ConvergenceWarning in kinds) == (model.optimality_ > model.tol)
