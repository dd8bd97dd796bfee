"""The scale with a penalty, the start of the MAD, the pilot of "auto", and small thresholds."""

import warnings

import numpy as np
import pytest
from effort import examples
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from problems import conditioned
from scipy.stats import norm
from sklearn.linear_model import Ridge

from robustreg import ExactFitWarning, HuberRegressor
from robustreg.datasets import load_stackloss
from robustreg.solvers.root import Root
from robustreg.tuning import kappa

SOLVERS = pytest.mark.parametrize("solver", ["lbfgs", "newton"])


@SOLVERS
class TestBesideAPenalty:
    """With unit noise and slopes of thirty, the scale is the noise for any penalty."""

    @pytest.fixture
    def data(self):
        r = np.random.default_rng(0)
        X = r.normal(size=(200, 5))
        return X, X @ np.full(5, 30.0) + r.normal(size=200)

    @pytest.mark.parametrize(
        ("alpha", "scale"),
        [(0.0, 0.989), (1e-12, 0.989), (0.01, 0.989), (0.1, 0.990), (1.0, 1.076)],
    )
    def test_the_scale_is_that_of_the_residuals(self, data, solver, alpha, scale):
        assert_allclose(
            HuberRegressor(alpha=alpha, solver=solver).fit(*data).scale_, scale, atol=6e-4
        )

    def test_outliers_keep_their_small_weight(self, data, solver):
        X, y = data[0], data[1].copy()
        y[:20] += 20
        weights = [
            HuberRegressor(alpha=alpha, solver=solver).fit(X, y).weights_[:20].mean()
            for alpha in (0.0, 1.0)
        ]
        assert_allclose(weights, 0.085, atol=0.01)

    def test_at_infinity_coefficients_are_those_of_ridge(self, data, solver):
        model = HuberRegressor(alpha=3.0, delta=np.inf, solver=solver).fit(*data)
        assert_allclose(model.coef_, Ridge(3.0).fit(*data).coef_, rtol=1e-12)

    def test_a_vanishing_penalty_is_none(self, solver):
        X, y = conditioned(np.random.default_rng(1), 50, 25)
        scales = [HuberRegressor(alpha=a, solver=solver).fit(X, y).scale_ for a in (0.0, 1e-12)]
        assert_allclose(scales[1], scales[0], rtol=1e-6)


@examples(60)
@given(
    st.integers(0, 2**32 - 1),
    st.integers(1, 12),
    st.sampled_from([1e-6, 1e-2, 1.0, 100.0]),
    st.sampled_from([0.3, 1.345, np.inf]),
)
def test_the_equation_with_the_effective_parameters_holds(seed, p, alpha, delta):
    rng = np.random.default_rng(seed)
    X, y = conditioned(rng, 6 * p + 20, p, contamination=0.1)
    model = HuberRegressor(alpha=alpha, delta=delta, tol=1e-9, max_iter=500).fit(X, y)
    e, w = y - model.predict(X), model.weights_
    centred = X - np.average(X, axis=0, weights=w)
    gram = centred.T @ (w[:, None] * centred)
    edf = 1 + np.trace(np.linalg.solve(gram + alpha * np.eye(p), gram))
    left = np.minimum(e**2, model.threshold_**2).sum()
    assert_allclose(left, 2 * kappa(delta) * (len(y) - edf) * model.scale_**2, rtol=1e-6)
    psi = np.clip(e, -model.threshold_, model.threshold_)
    gradient = alpha * model.coef_ - psi @ X
    assert np.abs(gradient).max() <= 1e-6 * np.abs(psi).sum() * np.abs(X).max()


def test_weights_that_are_no_counts_on_the_stack_loss_data():
    X, y = load_stackloss(return_X_y=True)
    for c in (1.0, 0.5, 0.2, 1 / 21, 1e-9):
        assert_allclose(HuberRegressor().fit(X, y, np.full(21, c)).scale_, 2.8551, atol=1e-4)


