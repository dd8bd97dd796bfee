"""HuberElasticNet compared with scikit-learn, a general solver, and its equations."""

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.optimize import minimize
from sklearn.linear_model import ElasticNet

from robustreg import ExactFitWarning, HuberElasticNet, HuberRegressor
from robustreg.exceptions import ConvergenceWarning
from robustreg.losses import Huber


def problem(seed, n=60, p=12, contamination=0.1, nonzero=3):
    """Return X with columns of different sizes, and y with outliers on both sides."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p)) * rng.uniform(0.5, 2.0, p) + rng.normal(size=p)
    y = X[:, :nonzero] @ rng.normal(size=nonzero) * 2.0 + rng.normal(size=n) + 3.0
    wrong = rng.permutation(n)[: int(contamination * n)]
    y[wrong] += rng.choice([-1.0, 1.0], wrong.size) * rng.uniform(5.0, 100.0, wrong.size)
    return X, y


def conditions(model, X, y, weights=None, factors=1.0):
    """Return the largest violation of the optimality conditions in units of alpha."""
    s = np.ones(len(y)) if weights is None else weights
    residual = y - X @ model.coef_ - model.intercept_
    psi = s * np.clip(residual, -model.threshold_, model.threshold_) / s.sum()
    slope = X.T @ psi - model.alpha * (1.0 - model.l1_ratio) * factors * model.coef_
    size = np.broadcast_to(model.scale_ * model.alpha * model.l1_ratio * factors, slope.shape)
    at_zero = np.maximum(np.abs(slope) - size, 0.0)
    nonzero = np.abs(slope - size * np.sign(model.coef_))
    each = np.where(model.coef_ == 0.0, at_zero, nonzero)
    largest = max(each.max(), abs(psi.sum()) if model.fit_intercept else 0.0)
    return largest / (model.scale_ * model.alpha)


@pytest.mark.parametrize("l1_ratio", [1.0, 0.7, 0.1])
@pytest.mark.parametrize("shape", [(60, 12), (30, 80)])
@pytest.mark.parametrize("positive", [False, True])
@pytest.mark.parametrize("kind", [np.asarray, sp.csr_array, sp.csc_matrix])
def test_equals_elastic_net_at_infinite_delta(l1_ratio, shape, positive, kind):
    X, y = problem(1, *shape)
    for alpha in [0.05, 0.5, 5.0]:
        reference = ElasticNet(
            alpha, l1_ratio=l1_ratio, positive=positive, tol=1e-14, max_iter=10**6
        ).fit(X, y)
        model = HuberElasticNet(
            alpha, l1_ratio=l1_ratio, positive=positive, delta=np.inf, scale=1.0
        ).fit(kind(X), y)
        np.testing.assert_allclose(model.coef_, reference.coef_, atol=1e-7, rtol=0)
        np.testing.assert_allclose(model.intercept_, reference.intercept_, atol=1e-7, rtol=0)


@pytest.mark.parametrize("scale", ["joint", "mad", 1.5])
@pytest.mark.parametrize("weighted", [False, True])
def test_ridge_limit_is_huber_regressor(scale, weighted):
    for seed in range(5):
        X, y = problem(seed)
        weights = np.random.default_rng(seed).integers(0, 4, len(y)) if weighted else None
        total = len(y) if weights is None else weights.sum()
        model = HuberElasticNet(0.2, l1_ratio=0.0, scale=scale).fit(X, y, weights)
        ridge = HuberRegressor(alpha=0.2 * total, scale=scale, tol=1e-9).fit(X, y, weights)
        if scale == "mad" and not np.isclose(model.scale_, ridge.scale_, rtol=1e-6):
            continue  # the fixed point of the median need not be unique
        np.testing.assert_allclose(model.coef_, ridge.coef_, atol=1e-6)
        np.testing.assert_allclose(model.scale_, ridge.scale_, rtol=1e-6)


def independent(X, y, alpha, l1_ratio, delta, scale):
    """Minimise by SciPy, with coefficients as differences of nonnegative parts."""
    n, p = X.shape
    loss = Huber(delta * scale)

    def value_and_slope(z):
        w = z[:p] - z[p : 2 * p]
        residual = y - X @ w - z[-1]
        psi = loss.psi(residual)
        smooth = loss.rho(residual).mean() + 0.5 * alpha * (1.0 - l1_ratio) * w @ w
        slope = -X.T @ psi / n + alpha * (1.0 - l1_ratio) * w
        size = scale * alpha * l1_ratio
        value = smooth + size * z[:-1].sum()
        return value, np.concatenate((slope + size, size - slope, [-psi.mean()]))

    bounds = [(0.0, None)] * (2 * p) + [(None, None)]
    options = {"maxiter": 50_000, "maxfun": 200_000, "ftol": 0.0, "gtol": 1e-10, "maxcor": 30}
    start = np.append(np.zeros(2 * p), np.median(y))
    found = minimize(
        value_and_slope, start, jac=True, bounds=bounds, method="L-BFGS-B", options=options
    )
    return found.x[:p] - found.x[p : 2 * p], found.x[-1], found.fun


@pytest.mark.parametrize("seed", range(50))
def test_independent_solver(seed):
    rng = np.random.default_rng([7, seed])
    n, p = int(rng.integers(15, 60)), int(rng.integers(2, 30))
    X, y = problem(seed, n, p, nonzero=min(p, 3))
    alpha, l1_ratio = float(10 ** rng.uniform(-1.5, 0.3)), float(rng.choice([0.3, 0.7, 1.0]))
    delta, scale = float(rng.choice([0.5, 1.345, 3.0])), float(rng.uniform(0.5, 2.0))
    model = HuberElasticNet(alpha, l1_ratio=l1_ratio, delta=delta, scale=scale).fit(X, y)
    coef, intercept, _ = independent(X, y, alpha, l1_ratio, delta, scale)
    np.testing.assert_allclose(model.coef_, coef, atol=1e-6)
    np.testing.assert_allclose(model.intercept_, intercept, atol=1e-6 * (1.0 + abs(intercept)))


def equation(X, y, model, scale):
    """Return the left side minus the right side of the joint scale's equation."""
    given = HuberElasticNet(model.alpha, l1_ratio=model.l1_ratio, scale=scale).fit(X, y)
    residual = y - given.predict(X)
    weight = np.minimum(1.0, given.threshold_ / np.abs(residual))
    used = given.coef_ != 0.0
    Z = X[:, used] - np.average(X[:, used], axis=0, weights=weight)
    gram = Z.T @ (weight[:, None] * Z)
    ridge = len(y) * model.alpha * (1.0 - model.l1_ratio)
    edf = 1.0 + np.trace(np.linalg.solve(gram + ridge * np.eye(used.sum()), gram))
    psi = np.clip(residual, -given.threshold_, given.threshold_)
    return psi @ psi / scale**2 - 2.0 * Huber(model.delta).kappa * (len(y) - edf)


