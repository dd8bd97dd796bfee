"""The elastic net on degenerate and badly scaled data, and on data without noise."""

import warnings

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from robustreg import ExactFitWarning, HuberElasticNet, HuberElasticNetCV, HuberRegressor, enet_path
from robustreg.exceptions import ConvergenceWarning

COLUMNS = {
    "plain": lambda rng, X: X,
    "constant": lambda rng, X: np.where(np.arange(X.shape[1]) % 3 == 0, 7.0, X),
    "twice": lambda rng, X: np.where(np.arange(X.shape[1]) % 3 == 0, X[:, [0]], X),
    "units": lambda rng, X: X * 10.0 ** rng.uniform(-4, 4, X.shape[1]),
    "offsets": lambda rng, X: X + 1e4,
    "zeros and ones": lambda rng, X: (X > 0.8) * 1.0,
}
RESPONSES = {
    "plain": lambda rng, y: y,
    "equal": lambda rng, y: np.full_like(y, 2.5),
    "zero": lambda rng, y: np.zeros_like(y),
    "zero-heavy": lambda rng, y: np.where(rng.random(y.size) < 0.7, 0.0, y),
    "rounded": lambda rng, y: np.round(0.5 * y),
    "large": lambda rng, y: 1e12 * y,
    "small": lambda rng, y: 1e-12 * y,
    "outliers": lambda rng, y: np.where(np.arange(y.size) % 5 == 0, 1e8, y),
}
WEIGHTS = {
    "none": lambda rng, n: None,
    "some zero": lambda rng, n: np.append(1.0, rng.integers(0, 2, n - 1)),
    "unequal": lambda rng, n: rng.random(n) + 1e-3,
    "small": lambda rng, n: 1e-6 * (rng.random(n) + 1e-3),
}
FACTORS = {
    "none": lambda rng, p: None,
    "some zero": lambda rng, p: rng.integers(0, 2, p) * 1.0,
    "all zero": lambda rng, p: np.zeros(p),
    "unequal": lambda rng, p: 10.0 ** rng.uniform(-2, 2, p),
}
KINDS = [np.asarray, np.float32, np.asfortranarray, sp.csr_array, sp.csc_matrix]


