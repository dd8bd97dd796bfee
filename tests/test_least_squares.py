"""With delta = inf, fits equal LinearRegression, Ridge, and NIST's certified values."""

from fractions import Fraction

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose
from problems import conditioned
from sklearn.linear_model import LinearRegression, Ridge

from robustreg import HuberRegressor

INF = float("inf")


def huber(**parameters):
    return HuberRegressor(delta=INF, **parameters)


def assert_same(model, expected):
    """Compare to 1e-9 of the largest coefficient, since small ones have its rounding errors."""
    atol = 1e-9 * np.abs(expected.coef_).max()
    assert_allclose(model.coef_, expected.coef_, rtol=0, atol=atol)
    assert_allclose(model.intercept_, expected.intercept_, rtol=1e-9, atol=atol)


class TestEqualToScikitLearn:
    @pytest.mark.parametrize("scale", ["joint", "mad", 1.0, 1e-3])
    @pytest.mark.parametrize("alpha", [0.0, 1e-3, 10.0, 1e4])
    @pytest.mark.parametrize("intercept", [True, False])
    @pytest.mark.parametrize("weighted", [True, False])
    def test_dense_and_sparse(self, rng, scale, alpha, intercept, weighted):
        # alpha means the same at every scale, so that the coefficients do not depend on the scale.
        X, y = conditioned(rng, 150, 6, cond=30.0, spread=100.0, density=0.6, contamination=0.1)
        y += 5.0
        weights = rng.integers(0, 4, 150).astype(float) if weighted else None
        if alpha == 0.0:
            expected = LinearRegression(fit_intercept=intercept)
        else:
            expected = Ridge(alpha, fit_intercept=intercept, solver="cholesky")
        expected.fit(X, y, weights)
        for data in (X, sp.csr_array(X), sp.csc_array(X)):
            model = huber(scale=scale, alpha=alpha, fit_intercept=intercept).fit(data, y, weights)
            assert_allclose(model.coef_, expected.coef_, rtol=1e-9)
            assert_allclose(model.intercept_, expected.intercept_, rtol=1e-9)

    @pytest.mark.parametrize("solver", ["lbfgs", "newton"])
    def test_scale_is_the_unbiased_residual_deviation(self, rng, solver):
        X, y = conditioned(rng, 80, 4)
        weights = rng.integers(0, 3, 80)
        model = huber(solver=solver).fit(X, y, weights)
        residual = y - LinearRegression().fit(X, y, weights).predict(X)
        degrees = weights.sum() - 5
        assert_allclose(model.scale_, np.sqrt(weights @ residual**2 / degrees), rtol=1e-9)
        assert model.threshold_ == INF
        assert not model.outliers_.any()
        assert (model.weights_ == 1).all()

    def test_scale_counts_the_rank_not_the_columns(self, rng):
        X, y = conditioned(rng, 80, 3)
        X = np.column_stack((X, X[:, 0] - 2 * X[:, 1]))
        model = huber().fit(X, y)
        residual = y - LinearRegression().fit(X, y).predict(X)
        assert_allclose(model.scale_, np.sqrt(residual @ residual / (80 - 3 - 1)), rtol=1e-9)

    def test_scale_with_a_penalty(self, rng):
        X, y = conditioned(rng, 80, 3)
        model = huber(alpha=7.0).fit(X, y)
        residual = y - model.predict(X)
        centred = X - X.mean(axis=0)
        gram = centred.T @ centred
        edf = 1 + np.trace(np.linalg.solve(gram + 7.0 * np.eye(3), gram))
        square = residual @ residual / (80 - edf)
        assert_allclose(model.scale_, np.sqrt(square), rtol=1e-9)


