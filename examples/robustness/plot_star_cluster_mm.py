"""
Star cluster, continued: a fit that resists wrong X
===================================================

In the first part, :doc:`plot_stars`, four giant stars turned the slope of a Huber fit
around. An MM fit gives them no weight, without being told which stars they are.
"""

# %%
# Two fits
# --------
# The data and the question are the same: how does the light of a star depend on its
# temperature?

# sphinx_gallery_thumbnail_number = 2

import matplotlib.pyplot as plt

from robustreg import HuberRegressor, MMRegressor
from robustreg.datasets import load_stars
from robustreg.inference import diagnose, summarize
from robustreg.inspection import OutlierMapDisplay

plt.style.use("robustreg.inspection.style")

X, y = load_stars(return_X_y=True, as_frame=True)
X.index = y.index = range(1, len(y) + 1)  # stars are numbered from one

huber = HuberRegressor().fit(X, y)
mm = MMRegressor(random_state=0).fit(X, y)
print(f"Huber slope {huber.coef_[0]:.2f}, MM slope {mm.coef_[0]:.2f}")
print(summarize(mm, X, y))

# %%
# The MM slope is 2.25 with a standard error of 0.77. Its interval excludes zero: hotter
# stars are brighter.
#
# The outlier map of both fits
# ----------------------------
# The map shows standardised residuals against robust distances in X. A star to the
# right of the dotted line is far from the others. A star above or below the band has a
# large residual.

figure, axes = plt.subplots(2, figsize=(5.8, 7.2))
for ax, name, model in zip(axes, ("Huber", "MM"), (huber, mm), strict=True):
    OutlierMapDisplay.from_estimator(model, X, y, ax=ax)
    ax.set_title(name)
plt.show()

# %%
# In the Huber fit the giants are good leverage points: far from the others, with small
# residuals. The residuals are small because the line follows the giants. In the MM fit
# they are bad leverage points.

found = diagnose(mm, X, y)
bad = found.labels[found.regions == "bad leverage point"]
print("bad leverage points:", bad.tolist())

# %%
# The lines
# ---------

BLUE, VERMILION, GREY = "#0072B2", "#D55E00", "#4D4D4D"
figure, ax = plt.subplots()
counts = mm.weights_ > 0
ax.scatter(X[counts], y[counts], color=GREY, s=20, label="weight above zero")
ax.scatter(
    X[~counts],
    y[~counts],
    marker="s",
    color=VERMILION,
    s=30,
    label="no weight in the MM fit",
)
ends = X.iloc[[X.iloc[:, 0].argmin(), X.iloc[:, 0].argmax()]]
ax.plot(ends, huber.predict(ends), "--", color=VERMILION, label="Huber")
ax.plot(ends, mm.predict(ends), color=BLUE, label="MM")
ax.set(xlabel="log surface temperature (hot at the left)", ylim=(3.5, 7.3))
ax.set_title("Log light intensity")
ax.invert_xaxis()  # astronomers draw hot stars to the left
ax.legend(loc="upper center", ncols=2)
plt.show()

# %%
# Conclusion
# ----------
# If rows may be wrong in X, fit ``MMRegressor`` beside ``HuberRegressor``. If the two
# differ by more than a standard error, look at the outlier map of the MM fit.
