"""What the fit must not depend on: units, shifts, the order of rows, and how rows repeat.

Two fits of one problem, each within tol of its minimiser, differ by at most 2 tol standard errors:
predictions are compared in units of the scale, with tol far below the tolerance of the comparison.
"""

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose
from problems import plain
from sklearn.base import clone

from robustreg import HuberRegressor

MODELS = [
    HuberRegressor(tol=1e-10),
    HuberRegressor(tol=1e-10, solver="newton"),
    HuberRegressor(tol=1e-10, delta=0.5),
    HuberRegressor(tol=1e-10, delta="auto"),
    HuberRegressor(tol=1e-10, scale="mad"),
    HuberRegressor(tol=1e-10, scale="mad", delta=0.6, solver="newton"),
    HuberRegressor(tol=1e-10, scale=1.5),
    HuberRegressor(tol=1e-10, scale=1.5, delta=0.4, solver="newton"),
    HuberRegressor(tol=1e-10, fit_intercept=False),
    HuberRegressor(tol=1e-10, delta=float("inf")),
]
UNPENALISED = pytest.mark.parametrize("model", MODELS, ids=repr)
ALL = pytest.mark.parametrize(
    "model",
    [
        *MODELS,
        HuberRegressor(tol=1e-10, alpha=5.0),
        HuberRegressor(tol=1e-10, alpha=5.0, scale="mad"),
    ],
    ids=repr,
)


# From 16,000 rows on a fit starts from a pilot on some of them, and the rows it takes differ.
@pytest.fixture(params=[60, 1500, 17_000], ids="n={}".format)
def data(request, rng):
    return plain(rng, n=request.param, p=3)


def assert_same(model, expected, rtol=1e-8):
    """The same fit: coefficients, intercept and scale."""
    size = max(np.abs(expected.coef_).max(), expected.scale_)
    assert model.delta_ == expected.delta_
    assert_allclose(model.coef_, expected.coef_, rtol=0, atol=rtol * size)
    assert_allclose(model.intercept_, expected.intercept_, rtol=rtol, atol=rtol * size)
    assert_allclose(model.scale_, expected.scale_, rtol=rtol)


def assert_transformed(model, coef, intercept, scale, rtol=1e-8):
    assert_allclose(model.coef_, coef, rtol=rtol)
    assert_allclose(model.scale_, scale, rtol=rtol)
    if model.fit_intercept:
        assert_allclose(model.intercept_, intercept, rtol=rtol)
    else:
        assert model.intercept_ == 0.0


def scaled(model, factor):
    """The model for y times a factor: a scale that is a number has the units of y."""
    model = clone(model)
    return model if isinstance(model.scale, str) else model.set_params(scale=model.scale * factor)


@UNPENALISED
def test_regression_equivariance(data, model):
    X, y = data
    a = np.array([3.0, -40.0, 0.7])
    before = clone(model).fit(X, y)
    after = clone(model).fit(X, y + X @ a)
    assert_transformed(after, before.coef_ + a, before.intercept_, before.scale_)
    assert_allclose(after.weights_, before.weights_, rtol=1e-6)


@UNPENALISED
@pytest.mark.parametrize("factor", [-1.0, 7.3, 1e-8, 1e8, 1e-150, 1e150])
def test_scale_equivariance(data, model, factor):
    X, y = data
    before = clone(model).fit(X, y)
    after = scaled(model, abs(factor)).fit(X, factor * y)
    assert_transformed(
        after, factor * before.coef_, factor * before.intercept_, abs(factor) * before.scale_
    )
    assert_allclose(after.predict(X), factor * before.predict(X), rtol=1e-7)


@UNPENALISED
@pytest.mark.parametrize("exponent", [-150, -12, -3, 5, 20, 150])
def test_column_scaling(data, model, exponent):
    X, y = data
    before = clone(model).fit(X, y)
    factors = np.array([1.0, 10.0**exponent, -3.0])
    after = clone(model).fit(X * factors, y)
    assert_transformed(after, before.coef_ / factors, before.intercept_, before.scale_)
    assert_allclose(after.predict(X * factors), before.predict(X), rtol=1e-7, atol=1e-8)


@UNPENALISED
@pytest.mark.parametrize("exponents", [(150, -150, 1), (-150, -150, -150), (150, 150, 150)])
def test_the_ends_of_the_exponent_range(data, model, exponents):
    X, y = data
    before = clone(model).fit(X, y)
    factors = 10.0 ** np.array(exponents, dtype=float)
    after = scaled(model, 1e-140).fit(X * factors, 1e-140 * y)
    expected = before.coef_ / factors * 1e-140
    # Subnormal numbers have fewer digits, and none is asked of them.
    normal = np.abs(expected) > 1e-290
    assert_allclose(after.coef_[normal], expected[normal], rtol=1e-8)
    assert_allclose(after.scale_, 1e-140 * before.scale_, rtol=1e-8)


def test_alpha_times_the_square_of_the_units_of_x(data):
    X, y = data
    before = HuberRegressor(alpha=3.0, tol=1e-10).fit(X, y)
    for factor in (1e-6, 1e3, 1e70):
        after = HuberRegressor(alpha=3.0 * factor**2, tol=1e-10).fit(X * factor, y)
        assert_transformed(after, before.coef_ / factor, before.intercept_, before.scale_)


