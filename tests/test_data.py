"""Errors for missing, infinite or masked values in containers of any type."""

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from robustreg import HuberRegressor, HuberRegressorCV
from robustreg.data import as_numbers, check_weights
from robustreg.inference import summarize
from robustreg.inspection import QuantilesDisplay
from robustreg.metrics import huber_loss
from robustreg.tuning import delta_grid

pd = pytest.importorskip("pandas")

N = 12
GENERATOR = np.random.default_rng(0)
X = GENERATOR.normal(size=(N, 2)).round(2)
Y = (X.sum(axis=1) + GENERATOR.normal(size=N)).round(2)
WEIGHTS = np.arange(1.0, N + 1.0)

#: Objects that mean NaN and infinity.
MISSING = {
    "None": None,
    "float": float("nan"),
    "NumPy": np.float32("nan"),
    "pandas' NA": pd.NA,
    "date": pd.NaT,
    "decimal": Decimal("NaN"),
    "signalling": Decimal("sNaN"),
    "text": "nan",
}
INFINITE = {
    "float": float("inf"),
    "negative": -np.inf,
    "decimal": Decimal("Infinity"),
    "large decimal": Decimal("1e400"),
    "large integer": 10**400,
    "text": "inf",
}

#: Containers of objects, for a vector and for a matrix.
VECTORS = {
    "array": lambda values: values,
    "list": list,
    "tuple": tuple,
    "series": lambda values: pd.Series(values, dtype=object),
    "column": lambda values: pd.Series(values, dtype=object, index=range(5, 5 + values.size)),
}
MATRICES = {
    "array": lambda values: values,
    "lists": lambda values: values.tolist(),
    "frame": lambda values: pd.DataFrame(values, columns=["a", "b"], dtype=object),
}


def refusal(*arguments):
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the caller looks at the message
        HuberRegressor().fit(*arguments)
    return str(caught.value)


def with_value(values, place, value):
    values = values.astype(object)
    values[np.unravel_index(place % values.size, values.shape)] = value
    return values