@pytest.mark.parametrize("l1_ratio", [1.0, 0.5])
def test_joint_scale_is_the_largest_sign_change(l1_ratio):
    for seed in range(12):
        X, y = problem(seed, 40, 60)
        model = HuberElasticNet(0.3, l1_ratio=l1_ratio).fit(X, y)
        below, above = (
            equation(X, y, model, model.scale_ * factor) for factor in (1 - 1e-5, 1 + 1e-5)
        )
        assert below >= 0.0 >= above
        larger = model.scale_ * np.geomspace(1.001, 5.0, 25)
        assert max(equation(X, y, model, scale) for scale in larger) < 0.0


@pytest.mark.parametrize("scale", ["joint", "mad", 1.0])
@pytest.mark.parametrize("l1_ratio", [1.0, 0.5])
def test_certificate_is_true(scale, l1_ratio):
    for seed in range(10):
        X, y = problem(seed, 50, 120)
        weights = np.random.default_rng(seed).uniform(0.0, 2.0, len(y))
        # The median of the residuals is zero if half of the rows can be fitted exactly.
        alpha = 0.5 if scale == "mad" else 0.2
        model = HuberElasticNet(alpha, l1_ratio=l1_ratio, scale=scale).fit(X, y, weights)
        assert conditions(model, X, y, weights) <= max(model.optimality_, 1e-9)
        assert model.optimality_ <= 1e-6


@pytest.mark.parametrize("scale", ["joint", "mad"])
@pytest.mark.parametrize("unit", [1e-9, 1e-3, 1e7])
def test_alpha_is_free_of_the_units_of_y(scale, unit):
    for seed in range(5):
        X, y = problem(seed, 40, 60)
        # The quadratic term has units of its own, and only the lasso does not depend on units.
        model, other = (
            HuberElasticNet(0.25, l1_ratio=1.0, scale=scale).fit(X, response)
            for response in (y, unit * y)
        )
        np.testing.assert_allclose(other.coef_, unit * model.coef_, rtol=1e-6, atol=1e-9 * unit)
        np.testing.assert_allclose(other.scale_, unit * model.scale_, rtol=1e-6)


@pytest.mark.parametrize("scale", ["joint", "mad", 1.0])
@pytest.mark.parametrize("l1_ratio", [1.0, 0.4])
def test_integer_weights_are_repeated_rows(scale, l1_ratio):
    for seed in range(5):
        X, y = problem(seed, 50, 30)
        counts = np.random.default_rng(seed).integers(0, 4, len(y))
        weighted = HuberElasticNet(0.2, l1_ratio=l1_ratio, scale=scale).fit(X, y, counts)
        rows = np.repeat(np.arange(len(y)), counts)
        repeated = HuberElasticNet(0.2, l1_ratio=l1_ratio, scale=scale).fit(X[rows], y[rows])
        np.testing.assert_allclose(weighted.coef_, repeated.coef_, atol=1e-7)
        np.testing.assert_allclose(weighted.scale_, repeated.scale_, rtol=1e-7)


