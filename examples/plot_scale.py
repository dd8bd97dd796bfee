r"""
Scale: how many wrong rows can a fit bear?
==========================================

The threshold is delta times the scale. Where outliers raise the scale they raise the threshold, and
pass for ordinary rows. At how many of them does a scale break down?
"""

# %%
# The data
# --------
# A thousand rows with noise of one, of which up to half are replaced by gross outliers: of both
# signs and a thousand times as wide, or all a thousand to one side. So far out, their number alone
# matters.

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from scipy import stats

from robustreg import HuberRegressor
from robustreg.datasets import make_contaminated_regression
from robustreg.tuning import kappa

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
# The scale should be one. A scale of ten or more has given way: the outliers then pull the fit as
# they pull least squares.

scales = {side: pd.DataFrame(index=shares, columns=list(fits), dtype=float) for side in outliers}
for side, distribution in outliers.items():
    for share in shares:
        X, y = make_contaminated_regression(
            1000, 3, contamination=share, outlier_distribution=distribution, random_state=0
        )
        for name, model in fits.items():
            scales[side].loc[share, name] = model.fit(X, y).scale_

for side, table in scales.items():
    print(f"Scale, by the share of outliers {side}")
    print(table.iloc[::4].round(2).to_string(), end="\n\n")

# %%
# Where theory says that they break down
# --------------------------------------
# The joint scale solves a balance: the mean of :math:`\min(e^2, \delta^2\sigma^2)` is
# :math:`2\kappa\sigma^2`. An outlier adds :math:`\delta^2\sigma^2` however far it is, and from the
# share :math:`2\kappa/\delta^2` on the outliers alone add too much. On one side they do more: they
# pull the intercept, and the good rows have to make up for it with residuals of
# :math:`\epsilon\delta\sigma/(1-\epsilon)`. These enter the balance as well, and it ends at the
# share :math:`2\kappa/(2\kappa + \delta^2)`. The same residuals reach the MAD's
# :math:`0.6745\,\sigma` at :math:`0.6745/(0.6745 + \delta)`; on both sides it holds to a half.

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
# Vertical ticks at the foot mark these shares. Before them lies a range where the scale is two or
# three times too large: outliers are still told apart, at less efficiency. A smaller delta
# withstands more, with either scale. With many columns all shares are smaller.

COLORS = ["#D55E00", "#0072B2", "#009E73", "#4D4D4D"]  # Okabe and Ito
STYLES = ["--", "-", "-.", ":"]

figure, axes = plt.subplots(1, 2, figsize=(10, 4), layout="constrained", sharey=True)
for ax, (side, table) in zip(axes, scales.items(), strict=True):
    for name, color, style in zip(fits, COLORS, STYLES, strict=True):
        ax.plot(100 * shares, table[name], style, color=color, label=name)
        if theory[side][name] < 0.5:
            ax.plot(100 * theory[side][name], 0.6, "|", color=color, markersize=14, mew=2)
    ax.axhline(1.0, color="0.8", linewidth=0.8, zorder=0)
    ax.set(yscale="log", ylim=(0.5, 1000), xlabel="rows that are wrong, %")
    ax.set_title(f"outliers {side}", loc="left", fontsize=11)
    ax.spines[["top", "right"]].set_visible(False)
axes[0].set_ylabel("scale; the truth is 1")
axes[0].legend(frameon=False)
plt.show()
