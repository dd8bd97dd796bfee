"""With scale zero, fits are least absolute deviations, compared with linear programs."""

import warnings

import numpy as np
import pytest
import scipy.sparse as sp
from effort import examples
from hypothesis import assume, given, note
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.optimize import linprog
from sklearn.exceptions import ConvergenceWarning

from robustreg import ExactFitWarning, HuberRegressor, HuberRegressorCV
from robustreg.tuning import kappa

SOLVERS = pytest.mark.parametrize("solver", ["lbfgs", "newton"])
KINDS = pytest.mark.parametrize("kind", [np.asarray, sp.csr_array], ids=["dense", "sparse"])


def least_deviations(X, y, s=None):
    """Return the minimum of ``sum s |e|`` over w and b by linear programming."""
    n, p = X.shape
    s = np.ones(n) if s is None else s
    A = np.column_stack((X, np.ones(n), np.eye(n), -np.eye(n)))
    cost = np.concatenate((np.zeros(p + 1), s, s))
    bounds = [(None, None)] * (p + 1) + [(0, None)] * (2 * n)
    solution = linprog(cost, A_eq=A, b_eq=y, bounds=bounds, method="highs")
    assert solution.status == 0
    return solution.fun


def deviations(model, X, y, s=None):
    e = np.abs(y - X @ model.coef_ - model.intercept_)
    return e.sum() if s is None else s @ e


def quietly(model, *data):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExactFitWarning)
        return model.fit(*data)


CLOSED = np.array([[0.0]] * 16 + [[1.0]] * 4)
MISTYPED = np.array([0.0] * 16 + [10.0, 11.0, 9.0, 1000.0])


class TestOneTypingError:
    @SOLVERS
    @KINDS
    @pytest.mark.parametrize("parameters", [{}, {"delta": "auto"}, {"scale": "mad"}], ids=repr)
    def test_does_not_move_a_fit_that_is_exact_elsewhere(self, solver, kind, parameters):
        with pytest.warns(ExactFitWarning):
            model = HuberRegressor(solver=solver, **parameters).fit(kind(CLOSED), MISTYPED)
        assert 10.0 <= model.coef_[0] <= 11.0
        assert_allclose(model.intercept_, 0.0, atol=1e-12)
        assert model.scale_ == 0.0
        assert_allclose(deviations(model, CLOSED, MISTYPED), 992.0, rtol=1e-12)
        assert model.optimality_ <= 1e-6

    def test_in_cross_validation(self):
        rows = np.random.default_rng(0).permutation(20)
        model = quietly(HuberRegressorCV(cv=4), CLOSED[rows], MISTYPED[rows])
        assert 10.0 <= model.coef_[0] <= 11.0

    @SOLVERS
    def test_beside_a_heavy_row(self, solver):
        i = np.arange(20)
        x = i[:, None] * 1.0
        y = 3 + 2 * x[:, 0] + 0.5 * (-1.0) ** i * (1 + i % 3)
        y[15] = 1000
        s = np.where(i == 4, 100.0, 1.0)
        model = quietly(HuberRegressor(solver=solver), x, y, s)
        assert_allclose(deviations(model, x, y, s), least_deviations(x, y, s), rtol=1e-9)
        assert 1.9 < model.coef_[0] < 2.0


class TestMedianScale:
    @SOLVERS
    def test_groups_with_a_constant_response(self, solver):
        i = np.arange(100)
        g = i // 20
        y = np.where(g < 3, 7.0 * g, 50 + np.sin(37.0 * i))
        G = np.eye(5)[g]
        model = quietly(HuberRegressor(scale="mad", solver=solver), G, y)
        # Any point between the two middle values of a group of twenty is a median.
        for k, fitted in enumerate(model.coef_ + model.intercept_):
            middle = np.sort(y[g == k])[9:11]
            assert middle[0] - 1e-9 <= fitted <= middle[1] + 1e-9
        assert_allclose(deviations(model, G, y), least_deviations(G, y), rtol=1e-9)

    @SOLVERS
    def test_dummies_that_occur_once(self, solver):
        i = np.arange(40)
        X = np.column_stack((np.eye(40)[:, :21], i))
        y = 3 + 2.0 * i + np.sin(11.0 * i)
        model = quietly(HuberRegressor(scale="mad", solver=solver), X, y)
        assert_allclose(deviations(model, X, y), least_deviations(X, y), rtol=1e-9)


