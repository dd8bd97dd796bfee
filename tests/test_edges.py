"""Every row of DESIGN.md's table of edges: exact fits, outliers, deltas, sizes; warm starts."""

import warnings

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from problems import conditioned, plain
from reference import distance, requires_extended
from sklearn.exceptions import ConvergenceWarning
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
        # More than 1 - 2 kappa/delta² of the weight has to fit: 0.61 at 1.345, 0.35 at 0.7; and a
        # little more, for the exact rows' psi, which balance those of the others, count in the
        # scale too.
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
        # At an exact fit the penalty alone, alpha |w|² = 3, is 2 kappa nu sigma².
        assert model.scale_ > 0.1
        assert model.optimality_ <= 1e-6

    # Residuals of 1e-9 have lost six digits to rounding, so that a distance of 1e-6 need not be
    # reached.
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

    def test_noise_below_the_rounding_of_y_is_one(self, rng):
        X = rng.normal(size=(200, 3))
        y = X @ np.array([1.0, -2.0, 0.5]) + 1e12
        with pytest.warns(ExactFitWarning):
            model = HuberRegressor().fit(X, y)
        assert_allclose(model.coef_, [1.0, -2.0, 0.5], atol=1e-4)


class TestDeltas:
    @SOLVERS
    @pytest.mark.parametrize("scale", ["mad", 1.0])
    @pytest.mark.parametrize("delta", [0.01, 1e-4])
    def test_a_small_delta_is_near_the_median_regression(self, rng, solver, scale, delta):
        X, y = conditioned(rng, 400, 3, contamination=0.1)
        model = HuberRegressor(delta=delta, scale=scale, solver=solver, max_iter=1000).fit(X, y)
        # The conditions of the least absolute deviations up to the rows inside the threshold.
        outside = np.sign(y - model.predict(X)) * model.outliers_
        A = np.column_stack((np.ones(400), X))
        assert (np.abs(outside @ A) <= np.abs(A[~model.outliers_]).sum(axis=0) + 1e-6).all()
        assert np.count_nonzero(~model.outliers_) < 4 + 400 * 2 * delta
        assert model.optimality_ <= 1e-6

    @SOLVERS
    @pytest.mark.parametrize("delta", [0.01, 0.1, 0.3])
    def test_a_small_delta_with_the_joint_scale(self, rng, solver, delta):
        # 2 kappa / delta² is 0.992 at 0.01: a solution that fits four rows of 400 exactly has no
        # scale, and one that fits three does.
        X, y = plain(rng, n=400, p=3)
        with warnings.catch_warnings():
            warnings.simplefilter("error", ConvergenceWarning)
            warnings.simplefilter("ignore", ExactFitWarning)
            model = HuberRegressor(delta=delta, solver=solver, max_iter=1000).fit(X, y)
        least = HuberRegressor(delta=delta, scale=1e-3, solver=solver, max_iter=1000).fit(X, y)
        if model.scale_ == 0:
            exact = np.count_nonzero(~model.outliers_)
            assert delta**2 * (400 - exact) <= 2 * kappa(delta) * 396
        error = np.abs(y - model.predict(X)).sum() / np.abs(y - least.predict(X)).sum()
        assert error < 1.02

    @SOLVERS
    @pytest.mark.parametrize("scale", ["joint", "mad", 1.0])
    @pytest.mark.parametrize("delta", [1e4, 1e12, 1e300, INF])
    def test_a_huge_delta_is_least_squares(self, rng, solver, scale, delta):
        X, y = plain(rng, n=100, p=3)
        expected = LinearRegression().fit(X, y)
        model = HuberRegressor(delta=delta, scale=scale, solver=solver).fit(X, y)
        assert_allclose(model.coef_, expected.coef_, rtol=1e-9)
        assert not model.outliers_.any()
        assert_allclose(model.threshold_, delta * model.scale_)

    def test_auto_chooses_by_the_tails(self, rng):
        X = rng.normal(size=(2000, 3))
        normal = HuberRegressor(delta="auto").fit(X, rng.normal(size=2000))
        heavy = HuberRegressor(delta="auto").fit(X, rng.standard_t(1.5, size=2000))
        uniform = HuberRegressor(delta="auto").fit(X, rng.uniform(-1, 1, size=2000))
        assert heavy.delta_ < 1.2 < normal.delta_
        assert uniform.delta_ > 1.7


