"""Coverage of 95 % intervals by simulation: ``python benchmarks/coverage.py --replicates 4000``.

Prints a table in Markdown: the share of samples in which an interval holds the true value, for the
intercept, for four slopes (the least and the largest), and for a new observation. The Monte Carlo
error of a share is ``sqrt(0.95 * 0.05 / replicates)``, 0.34 points at 4,000.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from joblib import Parallel, delayed
from numpy.random import Generator
from numpy.typing import NDArray

from robustreg import HuberRegressor
from robustreg.inference import summarize

SLOPES = np.array([2.0, -1.0, 0.5, 0.0])
N_GROUPS = 40
NEW_ROWS = 20


@dataclass(frozen=True)
class Sample:
    """One draw of a design of the simulation: y is not yet the truth plus errors."""

    X: NDArray[np.float64]
    errors: NDArray[np.float64]
    groups: NDArray[np.intp] | None = None


def normal(rng: Generator, n: int) -> Sample:
    """Errors with the Gaussian distribution."""
    return Sample(rng.normal(size=(n, 4)), rng.normal(size=n))


def student(rng: Generator, n: int) -> Sample:
    """Heavy tails: Student's t with three degrees of freedom."""
    return Sample(rng.normal(size=(n, 4)), rng.standard_t(3, size=n))


def contaminated(rng: Generator, n: int) -> Sample:
    """One error in ten has ten times the spread."""
    wide = rng.random(n) < 0.1
    return Sample(rng.normal(size=(n, 4)), np.where(wide, 10.0, 1.0) * rng.normal(size=n))


def exponential(rng: Generator, n: int) -> Sample:
    """Skewed: sigma's error moves the intercept."""
    return Sample(rng.normal(size=(n, 4)), rng.exponential(size=n) - EXPONENTIAL_LOCATION)


def heteroscedastic(rng: Generator, n: int) -> Sample:
    """The spread grows with the first column, from a half."""
    X = rng.normal(size=(n, 4))
    return Sample(X, np.sqrt(0.25 + X[:, 0] ** 2) * rng.normal(size=n))


def heteroscedastic_contaminated(rng: Generator, n: int) -> Sample:
    """Both together."""
    X = rng.normal(size=(n, 4))
    return Sample(X, np.sqrt(0.25 + X[:, 0] ** 2) * contaminated(rng, n).errors)


def clustered(rng: Generator, n: int) -> Sample:
    """Groups of equal size; half of the variance of an error is its group's."""
    return _grouped(rng, np.arange(n) % N_GROUPS)


def clustered_unequal(rng: Generator, n: int) -> Sample:
    """Groups whose sizes vary by a factor of three about n/40."""
    sizes = rng.uniform(0.5, 1.5, size=N_GROUPS)
    others = rng.choice(N_GROUPS, size=n - N_GROUPS, p=sizes / sizes.sum())
    return _grouped(rng, np.concatenate((np.arange(N_GROUPS), others)))


def _grouped(rng: Generator, groups: NDArray[np.intp]) -> Sample:
    """The first column is the same for a group, the second is in part, the others are not."""
    X = rng.normal(size=(groups.size, 4))
    X[:, 0] = rng.normal(size=N_GROUPS)[groups]
    X[:, 1] += rng.normal(size=N_GROUPS)[groups]
    return Sample(X, rng.normal(size=N_GROUPS)[groups] + rng.normal(size=groups.size), groups)


#: What the intercept estimates at exponential errors and delta = 1.345, with sigma estimated
#: jointly: the root of E psi((e - b)/sigma) = 0 and E psi² = 2 kappa
#: (tests/test_inference_coverage.py).
EXPONENTIAL_LOCATION = 0.84057093

CASES: list[tuple[Callable[[Generator, int], Sample], str]] = [
    (normal, "huber"),
    (student, "huber"),
    (contaminated, "huber"),
    (exponential, "huber"),
    (heteroscedastic, "sandwich"),
    (heteroscedastic, "HC3"),
    (heteroscedastic_contaminated, "sandwich"),
    (heteroscedastic_contaminated, "HC3"),
    (clustered, "cluster"),
    (clustered, "CR1"),
    (clustered_unequal, "cluster"),
    (clustered_unequal, "CR1"),
]


def coverage(
    draw: Callable[[Generator, int], Sample], cov_type: str, n: int, replicates: int, seed: int = 0
) -> NDArray[np.float64]:
    """Shares of intervals that hold the truth: intercept, four slopes, a new observation."""
    held = np.zeros(6)
    for generator in np.random.default_rng(seed).spawn(replicates):
        sample = draw(generator, n)
        model = HuberRegressor().fit(sample.X, sample.X @ SLOPES + sample.errors)
        y = sample.X @ SLOPES + sample.errors
        summary = summarize(model, sample.X, y, cov_type=cov_type, groups=sample.groups)
        interval = summary.confidence_interval().to_numpy()
        truth = np.append(0.0, SLOPES)
        held[:5] += (interval[:, 0] <= truth) & (truth <= interval[:, 1])
        new = draw(generator, NEW_ROWS + N_GROUPS)
        limits = summary.predict(new.X)
        observed = new.X @ SLOPES + new.errors
        held[5] += np.mean((limits["pi_low"] <= observed) & (observed <= limits["pi_high"]))
    return held / replicates


def main() -> None:
    """Simulate all cases and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--replicates", type=int, default=4000)
    parser.add_argument("--n", type=int, nargs="+", default=[100, 400])
    parser.add_argument("--jobs", type=int, default=1)
    arguments = parser.parse_args()
    tasks = [(draw, cov_type, n) for draw, cov_type in CASES for n in arguments.n]
    found = Parallel(n_jobs=arguments.jobs)(
        delayed(coverage)(*task, arguments.replicates) for task in tasks
    )
    print("| errors | cov_type | n | intercept | slopes, % | new observation, % |")
    print("|---|---|---|---|---|---|")
    for (draw, cov_type, n), share in zip(tasks, found, strict=True):
        intercept, slopes, new = 100 * share[0], 100 * share[1:5], 100 * share[5]
        spread = f"{slopes.min():.1f} to {slopes.max():.1f}"
        print(f"| {draw.__name__} | {cov_type} | {n} | {intercept:.1f} | {spread} | {new:.1f} |")
    error = 100 * np.sqrt(0.95 * 0.05 / arguments.replicates)
    print(f"\nMonte Carlo error of a share: {error:.2f} points, {arguments.replicates} replicates.")


if __name__ == "__main__":
    main()