@SOLVERS
@pytest.mark.parametrize("scale", ["joint", "mad"])
def test_max_iter_does_not_make_the_scale_zero(solver, scale):
    """A search for a fit at a scale of zero that was cut off is no exact fit."""
    for seed in range(25):
        rng = np.random.default_rng(seed)
        n, p = int(rng.integers(20, 80)), int(rng.integers(2, 8))
        X = rng.normal(size=(n, p))
        y = X.sum(axis=1) + rng.normal(size=n)
        y[: int(0.4 * n)] += 10.0 ** rng.integers(1, 12)
        for max_iter in (2, 5, 8, 11):
            model = HuberRegressor(scale=scale, delta=0.3, solver=solver, max_iter=max_iter)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)
                model.fit(X, y)  # a scale of zero would be an ExactFitWarning
            assert model.n_iter_ <= max_iter


@pytest.mark.parametrize("scale", ["joint", "mad"])
def test_weights_that_are_no_counts_and_leave_no_freedom(scale):
    """The effective number of observations is below that of parameters: the scale is zero.

    The coefficients are those of least absolute deviations.
    """
    rng = np.random.default_rng(1)
    X, y = rng.normal(size=(12, 3)), rng.normal(size=12)
    weights = np.full(12, 0.01)
    weights[:3] = 1.0
    with pytest.warns(ExactFitWarning):
        model = HuberRegressor(scale=scale).fit(X, y, weights)
    assert model.scale_ == 0.0
    expected = least_deviations(X, y, weights)
    assert_allclose(deviations(model, X, y, weights), expected, rtol=1e-6)


def test_a_warm_start_with_dependent_columns_and_weights_keeps_its_scale():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(50, 3)) @ rng.normal(size=(3, 60))
    y, weights = rng.normal(size=50), rng.integers(1, 6, 50).astype(float)
    model = HuberRegressor(warm_start=True).fit(X, y, weights)
    scale = model.scale_
    assert scale > 0.1
    assert_allclose(model.fit(X, y, weights).scale_, scale, rtol=1e-6)


class TestConstantResponse:
    @SOLVERS
    @pytest.mark.parametrize("alpha", [0.0, 0.01, 5.0, 1e6])
    @pytest.mark.parametrize("scale", ["joint", "mad"])
    @pytest.mark.parametrize("delta", [0.3, 1.345, np.inf, "auto"])
    @pytest.mark.parametrize("constant", [0.0, 7.0, -1e9])
    def test_is_the_intercept(self, solver, alpha, scale, delta, constant):
        X = np.random.default_rng(0).normal(size=(40, 3)) + 5.0
        model = HuberRegressor(delta=delta, alpha=alpha, scale=scale, solver=solver)
        with pytest.warns(ExactFitWarning):
            model.fit(X, np.full(40, constant))
        assert_allclose(model.intercept_, constant, atol=1e-9 * abs(constant))
        assert_allclose(model.coef_, 0.0, atol=1e-12 * abs(constant))
        assert model.scale_ == 0.0


