"""Sparse X without a Gram matrix: rows beyond the threshold, few rows, and a true certificate."""

import warnings

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose
from sklearn.exceptions import ConvergenceWarning

from robustreg import ExactFitWarning, HuberRegressor
from robustreg.design.dense import DenseDesign
from robustreg.design.sparse import SparseDesign
from robustreg.losses import Huber
from robustreg.penalties import Ridge
from robustreg.problem import Problem
from robustreg.scales import GivenScale, JointScale
from robustreg.solvers.certificate import local_model
from robustreg.solvers.preconditioner import Preconditioner


@pytest.fixture
def without(monkeypatch):
    """As if there were too many columns for a Gram matrix."""
    for design in (DenseDesign, SparseDesign):
        monkeypatch.setattr(design, "widest_gram", 1)


def levels_with_one_far(n_levels, far):
    """Return dummies of five rows a level, and y in which the first level is far away."""
    level = np.repeat(np.arange(n_levels), 5)
    X = sp.csr_array((np.ones(level.size), (np.arange(level.size), level)))
    y = np.random.default_rng(0).normal(size=level.size)
    y[:5] += far
    return X, y


@pytest.mark.parametrize("far", [1e3, 1e7])
@pytest.mark.parametrize("scale", ["joint", "mad", 1.0])
@pytest.mark.parametrize("intercept", [True, False])
def test_a_level_beyond_the_threshold_is_fitted(scale, intercept, far):
    """No row of the level is within the threshold at the start, and its coefficient must move."""
    X, y = levels_with_one_far(2_100, far)
    model = HuberRegressor(scale=scale, fit_intercept=intercept).fit(X, y)  # warnings are errors
    assert_allclose(model.predict(X[:5]), far, atol=3.0)
    psi = np.clip(y - model.predict(X), -model.threshold_, model.threshold_)
    assert_allclose(X.T @ psi, 0.0, atol=1e-4)


@pytest.mark.parametrize("seed", range(40))
def test_no_row_within_the_threshold_is_no_solution(without, seed):
    rng = np.random.default_rng(seed)
    p = int(rng.integers(1, 4))
    X = rng.normal(size=(5 * p + 1, p))
    y = X.sum(axis=1) + rng.normal(size=X.shape[0])
    y[: X.shape[0] // 3] += 1e4
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = HuberRegressor(scale=1.0).fit(X, y)
    psi = np.clip(y - model.predict(X), -1.345, 1.345)
    gradient = np.append(X.T @ psi, psi.sum())
    assert bool(caught) == (model.optimality_ > 1e-6)
    assert caught or np.abs(gradient).max() <= 1e-3


@pytest.mark.parametrize("shape", [(30, 60), (59, 60), (61, 60), (100, 60)])
@pytest.mark.parametrize("scale", ["joint", "mad", 1.0])
@pytest.mark.filterwarnings("ignore::robustreg.ExactFitWarning")
def test_few_sparse_rows_are_fitted_as_dense_ones(monkeypatch, shape, scale):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=shape) * (rng.random(shape) < 0.2), rng.standard_t(3, size=shape[0])
    expected = HuberRegressor(scale=scale).fit(X, y)
    monkeypatch.setattr(SparseDesign, "widest_gram", 20)
    model = HuberRegressor(scale=scale).fit(sp.csr_array(X), y)
    assert_allclose(model.predict(X), expected.predict(X), atol=1e-5)
    assert_allclose(model.scale_, expected.scale_, rtol=1e-5)


@pytest.mark.parametrize("max_iter", [3, 10, 1000])
@pytest.mark.parametrize("scale", ["mad", 1.0])
@pytest.mark.parametrize("seed", range(5))
def test_the_distance_of_correlated_columns_is_true(without, seed, scale, max_iter):
    """The certificate by conjugate gradients agrees with the Hessian, solved or not."""
    rng = np.random.default_rng(seed)
    n, p = 400, 60
    X = rng.normal(size=(n, p)) * (rng.random((n, p)) < 0.2)
    X[:, 1:] += 0.7 * X[:, :-1]
    y = X.sum(axis=1) + rng.standard_t(2, size=n)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = HuberRegressor(scale=scale, max_iter=max_iter).fit(sp.csr_array(X), y)
    residuals, rows = y - model.predict(X), np.column_stack((X, np.ones(n)))
    inside = np.abs(residuals) <= model.threshold_
    psi = np.clip(residuals, -model.threshold_, model.threshold_)
    gradient = rows.T @ psi
    step = np.linalg.solve(rows[inside].T @ rows[inside], gradient)
    noise = np.sqrt(psi @ psi / inside.sum())
    assert np.sqrt(gradient @ step) / noise <= 2.0 * model.optimality_
    assert max_iter < 1000 or model.optimality_ <= 1e-6