class TestOutliers:
    @SOLVERS
    @pytest.mark.parametrize("size", [1e3, 1e5, 1e8])
    @pytest.mark.parametrize(
        ("scale", "sides", "share", "holds"),
        [
            ("joint", 2, 0.38, True),
            ("joint", 2, 0.45, False),
            ("joint", 1, 0.26, True),
            ("joint", 1, 0.30, False),
            ("mad", 2, 0.45, True),
            ("mad", 1, 0.31, True),
            ("mad", 1, 0.36, False),
            ("mad", 1, 0.45, False),
        ],
    )
    @requires_extended
    def test_gross_outliers_to_the_breakdown_and_beyond(
        self, rng, solver, size, scale, sides, share, holds
    ):
        """The exact minimiser on either side of the breakdown point.

        A share q of outliers on both sides in equal numbers leaves the joint scale finite while
        ``q delta² < 2 kappa``: 0.393 at 1.345. Outliers on one side also pull the intercept, by
        ``q delta sigma / (1 - q)``, which the other rows have as residuals: there it is
        ``q delta² / (1 - q) < 2 kappa``, 0.282 (Huber 1981, section 6.6). For the MAD about zero,
        the same pull is below the median's 0.6745 sigma while ``q < 0.334``, and not 0.5.
        """
        X = rng.normal(size=(1000, 3))
        y = X @ np.array([1.0, -2.0, 0.5]) + rng.normal(size=1000)
        outliers = np.arange(1000) < 1000 * share
        y[outliers] += size * ((-1.0) ** (np.arange(1000) * (sides - 1)))[outliers]
        model = HuberRegressor(scale=scale, solver=solver).fit(X, y)
        assert distance(model, X, y).total <= 1.25e-6
        if holds:
            assert model.scale_ < 20
            assert model.outliers_[outliers].all()
        else:
            assert model.scale_ > 0.3 * size

    @requires_extended
    @pytest.mark.parametrize("size", [1e8, 1e100, 1e150])
    def test_one_absurd_value(self, rng, size):
        X, y = plain(rng, n=100, p=3)
        clean = HuberRegressor(tol=1e-9).fit(X, y)
        y[7] = size
        one = HuberRegressor(tol=1e-9).fit(X, y)
        y[7] = 10 * size
        ten = HuberRegressor(tol=1e-9).fit(X, y)
        # A clipped residual has no size.
        assert_allclose(one.coef_, ten.coef_, rtol=1e-8)
        assert np.abs(one.coef_ - clean.coef_).max() < clean.scale_
        assert one.outliers_[7]
        assert distance(one, X, y).total <= 1.25e-9


