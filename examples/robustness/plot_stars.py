"""
Star cluster: where Huber fails, and how to notice
==================================================

The star cluster CYG OB1 has 47 stars in these data. The hotter a star of the main
sequence, the brighter it is. Yet the robust slope is negative. The residuals show
nothing unusual; the leverages do.
"""

# %%
# The fit
# -------
# The columns are logarithms of the surface temperature and of the light intensity.

# sphinx_gallery_thumbnail_number = 3

import matplotlib.pyplot as plt
import numpy as np

from robustreg import HuberRegressor
from robustreg.datasets import load_stars
from robustreg.inference import diagnose, summarize
from robustreg.inspection import ResidualsDisplay, WeightsDisplay

plt.style.use("robustreg.inspection.style")

X, y = load_stars(return_X_y=True, as_frame=True)
X.index = y.index = range(1, len(y) + 1)  # stars are numbered from one

huber = HuberRegressor().fit(X, y)
print(summarize(huber, X, y))

# %%
# The slope is -0.4, and its interval includes zero. By this fit, hot stars are not
# brighter. The weights do not help: all stars count fully or nearly so.

WeightsDisplay.from_estimator(huber, X, y)
plt.show()

# %%
# Why the residuals show nothing
# ------------------------------
# The Huber loss bounds the influence of an unusual **y**. Stars 11, 20, 30 and 34 have
# an unusual **x**: they are giants, cool and bright. They are so far out in X that the
# line turns until it passes close to them. Then their residuals are small, and a small
# residual means full weight.
#
# How to notice
# -------------
# The leverage of a row depends on X alone, so that no fit can hide it. The mean is
# 2/47, and the giants have four times as much. They also have the largest influence,
# which is the change of the slope when one star is left out.

found = diagnose(huber, X, y)
print(found.rows_to_check().round(2).to_string())

ResidualsDisplay.from_estimator(huber, X, y, kind="residual_vs_leverage")
plt.show()

# %%
# With and without the giants
# ---------------------------
# Giants have left the main sequence, and follow another law. This is a reason to leave
# them out; that they do not fit the line would be none. Without them the slope is 2.4,
# and its interval excludes zero.

giants = found.leverages > found.cutoffs["leverage"]
print("giants:", list(X.index[giants]))
main_sequence = HuberRegressor().fit(X[~giants], y[~giants])
print(summarize(main_sequence, X[~giants], y[~giants]).table.round(2).to_string())

BLUE, VERMILION, GREY = "#0072B2", "#D55E00", "#4D4D4D"
figure, ax = plt.subplots()
ax.scatter(X[~giants], y[~giants], color=GREY, s=20, label="main sequence")
ax.scatter(
    X[giants], y[giants], marker="s", color=VERMILION, s=30, label="high leverage"
)
ends = X.iloc[[X.iloc[:, 0].argmin(), X.iloc[:, 0].argmax()]]
ax.plot(ends, huber.predict(ends), "--", color=VERMILION, label="Huber, all stars")
bounds = np.array([X[~giants].min(), X[~giants].max()])
line = main_sequence.intercept_ + bounds @ main_sequence.coef_
ax.plot(bounds, line, color=BLUE, label="Huber, without high leverage")
ax.set(xlabel="log surface temperature (hot at the left)", ylim=(3.7, 7.3))
ax.set_title("Log light intensity")
ax.invert_xaxis()  # astronomers draw hot stars to the left
ax.legend(loc="upper center", ncols=2)
plt.show()

# %%
# Conclusion
# ----------
# Look at the leverages before you believe a Huber fit. If rows with a high leverage are
# wrong or follow another law, there are three ways: leave them out and say so,
# transform or cap the column, or use an estimator that bounds leverage.
# :doc:`plot_star_cluster_mm` does the last.
