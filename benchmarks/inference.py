"""Measure the cost of standard errors: ``python benchmarks/inference.py``.

Prints tables in Markdown, with the medians of interleaved repeats:

- standard errors at n = 200,000 and p = 50, compared with statsmodels' RLM, and in Hessian passes,
  where a Hessian pass is the time of one Gram matrix of the rows within the threshold;
- 1,000 bootstrap replicates at n = 10,000 and p = 10, in units of the time of plain refits, with a
  given delta, and with the choice of ``"auto"`` in each replicate.

The times are those of ``summarize`` on data in memory, including its checks of X and y, the
residuals and the header of the table. The parts of Huber's covariance and of the sandwich are also
timed separately, from a fit whose residuals are known.
"""

from __future__ import annotations

import argparse
import sys
from time import perf_counter

import numpy as np
import statsmodels.api as sm
from machine import OtherLoad, load_line, machine_lines, wait_until_quiet
from numpy.typing import NDArray
from report import markdown, seconds
from timing import FULL, QUICK, Case, Effort, measure

from robustreg import HuberRegressor
from robustreg.datasets import make_contaminated_regression
from robustreg.inference import summarize
from robustreg.inference.covariance import huber_covariance
from robustreg.inference.fitted import FittedRegression, fitted_regression
from robustreg.inference.sandwich import default_variant, sandwich_covariance

#: Rows and columns of the two problems; 10 % of y are gross outliers.
LARGE, SMALL = (200_000, 50), (10_000, 10)
REPLICATES = 1000

Data = tuple[NDArray[np.float64], NDArray[np.float64]]


def data(shape: tuple[int, int]) -> Data:
    """Return X and y."""
    n, p = shape
    return make_contaminated_regression(n, p, contamination=0.1, random_state=0)


def _known(model: HuberRegressor, X: NDArray, y: NDArray) -> FittedRegression:
    """Return a fit whose residuals and their moments have been computed."""
    fitted = fitted_regression(model, X, y)
    _ = fitted.residuals, fitted.moments
    return fitted


def covariance_cases(X: NDArray, y: NDArray) -> list[Case]:
    """Return the cases for a table of standard errors, its parts, and that of statsmodels."""
    model = HuberRegressor().fit(X, y)
    fitted = _known(model, X, y)
    variant = default_variant(fitted)
    problem = f"n = {X.shape[0]:,}, p = {X.shape[1]}"

    def table(cov_type: str) -> object:
        return summarize(model, X, y, cov_type=cov_type).table

    def rlm() -> object:
        result = sm.RLM(y, np.column_stack((np.ones(len(y)), X)), M=sm.robust.norms.HuberT()).fit()
        return result.summary()

    return [
        Case(problem, "fit", "robustreg", lambda: HuberRegressor().fit(X, y)),
        Case(problem, "Hessian pass", "robustreg",
             lambda: fitted.design.gram(fitted.point, "inside")),
        Case(problem, "residuals", "robustreg", lambda: fitted.design.residuals(fitted.point)),
        Case(problem, "huber, covariance", "robustreg",
             lambda: huber_covariance(fitted, "H1", 0, True)),
        Case(problem, f"sandwich ({variant}), covariance", "robustreg",
             lambda: sandwich_covariance(fitted, variant)),
        Case(problem, "sandwich (HC3), covariance", "robustreg",
             lambda: sandwich_covariance(fitted, "HC3")),
        Case(problem, "huber, whole table", "robustreg", lambda: table("huber")),
        Case(problem, "sandwich, whole table", "robustreg", lambda: table("sandwich")),
        Case(problem, "RLM fit and summary", "statsmodels", rlm, slow=True),
    ]  # fmt: skip


def bootstrap_cases(
    X: NDArray, y: NDArray, replicates: int, delta: float | str = 1.345
) -> list[Case]:
    """Return the cases for both kinds of replicates and for one plain fit."""
    model = HuberRegressor(delta=delta).fit(X, y)
    problem = f"n = {X.shape[0]:,}, p = {X.shape[1]}, delta = {delta}"

    def bootstrap(kind: str, n_jobs: int | None) -> object:
        return summarize(
            model, X, y, cov_type="bootstrap", bootstrap=kind, n_bootstrap=replicates,
            random_state=0, n_jobs=n_jobs,
        )  # fmt: skip

    cases = [Case(problem, "fit", "robustreg", lambda: HuberRegressor(delta=delta).fit(X, y))]
    for kind in ("pairs", "wild"):
        for n_jobs in (None, 2):
            jobs = "" if n_jobs is None else ", n_jobs=2"
            name = f"{replicates:,} replicates, {kind}{jobs}"
            cases.append(Case(problem, name, "robustreg", lambda k=kind, j=n_jobs: bootstrap(k, j)))
    return cases


def table(cases: list[Case], unit: str) -> str:
    """Return the table of times, and of times in units of one of the cases."""
    base = next(case.median for case in cases if case.system == unit)
    rows = [
        (case.library, case.system, seconds(case.median), str(len(case.seconds)),
         f"{case.median / base:.2f}")
        for case in cases
    ]  # fmt: skip
    header = ["library", "what", "median", "repeats", f"× {unit}"]
    return markdown(header, rows, text_columns=2)


def main() -> None:
    """Time both problems and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few repeats")
    parser.add_argument("--replicates", type=int, default=REPLICATES)
    parser.add_argument(
        "--patience", type=float, default=0.0, help="minutes to wait for other programs to end"
    )
    arguments = parser.parse_args()
    effort: Effort = QUICK if arguments.quick else FULL
    wait_until_quiet(perf_counter() + 60.0 * arguments.patience)
    load = OtherLoad()
    first = covariance_cases(*data(LARGE))
    second = bootstrap_cases(*data(SMALL), arguments.replicates)
    third = bootstrap_cases(*data(SMALL), arguments.replicates, "auto")
    for cases in (first, second, third):
        measure(cases, effort, lambda line: print(line, file=sys.stderr), lambda: False)
    print(machine_lines())
    print(f"\nStandard errors, {first[0].problem}\n\n{table(first, 'Hessian pass')}")
    for cases in (second, third):
        print(f"\nBootstrap, {cases[0].problem}\n\n{table(cases, 'fit')}")
    print(f"\n{load_line(load.cores())}")


if __name__ == "__main__":
    main()
