"""Numbers without a meaning are errors, with a remedy in the message."""

import numpy as np
import pytest
import sklearn.linear_model
from problems import plain
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV

from robustreg import ExactFitWarning, HuberRegressor, MMRegressor
from robustreg.inference import diagnose, summarize
from robustreg.inference.equations import Bread, UndeterminedError, inverse_root

pytest.importorskip("pandas")

EVERY = ["huber", "H2", "H3", "sandwich", "HC3", "CR1", "cluster", "bootstrap"]


def options(cov_type, n):
    grouped = cov_type in ("CR1", "cluster")
    return {"cov_type": cov_type} | ({"groups": np.arange(n) % 10} if grouped else {})


@pytest.mark.parametrize("cov_type", EVERY)
def test_penalty(rng, cov_type):
    X, y = plain(rng)
    model = HuberRegressor(alpha=0.5).fit(X, y)
    with pytest.raises(ValueError, match=r"alpha=0\.5.*Fit with alpha=0\.0"):
        summarize(model, X, y, **options(cov_type, 60))


@pytest.mark.parametrize("cov_type", EVERY)
def test_dependent_columns_are_named(rng, cov_type):
    X, y = plain(rng)
    X = np.column_stack((X, X[:, 0] - 2.0 * X[:, 1], np.ones(60)))
    model = HuberRegressor().fit(X, y)
    with pytest.raises(
        ValueError, match=r"X has rank 4 for 6 coefficients: x3, x4 can .*Drop them"
    ):
        summarize(model, X, y, **options(cov_type, 60))


@pytest.mark.parametrize("cov_type", ["H2", "sandwich", "cluster"])
def test_rows_within_the_threshold_that_do_not_determine_a_coefficient(rng, cov_type):
    X, y = plain(rng, n=200, p=1, contamination=0.0)
    # One row has a column of its own, and the others pull that row beyond the threshold.
    X = np.column_stack((X, np.zeros(200), np.zeros(200)))
    X[0, 1:], X[1, 1:] = (1.0, 1.0), (1.0, -1.0)
    X[2, 1:] = (1.0, 1.0)
    y[0], y[2] = y[0] + 1e3, y[2] - 1e3
    model = HuberRegressor(scale=1.0, max_iter=1000).fit(X, y)
    assert model.outliers_[[0, 2]].all()
    with pytest.raises(
        ValueError, match=r"rows with a residual within threshold_.*cov_type=\"huber\""
    ):
        summarize(model, X, y, **options(cov_type, 200))


def test_exact_fit(rng):
    X, _ = plain(rng)
    y = X @ np.ones(3)
    with pytest.warns(ExactFitWarning):
        model = HuberRegressor().fit(X, y)
    for function in (summarize, diagnose):
        with pytest.raises(ValueError, match=r"scale_ is 0\.0.*Fit more observations"):
            function(model, X, y)


@pytest.mark.parametrize("cov_type", ["huber", "HC3", "bootstrap"])
def test_exact_fit_at_a_given_scale(rng, cov_type):
    X, _ = plain(rng)
    y = X @ np.ones(3)
    model = HuberRegressor(scale=1.0).fit(X, y)
    for function in (lambda *data: summarize(*data, cov_type=cov_type), diagnose):
        with pytest.raises(ValueError, match=r"fits the data exactly.*whatever the scale"):
            function(model, X, y)


def test_no_degrees_of_freedom(rng):
    X, y = rng.normal(size=(4, 3)), rng.normal(size=4)
    model = HuberRegressor(scale=1.0).fit(X, y)
    with pytest.raises(ValueError, match=r"X has 4 observations for 4 coefficients.*fewer columns"):
        summarize(model, X, y)


@pytest.mark.parametrize("cov_type", EVERY)
def test_other_data_or_forgotten_weights(rng, cov_type):
    X, y = plain(rng)
    weights = rng.integers(0, 5, size=60)
    model = HuberRegressor().fit(X, y, weights)
    with pytest.raises(
        ValueError, match=r"standard errors away.*same data and the same sample_weight"
    ):
        summarize(model, X, y, **options(cov_type, 60))
    summarize(model, X, y, sample_weight=weights, **options(cov_type, 60))


@pytest.mark.parametrize("factor", [3.0, 100.0])
@pytest.mark.parametrize("cov_type", EVERY)
def test_a_multiple_of_the_weights(rng, cov_type, factor):
    X, y = plain(rng)
    model = HuberRegressor().fit(X, y)
    with pytest.raises(ValueError, match=r"scale of its residuals.*multiple of those of fit"):
        summarize(model, X, y, sample_weight=np.full(60, factor), **options(cov_type, 60))


