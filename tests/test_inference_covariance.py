"""Standard errors compared with R, statsmodels, a jackknife by hand, and the definition."""

import numpy as np
import pytest
import scipy.sparse as sp
from effort import slow
from numpy.testing import assert_allclose
from problems import plain

from robustreg import HuberRegressor
from robustreg.datasets import load_phones, load_stackloss, load_stars
from robustreg.inference import summarize
from robustreg.inference.covariance import scale_coupling
from robustreg.inference.fitted import fitted_regression

sm = pytest.importorskip("statsmodels.api")

LOADERS = {"stackloss": load_stackloss, "stars": load_stars, "phones": load_phones}

# R 4.2.2, MASS 7.3-58.2: scale and standard errors, for the files of robustreg/datasets/data, of
#   d <- read.csv(file)
#   m <- rlm(formula, d, scale.est = est, k = k, k2 = k, acc = 1e-15, maxit = 5000)
#   cat(sprintf("%.15g", c(m$s, coef(summary(m))[, 2])), sep = ", ")
# "twice" takes rows 1, 2, 3, ... no times, once, twice, in turns: d <- d[rep(1:21, (0:20) %% 3), ]
PROPOSAL_2 = {
    "stackloss": [2.85513271973898, 10.6389356868546, 0.120607594206284, 0.329134795393476,
                  0.139778304856436],
    "stackloss k=0.8": [2.73035019342726, 8.65353219453645, 0.0981001981861046, 0.267712732938013,
                        0.113693333315986],
    "stackloss - 1": [4.6011842021876, 0.167792452282083, 0.460253439970167, 0.0855042115483393],
    "stackloss twice": [2.25526630524298, 10.3629868522065, 0.104660754318654, 0.28021223900493,
                        0.130914423321333],
    "stars": [0.64506284341246, 1.30646674546439, 0.30245139280225],
    "phones": [57.2455754323815, 101.867350540193, 1.64598614254982],
}  # fmt: skip
MAD = {
    "stackloss": [2.44048904599281, 9.80687229435311, 0.111174962319926, 0.303393403349554,
                  0.128846345686811],
    "stackloss k=0.8": [1.67614176606375, 8.53776825665085, 0.0967878479233355, 0.264131365296417,
                        0.112172383525759],
    "stackloss - 1": [4.05977949619877, 0.192106314093932, 0.526946180827482, 0.0978941465879821],
    "stackloss twice": [2.23905078788273, 10.3073629676162, 0.10409898213826, 0.278708184868273,
                        0.130211733172452],
    "stars": [0.702589248375482, 1.2640954087527, 0.292642287558789],
    "phones": [9.00902830582738, 26.5461608077964, 0.428936382421096],
}  # fmt: skip


def problem(name):
    """X, y, weights, delta and whether there is an intercept."""
    table, _, option = name.partition(" ")
    X, y = LOADERS[table](return_X_y=True)
    delta = float(option[2:]) if option.startswith("k=") else 1.345
    weights = np.arange(len(y)) % 3.0 if option == "twice" else None
    return X, y, weights, delta, option != "- 1"


def skewed(rng, n=400, p=3):
    X = rng.normal(size=(n, p)) + 1.0
    return X, X @ np.ones(p) + rng.exponential(size=n)


def design_matrix(X):
    return np.column_stack((np.ones(len(X)), X))


# -- the tables ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PROPOSAL_2)
def test_joint_scale_has_the_standard_errors_of_mass(name):
    X, y, weights, delta, intercept = problem(name)
    model = HuberRegressor(delta=delta, fit_intercept=intercept, tol=1e-11).fit(X, y, weights)
    # MASS assumes that the scale is known.
    summary = summarize(model, X, y, sample_weight=weights, ddof=1, scale_coupling=False)
    assert_allclose(summary.standard_errors, PROPOSAL_2[name][1:], rtol=1e-8)


@pytest.mark.parametrize("name", MAD)
def test_at_the_scale_of_mass_a_fixed_scale_has_its_standard_errors(name):
    # The scale is given, because MASS divides the median by 0.6745, a rounded normal quartile.
    X, y, weights, delta, intercept = problem(name)
    scale = MAD[name][0]
    model = HuberRegressor(delta=delta, scale=scale, fit_intercept=intercept, tol=1e-11)
    summary = summarize(model.fit(X, y, weights), X, y, sample_weight=weights, ddof=1)
    assert_allclose(summary.standard_errors, MAD[name][1:], rtol=1e-8)


