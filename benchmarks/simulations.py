"""Simulate efficiency, scale and choices: ``python benchmarks/simulations.py --output FILE``.

Prints tables in Markdown: the efficiency at normal errors and the value that the scale estimates,
the regret of ``delta="auto"``, and the choices of cross-validation under contamination. Each figure
has its Monte Carlo error, one standard error, and seeds are fixed. It takes a few minutes on one
core, with ``--quick`` half a minute. The errors and designs are those of the slow tests, which
compare the same figures with bounds. Intervals are simulated by ``interval_coverage.py``.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import sklearn.linear_model
import statsmodels.api as sm
from machine import machine_lines
from numpy.random import Generator
from numpy.typing import NDArray
from report import markdown

from robustreg import HuberRegressor
from robustreg.tuning import AUTO_DELTAS, delta_from_epsilon, efficiency

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import test_simulation_cv as choice
from test_simulation import DISTRIBUTIONS, orthonormal_design

Vector = NDArray[np.float64]

#: Sigma of the errors in the table of efficiencies. It is not 1, so that wrong units would show.
SIGMA = 2.5

#: Rows and columns of the table of efficiencies, and of the regret.
N_EFFICIENCY, P, N_REGRET = 400, 4, (60, 200)

#: Outliers of the table of choices: their share and their position.
CONTAMINATIONS = [
    (0.0, choice.scattered),
    (0.1, choice.scattered),
    (0.25, choice.scattered),
    (0.1, choice.one_sided),
    (0.25, choice.one_sided),
]


class Estimate(NamedTuple):
    """Estimates of a fit: intercept and coefficients, and the scale."""

    parameters: Vector
    scale: float


def robustreg_fit(**options: Any) -> Callable[[Vector, Vector], Estimate]:
    """Return our estimator as a function of the data."""
    model = HuberRegressor(**options)

    def fit(X: Vector, y: Vector) -> Estimate:
        model.fit(X, y)
        return Estimate(np.append(model.intercept_, model.coef_), model.scale_)

    return fit


def sklearn_fit(epsilon: float) -> Callable[[Vector, Vector], Estimate]:
    """Fit by scikit-learn, without a penalty and to convergence."""
    model = sklearn.linear_model.HuberRegressor(epsilon=epsilon, alpha=0.0, max_iter=10_000)

    def fit(X: Vector, y: Vector) -> Estimate:
        model.fit(X, y)
        return Estimate(np.append(model.intercept_, model.coef_), model.scale_)

    return fit


def statsmodels_fit(X: Vector, y: Vector) -> Estimate:
    """Fit by the defaults of RLM: Huber's T at 1.345, and the MAD as scale."""
    found = sm.RLM(y, sm.add_constant(X), M=sm.robust.norms.HuberT()).fit()
    return Estimate(found.params, found.scale)


#: Text in the table, the corresponding delta in units of sigma, and the fit.
SYSTEMS: list[tuple[str, float, Callable[[Vector, Vector], Estimate]]] = [
    *[
        (f"robustreg `HuberRegressor(delta={delta:g})`", delta, robustreg_fit(delta=delta))
        for delta in (0.5, 1.0, 1.345, 2.0, 3.0)
    ],
    ('robustreg `HuberRegressor(scale="mad")`', 1.345, robustreg_fit(scale="mad")),
    *[
        (
            f"scikit-learn `HuberRegressor(epsilon={epsilon:g})`",
            delta_from_epsilon(epsilon),
            sklearn_fit(epsilon),
        )
        for epsilon in (1.35, 1.596)
    ],
    ("statsmodels `RLM(M=HuberT())`", 1.345, statsmodels_fit),
]


def efficiencies(samples: int) -> Iterator[tuple[str, ...]]:
    """Return the lines of the table of efficiencies and scales.

    At normal errors, the difference D of a Huber and the least-squares estimate is independent of
    the latter (Basu), whose variance 1/n is known. Therefore only E D² is simulated, which reduces
    the Monte Carlo error to a fourteenth. The same holds for the scale.
    """
    rng = np.random.default_rng(1)
    n, nu = N_EFFICIENCY, N_EFFICIENCY - P - 1
    X = orthonormal_design(rng, n, P)
    A = np.column_stack((np.ones(n), X))
    D = np.empty((samples, len(SYSTEMS), P + 1))
    scales = np.empty((samples, len(SYSTEMS)))
    for k in range(samples):
        y = SIGMA * rng.normal(size=n)
        least = y @ A / n
        deviation = np.sqrt(np.sum((y - A @ least) ** 2) / nu)
        for j, (_, _, fit) in enumerate(SYSTEMS):
            found = fit(X, y)
            D[k, j], scales[k, j] = found.parameters - least, found.scale - deviation
    excess = n * np.mean(D**2, axis=(0, 2)) / SIGMA**2
    error = np.sqrt(2 / (samples * (P + 1))) * excess / (1 + excess) ** 2
    # The mean of the unbiased deviation of least squares is (1 - 1/(4 nu)) sigma, up to 1/nu².
    ratio = 1 - 1 / (4 * nu) + scales.mean(axis=0) / SIGMA
    ratio_error = scales.std(axis=0, ddof=1) / np.sqrt(samples) / SIGMA
    for j, (name, delta, _) in enumerate(SYSTEMS):
        yield (
            name,
            f"{delta:.3f}",
            f"{100 * efficiency(delta):.2f}",
            _with_error(100 / (1 + excess[j]), 100 * error[j], 2),
            _with_error(ratio[j], ratio_error[j], 4),
        )


