"""The best constant compared with its definition in rational arithmetic."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from robustreg.location import huber_location

finite = st.floats(-1e6, 1e6, allow_nan=False)
thresholds = st.floats(1e-6, 1e6)


@st.composite
def weighted_samples(draw):
    n = draw(st.integers(1, 12))
    y = draw(arrays(np.float64, n, elements=finite))
    weights = draw(arrays(np.float64, n, elements=st.integers(0, 3).map(float)))
    weights[draw(st.integers(0, n - 1))] = 1.0
    return y, weights


def exact_loss(y, weights, constant, threshold):
    """Return the sum of the Huber losses in rational arithmetic, without rounding errors."""
    t, c = Fraction(threshold), Fraction(constant)
    total = Fraction(0)
    for value, weight in zip(y, weights, strict=True):
        e = abs(Fraction(value) - c)
        total += Fraction(weight) * (e * e / 2 if e <= t else t * (e - t / 2))
    return total


@given(weighted_samples(), thresholds, st.lists(finite, min_size=3, max_size=3))
def test_no_other_constant_has_less_loss(sample, threshold, others):
    y, weights = sample
    found = huber_location(y, weights, threshold)
    loss = exact_loss(y, weights, found, threshold)
    near = [found + sign * step for sign in (-1, 1) for step in (1e-9, 1e-3, threshold)]
    rounding = Fraction(1e-9) * Fraction(threshold) * Fraction(weights.sum())
    for other in [*others, *near, *y]:
        assert loss <= exact_loss(y, weights, other, threshold) + rounding


@given(weighted_samples(), thresholds)
def test_the_derivative_at_the_best_constant_is_zero(sample, threshold):
    y, weights = sample
    found = huber_location(y, weights, threshold)
    pull = weights @ np.clip(y - found, -threshold, threshold)
    # One rounding error of the constant changes the sum of psi by that times the weight inside.
    rounding = 4 * np.finfo(float).eps * np.abs(y).max()
    assert abs(pull) <= weights.sum() * (rounding + 1e-12 * threshold)


@pytest.mark.parametrize("value", [0.1, -1e300, 3e-310])
@pytest.mark.parametrize("threshold", [1e-12, 1.0, np.inf])
def test_the_location_of_a_constant_is_that_constant(value, threshold):
    assert huber_location(np.full(7, value), np.full(7, 0.3), threshold) == value
    y, weights = np.append(np.full(7, value), [-1.0, 1.0]), np.append(np.full(7, 0.3), [0.0, 0.0])
    assert huber_location(y, weights, threshold) == value
