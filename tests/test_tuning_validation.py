"""Bad and extreme input to the functions of delta."""

import mpmath
import numpy as np
import pytest
from numpy.testing import assert_array_equal

from robustreg.tuning import delta_from_epsilon, delta_grid, efficiency, kappa

RESIDUALS = np.linspace(-3.0, 3.0, 50)


@pytest.mark.parametrize(
    ("residuals", "options", "message"),
    [
        (RESIDUALS, {"sample_weight": -np.ones(50)}, "must not be negative, got minimum -1"),
        (RESIDUALS, {"sample_weight": np.zeros(50)}, "(?i)sample.weight"),
        (RESIDUALS[:, None], {}, r"residuals has shape \(50, 1\): pass one per row"),
        (RESIDUALS.reshape(25, 2), {}, r"residuals has shape \(25, 2\)"),
        (RESIDUALS.astype(str), {}, "residuals must be numbers"),
        (RESIDUALS > 0, {}, "residuals must be numbers"),
        (RESIDUALS, {"smallest": True}, "smallest must be a number"),
        (np.full(50, np.nan), {}, "residuals contains NaN"),
    ],
)
def test_bad_residuals_of_a_grid(residuals, options, message):
    with pytest.raises(ValueError, match=message):
        delta_grid(residuals=residuals, **options)


def test_weights_of_a_grid_are_frequencies():
    weights = np.arange(50) % 3
    repeated = delta_grid(residuals=np.repeat(RESIDUALS, weights))
    assert_array_equal(delta_grid(residuals=RESIDUALS, sample_weight=weights), repeated)


@pytest.mark.parametrize("delta", [0.0, -1.0, float("nan"), "1.345", None])
def test_kappa_of_no_threshold(delta):
    with pytest.raises(ValueError, match="delta must be a positive number"):
        kappa(delta)


@pytest.mark.parametrize("delta", [["1.345"], [True, False], [1.0, -1.0]])
def test_efficiency_of_no_thresholds(delta):
    with pytest.raises(ValueError, match="delta must be positive numbers"):
        efficiency(delta)


@pytest.mark.parametrize("delta", [1e-300, 1e-160, 1e-9])
def test_efficiency_of_nearly_the_median(delta):
    assert efficiency(delta) == pytest.approx(2.0 / np.pi, rel=1e-8)


@pytest.mark.parametrize("excess", [1e-12, 1e-9, 2.9e-8, 3.1e-8, 1e-6])
def test_epsilon_just_above_one(excess):
    epsilon = 1.0 + excess
    delta = delta_from_epsilon(epsilon)
    with mpmath.workdps(40):
        d = mpmath.mpf(delta)
        above = 2 * (1 - mpmath.ncdf(d))
        square = 1 - above - 2 * d * mpmath.npdf(d) + d**2 * above
        found = d / mpmath.sqrt(square) - 1
        assert abs(found / (mpmath.mpf(epsilon) - 1) - 1) < 1e-6
