"""Dependent columns: the coefficients of least norm, whichever columns move in the solver."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from robustreg import HuberRegressor
from robustreg.solvers.square_root import null_space


def dependent(rng, n, p, units):
    """Return X with a sum, a copy, a multiple, a constant and a zero column, in random order."""
    X = rng.normal(size=(n, p)) * 10.0 ** rng.uniform(-units, units, p)
    extra = [X.sum(axis=1), X[:, 0], -3.0 * X[:, -1], np.full(n, 5.0), np.zeros(n)]
    X = np.column_stack((X, *extra))
    return X[:, rng.permutation(X.shape[1])]


@given(
    seed=st.integers(0, 999),
    p=st.integers(1, 6),
    scale=st.sampled_from(["joint", "mad", 1.0]),
    delta=st.sampled_from([0.3, 1.345]),
    solver=st.sampled_from(["lbfgs", "newton"]),
    intercept=st.booleans(),
    units=st.sampled_from([0, 4]),
)
def test_predictions_and_least_norm(seed, p, scale, delta, solver, intercept, units):
    rng = np.random.default_rng(seed)
    X = dependent(rng, 80, p, units)
    y = rng.standard_t(2, size=80) + 3.0
    options = {"delta": delta, "scale": scale, "solver": solver, "fit_intercept": intercept}
    model = HuberRegressor(tol=1e-8, **options).fit(X, y)  # warnings are errors
    # An orthonormal basis of the same predictions has no dependent columns.
    rows = X - X.mean(axis=0) if intercept else X
    norms = np.linalg.norm(rows, axis=0)
    norms[norms == 0.0] = 1.0
    left, singular, right = np.linalg.svd(rows / norms)
    basis = left[:, : np.count_nonzero(singular > 1e-9 * singular.max())]
    regular = HuberRegressor(tol=1e-8, **options).fit(basis, y)
    assert_allclose(model.predict(X), regular.predict(basis), atol=1e-6)
    assert_allclose(model.scale_, regular.scale_, rtol=1e-6)
    # The vector of least norm has no part in the null space of the rows.
    null = right[basis.shape[1] :] / norms
    null /= np.linalg.norm(null, axis=1)[:, None]
    assert_allclose(null @ model.coef_, 0.0, atol=1e-6 * max(1.0, np.abs(model.coef_).max()))


@pytest.mark.parametrize("seed", range(20))
def test_the_columns_that_move_are_well_conditioned(seed):
    rng = np.random.default_rng(seed)
    q, rank = 12, int(rng.integers(3, 11))
    rows = rng.normal(size=(40, rank)) @ rng.normal(size=(rank, q - 1))
    rows = np.column_stack((rows, np.ones(40)))
    norms = np.linalg.norm(rows, axis=0)
    _, singular, right = np.linalg.svd(rows / norms)
    kept = singular > 1e-10 * singular.max()
    found = null_space(right, kept, 1.0 / norms, q - 1)
    assert_allclose(rows @ found.directions, 0.0, atol=1e-10)
    assert found.independent.size == rank + 1
    assert found.independent[-1] == q - 1  # the intercept
    some = np.linalg.svd((rows / norms)[:, found.independent], compute_uv=False)
    assert some.min() >= 0.1 * singular[kept].min()