class TestAuto:
    @pytest.mark.parametrize("share", [0.25, 0.3])
    def test_outliers_on_one_side_do_not_mislead_the_choice(self, share):
        # Squared error of the slopes divided by that of the best delta, mean of 20 samples.
        ratios = []
        for seed in range(20):
            r = np.random.default_rng(seed)
            X = r.normal(size=(200, 5))
            y = X.sum(axis=1) + r.normal(size=200)
            y[: int(200 * share)] += 100
            error = lambda m: ((m.coef_ - 1) ** 2).sum()  # noqa: E731
            best = min(error(HuberRegressor(delta=d).fit(X, y)) for d in (0.3, 0.5, 0.7, 1.0))
            ratios.append(error(HuberRegressor(delta="auto").fit(X, y)) / best)
        assert np.mean(ratios) < 1.5

    @pytest.mark.parametrize("kind", ["rounded", "zeros", "more zeros"])
    def test_a_pilot_without_a_scale_is_taken_at_a_larger_delta(self, kind):
        r = np.random.default_rng(0)
        x = r.normal(size=300)
        y = {
            "rounded": np.round(0.15 * x + 0.6 * r.normal(size=300)),
            "zeros": np.where(r.random(300) < 0.4, 0.0, 0.5 * x + r.normal(size=300)),
            "more zeros": np.where(r.random(300) < 0.55, 0.0, 5 + 2 * x + r.normal(size=300)),
        }[kind]
        model = HuberRegressor(delta="auto").fit(x[:, None], y)
        assert model.scale_ > 0.3
        assert model.coef_[0] > 0.1


@SOLVERS
def test_the_mad_takes_the_smaller_of_two_solutions(solver):
    r = np.random.default_rng(3)
    x = r.normal(size=(24, 1))
    y = x[:, 0] + 0.3 * r.normal(size=24)
    y[: r.integers(5, 9)] += r.choice([5, 10, 20, 50])
    model = HuberRegressor(scale="mad", solver=solver).fit(x, y)
    assert_allclose(model.coef_, 0.789, atol=1e-3)
    assert_allclose(model.scale_, 0.775, atol=1e-3)


@SOLVERS
@pytest.mark.parametrize("seed", range(12))
def test_few_rows_a_parameter_and_a_small_threshold(seed, solver):
    X, y = conditioned(np.random.default_rng(seed), 28, 11, cond=10.0, contamination=0.35)
    model = HuberRegressor(delta=0.05, alpha=1e-6, solver=solver).fit(X, y)  # warnings are errors
    assert model.optimality_ <= 1e-6
    assert model.n_passes_ <= 100


def test_a_bracket_with_a_wrong_end_is_left():
    """An end that was tried with coefficients far from their minimum must not hold the search."""
    root = Root()
    root.add(-1.0, 0.5)  # wrong: the excess is negative above the root, which is at -2
    trial = 0.0
    for _ in range(40):
        excess = 0.5 * (-2.0 - trial)
        if abs(excess) < 1e-9:
            break
        root.add(trial, excess)
        if root.is_wrong(0.01):
            root.keep_last()
        trial = root.next()
    assert_allclose(trial, -2.0, atol=1e-8)


@SOLVERS
@pytest.mark.parametrize("seed", range(20))
def test_the_mad_beside_a_penalty_and_hardly_more_rows_than_columns(seed, solver):
    rng = np.random.default_rng(seed)
    p = int(rng.integers(5, 30))
    n = p + int(rng.integers(10, 30))
    X = rng.normal(size=(n, p))
    y = X @ rng.normal(size=p) + rng.standard_t(2, size=n)
    model = HuberRegressor(scale="mad", alpha=1e-3, solver=solver)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.fit(X, y)
    assert bool(caught) == (model.optimality_ > 1e-6 or model.scale_ == 0.0)
    residuals = np.abs(y - model.predict(X))
    if model.scale_ > 0.0 and not caught:
        assert_allclose(np.median(residuals) / norm.ppf(0.75), model.scale_, rtol=1e-5)
        psi = np.clip(y - model.predict(X), -1.345 * model.scale_, 1.345 * model.scale_)
        assert_allclose(X.T @ psi, 1e-3 * model.coef_, atol=1e-4 * model.scale_)


