"""Count the passes in 300 hard problems: ``python benchmarks/hard_problems.py [--seed 0]``.

The problems have few rows per column, gross outliers, thresholds down to 5e-4 of the noise,
penalties up to 1e3, columns that nearly determine one another, and rows fitted exactly. For each
solver, the program prints the mean, the ninetieth percentile and the maximum of ``n_passes_``,
their means by scale rule, and the fits that ended above ``tol``. It takes ten seconds.
"""

from __future__ import annotations

import argparse
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from robustreg import ExactFitWarning, HuberRegressor


def draw(rng: np.random.Generator) -> tuple[NDArray, NDArray, dict[str, Any]]:
    """Draw X, y and the parameters of a regressor."""
    p = int(rng.integers(1, 13))
    n = int(rng.integers(2 * p + 5, 12 * p + 30))
    contamination, condition = rng.choice([0.0, 0.1, 0.2, 0.35]), 10.0 ** rng.integers(0, 5)
    X = rng.normal(size=(n, p))
    signal = X @ rng.normal(size=p)
    if p > 1:
        X[:, 1] = X[:, 0] + X[:, 1] / condition
    y = signal + rng.normal(size=n)
    outliers = rng.permutation(n)[: int(contamination * n)]
    signs = rng.choice([-1.0, 1.0, 1.0], outliers.size)
    y[outliers] += signs * 10 ** rng.uniform(0.7, 4.0, outliers.size)
    if rng.random() < 0.15:
        rows = rng.permutation(n)[: int(rng.choice([0.3, 0.5, 0.7]) * n)]
        y[rows] = X[rows] @ rng.normal(size=p) + 1.0
    rule = rng.random()
    scale = "joint" if rule < 0.5 else "mad" if rule < 0.7 else 10.0 ** rng.uniform(-2, 1)
    delta = float(rng.choice([0.05, 0.1, 0.3, 0.7, 1.345, 3.0]))
    alpha = float(rng.choice([0.0, 0.0, 1e-6, 1.0, 1e3]))
    return X, y, {"delta": delta, "alpha": alpha, "scale": scale}


def report(solver: str, problems: int, seed: int) -> None:
    """Fit all problems with a solver, and print the passes."""
    passes: list[int] = []
    rules: dict[str, list[int]] = {}
    above = 0
    for number in range(problems):
        X, y, parameters = draw(np.random.default_rng([seed, number]))
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            model = HuberRegressor(solver=solver, **parameters).fit(X, y)
        above += any(warning.category is not ExactFitWarning for warning in caught)
        passes.append(model.n_passes_)
        rule = parameters["scale"] if isinstance(parameters["scale"], str) else "given"
        rules.setdefault(rule, []).append(model.n_passes_)
    mean, largest = np.mean(passes), max(passes)
    print(f"{solver}: mean {mean:.1f}, 90 % {np.percentile(passes, 90):.0f}, most {largest}; "
          f"{above} above tol")  # fmt: skip
    for rule, numbers in sorted(rules.items()):
        print(f"  {rule}: mean {np.mean(numbers):.1f} of {len(numbers)}")


def main() -> None:
    """Run both solvers."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--problems", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    for solver in ("newton", "lbfgs"):
        report(solver, options.problems, options.seed)


if __name__ == "__main__":
    main()