@st.composite
def problems(draw):
    """Draw X, y, weights and parameters."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n, p = draw(st.sampled_from([2, 3, 6, 20, 50])), draw(st.sampled_from([1, 2, 8, 40]))
    X = COLUMNS[draw(st.sampled_from(sorted(COLUMNS)))](rng, rng.normal(size=(n, p)))
    spread = np.where(X.std(axis=0) > 0.0, X.std(axis=0), 1.0)
    y = (X / spread)[:, :3].sum(axis=1) + rng.normal(size=n)
    y = RESPONSES[draw(st.sampled_from(sorted(RESPONSES)))](rng, y)
    weights = WEIGHTS[draw(st.sampled_from(sorted(WEIGHTS)))](rng, n)
    given_scale = float(rng.uniform(0.3, 2.0) * (np.median(np.abs(y)) or 1.0))
    parameters = {
        "l1_ratio": draw(st.sampled_from([1.0, 0.5, 1e-6, 0.0])),
        "delta": draw(st.sampled_from([0.05, 1.345, np.inf])),
        "scale": draw(st.sampled_from(["joint", "mad", given_scale])),
        "fit_intercept": draw(st.booleans()),
        "positive": draw(st.booleans()),
        "penalty_factors": FACTORS[draw(st.sampled_from(sorted(FACTORS)))](rng, p),
    }
    return draw(st.sampled_from(KINDS))(X), y, weights, parameters


def dense(X):
    return np.asarray(X.toarray() if sp.issparse(X) else X, dtype=np.float64)


def excess_violation(model, X, y, weights):
    """Return violations in units of alpha, beyond a hundred rounding errors of the sums."""
    s = np.ones(len(y)) if weights is None else weights
    f = np.ones(X.shape[1]) if model.penalty_factors is None else model.penalty_factors
    psi = s * np.clip(y - X @ model.coef_ - model.intercept_, -model.threshold_, model.threshold_)
    slopes = psi @ X / s.sum() - model.alpha * (1.0 - model.l1_ratio) * f * model.coef_
    sizes = model.scale_ * model.alpha * model.l1_ratio * f
    beyond = (slopes if model.positive else np.abs(slopes)) - sizes
    nonzero = np.abs(slopes - sizes * np.sign(model.coef_))
    violations = np.where(model.coef_ != 0.0, nonzero, np.maximum(beyond, 0.0))
    terms = np.abs(y).max() + abs(model.intercept_) + np.abs(X) @ np.abs(model.coef_)
    rounding = 100.0 * np.finfo(float).eps * (np.abs(X).max(axis=0) * terms.max())
    return ((violations - rounding) / (model.scale_ * model.alpha)).max()


@settings(max_examples=300)
@given(problems(), st.sampled_from([1e-3, 0.1, 1.0, 1e6]))
def test_every_fit_is_certified_or_warns(problem, alpha):
    X, y, weights, parameters = problem
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = HuberElasticNet(alpha, **parameters).fit(X, y, weights)
    categories = {warning.category for warning in caught}
    assert categories <= {ExactFitWarning, ConvergenceWarning}
    assert np.isfinite([*model.coef_, model.intercept_, model.scale_]).all()
    assert (model.scale_ == 0.0) == (ExactFitWarning in categories)
    if model.scale_ > 0.0:
        assert (model.optimality_ > model.tol) == (ConvergenceWarning in categories)
        if model.optimality_ <= model.tol:
            assert excess_violation(model, dense(X), y, weights) <= 1e-5


@settings(max_examples=60)
@given(problems())
def test_paths_and_searches_end(problem):
    X, y, weights, parameters = problem
    alphas = None if parameters["l1_ratio"] else [1.0, 0.1, 0.01]
    options = parameters | {"alphas": alphas, "n_alphas": 8}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for expected in (ExactFitWarning, ConvergenceWarning):
            warnings.simplefilter("ignore", expected)
        warnings.filterwarnings("ignore", "The path ")
        reached, coefs, intercepts, scales = enet_path(X, y, sample_weight=weights, **options)
        if len(y) >= 6 and weights is None:
            search = HuberElasticNetCV(cv=2, **options).fit(X, y)
            assert np.isfinite([*search.coef_, search.intercept_, search.best_score_]).all()
    assert reached.size >= 1
    assert all(np.isfinite(values).all() for values in (reached, coefs, intercepts, scales))


def test_as_many_free_columns_as_rows_fit_exactly():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(6, 8)), rng.normal(size=6)
    for scale in ["joint", "mad"]:
        with pytest.warns(ExactFitWarning):
            model = HuberElasticNet(scale=scale, penalty_factors=np.zeros(8)).fit(X, y)
        assert model.scale_ == 0.0
        np.testing.assert_allclose(model.predict(X), y, atol=1e-8)


def test_unequal_weights_that_leave_no_freedom_have_no_scale():
    # Kish's number of observations, 3.4, is below the effective parameters of a small ridge penalty
    # at every scale. The equation has no root, and the search must not continue for ever.
    rng = np.random.default_rng(1)
    X, y = rng.normal(size=(6, 8)), rng.normal(size=6)
    weights = np.array([1.0, 1.0, 1.0, 0.1, 0.1, 0.1]) * 0.5
    with pytest.warns(ExactFitWarning):
        model = HuberElasticNet(1e-3, l1_ratio=0.0).fit(X, y, weights)
    assert model.scale_ == 0.0


@pytest.mark.parametrize("case", ["all factors zero", "no positive slope", "constant y"])
def test_where_all_alphas_are_alike_a_path_has_one_fit(case):
    rng = np.random.default_rng(2)
    X = rng.normal(size=(40, 1))
    y = -2.0 * X[:, 0] + rng.normal(size=40)
    options = {"scale": 1.0}
    if case == "all factors zero":
        options["penalty_factors"] = [0.0]
    elif case == "no positive slope":
        options["positive"] = True
    else:
        y = np.full(40, 3.0)
    alphas, coefs, _, _ = enet_path(X, y, **options)
    search = HuberElasticNetCV(**options).fit(X, y)
    assert alphas.shape == search.alphas_.shape == (1,)
    np.testing.assert_allclose(search.coef_, coefs[:, 0], atol=1e-9)
    if case == "all factors zero":
        np.testing.assert_allclose(search.coef_, HuberRegressor(scale=1.0).fit(X, y).coef_, 1e-6)
    else:
        assert not search.coef_.any()