def test_sparse_and_dense_agree():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 300)) * (rng.random((200, 300)) < 0.05)
    y = X[:, :5].sum(axis=1) * 3.0 + rng.normal(size=200)
    for scale in ["joint", "mad", 1.0]:
        one, other = (
            HuberElasticNet(0.02, scale=scale).fit(kind(X), y)
            for kind in (np.asarray, sp.csr_array)
        )
        np.testing.assert_allclose(one.coef_, other.coef_, atol=1e-8)
        np.testing.assert_allclose(one.scale_, other.scale_, rtol=1e-8)
        assert np.count_nonzero(one.coef_) > 5


def test_penalty_factors_are_scaled_columns():
    X, y = problem(3, 60, 40)
    factors = np.random.default_rng(0).uniform(0.2, 5.0, 40)
    direct = HuberElasticNet(0.2, l1_ratio=1.0, penalty_factors=factors).fit(X, y)
    scaled = HuberElasticNet(0.2, l1_ratio=1.0).fit(X / factors, y)
    np.testing.assert_allclose(direct.coef_, scaled.coef_ / factors, atol=1e-8)


@pytest.mark.parametrize("positive", [False, True])
def test_a_column_with_factor_zero_is_not_penalised(positive):
    X, y = problem(4, 60, 40)
    factors = np.ones(40)
    factors[:2] = 0.0
    X[:, :2] *= np.sign(np.corrcoef(X[:, :2].T, np.clip(y, -5, 10))[2, :2])
    options = {"l1_ratio": 1.0, "positive": positive, "scale": 1.0}
    model = HuberElasticNet(1e3, penalty_factors=factors, **options).fit(X, y)
    alone = HuberRegressor(scale=1.0).fit(X[:, :2], y)
    assert (model.coef_[2:] == 0.0).all()
    np.testing.assert_allclose(model.coef_[:2], alone.coef_, atol=1e-5)


@pytest.mark.parametrize("alpha", [1e3, 1e9])
@pytest.mark.parametrize("scale", ["joint", 1.5])
def test_a_large_alpha_leaves_unpenalised_columns_certain(alpha, scale):
    for seed in range(10):
        X, y = problem(seed, 60, 5)
        factors = [0.0, 0.0, 1.0, 1.0, 1.0]
        model = HuberElasticNet(alpha, l1_ratio=1.0, scale=scale, penalty_factors=factors)
        model.fit(X, y)
        alone = HuberRegressor(scale=scale, tol=1e-9).fit(X[:, :2], y)
        np.testing.assert_allclose(model.coef_, [*alone.coef_, 0.0, 0.0, 0.0], atol=1e-7)
        np.testing.assert_allclose(model.intercept_, alone.intercept_, atol=1e-7)
        np.testing.assert_allclose(model.scale_, alone.scale_, rtol=1e-7)


def test_warm_start_takes_fewer_steps_to_the_same():
    X, y = problem(5, 80, 100)
    model = HuberElasticNet(0.2, l1_ratio=1.0, warm_start=True).fit(X, y)
    cold = HuberElasticNet(0.19, l1_ratio=1.0).fit(X, y)
    model.set_params(alpha=0.19).fit(X, y)
    np.testing.assert_allclose(model.coef_, cold.coef_, atol=1e-7)
    assert model.n_iter_ < cold.n_iter_


def test_exact_fits_have_a_scale_of_zero():
    X = np.random.default_rng(0).normal(size=(30, 5))
    for y in (np.full(30, 2.5), X @ np.ones(5)):
        with pytest.warns(ExactFitWarning, match="increase alpha"):
            model = HuberElasticNet(0.01, l1_ratio=1.0).fit(X, y)
        assert model.scale_ == model.threshold_ == 0.0
        np.testing.assert_allclose(model.predict(X), y, atol=1e-6)
        assert not model.outliers_.any()


def test_a_fit_that_ends_early_warns():
    X, y = problem(6, 80, 100)
    with pytest.warns(ConvergenceWarning, match="Increase max_iter=1"):
        model = HuberElasticNet(0.05, l1_ratio=1.0, scale=1.0, max_iter=1).fit(X, y)
    assert model.optimality_ > model.tol


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"penalty_factors": [1.0, 2.0]}, r"penalty_factors has shape \(2,\) and X has 12"),
        ({"penalty_factors": [-1.0] * 12}, "penalty_factors must be in"),
        ({"penalty_factors": ["a"] * 12}, "penalty_factors must be numbers"),
        ({"alpha": 0.0}, "alpha"),
        ({"l1_ratio": 1.5}, "l1_ratio"),
        ({"delta": 0.0}, "delta"),
    ],
)
def test_bad_parameters_are_named(parameters, message):
    X, y = problem(0)
    with pytest.raises(ValueError, match=message):
        HuberElasticNet(**parameters).fit(X, y)
