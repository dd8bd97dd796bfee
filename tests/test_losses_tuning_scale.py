"""Formulas of losses, of delta, and of estimates of scale."""

import mpmath
import numpy as np
import pytest
import sklearn.linear_model
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.testing import assert_allclose, assert_array_equal
from problems import plain
from scipy.integrate import quad
from scipy.stats import norm

from robustreg import HuberRegressor
from robustreg.losses import Huber
from robustreg.scales import OrderedSquares, joint_scale, median_absolute_residual, weighted_median
from robustreg.tuning import (
    AUTO_DELTAS,
    delta_for_efficiency,
    delta_from_epsilon,
    efficiency,
    kappa,
    least_variance_delta,
)

INF = float("inf")
finite = st.floats(-1e6, 1e6)
thresholds = st.floats(1e-6, 1e6)


class TestLosses:
    @given(finite, thresholds)
    def test_the_definition(self, e, t):
        expected = e**2 / 2 if abs(e) <= t else t * (abs(e) - t / 2)
        assert_allclose(Huber(t).rho(e), expected, rtol=1e-14)
        assert Huber(t).psi(e) == max(-t, min(e, t))
        assert_allclose(Huber(t).weight(e), 1.0 if abs(e) <= t else t / abs(e), rtol=1e-15)

    @given(finite, thresholds)
    def test_psi_is_the_derivative_and_the_weight_its_ratio(self, e, t):
        step = 1e-4 * max(t, abs(e), 1e-3)
        # Of a piecewise quadratic function the central difference is exact up to |kink| * step.
        slope = (Huber(t).rho(e + step) - Huber(t).rho(e - step)) / (2 * step)
        assert slope == pytest.approx(float(Huber(t).psi(e)), abs=step, rel=1e-6)
        assert_allclose(Huber(t).weight(e) * e, Huber(t).psi(e), rtol=1e-14, atol=1e-300)

    @given(thresholds)
    def test_it_is_continuous_with_its_derivative_at_the_threshold(self, t):
        above = np.nextafter(t, INF)
        assert_allclose(Huber(t).rho(above), Huber(t).rho(t), rtol=1e-14)
        assert Huber(t).psi(above) == t

    def test_limits(self):
        e = np.array([-3.0, 0.0, 1e200])
        assert_array_equal(Huber(INF).psi(e), e)
        assert_array_equal(Huber(INF).weight(e), 1.0)
        assert_array_equal(Huber(0.0).weight(e), [0.0, 1.0, 0.0])
        # No square of a residual is formed outside the threshold.
        assert Huber(2.0).rho(1e200) == 2e200

    def test_float32_stays_float32(self):
        assert Huber(2.0).rho(np.ones(3, np.float32)).dtype == np.float32


class TestKappaAndEfficiency:
    @pytest.mark.parametrize("delta", [1e-6, 1e-3, 0.01, 0.3, 1.0, 1.345, 2.5, 6.0, 12.0])
    def test_kappa_by_its_closed_form_in_forty_digits(self, delta):
        with mpmath.workdps(40):
            d = mpmath.mpf(delta)
            tail, density = mpmath.ncdf(-d), mpmath.npdf(d)
            expected = float((1 - 2 * tail - 2 * d * density + 2 * d**2 * tail) / 2)
        assert_allclose(kappa(delta), expected, rtol=2e-15)

    @pytest.mark.parametrize("delta", [0.3, 1.345, 4.0])
    def test_kappa_by_quadrature(self, delta):
        inside, _ = quad(lambda z: z**2 * norm.pdf(z), -delta, delta, epsabs=1e-14)
        assert_allclose(2 * kappa(delta), inside + 2 * delta**2 * norm.sf(delta), rtol=1e-12)

    def test_kappa_at_infinity_and_published(self):
        assert kappa(INF) == 0.5
        assert_allclose(2 * kappa(1.345), 0.7101645, atol=5e-8)  # oracles.md

    def test_published_efficiencies(self):
        assert_allclose(delta_for_efficiency(0.95), 1.3449975, atol=5e-8)  # oracles.md
        assert_allclose(efficiency(1.345), 0.95, atol=1e-6)
        assert efficiency(INF) == 1.0
        assert_allclose(efficiency(1e-6), 2 / np.pi, rtol=1e-6)
        assert_allclose(efficiency([1.0, 1.345]), [efficiency(1.0), efficiency(1.345)], rtol=1e-15)

    @given(st.floats(0.637, 0.9999999))
    def test_round_trip(self, eff):
        assert_allclose(efficiency(delta_for_efficiency(eff)), eff, rtol=1e-12)

    @given(st.floats(0.01, 5.0), st.floats(1.001, 1.5))
    def test_more_delta_is_more_efficient(self, delta, factor):
        assert efficiency(delta * factor) > efficiency(delta)

    def test_all_efficiency_is_least_squares(self):
        assert delta_for_efficiency(1.0) == INF

    @pytest.mark.parametrize("eff", [0.0, 0.5, 2 / np.pi, 1.01, "high", None])
    def test_bad_efficiencies(self, eff):
        with pytest.raises(ValueError, match="eff"):
            delta_for_efficiency(eff)

    @pytest.mark.parametrize("delta", [0.0, -1.0, float("nan"), [1.0, -1.0]])
    def test_bad_deltas(self, delta):
        with pytest.raises(ValueError, match="delta"):
            efficiency(delta)


