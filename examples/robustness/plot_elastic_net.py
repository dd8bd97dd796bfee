"""
Elastic net: five columns among two hundred, and wrong rows
===========================================================

There are a hundred patients and two hundred measurements, of which five matter. For ten
patients the result was entered in the wrong unit. Which columns does the lasso find,
and which the robust fit?
"""

# %%
# The data
# --------

import matplotlib.pyplot as plt
import numpy as np
from sklearn.linear_model import LassoCV

from robustreg import HuberElasticNet, HuberElasticNetCV, HuberRegressor
from robustreg.inspection import PathDisplay

plt.style.use("robustreg.inspection.style")

rng = np.random.default_rng(1)
X = rng.normal(size=(100, 200))
truth = np.zeros(200)
truth[:5] = [3.0, -2.0, 2.0, -1.5, 1.5]
y = 10.0 + X @ truth + rng.normal(size=100)
wrong = rng.permutation(100)[:10]
y[wrong] *= 10.0

# %%
# Two searches
# ------------
# Both searches choose alpha by cross-validation in five folds. In the robust one, alpha
# is in units of the noise, which is estimated at each alpha. Its score is a Huber loss,
# so that wrong rows do not choose the model.

lasso = LassoCV(cv=5).fit(X, y)
robust = HuberElasticNetCV(l1_ratio=1.0, n_alphas=50, cv=5).fit(X, y)


def report(name, coef):
    """How far the coefficients are from the truth, and which columns are used."""
    error = np.linalg.norm(coef - truth)
    right, false = np.count_nonzero(coef[:5]), np.count_nonzero(coef[5:])
    print(f"{name:32s} error {error:5.2f}, {right} of 5 found, {false} false")


report("LassoCV", lasso.coef_)
report("HuberElasticNetCV", robust.coef_)

# %%
# The path
# --------
# Alpha falls from left to right, and columns enter one after the other. The five
# columns that matter come first. At the chosen alpha, some others have entered as well.
# This is usual for cross-validation, since a false column with a small coefficient
# hardly changes the predictions.

PathDisplay.from_estimator(robust)
plt.show()

# %%
# Fewer columns, and less bias
# ----------------------------
# The penalty shrinks the coefficients that it keeps. The adaptive lasso penalises a
# column less if a first fit has given it a large coefficient (``penalty_factors``). A
# refit of the chosen columns without a penalty, the relaxed lasso, removes the bias.

factors = 1.0 / np.maximum(np.abs(robust.coef_), 0.01)
adaptive = HuberElasticNet(0.1, l1_ratio=1.0, penalty_factors=factors).fit(X, y)
report("adaptive", adaptive.coef_)

chosen = np.flatnonzero(adaptive.coef_)
relaxed = np.zeros(200)
relaxed[chosen] = HuberRegressor().fit(X[:, chosen], y).coef_
report("relaxed refit of these", relaxed)

# %%
# The fit has also found the patients with the wrong unit:

found = np.flatnonzero(adaptive.weights_ < 0.3)
print(
    f"{np.isin(wrong, found).sum()} of {wrong.size} wrong rows have a weight below 0.3"
)
