"""Warnings, attributes and warm starts of a fit."""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from problems import plain
from sklearn.exceptions import ConvergenceWarning

from robustreg import (
    ExactFitWarning,
    HuberElasticNet,
    HuberElasticNetCV,
    HuberRegressor,
    HuberRegressorCV,
    MMRegressor,
)
from robustreg.tuning import kappa

SOLVERS = pytest.mark.parametrize("solver", ["lbfgs", "newton"])


class TestMaxIter:
    @SOLVERS
    @pytest.mark.parametrize("scale", ["joint", "mad", 0.1])
    def test_one_iteration_warns_with_the_distance(self, rng, solver, scale):
        X, y = plain(rng, n=100, p=5, contamination=0.3)
        with pytest.warns(ConvergenceWarning, match=r"max_iter=1 .* standard errors") as record:
            model = HuberRegressor(scale=scale, solver=solver, max_iter=1, tol=1e-12).fit(X, y)
        assert len(record) == 1
        assert record[0].message.optimality == model.optimality_
        assert record[0].message.tol == 1e-12
        assert "Increase max_iter" in str(record[0].message)
        assert model.n_iter_ == 1

    @pytest.mark.parametrize(
        "model",
        [
            HuberRegressor(max_iter=1, tol=1e-13),
            MMRegressor(max_iter=1, tol=1e-13, n_subsets=0),
            HuberElasticNet(1e-6, max_iter=1, tol=1e-17),
            HuberElasticNetCV(n_alphas=10, cv=2, max_iter=1, tol=1e-13),
            HuberRegressorCV(deltas=[1.0, 2.0], cv=2, scale="mad", max_iter=1, tol=1e-13),
        ],
        ids=lambda model: type(model).__name__,
    )
    def test_repeats_are_shown_once(self, rng, model):
        """Python's default filter shows a text once for each line, so the text must be the same."""
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            for _ in range(3):
                model.fit(*plain(rng, n=100, p=5, contamination=0.3))
        distances = {warning.message.optimality for warning in caught}
        assert len(distances) >= 3
        assert len({str(warning.message) for warning in caught}) <= 2  # of folds, and of the fit

    def test_the_warning_points_at_the_line_of_the_user(self, rng):
        X, y = plain(rng, n=100, p=5)
        with pytest.warns(ConvergenceWarning) as record:
            HuberRegressor(max_iter=1, tol=1e-14).fit(X, y)
        assert record[0].filename == __file__


