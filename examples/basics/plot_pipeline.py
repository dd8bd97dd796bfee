"""
Pipeline: a robust search needs a robust score
==============================================

A search over a pipeline fits each candidate to some rows and scores it on others. Both
parts contain wrong rows. Is a robust regressor enough, or does the score have to be
robust as well?
"""

# %%
# The data
# --------
# Friedman's first problem, from scikit-learn. Five of ten columns matter, and the third
# enters as :math:`20(x - 0.5)^2`. In one row of ten, y has the wrong sign and a zero
# too many.

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.datasets import make_friedman1
from sklearn.inspection import partial_dependence
from sklearn.linear_model import Ridge
from sklearn.metrics import r2_score
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import SplineTransformer

from robustreg import HuberRegressor
from robustreg.metrics import make_huber_scorer

plt.style.use("robustreg.inspection.style")

X, y = make_friedman1(600, noise=1.0, random_state=0)
X_test, y_test = make_friedman1(5000, noise=0.0, random_state=1)
wrong = np.random.default_rng(0).permutation(len(y))[: len(y) // 10]
y[wrong] *= -10.0

# %%
# Three searches
# --------------
# With splines of each column the model is additive. The search chooses the number of
# knots and the penalty. The robust score needs a threshold in the units of y: half the
# noise level that a first fit, the pilot, has found. All candidates must have the same
# threshold; otherwise their scores could not be compared.


def additive(regressor):
    """A regressor on cubic splines of each column."""
    return make_pipeline(SplineTransformer(include_bias=False), regressor)


pilot = additive(HuberRegressor(delta=0.5, alpha=1.0)).fit(X, y)[-1]
robust = make_huber_scorer(0.5 * pilot.scale_)
choices = {
    "least squares, squared error": (Ridge(), "neg_mean_squared_error"),
    "Huber, squared error": (HuberRegressor(), "neg_mean_squared_error"),
    "Huber, Huber loss": (HuberRegressor(), robust),
}

searches, rows = {}, {}
for name, (regressor, scoring) in choices.items():
    step = type(regressor).__name__.lower()
    grid = {
        "splinetransformer__n_knots": [2, 3, 5, 9],
        f"{step}__alpha": np.logspace(-2, 3, 6),
    }
    search = GridSearchCV(additive(regressor), grid, scoring=scoring).fit(X, y)
    searches[name] = search
    rows[name] = {
        "knots": search.best_params_["splinetransformer__n_knots"],
        "alpha": search.best_params_[f"{step}__alpha"],
        "R² on new rows": r2_score(y_test, search.predict(X_test)),
    }
print(pd.DataFrame(rows).T.round(2).to_string())

# %%
# The new rows have no errors. The robust regressor alone does not help: with the
# squared error, the wrong rows of the validation folds choose the candidate. They
# choose the largest penalty, and a model that explains nothing.
#
# The curve of the third column
# -----------------------------
# ``partial_dependence`` averages the predictions over the other columns.

BLUE, VERMILION, GREY = "#0072B2", "#D55E00", "#4D4D4D"
styles = dict(zip(choices, [(GREY, ":"), (VERMILION, "--"), (BLUE, "-")], strict=True))

figure, ax = plt.subplots()
x = np.linspace(0, 1, 101)
ax.plot(x, 20 * (x - 0.5) ** 2, color="0.7", linewidth=8, label="truth")
for name, search in searches.items():
    found = partial_dependence(search, X, [2], percentiles=(0, 1), grid_resolution=50)
    curve, values = found["average"][0], found["grid_values"][0]
    ax.plot(
        values, curve - curve.min(), styles[name][1], color=styles[name][0], label=name
    )
ax.set(xlabel="third column")
ax.set_title("Contribution to y, above its minimum")
ax.legend(loc="upper center")
plt.show()
