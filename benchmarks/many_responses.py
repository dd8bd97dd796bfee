"""Time fits of many responses to one X: ``python benchmarks/many_responses.py``.

Prints tables in Markdown. All systems are timed in turns in one process, on normal data. Five
per cent of the values of the responses are shifted by ten standard deviations:

- ``HuberRegressor`` with several options on all responses at once;
- the same regressor in a loop over some of the responses, whose time is extrapolated;
- ``LinearRegression``, as a lower bound.

The coefficients are compared with those of the loop, in standard errors. Memory is the peak that
Python and NumPy hold in addition to X and Y (``tracemalloc``), in a fit in a process of its own,
and the growth of that process.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tracemalloc
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from machine import OtherLoad, load_line, machine_lines
from numpy.typing import NDArray
from report import Claim, claim_table, markdown, seconds
from sklearn.linear_model import LinearRegression
from timing import QUICK, Case, Effort, measure_undisturbed

from robustreg import HuberRegressor

#: Rows, columns and responses of the problems.
SHAPES = {"60 x 4, 20,000 responses": (60, 4, 20_000), "200 x 10, 100,000": (200, 10, 100_000)}
FIRST, LARGE = SHAPES

#: Responses of the loop.
LOOPED = 200

#: Limits of the memory of the large problem's fit in addition to Y: blocks, and all.
BLOCKS, ALTOGETHER = 200e6, 1e9

FLOOR, LOOP = "LinearRegression()", "a loop over HuberRegressor()"
OPTIONS: dict[str, dict[str, Any]] = {
    "HuberRegressor()": {},
    'HuberRegressor(delta="auto")': {"delta": "auto"},
    'HuberRegressor(scale="mad")': {"scale": "mad"},
    "HuberRegressor(alpha=1.0)": {"alpha": 1.0},
}
OURS = next(iter(OPTIONS))

EFFORT = Effort(seconds=10.0, least=5, most=31, slow=3)

Matrix = NDArray[np.float64]


def data(n: int, p: int, k: int) -> tuple[Matrix, Matrix]:
    """Return X and Y, with at most one copy of each at any time."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, p))
    coef = rng.standard_normal((p, k))
    Y = np.empty((n, k))
    for x, row in zip(X, Y, strict=True):  # saves memory, so that the peak is the fit's
        row[:] = x @ coef + rng.standard_normal(k) + 10.0 * (rng.random(k) < 0.05)
    return X, Y


def loop(X: Matrix, Y: Matrix) -> list[HuberRegressor]:
    """Fit some of the responses in a loop."""
    return [HuberRegressor().fit(X, y) for y in np.ascontiguousarray(Y[:, :LOOPED].T)]


def cases_of(problem: str) -> list[Case]:
    """Return all systems for one problem."""
    X, Y = data(*SHAPES[problem])
    ours = [
        Case(problem, name, "robustreg", partial(HuberRegressor(**options).fit, X, Y))
        for name, options in OPTIONS.items()
    ]
    return [
        Case(problem, FLOOR, "scikit-learn", partial(LinearRegression().fit, X, Y)),
        *ours,
        Case(problem, LOOP, "robustreg", partial(loop, X, Y)),
    ]


def time_of(case: Case) -> float:
    """Return the seconds for all responses."""
    times = SHAPES[case.problem][2] / LOOPED if case.system == LOOP else 1.0
    return case.median * times


def table(cases: list[Case]) -> str:
    """Return the table of times for one problem."""
    floor = cases[0].median
    rows = [
        (
            f"{case.library} `{case.system}`",
            seconds(time_of(case)),
            str(len(case.seconds)),
            f"{time_of(case) / floor:.1f}",
            "" if case.system == FLOOR else f"{passes(case.result)}",
        )
        for case in cases
    ]
    header = ["system", "median", "repeats", f"× {FLOOR}", "passes"]
    return markdown(header, rows)


def passes(result: Any) -> int:
    """Return the largest number of passes of any response."""
    fits = result if isinstance(result, list) else [result]
    return max(fit.n_passes_ for fit in fits)