class TestMinimumNorm:
    """If alpha = 0 does not determine the coefficients, they are those of LinearRegression."""

    @pytest.mark.parametrize("kind", [np.asarray, sp.csr_array], ids=["dense", "sparse"])
    @pytest.mark.parametrize("intercept", [True, False])
    @pytest.mark.parametrize("solver", ["lbfgs", "newton"])
    def test_rank_deficient(self, rng, kind, intercept, solver):
        X, y = conditioned(rng, 60, 4)
        X = np.column_stack((X, X @ rng.normal(size=(4, 3)), np.ones(60), np.zeros(60)))
        expected = LinearRegression(fit_intercept=intercept).fit(X, y)
        model = huber(scale=1.0, fit_intercept=intercept, solver=solver).fit(kind(X), y)
        assert_same(model, expected)

    @pytest.mark.parametrize("kind", [np.asarray, sp.csr_array], ids=["dense", "sparse"])
    @pytest.mark.parametrize("intercept", [True, False])
    @pytest.mark.parametrize(("n", "p"), [(10, 11), (20, 50), (5, 300)])
    def test_fewer_rows_than_columns(self, rng, kind, intercept, n, p):
        X, y = rng.normal(size=(n, p)), rng.normal(size=n) + 2.0
        expected = LinearRegression(fit_intercept=intercept).fit(X, y)
        model = huber(scale=1.0, fit_intercept=intercept).fit(kind(X), y)
        assert_same(model, expected)
        assert_allclose(model.predict(X), y, rtol=1e-9)

    def test_weights_of_zero_make_it_deficient(self, rng):
        X, y = conditioned(rng, 40, 6)
        weights = np.where(np.arange(40) < 4, 2.0, 0.0)
        # LinearRegression uses a row of zeros. Without it, the four rows are fitted exactly.
        expected = LinearRegression().fit(X[:4], y[:4])
        model = huber(scale=1.0).fit(X, y, weights)
        assert_same(model, expected)

    def test_ridge_with_fewer_rows_than_columns(self, rng):
        X, y = rng.normal(size=(20, 50)), rng.normal(size=20)
        for alpha in (1e-3, 1.0, 1e3):
            expected = Ridge(alpha, solver="svd").fit(X, y)
            assert_same(huber(scale=1.0, alpha=alpha).fit(X, y), expected)

    @pytest.mark.parametrize("delta", [0.5, 1.345, INF])
    def test_robust_minimum_norm_is_in_the_row_space(self, rng, delta):
        # At any delta, duplicate columns share their coefficient, and predictions do not change.
        X, y = conditioned(rng, 90, 3, contamination=0.1)
        plain = HuberRegressor(delta=delta, scale=2.0, tol=1e-10).fit(X, y)
        double = HuberRegressor(delta=delta, scale=2.0, tol=1e-10).fit(X[:, [0, 1, 1, 2]], y)
        first, second, third = plain.coef_
        assert_allclose(double.coef_, [first, second / 2, second / 2, third], rtol=1e-8)


def exact_least_squares(X, y):
    """Return intercept and coefficients in rational arithmetic, by the normal equations."""
    rows = [[Fraction(1), *map(Fraction, row)] for row in X.tolist()]
    size = len(rows[0])
    system = [
        [sum(r[i] * r[j] for r in rows) for j in range(size)]
        + [sum(r[i] * Fraction(v) for r, v in zip(rows, y.tolist(), strict=True))]
        for i in range(size)
    ]
    for k in range(size):
        pivot = next(i for i in range(k, size) if system[i][k] != 0)
        system[k], system[pivot] = system[pivot], system[k]
        for i in range(size):
            if i != k:
                factor = system[i][k] / system[k][k]
                system[i] = [a - factor * b for a, b in zip(system[i], system[k], strict=True)]
    return np.array([float(system[k][-1] / system[k][k]) for k in range(size)])


def correct_digits(model, certified):
    """Return the smallest number of correct digits of a coefficient, of which 15 are certified."""
    error = np.abs(np.array([model.intercept_, *model.coef_]) - certified) / np.abs(certified)
    return min(15.0, -np.log10(max(error.max(), 1e-300)))


# NIST, Statistical Reference Datasets, Linear Regression, Wampler1 to Wampler5 and Longley,
# https://www.itl.nist.gov/div898/strd/lls/lls.shtml. Wampler's y are polynomials of degree 5 at
# 0, ..., 20, plus multiples of the deviations below, which are orthogonal to them; the certified
# coefficients are 1 (1, 0.1, ..., 1e-5 for Wampler2), and the certified residual deviations follow.
DEVIATIONS = [759, -2048, 2048, -2048, 2523, -2048, 2048, -2048, 1838, -2048, 2048,
              -2048, 1838, -2048, 2048, -2048, 2523, -2048, 2048, -2048, 759]  # fmt: skip
