"""scikit-learn's own checks, whole: none skipped, none expected to fail."""

import pytest
from effort import slow
from sklearn.utils.estimator_checks import check_estimator

from robustreg import HuberRegressor, MMRegressor

ESTIMATORS = [
    HuberRegressor(),
    HuberRegressor(scale="mad", solver="newton"),
    HuberRegressor(delta="auto", scale=1.0, solver="newton"),
    HuberRegressor(alpha=1.0),
    HuberRegressor(fit_intercept=False),
    MMRegressor(),
    *slow(
        HuberRegressor(solver="newton"),
        HuberRegressor(scale="mad"),
        HuberRegressor(scale=1.0),
        HuberRegressor(scale=1.0, solver="newton"),
        HuberRegressor(delta="auto"),
        HuberRegressor(delta="auto", scale="mad"),
        HuberRegressor(delta=float("inf")),
        HuberRegressor(alpha=0.1, scale="mad", solver="newton"),
        HuberRegressor(alpha=0.1, scale=1.0, delta="auto"),
        HuberRegressor(fit_intercept=False, alpha=1.0, solver="newton"),
        HuberRegressor(warm_start=True),
        MMRegressor(fit_intercept=False),
        MMRegressor(loss="lqq", efficiency=0.85),
        MMRegressor(loss="optimal", breakdown=0.3, n_subsets=0),
    ),
]


# Several checks fit one row, a constant y, or a y that is a column of X: exact fits, as the warning
# says. Every other warning is an error here.
@pytest.mark.filterwarnings("ignore::robustreg.ExactFitWarning")
@pytest.mark.parametrize("estimator", ESTIMATORS, ids=repr)
def test_check_estimator(estimator):
    results = check_estimator(estimator, on_skip=None, on_fail="raise")
    assert len(results) > 40
    assert {result["status"] for result in results} == {"passed"}, [
        (result["check_name"], result["status"], result["exception"])
        for result in results
        if result["status"] != "passed"
    ]