def regrets(samples: int, n: int) -> Iterator[tuple[str, ...]]:
    """Return the lines for ``delta="auto"``: mean squared errors, divided by the best delta's."""
    grid = [*AUTO_DELTAS[:-1:2], np.inf]
    for name, draw in DISTRIBUTIONS.items():
        rng = np.random.default_rng(2)
        X = orthonormal_design(rng, n, P)
        squares, chosen = np.empty((samples, len(grid) + 2)), np.empty(samples)
        for k in range(samples):
            y = draw(rng, n)
            for j, delta in enumerate([*grid, 1.345, "auto"]):
                model = HuberRegressor(delta=delta).fit(X, y)
                squares[k, j] = model.coef_ @ model.coef_
            chosen[k] = model.delta_
        errors = squares.mean(axis=0)
        best = int(np.argmin(errors[: len(grid)]))
        ratios = errors / errors[best]
        spread = (squares - ratios * squares[:, [best]]).std(axis=0, ddof=1)
        spread /= np.sqrt(samples) * errors[best]
        yield (
            name,
            str(n),
            f"{grid[best]:.2f}",
            f"{np.median(chosen):.2f}",
            *[_figure(ratios[j], spread[j]) for j in (-1, -2, -3)],
        )


def choices(samples: int) -> Iterator[tuple[str, ...]]:
    """Return the lines for cross-validation: prediction errors, divided by the best candidate's."""
    for share, outliers in CONTAMINATIONS:
        rng = np.random.default_rng(4)
        ratios = np.array([_against_the_best(rng, share, outliers) for _ in range(samples)])
        label = f"{100 * share:.0f} %, {outliers.__name__.replace('_', '-')}" if share else "none"
        yield (
            label,
            *[
                _figure(float(np.median(column)), choice.error_of_median(column, rng))
                for column in ratios.T
            ],
        )


def _against_the_best(
    rng: Generator, share: float, outliers: Callable[[Generator, int], Vector]
) -> list[float]:
    """Return prediction errors of a sample's models at new rows, divided by the best delta's."""
    X, y, coef = choice.sample(rng, share, outliers)
    fitted = choice.models(X, y)
    candidates = fitted["HuberRegressorCV"].cv_results_["param_delta"]
    best = min(choice.excess(HuberRegressor(delta=d).fit(X, y), coef) for d in candidates)
    return [(1 + choice.excess(model, coef)) / (1 + best) for model in fitted.values()]


def _figure(ratio: float, error: float) -> str:
    """Format both with two digits of the error and at most three decimals, from 1.004 to 10,000."""
    digits = int(np.clip(1 - np.floor(np.log10(max(error, 1e-9))), 0, 3))
    return _with_error(ratio, error, digits)


def _with_error(value: float, error: float, digits: int) -> str:
    """Return both in one cell of a table, without a line break between them."""
    return f"{value:,.{digits}f}\N{NO-BREAK SPACE}±\N{NO-BREAK SPACE}{error:,.{digits}f}"


def tables(quick: bool) -> Iterator[str]:
    """Yield the sections when they are finished."""
    many, several, few = (400, 60, 10) if quick else (4000, 600, 60)
    yield "# Simulations\n\n" + machine_lines()
    yield (
        "After ±, one standard error by Monte Carlo. `python benchmarks/simulations.py --output "
        "benchmarks/results/simulations.md` makes these tables, with the same figures wherever the "
        "versions are the same."
    )
    yield (
        f"## Efficiency and scale\n\nNormal errors, n = {N_EFFICIENCY}, p = {P}, {many} samples. "
        "Efficiency: the variance of least squares over that of the estimate."
    )
    header = ["fit", "delta in units of σ", "efficiency for large n, %", "efficiency, %",
              "scale over σ"]  # fmt: skip
    yield markdown(header, efficiencies(many))
    yield (
        f'## Regret of `delta="auto"`\n\np = {P}, {several} samples. Mean squared error of the '
        "coefficients, in units of that of the delta that is best in hindsight for the row."
    )
    header = ["errors", "n", "best delta", "median of auto's", "`auto`", "1.345", "least squares"]
    yield markdown(header, [row for n in N_REGRET for row in regrets(several, n)])
    yield (
        f"## Cross-validation where outliers vote\n\nn = {choice.N}, p = {choice.P}, {few} "
        "samples. Mean squared error of predictions at new rows without outliers, in units of that "
        "of the candidate that is best in hindsight; median of the samples. Outliers are ten "
        "standard deviations to one side, or of both signs and up to ten thousand."
    )
    header = ["outliers", "`HuberRegressorCV`", "scored by squared error", '`selection="one_se"`',
              '`delta="auto"`', "least squares"]  # fmt: skip
    yield markdown(header, choices(few))


def main() -> None:
    """Simulate all tables and print them, or write them to a file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the samples")
    parser.add_argument("--output", type=Path, help="file for the tables")
    arguments = parser.parse_args()
    sections = []
    for section in tables(arguments.quick):
        print(section, end="\n\n", flush=True)
        sections.append(section)
    if arguments.output:
        arguments.output.write_text("\n\n".join(sections) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
