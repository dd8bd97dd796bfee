"""Standard errors of many responses equal those of single fits, and limma's moderated t."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from robustreg import HuberRegressor
from robustreg.exceptions import UndeterminedWarning
from robustreg.inference import summarize, summarize_many
from robustreg.inference.moderated import fitted_prior

pd = pytest.importorskip("pandas")

KINDS = ("H1", "H2", "H3", "HC0", "HC1", "HC2", "HC3", "CR1", "CR3")
NUMBERS = ["coef", "std_err", "t", "ci_low", "ci_high"]
GROUPS = np.arange(60) % 12


def problem(seed=0, n=60, p=4, k=7):
    """Return responses with heavy tails, skewed errors and large units, and far columns."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p)) + 3.0
    X[:, 1] *= 1000.0
    Y = X @ rng.normal(size=(p, 7)) + rng.standard_t(2, size=(n, 7))
    Y[:, 3] = X[:, 0] + 5.0 * rng.exponential(size=n)
    Y[:, 4] *= 1e6
    return X, Y[:, :k].copy()


def assert_equal_to_singles(options, kind, weights=None, missing=False, seed=0):
    """Compare the table with ``summarize`` of each response; return the number compared."""
    X, Y = problem(seed)
    if isinstance(options.get("scale"), float):
        Y[:, 4] /= 1e6
    if missing:
        Y[np.random.default_rng(seed).random(Y.shape) < 0.1] = np.nan
    grouped = kind.startswith("CR")
    model = HuberRegressor(**options, missing="omit", tol=1e-9).fit(X, Y, weights)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UndeterminedWarning)
        table = summarize_many(
            model,
            X,
            Y,
            sample_weight=weights,
            cov_type=kind,
            groups=GROUPS if grouped else None,
        )
    compared = 0
    for j, y in enumerate(Y.T):
        rows = np.isfinite(y)
        own = None if weights is None else weights[rows]
        single = HuberRegressor(**options, tol=1e-9).fit(X[rows], y[rows], own)
        ours = table[table["response"] == j]
        try:
            theirs = summarize(
                single,
                X[rows],
                y[rows],
                sample_weight=own,
                cov_type=kind,
                groups=GROUPS[rows] if grouped else None,
            )
        except ValueError:
            assert ours["std_err"].isna().all()
            continue
        assert ours["term"].tolist() == list(theirs.names)
        assert_allclose(ours[NUMBERS], theirs.table[NUMBERS], rtol=2e-6)
        assert_allclose(ours["p_value"], theirs.table["p_value"], rtol=1e-5, atol=1e-300)
        compared += 1
    return compared


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"delta": 0.2},
        {"delta": "auto"},
        {"delta": np.inf},
        {"scale": "mad"},
        {"scale": 1.5, "delta": 1.0},
        {"fit_intercept": False},
    ],
    ids=str,
)
def test_equal_to_single_summaries(options, kind):
    assert assert_equal_to_singles(options, kind) >= 4


@pytest.mark.parametrize("kind", ["H1", "H3", "HC3", "CR1", "CR3"])
@pytest.mark.parametrize("missing", [False, True])
def test_equal_to_single_summaries_with_weights_and_missing_values(kind, missing):
    weights = np.random.default_rng(1).integers(0, 4, 60).astype(float)
    assert assert_equal_to_singles({}, kind, weights, missing, seed=1) >= 4


@pytest.mark.parametrize("coupling", [True, False, "auto"])
@pytest.mark.parametrize("ddof", [0, 1])
def test_options_are_those_of_summarize(coupling, ddof):
    X, Y = problem()
    options = {"scale_coupling": coupling, "ddof": ddof, "level": 0.9, "use_t": False}
    table = summarize_many(HuberRegressor().fit(X, Y), X, Y, **options)
    single = summarize(HuberRegressor().fit(X, Y[:, 3]), X, Y[:, 3], **options)
    assert_allclose(table[table["response"] == 3][NUMBERS], single.table[NUMBERS], rtol=1e-5)


