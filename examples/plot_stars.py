"""
Star cluster: where Huber fails, and what reveals it
====================================================

Forty-seven stars of the cluster CYG OB1. The hotter a star of the main sequence, the brighter it
is. But the robust slope comes out negative. Nothing in the residuals warns; the leverages do.
"""

# %%
# The fit
# -------
# Logarithms of the surface temperature and of the light intensity. Mind the sign of the slope.

# sphinx_gallery_thumbnail_number = 3

import matplotlib.pyplot as plt
import numpy as np

from robustreg import HuberRegressor
from robustreg.datasets import load_stars
from robustreg.inference import diagnose, summarize
from robustreg.inspection import ResidualsDisplay, WeightsDisplay

X, y = load_stars(return_X_y=True, as_frame=True)
X.index = y.index = range(1, len(y) + 1)  # stars are numbered from one

huber = HuberRegressor().fit(X, y)
print(summarize(huber, X, y))

# %%
# The slope is -0.4, and its interval includes zero: hot stars would be no brighter, dimmer rather.
# The weights are no help. All stars count fully or nearly so, and nothing asks for a second look.

WeightsDisplay.from_estimator(huber, X, y)
plt.show()

# %%
# Why the residuals say nothing
# -----------------------------
# The Huber loss bounds what an unusual **y** can do. Stars 11, 20, 30 and 34 have an unusual **x**:
# they are giants, cool and yet bright. Far out in X they are a lever that turns the line until it
# passes close to them. Then their residuals are small, and a small residual means full weight.
#
# What reveals it
# ---------------
# The leverage of a row depends on X alone: no fit can hide it. The mean is 2/47, and the giants
# have four times as much. Their influence, the change of the slope when one star is left out, is
# the largest as well.

found = diagnose(huber, X, y)
print(found.rows_to_check().round(2).to_string())

ResidualsDisplay.from_estimator(huber, X, y, kind="residual_vs_leverage")
plt.show()

# %%
# With and without the giants
# ---------------------------
# Giants have left the main sequence: another law holds for them. That is a reason to leave them
# out, and not that they are in the way. The slope is then 2.4, and its interval excludes zero.

giants = found.leverages > found.cutoffs["leverage"]
print("giants:", list(X.index[giants]))
main_sequence = HuberRegressor().fit(X[~giants], y[~giants])
print(summarize(main_sequence, X[~giants], y[~giants]).table.round(2).to_string())

BLUE, VERMILION, GREY = "#0072B2", "#D55E00", "#4D4D4D"  # Okabe and Ito
figure, ax = plt.subplots(layout="constrained")
ax.scatter(X[~giants], y[~giants], color=GREY, label="main sequence")
ax.scatter(X[giants], y[giants], marker="s", color=VERMILION, label="high leverage")
ends = X.iloc[[X.iloc[:, 0].argmin(), X.iloc[:, 0].argmax()]]
ax.plot(ends, huber.predict(ends), "--", color=VERMILION, label="Huber, all stars")
bounds = np.array([X[~giants].min(), X[~giants].max()])
line = main_sequence.intercept_ + bounds @ main_sequence.coef_
ax.plot(bounds, line, color=BLUE, label="Huber, without high leverage")
ax.set(xlabel="log surface temperature (hot at the left)", ylabel="log light intensity")
ax.invert_xaxis()  # astronomers draw hot stars to the left
ax.legend(loc="upper left", bbox_to_anchor=(0.38, 1.0), frameon=False)
ax.spines[["top", "right"]].set_visible(False)
plt.show()

# %%
# Conclusion
# ----------
# Look at the leverages before you believe a Huber fit. Where rows of high leverage are wrong or
# follow another law, say so and leave them out, transform or cap the column, or use an estimator
# that bounds leverage: :class:`robustreg.MMRegressor`, whose example begins with these stars.