class TestWarmStart:
    @pytest.mark.parametrize("intercept", [True, False])
    @pytest.mark.parametrize("scale", ["joint", "mad", 1.5])
    def test_the_same_solution_in_fewer_iterations(self, rng, intercept, scale):
        X, y = plain(rng, n=300, p=4)
        cold = HuberRegressor(fit_intercept=intercept, scale=scale, tol=1e-9).fit(X, y)
        model = HuberRegressor(fit_intercept=intercept, scale=scale, tol=1e-9, warm_start=True)
        for delta in (2.0, 1.6, 1.345):
            model.set_params(delta=delta).fit(X, y)
        # scikit-learn's own class adds a hidden intercept in the second fit without one.
        assert model.coef_.shape == (4,)
        assert_allclose(model.coef_, cold.coef_, rtol=1e-8)
        assert_allclose(model.intercept_, cold.intercept_, rtol=1e-8)
        assert model.fit(X, y).n_passes_ < cold.n_passes_

    def test_other_data(self, rng):
        model = HuberRegressor(warm_start=True, tol=1e-9)
        for n, p in ((50, 3), (70, 5), (40, 2)):
            X, y = plain(rng, n=n, p=p)
            model.fit(X, y)
            cold = HuberRegressor(tol=1e-9).fit(X, y)
            assert model.n_features_in_ == p
            assert_allclose(model.coef_, cold.coef_, rtol=1e-8)

    def test_another_intercept_setting(self, rng):
        X, y = plain(rng, n=60, p=3)
        model = HuberRegressor(warm_start=True, tol=1e-9).fit(X, y)
        model.set_params(fit_intercept=False).fit(X, y)
        assert model.intercept_ == 0.0
        assert_allclose(model.coef_, HuberRegressor(fit_intercept=False, tol=1e-9).fit(X, y).coef_)

    @pytest.mark.parametrize("shape", [(8, 7), (8, 8), (8, 20), (30, 30), (60, 5)])
    @pytest.mark.parametrize("alpha", [0.1, 5.0])
    def test_beside_a_penalty(self, rng, shape, alpha):
        """A start without its effective parameters left no degrees of freedom for the scale."""
        X, y = rng.normal(size=shape), rng.normal(size=shape[0])
        expected = HuberRegressor(alpha=alpha).fit(X, y)
        model = HuberRegressor(alpha=alpha, warm_start=True).fit(X, y).fit(X, y)
        assert_allclose(model.scale_, expected.scale_, rtol=1e-6)
        automatic = HuberRegressor(alpha=alpha, delta="auto").fit(X, y)
        expected = HuberRegressor(alpha=alpha, delta=automatic.delta_).fit(X, y)
        assert_allclose(automatic.scale_, expected.scale_, rtol=1e-6)

    def test_a_distant_start_is_left_if_it_leads_nowhere(self):
        rng = np.random.default_rng(9)
        X, y = np.eye(3)[rng.integers(3, size=10)][:, 1:], rng.normal(size=10)
        model = HuberRegressor(warm_start=True).fit(X, y).set_params(delta=0.05).fit(X, y)
        expected = HuberRegressor(delta=0.05).fit(X, y)
        assert_allclose(model.scale_, expected.scale_, rtol=1e-6)

    def test_from_an_exact_fit(self, rng):
        X, y = plain(rng, n=60, p=3)
        model = HuberRegressor(warm_start=True, tol=1e-9)
        with pytest.warns(ExactFitWarning):
            model.fit(X, X @ np.ones(3))
        assert_allclose(model.fit(X, y).coef_, HuberRegressor(tol=1e-9).fit(X, y).coef_, rtol=1e-8)

    def test_from_other_units(self, rng):
        X, y = plain(rng, n=60, p=3)
        model = HuberRegressor(warm_start=True, tol=1e-9).fit(X, 1e12 * y)
        assert_allclose(model.fit(X, y).coef_, HuberRegressor(tol=1e-9).fit(X, y).coef_, rtol=1e-8)

    def test_without_it_a_fit_does_not_depend_on_the_last(self, rng):
        X, y = plain(rng, n=60, p=3)
        model = HuberRegressor().fit(X, 100 * y)
        assert_array_equal(model.fit(X, y).coef_, HuberRegressor().fit(X, y).coef_)


class TestFittedAttributes:
    @pytest.mark.parametrize("scale", ["joint", "mad", 2.0])
    def test_they_mean_what_the_docstring_says(self, rng, scale):
        X, y = plain(rng, n=80, p=3)
        model = HuberRegressor(scale=scale).fit(X, y)
        e = y - model.predict(X)
        assert model.threshold_ == model.delta_ * model.scale_
        assert_array_equal(model.outliers_, np.abs(e) > model.threshold_)
        assert_allclose(model.weights_, np.minimum(1, model.threshold_ / np.abs(e)), rtol=1e-9)
        assert isinstance(model.intercept_, float)
        assert isinstance(model.optimality_, float)
        assert isinstance(model.n_iter_, int)
        assert model.coef_.shape == (3,)
        if scale == "mad":
            assert_allclose(model.scale_, np.median(np.abs(e)) / 0.674489750196, rtol=1e-6)
        elif scale == "joint":
            left = np.minimum(e**2, model.threshold_**2).sum()
            assert_allclose(left, 2 * kappa(1.345) * 76 * model.scale_**2, rtol=1e-6)
        else:
            assert model.scale_ == 2.0

    def test_the_scale_counts_effective_parameters_beside_a_penalty(self, rng):
        X, y = plain(rng, n=80, p=3)
        model = HuberRegressor(alpha=30.0).fit(X, y)
        e = y - model.predict(X)
        centred = X - np.average(X, axis=0, weights=model.weights_)
        gram = centred.T @ (model.weights_[:, None] * centred)
        edf = 1 + np.trace(np.linalg.solve(gram + 30.0 * np.eye(3), gram))
        left = np.minimum(e**2, model.threshold_**2).sum()
        assert_allclose(left, 2 * kappa(1.345) * (80 - edf) * model.scale_**2, rtol=1e-6)
