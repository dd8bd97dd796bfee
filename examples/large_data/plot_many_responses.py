"""
Many responses: which of 2,000 genes react?
===========================================

Sixty samples, half of them treated, and the activity of 2,000 genes. The treatment
changes 100 of them. Three measurements in a hundred are wrong. One call fits all genes
to the same columns, each with a scale and weights of its own.
"""

# %%
# The data
# --------
# Besides the treatment, three columns describe each sample.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.linear_model import LinearRegression

from robustreg import HuberRegressor

plt.style.use("robustreg.inspection.style")

rng = np.random.default_rng(0)
n_samples, n_genes, n_reacting = 60, 2000, 100
X = np.column_stack(
    [rng.integers(0, 2, n_samples), rng.normal(size=(n_samples, 3))]
).astype(float)
effect = np.where(np.arange(n_genes) < n_reacting, 1.0, 0.0)
Y = X[:, [0]] * effect + rng.normal(size=(n_samples, n_genes))
wrong = rng.random(Y.shape) < 0.03
Y[wrong] += rng.choice([-15.0, 15.0], size=wrong.sum())

# %%
# Two fits of all genes
# ---------------------

huber = HuberRegressor().fit(X, Y)
least_squares = LinearRegression().fit(X, Y)
print(f"coefficients {huber.coef_.shape}, scales {huber.scale_.shape}")
found = huber.weights_ < 0.25
print(f"{wrong.sum():,} measurements are wrong")
print(f"{(found & wrong).sum():,} of them have a weight below 0.25")

# %%
# Lists of genes
# --------------
# Genes are ordered by the effect divided by the noise. How many of the genes at the top
# of each list react in truth?

noise = np.std(Y - least_squares.predict(X), axis=0)
statistics = {
    "Huber": np.abs(huber.coef_[:, 0]) / huber.scale_,
    "least squares": np.abs(least_squares.coef_[:, 0]) / noise,
}

figure, ax = plt.subplots()
length = np.arange(1, 301)
ax.plot(
    length, np.minimum(length, n_reacting), color="0.8", linewidth=6, label="perfect"
)
for (name, values), color, style in zip(
    statistics.items(), ["#0072B2", "#D55E00"], ["-", ":"], strict=True
):
    order = np.argsort(-values)
    hits = np.cumsum(effect[order] > 0)[: length.size]
    ax.plot(length, hits, style, color=color, label=name)
    print(f"{name}: {hits[99]} of the first 100 genes react")
ax.set(xlabel="length of the list")
ax.set_title("Genes on the list that react")
ax.legend(loc="lower right")
plt.show()