def random_walks(seed):
    """Return columns that are points of a random walk, each the last one plus a step, and y."""
    rng = np.random.default_rng(seed)
    steps = rng.normal(size=(600, 60)) * (rng.random((600, 60)) < 0.3)
    X = np.cumsum(steps, axis=1)
    return X, X @ rng.normal(size=60) + rng.standard_t(3, size=600)


@pytest.mark.parametrize("seed", [0, 1, 2, 119])
def test_nearly_dependent_columns_converge_within_the_tolerance(without, seed):
    """The memory of L-BFGS and conjugate gradients use each other's products with the Hessian.

    When they did not, these fits took 260 to 500 passes, and the last ended at 2.6 times tol.
    """
    X, y = random_walks(seed)
    model = HuberRegressor(scale=1.0).fit(sp.csr_array(X), y)
    residuals, rows = y - model.predict(X), np.column_stack((X, np.ones(600)))
    inside = np.abs(residuals) <= model.threshold_
    psi = np.clip(residuals, -model.threshold_, model.threshold_)
    gradient = rows.T @ psi
    step = np.linalg.solve(rows[inside].T @ rows[inside], gradient)
    distance = np.sqrt(gradient @ step) / np.sqrt(psi @ psi / inside.sum())
    assert distance <= 1.1 * model.optimality_ <= 1.1e-6
    assert model.n_passes_ <= 200


def test_a_system_that_was_solved_before_costs_few_passes(without):
    """The products of a first solution make a better preconditioner for a second one."""
    X, y = random_walks(0)
    design = SparseDesign(sp.csr_array(X), y, None, centered=True)
    problem = Problem(design, Huber(1.345), GivenScale(1.0), Ridge(0.0), fit_intercept=True)
    objective = problem.least_squares()
    model = local_model(objective, np.zeros(61), 0.0)
    gradient, secants, passes = np.random.default_rng(0).normal(size=61), [], []
    for _ in range(2):
        before = design.passes
        model.metric.solve(gradient, None, secants)
        passes.append(design.passes - before)
    assert len(secants) == sum(passes)
    assert passes[0] >= 20
    assert passes[1] <= 0.2 * passes[0]


def test_dependent_columns_and_weights_are_no_exact_fit(without):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(50, 3)) @ rng.normal(size=(3, 60))
    y, weights = rng.normal(size=50), rng.integers(1, 6, 50).astype(float)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ExactFitWarning)
        warnings.simplefilter("ignore", ConvergenceWarning)
        assert HuberRegressor().fit(sp.csr_array(X), y, weights).scale_ > 0.1


@pytest.mark.parametrize("seed", [*range(10), 14, 38, 43])
def test_conjugate_gradients_end_at_an_exact_fit(without, seed):
    """Most rows are fitted exactly, and gradients are rounding errors that no step removes."""
    rng = np.random.default_rng(seed)
    X, y = rng.normal(size=(207, 14)), np.ones(207)
    y[:38] = rng.integers(0, 6, 38)
    with pytest.warns(ExactFitWarning):
        model = HuberRegressor(scale="mad").fit(X, y)
    assert model.scale_ == 0.0
    assert_allclose(model.predict(X), 1.0, atol=1e-9)
    assert model.n_passes_ <= 3_000


@pytest.mark.parametrize("seed", [18, 24, 30, 39, 46, 64, 93, 95, 114, 117])
def test_the_scale_moves_where_no_row_is_within_the_threshold(monkeypatch, seed):
    """The scale has no curvature there, so that neither steps nor the distance contained it."""
    rng = np.random.default_rng([149, seed])
    n, p = int(rng.integers(30, 80)), int(rng.integers(4, 10))
    level = rng.integers(p, size=n)
    level[:p] = np.arange(p)
    X = np.eye(p)[level][:, 1:]
    y = X @ rng.normal(size=p - 1) * 100 + rng.normal(size=n)
    y[: int(rng.choice([0.3, 0.4, 0.45]) * n)] += 1e7
    for delta in (0.5, 0.7):
        expected = HuberRegressor(delta=delta).fit(X, y)
        with monkeypatch.context() as patch:
            patch.setattr(DenseDesign, "widest_gram", 1)
            model = HuberRegressor(delta=delta).fit(X, y)
        assert_allclose(model.scale_, expected.scale_, rtol=1e-6)


