"""Efficiency at the normal, coverage of intervals, and bias under contamination."""

import numpy as np
import pytest

from robustreg import MMRegressor
from robustreg.inference import summarize

B = np.arange(1.0, 6.0)


def normal_data(seed, n=200):
    r = np.random.default_rng(seed)
    X = r.normal(size=(n, 5))
    return X, 1.0 + X @ B + r.normal(size=n)


@pytest.mark.slow
@pytest.mark.parametrize("efficiency", [0.85, 0.95])
def test_efficiency(efficiency):
    """Mean squared errors of 5 slopes in 2,000 samples: the ratio has an error of about 0.5 %."""
    ours = theirs = 0.0
    for seed in range(2000):
        X, y = normal_data(seed)
        model = MMRegressor(efficiency=efficiency, n_subsets=0, random_state=0).fit(X, y)
        Z = np.column_stack((np.ones(200), X))
        ours += np.sum((model.coef_ - B) ** 2)
        theirs += np.sum((np.linalg.lstsq(Z, y, rcond=None)[0][1:] - B) ** 2)
    assert abs(theirs / ours - efficiency) < 0.015


@pytest.mark.slow
@pytest.mark.parametrize("wrong", [0, 20])
@pytest.mark.parametrize("cov_type", ["avar1", "weighted", "sandwich", "bootstrap"])
def test_coverage(cov_type, wrong):
    """Of 95 % intervals for 5 slopes in 500 samples: the standard error is at most 0.5 points.

    With ``wrong`` rows at x_1 = 8, y = -24, which have no weight.
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
