"""
Weights: which numbers should somebody look up?
===============================================

In thirty of 442 records somebody has typed the digits of the result backwards. The fit does not
know which. Its weights say which rows it believes least: how many of the wrong ones are among them?
"""

# %%
# The data
# --------
# Scikit-learn's diabetes data. Backwards, 206 becomes 602 and 179
# becomes 971, but 141 stays what it is, and 101 as well.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_diabetes

from robustreg import HuberRegressor

X, truth = load_diabetes(return_X_y=True)
y = truth.copy()
for row in np.random.default_rng(0).permutation(len(y))[:30]:
    y[row] = float(str(int(y[row]))[::-1])
wrong = y != truth
print(f"{wrong.sum()} of {len(y)} results are wrong, by {np.median(np.abs(y - truth)[wrong]):.0f}")

# %%
# The list to look up
# -------------------
# ``weights_`` is the threshold over the absolute residual, and one within the threshold: at 1/2 a
# residual is twice the threshold, 2.7 times the noise. Few good rows are so far out.

model = HuberRegressor(scale="mad").fit(X, y)
listed = np.argsort(model.weights_)[: np.sum(model.weights_ < 0.5)]
print(f"{len(listed)} rows with a weight below 0.5, of which {wrong[listed].sum()} are wrong")
beyond = model.outliers_
print(f"{beyond.sum()} rows beyond the threshold, of which {(beyond & wrong).sum()} are wrong")

# %%
# ``outliers_`` marks more, every row beyond the threshold: at the default that is one good row in
# six. They are not to be deleted: they count, with a bounded influence.
#
# What is found, and what cannot be
# ---------------------------------
# A mistake that is smaller than the noise cannot be told from it, by this or any method, and does
# little harm. The large ones are all on the list, and no other row is.

BLUE, VERMILION, GREY = "#0072B2", "#D55E00", "#4D4D4D"  # Okabe and Ito
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained", sharey=True)
order = np.argsort(model.weights_)
rank = np.arange(1, len(y) + 1)
for kind, rows, style in [
    ("right", ~wrong[order], {"marker": ".", "color": GREY, "markersize": 4}),
    ("wrong", wrong[order], {"marker": "D", "color": VERMILION, "fillstyle": "none"}),
]:
    left.plot(rank[rows], model.weights_[order][rows], linestyle="none", label=kind, **style)
left.set(xlim=(0, 150), xlabel="rows, least weight first", ylabel="weight", ylim=(0, 1.05))
left.legend(frameon=False, loc="lower right")
right.plot(np.abs(y - truth)[wrong], model.weights_[wrong], "D", color=VERMILION, fillstyle="none")
right.axvline(model.scale_, color=BLUE, linestyle="--", linewidth=1)
right.text(1.05 * model.scale_, 0.06, "scale: the noise", color=BLUE)
right.set(xscale="log", xlabel="size of the mistake, in units of y")
for ax in (left, right):
    ax.axhline(0.5, color="0.6", linewidth=0.8, linestyle=":")
    ax.spines[["top", "right"]].set_visible(False)
plt.show()