@pytest.mark.parametrize("seed", [6, 7, 72, 85, 93, 109, 130, 131, 141, 142])
def test_outliers_on_one_side_that_determine_the_scale(monkeypatch, seed):
    """The residuals within the threshold become linear in X, so that the Hessian is singular."""
    rng = np.random.default_rng([340, seed])
    n, p = int(rng.integers(30, 60)), int(rng.integers(1, 5))
    X = rng.integers(-2, 3, size=(n, p)).astype(float)
    y = X.sum(axis=1) + rng.normal(size=n)
    y[: int(rng.choice([0.25, 0.3, 0.35]) * n)] += 10.0 ** rng.integers(6, 13)
    expected = HuberRegressor().fit(X, y)
    monkeypatch.setattr(DenseDesign, "widest_gram", 1)
    model = HuberRegressor().fit(X, y)
    assert_allclose(model.scale_, expected.scale_, rtol=1e-5)


def zero_inflated(n_levels, share, seed=0):
    """Return dummies of ten rows a level in the mean, y, and the level of each row."""
    rng = np.random.default_rng(seed)
    n = 10 * n_levels
    level = rng.integers(n_levels, size=n)
    X = sp.csr_array((np.ones(n), (np.arange(n), level)), shape=(n, n_levels))
    y = np.where(rng.random(n) < share, 0.0, rng.gamma(1.0, 10.0, n))
    y[0] = 1e6
    return X, y, level


@pytest.mark.parametrize("solver", ["lbfgs", "newton"])
def test_many_levels_and_mostly_zeros(solver):
    """The sum of deviations is that of the medians of the levels."""
    X, y, level = zero_inflated(2_100, 0.9)
    with pytest.warns(ExactFitWarning):
        model = HuberRegressor(solver=solver).fit(X, y)
    least = sum(np.abs(y[level == k] - np.median(y[level == k])).sum() for k in np.unique(level))
    assert_allclose(np.abs(y - model.predict(X)).sum(), least, rtol=1e-9)
    assert model.scale_ == 0.0
    assert model.optimality_ <= 1e-6
    assert model.n_passes_ <= 500  # with the diagonal alone, more than 100,000


@pytest.mark.parametrize("share", [0.0, 0.5, 0.7])
def test_levels_cost_few_passes(share):
    X, y, _ = zero_inflated(2_100, share)
    model = HuberRegressor().fit(X, y)
    assert model.optimality_ <= 1e-6
    assert model.n_passes_ <= 200  # with the diagonal alone, up to 6,000


@pytest.mark.parametrize("mixing", [None, 0.0, 0.1])
def test_the_approximation_is_nearly_exact_for_levels(mixing):
    """Levels of one factor depend on each other in one direction only, that of their mean."""
    X, y, _ = zero_inflated(100, 0.3)
    X = X[:, 1:]
    design = SparseDesign(X, y, None, centered=True)
    problem = Problem(design, Huber(1.345), GivenScale(10.0), Ridge(0.0), fit_intercept=True)
    objective = problem.at_scale(10.0)
    parameters = np.random.default_rng(1).normal(size=100)
    _, preconditioner = Preconditioner.at(objective, parameters, mixing)
    _, hessian, _ = objective.with_curvature(parameters, mixing, factor=False)
    product = np.array([preconditioner.solve(column) for column in hessian.T])
    eigenvalues = np.sort(np.linalg.eigvals(product).real)
    assert_allclose(eigenvalues[1:], 1.0, atol=0.05)
    direction = np.random.default_rng(2).normal(size=100)
    step = preconditioner.solve(direction)
    assert_allclose(preconditioner.curvature_along(step), step @ direction, rtol=1e-9)


def test_the_parts_of_the_preconditioner_agree_with_its_matrix(rng):
    X, y = rng.normal(size=(60, 3)) + 5.0, rng.normal(size=60)
    design = SparseDesign(sp.csr_array(X), y, None, centered=True)
    problem = Problem(design, Huber(1.0), JointScale(), Ridge(0.0), fit_intercept=True)
    objective = problem.jointly()
    parameters = np.append(rng.normal(size=4), 1.0)
    _, preconditioner = Preconditioner.at(objective, parameters, 0.0)
    inverse = np.array([preconditioner.solve(unit) for unit in np.eye(5)])
    assert_allclose(inverse, inverse.T, atol=1e-15)
    gradient = rng.normal(size=5)
    at_scale = np.linalg.solve(np.linalg.inv(inverse)[:4, :4], gradient[:4])
    assert_allclose(preconditioner.solve(gradient, at_scale=True), [*at_scale, 0.0], rtol=1e-9)
    size = rng.uniform(0.5, 2.0, 4)
    expected = np.sqrt(np.diag(inverse)[:4] @ size**2)
    assert_allclose(preconditioner.magnification(size), expected, rtol=1e-9)