@pytest.mark.parametrize("name", ["stackloss", "stars", "phones", "stackloss k=0.8"])
@pytest.mark.parametrize("cov", ["H1", "H2", "H3"])
def test_statsmodels_rlm_on_the_tables(name, cov):
    X, y, _, delta, _ = problem(name)
    expected = sm.RLM(y, sm.add_constant(X), M=sm.robust.norms.HuberT(t=delta)).fit(
        cov=cov, maxiter=5000, tol=1e-14
    )
    model = HuberRegressor(delta=delta, scale="mad", tol=1e-11).fit(X, y)
    summary = summarize(model, X, y, cov_type=cov, use_t=False, scale_coupling=False)
    assert_allclose(summary.standard_errors, expected.bse, rtol=1e-8)
    assert_allclose(summary.p_values, expected.pvalues, rtol=1e-6)
    assert_allclose(summary.confidence_interval(), expected.conf_int(), rtol=1e-7)


@pytest.mark.parametrize("delta", [0.7, 1.345, 3.0])
@pytest.mark.parametrize("cov", ["H1", "H2", "H3"])
def test_statsmodels_rlm_on_contaminated_data(rng, delta, cov):
    X, y = plain(rng, n=200, p=4)
    expected = sm.RLM(y, sm.add_constant(X), M=sm.robust.norms.HuberT(t=delta)).fit(
        cov=cov, maxiter=5000, tol=1e-14
    )
    model = HuberRegressor(delta=delta, scale="mad", tol=1e-11).fit(X, y)
    summary = summarize(model, X, y, cov_type=cov, scale_coupling=False)
    assert_allclose(summary.covariance, expected.bcov_scaled, rtol=1e-7)


# -- least squares is delta = inf ---------------------------------------------------------------


def test_huber_at_delta_inf_is_the_covariance_of_least_squares(rng):
    X, y = plain(rng)
    expected = sm.OLS(y, sm.add_constant(X)).fit()
    summary = summarize(HuberRegressor(delta=np.inf).fit(X, y), X, y)
    assert_allclose(summary.covariance, expected.cov_params(), rtol=1e-9)
    assert_allclose(summary.p_values, expected.pvalues, rtol=1e-8)
    assert_allclose(summary.confidence_interval(0.9), expected.conf_int(0.1), rtol=1e-8)
    assert_allclose(summary.robust_r2, expected.rsquared, rtol=1e-10)
    assert_allclose(summary.d2, expected.rsquared, rtol=1e-10)


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("variant", ["HC0", "HC1", "HC2", "HC3"])
def test_sandwich_at_delta_inf_is_that_of_least_squares(rng, variant, intercept):
    X, y = plain(rng)
    A = sm.add_constant(X) if intercept else X
    expected = sm.OLS(y, A).fit(cov_type=variant)
    model = HuberRegressor(delta=np.inf, fit_intercept=intercept).fit(X, y)
    summary = summarize(model, X, y, cov_type=variant)
    assert_allclose(summary.covariance, expected.cov_params(), rtol=1e-9)


def test_cluster_at_delta_inf_is_that_of_least_squares(rng):
    X, y = plain(rng)
    groups = rng.integers(0, 12, size=len(y))
    expected = sm.OLS(y, sm.add_constant(X)).fit(cov_type="cluster", cov_kwds={"groups": groups})
    labels = np.array([f"group {g}" for g in groups])
    model = HuberRegressor(delta=np.inf).fit(X, y)
    summary = summarize(model, X, y, cov_type="CR1", groups=labels)
    assert_allclose(summary.covariance, expected.cov_params(), rtol=1e-9)
    assert summary.reference_df == len(np.unique(groups)) - 1


def test_cluster_is_the_jackknife_over_groups(rng):
    X, y = plain(rng)
    groups = rng.integers(0, 12, size=len(y))
    model = HuberRegressor(delta=np.inf).fit(X, y)
    changes = [
        np.linalg.lstsq(design_matrix(X[groups != g]), y[groups != g], rcond=None)[0]
        - np.array([model.intercept_, *model.coef_])
        for g in range(12)
    ]
    expected = 11 / 12 * np.transpose(changes) @ changes
    summary = summarize(model, X, y, cov_type="cluster", groups=groups)
    assert_allclose(summary.covariance, expected, rtol=1e-8)


