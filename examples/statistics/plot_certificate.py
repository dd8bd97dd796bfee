"""
Certificate: how does a fit know that it is done?
=================================================

The columns are in the units of a hospital, with their squares and products: numbers
from one to a hundred thousand. Must they be standardised first? And when a solver
stops, is it at the solution?
"""

# %%
# The data
# --------
# Scikit-learn's diabetes data in their own units, and a zero too many in every tenth
# response. The column of the sex is left out, since its square would be the same column
# again. The condition number says how much errors in some directions can exceed those
# in others.

import warnings

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import sklearn.linear_model
from sklearn.datasets import load_diabetes
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

from robustreg import HuberRegressor
from robustreg.tuning import kappa

plt.style.use("robustreg.inspection.style")

X, y = load_diabetes(return_X_y=True, as_frame=True, scaled=False)
y = y.to_numpy(copy=True)
y[np.random.default_rng(0).permutation(len(y))[: len(y) // 10]] *= 10.0
products = PolynomialFeatures(2, include_bias=False)
X = products.fit_transform(X.drop(columns="sex"))
standardised = products.fit_transform(StandardScaler().fit_transform(X[:, :9]))
data = {"raw": X, "standardised": standardised}
for name, columns in data.items():
    print(f"{name:12s} {columns.shape}, condition number {np.linalg.cond(columns):.0e}")

# %%
# The exact minimiser, computed in another way
# --------------------------------------------
# In either units the columns span the same space, and so does an orthonormal basis of
# it, with which every solver works well. All predictions must agree with those in this
# basis. Distances are in standard errors of the estimate. Below a hundredth, a distance
# does not matter for any conclusion.

n, p = X.shape
basis = np.linalg.qr(np.column_stack((np.ones(n), standardised)))[0][:, 1:]
exact = HuberRegressor(solver="newton", tol=1e-10).fit(basis, y)
psi = np.clip(y - exact.predict(basis), -exact.threshold_, exact.threshold_)
standard_error = np.sqrt(np.mean(psi**2)) / np.mean(~exact.outliers_)


def distance(model, columns):
    """Distance of a fit from the exact minimiser, in standard errors."""
    return (
        np.linalg.norm(model.predict(columns) - exact.predict(basis)) / standard_error
    )


# %%
# Stopped early, and not
# ----------------------
# With a suitable epsilon, scikit-learn's regressor solves the same problem. Both get
# more and more iterations.

epsilon = 1.345 * np.sqrt(n / (2 * kappa(1.345) * (n - p - 1)))
theirs = sklearn.linear_model.HuberRegressor(epsilon=epsilon, alpha=0.0)
allowed = {
    "robustreg": (HuberRegressor(), [1, 2, 3, 4, 5, 6, 7, 8, 10]),
    "scikit-learn": (theirs, [10, 30, 100, 300, 1000, 3000]),
}

rows = []
with warnings.catch_warnings():
    warnings.simplefilter("ignore", ConvergenceWarning)
    for library, (model, iterations) in allowed.items():
        for name, columns in data.items():
            for max_iter in iterations:
                model.set_params(max_iter=max_iter).fit(columns, y)
                certificate = getattr(model, "optimality_", np.nan)
                row = library, name, max_iter, distance(model, columns), certificate
                rows.append(row)
found = pd.DataFrame(
    rows, columns=["library", "columns", "iterations", "distance", "certificate"]
)
print(found.to_string(index=False, float_format="{:.1e}".format))

# %%
# In either units our fit needs the same five iterations, and ends at the same
# predictions: the metric of the solver makes up for the units. scikit-learn's regressor
# needs standardised columns. It stops where its gradient looks small in the units of
# the data. Here that is a fraction of a standard error from the minimiser, and seven
# standard errors without standardisation.
#
# The certificate is ``optimality_``. It is computed from the gradient and the Hessian
# where the fit ended, without knowing the minimiser, and agrees with the true distance.
# A fit ends when the certificate is at most ``tol``, a millionth of a standard error.
# Otherwise a warning states the distance that was reached.

BLUE, VERMILION = "#0072B2", "#D55E00"
figure, ax = plt.subplots(figsize=(5.8, 4.4))
for (library, name), part in found.groupby(["library", "columns"]):
    color = BLUE if library == "robustreg" else VERMILION
    style, marker = ("-", "o") if name == "raw" else ("--", "s")
    label = f"{library}, {name} columns"
    ax.plot(
        part["iterations"],
        part["distance"],
        style,
        color=color,
        marker=marker,
        label=label,
    )
certified = found[(found["library"] == "robustreg") & (found["columns"] == "raw")]
ax.plot(
    certified["iterations"],
    certified["certificate"],
    "x",
    color="black",
    ms=9,
    label="certificate",
)
ax.axhline(1e-6, color="0.6", linewidth=0.8, linestyle=":")
ax.text(3000, 1.5e-6, "tol", color="0.4", ha="right")
ax.set(xscale="log", yscale="log", ylim=(1e-9, 1e3), xlabel="iterations allowed")
ax.set_title("Distance from the minimiser, standard errors")
ax.legend(loc="center right", bbox_to_anchor=(1.0, 0.42))
plt.show()
