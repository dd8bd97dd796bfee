"""Every error names the argument and says what to do."""

import numpy as np
import pytest
import scipy.sparse as sp

from robustreg import HuberRegressor

X = np.arange(20.0).reshape(10, 2) ** 1.5
Y = np.arange(10.0) % 4


def with_value(array, value):
    array = array.astype(type(value)) if isinstance(value, complex) else array.copy()
    array[(3,) + (0,) * (array.ndim - 1)] = value
    return array


def refusal(*arguments, exception=ValueError, **parameters):
    """Return the error message of a fit."""
    with pytest.raises(exception) as caught:
        HuberRegressor(**parameters).fit(*arguments)
    return str(caught.value)


class TestParameters:
    @pytest.mark.parametrize(
        ("parameters", "allowed"),
        [
            ({"delta": 0.0}, "(0.0, inf]"),
            ({"delta": -1.0}, "(0.0, inf]"),
            ({"delta": float("nan")}, "(0.0, inf]"),
            ({"delta": "best"}, "{'auto'}"),
            ({"scale": 0.0}, "(0.0, inf)"),
            ({"scale": float("inf")}, "(0.0, inf)"),
            ({"scale": float("nan")}, "(0.0, inf)"),
            ({"scale": -2}, "(0.0, inf)"),
            ({"scale": "huber"}, "'joint'"),
            ({"scale": None}, "'mad'"),
            ({"alpha": -1e-9}, "[0.0, inf)"),
            ({"alpha": float("inf")}, "[0.0, inf)"),
            ({"alpha": "small"}, "[0.0, inf)"),
            ({"fit_intercept": "yes"}, "bool"),
            ({"solver": "irls"}, "'newton'"),
            ({"max_iter": 0}, "[1, inf)"),
            ({"max_iter": 2.5}, "int"),
            ({"tol": 0.0}, "(0.0, inf)"),
            ({"tol": -1.0}, "(0.0, inf)"),
            ({"warm_start": "no"}, "bool"),
        ],
        ids=str,
    )
    def test_out_of_range(self, parameters, allowed):
        message = refusal(X, Y, **parameters)
        (name,) = parameters
        assert f"'{name}' parameter of HuberRegressor" in message
        assert allowed in message
        assert repr(parameters[name]) in message

    def test_nothing_is_checked_before_fit(self):
        assert HuberRegressor(delta=-1.0, solver="irls").get_params()["delta"] == -1.0

    def test_positional_parameters_are_refused(self):
        with pytest.raises(TypeError):
            HuberRegressor(1.345)

    @pytest.mark.parametrize("value", [np.float64(2.0), np.float32(2.0), np.int64(2), 2], ids=repr)
    def test_numbers_of_any_kind_are_taken(self, value):
        expected = HuberRegressor(delta=2.0, scale=2.0, alpha=2.0).fit(X, Y)
        model = HuberRegressor(delta=value, scale=value, alpha=value).fit(X, Y)
        np.testing.assert_array_equal(model.coef_, expected.coef_)
        assert isinstance(model.scale_, float)
        assert isinstance(model.delta_, float)

    @pytest.mark.parametrize(
        ("good", "bad"),
        [({"max_iter": 7}, {"max_iter": 7.0}), ({"fit_intercept": True}, {"fit_intercept": 1})],
    )
    def test_an_equal_value_of_another_type_is_checked_again(self, good, bad):
        HuberRegressor(**good).fit(X, Y)
        assert refusal(X, Y, **bad) == refusal(X, Y, **bad)