@pytest.mark.parametrize("max_iter", [1, 5, 30])
def test_the_mad_counts_all_its_iterations(max_iter):
    for seed in range(10):
        X, y = conditioned(np.random.default_rng(seed), 40, 12, contamination=0.35)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = HuberRegressor(scale="mad", delta=0.3, max_iter=max_iter).fit(X, y)
        assert model.n_iter_ <= max_iter


@examples(100)
@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from(["joint", "mad", 1.0]),
    st.sampled_from([0.05, 0.5, 1.345, np.inf]),
    st.sampled_from([0.0, 1e-6, 1.0]),
    st.sampled_from([0.0, 1e3, 1e12]),
    st.integers(1, 60),
)
def test_a_warning_if_and_only_if_the_distance_is_above_tol(
    seed, scale, delta, alpha, offset, max_iter
):
    rng = np.random.default_rng(seed)
    X, y = conditioned(rng, 40, 4, contamination=0.2, cond=10.0 ** rng.integers(0, 10))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = HuberRegressor(delta=delta, scale=scale, alpha=alpha, max_iter=max_iter)
        model.fit(X + offset, y)
    doubtful = [w for w in caught if w.category is not ExactFitWarning]
    assert bool(doubtful) == bool(model.optimality_ > model.tol)


@pytest.mark.parametrize("parameters", [{"delta": 1e-320}, {"scale": 1e-320}], ids=str)
def test_a_threshold_that_underflows_is_refused(rng, parameters):
    X, y = conditioned(rng, 40, 3)
    with pytest.raises(ValueError, match="cannot be told from zero"):
        HuberRegressor(**parameters).fit(X, y)


def test_a_scale_that_vanishes_in_units_of_y_is_refused(rng):
    X, y = conditioned(rng, 40, 3)
    with pytest.raises(ValueError, match="cannot be told from zero"):
        HuberRegressor(scale=1e-300).fit(X, 1e290 * y)


@pytest.mark.parametrize("seed", [198, 547, 574])
def test_the_search_for_sigma_does_not_alternate(seed):
    """With outliers on one side and a penalty, two values of sigma were tried in turn.

    A long step of sigma led back to the last value if the coefficients were not solved.
    """
    rng = np.random.default_rng([760, seed])
    n, p = int(rng.integers(40, 500)), int(rng.integers(3, 20))
    X = rng.normal(size=(n, p))
    y = X @ rng.normal(size=p) * 10.0 ** rng.uniform(0, 2) + rng.standard_t(2, size=n)
    y[: n // 4] += 10.0 ** rng.uniform(0.5, 2)
    model = HuberRegressor(alpha=10.0 ** rng.uniform(-1, 2.5)).fit(X, y)
    assert model.n_iter_ <= 30


# Residuals of 1e-7 have lost digits to rounding, so that a distance of 1e-6 may be out of reach.
@pytest.mark.filterwarnings("default:.*rounding errors:sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("shape", [(15, 20), (15, 14), (30, 30), (20, 80)])
@pytest.mark.parametrize("alpha", [1e-7, 1e-5, 1e-2])
def test_the_scale_beside_a_tiny_penalty_and_few_rows(rng, shape, alpha):
    """For delta=inf it is that of ridge regression, by the singular values of the centred X."""
    n = shape[0]
    X, y = rng.normal(size=shape), rng.normal(size=n)
    model = HuberRegressor(alpha=alpha, delta=np.inf).fit(X, y)
    U, singular, _ = np.linalg.svd(X - X.mean(axis=0), full_matrices=False)
    kept = singular > 1e-9
    taken = alpha / (singular[kept] ** 2 + alpha)
    residual = taken * (U[:, kept].T @ (y - y.mean()))
    expected = np.sqrt(residual @ residual / taken.sum())
    assert_allclose(model.scale_, expected, rtol=1e-6)
