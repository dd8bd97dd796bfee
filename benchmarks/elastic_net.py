"""Time paths of the elastic net and check their optimality conditions.

Usage: ``python benchmarks/elastic_net.py [--large] [--cpu]``.

Without ``--large`` it takes about a minute on two cores. If other programs are running, set
``OMP_NUM_THREADS=1`` and pass ``--cpu``, which measures processor time instead of wall-clock time.
The times of hqreg and skglm on the same problems are in issue 14. scikit-learn's ``lasso_path``,
which uses squared error, is a lower bound.
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.linear_model import lasso_path

from robustreg import HuberElasticNetCV, enet_path
from robustreg.losses import Huber

Vector = NDArray[np.float64]

DELTA = 1.345

#: Clock for processor time or wall-clock time.
clock = time.process_time if "--cpu" in sys.argv else time.perf_counter


class Problem(NamedTuple):
    """Number of rows, columns and columns that matter, and the share of nonzero entries of X."""

    name: str
    n: int
    p: int
    nonzero: int
    density: float = 1.0


TALL = Problem("20,000 x 500", 20_000, 500, 50)
WIDE = Problem("1,000 x 5,000", 1_000, 5_000, 50)
SPARSE = Problem("sparse 20,000 x 50,000", 20_000, 50_000, 100, 0.001)


def data(problem: Problem, seed: int = 0) -> tuple[Any, Vector]:
    """Return X, and y with unit noise and 10 % of gross outliers on both sides."""
    rng = np.random.default_rng(seed)
    n, p = problem.n, problem.p
    X = sparse_columns(rng, problem) if problem.density < 1.0 else rng.normal(size=(n, p))
    coef = np.zeros(p)
    # In sparse X, the columns that matter are among the denser ones.
    among = p if problem.density == 1.0 else p // 20
    coef[rng.permutation(among)[: problem.nonzero]] = rng.normal(size=problem.nonzero)
    y = X @ coef + rng.normal(size=n)
    wrong = rng.permutation(n)[: n // 10]
    y[wrong] += rng.choice([-1.0, 1.0], wrong.size) * rng.uniform(10.0, 100.0, wrong.size)
    return X, y


def sparse_columns(rng: np.random.Generator, problem: Problem) -> sp.csr_array:
    """Return columns of unit variance whose densities decrease by Zipf's law, as those of words do.

    If all densities were equal, the signal of a column with twenty entries could not be seen in the
    noise, and a path to a twentieth of the largest alpha would fit all rows exactly.
    """
    shares = 1.0 / np.arange(10, problem.p + 10)
    counts = np.minimum(problem.density * problem.n * problem.p * shares / shares.sum(), problem.n)
    counts = np.maximum(counts.astype(int), 1)
    rows = np.concatenate([rng.choice(problem.n, count, replace=False) for count in counts])
    columns = np.repeat(np.arange(problem.p), counts)
    entries = rng.normal(size=rows.size) * np.sqrt(problem.n / np.repeat(counts, counts))
    return sp.csr_array((entries, (rows, columns)), shape=(problem.n, problem.p))


def violation(X: Any, y: Vector, found: tuple[Vector, ...]) -> float:
    """Return the largest violation over a path of the lasso, in units of alpha.

    It is computed from its definition, without the library.
    """
    alphas, coefs, intercepts, scales = found
    worst = 0.0
    for alpha, coef, intercept, scale in zip(alphas, coefs.T, intercepts, scales, strict=True):
        psi = Huber(DELTA * scale).psi(y - X @ coef - intercept)
        slope = (psi @ X) / (len(y) * scale * alpha)
        at_zero = np.maximum(np.abs(slope) - 1.0, 0.0)
        each = np.where(coef == 0.0, at_zero, np.abs(slope - np.sign(coef)))
        worst = max(worst, float(each.max()), abs(psi.mean()) / (scale * alpha))
    return worst


def timed(run: Callable[[], Any], repeats: int) -> tuple[float, Any]:
    """Return the shortest of several times, and the result."""
    seconds = []
    for _ in range(repeats):
        begin = clock()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            result = run()
        seconds.append(clock() - begin)
    return min(seconds), result


def floor(X: Any, y: Vector, repeats: int) -> float:
    """Time scikit-learn's path of 50 alphas down to 0.05 of the largest."""
    grid = {"alphas": np.geomspace(1.0, 0.05, 50)}
    X, y = X - X.mean(axis=0), y - y.mean()
    largest = float(np.abs(y @ X).max()) / len(y)
    grid["alphas"] *= largest
    return timed(lambda: lasso_path(X, y, **grid), repeats)[0]


