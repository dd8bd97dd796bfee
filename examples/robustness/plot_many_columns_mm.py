"""
Thirty columns: where random subsets fail
=========================================

A quarter of the rows is wrong in one column and in y. With 30 columns, a random subset
of 31 rows has no wrong row with a probability of 1 in 7,000. An MM fit that tries
random subsets only ends at the wrong plane. ``MMRegressor`` has other starts as well,
which are not random.
"""

# %%
# The data
# --------
# All true coefficients are between 1 and 2. The first 125 of 500 rows have x_0 near 8,
# and a y that corresponds to a slope of -3 instead of 1.

# sphinx_gallery_thumbnail_number = 1

import matplotlib.pyplot as plt
import numpy as np

from robustreg import HuberRegressor, MMRegressor
from robustreg.inspection import OutlierMapDisplay

plt.style.use("robustreg.inspection.style")

rng = np.random.default_rng(1)
n, p, wrong = 500, 30, 125
X = rng.normal(size=(n, p))
coef = np.linspace(1, 2, p)
y = 1 + X @ coef + rng.normal(size=n)
X[:wrong, 0] = 8 + 0.3 * rng.normal(size=wrong)
y[:wrong] = -24 + rng.normal(size=wrong) + X[:wrong, 1:] @ coef[1:]

# %%
# Fits with and without random subsets
# ------------------------------------
# A search by random subsets takes a few lines: of the planes through 500 subsets, keep
# the one with the smallest median of the absolute residuals.

Z = np.column_stack((np.ones(n), X))
planes = [np.linalg.solve(Z[rows], y[rows]) for rows in
          (rng.choice(n, size=p + 1, replace=False) for _ in range(500))]  # fmt: skip
best = min(planes, key=lambda plane: np.median(np.abs(y - Z @ plane)))

huber = HuberRegressor().fit(X, y)
mm = MMRegressor(random_state=0).fit(X, y)
for name, found in (
    ("best of 500 subsets", best[1:]),
    ("Huber", huber.coef_),
    ("MM", mm.coef_),
):
    error = np.linalg.norm(found - coef)
    print(f"{name:20s} error {error:5.2f}, slope of x_0 {found[0]:5.2f}")
print(
    f"{mm.n_best_starts_} of {mm.n_starts_} starts ended at the scale {mm.scale_:.3f}"
)

# %%
# The outlier map
# ---------------
# All wrong rows are bad leverage points.

display = OutlierMapDisplay.from_estimator(mm, X, y, n_labels=0)
print(
    "bad leverage points:",
    np.count_nonzero(display.regions[:wrong] == "bad leverage point"),
)
plt.show()

# %%
# How the wrong rows are found
# ----------------------------
# Some directions separate the rows into two groups: projections of (x, y) with two
# modes, and the principal sensitivity components of Peña and Yohai (1999). Each
# direction proposes rows to leave out, and the least squares fit without them is a
# start. With ``n_subsets=0`` there are no random starts. The fit is then the same, and
# depends on no seed.

same = MMRegressor(n_subsets=0).fit(X, y)
print("largest difference:", f"{np.abs(same.coef_ - mm.coef_).max():.0e}")
