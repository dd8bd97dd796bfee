"""
Choosing delta: a grid search, a path, or no folds at all
=========================================================

A small delta resists more outliers; a large one is more precise where data are clean.
Three ways to let the data decide, on scikit-learn's diabetes data: as they are, and
with every tenth result mistyped. What did each way choose, and how well does its model
predict?
"""

# %%
# The data
# --------
# Ten measurements of 442 patients, and how far their disease had progressed a year
# later. In the second data set one result in ten has a zero too many, as if the decimal
# point had slipped.

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_diabetes
from sklearn.linear_model import LinearRegression
from sklearn.metrics import median_absolute_error
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from robustreg import HuberRegressor, HuberRegressorCV
from robustreg.inspection import DeltaCurveDisplay
from robustreg.metrics import make_huber_scorer
from robustreg.tuning import delta_grid

plt.style.use("robustreg.inspection.style")

X, y = load_diabetes(return_X_y=True, as_frame=True, scaled=False)
X["sex"] = X["sex"].map({1.0: "f", 2.0: "m"})
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)

rng = np.random.default_rng(0)
mistyped = rng.permutation(len(y_train))[: len(y_train) // 10]
y_outliers = y_train.copy()
y_outliers.iloc[mistyped] *= 10.0

# %%
# Columns are scaled and coded inside the pipeline, so that each fold uses its own
# training rows only.


def prepared(regressor):
    """A pipeline that ends with a regressor."""
    numbers = [name for name in X.columns if name != "sex"]
    columns = ColumnTransformer(
        [
            ("number", StandardScaler(), numbers),
            ("code", OneHotEncoder(drop="first", sparse_output=False), ["sex"]),
        ],
        verbose_feature_names_out=False,
    ).set_output(transform="pandas")
    return make_pipeline(columns, regressor)


# %%
# Three ways to choose
# --------------------
# 1. ``GridSearchCV`` can search over anything, including the steps before the
#    regressor. It fits the whole pipeline again for each candidate and fold. Its score
#    must resist outliers too, or the mistyped patients in the validation folds choose
#    the model. ``make_huber_scorer`` needs a threshold in the units of y; here it is
#    half the noise level that a first fit finds.
# 2. ``HuberRegressorCV`` searches over delta (and alpha) alone, along a path. It finds
#    the threshold of its score itself, and takes a fraction of the time.
# 3. ``delta="auto"`` needs no folds. From the residuals of one fit, it estimates the
#    variance of the coefficients at each delta, and chooses the smallest.


def searches(X, y):
    """The ways to choose, by name, not yet fitted."""
    noise = prepared(HuberRegressor(delta=0.5, scale="mad")).fit(X, y)[-1].scale_
    grid = {"huberregressor__delta": delta_grid(20)}
    robust, squared = make_huber_scorer(0.5 * noise), "neg_mean_squared_error"
    return {
        "GridSearchCV, squared error": GridSearchCV(
            prepared(HuberRegressor()), grid, scoring=squared
        ),
        "GridSearchCV, Huber loss": GridSearchCV(
            prepared(HuberRegressor()), grid, scoring=robust
        ),
        "HuberRegressorCV": prepared(HuberRegressorCV()),
        'delta="auto"': prepared(HuberRegressor(delta="auto")),
        "delta=1.345, no choice": prepared(HuberRegressor()),
        "least squares, no choice": prepared(LinearRegression()),
    }


def chosen_delta(model):
    """Delta of a fitted search or pipeline."""
    return getattr(getattr(model, "best_estimator_", model)[-1], "delta_", np.inf)


# %%
# What they chose
# ---------------
# The error is the median absolute error for patients that no model has seen, none of
# them mistyped.

fitted = {}
for kind, response in [("as it is", y_train), ("mistyped", y_outliers)]:
    rows = {}
    for name, model in searches(X_train, response).items():
        model.fit(X_train, response)
        error = median_absolute_error(y_test, model.predict(X_test))
        rows[name] = {"delta": chosen_delta(model), "error": error}
        fitted[kind, name] = model
    print(f"Diabetes data, {kind}")
    print(pd.DataFrame(rows).T.round({"delta": 2, "error": 1}).to_string())
    print()

# %%
# The data as they are have hardly any outliers, and the errors agree. With one result
# in ten mistyped, the search with the squared error chooses least squares, and predicts
# as badly. The others have nearly the same error as before.
#
# The scores show why. Small deltas hardly differ, by less than one standard error in
# either data set. But where every tenth result is mistyped, least squares (a delta of
# infinity) is far behind.

figure, axes = plt.subplots(2, figsize=(5.8, 6.8))
for ax, kind in zip(axes, ["as it is", "mistyped"], strict=True):
    display = DeltaCurveDisplay.from_estimator(
        fitted[kind, "HuberRegressorCV"][-1], ax=ax
    )
    ax.set_title(f"{kind}: delta = {display.delta:.3g}", loc="left")
plt.show()

# %%
# With the data, the display of a grid search also shows the coefficients. They hardly
# change until the last step, which gives the mistyped rows their full weight.

search = fitted["mistyped", "GridSearchCV, Huber loss"]
display = DeltaCurveDisplay.from_estimator(search, X_train, y_outliers)
plt.show()