class TestDeltaFromEpsilon:
    @given(st.floats(1.0001, 30.0))
    def test_it_solves_its_equation(self, epsilon):
        delta = delta_from_epsilon(epsilon)
        assert_allclose(delta / np.sqrt(2 * kappa(delta)), epsilon, rtol=1e-12)

    def test_it_is_the_fit_of_scikit_learn(self, rng):
        # n is much larger than p, since the relation does not count degrees of freedom.
        X, y = plain(rng, n=20_000, p=2)
        theirs = sklearn.linear_model.HuberRegressor(epsilon=1.35, alpha=0.0, tol=1e-9).fit(X, y)
        ours = HuberRegressor(delta=delta_from_epsilon(1.35)).fit(X, y)
        # 2e-4 is 3/(2n), the effect of the degrees of freedom on the scale, plus its precision.
        assert_allclose(ours.coef_, theirs.coef_, rtol=3e-4)
        assert_allclose(ours.threshold_, 1.35 * theirs.scale_, rtol=5e-4)
        assert_allclose(ours.scale_, theirs.scale_ * 1.35 / delta_from_epsilon(1.35), rtol=5e-4)

    def test_default_of_scikit_learn_is_89_percent_efficient(self):
        assert_allclose(efficiency(delta_from_epsilon(1.35)), 0.889, atol=5e-4)
        assert_allclose(delta_from_epsilon(1.596), 1.345, atol=5e-4)

    def test_infinity(self):
        assert delta_from_epsilon(INF) == INF

    @pytest.mark.parametrize("epsilon", [1.0, 0.5, -1.0, "1.35"])
    def test_bad_epsilons(self, epsilon):
        with pytest.raises(ValueError, match="epsilon"):
            delta_from_epsilon(epsilon)


samples = arrays.arrays(float, st.integers(1, 40), elements=st.floats(-1e3, 1e3))
counts = st.lists(st.integers(0, 5), min_size=40, max_size=40)


class TestMedians:
    @given(samples, counts)
    def test_weighted_median_is_that_of_repeated_values(self, values, weights):
        weights = np.array(weights[: values.size])
        assume(weights.any())
        expected = np.median(np.repeat(values, weights))
        assert weighted_median(values, weights.astype(float)) == pytest.approx(expected, rel=1e-15)
        assert weighted_median(values) == np.median(values)

    @given(samples, counts, st.sampled_from([0.1, 1 / 3, 7.7]))
    def test_a_common_factor_of_the_weights_changes_nothing(self, values, weights, factor):
        # 0.1 + 0.1 + 0.1 is not 0.3, and the position of half the weight must not depend on
        # rounding.
        weights = np.array(weights[: values.size], dtype=float)
        assume(weights.any())
        assert weighted_median(values, factor * weights) == weighted_median(values, weights)

    def test_mad_is_consistent_at_the_normal(self):
        quantiles = norm.ppf((np.arange(200_001) + 0.5) / 200_001)
        assert_allclose(median_absolute_residual(3.0 * quantiles), 3.0, rtol=1e-5)


