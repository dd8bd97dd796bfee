"""
The elastic net: five columns among two hundred, and wrong rows
===============================================================

A hundred patients, two hundred measurements, five of which matter. For ten patients the result was
entered in the wrong unit. Which columns does the lasso find, and which the robust one?
"""

# %%
# The data
# --------

import matplotlib.pyplot as plt
import numpy as np
from sklearn.linear_model import LassoCV

from robustreg import HuberElasticNet, HuberElasticNetCV, HuberRegressor
from robustreg.inspection import PathDisplay

rng = np.random.default_rng(1)
X = rng.normal(size=(100, 200))
truth = np.zeros(200)
truth[:5] = [3.0, -2.0, 2.0, -1.5, 1.5]
y = 10.0 + X @ truth + rng.normal(size=100)
wrong = rng.permutation(100)[:10]
y[wrong] *= 10.0

# %%
# Two searches over the same grid
# -------------------------------
# Both choose alpha by cross-validation in five folds. Alpha of the robust one is in units of the
# noise, which it estimates at each alpha, and its score is a Huber loss that wrong rows cannot
# rule.

lasso = LassoCV(cv=5).fit(X, y)
robust = HuberElasticNetCV(l1_ratio=1.0, n_alphas=50, cv=5).fit(X, y)


def told(name, coef):
    """How far the coefficients are from the truth, and which columns are used."""
    error = np.linalg.norm(coef - truth)
    right = np.count_nonzero(coef[:5])
    print(f"{name:32s} error {error:5.2f}, {right} of 5 found, {np.count_nonzero(coef[5:])} false")


told("LassoCV", lasso.coef_)
told("HuberElasticNetCV", robust.coef_)

# %%
# The path
# --------
# Columns enter from left to right as alpha falls. The five that matter come first; the search takes
# an alpha at which some others have entered, as cross-validation does: they cost predictions
# little.

PathDisplay.from_estimator(robust)
plt.show()

# %%
# Fewer columns, and less bias
# ----------------------------
# The penalty shrinks the coefficients that it keeps. The adaptive lasso penalises those less that a
# first fit has found large, by ``penalty_factors``; a relaxed fit takes the penalty off the
# columns that were chosen.

factors = 1.0 / np.maximum(np.abs(robust.coef_), 0.01)
adaptive = HuberElasticNet(0.1, l1_ratio=1.0, penalty_factors=factors).fit(X, y)
told("adaptive", adaptive.coef_)

chosen = np.flatnonzero(adaptive.coef_)
relaxed = np.zeros(200)
relaxed[chosen] = HuberRegressor().fit(X[:, chosen], y).coef_
told("relaxed refit of these", relaxed)

# %%
# The rows that do not fit are those with the wrong unit:

found = np.flatnonzero(adaptive.weights_ < 0.3)
print(f"{np.isin(wrong, found).sum()} of {wrong.size} wrong rows have a weight below 0.3")
