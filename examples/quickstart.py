"""
Quickstart: a trend that six wrong years cannot bend
====================================================

Telephone calls from Belgium, 1950 to 1973. From 1964 to 1969 minutes were recorded instead of
calls. Least squares lets those years set the trend; Huber regression bounds their influence and
says which years to look at.

Run it with ``python examples/quickstart.py [picture.png]``.
"""

# %%
# Fit both lines. A quarter of the years is wrong, all of them in the same direction: enough to
# carry away the default's jointly estimated scale, but not the median of the absolute residuals.

import argparse

import matplotlib.pyplot as plt
import numpy as np
from sklearn.linear_model import LinearRegression

from robustreg import HuberRegressor
from robustreg.datasets import load_phones

X, calls = load_phones(return_X_y=True)
years = 1900 + X[:, 0].astype(int)

least_squares = LinearRegression().fit(X, calls)
huber = HuberRegressor(scale="mad").fit(X, calls)

# %%
# ``weights_`` says how much each row counted: 1 within the threshold, less the farther it is out.

outlying = huber.weights_ < 0.5
years_out, calls_out = years[outlying], calls[outlying]

print("Telephone calls from Belgium, in tens of millions")
for name, model in [("least squares   ", least_squares), ("Huber regression", huber)]:
    print(f"  {name}  {model.intercept_:8.2f} {model.coef_[0]:+.2f} (year - 1900)")
print()
print("Outlying years, which count less than half in the Huber fit")
for year, count, weight in zip(years_out, calls_out, huber.weights_[outlying], strict=True):
    print(f"  {year}: {count:.0f} recorded, weight {weight:.2f}")

# %%
# Colours that colour-blind readers can tell apart (Okabe and Ito), and line styles and markers that
# survive a black-and-white printer.

BLUE, VERMILION, GREY = "#0072B2", "#D55E00", "#4D4D4D"

figure, axes = plt.subplots(figsize=(7.2, 4.2), layout="constrained")
axes.plot(years[~outlying], calls[~outlying], "o", color=GREY, markersize=6)
axes.plot(years_out, calls_out, "D", color=VERMILION, fillstyle="none", markersize=7, mew=1.8)
for year, count in zip(years_out, calls_out, strict=True):
    right = year % 2  # neighbours would overprint each other on one side
    shift, anchor = (0.35, "left") if right else (-0.35, "right")
    axes.text(year + shift, count, str(year), color=VERMILION, va="center", ha=anchor)
axes.text(1961.6, 160, "minutes, not calls", color=VERMILION, fontsize=11, ha="center")

ends = np.array([[49.0], [74.0]])
axes.plot(1900 + ends, least_squares.predict(ends), "--", color=VERMILION, linewidth=2.2)
axes.plot(1900 + ends, huber.predict(ends), "-", color=BLUE, linewidth=2.2)
axes.text(1960.2, 62, "least squares", color=VERMILION, fontsize=11, weight="bold", ha="center")
axes.text(1967.2, 51, "Huber regression", color=BLUE, fontsize=11, weight="bold", ha="center")

axes.set(xlim=(1949, 1974), ylim=(-20, 225), xlabel="year")
axes.set_title("International calls from Belgium, in tens of millions", loc="left", fontsize=11)
axes.spines[["top", "right"]].set_visible(False)
axes.grid(axis="y", color="#E5E5E5", linewidth=0.8)
axes.set_axisbelow(True)

# The picture goes where you stand, or where you say.
parser = argparse.ArgumentParser(description="Huber regression on the Belgian phone calls.")
parser.add_argument("picture", nargs="?", default="quickstart.png", help="file to write")
path = parser.parse_args().picture
figure.savefig(path, dpi=160)
print()
print(f"Picture of both lines: {path}")