# R 4.2.2, limma 3.54.1:
#   i <- 1:8; j <- 1:6; x <- c(1,2,4,3,7,5,8,6)
#   Y <- outer(i, j, function(i, j) (1 + j^2) * sin(3*i*i + j) + 4 * (j == 2) * i)
#   f <- eBayes(lmFit(t(Y), cbind(1, x)))
#   f$df.prior; f$s2.prior; f$t[,2]; f$p.value[,2]; p.adjust(f$p.value[,2], "BH")
LIMMA = {
    "df_prior": 1.11874771473095,
    "s2_prior": 31.8339669858054,
    "t": [
        0.240693033947,
        3.76075116272,
        -0.535859480976,
        -0.506017697947,
        -0.000354081474937,
        0.505192835374,
    ],
    "p": [
        0.816578203146,
        0.00685307172799,
        0.608383631434,
        0.628134835377,
        0.999727202424,
        0.628685542236,
    ],
    "adjusted": [
        0.979893843775,
        0.0411184303679,
        0.943028313354,
        0.943028313354,
        0.999727202424,
        0.943028313354,
    ],
    "unequal_prior": [1.2841092446847, 0.21758654117191],
    "unequal_posterior": [
        0.46473688438384,
        1.7774417262716,
        0.84011984570499,
        0.1240279025539,
        2.8662679188848,
        0.079224144309326,
    ],
}


def limma_problem():
    i, j = np.arange(1.0, 9.0)[:, None], np.arange(1.0, 7.0)
    Y = (1.0 + j**2) * np.sin(3.0 * i * i + j) + 4.0 * (j == 2.0) * i
    return np.array([[1.0], [2.0], [4.0], [3.0], [7.0], [5.0], [8.0], [6.0]]), Y


def test_moderated_t_is_that_of_limma():
    """Return the table of least squares, whose scale limma moderates."""
    x, Y = limma_problem()
    model = HuberRegressor(delta=np.inf).fit(x, Y)
    table = summarize_many(model, x, Y, moderated=True)
    slopes = table[table["term"] == "x0"]
    assert_allclose(table.attrs["prior_df"], LIMMA["df_prior"], rtol=1e-6)
    assert_allclose(table.attrs["prior_scale"] ** 2, LIMMA["s2_prior"], rtol=1e-8)
    assert_allclose(slopes["t"], LIMMA["t"], rtol=1e-7)
    assert_allclose(slopes["p_value"], LIMMA["p"], rtol=1e-7)
    assert_allclose(slopes["p_adjusted"], LIMMA["adjusted"], rtol=1e-7)


def test_prior_of_unequal_degrees_of_freedom():
    # limma 3.54.1: squeezeVar(c(.5, 2, 1, .1, 4, .02), c(9, 9, 5, 5, 3, 3))
    variance = np.array([0.5, 2.0, 1.0, 0.1, 4.0, 0.02])
    degrees = np.array([9.0, 9.0, 5.0, 5.0, 3.0, 3.0])
    prior = fitted_prior(variance, degrees)
    assert_allclose([prior.degrees, prior.variance], LIMMA["unequal_prior"], rtol=1e-9)
    assert_allclose(prior.posterior(variance, degrees), LIMMA["unequal_posterior"], rtol=1e-9)


def test_prior_of_equal_variances_is_their_mean():
    """With less spread than by chance, limma's prior has infinite degrees of freedom."""
    variance = np.linspace(0.9, 1.1, 20)
    prior = fitted_prior(variance, np.full(20, 9.0))
    assert prior == (np.inf, variance.mean())
    assert_allclose(prior.posterior(variance, np.full(20, 9.0)), variance.mean())
    assert_allclose(prior.total_degrees(np.full(20, 9.0)), 180.0)


def test_moderated_tests_hold_their_level():
    """The share of p below .05 among 4,000 true hypotheses has a Monte Carlo error of .0034."""
    rng = np.random.default_rng(0)
    X = np.repeat([0.0, 1.0], 4).reshape(-1, 1)
    scale = np.sqrt(4.0 / rng.chisquare(4.0, 4000))
    Y = scale * rng.standard_normal((8, 4000))
    model = HuberRegressor(delta=np.inf).fit(X, Y)
    table = summarize_many(model, X, Y, moderated=True)
    share = (table[table["term"] == "x0"]["p_value"] < 0.05).mean()
    assert abs(share - 0.05) < 3.0 * 0.0034


# -- the table ------------------------------------------------------------------------------------


def test_names_are_those_of_the_frames():
    X, Y = problem(k=3)
    X, Y = pd.DataFrame(X, columns=list("abcd")), pd.DataFrame(Y, columns=["u", "v", "w"])
    table = summarize_many(HuberRegressor().fit(X, Y), X, Y)
    assert table["response"].tolist() == [name for name in "uvw" for _ in range(5)]
    assert table["term"].tolist() == ["intercept", *"abcd"] * 3
    assert table.attrs == {"cov_type": "H1", "level": 0.95}