WAMPLER = {  # base, multiple of the deviations, certified residual standard deviation
    "Wampler1": (1, 0, 0.0),
    "Wampler2": (10, 0, 0.0),
    "Wampler3": (1, 1, 2360.14502379268),
    "Wampler4": (1, 100, 236014.502379268),
    "Wampler5": (1, 10_000, 23601450.2379268),
}
LONGLEY = np.array([
    [60323, 83.0, 234289, 2356, 1590, 107608, 1947],
    [61122, 88.5, 259426, 2325, 1456, 108632, 1948],
    [60171, 88.2, 258054, 3682, 1616, 109773, 1949],
    [61187, 89.5, 284599, 3351, 1650, 110929, 1950],
    [63221, 96.2, 328975, 2099, 3099, 112075, 1951],
    [63639, 98.1, 346999, 1932, 3594, 113270, 1952],
    [64989, 99.0, 365385, 1870, 3547, 115094, 1953],
    [63761, 100.0, 363112, 3578, 3350, 116219, 1954],
    [66019, 101.2, 397469, 2904, 3048, 117388, 1955],
    [67857, 104.6, 419180, 2822, 2857, 118734, 1956],
    [68169, 108.4, 442769, 2936, 2798, 120445, 1957],
    [66513, 110.8, 444546, 4681, 2637, 121950, 1958],
    [68655, 112.6, 482704, 3813, 2552, 123366, 1959],
    [69564, 114.2, 502601, 3931, 2514, 125368, 1960],
    [69331, 115.7, 518173, 4806, 2572, 127852, 1961],
    [70551, 116.9, 554894, 4007, 2827, 130081, 1962],
])  # fmt: skip
LONGLEY_CERTIFIED = np.array([
    -3482258.63459582, 15.0618722713733, -0.358191792925910e-01, -2.02022980381683,
    -1.03322686717359, -0.511041056535807e-01, 1829.15146461355,
])  # fmt: skip
LONGLEY_DEVIATION = 304.854073561965


def wampler(name):
    """Return X, y, certified coefficients and residual standard deviation."""
    base, multiple, deviation = WAMPLER[name]
    points = range(21)
    X = np.array([[float(x**k) for k in range(1, 6)] for x in points])
    polynomial = [sum(Fraction(x, base) ** k for k in range(6)) for x in points]
    y = np.array([float(v + multiple * d) for v, d in zip(polynomial, DEVIATIONS, strict=True)])
    return X, y, np.array([float(Fraction(1, base**k)) for k in range(6)]), deviation


class TestNist:
    def test_the_data_are_those_of_the_certificates(self):
        assert all(sum(x**k * d for x, d in enumerate(DEVIATIONS)) == 0 for k in range(6))
        assert_allclose(np.sqrt(np.square(DEVIATIONS).sum() / 15), 2360.14502379268, rtol=1e-14)
        _, y, _, _ = wampler("Wampler3")
        assert y[:4].tolist() == [760, -2042, 2111, -1684]
        computed = exact_least_squares(LONGLEY[:, 1:], LONGLEY[:, 0])
        assert_allclose(computed, LONGLEY_CERTIFIED, rtol=1e-14)

    @pytest.mark.parametrize("solver", ["lbfgs", "newton"])
    @pytest.mark.parametrize("scale", [1.0, "mad", "joint"])
    @pytest.mark.parametrize("name", [*WAMPLER, "Longley"])
    # The first two are polynomials: their scale is zero up to the rounding of y.
    @pytest.mark.filterwarnings("ignore::robustreg.ExactFitWarning")
    def test_as_many_correct_digits_as_least_squares(self, name, scale, solver):
        if name == "Longley":
            X, y, certified = LONGLEY[:, 1:], LONGLEY[:, 0], LONGLEY_CERTIFIED
        else:
            X, y, certified, _ = wampler(name)
        expected = LinearRegression().fit(X, y)
        model = huber(scale=scale, solver=solver).fit(X, y)
        assert correct_digits(model, certified) >= correct_digits(expected, certified)

    @pytest.mark.parametrize("name", ["Wampler3", "Wampler4", "Wampler5", "Longley"])
    def test_certified_residual_standard_deviation(self, name):
        if name == "Longley":
            X, y, deviation = LONGLEY[:, 1:], LONGLEY[:, 0], LONGLEY_DEVIATION
        else:
            X, y, _, deviation = wampler(name)
        assert_allclose(huber().fit(X, y).scale_, deviation, rtol=1e-11)

    @pytest.mark.parametrize("name", ["Wampler1", "Wampler2"])
    def test_exact_polynomials_have_no_scale(self, name):
        X, y, certified, _ = wampler(name)
        with pytest.warns(UserWarning, match="fitted exactly"):
            model = HuberRegressor().fit(X, y)
        assert model.scale_ == 0.0
        assert correct_digits(model, certified) >= 6