@pytest.mark.parametrize("constant", [0.5, 1.0 / 60.0, 1e-12])
@pytest.mark.parametrize("cov_type", [*EVERY, "avar1", "weighted"])
def test_weights_that_are_no_counts_have_no_unit(rng, cov_type, constant):
    """N is Kish's number, so that equal weights give the same numbers as no weights."""
    X, y = plain(rng)
    kind = MMRegressor(random_state=0) if cov_type in ("avar1", "weighted") else HuberRegressor()
    weights = np.full(60, constant)
    chosen = options(cov_type, 60) | {"random_state": 0}
    # A bootstrap without weights draws its rows differently.
    without = np.ones(60) if cov_type == "bootstrap" else None
    plainly = summarize(kind.fit(X, y, without), X, y, sample_weight=without, **chosen)
    weighted = summarize(kind.fit(X, y, weights), X, y, sample_weight=weights, **chosen)
    for name in ("n", "degrees_of_freedom", "standard_errors", "robust_r2", "d2", "outlier_share"):
        np.testing.assert_allclose(getattr(weighted, name), getattr(plainly, name), rtol=1e-4)


@pytest.mark.parametrize("model", [HuberRegressor(), MMRegressor(random_state=0)])
def test_the_number_of_observations_of_weights_is_kishs(rng, model):
    X, y = plain(rng)
    weights = rng.uniform(size=60) / 60.0
    kish = weights.sum() ** 2 / (weights @ weights)
    summary = summarize(model.fit(X, y, weights), X, y, sample_weight=weights)
    np.testing.assert_allclose(summary.n, kish, rtol=1e-12)
    few = np.where(np.arange(60) < 3, 1.0, 1e-3) / 60.0
    model = HuberRegressor(scale=1.0)
    with pytest.raises(ValueError, match=r"X and sample_weight have 3\.12 observations for 4 coef"):
        summarize(model.fit(X, y, few), X, y, sample_weight=few)


def test_a_multiple_of_the_weights_of_many_rows(rng):
    X, y = plain(rng, n=100_000)
    model = HuberRegressor().fit(X, y)
    with pytest.raises(ValueError, match="multiple of those of fit"):
        summarize(model, X, y, sample_weight=np.full(100_000, 3.0))


@pytest.mark.parametrize("scale", ["joint", "mad", 1.0])
def test_repeated_rows(rng, scale):
    X, y = plain(rng)
    model = HuberRegressor(scale=scale).fit(X, y)
    for function in (summarize, diagnose):
        with pytest.raises(ValueError, match=r"X has 120 rows.*fitted to 60 .*weights_"):
            function(model, np.tile(X, (2, 1)), np.tile(y, 2))


@pytest.mark.parametrize("delta", [1.345, np.inf])
@pytest.mark.parametrize("scale", ["joint", "mad"])
def test_a_stale_scale(rng, scale, delta):
    X, y = plain(rng, contamination=0.0)
    model = HuberRegressor(delta=delta, scale=scale).fit(X, y)
    # All residuals are within the threshold, so that the coefficients do not depend on the scale.
    model.scale_, model.delta_ = 10.0 * model.scale_, model.delta_ / 10.0
    with pytest.raises(ValueError, match="scale_ or a parameter was changed"):
        summarize(model, X, y)


def test_a_parameter_changed_after_the_fit(rng):
    X, y = plain(rng)
    model = HuberRegressor(scale=1.0).fit(X, y).set_params(scale=2.0)
    with pytest.raises(ValueError, match="changed after fit"):
        summarize(model, X, y)


@pytest.mark.parametrize("cov_type", ["H2", "H3", "HC3", "CR1", "cluster"])
def test_rows_within_the_threshold_that_are_nearly_all_interpolated(rng, cov_type):
    X, y = plain(rng)
    model = HuberRegressor(scale=1.0, delta=0.005, max_iter=2000).fit(X, y)
    assert np.count_nonzero(~model.outliers_) < 8
    with pytest.raises(ValueError, match=r"rows lie within.*for 4 coeff.*larger delta"):
        summarize(model, X, y, **options(cov_type, 60))


@pytest.mark.parametrize(
    "weights",
    [-np.ones(60), np.zeros(60), np.full(60, np.nan), np.ones(59)],
    ids=["negative", "zero", "nan", "short"],
)
def test_bad_weights(rng, weights):
    X, y = plain(rng)
    model = HuberRegressor().fit(X, y)
    with pytest.raises(ValueError, match="sample_weight"):
        summarize(model, X, y, sample_weight=weights)


