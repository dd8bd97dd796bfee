"""The edges of DESIGN.md: small and huge deltas, gross outliers, odd shapes of X."""

import warnings

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import example, given
from hypothesis import strategies as st
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


class TestDeltas:
    @SOLVERS
    @pytest.mark.parametrize("scale", ["mad", 1.0])
    @pytest.mark.parametrize("delta", [0.01, 1e-4])
    def test_a_small_delta_is_near_the_median_regression(self, rng, solver, scale, delta):
        X, y = conditioned(rng, 400, 3, contamination=0.1)
        model = HuberRegressor(delta=delta, scale=scale, solver=solver, max_iter=1000).fit(X, y)
        # The conditions for least absolute deviations, up to the rows inside the threshold.
        outside = np.sign(y - model.predict(X)) * model.outliers_
        A = np.column_stack((np.ones(400), X))
        assert (np.abs(outside @ A) <= np.abs(A[~model.outliers_]).sum(axis=0) + 1e-6).all()
        assert np.count_nonzero(~model.outliers_) < 4 + 400 * 2 * delta
        assert model.optimality_ <= 1e-6

    @SOLVERS
    @pytest.mark.parametrize("delta", [0.01, 0.1, 0.3])
    def test_a_small_delta_with_the_joint_scale(self, rng, solver, delta):
        # 2 kappa / delta² is 0.992 at 0.01. A solution that fits four of 400 rows exactly has scale
        # zero, and one that fits three does not.
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
        assert_allclose(model.coef_, [0.6, 0.8], rtol=1e-12)  # of minimum norm

    def test_no_columns(self):
        with pytest.raises(ValueError, match=r"0 feature\(s\)"):
            HuberRegressor().fit(np.empty((5, 0)), np.ones(5))

    @pytest.mark.parametrize("scale", ["joint", "mad", 1.0])
    @pytest.mark.parametrize("y", [[1.0, 2, 3, 5, 8, 13], [0.0, 0, 0, 0, 0, 1]])
    def test_columns_of_zeros_alone_without_an_intercept(self, scale, y):
        model = HuberRegressor(scale=scale, fit_intercept=False)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExactFitWarning)
            model.fit(np.zeros((6, 2)), y)
        assert_allclose(model.coef_, 0.0)
        if scale == "mad":
            assert_allclose(model.scale_, np.median(y) / 0.6744897501960817)

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
        places = rng.integers(0, 3000, 48_000), rng.integers(0, 8000, 48_000)
        X = sp.csr_array((rng.random(48_000), places), shape=(3000, 8000))
        y = X @ rng.normal(size=8000) + rng.standard_t(2, size=3000)
        model = HuberRegressor(alpha=1.0, scale=1.0).fit(X, y)
        psi = np.clip(y - X @ model.coef_ - model.intercept_, -1.345, 1.345)
        gradient = np.append(model.coef_ - X.T @ psi, psi.sum())
        assert np.linalg.norm(gradient) < 1e-5
        joint = HuberRegressor(alpha=1.0).fit(X, y)
        assert joint.scale_ > 0
        assert joint.optimality_ <= 1e-6

    def test_cond_up_to_one_over_eps(self, rng):
        # On either side of the cutoff of the rank, no noise is fitted with huge coefficients
        # without a warning.
        for exponent in (10, 12, 14, 15, 16, 17):
            X, y = conditioned(rng, 200, 4, cond=10.0**exponent)
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                model = HuberRegressor(scale=1.0).fit(X, y)
            assert np.isfinite(model.coef_).all()
            if not caught:
                # The sum of the coefficients of the two columns is well determined for any
                # condition number.
                expected = HuberRegressor(scale=1.0).fit(X[:, [0, 2, 3]], y)
                assert_allclose(
                    model.coef_[0] + model.coef_[1], expected.coef_[0], atol=0.5, rtol=1e-3
                )


class TestConstantColumn:
    """Beside an intercept a constant column has coefficient zero, in sparse X as in dense."""

    @given(
        constant=st.floats(1e-30, 1e9),
        dense_rows=st.booleans(),
        options=st.sampled_from(
            [{}, {"scale": "mad"}, {"delta": np.inf}, {"alpha": 1.0}, {"solver": "newton"}]
        ),
        seed=st.integers(0, 99),
    )
    @example(constant=1.0 / 3.0, dense_rows=True, options={}, seed=0)
    @example(constant=1e-8, dense_rows=False, options={"delta": np.inf}, seed=0)
    def test_sparse_as_dense(self, constant, dense_rows, options, seed):
        rng = np.random.default_rng(seed)
        n, p, density = (120, 3, 1.0) if dense_rows else (600, 30, 0.02)
        X = rng.random((n, p)) * (rng.random((n, p)) < density)
        y = X @ np.ones(p) + rng.normal(size=n)
        X = np.column_stack((X, np.full(n, constant)))
        sparse = HuberRegressor(**options).fit(sp.csr_array(X), y)  # warnings are errors
        dense = HuberRegressor(**options).fit(X, y)
        assert abs(sparse.coef_[-1] * constant) <= 1e-6
        assert_allclose(sparse.predict(X), dense.predict(X), atol=1e-5)


class TestOutliersThatCarryTheFit:
    """At the breakdown point the minimum has a scale of the outliers' size: it is found too."""

    @given(
        seed=st.integers(0, 999),
        n=st.sampled_from([30, 60, 120]),
        share=st.floats(0.15, 0.4),
        power=st.integers(2, 12),
        weighted=st.booleans(),
    )
    @example(seed=21, n=60, share=0.28, power=11, weighted=False)
    @pytest.mark.parametrize("solver", ["lbfgs", "newton"])
    def test_minimum_is_found(self, solver, seed, n, share, power, weighted):
        rng = np.random.default_rng(seed)
        p = 1 + seed % 4
        X = rng.normal(size=(n, p))
        y = X.sum(axis=1) + rng.normal(size=n)
        y[: int(share * n)] = 10.0**power
        weights = rng.integers(0, 4, n).astype(float) if weighted else None
        model = HuberRegressor(solver=solver).fit(X, y, weights)  # warnings are errors
        assert model.n_iter_ < 60