@st.composite
def partly_exact(draw):
    """Draw X, y and weights, with exact rows, noisy rows and a few gross errors."""
    kind = draw(st.sampled_from(["groups", "zeros", "dummies", "heavy", "line"]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n, p = draw(st.integers(15, 80)), draw(st.integers(1, 4))
    share = draw(st.sampled_from([0.35, 0.55, 0.7, 0.85]))
    X, s = rng.normal(size=(n, p)), None
    noisy = rng.random(n) > share
    noise = noisy * rng.normal(size=n) * 10.0 ** rng.uniform(-1, 1)
    if kind == "groups":
        g = rng.integers(p + 2, size=n)
        X = np.eye(p + 2)[g]
        y = rng.normal(size=p + 2)[g] * 10 + noise * (g > 1)
    elif kind == "zeros":
        X = X * noisy[:, None]
        y = noisy * (5 + X.sum(axis=1)) + noise
    elif kind == "dummies":
        X = np.column_stack((X, np.eye(n)[:, : n // 3]))
        y = X[:, 0] + noise
    elif kind == "heavy":
        y = X.sum(axis=1) + rng.normal(size=n)
        s = rng.integers(1, 3, n).astype(float)
        s[: p + 1] = 50.0 * n
    else:
        y = X.sum(axis=1) + 3.0 + noise
    gross = rng.permutation(n)[: draw(st.integers(0, 3))]
    y[gross] += 10.0 ** rng.uniform(1, 5, gross.size)
    return kind, X, y, s


@examples(200)
@given(partly_exact(), st.sampled_from(["joint", "mad"]), st.sampled_from([0.5, 1.345, "auto"]))
def test_the_sum_of_deviations_is_least_where_the_scale_is_zero(data, scale, delta):
    kind, X, y, s = data
    least = None
    for solver in ("lbfgs", "newton"):
        model = quietly(HuberRegressor(scale=scale, delta=delta, solver=solver), X, y, s)
        note(f"{kind} {X.shape} {solver}: scale {model.scale_}, optimality {model.optimality_:.2g}")
        assert model.optimality_ <= 1e-6
        if model.scale_ == 0.0:
            least = least_deviations(X, y, s) if least is None else least
            size = np.abs(y).max()
            assert_allclose(deviations(model, X, y, s), least, rtol=1e-6, atol=1e-9 * size)


class TestUnderAPenalty:
    @SOLVERS
    def test_slopes_are_zero_and_the_intercept_is_the_median(self, solver, rng):
        X = rng.normal(size=(50, 3))
        y = np.where(np.arange(50) < 45, 2.0, 2.0 + rng.normal(size=50))
        with pytest.warns(ExactFitWarning, match="alpha=0"):
            model = HuberRegressor(alpha=1.0, solver=solver).fit(X, y)
        assert_allclose(model.coef_, 0.0, atol=1e-12)
        assert_allclose(model.intercept_, 2.0, rtol=1e-12)


@pytest.mark.parametrize("solver", ["lbfgs", "newton"])
@pytest.mark.parametrize("seed", range(5))
def test_fewer_rows_than_dependent_columns(seed, solver):
    """With more columns than rows, the fit is that of a basis of the columns."""
    rng = np.random.default_rng(seed)
    levels = np.eye(8)[rng.integers(0, 8, size=25)]
    X, y = np.hstack((levels, levels, levels, levels)), rng.standard_t(2, size=25)
    model = HuberRegressor(solver=solver, tol=1e-9).fit(X, y)
    basis = levels[:, levels.any(axis=0)][:, 1:]
    expected = HuberRegressor(solver=solver, tol=1e-9).fit(basis, y)
    assert_allclose(model.predict(X), expected.predict(basis), atol=1e-6)
    assert_allclose(model.scale_, expected.scale_, rtol=1e-6)


def test_more_columns_than_rows_beside_a_penalty():
    # The rows are rotated into their own space, and weighted there.
    rng = np.random.default_rng(30)
    X, y = rng.normal(size=(30, 200)), rng.normal(size=30)
    y[:18] = 0.0
    with pytest.warns(ExactFitWarning):
        model = HuberRegressor(alpha=1.0, scale="mad").fit(X, y)
    assert model.scale_ == 0.0
    assert_allclose(model.coef_, 0.0, atol=1e-12)


@examples(200)
@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(6, 30),
    more=st.integers(-2, 60),
    kind=st.sampled_from(["plain", "units", "dummies"]),
    weighted=st.booleans(),
    log_alpha=st.floats(-13.0, -7.0),
    scale=st.sampled_from(["joint", "mad"]),
    delta=st.sampled_from([0.3, 1.345, np.inf]),
    solver=st.sampled_from(["lbfgs", "newton"]),
)
def test_a_tiny_penalty_and_few_rows(
    seed, n, more, kind, weighted, log_alpha, scale, delta, solver
):
    """If the scale is zero, the rows that it needs are fitted exactly, by moderate coefficients."""
    rng = np.random.default_rng(seed)
    p = n + more
    X = np.eye(p)[rng.integers(p, size=n)] if kind == "dummies" else rng.normal(size=(n, p))
    if kind == "units":
        X *= 10.0 ** rng.uniform(-4.0, 4.0, p)
    y = rng.standard_t(3, size=n)
    s = rng.integers(0, 3, n).astype(float) if weighted else np.ones(n)
    s[0] = 1.0
    model = HuberRegressor(alpha=10.0**log_alpha, scale=scale, delta=delta, solver=solver)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExactFitWarning)
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(X, y, s)
    assume(model.scale_ == 0.0)
    exact = np.abs(y - model.predict(X)) < 1e-6 * np.median(np.abs(y))
    if scale == "mad":
        assert s[exact].sum() >= 0.5 * s.sum()
    elif model.coef_.any() and kind != "dummies":
        assert exact[s > 0.0].all()
    elif not model.coef_.any():
        # Then the equation of the scale has no positive root without slopes.
        outside = s[~exact].sum() * min(delta, 40.0) ** 2
        assert outside <= 2.0 * kappa(delta) * (s.sum() - 1.0) * (1.0 + 1e-9)
    assert np.max(np.abs(X) @ np.abs(model.coef_)) <= 1e6 * np.abs(y).max()
    if exact.all() and model.coef_.any():
        Z = X - X.mean(axis=0)
        least = np.linalg.lstsq(Z, y - y.mean(), rcond=1e-12)[0]
        assert np.linalg.norm(model.coef_) <= 1.01 * np.linalg.norm(least)


@pytest.mark.parametrize("delta", [1.345, np.inf])
@pytest.mark.parametrize("alpha", [1e-12, 1e-10])
def test_a_tiny_penalty_does_not_inflate_the_coefficients(rng, alpha, delta):
    """They were 10^13 times too large, or 400 times for delta=inf."""
    X, y = rng.normal(size=(30, 60)), rng.normal(size=30)
    with pytest.warns(ExactFitWarning, match="alpha=0"):
        model = HuberRegressor(alpha=alpha, scale="mad", delta=delta).fit(X, y)
    least = np.linalg.lstsq(X - X.mean(axis=0), y - y.mean(), rcond=1e-12)[0]
    assert_allclose(model.coef_, least, rtol=1e-6, atol=1e-9)
    assert_allclose(model.predict(X), y, atol=1e-9)


@pytest.mark.parametrize("seed", [*range(40), 54, 69, 82])
def test_weights_that_leave_no_freedom_have_least_deviations_or_a_warning(seed):
    """The scale is zero whatever the coefficients, so that it says nothing about them."""
    rng = np.random.default_rng(seed)
    n, p, low = (60, 20, -6.0) if seed > 10 else (30, 10, -4.0)
    X, y, s = rng.normal(size=(n, p)), rng.standard_t(1.5, size=n), 10.0 ** rng.uniform(low, 0.0, n)
    y += np.where(rng.random(n) < 0.3, 10 ** rng.uniform(1, 5), 0.0)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = HuberRegressor(delta=0.3).fit(X, y, s)
    warned = any(issubclass(w.category, ConvergenceWarning) for w in caught)
    assert warned == (not model.optimality_ <= 1e-6)
    if model.scale_ == 0.0 and not warned:
        assert deviations(model, X, y, s) <= least_deviations(X, y, s) * (1.0 + 1e-6)


def test_least_squares_if_the_threshold_is_infinite():
    X = np.eye(4)[[0, 0, 1, 1, 1, 2, 2, 3]][:, 1:]
    y = np.array([1.0, 1.0, 2.0, 2.0, 9.0, 3.0, 3.0, 4.0])
    with pytest.warns(ExactFitWarning, match="least squares"):
        model = HuberRegressor(scale="mad", delta=np.inf).fit(X, y)
    assert model.scale_ == 0.0
    assert model.optimality_ <= 1e-9
    assert_allclose(model.predict(np.eye(4)[:, 1:]), [1.0, 13.0 / 3.0, 3.0, 4.0])


@pytest.mark.parametrize("delta", [0.5, 1.345])
def test_residuals_of_rounding_errors_do_not_determine_the_scale(delta):
    """Groups of which some are fitted exactly, in 300 small samples."""
    for seed in range(300):
        rng = np.random.default_rng(seed)
        n, p = int(rng.integers(15, 40)), int(rng.integers(3, 6))
        g = rng.integers(p, size=n)
        y = 10.0 * rng.normal(size=p)[g]
        y += (g > 1) * (rng.random(n) > 0.35) * rng.normal(size=n)
        model = quietly(HuberRegressor(delta=delta), np.eye(p)[g], y)  # other warnings are errors
        assert model.optimality_ <= 1e-6
