"""Shifts, mixed units, dependent columns and few rows: the minimum equals another solver's.

The other solver is SciPy's L-BFGS-B on the joint objective, over coordinates in which the columns
are orthonormal. Its objective and that at the stored coefficients, evaluated over the user's X in
extended precision, agree to 1e-9, or the fit warns.
"""

import warnings

import numpy as np
import pytest
from effort import examples
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from reference import Extended, requires_extended, two_kappa
from scipy.optimize import minimize

from robustreg import ExactFitWarning, HuberRegressor

SOLVERS = pytest.mark.parametrize("solver", ["lbfgs", "newton"])
pytestmark = requires_extended


def orthonormal(X):
    """Return a basis of the centred columns, each first divided by its size."""
    Z = (X.astype(Extended) - X.astype(Extended).mean(axis=0)).astype(float)
    Z = Z / np.where((size := np.abs(Z).max(axis=0)) > 0, size, 1)
    left, singular, _ = np.linalg.svd(Z, full_matrices=False)
    return left[:, singular > 1e-11 * singular.max()]


def joint_objective(e, sigma, delta, nu):
    t = delta * sigma
    psi = np.clip(e, -t, t)
    return (psi * (e - psi / 2)).sum() / sigma + two_kappa(delta) / 2 * nu * sigma


def minimum(X, y, e, sigma, delta=1.345):
    """Return the minimum of the joint objective, and nu.

    The solver starts from its own start and from residuals e and sigma. At the minimum of a convex
    function, no descent finds a lower value.
    """
    Q = orthonormal(X)
    A = np.column_stack((Q, np.full(len(y), len(y) ** -0.5)))
    nu = len(y) - A.shape[1]
    half_target = float(two_kappa(delta)) / 2 * nu
    center, unit = np.median(y), np.median(np.abs(y - np.median(y)))
    target = (y - center) / unit

    def value_and_gradient(theta):
        sigma = np.exp(theta[-1])
        e = target - A @ theta[:-1]
        psi = np.clip(e, -delta * sigma, delta * sigma)
        value = (psi * (e - psi / 2)).sum() / sigma + half_target * sigma
        slope = half_target - 0.5 * (psi @ psi) / sigma**2
        return value, np.append(-A.T @ psi / sigma, slope * sigma)

    cold = np.append(A.T @ np.clip(target, -5, 5), 0.0)
    there = np.append(A.T @ (target - e / unit), np.log(sigma / unit))
    options = {"maxiter": 5000, "maxfun": 50_000, "ftol": 1e-15, "gtol": 1e-11, "maxcor": 50}
    bounds = [(None, None)] * A.shape[1] + [(-30.0, 30.0)]
    arguments = {"jac": True, "method": "L-BFGS-B", "bounds": bounds, "options": options}
    found = [minimize(value_and_gradient, start, **arguments).fun for start in (cold, there)]
    return min(found) * unit, nu


