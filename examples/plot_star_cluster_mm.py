"""
Star cluster, continued: the fit that resists wrong X
=====================================================

In the first part, :doc:`plot_stars`, four giant stars turned the slope of a Huber fit around. An MM
fit gives them no weight, without being told which stars they are.
"""

# %%
# Two fits
# --------
# The same data, and the same question: how does the light of a star depend on its temperature?

# sphinx_gallery_thumbnail_number = 2

import matplotlib.pyplot as plt

from robustreg import HuberRegressor, MMRegressor
from robustreg.datasets import load_stars
from robustreg.inference import diagnose, summarize
from robustreg.inspection import OutlierMapDisplay

X, y = load_stars(return_X_y=True, as_frame=True)
X.index = y.index = range(1, len(y) + 1)  # stars are numbered from one

huber = HuberRegressor().fit(X, y)
mm = MMRegressor(random_state=0).fit(X, y)
print(f"Huber slope {huber.coef_[0]:.2f}, MM slope {mm.coef_[0]:.2f}")
print(summarize(mm, X, y))

# %%
# The slope is 2.25 with a standard error of 0.77, and its interval excludes zero: hotter stars are
# brighter.
#
# The map of both fits
# --------------------
# The outlier map sets standardised residuals against robust distances in X. To the right of the
# dotted line a star is far from the others. Above and below the band its residual is large.

figure, axes = plt.subplots(1, 2, figsize=(11, 4.5), layout="constrained")
for ax, name, model in zip(axes, ("Huber", "MM"), (huber, mm), strict=True):
    OutlierMapDisplay.from_estimator(model, X, y, ax=ax)
    ax.set_title(name)
plt.show()

# %%
# To the Huber fit the giants are good leverage points: far from the others, with small residuals.
# They are small because the line follows them. To the MM fit they are bad leverage points.

found = diagnose(mm, X, y)
bad = found.labels[found.regions == "bad leverage point"]
print("bad leverage points:", bad.tolist())

# %%
# The lines
# ---------

BLUE, VERMILION, GREY = "#0072B2", "#D55E00", "#4D4D4D"  # Okabe and Ito
figure, ax = plt.subplots(layout="constrained")
counts = mm.weights_ > 0
ax.scatter(X[counts], y[counts], color=GREY, label="weight above zero")
ax.scatter(X[~counts], y[~counts], marker="s", color=VERMILION, label="weight zero in the MM fit")
ends = X.iloc[[X.iloc[:, 0].argmin(), X.iloc[:, 0].argmax()]]
ax.plot(ends, huber.predict(ends), "--", color=VERMILION, label="Huber")
ax.plot(ends, mm.predict(ends), color=BLUE, label="MM")
ax.set(xlabel="log surface temperature (hot at the left)", ylabel="log light intensity")
ax.invert_xaxis()  # astronomers draw hot stars to the left
ax.set_ylim(3.5, 6.6)
ax.legend(frameon=False)
ax.spines[["top", "right"]].set_visible(False)
plt.show()

# %%
# Conclusion
# ----------
# Where rows may be wrong in X, fit ``MMRegressor`` beside ``HuberRegressor``. If the two differ by
# more than a standard error, look at the map of the MM fit.