class TestData:
    @pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
    @pytest.mark.parametrize("sparse", [False, True])
    def test_nan_and_infinity_in_x(self, value, sparse):
        bad = with_value(X, value)
        message = refusal(sp.csr_array(bad) if sparse else bad, Y)
        assert "Input X contains " + ("NaN" if np.isnan(value) else "infinity") in message

    @pytest.mark.parametrize("value", [np.nan, np.inf])
    def test_nan_and_infinity_in_y(self, value):
        message = refusal(X, with_value(Y, value))
        assert "Input y contains " + ("NaN" if np.isnan(value) else "infinity") in message

    @pytest.mark.parametrize("value", [np.nan, np.inf])
    def test_nan_and_infinity_in_sample_weight(self, value):
        message = refusal(X, Y, with_value(np.ones(10), value))
        assert (
            "Input sample_weight contains " + ("NaN" if np.isnan(value) else "infinity") in message
        )

    def test_a_row_of_weight_zero_may_not_hold_nan_either(self):
        # As everywhere in scikit-learn, values that are not numbers are errors.
        assert "Input y contains NaN" in refusal(X, with_value(Y, np.nan), np.arange(10) != 3)

    def test_lengths(self):
        message = refusal(X, Y[:-1])
        assert "inconsistent numbers of samples" in message
        assert "[10, 9]" in message
        message = refusal(X, Y, np.ones(9))
        assert "sample_weight.shape == (9,), expected (10,)" in message

    def test_dimensions(self):
        assert "Expected 2D array, got 1D array" in refusal(X[:, 0], Y)
        assert "Found array with dim 3" in refusal(X, X[:, :, None])
        assert "Sample weights must be 1D array or scalar" in refusal(X, Y, np.ones((10, 1)))
        assert "Found array with 0 sample(s)" in refusal(X[:0], Y[:0])

    def test_predict_wants_the_columns_of_fit(self):
        model = HuberRegressor().fit(X, Y)
        with pytest.raises(ValueError, match="X has 1 features, but HuberRegressor is expecting 2"):
            model.predict(X[:, :1])

    def test_complex_object_and_text(self):
        assert "Complex data not supported" in refusal(with_value(X, 1j), Y)
        assert "Complex data not supported" in refusal(X, with_value(Y, 1j))
        assert "could not convert string to float" in refusal(np.char.add(X.astype(str), "a"), Y)
        assert "could not convert string to float" in refusal(X, ["a"] * 10)
        mixed = X.astype(object)
        mixed[3, 0] = {}
        assert "not 'dict'" in refusal(mixed, Y, exception=TypeError)

    def test_objects_that_are_numbers_are_taken(self):
        expected = HuberRegressor().fit(X, Y)
        model = HuberRegressor().fit(X.astype(object), Y.astype(object))
        np.testing.assert_array_equal(model.coef_, expected.coef_)

    def test_text_columns_of_a_frame(self):
        pd = pytest.importorskip("pandas")
        frame = pd.DataFrame({"size": X[:, 0], "colour": ["red", "blue"] * 5})
        message = refusal(frame, Y)
        assert "could not convert string to float: X has text in 'colour' ('red')." in message
        assert "OneHotEncoder" in message
        mixed = frame.assign(shape=pd.Categorical(["round"] * 10), code=["1"] * 10)
        assert "in 'colour' ('red'), 'shape' ('round')." in refusal(mixed, Y)
        assert "in column 1 ('red')." in refusal(frame.to_numpy(), Y)
        assert "in column 1 ('red')." in refusal(frame.to_numpy().tolist(), Y)
        wide = pd.DataFrame({f"x{j}": ["n/a"] * 10 for j in range(9)})
        assert "'x4' ('n/a') and others." in refusal(wide, Y)
        model = HuberRegressor().fit(frame[["size"]].assign(colour=range(10)), Y)
        with pytest.raises(ValueError, match=r"X has text in 'colour' \('red'\)"):
            model.predict(frame)
        polars = pytest.importorskip("polars")
        other = polars.DataFrame({name: frame[name].to_list() for name in frame})
        assert "X has text in 'colour' ('red')." in refusal(other, Y)

    def test_missing_values_of_a_frame(self):
        pd = pytest.importorskip("pandas")
        frame = pd.DataFrame(X, columns=["a", "b"]).astype("Float64")
        frame.loc[3, "a"] = pd.NA
        assert "Input X contains NaN" in refusal(frame, Y)

    def test_values_that_float64_cannot_square_are_taken(self):
        model = HuberRegressor().fit(X * 1e300, Y)
        expected = HuberRegressor().fit(X, Y)
        np.testing.assert_allclose(model.coef_ * 1e300, expected.coef_, rtol=1e-5)


