"""
Stack loss: from a table to intervals
=====================================

A plant oxidises ammonia to nitric acid. How much ammonia is lost up the stack, and does
the loss depend on the air flow, on the temperature of the cooling water, or on the
concentration of the acid? The data are from 21 days, of which the literature distrusts
four.
"""

# %%
# The data
# --------
# Brownlee (1965). The loss is in tenths of a percent of the ammonia, and three columns
# describe how the plant ran. The literature distrusts days 1, 3, 4 and 21, although no
# single column shows anything unusual about them.

# sphinx_gallery_thumbnail_number = 3

import matplotlib.pyplot as plt
from sklearn.linear_model import LinearRegression

from robustreg import HuberRegressor
from robustreg.datasets import load_stackloss
from robustreg.inference import diagnose, summarize
from robustreg.inspection import CoefficientsDisplay, QuantilesDisplay, ResidualsDisplay

plt.style.use("robustreg.inspection.style")

X, y = load_stackloss(return_X_y=True, as_frame=True)
X.index = y.index = range(1, len(y) + 1)  # days are counted from one
print(X.describe().loc[["min", "mean", "max"]].round(1).to_string())

# %%
# A robust fit and its summary
# ----------------------------
# Of so few days, several may be wrong. The scale by the median of the absolute
# residuals withstands more of them than the default. The standard errors are Huber's,
# which allow for outliers in y.

huber = HuberRegressor(scale="mad").fit(X, y)
summary = summarize(huber, X, y)
print(summary)

# %%
# The loss rises with the air flow and with the water temperature. The interval of the
# acid concentration includes zero, so that these days do not show an effect of it.
#
# Which days count less?
# ----------------------
# Days outside the band have residuals beyond the threshold. The farther out a day is,
# the smaller is its weight: a little more than a third for day 21, one half for day 4,
# and four fifths for day 3.

ResidualsDisplay.from_estimator(huber, X, y)
plt.show()

# %%
# The table lists all days that deserve a look, the worst first, with the reasons. Day 1
# is within the band, but far from the others in X. Without it, a coefficient would
# change by most of its standard error.

print(diagnose(huber, X, y).rows_to_check().round(2).to_string())

# %%
# The next picture compares the residuals with normal quantiles. Most lie near the line.
# Day 21 is farther out than the extreme value of a normal sample would be.

QuantilesDisplay.from_estimator(huber, X, y)
plt.show()

# %%
# What least squares would say
# ----------------------------
# Least squares estimates an effect of the water temperature that is two fifths larger.
# Its intervals are wider, because the wrong days count as noise in all coefficients.

least_squares = LinearRegression().fit(X, y)
models = {"least squares": least_squares, "Huber": huber}
CoefficientsDisplay.from_estimator(models, X, y, standardize=True)
plt.show()

# %%
# A prediction
# ------------
# For a day with an air flow of 60, water of 20 degrees and an acid concentration of 87:
# the expected loss with a 90 % interval (``ci``), and a 90 % interval for the loss of a
# single day (``pi``). The second interval uses the residuals as they are, so that it
# takes into account that some days are far off.

tomorrow = X.iloc[[0]].assign(air_flow=60.0, water_temp=20.0, acid_conc=87.0)
print(summary.predict(tomorrow, level=0.9).round(1).to_string(index=False))

# %%
# Conclusion
# ----------
# Air flow and water temperature matter; an effect of the acid concentration cannot be
# shown. Somebody should look up days 21, 4, 3 and 1 in the log of the plant. They are
# the days that the literature distrusts, and nobody had to remove them before the fit.
