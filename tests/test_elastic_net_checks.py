"""scikit-learn's own checks of the elastic-net estimators, without exceptions."""

import pytest
from effort import slow
from sklearn.utils.estimator_checks import check_estimator

from robustreg import HuberElasticNet, HuberElasticNetCV

ESTIMATORS = [
    HuberElasticNet(alpha=0.01, scale="mad"),
    HuberElasticNet(alpha=0.1, scale=1.0, fit_intercept=False),
    HuberElasticNetCV(n_alphas=3, cv=2),
    *slow(
        HuberElasticNet(),
        HuberElasticNet(alpha=0.1, l1_ratio=1.0),
        HuberElasticNet(alpha=0.1, l1_ratio=0.0),
        HuberElasticNet(alpha=0.1, positive=True),
        HuberElasticNet(alpha=0.1, delta=float("inf")),
        HuberElasticNet(warm_start=True),
        HuberElasticNetCV(n_alphas=5, cv=2, l1_ratio=[0.5, 1.0], scale="mad", selection="one_se"),
    ),
]


# Several checks fit one row, a constant y, or a y that is a column of X: exact fits.
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