@pytest.mark.parametrize("scale", ["joint", "mad", 1.0])
def test_one_row_a_group_is_the_jackknife_hc3(rng, scale):
    X, y = plain(rng, n=300)
    model = HuberRegressor(scale=scale).fit(X, y)
    cluster = summarize(model, X, y, cov_type="cluster", groups=np.arange(300))
    rows = summarize(model, X, y, cov_type="HC3")
    # They differ by (n - 1)/n and by the leverage of a row in the equation of the scale.
    assert_allclose(cluster.standard_errors, rows.standard_errors, rtol=0.01)


# -- the sandwich -------------------------------------------------------------------------------


def explicit_sandwich(model, X, y, s):
    """Return HC0 from the equations of the joint fit, row by row for the user's X."""
    u = (y - model.predict(X)) / model.scale_
    psi, inside = np.clip(u, -model.delta_, model.delta_), np.abs(u) <= model.delta_
    rows = np.column_stack((design_matrix(X), u))
    J = (rows * (s * inside)[:, None]).T @ rows
    chi = psi**2 / 2 - s @ psi**2 / 2 / s.sum()
    scores = np.column_stack((design_matrix(X) * psi[:, None], chi))
    inverse = np.linalg.inv(J)
    return model.scale_**2 * (inverse @ ((scores * s[:, None]).T @ scores) @ inverse)[:-1, :-1]


@pytest.mark.parametrize(("rows", "variant"), [(1999, "HC3"), (2000, "HC1")])
def test_sandwich_reads_many_rows_once(rng, rows, variant):
    X, y = plain(rng, n=rows, p=1)
    model = HuberRegressor().fit(X, y)
    found, named, other = (
        summarize(model, X, y, cov_type=cov) for cov in ("sandwich", variant, "HC1")
    )
    assert found.cov_type == variant
    assert_allclose(found.covariance, named.covariance, rtol=0)
    # The difference is k/n = 0.1 %, and a little more because of the leverages.
    assert_allclose(found.standard_errors, other.standard_errors, rtol=2e-3)


@pytest.mark.parametrize("weighted", [False, True])
def test_sandwich_of_the_joint_fit_is_that_of_its_equations(rng, weighted):
    X, y = skewed(rng)
    s = rng.integers(0, 3, size=len(y)).astype(float) if weighted else np.ones(len(y))
    model = HuberRegressor(tol=1e-10).fit(X, y, s)
    summary = summarize(model, X, y, sample_weight=s, cov_type="HC0")
    assert_allclose(summary.covariance, explicit_sandwich(model, X, y, s), rtol=1e-9)


@pytest.mark.parametrize("variant", ["H1", "H2", "H3", "HC0", "HC1", "HC2", "HC3", "CR1", "CR3"])
@pytest.mark.parametrize("scale", ["joint", "mad"])
def test_frequencies_are_repeated_rows(rng, variant, scale):
    X, y = skewed(rng, n=80)
    s = rng.integers(0, 4, size=80)
    groups = rng.integers(0, 10, size=80)
    repeated = [np.repeat(a, s, axis=0) for a in (X, y, groups)]
    cluster = {"groups": groups} if variant.startswith("CR") else {}
    repeated_cluster = {"groups": repeated[2]} if variant.startswith("CR") else {}
    model = HuberRegressor(scale=scale, tol=1e-11)
    weighted = summarize(
        model.fit(X, y, s), X, y, sample_weight=s, cov_type=variant, scale_coupling=True, **cluster
    )
    plainly = summarize(
        model.fit(*repeated[:2]), *repeated[:2], cov_type=variant, scale_coupling=True,
        **repeated_cluster,
    )  # fmt: skip
    assert_allclose(weighted.covariance, plainly.covariance, rtol=1e-7)
    assert weighted.n == plainly.n
    assert_allclose(weighted.d2, plainly.d2, rtol=1e-9)
    assert_allclose(weighted.robust_r2, plainly.robust_r2, rtol=1e-9)


@pytest.mark.parametrize("variant", ["H1", "H2", "H3", "HC1", "HC3", "CR1", "CR3"])
def test_units_of_x_and_y_do_not_matter(rng, variant):
    X, y = skewed(rng, n=120)
    groups = np.arange(120) % 15 if variant.startswith("CR") else None
    # The intercept keeps its meaning: columns are scaled, not shifted.
    units = np.array([1e-8, 1.0, 1e9])
    one = summarize(
        HuberRegressor(tol=1e-10).fit(X, y), X, y, cov_type=variant, groups=groups
    ).standard_errors
    X2, y2 = X * units, 1e6 * y
    other = summarize(
        HuberRegressor(tol=1e-10).fit(X2, y2), X2, y2, cov_type=variant, groups=groups
    ).standard_errors
    assert_allclose(other, one * 1e6 / np.append(1.0, units), rtol=1e-7)


