"""
Weights: which rows should somebody look up?
============================================

In 30 of 442 records somebody typed the digits of the result backwards. The fit does not
know which ones. It gives a small weight to the rows that it does not believe. How many
wrong rows are among them?
"""

# %%
# The data
# --------
# Scikit-learn's diabetes data. Backwards, 206 becomes 602 and 179 becomes 971, but 141
# stays the same, and so does 101.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_diabetes

from robustreg import HuberRegressor

plt.style.use("robustreg.inspection.style")

X, truth = load_diabetes(return_X_y=True)
y = truth.copy()
for row in np.random.default_rng(0).permutation(len(y))[:30]:
    y[row] = float(str(int(y[row]))[::-1])
wrong = y != truth
size = np.median(np.abs(y - truth)[wrong])
print(f"{wrong.sum()} of {len(y)} results are wrong, by {size:.0f} in the median")

# %%
# The list to look up
# -------------------
# ``weights_`` is 1 for a residual within the threshold, and the threshold divided by
# the residual beyond it. With a weight of 1/2, a residual is twice the threshold, or
# 2.7 times the noise. Few correct rows have such a residual.

model = HuberRegressor(scale="mad").fit(X, y)
for name, rows in [
    ("with a weight below 0.5", model.weights_ < 0.5),
    ("beyond the threshold", model.outliers_),
]:
    print(f"{rows.sum()} rows {name}, of which {(rows & wrong).sum()} are wrong")

# %%
# ``outliers_`` marks every row beyond the threshold. At the default delta, this is one
# correct row in six. Do not delete these rows: they count, with a bounded influence.
#
# What is found, and what cannot be found
# ---------------------------------------
# A mistake that is smaller than the noise cannot be told from it by any method, and
# does little harm. All mistakes above four times the noise are on the list, and no
# correct row is.

BLUE, VERMILION, GREY = "#0072B2", "#D55E00", "#4D4D4D"
figure, (upper, lower) = plt.subplots(2, figsize=(5.8, 6.4))
order = np.argsort(model.weights_)
rank = np.arange(1, len(y) + 1)
for kind, rows, style in [
    ("correct", ~wrong[order], {"marker": ".", "color": GREY, "markersize": 4}),
    ("wrong", wrong[order], {"marker": "D", "color": VERMILION, "fillstyle": "none"}),
]:
    upper.plot(
        rank[rows], model.weights_[order][rows], linestyle="none", label=kind, **style
    )
upper.set(xlim=(0, 150), xlabel="rows, smallest weight first")
upper.legend(loc="lower right")
lower.plot(
    np.abs(y - truth)[wrong],
    model.weights_[wrong],
    "D",
    color=VERMILION,
    fillstyle="none",
)
lower.axvline(model.scale_, color=BLUE, linestyle="--", linewidth=1)
lower.text(1.05 * model.scale_, 0.06, "scale: the noise", color=BLUE)
lower.set(xscale="log", xlabel="size of the mistake, in units of y")
for ax in (upper, lower):
    ax.axhline(0.5, color="0.6", linewidth=0.8, linestyle=":")
    ax.set(ylim=(0, 1.05), ylabel="weight")
plt.show()
