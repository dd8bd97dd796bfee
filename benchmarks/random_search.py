"""Fit random problems of many kinds, and report fits that end above ``tol`` and their cost.

``python benchmarks/random_search.py [--problems 2000] [--seed 0]`` draws problems (10 to 10,000
rows, 1 to 300 columns; correlated, nearly equal and dependent columns, dummies, offsets, units,
ties, gross outliers on one side and on both, integer weights) and fits each with the defaults and
with random parameters. It prints quantiles of the passes and of the time relative to scikit-learn's
``LinearRegression`` on the same data. It lists the fits that ended above ``tol``, with the reason
in the warning. It takes three minutes; ``--largest`` limits the rows for a shorter run.
"""

from __future__ import annotations

import argparse
import warnings
from collections import Counter
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
from machine import OtherLoad, load_line, machine_lines
from numpy.typing import NDArray
from sklearn.linear_model import LinearRegression

from robustreg import HuberRegressor

KINDS = ["plain", "correlated", "twins", "dependent", "dummies", "offset", "units", "heavy"]


class Outcome(NamedTuple):
    """One fit."""

    number: int
    shape: tuple[int, int]
    kind: str
    parameters: dict[str, Any]
    ratio: float
    passes: int
    optimality: float
    warning: str


def draw(rng: np.random.Generator, largest: int) -> tuple[str, NDArray, NDArray, NDArray | None]:
    """Draw a kind of problem, X, y and weights."""
    n = int(10 ** rng.uniform(1.0, np.log10(largest)))
    p = int(10 ** rng.uniform(0.0, np.log10(300.0)))
    while n * p > 10**6:
        p = max(1, p // 2)
    kind = str(rng.choice(KINDS))
    X = draw_columns(rng, kind, n, p)
    scaled = X / np.maximum(np.abs(X).max(axis=0), 1e-300)
    y = scaled @ rng.normal(size=p) * 10 ** rng.uniform(-1, 2) + rng.standard_t(3, size=n)
    k = int(rng.choice([0.0, 0.05, 0.15, 0.3]) * n)
    sides = rng.choice([-1.0, 1.0], k) if rng.random() < 0.5 else 1.0
    y[:k] += sides * 10 ** rng.uniform(0.5, 5)
    if rng.random() < 0.2:
        y = np.round(y)
    weights = rng.integers(0, 4, n).astype(float) if rng.random() < 0.2 else None
    if weights is not None and not weights.any():
        weights = None
    return kind, X, y * 10.0 ** rng.integers(-3, 4), weights


def draw_columns(rng: np.random.Generator, kind: str, n: int, p: int) -> NDArray:
    """Draw an X of a kind, with n rows and p columns."""
    X = rng.normal(size=(n, p))
    if kind == "correlated":
        X = X + 3.0 * rng.normal(size=(n, 1))
    elif kind == "twins" and p > 1:
        X[:, 1] = X[:, 0] + 10.0 ** -rng.uniform(2, 7) * X[:, 1]
    elif kind == "dependent" and p > 2:
        X[:, 2] = X[:, 0] - X[:, 1]
    elif kind == "dummies":
        X = np.eye(p)[rng.integers(p, size=n)]
    elif kind == "offset":
        X += 10.0 ** rng.uniform(0, 6)
    elif kind == "units":
        X *= 10.0 ** rng.uniform(-6, 6, p)
    elif kind == "heavy":
        X = rng.standard_t(1.5, size=(n, p))
    return X


def parameters(rng: np.random.Generator, y: NDArray) -> dict[str, Any]:
    """Draw random parameters of a regressor."""
    spread = float(np.median(np.abs(y - np.median(y)))) or 1.0
    scale = [str(rng.choice(["joint", "mad"])), spread * 10.0 ** rng.uniform(-2, 1)]
    return {
        "delta": float(rng.choice([0.05, 0.3, 0.7, 1.345, 3.0, np.inf])),
        "scale": scale[0] if rng.random() < 0.75 else scale[1],
        "alpha": float(rng.choice([0.0, 0.0, 1e-8, 1e-2, 1.0, 1e3])),
        "fit_intercept": bool(rng.random() < 0.8),
        "solver": str(rng.choice(["lbfgs", "newton"])),
    }


def seconds(fit: Any, X: NDArray, y: NDArray, weights: NDArray | None) -> float:
    """Return the shorter time of two fits."""
    times = []
    for _ in range(2):
        start = perf_counter()
        fit(X, y, weights)
        times.append(perf_counter() - start)
    return min(times)


def outcomes(problems: int, seed: int, largest: int) -> tuple[list[Outcome], list[Outcome]]:
    """Fit with the defaults and with random parameters."""
    found: tuple[list[Outcome], list[Outcome]] = ([], [])
    for number in range(problems):
        rng = np.random.default_rng([seed, number])
        kind, X, y, weights = draw(rng, largest)
        baseline = seconds(LinearRegression().fit, X, y, weights)
        for group, chosen in zip(found, ({}, parameters(rng, y)), strict=True):
            model = HuberRegressor(**chosen)
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                start = perf_counter()
                model.fit(X, y, weights)
                took = perf_counter() - start
                if took < 0.1:
                    took = min(took, seconds(model.fit, X, y, weights))
            message = str(caught[0].message) if caught else ""
            group.append(
                Outcome(
                    number,
                    X.shape,
                    kind,
                    chosen,
                    took / baseline,
                    model.n_passes_,
                    model.optimality_,
                    message,
                )
            )
    return found


def report(title: str, found: list[Outcome]) -> None:
    """Print quantiles, and the fits that ended above ``tol``."""
    ratios, passes = (np.array([getattr(o, name) for o in found]) for name in ("ratio", "passes"))
    quantiles = [50, 90, 99]
    print(f"\n## {title}: {len(found)} fits\n")
    print("| | median | 90 % | 99 % | most |\n| --- | --: | --: | --: | --: |")
    for name, values in (("time over LinearRegression", ratios), ("passes", passes)):
        cells = [f"{value:.3g}" for value in (*np.percentile(values, quantiles), values.max())]
        print(f"| {name} | {' | '.join(cells)} |")
    above = [o for o in found if o.optimality > 1e-6]
    reasons = Counter("max_iter" if "max_iter" in o.warning else "rounding" for o in above)
    silent = [o for o in above if not o.warning]
    print(
        f"\nAbove tol: {len(above)} ({dict(reasons)}), of which without a warning: {len(silent)}.\n"
    )
    for o in sorted(above, key=lambda o: -o.optimality)[:15]:
        print(
            f"- {o.number} {o.kind} {o.shape} {o.parameters}: {o.optimality:.2g}, {o.passes} passes"
        )
    print("\nSlowest:\n")
    for o in sorted(found, key=lambda o: -o.ratio)[:8]:
        print(f"- {o.number} {o.kind} {o.shape} {o.parameters}: {o.ratio:.0f} x, {o.passes} passes")


def main() -> None:
    """Run the search and print the results."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--problems", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--largest", type=int, default=10_000, help="most rows")
    options = parser.parse_args()
    load = OtherLoad()
    defaults, searched = outcomes(options.problems, options.seed, options.largest)
    print(f"# Random problems\n\n{machine_lines()}\n- seed {options.seed}")
    print(f"- {load_line(load.cores())}")
    report("The defaults", defaults)
    report("Random parameters", searched)


if __name__ == "__main__":
    main()
