"""Metrics compared with PyTorch, with limits in scikit-learn, and with values by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import config_context
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.metrics import (
    d2_absolute_error_score,
    mean_absolute_error,
    mean_squared_error,
    r2_score,
)
from sklearn.model_selection import GridSearchCV, KFold, cross_validate

from robustreg.location import huber_location
from robustreg.metrics import d2_huber_score, huber_loss, make_huber_scorer, smooth_l1_loss

RNG = np.random.default_rng(7)
Y_TRUE = RNG.standard_cauchy((40, 3))
Y_PRED = RNG.standard_normal((40, 3))
WEIGHTS = RNG.integers(0, 4, 40).astype(float)
REDUCTIONS = ["mean", "sum", "none"]

finite = st.floats(-1e6, 1e6, allow_nan=False)
thresholds = st.floats(1e-6, 1e6)


@st.composite
def weighted_samples(draw):
    n = draw(st.integers(1, 12))
    y = draw(arrays(np.float64, n, elements=finite))
    weights = draw(arrays(np.float64, n, elements=st.integers(0, 3).map(float)))
    weights[draw(st.integers(0, n - 1))] = 1.0
    return y, weights


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("shape", [(120,), (40, 3)])
@pytest.mark.parametrize("threshold", [1e-3, 0.7, 1.0, 50.0])
def test_equal_to_pytorch(threshold, shape, reduction):
    torch = pytest.importorskip("torch", reason="PyTorch is the oracle: pip install torch==2.13.0")
    observed, predicted = Y_TRUE.reshape(shape), Y_PRED.reshape(shape)
    tensors = torch.tensor(predicted), torch.tensor(observed)
    expected = torch.nn.HuberLoss(delta=threshold, reduction=reduction)(*tensors).numpy()
    found = huber_loss(observed, predicted, delta=threshold, reduction=reduction)
    assert_allclose(found, expected, rtol=1e-14)
    expected = torch.nn.SmoothL1Loss(beta=threshold, reduction=reduction)(*tensors).numpy()
    found = smooth_l1_loss(observed, predicted, beta=threshold, reduction=reduction)
    assert_allclose(found, expected, rtol=1e-14)


def test_smooth_l1_without_a_parabola_is_the_absolute_error_as_in_pytorch():
    torch = pytest.importorskip("torch", reason="PyTorch is the oracle: pip install torch==2.13.0")
    expected = torch.nn.SmoothL1Loss(beta=0.0)(torch.tensor(Y_PRED), torch.tensor(Y_TRUE))
    assert_allclose(smooth_l1_loss(Y_TRUE, Y_PRED, beta=0), expected.item(), rtol=1e-14)
    assert_allclose(smooth_l1_loss(Y_TRUE, Y_PRED, beta=0), mean_absolute_error(Y_TRUE, Y_PRED))


def test_values_by_hand():
    errors = np.array([0.0, 0.5, -1.0, 2.0, -10.0])
    assert_array_equal(
        huber_loss(errors, np.zeros(5), delta=1.0, reduction="none"), [0.0, 0.125, 0.5, 1.5, 9.5]
    )
    assert_array_equal(
        smooth_l1_loss(errors, np.zeros(5), beta=2.0, reduction="none"),
        [0.0, 0.0625, 0.25, 1.0, 9.0],
    )


def test_infinite_delta_is_half_the_squared_error():
    assert_allclose(
        huber_loss(Y_TRUE, Y_PRED, delta=np.inf, sample_weight=WEIGHTS),
        mean_squared_error(Y_TRUE, Y_PRED, sample_weight=WEIGHTS) / 2,
    )


@pytest.mark.parametrize("loss", [huber_loss, smooth_l1_loss])
def test_weights_are_frequencies(loss):
    repeat = WEIGHTS.astype(int)
    rows = np.repeat(Y_TRUE, repeat, axis=0), np.repeat(Y_PRED, repeat, axis=0)
    for reduction in ("mean", "sum"):
        weighted = loss(Y_TRUE, Y_PRED, sample_weight=WEIGHTS, reduction=reduction)
        assert_allclose(weighted, loss(*rows, reduction=reduction))
    each = loss(Y_TRUE, Y_PRED, sample_weight=WEIGHTS, reduction="none")
    assert_allclose(each, WEIGHTS[:, None] * loss(Y_TRUE, Y_PRED, reduction="none"))


@pytest.mark.parametrize("module", ["pandas", "polars"])
def test_series_and_lists(module):
    frames = pytest.importorskip(module)
    observed, predicted = frames.Series(Y_TRUE[:, 0]), frames.Series(Y_PRED[:, 0])
    expected = huber_loss(Y_TRUE[:, 0], Y_PRED[:, 0])
    assert huber_loss(observed, predicted) == expected
    assert huber_loss(list(observed), list(predicted)) == expected
    assert huber_loss(observed, predicted, reduction="none").shape == (40,)
    assert d2_huber_score(observed, predicted) == d2_huber_score(Y_TRUE[:, 0], Y_PRED[:, 0])


def test_results_are_python_floats():
    results = [
        huber_loss(Y_TRUE, Y_PRED),
        smooth_l1_loss(Y_TRUE, Y_PRED, reduction="sum"),
        d2_huber_score(Y_TRUE, Y_PRED),
    ]
    assert [type(result) for result in results] == [float] * 3


@given(weighted_samples(), thresholds)
def test_huber_loss_lies_below_the_parabola_and_the_line(sample, delta):
    y, _ = sample
    loss = huber_loss(y, np.zeros_like(y), delta=delta, reduction="none")
    slack = 1 + 1e-12
    assert (loss >= 0).all()
    assert (loss <= y**2 / 2 * slack + np.finfo(float).tiny).all()
    assert (loss <= delta * np.abs(y) * slack).all()


# -- D² -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("multioutput", ["raw_values", "uniform_average", [0.2, 0.5, 1.0]])
@pytest.mark.parametrize("weights", [None, WEIGHTS])
def test_limits_of_d2(weights, multioutput):
    options = {"sample_weight": weights, "multioutput": multioutput}
    for delta in (1e9, np.inf):
        score = d2_huber_score(Y_TRUE, Y_PRED, delta=delta, **options)
        assert_allclose(score, r2_score(Y_TRUE, Y_PRED, **options), rtol=1e-9)
    score = d2_huber_score(Y_TRUE, Y_PRED, delta=1e-9, **options)
    assert_allclose(score, d2_absolute_error_score(Y_TRUE, Y_PRED, **options), rtol=1e-6)


def test_d2_of_perfect_and_of_constant_predictions():
    y = Y_TRUE[:, 0]
    assert d2_huber_score(y, y) == 1.0
    best = huber_location(y, np.ones(40), 1.0)
    assert_allclose(d2_huber_score(y, np.full(40, best)), 0.0, atol=1e-15)
    assert d2_huber_score(y, np.full(40, best + 1)) < 0


@given(weighted_samples(), st.floats(1e-2, 1e2), st.sampled_from([0.25, 1.0, 64.0]))
def test_d2_does_not_depend_on_the_unit_of_y(sample, delta, unit):
    y, weights = sample
    predicted = np.roll(y, 1)
    if y.size < 2:
        return
    score = d2_huber_score(y, predicted, delta=delta, sample_weight=weights)
    scaled = d2_huber_score(unit * y, unit * predicted, delta=unit * delta, sample_weight=weights)
    assert_allclose(scaled, score, rtol=1e-9)


def test_d2_of_a_constant_output():
    assert d2_huber_score([0.1, 0.1, 0.1], [0.1, 0.1, 0.1]) == 1.0
    for delta in (1.0, np.inf):
        assert d2_huber_score([0.1, 0.1, 0.1], [0.1, 0.1, 0.2], delta=delta) == 0.0


def test_d2_of_one_row_is_undefined():
    with pytest.warns(UndefinedMetricWarning, match="fewer than two samples"):
        assert np.isnan(d2_huber_score([1.0], [2.0]))


# -- the scorer -----------------------------------------------------------------------------------


def contaminated(n=60):
    rng = np.random.default_rng(3)
    X = rng.standard_normal((n, 2))
    y = X @ [1.0, -2.0] + 0.1 * rng.standard_normal(n)
    y[::20] += 50.0
    y[10::20] -= 50.0
    return X, y


def test_scorer_is_minus_the_mean_loss():
    X, y = contaminated()
    model, weights = LinearRegression().fit(X, y), np.arange(60.0)
    score = make_huber_scorer(0.5)(model, X, y, sample_weight=weights)
    assert score == -huber_loss(y, model.predict(X), delta=0.5, sample_weight=weights)


def test_a_search_takes_the_candidate_with_the_least_loss():
    X, y = contaminated()
    folds, alphas = KFold(3), [0.1, 10.0, 1e3]
    search = GridSearchCV(Ridge(), {"alpha": alphas}, cv=folds, scoring=make_huber_scorer(0.5))
    losses = [
        np.mean(
            [
                huber_loss(
                    y[test], Ridge(alpha).fit(X[train], y[train]).predict(X[test]), delta=0.5
                )
                for train, test in folds.split(X)
            ]
        )
        for alpha in alphas
    ]
    search.fit(X, y)
    assert_allclose(search.cv_results_["mean_test_score"], -np.array(losses))
    assert search.best_index_ == np.argmin(losses)


def test_scorer_takes_routed_weights():
    X, y = contaminated()
    weights = (np.arange(60) % 10 > 0).astype(float)
    folds = KFold(3)
    with config_context(enable_metadata_routing=True):
        model = LinearRegression().set_fit_request(sample_weight=True)
        scorer = make_huber_scorer(0.5).set_score_request(sample_weight=True)
        result = cross_validate(
            model, X, y, cv=folds, scoring=scorer, params={"sample_weight": weights}
        )
    for (train, test), score in zip(folds.split(X), result["test_score"], strict=True):
        fitted = LinearRegression().fit(X[train], y[train], sample_weight=weights[train])
        expected = huber_loss(
            y[test], fitted.predict(X[test]), delta=0.5, sample_weight=weights[test]
        )
        assert_allclose(score, -expected)


# -- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (([1.0, 2.0], [1.0]), {}, "inconsistent numbers of samples"),
        (([[1.0], [2.0]], [[1.0, 1.0], [2.0, 2.0]]), {}, "y_true has 1 outputs and y_pred has 2"),
        (([1.0, np.nan], [1.0, 2.0]), {}, "Input y_true contains NaN"),
        (([1.0, 2.0], [1.0, np.inf]), {}, "Input y_pred contains infinity"),
        (([1.0, 2.0], [1.0, 2.0]), {"sample_weight": [1.0, -2.0]}, "minimum -2"),
        (([1.0, 2.0], [1.0, 2.0]), {"sample_weight": [0.0, 0.0]}, "zero for every row"),
        (([1.0, 2.0], [1.0, 2.0]), {"sample_weight": [1.0, np.nan]}, "sample_weight contains NaN"),
        (([1.0, 2.0], [1.0, 2.0]), {"sample_weight": [[1.0, 1.0]] * 2}, "must be 1D"),
    ],
)
@pytest.mark.parametrize("metric", [huber_loss, smooth_l1_loss, d2_huber_score])
def test_bad_data(metric, arguments, options, message):
    with pytest.raises(ValueError, match=message):
        metric(*arguments, **options)


@pytest.mark.parametrize(
    ("metric", "options", "name"),
    [
        (huber_loss, {"delta": 0.0}, "delta"),
        (huber_loss, {"delta": np.nan}, "delta"),
        (huber_loss, {"delta": "auto"}, "delta"),
        (huber_loss, {"reduction": "median"}, "reduction"),
        (smooth_l1_loss, {"beta": -1.0}, "beta"),
        (smooth_l1_loss, {"beta": np.inf}, "beta"),
        (d2_huber_score, {"delta": -1}, "delta"),
        (d2_huber_score, {"multioutput": "variance"}, "multioutput"),
        (d2_huber_score, {"multioutput": [1.0, 2.0]}, "multioutput"),
        (d2_huber_score, {"multioutput": [0.0]}, "multioutput"),
    ],
)
def test_bad_options(metric, options, name):
    with pytest.raises(ValueError, match=name):
        metric([1.0, 2.0], [1.0, 3.0], **options)


def test_a_scorer_with_a_bad_threshold_is_refused_when_it_is_made():
    with pytest.raises(ValueError, match="The 'threshold' parameter of make_huber_scorer"):
        make_huber_scorer(0)
    with pytest.raises(ValueError, match="The 'threshold' parameter of make_huber_scorer"):
        make_huber_scorer(threshold="auto")
    with pytest.raises(TypeError, match=r"needs a threshold in units of y.*scale_"):
        make_huber_scorer()
    with pytest.raises(ValueError, match="are the same argument"):
        make_huber_scorer(1.0, delta=1.0)


def test_the_former_name_of_the_threshold_still_works_for_one_release():
    X, y = contaminated()
    model = LinearRegression().fit(X, y)
    with pytest.warns(FutureWarning, match="now called threshold") as record:
        scorer = make_huber_scorer(delta=0.5)
    assert record[0].filename == __file__
    assert scorer(model, X, y) == make_huber_scorer(0.5)(model, X, y)


def test_weights_of_the_outputs_are_not_negative():
    y = np.arange(10.0).reshape(5, 2)
    with pytest.raises(ValueError, match=r"multioutput has shape \(2,\), minimum -1"):
        d2_huber_score(y, y + 1.0, multioutput=[-1.0, 3.0])
