"""Cost of choosing delta: ``python benchmarks/cross_validation.py``.

Prints tables in Markdown with the medians of interleaved repeats. They compare searches over 20
deltas in 5 folds at n = 20,000 and p = 50, where 10 % of y are gross outliers:

- ``HuberRegressorCV``;
- ``GridSearchCV`` over this library's ``HuberRegressor``, with the same folds and scorer;
- ``GridSearchCV`` over scikit-learn's ``HuberRegressor``, run to convergence, at the 20 epsilons
  that correspond to the deltas, so that its candidates are the same models.

Another table compares ``delta="auto"`` with a plain fit. All searches end with a fit of the chosen
candidate to all rows. Scores are compared with those of a search with a hundredth of the default
tolerance.
"""

from __future__ import annotations

import argparse
import sys
from functools import partial
from time import perf_counter
from typing import Any

import numpy as np
import sklearn.linear_model
from machine import load_line, machine_lines
from numpy.typing import NDArray
from report import Claim, claim_table, markdown, seconds
from sklearn.model_selection import GridSearchCV
from timing import FULL, QUICK, Case, Effort, measure_undisturbed

from robustreg import HuberRegressor, HuberRegressorCV
from robustreg.datasets import make_contaminated_regression
from robustreg.tuning import delta_grid, kappa

N, P, N_DELTAS, N_SPLITS = 20_000, 50, 20, 5

#: An epsilon that no residual exceeds, since scikit-learn does not accept infinity.
LEAST_SQUARES = 1e3

#: scikit-learn's own default is 100.
MAX_ITER = 100_000

OURS, OURS_TWO = "HuberRegressorCV()", "HuberRegressorCV(n_jobs=2)"
GRID, GRID_SKLEARN = "GridSearchCV over HuberRegressor()", "GridSearchCV over HuberRegressor()"
PLAIN, AUTO = "HuberRegressor()", 'HuberRegressor(delta="auto")'

Vector = NDArray[np.float64]


def epsilon_of(delta: float) -> float:
    """Return scikit-learn's epsilon for the same model, which ignores the degrees of freedom."""
    n = N * (N_SPLITS - 1) // N_SPLITS
    if np.isinf(delta):
        return LEAST_SQUARES
    return float(delta * np.sqrt(n / (2.0 * kappa(delta) * (n - P - 1))))


def scikit_learn_search(scoring: Any) -> GridSearchCV:
    """Return the search that users could do without this library, except for its robust score."""
    regressor = sklearn.linear_model.HuberRegressor(alpha=0.0, max_iter=MAX_ITER)
    epsilons = [epsilon_of(delta) for delta in delta_grid(N_DELTAS)]
    return GridSearchCV(regressor, {"epsilon": epsilons}, cv=N_SPLITS, scoring=scoring)


def cases_of(X: Vector, y: Vector) -> list[Case]:
    """Return all cases to time."""
    deltas = delta_grid(N_DELTAS)
    scoring = HuberRegressorCV(deltas=deltas, cv=N_SPLITS).fit(X, y).scorer_
    grid = GridSearchCV(HuberRegressor(), {"delta": deltas}, cv=N_SPLITS, scoring=scoring)
    searches = [
        (OURS, "robustreg", HuberRegressorCV(deltas=deltas, cv=N_SPLITS)),
        (OURS_TWO, "robustreg", HuberRegressorCV(deltas=deltas, cv=N_SPLITS, n_jobs=2)),
        (GRID, "robustreg", grid),
        (GRID_SKLEARN, "scikit-learn", scikit_learn_search(scoring)),
    ]
    fits = [
        (PLAIN, "robustreg", HuberRegressor()),
        (AUTO, "robustreg", HuberRegressor(delta="auto")),
    ]
    return [
        *(
            Case("search", name, library, partial(model.fit, X, y), slow=library == "scikit-learn")
            for name, library, model in searches
        ),
        *(Case("fit", name, library, partial(model.fit, X, y)) for name, library, model in fits),
    ]


def score_error(model: Any, reference: Vector) -> float:
    """Return the largest relative error of a mean score."""
    scores = np.asarray(model.cv_results_["mean_test_score"])
    return float(np.max(np.abs(scores - reference) / np.abs(reference)))


def table(cases: list[Case], reference: Vector) -> str:
    """Return the table of times and errors of the scores."""
    times = {(case.problem, case.library, case.system): case.median for case in cases}
    rows = []
    for case in cases:
        low, high = case.quartiles
        base = times["search", "robustreg", OURS] if case.problem == "search" else None
        base = base or times["fit", "robustreg", PLAIN]
        error = score_error(case.result, reference) if case.problem == "search" else None
        rows.append((
            f"{case.library} `{case.system}`",
            seconds(case.median),
            f"{seconds(low)} to {seconds(high)}",
            str(len(case.seconds)),
            f"{case.median / base:.2f}",
            "" if error is None else f"{error:.1e}",
        ))  # fmt: skip
    header = ["system", "median", "quartiles", "repeats", "× the first of its kind",
              "largest relative error of a score"]  # fmt: skip
    return markdown(header, rows)


def claims(cases: list[Case]) -> list[Claim]:
    """Return the project's targets."""
    times = {(case.library, case.system): case.median for case in cases}
    ours = times["robustreg", OURS]
    from_theirs = times["scikit-learn", GRID_SKLEARN] / ours
    from_grid = times["robustreg", GRID] / ours
    auto = times["robustreg", AUTO] / times["robustreg", PLAIN]
    search = "GridSearchCV over"
    return [
        Claim(
            f"{search} scikit-learn's: time, divided by ours",
            "≥ 60 ×",
            from_theirs,
            from_theirs >= 60,
        ),
        Claim(
            f"{search} this library's: time, divided by ours", "≥ 8 ×", from_grid, from_grid >= 8
        ),
        Claim('`delta="auto"`: time, divided by that of a plain fit', "≤ 1.5 ×", auto, auto <= 1.5),
    ]


def main() -> None:
    """Time all cases and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few repeats")
    parser.add_argument(
        "--patience", type=float, default=0.0, help="minutes to wait for other programs to end"
    )
    arguments = parser.parse_args()
    effort: Effort = QUICK if arguments.quick else FULL
    X, y = make_contaminated_regression(N, P, contamination=0.1, random_state=0)
    deltas = delta_grid(N_DELTAS)
    exact = HuberRegressorCV(deltas=deltas, cv=N_SPLITS, tol=1e-8).fit(X, y)
    cases = cases_of(X, y)
    deadline = perf_counter() + 60.0 * arguments.patience
    load = measure_undisturbed(cases, effort, partial(print, file=sys.stderr), deadline)
    print(machine_lines())
    print(f"\nn = {N:,}, p = {P}, 10 % gross outliers; {N_DELTAS} deltas, {N_SPLITS} folds\n")
    print(table(cases, np.asarray(exact.cv_results_["mean_test_score"])))
    print(f"\n{claim_table(claims(cases))}")
    print(f"\n{load_line(load.cores())}")


if __name__ == "__main__":
    main()
