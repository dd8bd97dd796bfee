"""A new loss needs only one class: the Cauchy loss, defined here, works with the same solvers."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from problems import plain
from scipy.optimize import minimize

from robustreg.design import as_design
from robustreg.losses import Bisquare, Loss
from robustreg.penalties import Ridge
from robustreg.problem import Problem
from robustreg.scales import GivenScale
from robustreg.solvers import solve


class Cauchy(Loss):
    """``c²/2 log(1 + (u/c)²)``."""

    def __init__(self, c):
        self.c = c

    def rho(self, u):
        return self.c**2 / 2 * np.log1p((np.asarray(u) / self.c) ** 2)

    def psi(self, u):
        return u * self.weight(u)

    def psi_prime(self, u):
        t = (np.asarray(u) / self.c) ** 2
        return (1 - t) / (1 + t) ** 2

    def weight(self, u):
        return 1 / (1 + (np.asarray(u) / self.c) ** 2)


@pytest.mark.parametrize("solver", ["lbfgs", "newton"])
@pytest.mark.parametrize("loss", [Cauchy(2.385), Bisquare(4.685)], ids=["Cauchy", "bisquare"])
@pytest.mark.parametrize("alpha", [0.0, 3.0])
@pytest.mark.parametrize("weighted", [False, True])
def test_it_is_fitted_at_a_given_scale(rng, solver, loss, alpha, weighted):
    X, y = plain(rng, n=200, p=4, contamination=0.2)
    s = rng.integers(0, 3, 200).astype(float) if weighted else np.ones(200)
    design = as_design(X, y, s if weighted else None, centered=True)
    sigma = 1.2
    rule = GivenScale(sigma / design.units.response_scale)
    problem = Problem(design, loss, rule, Ridge(alpha), True)
    result = solve(problem, solver, 1e-10, 200)
    coef, intercept = design.to_user(result.point)
    e = y - X @ coef - intercept
    psi = s * sigma * loss.psi(e / sigma)
    gradient = np.append(alpha * coef - psi @ X, -psi.sum())
    assert np.abs(gradient).max() < 1e-9 * np.abs(psi).sum()
    assert result.optimality <= 1e-9

    def objective(theta):
        u = (y - X @ theta[:-1] - theta[-1]) / sigma
        return s @ loss.rho(u) * sigma**2 + alpha / 2 * theta[:-1] @ theta[:-1]

    # Another descent from there does not find a lower minimum.
    theta = np.append(coef, intercept)
    other = minimize(objective, theta, method="BFGS")
    assert_allclose(objective(theta), other.fun, rtol=1e-9)


@pytest.mark.parametrize("loss", [Cauchy(2.385), Bisquare(4.685)], ids=["Cauchy", "bisquare"])
def test_the_functions_of_a_loss_belong_together(loss):
    u = np.linspace(-6, 6, 1001)
    h = 1e-5
    assert_allclose((loss.rho(u + h) - loss.rho(u - h)) / (2 * h), loss.psi(u), atol=1e-8)
    assert_allclose((loss.psi(u + h) - loss.psi(u - h)) / (2 * h), loss.psi_prime(u), atol=1e-4)
    assert_allclose(loss.weight(u) * u, loss.psi(u), atol=1e-14)
    assert_allclose(loss.at(3.0).rho(u), 9 * loss.rho(u / 3), rtol=1e-13)
