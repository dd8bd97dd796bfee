"""Diagnostics compared with refits without a row, and for the classical data sets."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from problems import plain

from robustreg import HuberRegressor
from robustreg.datasets import load_phones, load_stackloss, load_stars
from robustreg.inference import diagnose, summarize

pd = pytest.importorskip("pandas")


def leave_one_out(model, X, y):
    """Return the changes of intercept and slopes when each row is left out, by refitting."""
    full = np.array([model.intercept_, *model.coef_])
    changes = []
    for row in range(len(y)):
        weights = np.ones(len(y))
        weights[row] = 0.0
        refit = type(model)(**model.get_params()).fit(X, y, weights)
        changes.append(np.array([refit.intercept_, *refit.coef_]) - full)
    return np.array(changes)


@pytest.mark.parametrize("scale", ["joint", "mad", 2.0])
def test_influence_is_exact_for_least_squares(rng, scale):
    X, y = plain(rng)
    model = HuberRegressor(delta=np.inf, scale=scale, tol=1e-10).fit(X, y)
    found = diagnose(model, X, y).coefficient_changes
    assert_allclose(found, leave_one_out(model, X, y), rtol=1e-6, atol=1e-9 * np.abs(found).max())


@pytest.mark.parametrize(("scale", "least"), [("joint", 0.999), ("mad", 0.99), (1.0, 0.999)])
def test_influence_is_nearly_that_of_refits(rng, scale, least):
    X, y = plain(rng, n=150)
    model = HuberRegressor(scale=scale, tol=1e-9).fit(X, y)
    found, exact = diagnose(model, X, y).coefficient_changes, leave_one_out(model, X, y)
    for column, expected in zip(found.T, exact.T, strict=True):
        assert np.corrcoef(column, expected)[0, 1] > least
        slope = column @ expected / (expected @ expected)
        assert slope == pytest.approx(1.0, abs=0.03)


def test_scale_is_left_out_with_the_row():
    # The giants change the scale. With a fixed scale, the slope's change would be wrong by 7 %.
    X, y = load_stars(return_X_y=True)
    model = HuberRegressor(tol=1e-10).fit(X, y)
    found, exact = diagnose(model, X, y).coefficient_changes, leave_one_out(model, X, y)
    largest = np.abs(exact).max(axis=0)
    assert_allclose(found / largest, exact / largest, rtol=0, atol=0.05)


def test_leverages_are_the_diagonal_of_the_hat_matrix(rng):
    X, y = plain(rng)
    A = np.column_stack((np.ones(60), X))
    found = diagnose(HuberRegressor().fit(X, y), X, y)
    assert_allclose(found.leverages, np.einsum("ij,ji->i", A, np.linalg.pinv(A)), rtol=1e-9)
    assert_allclose(found.leverages.sum(), 4.0)


def test_columns_of_the_table(rng):
    X, y = plain(rng)
    frame = pd.DataFrame(X, index=[f"row {i}" for i in range(60)])
    frame.columns = ["a", "b", "c"]
    model = HuberRegressor().fit(frame, y)
    found = diagnose(model, frame, y)
    table = found.table
    assert list(table.index) == list(frame.index)
    assert_allclose(table["fitted"], model.predict(frame), rtol=1e-9, atol=1e-9)
    assert_allclose(table["residual"], y - model.predict(frame), rtol=1e-9, atol=1e-9)
    assert_allclose(table["standardized"] * model.scale_, table["residual"], rtol=1e-12)
    assert_allclose(table["weight"], model.weights_, rtol=1e-9)
    errors = summarize(model, frame, y).standard_errors
    expected = np.abs(found.coefficient_changes / errors).max(axis=1)
    assert_allclose(table["influence"], expected, rtol=1e-9)


def test_giants_of_the_star_cluster_are_found_by_leverage():
    X, y = load_stars(return_X_y=True)
    found = diagnose(HuberRegressor().fit(X, y), X, y)
    rows = found.rows_to_check()
    assert set(rows.index) == {10, 19, 29, 33}
    assert all("leverage" in reason for reason in rows["reasons"])
    # Their residuals are small, and their weights are one or nearly so.
    assert rows["standardized"].abs().max() < 2.0


def test_days_of_the_stack_loss_are_found_by_residual():
    X, y = load_stackloss(return_X_y=True)
    rows = diagnose(HuberRegressor().fit(X, y), X, y).rows_to_check()
    assert rows.index[0] == 20
    assert "residual" in rows["reasons"].iloc[0]


def test_worst_first_and_no_more_than_asked(rng):
    X, y = plain(rng, n=200, contamination=0.2)
    found = diagnose(HuberRegressor().fit(X, y), X, y)
    rows = found.rows_to_check(5)
    severity = pd.Series(found.severity)[rows.index]
    assert len(rows) == 5
    assert severity.is_monotonic_decreasing
    assert severity.iloc[0] == found.severity.max()
    everything = found.rows_to_check(1000)
    assert len(everything) == np.count_nonzero(found.severity > 1)
    assert repr(found) == f"Diagnostics(200 rows, {len(everything)} deserve a look)"


def test_a_row_of_weight_zero_has_no_influence(rng):
    X, y = plain(rng)
    weights = np.ones(60)
    weights[:5] = 0.0
    model = HuberRegressor().fit(X, y, weights)
    found = diagnose(model, X, y, sample_weight=weights)
    assert_array_equal(found.coefficient_changes[:5], 0.0)
    assert np.all(found.influence[5:] > 0.0)


def test_a_row_that_alone_determines_a_coefficient_is_finite(rng):
    X, y = plain(rng)
    X[:, 2] = np.arange(60) == 7
    found = diagnose(HuberRegressor().fit(X, y), X, y)
    assert found.leverages[7] == pytest.approx(1.0)
    assert np.all(np.isfinite(found.influence))
    assert found.rows_to_check(60).loc[7, "reasons"].startswith("leverage")


def test_leverages_where_the_rows_within_the_threshold_determine_nothing(rng):
    X, y = plain(rng, n=200, p=1, contamination=0.0)
    X = np.column_stack((X, np.zeros(200), np.zeros(200)))
    X[0, 1:], X[1, 1:], X[2, 1:] = (1.0, 1.0), (1.0, -1.0), (1.0, 1.0)
    y[0], y[2] = y[0] + 1e3, y[2] - 1e3
    found = diagnose(HuberRegressor(scale=1.0, max_iter=1000).fit(X, y), X, y)
    A = np.column_stack((np.ones(200), X))
    assert_allclose(found.leverages, np.einsum("ij,ji->i", A, np.linalg.pinv(A)), rtol=1e-9)
    assert np.isnan(found.influence).all()
    assert {0, 2} <= set(found.rows_to_check().index)
    assert "residual, leverage" in set(found.rows_to_check()["reasons"])


@pytest.mark.parametrize("n", [1.5, -1, True, "3"])
def test_number_of_rows_to_check(rng, n):
    X, y = plain(rng)
    with pytest.raises(ValueError, match="n must be a non-negative integer"):
        diagnose(HuberRegressor().fit(X, y), X, y).rows_to_check(n)


def test_index_keeps_its_levels_and_names(rng):
    X, y = plain(rng)
    index = pd.MultiIndex.from_product([range(20), list("abc")], names=["day", "shift"])
    frame = pd.DataFrame(X, columns=["a", "b", "c"], index=index)
    found = diagnose(HuberRegressor().fit(frame, y), frame, y)
    assert found.table.index.equals(index)
    assert found.rows_to_check().index.names == ["day", "shift"]
    series = pd.Series(y, index=pd.Index(range(60), name="row"))
    assert diagnose(HuberRegressor().fit(X, y), X, series).table.index.name == "row"


def test_printed_with_every_column_and_reason():
    X, y = load_stars(return_X_y=True)
    found = diagnose(HuberRegressor().fit(X, y), X, y)
    rows = found.rows_to_check()
    with pd.option_context("display.width", 40, "display.max_columns", 3):
        text, html = str(found), found._repr_html_()
    for written in (text, html):
        assert "..." not in written
        assert all(reason in written for reason in rows["reasons"])
        assert all(column in written for column in rows.columns)
        assert repr(found) in written


# -- exact refits -------------------------------------------------------------------------------


@pytest.mark.parametrize("scale", ["joint", "mad", 1.0])
@pytest.mark.parametrize("weighted", [False, True])
def test_exact_changes_are_those_of_refits(rng, scale, weighted):
    X, y = plain(rng)
    weights = rng.integers(1, 4, size=60).astype(float) if weighted else np.ones(60)
    model = HuberRegressor(scale=scale, tol=1e-9).fit(X, y, weights)
    found = diagnose(model, X, y, sample_weight=weights, exact=5)
    assert np.count_nonzero(found.exact) == 5
    one_step = diagnose(model, X, y, sample_weight=weights)
    assert not one_step.exact.any()
    worst = np.argsort(-one_step.influence)[:5]
    assert set(np.flatnonzero(found.exact)) == set(worst)
    for row in worst:
        fewer = weights.copy()
        fewer[row] -= 1.0
        refit = HuberRegressor(scale=scale, tol=1e-9).fit(X, y, fewer)
        change = [refit.intercept_ - model.intercept_, *(refit.coef_ - model.coef_)]
        size = np.abs(found.coefficient_changes).max()
        assert_allclose(found.coefficient_changes[row], change, rtol=1e-4, atol=1e-5 * size)
    others = ~found.exact
    assert_array_equal(found.coefficient_changes[others], one_step.coefficient_changes[others])
    errors = summarize(model, X, y, sample_weight=weights).standard_errors
    expected = np.abs(found.coefficient_changes / errors).max(axis=1)
    assert_allclose(found.influence, expected, rtol=1e-9)


def test_one_step_can_be_many_times_too_small():
    # Without one call the MAD has another solution: one step gives 1.3 standard errors, a refit 8.
    X, y = load_phones(return_X_y=True)
    model = HuberRegressor(scale="mad").fit(X, y)
    one_step, exact = diagnose(model, X, y), diagnose(model, X, y, exact=24)
    assert exact.exact.all()
    assert exact.influence.max() > 5.0 * one_step.influence.max()


def test_exact_for_least_squares_changes_nothing(rng):
    X, y = plain(rng)
    model = HuberRegressor(delta=np.inf, tol=1e-10).fit(X, y)
    one_step, exact = diagnose(model, X, y), diagnose(model, X, y, exact=60)
    assert_allclose(exact.influence, one_step.influence, rtol=1e-5, atol=1e-8)


def test_exact_keeps_the_delta_that_was_chosen(rng):
    X, y = plain(rng)
    model = HuberRegressor(delta="auto").fit(X, y)
    given = HuberRegressor(delta=model.delta_).fit(X, y)
    found, expected = (diagnose(m, X, y, exact=3).influence for m in (model, given))
    assert_allclose(found, expected, rtol=1e-4)


def test_exact_where_there_is_no_newton_step(rng):
    X, y = plain(rng, n=200, p=1, contamination=0.0)
    X = np.column_stack((X, np.zeros(200), np.zeros(200)))
    X[0, 1:], X[1, 1:], X[2, 1:] = (1.0, 1.0), (1.0, -1.0), (1.0, 1.0)
    y[0], y[2] = y[0] + 1e3, y[2] - 1e3
    model = HuberRegressor(scale=1.0, max_iter=1000).fit(X, y)
    found = diagnose(model, X, y, exact=3)
    assert np.count_nonzero(np.isfinite(found.influence)) == 3


def test_exact_shows_its_progress(rng, capsys):
    X, y = plain(rng)
    model = HuberRegressor().fit(X, y)
    diagnose(model, X, y, exact=4)
    assert capsys.readouterr().err == ""
    diagnose(model, X, y, exact=4, verbose=1)
    assert capsys.readouterr().err.endswith("4/4 refits\n")


@pytest.mark.parametrize("exact", [1.5, -1, True, "3"])
def test_number_of_exact_refits(rng, exact):
    X, y = plain(rng)
    with pytest.raises(ValueError, match="exact must be a non-negative integer"):
        diagnose(HuberRegressor().fit(X, y), X, y, exact=exact)
