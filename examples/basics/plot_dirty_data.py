"""
Dirty data: rents with mistakes in y and in X
=============================================

Rents of 300 flats, with mistyped rents, areas in square feet instead of square metres,
and missing values. Which rows are wrong, and what is the price of a square metre? The
guide explains each step in "From dirty data to a reported table".
"""

# %%
# The data
# --------
# They are simulated: a square metre costs 9, a year of age reduces the rent by 2, and
# the noise is 60.

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from robustreg import HuberRegressor, MMRegressor
from robustreg.inference import compare, diagnose, summarize
from robustreg.inspection import CoefficientsDisplay, OutlierMapDisplay

plt.style.use("robustreg.inspection.style")

rng = np.random.default_rng(0)
flats = pd.DataFrame(
    {
        "area": rng.normal(75, 20, 300).clip(25).round(),
        "age": rng.integers(0, 80, 300).astype(float),
        "district": rng.choice(["centre", "north", "south"], 300),
    }
)
extra = flats["district"].map({"centre": 350.0, "north": 0.0, "south": 120.0})
rent = (
    200 + 9 * flats["area"] - 2 * flats["age"] + extra + 60 * rng.standard_normal(300)
)

rent.iloc[[17, 88, 141, 260]] *= 10  # a zero too many
rent.iloc[30:38] /= 100  # euros instead of cents
flats.loc[[5, 66, 204], "area"] *= 10.76  # square feet instead of square metres
flats.loc[[50, 51, 120], "age"] = np.nan  # missing

# %%
# Three fits
# ----------


def pipeline(regressor):
    """Coded districts, filled-in ages, and a regressor at the end."""
    columns = make_column_transformer(
        (OneHotEncoder(drop=["north"], sparse_output=False), ["district"]),
        (SimpleImputer(strategy="median"), ["area", "age"]),
        verbose_feature_names_out=False,
    )
    return make_pipeline(columns, regressor)


least_squares = pipeline(LinearRegression()).fit(flats, rent)
huber = pipeline(HuberRegressor()).fit(flats, rent)
mm = pipeline(MMRegressor(random_state=0)).fit(flats, rent)
for name, model in [("least squares", least_squares), ("Huber", huber), ("MM", mm)]:
    coef = dict(
        zip(model[:-1].get_feature_names_out(), model[-1].coef_.round(1), strict=True)
    )
    print(f"{name:13s} area {coef['area']:4.1f}, age {coef['age']:4.1f}")

# %%
# Huber and MM disagree about the area, so that some rows are wrong in X. The outlier
# map of the MM fit shows which ones.

OutlierMapDisplay.from_estimator(mm, flats, rent)
plt.show()

found = diagnose(mm, flats, rent)
print(
    found.rows_to_check(5)[["residual", "robust_distance", "region"]]
    .round(1)
    .to_string()
)

# %%
# After the correction of the areas
# ---------------------------------
# The wrong rents remain in the data. Least squares is now nearer to the truth, but its
# intervals are more than ten times as wide.

corrected = flats.copy()
corrected.loc[[5, 66, 204], "area"] /= 10.76
models = {
    "least squares": pipeline(HuberRegressor(delta=np.inf)).fit(corrected, rent),
    "Huber": pipeline(HuberRegressor()).fit(corrected, rent),
    "MM": pipeline(MMRegressor(random_state=0)).fit(corrected, rent),
}
summaries = {name: summarize(model, corrected, rent) for name, model in models.items()}
print(compare(summaries))

CoefficientsDisplay.from_summaries(summaries)
plt.show()