@pytest.mark.parametrize("model", [m for m in MODELS if m.fit_intercept], ids=repr)
@pytest.mark.parametrize("shift", [1.0, 1e3, 1e6])
def test_shifts_of_x_and_y(data, model, shift):
    X, y = data
    shifts = shift * np.array([1.0, -2.0, 0.5])
    # Exactly representable, so that the data differ by the shift and not by its rounding.
    X, y = np.round(X * 2**20) / 2**20, np.round(y * 2**20) / 2**20
    # The intercept is a float64 of up to 5.5 times the shift: its rounding alone is 1.1e-16 times
    # that in a residual, and as much again each term's.
    tol = max(1e-9, 5e-13 * shift)
    before = clone(model).set_params(tol=tol).fit(X, y)
    after = clone(model).set_params(tol=tol).fit(X + shifts, y + 3 * shift)
    intercept = before.intercept_ + 3 * shift - shifts @ before.coef_
    assert_allclose(after.coef_, before.coef_, rtol=2 * tol)
    assert_allclose(after.scale_, before.scale_, rtol=2 * tol)
    assert_allclose(after.intercept_, intercept, rtol=2 * tol)


@ALL
@pytest.mark.parametrize("kind", [np.asarray, sp.csr_array], ids=["dense", "sparse"])
def test_integer_weights_are_repeated_rows(data, model, kind, rng):
    X, y = data
    weights = rng.integers(0, 4, len(y))
    index = np.repeat(np.arange(len(y)), weights)
    weighted = clone(model).fit(kind(X), y, weights)
    repeated = clone(model).fit(kind(X[index]), y[index])
    assert_same(weighted, repeated)
    assert_allclose(weighted.weights_[index], repeated.weights_, rtol=1e-6)


@ALL
@pytest.mark.parametrize("kind", [np.asarray, sp.csr_array], ids=["dense", "sparse"])
@pytest.mark.parametrize("absurd", [1e3, 1e20, 1e200])
def test_rows_of_weight_zero_do_not_exist(data, model, kind, absurd, rng):
    X, y = data
    kept = rng.random(len(y)) < 0.8
    without = clone(model).fit(kind(X[kept]), y[kept])
    X, y = X.copy(), y.copy()
    X[~kept] *= absurd
    y[~kept] = 1e3 * absurd
    assert_same(clone(model).fit(kind(X), y, 1.0 * kept), without)


@ALL
def test_all_weights_times_a_constant_change_the_degrees_of_freedom_alone(data, model):
    X, y = data
    doubled = clone(model).fit(X, y, np.full(len(y), 2.0))
    assert_same(doubled, clone(model).fit(np.vstack((X, X)), np.append(y, y)))


@ALL
def test_order_of_rows(data, model, rng):
    X, y = data
    before = clone(model).fit(X, y)
    for order in (rng.permutation(len(y)), np.argsort(y), np.arange(len(y))[::-1]):
        after = clone(model).fit(X[order], y[order])
        assert_same(after, before)
        assert_allclose(after.weights_, before.weights_[order], rtol=1e-6)


@ALL
def test_order_of_columns(data, model):
    X, y = data
    before = clone(model).fit(X, y)
    after = clone(model).fit(X[:, [2, 0, 1]], y)
    assert_allclose(after.coef_, before.coef_[[2, 0, 1]], rtol=1e-8)


@UNPENALISED
def test_another_basis_of_the_same_columns(data, model, rng):
    X, y = data
    basis = rng.normal(size=(3, 3))
    before = clone(model).fit(X, y)
    after = clone(model).fit(X @ basis, y)
    assert_allclose(basis @ after.coef_, before.coef_, rtol=1e-8)


@ALL
def test_a_column_of_zeros_and_a_constant_column_change_nothing(data, model):
    X, y = data
    extra = [np.zeros(len(y))] + ([np.full(len(y), 7.3)] if model.fit_intercept else [])
    before = clone(model).fit(X, y)
    after = clone(model).fit(np.column_stack((X, *extra)), y)
    assert_allclose(after.coef_[:3], before.coef_, rtol=1e-8)
    assert_allclose(after.coef_[3:], 0.0, atol=1e-12)
    assert_allclose(after.scale_, before.scale_, rtol=1e-8)


@pytest.mark.parametrize("alpha", [0.0, 5.0])
def test_both_solvers_and_every_start_find_the_one_minimiser(data, alpha):
    X, y = data
    expected = HuberRegressor(alpha=alpha, tol=1e-10).fit(X, y)
    assert_same(HuberRegressor(alpha=alpha, tol=1e-10, solver="newton").fit(X, y), expected)
    for start in (0.01, 1.0, 50.0):
        model = HuberRegressor(alpha=alpha, tol=1e-10, warm_start=True).fit(X, y)
        model.coef_, model.intercept_ = model.coef_ + 10 * start, model.intercept_ - 20 * start
        model.scale_ *= start
        assert_same(model.fit(X, y), expected)


@pytest.mark.parametrize("delta", [0.5, 1.345, 3.0])
def test_a_given_scale_at_the_joint_one_is_the_same_fit(data, delta):
    X, y = data
    joint = HuberRegressor(delta=delta, tol=1e-10).fit(X, y)
    given = HuberRegressor(delta=delta, tol=1e-10, scale=joint.scale_).fit(X, y)
    assert_same(given, joint)
    threshold = HuberRegressor(delta=joint.threshold_, tol=1e-10, scale=1.0).fit(X, y)
    assert_allclose(threshold.coef_, joint.coef_, rtol=1e-8)