class Table:
    """A table that is printed line by line."""

    def __init__(self, reference: float | None = None) -> None:
        self.reference = reference

    def line(self, problem: Problem, path: str, seconds: float, found: Any = None) -> None:
        """Print a line. ``found`` has X, y and the path, whose violation is computed."""
        ratio = "" if self.reference is None else f"{seconds / self.reference:.2f}"
        fits = nonzero = worst = ""
        if found is not None:
            X, y, solution = found
            fits, worst = str(len(solution[0])), f"{violation(X, y, solution):.1e}"
            nonzero = f"{np.count_nonzero(solution[1][:, -1]):,}"
        cells = (problem.name, path, f"{seconds:.2f}", ratio, fits, nonzero, worst)
        print(f"| {' | '.join(cells)} |", flush=True)


def dense(problem: Problem, repeats: int) -> None:
    """Time paths with a given and with the joint scale, and cross-validation with the latter."""
    X, y = data(problem)
    table = Table(floor(X, y, repeats))
    assert table.reference is not None
    table.line(problem, "`lasso_path`, 50 alphas to 0.05", table.reference)

    def path(label: str, **parameters: Any) -> tuple[float, Any]:
        seconds, found = timed(lambda: enet_path(X, y, l1_ratio=1.0, **parameters), repeats)
        table.line(problem, label, seconds, (X, y, found))
        return seconds, found

    if problem.p > problem.n:
        path("`scale=1.0`, the first 30 alphas", scale=1.0, eps=0.05 ** (29 / 49), n_alphas=30)
    path("`scale=1.0`, to 0.05", scale=1.0, eps=0.05, n_alphas=50)
    _, found = path('`scale="joint"`, to 0.05 or its end', eps=0.05, n_alphas=50)
    # Beyond half as many columns as rows the joint scale begins to rise: the fit saturates.
    before = np.count_nonzero(found[1], axis=0) <= 0.5 * problem.n
    for label, alphas, scale in (
        ("before saturation", found[0][before], found[3][before][-1]),
        ("all of these", found[0], found[3][-1]),
    ):
        joint, _ = path(f'`scale="joint"`, {label}', alphas=alphas)
        given, _ = path("the same alphas, the last scale given", alphas=alphas, scale=float(scale))
        print(f"| {problem.name} | joint over given | | {joint / given:.2f} | | | |")
    model = HuberElasticNetCV(l1_ratio=1.0, alphas=found[0])
    folds, _ = timed(lambda: model.fit(X, y), 1)
    table.line(problem, f"5-fold cross-validation: {folds / joint:.1f} paths", folds)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--large", action="store_true", help="the sparse problem too")
    parser.add_argument("--only", choices=["tall", "wide", "sparse"])
    parser.add_argument("--cpu", action="store_true", help="seconds of the processor")
    arguments = parser.parse_args()
    print("| problem | path | seconds | ratio | fits | nonzero at the end | violation |")
    print("| --- | --- | --: | --: | --: | --: | --: |")
    if arguments.only in (None, "tall"):
        dense(TALL, 5)
    if arguments.only in (None, "wide"):
        dense(WIDE, 3)
    if arguments.large or arguments.only == "sparse":
        X, y = data(SPARSE)
        # With the joint scale, alpha is in units of the noise. A path to as many columns is then
        # shorter, since the noise at the largest alpha still contains the signal.
        for scale, eps in ((1.0, 0.05), ("joint", 0.07)):
            path = {"scale": scale, "l1_ratio": 1.0, "eps": eps, "n_alphas": 50}
            seconds, found = timed(lambda k=path: enet_path(X, y, **k), 1)
            Table().line(SPARSE, f"`scale={scale!r}`, to {eps}", seconds, (X, y, found))


if __name__ == "__main__":
    main()
