"""
Quickstart: a curve that wrong rows do not bend
===============================================

Electricity use of a building against the outside temperature, for 400 hours. In one
hour of ten the sum of three meters was recorded instead of their mean, three times the
true value. Least squares follows these rows. A Huber fit stays on the true curve, and
says which rows do not belong to it.

Run it with ``python examples/quickstart.py [picture.png]``.
"""

# %%
# The data are simulated, so that the true curve is known.

import argparse

import matplotlib.pyplot as plt
import numpy as np
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import SplineTransformer

from robustreg import HuberRegressor


def true_use(temperature):
    """Heating below some six degrees, and cooling above eighteen."""
    heating = 30.0 / (1.0 + np.exp((temperature - 6.0) / 3.0))
    return 20.0 + heating + 0.12 * np.maximum(temperature - 18.0, 0.0) ** 2


rng = np.random.default_rng(0)
temperature = rng.uniform(-10.0, 35.0, size=400)
use = true_use(temperature) + 2.0 * rng.normal(size=400)
wrong = rng.permutation(400)[:40]
use[wrong] *= 3.0

# %%
# Both fits are pipelines: cubic splines of the temperature, and a regressor at the end.

X = temperature[:, None]
least_squares = make_pipeline(SplineTransformer(n_knots=8), LinearRegression()).fit(
    X, use
)
huber = make_pipeline(SplineTransformer(n_knots=8), HuberRegressor()).fit(X, use)

grid = np.linspace(-9.5, 34.5, 200)
truth = true_use(grid)
print("Largest distance from the true curve, kW")
for name, model in [("least squares", least_squares), ("Huber regression", huber)]:
    distance = np.abs(model.predict(grid[:, None]) - truth).max()
    print(f"  {name:16s} {distance:5.1f}")

# %%
# A fitted Huber model knows the noise, and how much each row counted: 1 within the
# threshold, and less the farther out a row is.

regressor = huber[-1]
doubtful = regressor.weights_ < 0.5
print(f"Noise: {regressor.scale_:.1f} kW, and the truth is 2.0")
found = doubtful[wrong].sum()
print(f"Rows with a weight below 0.5: {doubtful.sum()}, of which wrong: {found}")

# %%
# The picture: the true curve in grey, the Huber fit on it, and least squares above.

plt.style.use("robustreg.inspection.style")
BLUE, VERMILION, GREY = "#0072B2", "#D55E00", "#4D4D4D"

figure, ax = plt.subplots()
ax.plot(
    temperature[~doubtful],
    use[~doubtful],
    ".",
    color=GREY,
    alpha=0.5,
    markersize=4,
    zorder=3,
)
ax.plot(
    temperature[doubtful],
    use[doubtful],
    "D",
    color=VERMILION,
    fillstyle="none",
    markersize=5,
)
ax.plot(grid, truth, color="0.7", linewidth=9, solid_capstyle="round")
ax.plot(grid, least_squares.predict(grid[:, None]), ":", color=VERMILION, linewidth=2.5)
ax.plot(grid, huber.predict(grid[:, None]), color=BLUE, zorder=4)
for x, y, text, color in [
    (-9.5, 4.0, "Huber regression, on the true curve", BLUE),
    (-9.5, 73.0, "least squares", VERMILION),
    (3.0, 146.0, "weight below 0.5", VERMILION),
]:
    ax.text(x, y, text, color=color, weight="bold")
ax.set(xlabel="outside temperature, °C", ylim=(-4, 168))
ax.set_title("Electricity use, kW")

# The picture goes where you stand, or where you say.
parser = argparse.ArgumentParser(
    description="Huber regression on a curve with wrong rows."
)
parser.add_argument(
    "picture", nargs="?", default="quickstart.png", help="file to write"
)
path = parser.parse_args().picture
figure.savefig(path)
print(f"Picture: {path}")
