"""The linear systems and the checks of all columns along a path of the elastic net."""

import importlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.linalg import lapack
from test_elastic_net import problem

from robustreg import HuberElasticNet, enet_path
from robustreg.losses import Huber
from robustreg.solvers import bordered
from robustreg.solvers.quadratic_lasso import Curvature, QuadraticLasso, Signs

follower = importlib.import_module("robustreg.solvers.elastic_net_follower")


@given(seed=st.integers(0, 10**6), changes=st.integers(0, 8))
def test_a_bordered_system_has_the_solution_of_the_block(seed, changes):
    rng = np.random.default_rng(seed)
    Z = rng.normal(size=(60, 40)) * 10.0 ** rng.uniform(-3, 3, 40)
    Q = Z.T @ Z
    base = np.flatnonzero(rng.random(40) < 0.6)
    factor = lapack.dpotrf(Q[np.ix_(base, base)])[0]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bordered, "FEWEST", 0)
        patch.setattr(bordered, "SHARE", 1.0)
        systems = bordered.Bordered(Q, base, factor)
        members = np.isin(np.arange(40), base)
        for _ in range(4):
            members[rng.permutation(40)[:changes]] ^= True
            now = np.flatnonzero(members)
            right = Q[np.ix_(now, now)] @ (rng.normal(size=now.size) / np.sqrt(Q.diagonal()[now]))
            found = systems.solve(now, right)
            if found is None:
                continue
            expected = np.linalg.solve(Q[np.ix_(now, now)], right)
            unit = np.sqrt(Q.diagonal()[now])
            np.testing.assert_allclose(found * unit, expected * unit, atol=1e-8)


def test_a_dependent_column_that_joins_asks_for_a_new_factor():
    rng = np.random.default_rng(0)
    Z = rng.normal(size=(500, 301))
    Z[:, 300] = Z[:, :3].sum(axis=1)
    Q, base = Z.T @ Z, np.arange(300)
    systems = bordered.Bordered(Q, base, lapack.dpotrf(Q[:300, :300])[0])
    assert systems.solve(np.arange(301), np.ones(301)) is None
    # Without one of the columns that it depends on, it may join.
    assert systems.solve(np.arange(1, 301), np.ones(300)) is not None
    assert systems.solve(np.arange(150), np.ones(150)) is None  # too many changes


@pytest.mark.parametrize("seed", range(5))
def test_the_minimiser_does_not_depend_on_the_factors(seed, monkeypatch):
    rng = np.random.default_rng(seed)
    Z = rng.normal(size=(400, 380)) + rng.normal(size=(400, 1))
    Q, c = Z.T @ Z, Z.T @ rng.normal(size=400)
    sizes = np.full(380, 5.0)
    model = (c, sizes, Signs(np.arange(380) == 0, False), 380)
    found = QuadraticLasso(Curvature(Q, np.ones(380)), *model).minimise(np.zeros(380))
    monkeypatch.setattr(bordered, "FEWEST", np.inf)
    expected = QuadraticLasso(Curvature(Q, np.ones(380)), *model).minimise(np.zeros(380))
    np.testing.assert_allclose(found, expected, atol=1e-10)
    assert np.count_nonzero(found) > 200


def largest_violation(X, y, path, delta=1.345):
    """The largest violation of the lasso's conditions, in units of alpha, by their definition."""
    worst = 0.0
    for alpha, coef, intercept, scale in zip(path[0], path[1].T, path[2], path[3], strict=True):
        psi = Huber(delta * scale).psi(y - X @ coef - intercept)
        slopes = psi @ X / (len(y) * scale * alpha)
        violations = np.where(
            coef == 0.0, np.maximum(np.abs(slopes) - 1.0, 0.0), np.abs(slopes - np.sign(coef))
        )
        worst = max(worst, float(violations.max()), abs(psi.mean()) / (scale * alpha))
    return worst


@pytest.mark.parametrize("scale", ["joint", 1.0])
@pytest.mark.parametrize("correlation", [0.0, 0.9])
@pytest.mark.parametrize(("n", "p"), [(400, 120), (120, 300)])
def test_all_columns_are_checked_at_every_alpha(n, p, correlation, scale, monkeypatch):
    X, y = problem(3, n, p)
    X = X + np.sqrt(correlation / (1.0 - correlation)) * np.random.default_rng(0).normal(
        size=(n, 1)
    )
    options = {"l1_ratio": 1.0, "eps": 0.1, "n_alphas": 40, "scale": scale}
    path = enet_path(X, y, **options)
    assert largest_violation(X, y, path) < 1e-6
    # The coefficients must equal those of a check at every alpha.
    monkeypatch.setattr(follower, "AHEAD", 1)
    alone = enet_path(X, y, **options)
    np.testing.assert_allclose(path[1], alone[1], atol=1e-6)


def test_a_column_that_is_active_later_is_checked_at_earlier_alphas(monkeypatch):
    """The rule admits no column at the first alphas, and all at the others."""
    X, y = problem(4, 200, 60)
    options = {"l1_ratio": 1.0, "eps": 0.05, "n_alphas": 10, "scale": 1.0}
    expected = enet_path(X, y, **options)

    def strong_columns(active, slopes, known, alpha, slack):
        every = np.arange(60 if alpha <= expected[0][5] else 0)
        return np.setdiff1d(every, active.columns.index)

    monkeypatch.setattr(follower, "strong_columns", strong_columns)
    monkeypatch.setattr(follower, "SPARE", np.inf)
    monkeypatch.setattr(follower.Follower, "_check_is_dear", True)
    found = enet_path(X, y, **options)
    assert largest_violation(X, y, found) < 1e-6
    np.testing.assert_allclose(found[1], expected[1], atol=1e-8)


def test_a_single_fit_makes_few_columns_active(monkeypatch):
    """On the way to it, alphas are far apart."""
    X, y = problem(5, 100, 1500)
    sizes, check = [], follower.Follower.check

    def counted(self, *args):
        sizes.append(self.active.columns.size)
        return check(self, *args)

    monkeypatch.setattr(follower.Follower, "check", counted)
    alpha = enet_path(X, y, l1_ratio=1.0, eps=0.3, n_alphas=2)[0][-1]
    sizes.clear()
    model = HuberElasticNet(alpha, l1_ratio=1.0).fit(X, y)
    assert 5 < np.count_nonzero(model.coef_) < max(sizes) < 300


def test_steps_are_counted_from_the_largest_alpha():
    X, y = problem(6, 80, 40)
    near, far = (HuberElasticNet(alpha, l1_ratio=1.0).fit(X, y) for alpha in (0.5, 0.02))
    assert near.n_iter_ < far.n_iter_
    again = HuberElasticNet(0.02, l1_ratio=1.0, warm_start=True).fit(X, y).fit(X, y)
    assert again.n_iter_ < far.n_iter_
