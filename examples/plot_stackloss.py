"""
Stack loss: from a table to intervals that four bad days cannot move
====================================================================

A plant oxidises ammonia to nitric acid. How much ammonia is lost up the stack, and does it depend
on the air flow, on the temperature of the cooling water, or on the concentration of the acid?
Twenty-one days of operation, of which the literature distrusts four.
"""

# %%
# The data
# --------
# Brownlee (1965). The loss is in tenths of a percent of the ammonia; three more columns describe
# how the plant ran. The literature distrusts days 1, 3, 4 and 21, though nothing in a single column
# gives them away.

# sphinx_gallery_thumbnail_number = 3

import matplotlib.pyplot as plt
import numpy as np

from robustreg import HuberRegressor
from robustreg.datasets import load_stackloss
from robustreg.inference import diagnose, summarize
from robustreg.inspection import CoefficientsDisplay, QuantilesDisplay, ResidualsDisplay

X, y = load_stackloss(return_X_y=True, as_frame=True)
X.index = y.index = range(1, len(y) + 1)  # days are counted from one
print(X.describe().loc[["min", "mean", "max"]].round(1).to_string())

# %%
# A robust fit and its summary
# ----------------------------
# Of so few days several may be bad: take the scale from the median of the absolute residuals, which
# half of them could not carry away. Standard errors are Huber's: they allow for outliers in y.

huber = HuberRegressor(scale="mad").fit(X, y)
summary = summarize(huber, X, y)
print(summary)

# %%
# The loss rises with air flow and with water temperature. The interval of the acid concentration
# includes zero: these days say nothing about it.
#
# Which days count less?
# ----------------------
# Days outside the band have residuals beyond the threshold. The farther out, the smaller their
# weight: day 21 counts little more than a third, day 4 a half, day 3 four fifths.

ResidualsDisplay.from_estimator(huber, X, y)
plt.show()

# %%
# The table lists all days that deserve a look and why, worst first. Day 1 is within the band, but
# at an end of X: without it, a coefficient would change by most of its standard error.

print(diagnose(huber, X, y).rows_to_check().round(2).to_string())

# %%
# Against the quantiles of a normal sample, the residuals lie near the line but for the ends, and
# day 21 is farther out than the extreme of a normal sample would be.

QuantilesDisplay.from_estimator(huber, X, y)
plt.show()

# %%
# What least squares would have said
# ----------------------------------
# Least squares is the Huber fit whose threshold is infinite, so that the same summary works. Its
# estimate for the water temperature is two fifths larger, and its intervals are wider: the bad days
# count as noise that all coefficients have.

least_squares = HuberRegressor(delta=np.inf).fit(X, y)
models = {"least squares": least_squares, "Huber": huber}
CoefficientsDisplay.from_estimator(models, X, y, standardize=True)
plt.show()

# %%
# Tomorrow
# --------
# On a day with an air flow of 60, water of 20 degrees and an acid concentration of 87, the loss to
# expect, and a 90 % interval for what will be seen. The second is from the residuals as they are,
# not from a normal distribution: it knows that some days are far off.

tomorrow = X.iloc[[0]].assign(air_flow=60.0, water_temp=20.0, acid_conc=87.0)
print(summary.predict(tomorrow, level=0.9).round(1).to_string(index=False))

# %%
# Conclusion
# ----------
# Air flow and water temperature matter, acid concentration cannot be told from zero. Days 21, 4,
# 3 and 1, those that the literature distrusts, should be looked up in the log of the
# plant. Nobody had to remove them first: they were found by the fit that they could not bend.
