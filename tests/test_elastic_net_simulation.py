"""Selection under contamination: n = 100, p = 200, 5 columns that matter, many samples."""

import warnings

import numpy as np
import pytest
from sklearn.linear_model import LassoCV

from robustreg import HuberElasticNetCV

TRUTH = np.concatenate(([2.0, -2.0, 1.5, -1.5, 1.0], np.zeros(195)))


def sample(seed, share, one_sided):
    """Noise of one; outliers twenty standard deviations away."""
    rng = np.random.default_rng([seed, int(100 * share), int(one_sided)])
    X = rng.normal(size=(100, 200))
    y = X @ TRUTH + rng.normal(size=100)
    wrong = rng.permutation(100)[: int(100 * share)]
    y[wrong] += 20.0 * (1.0 if one_sided else rng.choice([-1.0, 1.0], wrong.size))
    return X, y


def simulate(share, one_sided, n_samples, delta=1.345):
    """Errors of ours, of the best alpha on its path in hindsight, and of LassoCV; false columns."""
    found = []
    for seed in range(n_samples):
        X, y = sample(seed, share, one_sided)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = HuberElasticNetCV(l1_ratio=1.0, delta=delta, n_alphas=50, eps=0.02).fit(X, y)
            lasso = LassoCV(eps=0.02).fit(X, y)
        errors = ((model.coef_path_ - TRUTH) ** 2).sum(axis=1)
        found.append(
            (
                errors[model.best_index_],
                errors.min(),
                ((lasso.coef_ - TRUTH) ** 2).sum(),
                np.count_nonzero(model.coef_[5:]),
                np.count_nonzero(model.coef_[:5]),
            )
        )
    return np.array(found).T


# Medians of 20 samples gave ratios to the best alpha of 1.07, 1.03, 1.14, 1.04 and 1.09, with
# standard errors of 0.02 to 0.08 by a bootstrap of the samples. With 20 % of outliers a delta of
# 1.345 is misled (1.26, standard error 0.16): the joint scale breaks down the sooner, the more
# columns are used.
@pytest.mark.slow
@pytest.mark.parametrize(
    ("share", "one_sided", "delta", "against_lasso"),
    [
        (0.0, False, 1.345, 1.4),
        (0.1, False, 1.345, 0.15),
        (0.2, False, 0.5, 0.15),
        (0.1, True, 1.345, 0.15),
        (0.2, True, 0.5, 0.25),
    ],
)
def test_selection_under_contamination(share, one_sided, delta, against_lasso):
    ours, best, lasso, _, right = simulate(share, one_sided, 20, delta)
    assert np.median(ours / best) <= 1.2
    assert np.median(ours) <= against_lasso * np.median(lasso)
    assert right.mean() >= 4.7