class TestJointScale:
    """``sum s min(e², (delta sigma)²) = target sigma²``."""

    @given(
        arrays.arrays(float, st.integers(2, 40), elements=st.floats(1e-3, 1e3)),
        counts,
        st.floats(0.05, 6.0) | st.just(INF),
        st.booleans(),
    )
    def test_it_solves_its_equation(self, residuals, weights, delta, weighted):
        weights = np.array(weights[: residuals.size], dtype=float)
        assume(weights.sum() > 2)
        squares = residuals**2
        s = weights if weighted else np.ones(residuals.size)
        target = 2 * kappa(delta) * (s.sum() - 1)
        squares_in_order = OrderedSquares(residuals, weights if weighted else None)
        sigma = squares_in_order.joint_scale(delta, target)

        def left(value):
            return s @ np.minimum(squares, (delta * value) ** 2)

        if sigma > 0:
            assert_allclose(left(sigma), target * sigma**2, rtol=1e-12)
            # The root is unique, since the left side divided by sigma² decreases.
            assert left(1.01 * sigma) < target * (1.01 * sigma) ** 2 * (1 + 1e-12)
        else:
            # So few residuals are nonzero that the left side is below the right one everywhere.
            assert left(1e-9) <= target * 1e-18 * (1 + 1e-12)

    @given(arrays.arrays(float, st.integers(3, 40), elements=st.floats(-10, 10)), st.floats(0.1, 5))
    def test_it_is_zero_exactly_where_enough_residuals_are(self, residuals, delta):
        residuals = np.where(np.abs(residuals) < 1e-3, 0.0, residuals)
        target = 2 * kappa(delta) * (residuals.size - 1)
        share = delta**2 * np.count_nonzero(residuals)
        assume(abs(share - target) > 1e-9 * target)
        sigma = OrderedSquares(residuals, None).joint_scale(delta, target)
        assert (sigma == 0.0) == (share < target)

    @given(
        arrays.arrays(float, st.integers(1, 40), elements=st.floats(-1e3, 1e3)),
        counts,
        st.floats(0.05, 6.0) | st.just(INF),
        st.floats(1e-9, 1e9) | st.sampled_from([0.0, np.nan, INF, 1e300]),
        st.booleans(),
    )
    def test_newton_steps_lead_to_it_from_every_guess(
        self, residuals, weights, delta, guess, weighted
    ):
        counted = np.array(weights[: residuals.size], dtype=float) if weighted else None
        assume(counted is None or counted.any())
        target = 2 * kappa(delta) * ((residuals.size if counted is None else counted.sum()) - 1)
        expected = OrderedSquares(residuals, counted).joint_scale(delta, target)
        found = joint_scale(residuals, counted, delta, target, guess)
        assert_allclose(found, expected, rtol=1e-12)

    def test_a_square_may_overflow(self):
        residuals = np.append(np.linspace(-3.0, 3.0, 50), 1e200)
        expected = OrderedSquares(residuals, None).joint_scale(1.345, 34.0)
        for guess in (1.0, 1e190):
            assert_allclose(joint_scale(residuals, None, 1.345, 34.0, guess), expected, rtol=1e-14)

    def test_a_square_that_overflows_is_no_exact_fit(self):
        residuals = np.array([1.0, 1e200])
        assert joint_scale(residuals, None, INF, 1.0, 1.0) == INF
        assert OrderedSquares(residuals, None).joint_scale(INF, 1.0) == INF

    def test_at_infinity_it_is_the_mean_square(self):
        residuals = np.array([1.0, -3.0, 2.0])
        assert_allclose(
            OrderedSquares(residuals, None).joint_scale(INF, 2.0), np.sqrt(7.0), rtol=1e-15
        )

    @given(st.floats(1e-3, 1e3))
    def test_it_is_equivariant(self, factor):
        residuals = np.random.default_rng(0).standard_t(2, 50)
        one = OrderedSquares(residuals, None).joint_scale(1.345, 34.0)
        scaled = OrderedSquares(residuals * factor, None).joint_scale(1.345, 34.0)
        assert_allclose(scaled, factor * one, rtol=1e-12)


class TestLeastVarianceDelta:
    """delta="auto" minimises ``mean(min(e², t²)) / mean(|e| <= t)²``."""

    def variance(self, residuals, weights, t):
        inside = np.average(np.abs(residuals) <= t, weights=weights)
        return np.average(np.minimum(residuals**2, t**2), weights=weights) / inside**2

    @pytest.mark.parametrize("distribution", ["normal", "t3", "laplace", "contaminated"])
    @pytest.mark.parametrize("scale", [None, 0.7])
    @pytest.mark.parametrize("weighted", [True, False])
    def test_it_is_the_best_candidate(self, rng, distribution, scale, weighted):
        residuals = {
            "normal": rng.normal(size=300),
            "t3": rng.standard_t(3, 300),
            "laplace": rng.laplace(size=300),
            "contaminated": np.where(rng.random(300) < 0.2, 20.0, 1.0) * rng.normal(size=300),
        }[distribution]
        weights = rng.integers(0, 3, 300).astype(float) if weighted else None
        total = weights.sum() if weighted else 300.0
        chosen = least_variance_delta(
            residuals.copy(), weights, degrees_of_freedom=total - 4, scale=scale
        )

        def variance(delta):
            s = np.ones(300) if weights is None else weights
            target = 2 * kappa(delta) * (total - 4)
            sigma = scale or OrderedSquares(residuals, s).joint_scale(delta, target)
            return self.variance(residuals, weights, delta * sigma)

        best = min(variance(delta) for delta in AUTO_DELTAS)
        assert_allclose(variance(chosen), best, rtol=1e-12)

    def test_weights_are_frequencies(self, rng):
        residuals, weights = rng.standard_t(2, 100), rng.integers(0, 4, 100)
        total = float(weights.sum())
        weighted = least_variance_delta(residuals, 1.0 * weights, degrees_of_freedom=total - 3)
        repeated = np.repeat(residuals, weights)
        assert weighted == least_variance_delta(repeated, None, degrees_of_freedom=total - 3)

    def test_a_row_of_frequency_zero_may_have_any_residual(self, rng):
        residuals, weights = rng.standard_t(3, size=60), rng.integers(1, 4, 60).astype(float)
        expected = least_variance_delta(residuals, weights, degrees_of_freedom=100.0)
        found = least_variance_delta(
            np.append(residuals, 1e200), np.append(weights, 0.0), degrees_of_freedom=100.0
        )
        assert found == expected
