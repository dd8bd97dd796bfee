"""
Phone calls: a quarter of the rows is wrong
===========================================

International calls from Belgium, 1950 to 1973. From 1964 to 1969, minutes were recorded
instead of calls: six of 24 years are wrong, all in the same direction. What do a Huber
and an MM fit make of them?
"""

# %%
# The fits
# --------
# Here the right years are known, and so is the right answer: least squares without the
# six years.

# sphinx_gallery_thumbnail_number = 2

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.linear_model import LinearRegression

from robustreg import HuberRegressor, MMRegressor
from robustreg.datasets import load_phones
from robustreg.inspection import WeightsDisplay

plt.style.use("robustreg.inspection.style")

X, calls = load_phones(return_X_y=True)
years = 1900 + X[:, 0].astype(int)
wrong = (years >= 1964) & (years <= 1969)

fits = {
    "least squares": LinearRegression().fit(X, calls),
    "Huber": HuberRegressor().fit(X, calls),
    "Huber, MAD": HuberRegressor(scale="mad").fit(X, calls),
    "MM": MMRegressor(random_state=0).fit(X, calls),
    "right years only": LinearRegression().fit(X[~wrong], calls[~wrong]),
}
table = {
    name: {
        "calls more a year": model.coef_[0],
        "noise": getattr(model, "scale_", np.nan),
    }
    for name, model in fits.items()
}
print(pd.DataFrame(table).T.round(2).to_string(na_rep=""))

# %%
# The weights of the Huber fit with the MAD scale show the six wrong years:

WeightsDisplay.from_predictions(
    calls,
    fits["Huber, MAD"].predict(X),
    threshold=fits["Huber, MAD"].threshold_,
    labels=years,
)
plt.show()

# %%
# The bias of a Huber fit
# -----------------------
# A Huber fit bounds the influence of a wrong row, but every wrong row has some
# influence. If all of them lie on one side, their pulls add up. At the default, a joint
# scale withstands up to 28 % of such rows. With 25 %, it does not break down, but it is
# so large that the fit follows them nearly as least squares does. The scale by the MAD
# is much better, and its slope is still half as large again as the right one.
#
# MM gives no weight at all to rows that are far away. Its slope is somewhat smaller
# than that of the right years. The year 1970 was partly recorded in minutes, too, and
# MM has left it out:

counts = MMRegressor(random_state=0).fit(X, calls).weights_
print("years with no weight in the MM fit:", years[counts == 0.0].tolist())

# %%
# The lines
# ---------

BLUE, VERMILION, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#4D4D4D"
figure, ax = plt.subplots()
ax.plot(years[~wrong], calls[~wrong], "o", color=GREY, markersize=5, zorder=3)
ax.plot(
    years[wrong], calls[wrong], "D", color=VERMILION, fillstyle="none", markersize=6
)
ends = np.array([[49.0], [74.0]])
for name, style in {
    "right years only": {"color": "0.7", "linewidth": 8},
    "least squares": {"color": VERMILION, "linestyle": ":"},
    "Huber": {"color": GREEN, "linestyle": "-."},
    "Huber, MAD": {"color": GREEN, "linestyle": "--"},
    "MM": {"color": BLUE},
}.items():
    ax.plot(1900 + ends, fits[name].predict(ends), label=name, **style)
ax.set(xlim=(1949, 1974), ylim=(-20, 225))
ax.set_title("Calls from Belgium, in tens of millions")
ax.legend(loc="upper left")
plt.show()

# %%
# Conclusion
# ----------
# If a quarter of the rows or more may be wrong, and all in one direction, fit
# ``MMRegressor``, or compare it with the Huber fit. :doc:`plot_scale` shows how many
# wrong rows each scale withstands.
