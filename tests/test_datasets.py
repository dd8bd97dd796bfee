"""The published tables and the generator of contaminated problems."""

import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats

from robustreg.datasets import (
    load_phones,
    load_stackloss,
    load_stars,
    make_contaminated_regression,
)
from robustreg.datasets.contaminated import DISTRIBUTIONS

LOADERS = [load_phones, load_stackloss, load_stars]
SHAPES = {load_phones: (24, 1), load_stackloss: (21, 3), load_stars: (47, 1)}


# -- tables ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("load", LOADERS)
def test_bunch(load):
    table = load()
    assert table.data.shape == SHAPES[load]
    assert table.target.shape == SHAPES[load][:1]
    assert table.data.dtype == table.target.dtype == np.float64
    assert len(table.feature_names) == SHAPES[load][1]
    assert len(table.target_names) == 1
    assert table.frame is None
    assert "**Source**" in table.DESCR
    for name in [*table.feature_names, *table.target_names]:
        assert f"- {name}:" in table.DESCR


@pytest.mark.parametrize("load", LOADERS)
def test_arrays_and_frames_hold_the_same_numbers(load):
    pd = pytest.importorskip("pandas")
    table, framed = load(), load(as_frame=True)
    X, y = load(return_X_y=True)
    assert_array_equal(X, table.data)
    assert_array_equal(y, table.target)
    names = [*table.feature_names, *table.target_names]
    expected = pd.DataFrame(np.column_stack((X, y)), columns=names)
    pd.testing.assert_frame_equal(framed.frame, expected)
    X_frame, y_frame = load(return_X_y=True, as_frame=True)
    pd.testing.assert_frame_equal(X_frame, expected[table.feature_names])
    pd.testing.assert_series_equal(y_frame, expected[table.target_names[0]])
    pd.testing.assert_frame_equal(framed.data, X_frame)
    pd.testing.assert_series_equal(framed.target, y_frame)


@pytest.mark.parametrize("load", LOADERS)
def test_each_call_gives_arrays_of_its_own(load):
    load().data[:] = 0.0
    load().target[:] = 0.0
    assert load().data.all()
    assert load().target.all()


# awk -F, 'NR > 1 {for (i = 1; i <= NF; i++) s[i] += $i} END {for (i = 1; i <= NF; i++) print s[i]}'
@pytest.mark.parametrize(
    ("load", "sums"),
    [
        (load_phones, [1476.0, 1199.8]),
        (load_stackloss, [1269.0, 443.0, 1812.0, 368.0]),
        (load_stars, [202.57, 235.57]),
    ],
)
def test_numbers_are_the_published_ones(load, sums):
    X, y = load(return_X_y=True)
    assert_allclose([*X.sum(axis=0), y.sum()], sums, rtol=1e-12)


def test_stackloss_is_that_of_statsmodels():
    data = pytest.importorskip("statsmodels.datasets", reason="its copy is the oracle")
    table = data.stackloss.load_pandas()
    X, y = load_stackloss(return_X_y=True)
    assert_array_equal(X, table.exog)
    assert_array_equal(y, table.endog)


def test_phones_of_the_years_in_minutes_stand_out():
    X, y = load_phones(return_X_y=True)
    assert_array_equal(X[y > 100, 0], np.arange(64, 70))


@pytest.mark.parametrize("load", LOADERS)
@pytest.mark.parametrize("option", ["return_X_y", "as_frame"])
def test_options_must_be_booleans(load, option):
    with pytest.raises(ValueError, match=f"The '{option}' parameter of {load.__name__}"):
        load(**{option: "yes"})


def test_frames_without_pandas_are_refused_with_the_remedy(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match=r"load_stars\(as_frame=True\).*pip install pandas"):
        load_stars(as_frame=True)
    assert load_stars().data.shape == (47, 1)


# -- contaminated problems ------------------------------------------------------------------------


