"""Simulate selection under contamination: n = 100, p = 200, and 5 columns that matter."""

import warnings

import numpy as np
import pytest
from sklearn.linear_model import LassoCV

from robustreg import HuberElasticNetCV

TRUTH = np.concatenate(([2.0, -2.0, 1.5, -1.5, 1.0], np.zeros(195)))


def sample(seed, share, one_sided):
    """Return data with unit noise and outliers twenty standard deviations away."""
    rng = np.random.default_rng([seed, int(100 * share), int(one_sided)])
    X = rng.normal(size=(100, 200))
    y = X @ TRUTH + rng.normal(size=100)
    wrong = rng.permutation(100)[: int(100 * share)]
    y[wrong] += 20.0 * (1.0 if one_sided else rng.choice([-1.0, 1.0], wrong.size))
    return X, y


def simulate(share, one_sided, n_samples, delta=1.345):
    """Return errors of our fit, the best alpha in hindsight and LassoCV, and right columns."""
    found = []
    for seed in range(n_samples):
        X, y = sample(seed, share, one_sided)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = HuberElasticNetCV(l1_ratio=1.0, delta=delta, n_alphas=50, eps=0.02).fit(X, y)
            lasso = LassoCV(eps=0.02).fit(X, y)
        errors = ((model.coef_path_ - TRUTH) ** 2).sum(axis=1)
        right = np.count_nonzero(model.coef_path_[:, :5], axis=1)
        found.append(
            (
                errors[model.best_index_],
                errors.min(),
                ((lasso.coef_ - TRUTH) ** 2).sum(),
                right[model.best_index_],
                right[np.argmin(errors)],
            )
        )
    return np.array(found).T


# Medians of 20 samples gave ratios to the best alpha of 1.07, 1.03, 1.12, 1.04, 1.06 and 1.03, with
# standard errors of .03, .01, .05, .02, .03 and .02 by a bootstrap of the samples. At 20 % of
# outliers a delta of 1.345 is near its breakdown: the best alpha in hindsight has lost one of the
# five columns too (3.95 on average, against 4.8 and 4.9 at a delta of 0.5), and the error is not
# that of a resistant fit. At a delta of 0.5 one sample of twenty has no alpha whose error is less
# than 13.3, where that of no columns at all is 13.5: the choice is compared with that.
@pytest.mark.slow
@pytest.mark.parametrize(
    ("share", "one_sided", "delta", "against_lasso"),
    [
        (0.0, False, 1.345, 1.4),
        (0.1, False, 1.345, 0.15),
        (0.2, False, 1.345, np.inf),
        (0.2, False, 0.5, 0.15),
        (0.1, True, 1.345, 0.15),
        (0.2, True, 0.5, 0.25),
    ],
)
def test_selection_under_contamination(share, one_sided, delta, against_lasso):
    ours, best, lasso, right, best_right = simulate(share, one_sided, 20, delta)
    assert np.median(ours / best) <= 1.15
    assert np.median(ours) <= against_lasso * np.median(lasso)
    if delta < 1.0 or share < 0.2:
        assert right.mean() >= best_right.mean() - 0.2
