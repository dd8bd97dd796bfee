"""Formulas: results of a design matrix made by hand, names in tables, and errors."""

import pickle
import sys

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline

from robustreg import HuberElasticNet, HuberRegressor, HuberRegressorCV, MMRegressor, formula
from robustreg.formula import FormulaFeatures
from robustreg.inference import compare, diagnose, summarize

pd = pytest.importorskip("pandas")
pytest.importorskip("formulaic")

STATEMENT = "y ~ C(region) + x"


@pytest.fixture
def data(rng):
    n = 120
    region = rng.choice(["east", "north", "south"], size=n)
    x, weight = rng.normal(size=n), rng.integers(1, 4, size=n).astype(float)
    y = (
        1.0
        + 2.0 * x
        + np.array([0.0, 3.0, -1.0])[np.searchsorted(["east", "north", "south"], region)]
    )
    y += rng.standard_t(3, size=n)
    y[::15] += 30.0
    return pd.DataFrame({"region": region, "x": x, "y": y, "weight": weight}).set_axis(
        np.repeat(np.arange(n // 2), 2)  # labels that are not unique
    )


def by_hand(data):
    columns = [data["region"] == "north", data["region"] == "south", data["x"]]
    return np.column_stack(columns).astype(float)


@pytest.mark.parametrize(
    "estimator",
    [None, HuberRegressor(scale="mad"), MMRegressor(random_state=0), HuberElasticNet(0.01)],
    ids=str,
)
def test_the_fit_is_that_of_the_design_matrix(data, estimator):
    model = formula.fit(STATEMENT, data, estimator)
    expected = clone(estimator or HuberRegressor()).fit(by_hand(data), data["y"])
    assert_allclose(model[-1].coef_, expected.coef_, rtol=1e-9)
    assert_allclose(model.predict(data), expected.predict(by_hand(data)), rtol=1e-9)
    assert_array_equal(
        model[-1].feature_names_in_, ["C(region)[T.north]", "C(region)[T.south]", "x"]
    )
    if estimator is not None:
        assert not hasattr(estimator, "coef_")


def test_tables_have_the_names_of_the_terms(data):
    model = formula.fit(STATEMENT, data)
    summary = summarize(model, *formula.observations(model, data))
    assert list(summary.names) == ["intercept", "C(region)[T.north]", "C(region)[T.south]", "x"]
    expected = summarize(HuberRegressor().fit(by_hand(data), data["y"]), by_hand(data), data["y"])
    assert_allclose(summary.standard_errors, expected.standard_errors, rtol=1e-9)
    assert "C(region)[T.north]" in str(summary)
    # If no row is incomplete, the data themselves can be used.
    assert_allclose(summarize(model, data, data["y"]).standard_errors, summary.standard_errors)
    assert_allclose(summary.predict(data)["prediction"], model.predict(data))
    assert str(compare([summary, summary]))
    assert len(diagnose(model, *formula.observations(model, data)).table) == len(data)


def test_the_formula_decides_about_the_intercept(data):
    with_all = formula.fit("y ~ 0 + C(region) + x", data, HuberRegressor(fit_intercept=True))
    assert with_all[-1].fit_intercept is False
    assert with_all[-1].intercept_ == 0.0
    assert list(with_all[-1].feature_names_in_[:3]) == [
        f"C(region)[{r}]" for r in ("east", "north", "south")
    ]
    with_one = formula.fit("y ~ C(region) + x", data, HuberRegressor(fit_intercept=False))
    assert with_one[-1].fit_intercept is True
    assert_allclose(with_one.predict(data), with_all.predict(data), rtol=1e-5)
    with pytest.raises(ValueError, match="KNeighborsRegressor has no parameter fit_intercept"):
        formula.fit("y ~ 0 + x", data, KNeighborsRegressor())
    formula.fit("y ~ x", data, KNeighborsRegressor())


def test_incomplete_rows_are_left_out(data):
    holes = data.reset_index(drop=True)
    holes.loc[3, "x"] = np.nan
    holes.loc[7, "region"] = None
    holes.loc[11, "y"] = np.nan
    holes.loc[12, "weight"] = np.nan  # a column that the formula does not use
    complete = holes.drop(index=[3, 7, 11])
    model = formula.fit(STATEMENT, holes)
    assert model["formula"].n_incomplete_rows_ == 3
    expected = formula.fit(STATEMENT, complete)
    assert expected["formula"].n_incomplete_rows_ == 0
    assert_array_equal(model[-1].coef_, expected[-1].coef_)
    rows, y = formula.observations(model, holes)
    pd.testing.assert_frame_equal(rows, complete)
    assert_array_equal(y, complete["y"])
    assert_array_equal(y.index, complete.index)
    summary = summarize(model, rows, y)
    assert summary.n == 117


def test_labels_of_rows_are_kept(data):
    data.iloc[5, data.columns.get_loc("x")] = np.nan
    rows, y = formula.observations(formula.fit(STATEMENT, data), data)
    assert_array_equal(rows.index, data.index.delete(5))
    assert_array_equal(y.index, rows.index)


def test_weights_by_name_or_position(data):
    data.iloc[4, data.columns.get_loc("x")] = np.nan
    expected = HuberRegressor()
    complete = data.dropna()
    expected.fit(by_hand(complete), complete["y"], complete["weight"])
    for weights in ("weight", data["weight"], data["weight"].to_numpy(), list(data["weight"])):
        model = formula.fit(STATEMENT, data, sample_weight=weights)
        assert_allclose(model[-1].coef_, expected.coef_, rtol=1e-9)
    with pytest.raises(ValueError, match="one weight for each row, including the incomplete"):
        formula.fit(STATEMENT, data, sample_weight=complete["weight"])
    data.iloc[9, data.columns.get_loc("weight")] = np.nan
    with pytest.raises(ValueError, match="sample_weight"):
        formula.fit(STATEMENT, data, sample_weight="weight")


class TestNewData:
    @pytest.mark.parametrize("statement", [STATEMENT, "y ~ region", "y ~ x:region", "y ~ region*x"])
    def test_a_new_category_is_refused(self, data, statement):
        model = formula.fit(statement, data)
        new = data.head(3).assign(region=["east", "west", "up"])
        with pytest.raises(ValueError, match=r"fit did not see: 'up', 'west'. It saw 'east', 'no"):
            model.predict(new)

    def test_a_category_of_numbers_too(self, data):
        coded = data.assign(code=data["region"].map({"east": 1, "north": 2, "south": 5}))
        model = formula.fit("y ~ C(code) + x", coded)
        with pytest.raises(ValueError, match=r"C\(code\) has categories that fit did not see: 3"):
            model.predict(coded.assign(code=3))
        model = formula.fit("y ~ C(x > 0)", data)
        assert_allclose(model.predict(data.query("x < 0"))[0], model[-1].intercept_)

    def test_fewer_categories_are_no_other_columns(self, data):
        model = formula.fit(STATEMENT, data)
        some = data[data["region"] == "south"]
        assert_allclose(model.predict(some), model.predict(data)[data["region"] == "south"])

    def test_declared_categories_without_rows_are_none(self, data):
        declared = data.assign(region=pd.Categorical(data["region"]))
        model = formula.fit(STATEMENT, declared)
        more = declared.assign(region=declared["region"].cat.add_categories(["west"]))
        assert_array_equal(model.predict(more), model.predict(declared))

    def test_a_missing_value_is_refused(self, data):
        model = formula.fit(STATEMENT, data)
        for name in ("x", "region"):
            new = data.head(3).assign(**{name: [data[name].iloc[0], None, data[name].iloc[1]]})
            with pytest.raises(ValueError, match=f"data have missing values.*{name}.*dropna"):
                model.predict(new)

    def test_a_missing_column_is_named(self, data):
        model = formula.fit(STATEMENT, data)
        with pytest.raises(ValueError, match=r"region.*columns of the data are x\."):
            model.predict(data[["x"]])

    def test_what_was_learnt_is_kept(self, data):
        """Means and knots are those of the data of the fit, not of the new rows."""
        for statement in ("y ~ center(x)", "y ~ poly(x, 2)", "y ~ bs(x, df=4)"):
            model = formula.fit(statement, data)
            assert_allclose(model.predict(data.head(5)), model.predict(data)[:5])

    def test_without_the_response(self, data):
        model = formula.fit("y ~ x", data)
        assert model.predict(data[["x"]]).shape == (len(data),)


def test_a_transformed_response(data):
    positive = data.assign(y=np.exp(data["y"] / 10))
    model = formula.fit("log(y) ~ x", positive)
    expected = HuberRegressor().fit(data[["x"]], data["y"] / 10)
    assert_allclose(model.predict(positive), expected.predict(data[["x"]]), rtol=1e-6)
    assert_allclose(formula.observations(model, positive)[1], data["y"] / 10)


def test_all_other_columns(data):
    model = formula.fit("y ~ . - weight", data)
    assert set(model["formula"].feature_names_in_) == {"region", "x"}


def test_names_of_the_program_mean_nothing(data):
    z = data["x"]
    with pytest.raises(ValueError, match=r"`z` is not present.* data are region, x"):
        formula.fit("y ~ z", data)
    assert z is not None


def test_as_a_step_of_a_pipeline_of_ones_own(data):
    pipeline = make_pipeline(FormulaFeatures("C(region) + x"), HuberRegressor())
    search = GridSearchCV(pipeline, {"huberregressor__delta": [0.7, 1.345]}, cv=3)
    search.fit(data, data["y"])
    assert search.best_estimator_.score(data, data["y"]) > 0
    assert clone(pipeline)[0].formula == "C(region) + x"
    data.iloc[3, data.columns.get_loc("x")] = np.nan
    with pytest.raises(ValueError, match="data have missing values"):
        pipeline.fit(data, data["y"])  # a step cannot drop rows of y


def test_pickle_and_clone(data):
    model = formula.fit("y ~ C(region) + center(x)", data, HuberRegressorCV(deltas=[1.0, 2.0]))
    restored = pickle.loads(pickle.dumps(model))
    assert_array_equal(restored.predict(data), model.predict(data))
    again = clone(model)
    assert again.fit(data, data["y"]).predict(data).shape == data["y"].shape


def test_other_kinds_of_data(data):
    expected = formula.fit(STATEMENT, data)
    columns = {name: data[name].to_numpy() for name in data}
    assert_array_equal(formula.fit(STATEMENT, columns).predict(columns), expected.predict(data))
    polars = pytest.importorskip("polars")
    frame = polars.DataFrame({name: list(values) for name, values in columns.items()})
    model = formula.fit(STATEMENT, frame)
    assert_allclose(model.predict(frame), expected.predict(data))
    assert len(formula.observations(model, frame)[1]) == len(data)


def test_refusals(data):
    for statement, text in {
        "C(region) + x": "has no response: write 'y ~ C",
        "region ~ x": "a response that is not a number: region has categories",
        "y ~ 1": "no columns but the intercept",
    }.items():
        with pytest.raises(ValueError, match=text):
            formula.fit(statement, data)
    with pytest.raises(TypeError, match=r"must be a frame.*got ndarray"):
        formula.fit(STATEMENT, by_hand(data))
    dd = pytest.importorskip("dask.dataframe")
    lazy = dd.from_pandas(data.reset_index(drop=True), npartitions=2)
    with pytest.raises(ValueError, match=r"lazy Dask collection.*compute\(\)"):
        formula.fit(STATEMENT, lazy)


def test_without_formulaic_the_extra_is_named(data, monkeypatch):
    monkeypatch.setitem(sys.modules, "formulaic", None)
    with pytest.raises(ImportError, match=r"pip install 'robustreg\[formula\]'"):
        formula.fit(STATEMENT, data)