def check(X, y, solver):
    """Check that the objective is minimal, or that there is a warning."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = HuberRegressor(solver=solver).fit(X, y)
    assert (model.optimality_ > model.tol) == any(
        "standard errors" in str(w.message) for w in caught
    )
    if caught:
        return model
    e = y.astype(Extended) - X.astype(Extended) @ model.coef_ - model.intercept_
    least, nu = minimum(X, y, e.astype(float), model.scale_)
    ours = float(joint_objective(e, Extended(model.scale_), 1.345, nu))
    assert_allclose(ours, least, rtol=1e-9)
    return model


def series(n, shift, begins, *, trend=0.002, outliers=25, size=30.0):
    i = np.arange(n)
    step = (i >= begins) * 1.0
    y = shift * step + trend * i + 1.5 * np.sin(37.0 * i)
    y[::outliers] += size
    return i, step, y


@SOLVERS
class TestLevelShift:
    def test_of_a_long_series(self, solver):
        _, step, y = series(1000, 1000.0, 800)
        model = HuberRegressor(solver=solver).fit(step[:, None], y)
        assert_allclose(model.coef_, 1000.976, atol=1e-3)
        assert_allclose(model.scale_, 1.377, atol=1e-3)

    def test_of_a_short_one(self, solver):
        _, step, y = series(50, 1000.0, 40)
        assert_allclose(HuberRegressor(solver=solver).fit(step[:, None], y).coef_, 1000.0487,
                        atol=1e-4)  # fmt: skip

    def test_beside_a_trend(self, solver):
        i, step, y = series(200, 1000.0, 160)
        model = HuberRegressor(solver=solver).fit(np.column_stack((i, step)), y)
        assert_allclose(model.coef_[1], 999.992, atol=1e-3)


@examples(120)
@given(
    st.integers(0, 2**32 - 1),
    st.integers(30, 400),
    st.floats(1.0, 5.0),
    st.sampled_from(["step", "step and trend", "factor", "idle sensor", "heavy"]),
    st.sampled_from([0.0, 0.02, 0.1]),
    st.sampled_from(["lbfgs", "newton"]),
)
def test_level_shifts_of_any_size(seed, n, power, kind, share, solver):
    rng = np.random.default_rng(seed)
    i = np.arange(n)
    shift = 10.0**power
    step = (i >= int(rng.uniform(0.5, 0.95) * n)) * 1.0
    X = {
        "step": step[:, None],
        "step and trend": np.column_stack((i, step)),
        "factor": np.eye(4)[np.append(rng.integers(3, size=n - 5), np.full(5, 3))][:, 1:],
        "idle sensor": (np.where(rng.random(n) < 0.1, rng.gamma(2.0, size=n), 0.0))[:, None],
        "heavy": rng.standard_cauchy(size=(n, 2)),
    }[kind]
    y = shift * X[:, -1] + rng.normal(size=n)
    y[rng.random(n) < share] += rng.choice([10.0, 100.0, 1e4])
    check(X, y, solver)


def test_all_dummies_beside_nanoseconds():
    n = 365
    d = np.arange(n)
    D = np.eye(7)[d % 7]
    y = 100 + 0.05 * d + D @ [0, 1, 2, 3, 4, -20, -30.0] + 1.5 * np.sin(37.0 * d)
    y[50:60] = 9999
    X = np.column_stack((D, (19358 + d) * 86400e9))
    dropped = HuberRegressor().fit(np.column_stack((D[:, 1:], d)), y)
    for solver in ("lbfgs", "newton"):
        model = check(X, y, solver)
        assert_allclose(model.coef_[-1] * 86400e9, dropped.coef_[-1], rtol=1e-6)
        assert_allclose(model.scale_, dropped.scale_, rtol=1e-6)


@examples(120)
@given(
    st.integers(0, 2**32 - 1),
    st.integers(20, 200),
    st.integers(2, 6),
    st.sampled_from(["dummies", "sum", "copy", "none"]),
    st.sampled_from(["lbfgs", "newton"]),
)
def test_units_from_1e_9_to_1e18_with_dependent_columns(seed, n, p, dependent, solver):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p)) * 10.0 ** rng.uniform(-9, 18, p)
    y = (X / np.abs(X).max(axis=0)) @ rng.normal(size=p) * 3 + rng.normal(size=n)
    y[: n // 10] += 50.0
    extra = {
        "dummies": np.eye(4)[rng.integers(4, size=n)],
        "sum": (X[:, 0] / np.abs(X[:, 0]).max() + X[:, 1] / np.abs(X[:, 1]).max())[:, None],
        "copy": X[:, :1] * 10.0 ** rng.integers(-3, 4),
        "none": np.empty((n, 0)),
    }[dependent]
    check(np.column_stack((X, extra)), y, solver)


@examples(100)
@given(st.integers(0, 2**32 - 1), st.integers(2, 15), st.integers(0, 10), st.floats(0, 12))
def test_no_more_rows_than_columns_in_any_units(seed, n, more, spread):
    rng = np.random.default_rng(seed)
    p = n - 1 + more
    X = rng.normal(size=(n, p)) * 10.0 ** rng.uniform(-spread / 2, spread, p)
    y = rng.normal(size=n) * 10.0 ** rng.uniform(-3, 3) + 5
    with pytest.warns(ExactFitWarning):
        model = HuberRegressor().fit(X, y)
    assert model.scale_ == 0.0
    size = np.abs(X) @ np.abs(model.coef_) + np.abs(model.intercept_) + np.abs(y)
    assert_allclose(model.predict(X), y, atol=1e-11 * size.max(), rtol=1e-9)
