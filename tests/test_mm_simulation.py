"""Efficiency at normal errors, coverage of intervals, and bias under contamination."""

import numpy as np
import pytest

from robustreg import MMRegressor
from robustreg.inference import summarize
from robustreg.losses_redescending import loss_for_efficiency, normal_efficiency, normal_mean

B = np.arange(1.0, 6.0)


def normal_data(seed, n=200):
    r = np.random.default_rng(seed)
    X = r.normal(size=(n, 5))
    return X, 1.0 + X @ B + r.normal(size=n)


#: n times the loss of efficiency beside its asymptotic value, at p = 5. The scale of S varies and
#: is used as if known, which costs a part of order 1/n. Measured as in ``efficiency_of``, on other
#: samples than the test's (but seeds 0 to 1,999 with other n), standard errors in brackets:
#:
#:     n        samples    efficiency 0.85    efficiency 0.95
#:     100      2,000      .8286 (.0054)      .9456 (.0034)
#:     200      6,000      .8383 (.0022)      .9474 (.0014)
#:     400      2,000      .8388 (.0029)      .9461 (.0017)
#:     1,000    1,000      .8464 (.0025)      .9486 (.0016)
#:
#: The weighted means of n times the loss are 2.4 (0.3) and 0.6 (0.2). The test's samples are two
#: errors below: plain ratios are .835 and .944, and those of R's lmrob (robustbase 0.95-0, 500
#: subsets) on the same samples .832 and .944.
LOSS = {0.85: 2.4, 0.95: 0.6}


def efficiency_of(efficiency, samples, n=200):
    """Return the mean squared error of least squares divided by MM's, with its Monte Carlo error.

    The plain ratio has an error of .0070 at an efficiency of 0.85 and 2,000 samples. The first term
    of the estimate's expansion, ``(Z'Z)^-1 Z' psi(e) / E psi'``, has a known mean squared error,
    and a correlation of 0.94 with the estimate's. Only the difference is simulated.
    """
    loss = loss_for_efficiency("bisquare", efficiency)
    slope = normal_mean(loss, loss.psi_prime)
    least_squares, difference = np.empty((2, samples))
    for seed in range(samples):
        X, y = normal_data(seed, n)
        model = MMRegressor(efficiency=efficiency, n_subsets=0, random_state=0).fit(X, y)
        Z = np.column_stack((np.ones(n), X))
        inverse = np.linalg.inv(Z.T @ Z)
        first_term = inverse @ (Z.T @ loss.psi(y - 1.0 - X @ B)) / slope
        least_squares[seed] = np.trace(inverse[1:, 1:])
        difference[seed] = np.sum((model.coef_ - B) ** 2) - np.sum(first_term[1:] ** 2)
    mean = least_squares.mean() / normal_efficiency(loss) + difference.mean()
    ratio = least_squares.mean() / mean
    return ratio, ratio / mean * difference.std(ddof=1) / np.sqrt(samples)


@pytest.mark.slow
@pytest.mark.parametrize("efficiency", [0.85, 0.95])
def test_efficiency(efficiency):
    """At n = 200 it is the asymptotic one minus a loss of order 1/n, up to three errors."""
    ratio, error = efficiency_of(efficiency, samples=2000)
    assert error < 0.006
    assert abs(ratio - (efficiency - LOSS[efficiency] / 200)) < 3.0 * error
    # The documentation says within one point at the default.
    assert efficiency < 0.95 or abs(ratio - 0.95) < 0.01 + 2.0 * error


@pytest.mark.slow
@pytest.mark.parametrize("wrong", [0, 20])
@pytest.mark.parametrize("cov_type", ["avar1", "weighted", "sandwich", "bootstrap"])
def test_coverage(cov_type, wrong):
    """Coverage of 95 % intervals for 5 slopes in 500 samples, with a standard error of 0.5 points.

    The ``wrong`` rows, at x_1 = 8 and y = -24, have weight zero.
    """
    covered = []
    for seed in range(500):
        X, y = normal_data(seed)
        X[:wrong, 0], y[:wrong] = 8.0, -24.0
        model = MMRegressor(n_subsets=0, random_state=0).fit(X, y)
        summary = summarize(model, X, y, cov_type=cov_type, n_bootstrap=300, random_state=seed)
        low, high = summary.confidence_interval().to_numpy()[1:].T
        covered.append((low <= B) & (high >= B))
    assert 0.925 < np.mean(covered) < 0.975