@pytest.mark.parametrize("variant", ["H1", "H2", "H3", "HC1", "HC3", "CR1", "CR3", "bootstrap"])
def test_nearly_dependent_columns_keep_their_digits(rng, variant):
    # Predictions, and with them the variance of a sum of both, do not depend on the basis.
    X, y = plain(rng, n=150, p=2)
    near = X.copy()
    near[:, 1] = X[:, 0] + 1e-7 * X[:, 1]
    options = {"cov_type": variant, "random_state": 0, "n_bootstrap": 50}
    if variant.startswith("CR"):
        options["groups"] = np.arange(150) % 15
    one = summarize(HuberRegressor(tol=1e-6).fit(X, y), X, y, **options)
    other = summarize(HuberRegressor(tol=1e-6).fit(near, y), near, y, **options)
    assert_allclose(other.standard_errors[2], 1e7 * one.standard_errors[2], rtol=1e-4)
    assert_allclose(other.predict(near[:5])["std_err"], one.predict(X[:5])["std_err"], rtol=1e-4)


@pytest.mark.parametrize("variant", ["H1", "H2", "HC1", "HC3", "CR3", "bootstrap"])
@pytest.mark.parametrize("kind", [sp.csr_array, sp.csc_array, np.asfortranarray, "float32"])
def test_kinds_of_x_give_the_same(rng, variant, kind):
    X, y = plain(rng, n=90)
    X = np.round(X, 1) * (rng.random(X.shape) < 0.5)
    options = {"cov_type": variant, "random_state": 0, "n_bootstrap": 50}
    if variant == "CR3":
        options["groups"] = np.arange(90) % 15
    expected = summarize(HuberRegressor(tol=1e-10).fit(X, y), X, y, **options)
    other = X.astype(np.float32) if kind == "float32" else kind(X)
    found = summarize(HuberRegressor(tol=1e-10).fit(other, y), other, y, **options)
    rtol = 1e-5 if kind == "float32" or variant == "bootstrap" else 1e-8
    assert_allclose(found.standard_errors, expected.standard_errors, rtol=rtol)


# -- an estimated scale and skewed errors -------------------------------------------------------


@pytest.mark.parametrize("option", [True, "auto"])
def test_coupling_is_counted_where_errors_are_skewed(rng, option):
    X, y = skewed(rng)
    model = HuberRegressor().fit(X, y)
    counted, without = (summarize(model, X, y, scale_coupling=o) for o in (option, False))
    assert abs(scale_coupling(fitted_regression(model, X, y)).z) > 5.0
    assert counted.standard_errors[0] > 1.02 * without.standard_errors[0]
    assert_allclose(counted.standard_errors[1:], without.standard_errors[1:], rtol=0.02)
    assert "skewed" in str(counted)
    assert "skewed" not in str(without)


def test_coupling_is_counted_by_default(rng):
    X, y = plain(rng, n=60)
    model = HuberRegressor().fit(X, y)
    default, counted, automatic, without = (
        summarize(model, X, y, **({} if option is None else {"scale_coupling": option}))
        for option in (None, True, "auto", False)
    )
    assert_allclose(default.covariance, counted.covariance, rtol=0)
    assert_allclose(automatic.covariance, without.covariance, rtol=0)
    # For symmetric errors it is sampling error, which does not need a note.
    assert default.standard_errors[0] > without.standard_errors[0]
    assert default.notes == ()


@pytest.mark.parametrize("kind", ["H1", "H2", "H3"])
def test_coupling_of_a_location_is_that_of_the_two_equations(rng, kind):
    # A column of mean zero beside the intercept: the intercept is a location, and Huber's formulas
    # for location and scale (1981, section 6.4) give its variance.
    y = rng.exponential(size=200)
    X = np.tile([[1.0], [-1.0]], (100, 1))
    model = HuberRegressor(tol=1e-10).fit(X, y)
    u = (y - model.predict(X)) / model.scale_
    psi, inside = np.clip(u, -1.345, 1.345), np.abs(u) <= 1.345
    chi = (psi**2 - np.mean(psi**2)) / 2
    a, c, h = np.mean(inside), np.mean(inside * u), np.mean(inside * u**2)
    influence = (h * psi - c * chi) / (a * h - c**2)
    of_scale = (a * chi - c * psi) / (a * h - c**2)
    # And that sigma is in the standard error too: 6 rho² tau² of the variance.
    variance = np.mean(influence**2) + 6.0 * np.mean(influence * of_scale) ** 2 / 200
    summaries = [summarize(model, X, y, cov_type=kind, scale_coupling=o) for o in (True, False)]
    excess = np.subtract(*(s.covariance_matrix[0, 0] for s in summaries))
    K = 1 + 2 / 200 * (1 - a) / a
    expected = model.scale_**2 * (variance - np.mean(psi**2) / a**2)
    assert_allclose(excess, K**2 * expected / 198, rtol=1e-6)