@given(
    n=st.integers(1, 60),
    p=st.integers(1, 4),
    shares=st.tuples(st.floats(0, 0.5), st.floats(0, 0.5)),
    noise=st.sampled_from([0.0, 0.3, 5.0]),
    shuffle=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
def test_rows_that_are_not_marked_follow_the_model(n, p, shares, noise, shuffle, seed):
    contamination, leverage = shares
    if round(contamination * n) + round(leverage * n) > n:
        return
    X, y, coef, outliers = make_contaminated_regression(
        n,
        p,
        bias=3.0,
        noise=noise,
        noise_distribution="uniform",
        contamination=contamination,
        outlier_distribution=lambda rng, size: rng.choice([-50.0, 50.0], size),
        leverage=leverage,
        leverage_distribution=lambda rng, size: np.full(size, 1e3),
        shuffle=shuffle,
        coef=True,
        return_outliers=True,
        random_state=seed,
    )
    assert X.shape == (n, p)
    assert coef.shape == (p,)
    assert y.shape == outliers.shape == (n,)
    moved = (X == 1e3).all(axis=1)
    far = np.abs(y - X @ coef - 3.0) > noise * 1.0001 + 1e-12
    assert moved.sum() == round(leverage * n)
    assert (outliers & ~moved).sum() == round(contamination * n)
    # Exactly the marked rows are off the line. (A point moved in X stays on the line with
    # probability zero, except for sums of coefficients near zero.)
    assert_array_equal(far[~moved], outliers[~moved])
    assert outliers[moved].all()


def test_outliers_are_drawn_in_units_of_noise():
    def errors(noise):
        X, y, coef, outliers = make_contaminated_regression(
            400,
            2,
            noise=noise,
            contamination=0.25,
            outlier_distribution=stats.uniform(7, 0),
            coef=True,
            return_outliers=True,
            random_state=0,
        )
        return (y - X @ coef)[outliers]

    assert_allclose(errors(1.0), 7.0)
    assert_allclose(errors(0.01), 0.07)
    assert_allclose(errors(0.0), 7.0)


def test_leverage_moves_x_and_not_y():
    options = {"n_samples": 50, "contamination": 0.0, "shuffle": False, "random_state": 1}
    X, y = make_contaminated_regression(**options)
    X_moved, y_moved = make_contaminated_regression(leverage=0.1, **options)
    assert_array_equal(y_moved, y)
    assert_array_equal(X_moved[5:], X[5:])
    assert (X_moved[:5] > 5).all()


def test_contamination_leaves_the_other_rows_as_they_are():
    options = {"n_samples": 50, "shuffle": False, "random_state": 1}
    X, y = make_contaminated_regression(contamination=0.0, **options)
    X_other, y_other = make_contaminated_regression(contamination=0.2, **options)
    assert_array_equal(X_other, X)
    assert_array_equal(y_other[10:], y[10:])
    assert (y_other[:10] != y[:10]).all()


@pytest.mark.parametrize("name", sorted(DISTRIBUTIONS))
def test_named_distributions(name):
    X, y, coef = make_contaminated_regression(
        4000, 1, noise=2.0, noise_distribution=name, contamination=0.0, coef=True, random_state=0
    )
    error = (y - X @ coef) / 2.0
    assert stats.kstest(error, DISTRIBUTIONS[name].cdf).pvalue > 1e-3
    center = DISTRIBUTIONS[name].median()
    assert center == pytest.approx(10.0 if name == "mean_shift" else 0.0, abs=1e-12)


def test_a_distribution_of_scipy_is_the_same_by_name_and_by_value():
    for given_as in (stats.t(3), lambda rng, size: stats.t(3).rvs(size=size, random_state=rng)):
        problem = make_contaminated_regression(noise_distribution=given_as, random_state=5)
        named = make_contaminated_regression(noise_distribution="t3", random_state=5)
        assert_array_equal(problem[1], named[1])


def test_what_is_returned():
    assert [array.shape for array in make_contaminated_regression()] == [(100, 5), (100,)]
    shapes = [array.shape for array in make_contaminated_regression(return_outliers=True)]
    assert shapes == [(100, 5), (100,), (100,)]
    assert len(make_contaminated_regression(coef=True)) == 3


def test_random_state():
    first, again = (make_contaminated_regression(random_state=3) for _ in range(2))
    other = make_contaminated_regression(random_state=4)
    assert_array_equal(first[0], again[0])
    assert_array_equal(first[1], again[1])
    assert (first[1] != other[1]).all()
    rng = np.random.RandomState(3)
    assert_array_equal(make_contaminated_regression(random_state=rng)[1], first[1])
    assert (make_contaminated_regression(random_state=rng)[1] != first[1]).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_samples": 0}, "n_samples"),
        ({"n_features": 1.5}, "n_features"),
        ({"noise": -1.0}, "noise"),
        ({"noise": np.inf}, "noise"),
        ({"contamination": 1.1}, "contamination"),
        ({"contamination": np.nan}, "contamination"),
        ({"leverage": -0.1}, "leverage"),
        ({"contamination": 0.6, "leverage": 0.5}, "reduce one of them"),
        ({"noise_distribution": "gaussian"}, "noise_distribution"),
        ({"outlier_distribution": 3.0}, "outlier_distribution"),
        ({"leverage_distribution": lambda rng, size: 1.0, "leverage": 0.1}, "shape"),
        ({"noise_distribution": lambda rng, size: np.full(size, np.nan)}, "0 finite numbers"),
        ({"shuffle": 2}, "shuffle"),
        ({"random_state": "x"}, "random_state"),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(ValueError, match=message):
        make_contaminated_regression(**options)
