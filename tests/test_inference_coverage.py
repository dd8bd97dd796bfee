"""Intervals have their nominal coverage in the simulation of the benchmark."""

import importlib.util
import itertools
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import integrate, optimize, stats

from robustreg.tuning import kappa

pytest.importorskip("pandas")

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


def load(script):
    """Import a benchmark as a module, under a name that no other package has."""
    spec = importlib.util.spec_from_file_location(
        f"simulated_{script}", BENCHMARKS / f"{script}.py"
    )
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look up their module there
    before = list(sys.path)
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path[:] = before
    return module


simulation, limits = load("interval_coverage"), load("interval_limits")

CLAIMED = [
    pytest.param(draw, cov_type, n, id=f"{draw.__name__}-{cov_type}-{n}")
    for draw, cov_type, claimed in simulation.CASES
    if claimed
    for n in simulation.SIZES
]


@pytest.mark.slow
@pytest.mark.parametrize(("draw", "cov_type", "n"), CLAIMED)
def test_intervals_hold_the_truth(draw, cov_type, n):
    # 2,000 replicates: the Monte Carlo error of a share of 95 % is 0.49 points, a third of the
    # distance to the ends of the band. Each case has numbers of its own, fixed by the seed.
    found = simulation.coverage(draw, cov_type, n, replicates=2000, seed=1)
    assert found.error.max() < 0.006
    assert found.in_band, found.share


@pytest.mark.slow
def test_the_error_of_the_scale_is_what_skewed_errors_need():
    # Without it the interval for the intercept holds in 87 % of the samples: an error of 0.75.
    found = simulation.coverage(simulation.exponential, "huber", 400, replicates=2000, seed=1)
    assert found.in_band, found.share


def test_a_simulation_in_small():
    found = simulation.coverage(simulation.clustered, "cluster", 100, replicates=40)
    assert_allclose(found.share, 0.95, atol=0.15)
    assert np.all(found.error < 0.06)
    again = simulation.coverage(simulation.clustered, "cluster", 100, replicates=40)
    assert_allclose(again.share, found.share, rtol=0)


# -- where it is hard ---------------------------------------------------------------------------


def cases(group, keep=lambda case: True):
    """Return the coverages of a group of the benchmark."""
    kept = [case for case in limits.GROUPS[group][0] if keep(case)]
    labels = [f"{c.errors.__name__}-{c.n}-{c.p}-{c.X}-{len(c.options)}" for c in kept]
    return [pytest.param(case, id=label) for case, label in zip(kept, labels, strict=True)]


INTERCEPT, FIRST, SLOPES, NEW_90, NEW_95, WALD, NOTE = range(7)


@pytest.mark.slow
@pytest.mark.parametrize("case", cases("small", lambda case: case.p == 4))
def test_small_samples_with_skewed_errors(case):
    # 1,500 replicates: an error of 0.6 points for the intercept, 0.3 for the mean of the slopes.
    # Two of these errors are allowed. chi²_1 errors cover 93.8 % in 2,000 replicates of another
    # seed.
    share, error = case.coverage(1500, seed=1)
    assert share[INTERCEPT] > 0.925
    assert 0.935 - 2 * error[SLOPES] < share[SLOPES] < 0.965
    assert share[INTERCEPT] < 0.965 + 2 * error[INTERCEPT]


@pytest.mark.slow
@pytest.mark.parametrize("case", cases("thresholds"))
def test_small_thresholds(case):
    share, error = case.coverage(1000, seed=1)
    for which in (INTERCEPT, SLOPES):
        assert 0.935 - 2 * error[which] < share[which] < 0.965 + 2 * error[which]


@pytest.mark.slow
@pytest.mark.parametrize("case", cases("predictions"))
def test_prediction_intervals(case):
    # Ten new rows in each of 1,500 replicates: an error of 0.3 points at 90 %, 0.2 at 95 %.
    share, error = case.coverage(1500, seed=1)
    assert abs(share[NEW_90] - 0.90) < 0.01 + error[NEW_90]
    assert abs(share[NEW_95] - 0.95) < 0.01 + error[NEW_95]


@pytest.mark.slow
@pytest.mark.parametrize("case", cases("choice", lambda case: case.options))
def test_bootstrap_after_auto(case):
    share, error = case.coverage(500, seed=1)
    for which in (INTERCEPT, SLOPES):
        assert 0.935 - 2 * error[which] < share[which] < 0.965 + 2 * error[which]


@pytest.mark.slow
@pytest.mark.parametrize("case", cases("limits", lambda case: case.X != "normal"))
def test_a_note_says_where_intervals_do_not_hold(case):
    share, error = case.coverage(200, seed=1)
    assert share[NOTE] > 0.75
    if case.uneven or case.options.get("bootstrap") == "wild":
        assert share[FIRST] < 0.93 + error[FIRST]  # the correction is needed


def test_hard_cases_in_small():
    for group, (several, shown) in limits.GROUPS.items():
        share, error = several[-1].coverage(12 if group == "choice" else 25)
        assert np.all((share >= 0.0) & (share <= 1.0)), group
        assert len(limits._row(several[-1], (share, error), shown)) == 5 + len(shown)
    again = several[-1].coverage(25)
    assert_allclose(again[0], share, rtol=0)


@pytest.mark.parametrize(
    ("distribution", "expected", "start"),
    [
        (stats.expon, simulation.EXPONENTIAL_LOCATION, (0.84, 0.74)),
        (stats.lognorm(1.0), limits.LOGNORMAL_LOCATION, (1.23, 0.99)),
        (stats.chi2(1), limits.CHI_SQUARED_LOCATION, (0.70, 0.78)),
    ],
)
def test_what_the_intercept_estimates(distribution, expected, start):
    """The root of E psi((e - b)/sigma) = 0 and E psi² = 2 kappa, by quadrature over quantiles."""

    def equations(v):
        location, scale = v
        kinks = distribution.cdf([location - 1.345 * scale, location, location + 1.345 * scale])
        edges = np.unique([0.0, *kinks, 1.0])

        def mean(function):
            def at(q):
                psi = np.clip((distribution.ppf(q) - location) / scale, -1.345, 1.345)
                return function(psi)

            pieces = itertools.pairwise(edges)
            return sum(integrate.quad(at, a, b, epsabs=1e-12)[0] for a, b in pieces)

        return mean(lambda psi: psi), mean(lambda psi: psi**2) - 2.0 * kappa(1.345)

    location, _ = optimize.root(equations, start, tol=1e-12).x
    assert location == pytest.approx(expected, rel=1e-7)


def test_what_the_intercept_estimates_with_a_quarter_of_outliers():
    def equations(v):
        location, scale = v

        def mean(function):
            def at(e):
                return function(np.clip((e - location) / scale, -1.345, 1.345)) * stats.norm.pdf(e)

            edges = [-12.0, location - 1.345 * scale, location + 1.345 * scale, 12.0]
            pieces = itertools.pairwise(np.sort(edges))
            inner = sum(integrate.quad(at, a, b, epsabs=1e-13)[0] for a, b in pieces)
            return 0.75 * inner + 0.25 * function(1.345)

        return mean(lambda psi: psi), mean(lambda psi: psi**2) - 2.0 * kappa(1.345)

    location, _ = optimize.root(equations, [1.18, 2.6], tol=1e-12).x
    assert location == pytest.approx(limits.ONE_SIDED_LOCATION, rel=1e-7)