def test_models_that_are_not_ours(rng):
    X, y = plain(rng)
    with pytest.raises(NotFittedError):
        summarize(HuberRegressor(), X, y)
    theirs = sklearn.linear_model.HuberRegressor().fit(X, y)
    with pytest.raises(TypeError, match=r"got HuberRegressor without delta_.*delta=inf"):
        summarize(theirs, X, y)
    with pytest.raises(TypeError, match="got LinearRegression"):
        summarize(sklearn.linear_model.LinearRegression().fit(X, y), X, y)
    search = GridSearchCV(HuberRegressor(), {"delta": [1.0, 2.0]}).fit(X, y)
    with pytest.raises(TypeError, match="pass best_estimator_"):
        summarize(search, X, y)
    with pytest.raises(TypeError, match="got str"):
        summarize("model", X, y)
    assert summarize(search.best_estimator_, X, y).n == 60


def test_x_of_another_shape_or_with_nan(rng):
    X, y = plain(rng)
    model = HuberRegressor().fit(X, y)
    with pytest.raises(ValueError, match="X has 2 features"):
        summarize(model, X[:, :2], y)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        summarize(model, X, y[:-1])
    with pytest.raises(ValueError, match="contains NaN"):
        summarize(model, np.where(X[0, 0] == X, np.nan, X), y)


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"cov_type": "HC4"}, "cov_type must be one of 'huber', .* got 'HC4'"),
        ({"use_t": "no"}, "use_t must be one of True, False, got 'no'"),
        ({"cov_type": ["huber"]}, r"cov_type must be one of .* got \['huber'\]"),
        ({"ddof": 2}, "ddof must be one of 0, 1, got 2"),
        ({"scale_coupling": "yes"}, "scale_coupling must be one of"),
        ({"bootstrap": "block"}, "bootstrap must be one of 'pairs', 'wild'"),
        ({"n_bootstrap": 1}, "n_bootstrap must be an integer of at least 2, got 1"),
        ({"n_bootstrap": 10.5}, "n_bootstrap must be an integer"),
        ({"cov_type": "cluster"}, "groups is None"),
        ({"cov_type": "cluster", "groups": np.zeros(60)}, "groups has 1 distinct label"),
        ({"cov_type": "cluster", "groups": np.zeros(59)}, r"groups has shape \(59,\) for 60 rows"),
        ({"cov_type": "cluster", "groups": np.zeros((60, 2))}, r"groups has shape \(60, 2\)"),
        ({"groups": np.arange(60) % 5}, "groups is given and cov_type='huber' does not use it"),
    ],
)
def test_options(rng, option, message):
    X, y = plain(rng)
    model = HuberRegressor().fit(X, y)
    with pytest.raises(ValueError, match=message):
        summarize(model, X, y, **option)


def test_a_group_that_alone_determines_a_coefficient(rng):
    X, y = plain(rng, n=100)
    groups = np.arange(100) % 10
    X[:, 2] = groups == 3
    model = HuberRegressor().fit(X, y)
    with pytest.raises(ValueError, match=r"groups has a group without which.*cov_type=\"CR1\""):
        summarize(model, X, y, cov_type="cluster", groups=groups)
    assert np.all(np.isfinite(summarize(model, X, y, cov_type="CR1", groups=groups).covariance))


def test_bootstrap_of_a_column_that_few_rows_have(rng):
    X, y = plain(rng, n=100)
    X[:, 2] = 0.0
    X[:2, 2] = 1.0
    model = HuberRegressor().fit(X, y)
    with pytest.raises(ValueError, match=r"of the bootstrap replicates have no unique.*\"wild\""):
        summarize(model, X, y, cov_type="bootstrap", random_state=0, n_bootstrap=100)
    wild = summarize(model, X, y, cov_type="bootstrap", bootstrap="wild", random_state=0)
    assert np.all(np.isfinite(wild.standard_errors))


def test_a_scale_that_the_rows_within_the_threshold_do_not_determine():
    # Their residuals are 1 - 2 z, so that a change of sigma is a change of the coefficients.
    z = np.column_stack((np.linspace(-1.0, 1.0, 9), np.ones(9)))
    u = 1.0 - 2.0 * z[:, 0]
    transform = inverse_root(z.T @ z)
    coupling = z.T @ u
    with pytest.raises(UndeterminedError, match=r"linear function of X.*smaller delta"):
        Bread(transform, coupling, coupling, float(u @ u)).inverse()
    other = Bread(transform, coupling, coupling, 1.01 * float(u @ u)).inverse()
    J = np.block([[z.T @ z, coupling[:, None]], [coupling[None, :], np.array([[1.01 * u @ u]])]])
    np.testing.assert_allclose(other @ J, np.eye(3), atol=1e-9)
