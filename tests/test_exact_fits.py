"""Fits with scale zero: data without noise, and no more rows than parameters."""

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from problems import plain
from sklearn.linear_model import LinearRegression

from robustreg import ExactFitWarning, HuberRegressor
from robustreg.tuning import kappa

INF = float("inf")
SOLVERS = pytest.mark.parametrize("solver", ["lbfgs", "newton"])
KINDS = pytest.mark.parametrize("kind", [np.asarray, sp.csr_array], ids=["dense", "sparse"])


def assert_exact_fit(model, X, y, rows=slice(None)):
    """The scale is zero, and the rows are fitted to rounding errors."""
    assert model.scale_ == 0.0
    assert model.threshold_ == 0.0
    fitted = X @ model.coef_ + model.intercept_
    size = np.abs(X) @ np.abs(model.coef_) + np.abs(model.intercept_) + np.abs(y)
    assert (np.abs(y - fitted)[rows] <= 1e-12 * size.max()).all()
    assert not model.outliers_[rows].any()
    assert (model.weights_[rows] == 1.0).all()


class TestExactFits:
    @SOLVERS
    @KINDS
    @pytest.mark.parametrize("scale", ["joint", "mad"])
    @pytest.mark.parametrize("delta", [0.5, 1.345, 4.0, INF, "auto"])
    def test_data_without_noise(self, rng, solver, kind, scale, delta):
        X = rng.normal(size=(50, 3))
        w = np.array([1.0, -2.0, 0.5])
        y = X @ w + 7.0
        with pytest.warns(ExactFitWarning, match="scale_ and threshold_ are 0"):
            model = HuberRegressor(delta=delta, scale=scale, solver=solver).fit(kind(X), y)
        assert_exact_fit(model, X, y)
        assert_allclose(model.coef_, w, rtol=1e-11)
        assert_allclose(model.intercept_, 7.0, rtol=1e-11)

    @SOLVERS
    @pytest.mark.parametrize("scale", ["joint", "mad"])
    @pytest.mark.parametrize(("delta", "share"), [(1.345, 0.25), (1.345, 0.35), (0.7, 0.4)])
    def test_most_rows_exactly_and_the_rest_anywhere(self, rng, solver, scale, delta, share):
        # More than 1 - 2 kappa/delta² of the weight has to fit: 0.61 at 1.345, 0.35 at 0.7, and a
        # little more, since psi of the exact rows, which balances that of the others, also counts
        # in the scale.
        X = rng.normal(size=(200, 3))
        y = X @ np.array([1.0, -2.0, 0.5]) + 7.0
        outliers = np.arange(200) < share * 200
        assert share * 200 < 2 * kappa(delta) / delta**2 * (200 - 4)
        y[outliers] += rng.normal(size=outliers.sum()) * 10.0 ** rng.integers(0, 4, outliers.sum())
        with pytest.warns(ExactFitWarning):
            model = HuberRegressor(delta=delta, scale=scale, solver=solver).fit(X, y)
        assert_exact_fit(model, X, y, ~outliers)
        assert_allclose(model.coef_, [1.0, -2.0, 0.5], rtol=1e-10)
        assert model.outliers_[outliers].all()
        assert (model.weights_[outliers] == 0.0).all()

    def test_too_few_exact_rows_leave_a_scale(self, rng):
        X = rng.normal(size=(200, 3))
        y = X @ np.array([1.0, -2.0, 0.5]) + 7.0
        y[:100] += 5 * rng.normal(size=100)
        model = HuberRegressor().fit(X, y)
        assert model.scale_ > 0.1
        assert model.optimality_ <= 1e-6

    @SOLVERS
    @KINDS
    @pytest.mark.parametrize("scale", ["joint", "mad"])
    @pytest.mark.parametrize("value", [0.0, 3.7, -1e9, 1e150])
    def test_constant_y(self, rng, solver, kind, scale, value):
        X, y = rng.normal(size=(40, 3)), np.full(40, value)
        with pytest.warns(ExactFitWarning):
            model = HuberRegressor(scale=scale, solver=solver).fit(kind(X), y)
        assert_array_equal(model.coef_, 0.0)
        assert model.intercept_ == value
        assert model.scale_ == 0.0

    def test_constant_y_with_a_given_scale(self, rng):
        X, y = rng.normal(size=(40, 3)), np.full(40, 3.7)
        model = HuberRegressor(scale=2.0).fit(X, y)
        assert_allclose(model.coef_, 0.0, atol=1e-14)
        assert_allclose(model.intercept_, 3.7, rtol=1e-14)
        assert (model.scale_, model.threshold_) == (2.0, 2.69)

    def test_noiseless_data_with_a_given_scale(self, rng):
        X = rng.normal(size=(40, 3))
        model = HuberRegressor(scale=1e-3).fit(X, X @ np.ones(3))
        assert_allclose(model.coef_, 1.0, rtol=1e-11)
        assert model.scale_ == 1e-3

    @KINDS
    @pytest.mark.parametrize("scale", ["joint", "mad"])
    @pytest.mark.parametrize(("n", "p"), [(4, 3), (10, 30), (3, 200), (1, 1), (2, 1)])
    def test_no_more_rows_than_parameters(self, rng, kind, scale, n, p):
        X, y = rng.normal(size=(n, p)), rng.normal(size=n)
        with pytest.warns(ExactFitWarning):
            model = HuberRegressor(scale=scale).fit(kind(X), y)
        assert_exact_fit(model, X, y)
        expected = LinearRegression().fit(X, y)
        assert_allclose(model.coef_, expected.coef_, rtol=1e-8, atol=1e-10)
        assert_allclose(model.intercept_, expected.intercept_, rtol=1e-8, atol=1e-10)

    def test_a_penalty_keeps_the_scale_from_vanishing(self, rng):
        X = rng.normal(size=(50, 3))
        model = HuberRegressor(alpha=1.0).fit(X, X @ np.ones(3))
        # The residuals are the bias of shrinkage, which is part of the scale.
        assert 0.01 < model.scale_ < 0.1
        assert model.optimality_ <= 1e-6

    # Residuals of 1e-9 have lost six digits to rounding, so that a distance of 1e-6 may be out of
    # reach.
    @pytest.mark.filterwarnings("default:.*rounding errors:sklearn.exceptions.ConvergenceWarning")
    @pytest.mark.parametrize("scale", ["joint", "mad"])
    @pytest.mark.parametrize("size", [1e-9, 1e-6])
    def test_a_little_noise_is_not_an_exact_fit(self, rng, size, scale):
        X = rng.normal(size=(200, 3))
        y = X @ np.array([1.0, -2.0, 0.5]) + 7.0 + size * rng.normal(size=200)
        model = HuberRegressor(scale=scale).fit(X, y)
        assert_allclose(model.scale_, size, rtol=0.2)

    @SOLVERS
    @pytest.mark.parametrize("seed", range(20))
    def test_residuals_of_exactly_zero(self, solver, seed):
        # The row of sigma in the Hessian is e/sigma: it is zero here, and its gradient is not.
        X, _ = plain(np.random.default_rng(seed), n=60, p=3)
        y = X @ np.ones(3)
        with pytest.warns(ExactFitWarning):
            model = HuberRegressor(solver=solver).fit(X, y)
        assert model.scale_ == 0.0

    def test_noise_below_the_rounding_of_y(self, rng):
        # y is 1.2e-4 coarse, and so is its intercept: no distance in standard errors of that
        # noise can be certified, and more iterations would not help.
        X = rng.normal(size=(200, 3))
        y = X @ np.array([1.0, -2.0, 0.5]) + 1e12
        with pytest.warns(UserWarning, match="rounding errors|fitted exactly"):
            model = HuberRegressor().fit(X, y)
        assert_allclose(model.coef_, [1.0, -2.0, 0.5], atol=1e-4)