def test_p_values_are_adjusted_for_each_term():
    X, Y = problem(k=6)
    model = HuberRegressor().fit(X, Y)
    for method in ("bh", "by"):
        table = summarize_many(model, X, Y, adjust=method)
        for _, term in table.groupby("term"):
            expected = stats.false_discovery_control(term["p_value"], method=method)
            assert_allclose(term["p_adjusted"], expected)
    assert "p_adjusted" not in summarize_many(model, X, Y, adjust=None)


def test_a_pipeline_has_the_coefficients_of_its_last_step():
    X, Y = problem(k=2)
    pipeline = make_pipeline(StandardScaler(), HuberRegressor()).fit(X, Y)
    table = summarize_many(pipeline, X, Y)
    single = make_pipeline(StandardScaler(), HuberRegressor()).fit(X, Y[:, 1])
    theirs = summarize(single, X, Y[:, 1]).table
    assert_allclose(table[table["response"] == 1][NUMBERS], theirs[NUMBERS], rtol=1e-5)


def test_weights_without_a_unit():
    X, Y = problem()
    weights = np.random.default_rng(2).random(60) + 0.1
    tables = [
        summarize_many(
            HuberRegressor(tol=1e-9).fit(X, Y, c * weights), X, Y, sample_weight=c * weights
        )
        for c in (1.0, 1e-3)
    ]
    assert_allclose(tables[0][NUMBERS], tables[1][NUMBERS], rtol=1e-6)


def test_a_response_without_errors_is_named_and_costs_the_others_nothing():
    X, Y = problem(k=4)
    Y[:, 2] = X @ np.ones(4)
    with pytest.warns(UserWarning, match="fitted exactly"):
        model = HuberRegressor().fit(X, Y)
    with pytest.warns(UndeterminedWarning, match="Response 2: standard errors cannot be"):
        table = summarize_many(model, X, Y)
    exact = table["response"] == 2
    assert table[exact][["std_err", "t", "p_value", "p_adjusted"]].isna().all(axis=None)
    assert_allclose(table[exact]["coef"], [0.0, 1.0, 1.0, 1.0, 1.0], atol=1e-6)
    others = summarize_many(HuberRegressor().fit(X, Y[:, :2]), X, Y[:, :2])
    columns = [*NUMBERS, "p_value"]
    assert_allclose(table[table["response"] < 2][columns], others[columns], rtol=1e-6)


# -- bad input ------------------------------------------------------------------------------------


def test_data_of_another_fit_are_refused():
    X, Y = problem()
    model = HuberRegressor().fit(X, Y)
    with pytest.raises(ValueError, match=r"model is up to .* pass the same data"):
        summarize_many(model, X, Y[::-1])
    with pytest.raises(ValueError, match="pass the same data"):
        summarize_many(model, np.repeat(X, 3, axis=0), np.repeat(Y, 3, axis=0))
    with pytest.raises(ValueError, match=r"Y has 2 columns, and model was fitted to 7"):
        summarize_many(model, X, Y[:, :2])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"cov_type": "bootstrap"}, "cov_type must be one of"),
        ({"level": 95}, "level must be a number between 0 and 1"),
        ({"adjust": "holm"}, "adjust must be one of"),
        ({"moderated": 1}, None),
        ({"moderated": "yes"}, "moderated must be one of"),
        ({"groups": GROUPS}, "groups is given"),
        ({"cov_type": "cluster"}, "groups is None"),
        ({"cov_type": "HC3", "moderated": True}, 'pass cov_type="huber"'),
        ({"use_t": False, "moderated": True}, "use_t=True"),
    ],
)
def test_bad_options(options, message):
    X, Y = problem()
    model = HuberRegressor().fit(X, Y)
    if message is None:
        assert "prior_df" in summarize_many(model, X, Y, **options).attrs
        return
    with pytest.raises(ValueError, match=message):
        summarize_many(model, X, Y, **options)


def test_bad_models():
    X, Y = problem()
    with pytest.raises(ValueError, match="fitted to one response: use summarize"):
        summarize_many(HuberRegressor().fit(X, Y[:, 0]), X, Y)
    with pytest.raises(ValueError, match="alpha=1: its penalty biases"):
        summarize_many(HuberRegressor(alpha=1.0).fit(X, Y), X, Y)
    twice = np.column_stack((X, X[:, 0]))
    with pytest.raises(ValueError, match="X has rank 5 for 6 coefficients"):
        summarize_many(HuberRegressor().fit(twice, Y), twice, Y)