class TestObjects:
    """The error is the same as for these values as floats."""

    @given(
        argument=st.sampled_from(["X", "y", "sample_weight"]),
        value=st.sampled_from(
            [(np.nan, v) for v in MISSING.values()] + [(np.inf, v) for v in INFINITE.values()]
        ),
        place=st.integers(0, 2 * N - 1),
        container=st.data(),
    )
    def test_missing_and_infinite_values(self, argument, value, place, container):
        data = {"X": X, "y": Y, "sample_weight": WEIGHTS}
        as_float, as_object = value
        bad = with_value(data[argument], place, as_float).astype(float)
        expected = refusal(*(data | {argument: bad}).values())
        kinds = MATRICES if argument == "X" else VECTORS
        kind = container.draw(st.sampled_from(sorted(kinds)))
        given_data = data | {argument: kinds[kind](with_value(data[argument], place, as_object))}
        assert refusal(*given_data.values()) == expected

    @pytest.mark.parametrize(
        "convert",
        [
            lambda values: np.array([Decimal(str(v)) for v in values], dtype=object),
            lambda values: [Fraction(str(v)) for v in values],
            lambda values: pd.Series(values, dtype="Float64"),
            lambda values: pd.Series(values, dtype=object),
            lambda values: pd.Series(values).astype("category"),
            lambda values: [str(v) for v in values],
            lambda values: values.astype(object),
        ],
        ids=["decimals", "fractions", "nullable", "series", "category", "text", "objects"],
    )
    def test_numbers_of_any_kind_are_the_same_fit(self, convert):
        expected = HuberRegressor().fit(X, Y, WEIGHTS)
        model = HuberRegressor().fit(X, convert(Y), convert(WEIGHTS))
        assert_array_equal(model.coef_, expected.coef_)
        columns = [convert(column) for column in X.T]
        frame = pd.DataFrame({"a": columns[0], "b": columns[1]})
        model = HuberRegressor().fit(frame, Y, WEIGHTS)
        # Sums over columns in Fortran order have different rounding errors.
        assert_allclose(model.coef_, expected.coef_, rtol=1e-13)
        assert list(model.feature_names_in_) == ["a", "b"]

    @pytest.mark.parametrize("dtype", ["Float64", "Int64", "boolean", "double[pyarrow]"])
    def test_missing_values_of_nullable_types(self, dtype):
        if "arrow" in dtype:
            pytest.importorskip("pyarrow")
        values = pd.Series([True, None] * (N // 2), dtype=object).astype(dtype)
        assert "Input y contains NaN" in refusal(X, values)
        assert "Input sample_weight contains NaN" in refusal(X, Y, values)
        assert "Input X contains NaN" in refusal(pd.DataFrame({"a": values, "b": Y}), Y)

    @pytest.mark.parametrize("kind", ["datetime64[s]", "timedelta64[ms]"])
    def test_a_missing_date_is_no_number(self, kind):
        dates = np.arange(N).astype(kind)
        assert_array_equal(
            HuberRegressor().fit(X, dates).coef_, HuberRegressor().fit(X, np.arange(N)).coef_
        )
        dates[4] = "NaT"
        assert "Input y contains NaN" in refusal(X, dates)
        assert "Input X contains NaN" in refusal(dates[:, None], Y)
        assert "Input X contains NaN" in refusal(pd.DataFrame({"day": dates}), Y)

    def test_long_doubles_out_of_range_are_infinite(self):
        large = Y.astype(np.longdouble)
        large[3] = np.longdouble("1e400") if np.finfo(np.longdouble).max > 1e308 else np.inf
        assert "Input y contains infinity" in refusal(X, large)
        assert "Input X contains infinity" in refusal(large[:, None], Y)

    def test_small_integers_do_not_overflow(self):
        y = np.array([200, 200, 210, 190, 250, 130] * 2, dtype=np.uint8)
        expected = HuberRegressor().fit(X, y.astype(float))
        assert_array_equal(HuberRegressor().fit(X, y).coef_, expected.coef_)

    @pytest.mark.parametrize("scale", ["joint", "mad", 1.0])
    @pytest.mark.parametrize("estimator", [HuberRegressor, HuberRegressorCV])
    def test_from_a_database(self, estimator, scale):
        y = with_value(Y, 3, None)
        with pytest.raises(ValueError, match="Input y contains NaN"):
            estimator(scale=scale).fit(X, y)

    def test_no_response(self):
        assert "requires y to be passed" in refusal(X, None)


class TestMasked:
    """A masked value would be used with the number under its mask."""

    MASKED = staticmethod(lambda values: np.ma.masked_greater(values, np.median(values)))

    @pytest.mark.parametrize("argument", ["X", "y", "sample_weight"])
    @pytest.mark.parametrize("estimator", [HuberRegressor(), HuberRegressorCV(cv=2)], ids=str)
    def test_every_argument_of_fit(self, estimator, argument):
        data = {"X": X, "y": Y, "sample_weight": WEIGHTS}
        data[argument] = self.MASKED(data[argument])
        message = rf"^{argument} has masked values.*leave these rows out.*{argument}.filled"
        with pytest.raises(ValueError, match=message):
            estimator.fit(**data)

    def test_rows_of_a_list(self):
        rows = [np.ma.array(row, mask=[i == 3, False]) for i, row in enumerate(X)]
        assert "X has masked values" in refusal(rows, Y)
        assert "y has masked values" in refusal(X, [np.ma.masked, *Y[1:]])

    def test_where_else_arrays_are_taken(self):
        model, masked = HuberRegressor().fit(X, Y), self.MASKED(Y)
        calls = {
            "X": lambda: model.predict(self.MASKED(X)),
            "y": lambda: summarize(model, X, masked),
            "y_true": lambda: huber_loss(masked, Y),
            "y_pred": lambda: huber_loss(Y, masked),
            "sample_weight": lambda: huber_loss(Y, Y, sample_weight=self.MASKED(WEIGHTS)),
            "residuals": lambda: delta_grid(residuals=masked),
        }
        for name, call in calls.items():
            with pytest.raises(ValueError, match=f"^{name} has masked values"):
                call()
        with pytest.raises(ValueError, match=r"^y_pred has masked values"):
            QuantilesDisplay.from_predictions(Y, masked)

    def test_without_masked_values_nothing_is_lost(self):
        model = HuberRegressor().fit(np.ma.array(X), np.ma.array(Y), np.ma.array(WEIGHTS))
        assert_array_equal(model.coef_, HuberRegressor().fit(X, Y, WEIGHTS).coef_)


class TestWeights:
    """All functions with weights use the same check."""

    CALLS = (
        lambda s: HuberRegressor().fit(X, Y, s),
        lambda s: HuberRegressorCV(cv=2).fit(X, Y, sample_weight=s),
        lambda s: summarize(HuberRegressor().fit(X, Y), X, Y, sample_weight=s),
        lambda s: huber_loss(Y, np.zeros(N), sample_weight=s),
        lambda s: delta_grid(residuals=Y, sample_weight=s),
        lambda s: QuantilesDisplay.from_predictions(Y, np.zeros(N), sample_weight=s),
    )

    @pytest.mark.parametrize("call", CALLS)
    @pytest.mark.parametrize(
        ("weights", "message"),
        [
            (np.zeros(N), "sample_weight is zero for every row: give at least one row a positive"),
            (np.arange(N) - 2.0, "sample_weight must not be negative, got minimum -2. Use 0 to"),
            (np.full(N, np.nan), "Input sample_weight contains NaN"),
            ([None] * N, "Input sample_weight contains NaN"),
            (np.full(N, np.inf), "Input sample_weight contains infinity"),
            (np.ones(N + 1), r"sample_weight.shape == \(13,\), expected \(12,\)"),
            (np.ones((N, 1)), "Sample weights must be 1D"),
        ],
    )
    def test_the_same_refusal(self, call, weights, message):
        with pytest.raises(ValueError, match=message):
            call(weights)

    @given(
        weights=st.lists(st.floats(0.0, 1e6), min_size=1, max_size=9).filter(any),
        convert=st.sampled_from([list, np.asarray, pd.Series]),
    )
    def test_sound_weights_are_kept(self, weights, convert):
        assert_array_equal(check_weights(convert(weights), len(weights)), weights)

    @pytest.mark.parametrize("number", [2, 0.5, np.float32(3), Decimal("0.25"), True])
    def test_a_number_counts_for_every_row(self, number):
        assert_array_equal(check_weights(number, 3), [float(number)] * 3)
        assert_array_equal(check_weights(None, 3), np.ones(3))


@given(values=st.lists(st.one_of(st.integers(-(2**53), 2**53), st.floats(), st.none())))
def test_numbers_are_those_of_python(values):
    expected = [float("nan") if value is None else float(value) for value in values]
    numbers = as_numbers(np.array(values, dtype=object), "y")
    assert numbers.dtype == np.float64
    assert_array_equal(numbers, expected)