class TestWeights:
    def test_negative(self):
        message = refusal(X, Y, with_value(np.ones(10), -2.0))
        assert "sample_weight must not be negative" in message
        assert "-2" in message
        assert "Use 0 to leave a row out" in message

    @pytest.mark.parametrize("sparse", [False, True])
    def test_all_zero(self, sparse):
        message = refusal(sp.csr_array(X) if sparse else X, Y, np.zeros(10))
        assert "sample_weight is zero for every row" in message
        assert "positive weight" in message

    @pytest.mark.parametrize("scale", ["joint", "mad", 1.0])
    @pytest.mark.parametrize("total", [1e-6, 1.0, 2.9, 40.0])
    def test_that_are_no_counts_have_no_unit(self, scale, total):
        """Weights that sum to one, as those of explainers and of ensembles do."""
        rng = np.random.default_rng(0)
        rows, response = rng.normal(size=(50, 2)), rng.standard_t(2, size=50)
        weights = rng.uniform(0.5, 1.0, size=50)
        expected = HuberRegressor(scale=scale, tol=1e-10).fit(rows, response, weights)
        weights *= total / weights.sum()
        model = HuberRegressor(scale=scale, tol=1e-10).fit(rows, response, weights)
        np.testing.assert_allclose(model.coef_, expected.coef_, rtol=1e-8)
        np.testing.assert_allclose(model.scale_, expected.scale_, rtol=1e-8)

    def test_sums_below_the_number_of_parameters_with_a_given_scale(self):
        rng = np.random.default_rng(0)
        rows, response = rng.normal(size=(50, 2)), rng.normal(size=50)
        expected = HuberRegressor(scale=1.0, tol=1e-10).fit(rows, response)
        model = HuberRegressor(scale=1.0, tol=1e-10).fit(rows, response, np.full(50, 0.01))
        np.testing.assert_allclose(model.coef_, expected.coef_, rtol=1e-8)

    @pytest.mark.parametrize("weight", [0.5, 3, np.float32(2)], ids=repr)
    def test_one_number_for_all_rows(self, weight):
        model = HuberRegressor(tol=1e-10).fit(X, Y, weight)
        expected = HuberRegressor(tol=1e-10).fit(X, Y, np.full(10, float(weight)))
        np.testing.assert_allclose(model.coef_, expected.coef_, rtol=1e-9)

    # With 1e50 observations, standard errors are below the rounding error of a coefficient.
    @pytest.mark.parametrize("factor", [1e-100, 1e-8, 1e8])
    def test_units_of_weights_do_not_matter_at_a_given_scale(self, factor):
        weights = np.arange(10) % 3 * factor
        expected = HuberRegressor(scale=1.0, tol=1e-9).fit(X, Y, np.arange(10) % 3)
        model = HuberRegressor(scale=1.0, tol=1e-9).fit(X, Y, weights)
        np.testing.assert_allclose(model.coef_, expected.coef_, rtol=1e-8)


def test_the_parameter_of_scikit_learns_class_points_to_ours():
    with pytest.raises(TypeError, match=r"no parameter 'epsilon': .*delta_from_epsilon\(epsilon\)"):
        HuberRegressor(epsilon=1.35)
    with pytest.raises(TypeError, match="unexpected keyword argument 'eps'"):
        HuberRegressor(eps=1.35)
    assert "epsilon" not in HuberRegressor().get_params()