@pytest.mark.parametrize("scale", ["joint", "mad"])
def test_counted_coupling_agrees_with_the_bootstrap(rng, scale):
    X, y = skewed(rng, n=2000, p=1)
    model = HuberRegressor(scale=scale).fit(X - 1.0, y)
    with_it, without = (
        summarize(model, X - 1.0, y, scale_coupling=option).standard_errors
        for option in (True, False)
    )
    drawn = summarize(model, X - 1.0, y, cov_type="bootstrap", n_bootstrap=4000, random_state=1)
    sandwich = summarize(model, X - 1.0, y, cov_type="sandwich").standard_errors
    # The error of the bootstrap is 1.1 %, and that of the kernel density for the MAD a few per
    # cent.
    tolerance = 0.035 if scale == "joint" else 0.06
    assert_allclose(with_it[0], drawn.standard_errors[0], rtol=tolerance)
    assert_allclose(sandwich[0], drawn.standard_errors[0], rtol=tolerance)
    assert abs(without[0] / drawn.standard_errors[0] - 1) > 0.08


# -- few rows within the threshold ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("delta", "n"),
    [(0.1, 60), *slow((0.01, 60), (0.02, 200), (0.05, 21))],
)
def test_standard_errors_at_small_thresholds(rng, delta, n):
    # The data are nearly interpolated. K alone gave 0.2 to 0.9 of the errors, and 28 to 87 %
    # coverage.
    model, slopes, errors = HuberRegressor(delta=delta, scale=1.0, max_iter=2000), [], []
    for _ in range(120):
        X, y = rng.normal(size=(n, 3)), rng.normal(size=n)
        summary = summarize(model.fit(X, y), X, y)
        slopes.append(summary.coefficients[1:])
        errors.append(summary.standard_errors[1:])
    slopes, errors = np.array(slopes), np.array(errors)
    assert 0.85 < np.median(errors) / slopes.std() < 1.2
    covered = np.abs(slopes) < 1.96 * errors * (1.0 + 2.4 / (n - 4))
    assert 0.89 < covered.mean() < 0.985


def test_note_of_few_rows_within_the_threshold(rng):
    X, y = rng.normal(size=(200, 3)), rng.normal(size=200)
    small = HuberRegressor(delta=0.05, scale=1.0, max_iter=2000).fit(X, y)
    assert "wider window" in summarize(small, X, y).notes[0]
    between = HuberRegressor(delta=0.12, scale=1.0, max_iter=2000).fit(X, y)
    assert "rows lie within the threshold 0.12" in summarize(between, X, y, cov_type="HC3").notes[0]
    usual = HuberRegressor().fit(X, y)
    assert summarize(usual, X, y).notes == summarize(usual, X, y, cov_type="HC3").notes == ()


# -- cost ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("variant", "passes"), [("H1", 1), ("H2", 1), ("H3", 2), ("HC0", 1),
                                                 ("HC1", 1), ("HC2", 2), ("HC3", 2), ("CR1", 2),
                                                 ("CR3", 2)])  # fmt: skip
def test_passes_over_the_rows(rng, variant, passes):
    from robustreg.inference.cluster import cluster_covariance
    from robustreg.inference.covariance import huber_covariance
    from robustreg.inference.sandwich import sandwich_covariance

    X, y = plain(rng, n=500)
    fitted = fitted_regression(HuberRegressor().fit(X, y), X, y)
    fitted.standardized  # noqa: B018 - residuals are read once, at the price of a prediction
    before = fitted.design.passes
    if variant.startswith("CR"):
        cluster_covariance(fitted, variant, np.arange(500) % 20)
    elif variant.startswith("HC"):
        sandwich_covariance(fitted, variant)
    else:
        huber_covariance(fitted, variant, 0, "auto")
    assert fitted.design.passes - before == passes
