r"""
Scale: how many wrong rows does a fit withstand?
================================================

The threshold is delta times the scale. Outliers raise the scale, and with it the
threshold, so that they count more. From which share of outliers on does the scale break
down?
"""

# %%
# The data
# --------
# A thousand rows with a noise of one, of which up to half are replaced by gross
# outliers. The outliers are a thousand times as wide and have both signs, or they are
# all shifted by a thousand to one side. So far out, only their number counts.

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from scipy import stats

from robustreg import HuberRegressor
from robustreg.datasets import make_contaminated_regression
from robustreg.tuning import kappa

plt.style.use("robustreg.inspection.style")

shares = np.linspace(0.0, 0.48, 25)
outliers = {"on both sides": stats.norm(0, 1000), "on one side": stats.norm(1000, 1)}
fits = {
    "joint, delta = 2": HuberRegressor(delta=2.0),
    "joint, delta = 1.345": HuberRegressor(),
    "joint, delta = 0.7": HuberRegressor(delta=0.7),
    "MAD, delta = 1.345": HuberRegressor(scale="mad"),
}

# %%
# Each fit with each share of outliers
# ------------------------------------
# The scale should be one. A scale of ten or more has broken down: the outliers then
# influence the fit nearly as they influence least squares.

scales = {
    side: pd.DataFrame(index=shares, columns=list(fits), dtype=float)
    for side in outliers
}
for side, distribution in outliers.items():
    for share in shares:
        X, y = make_contaminated_regression(
            1000,
            3,
            contamination=share,
            outlier_distribution=distribution,
            random_state=0,
        )
        for name, model in fits.items():
            scales[side].loc[share, name] = model.fit(X, y).scale_

for side, table in scales.items():
    print(f"Scale, by the share of outliers {side}")
    print(table.iloc[::4].round(2).to_string(), end="\n\n")

# %%
# The shares that theory gives
# ----------------------------
# The joint scale solves an equation: the mean of :math:`\min(e^2, \delta^2\sigma^2)` is
# :math:`2\kappa\sigma^2`. An outlier contributes :math:`\delta^2\sigma^2`, however far
# away it is. From the share :math:`2\kappa/\delta^2` on, the outliers alone contribute
# more than the right-hand side.
#
# On one side, outliers do more harm, since they also shift the intercept. The good rows
# then have residuals of :math:`\epsilon\delta\sigma/(1-\epsilon)`, where
# :math:`\epsilon` is the share of the outliers, and the equation has no solution from
# :math:`2\kappa/(2\kappa + \delta^2)` on. The MAD breaks down where the same residuals
# reach :math:`0.6745\,\sigma`, at :math:`0.6745/(0.6745 + \delta)`. With outliers on
# both sides it withstands one half.

quartile = stats.norm.ppf(0.75)
theory = {"on both sides": {}, "on one side": {}}
for name, model in fits.items():
    delta, balance = model.delta, 2 * kappa(model.delta)
    joint = model.scale == "joint"
    theory["on both sides"][name] = min(balance / delta**2, 0.5) if joint else 0.5
    theory["on one side"][name] = (
        balance / (balance + delta**2) if joint else quartile / (quartile + delta)
    )
print(pd.DataFrame(theory).map("{:.1%}".format).to_string())

# %%
# The vertical ticks at the bottom mark these shares. Below them there is a range in
# which the scale is two or three times too large: the outliers are still recognised,
# but the fit is less precise. With a smaller delta, both scales withstand more. With
# many columns, all shares are smaller.

COLORS = ["#D55E00", "#0072B2", "#009E73", "#4D4D4D"]
STYLES = ["--", "-", "-.", ":"]

figure, axes = plt.subplots(2, figsize=(5.8, 6.8), sharex=True)
for ax, (side, table) in zip(axes, scales.items(), strict=True):
    for name, color, style in zip(fits, COLORS, STYLES, strict=True):
        ax.plot(100 * shares, table[name], style, color=color, label=name)
        if theory[side][name] < 0.5:
            ax.plot(
                100 * theory[side][name], 0.6, "|", color=color, markersize=14, mew=2
            )
    ax.axhline(1.0, color="0.8", linewidth=0.8, zorder=0)
    ax.set(yscale="log", ylim=(0.5, 1000))
    ax.set_title(f"Scale, with outliers {side}; the truth is 1")
axes[1].set_xlabel("rows that are wrong, %")
axes[0].legend()
plt.show()