def difference(problem: str, cases: dict[str, Case]) -> float:
    """Return the largest difference of a coefficient from the loop's, in standard errors."""
    X, _ = data(*SHAPES[problem])
    inverse = np.sqrt(np.diagonal(np.linalg.inv(X.T @ X)))
    model, fits = cases[OURS].result, cases[LOOP].result
    return max(
        float(np.max(np.abs(model.coef_[j] - fit.coef_) / (fit.scale_ * inverse)))
        for j, fit in enumerate(fits)
    )


# -- memory ---------------------------------------------------------------------------------------


def memory(problem: str) -> dict[str, float]:
    """Return the bytes that a process of its own measured."""
    command = [sys.executable, str(Path(__file__)), "--memory", problem]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found: dict[str, float] = json.loads(output.splitlines()[-1])
    return found


def print_memory(problem: str) -> None:
    """Print the numbers that ``memory`` reads."""
    X, Y = data(*SHAPES[problem])
    HuberRegressor().fit(X, Y[:, :100])  # imports modules and fills caches
    resident = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    model = HuberRegressor().fit(X, Y)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - resident
    del model
    tracemalloc.start()
    HuberRegressor().fit(X, Y)
    peak = tracemalloc.get_traced_memory()[1]
    print(json.dumps({"Y": Y.nbytes, "peak": peak, "grown": 1024.0 * grown}))


def memory_table(found: dict[str, dict[str, float]]) -> str:
    """Return the table of memory for both problems."""
    rows = [
        (problem, *(f"{m[name] / 1e6:.0f}" for name in ("Y", "peak", "grown")))
        for problem, m in found.items()
    ]
    return markdown(["problem", "Y, MB", "peak beside it, MB", "growth of the process, MB"], rows)


# -- claims ---------------------------------------------------------------------------------------


def claims(cases: dict[str, dict[str, Case]], found: dict[str, dict[str, float]]) -> list[Claim]:
    """Return the project's targets."""
    made = []
    for problem, of in cases.items():
        ratio = time_of(of[OURS]) / of[FLOOR].median
        text = f"{problem}: `{OURS}` beside `{FLOOR}`"
        made.append(Claim(text, "≤ 12 ×", ratio, ratio <= 12))
        error = difference(problem, of) * 1e6
        text = f"{problem}: difference from single fits, in 1e-6 standard errors"
        made.append(Claim(text, "≤ 1", error, error <= 1.0, unit="e-6"))
    speedup = time_of(cases[FIRST][LOOP]) / cases[FIRST][OURS].median
    made.append(Claim(f"{FIRST}: {LOOP} beside ours", "≥ 80 ×", speedup, speedup >= 80))
    if LARGE in found:
        m = found[LARGE]
        for name, limit in (("peak", BLOCKS), ("grown", ALTOGETHER)):
            text, used = f"{LARGE}: memory beside Y ({name})", m[name] / 1e6
            target = f"≤ {limit / 1e6:.0f} MB"
            made.append(Claim(text, target, used, m[name] <= limit, unit="MB"))
    return made


def main() -> None:
    """Time all cases and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few repeats, the first problem alone")
    parser.add_argument(
        "--patience", type=float, default=0.0, help="minutes to wait for other programs to end"
    )
    parser.add_argument("--memory", metavar="PROBLEM", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.memory:
        print_memory(arguments.memory)
        return
    problems = list(SHAPES)[: 1 if arguments.quick else None]
    deadline = perf_counter() + 60.0 * arguments.patience
    load, cases = OtherLoad(), {}
    for problem in problems:
        cases[problem], load = timed(problem, QUICK if arguments.quick else EFFORT, deadline)
    found = {problem: memory(problem) for problem in problems}
    print(machine_lines())
    for problem, of in cases.items():
        print(f"\n{problem}; the loop's time is that of {LOOPED} of them, multiplied\n")
        print(table(list(of.values())))
    print(f"\n{memory_table(found)}\n\n{claim_table(claims(cases, found))}")
    print(f"\n{load_line(load.cores())}")


def timed(problem: str, effort: Effort, deadline: float) -> tuple[dict[str, Case], OtherLoad]:
    """Return the timed cases of a problem, and the load of other programs."""
    cases = cases_of(problem)
    load = measure_undisturbed(cases, effort, partial(print, file=sys.stderr), deadline)
    return {case.system: case for case in cases}, load


if __name__ == "__main__":
    main()