class TestShapes:
    @requires_extended
    def test_one_column(self, rng):
        X, y = plain(rng, n=30, p=1)
        for model in (HuberRegressor(), HuberRegressor(fit_intercept=False)):
            assert distance(model.fit(X, y), X, y).total <= 1.25e-6

    def test_one_row_without_an_intercept(self):
        with pytest.warns(ExactFitWarning):
            model = HuberRegressor(fit_intercept=False).fit([[3.0, 4.0]], [5.0])
        assert_allclose(model.coef_, [0.6, 0.8], rtol=1e-12)  # of least norm

    def test_no_columns(self):
        with pytest.raises(ValueError, match=r"0 feature\(s\)"):
            HuberRegressor().fit(np.empty((5, 0)), np.ones(5))

    def test_columns_of_zeros_alone_are_a_location(self, rng):
        y = rng.standard_t(2, size=100)
        model = HuberRegressor().fit(np.zeros((100, 2)), y)
        assert_array_equal(model.coef_, 0.0)
        psi = np.clip(y - model.intercept_, -model.threshold_, model.threshold_)
        assert abs(psi.sum()) < 1e-6 * 10 * model.scale_
        # The column of ones is the one parameter: rank(X) is zero.
        assert_allclose(psi @ psi, 2 * kappa(1.345) * 99 * model.scale_**2, rtol=1e-7)

    @KINDS
    def test_wide_x_without_a_gram_matrix(self, rng, kind):
        X = rng.normal(size=(60, 6000)) * (rng.random((60, 6000)) < 0.05)
        y = X[:, :5].sum(axis=1) + rng.standard_t(2, size=60)
        model = HuberRegressor(alpha=3.0, scale=1.0).fit(kind(X), y)
        # The gradient, in units of the penalty's own: H >= alpha, so this bounds the distance.
        psi = np.clip(y - X @ model.coef_ - model.intercept_, -1.345, 1.345)
        gradient = np.append(3.0 * model.coef_ - X.T @ psi, psi.sum())
        assert np.linalg.norm(gradient) < 1e-5
        assert model.optimality_ <= 1e-6

    def test_sparse_with_many_columns(self, rng):
        X = sp.random_array((3000, 8000), density=0.002, rng=rng, format="csr")
        y = X @ rng.normal(size=8000) + rng.standard_t(2, size=3000)
        model = HuberRegressor(alpha=1.0, scale=1.0).fit(X, y)
        psi = np.clip(y - X @ model.coef_ - model.intercept_, -1.345, 1.345)
        gradient = np.append(model.coef_ - X.T @ psi, psi.sum())
        assert np.linalg.norm(gradient) < 1e-5
        joint = HuberRegressor(alpha=1.0).fit(X, y)
        assert joint.scale_ > 0
        assert joint.optimality_ <= 1e-6

    def test_cond_up_to_one_over_eps(self, rng):
        # Whichever side of the cutoff of the rank it falls, no noise is fitted with huge
        # coefficients and nobody is left without a warning.
        for exponent in (10, 12, 14, 15, 16, 17):
            X, y = conditioned(rng, 200, 4, cond=10.0**exponent)
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                model = HuberRegressor(scale=1.0).fit(X, y)
            assert np.isfinite(model.coef_).all()
            if not caught:
                # The sum of the twins' coefficients is well determined whatever the condition.
                expected = HuberRegressor(scale=1.0).fit(X[:, [0, 2, 3]], y)
                assert_allclose(
                    model.coef_[0] + model.coef_[1], expected.coef_[0], atol=0.5, rtol=1e-3
                )


class TestMaxIter:
    @SOLVERS
    @pytest.mark.parametrize("scale", ["joint", "mad", 1.0])
    def test_one_iteration_warns_with_the_distance(self, rng, solver, scale):
        X, y = plain(rng, n=100, p=5, contamination=0.3)
        with pytest.warns(ConvergenceWarning, match=r"max_iter=1 .* standard errors") as record:
            model = HuberRegressor(scale=scale, solver=solver, max_iter=1, tol=1e-12).fit(X, y)
        message = str(record[0].message)
        assert len(record) == 1
        assert f"{model.optimality_:.2g} standard errors" in message
        assert "Increase max_iter" in message
        assert model.n_iter_ == 1

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
        # scikit-learn's own adds a hidden intercept at the second fit without one.
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

    def test_a_penalty_is_part_of_the_equation_of_the_scale(self, rng):
        X, y = plain(rng, n=80, p=3)
        model = HuberRegressor(alpha=30.0).fit(X, y)
        e = y - model.predict(X)
        left = np.minimum(e**2, model.threshold_**2).sum() + 30.0 * model.coef_ @ model.coef_
        assert_allclose(left, 2 * kappa(1.345) * 79 * model.scale_**2, rtol=1e-6)
