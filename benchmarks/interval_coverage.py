"""Simulate the coverage of 95 % intervals: ``python benchmarks/interval_coverage.py``.

Prints a table in Markdown. It has the share of samples in which an interval contains the true
value, with its Monte Carlo error, for the intercept, for the least and the most covered of four
slopes, and for new observations. It also says whether all of them lie in the band that the project
claims. Cases without such a claim are printed for comparison, and marked.

Difficult cases are in ``interval_limits.py``, with tables of their own: small samples, small
thresholds, predictions, a chosen delta, and cases in which no interval is valid.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from joblib import Parallel, delayed
from numpy.random import Generator
from numpy.typing import NDArray

from robustreg import HuberRegressor
from robustreg.inference import summarize

SLOPES = np.array([2.0, -1.0, 0.5, 0.0])
N_GROUPS = 40

#: New observations in each replicate. They share its estimates, so that more would add little.
NEW_ROWS = 5

#: The project claims that the coverage of 95 % intervals lies between these shares.
BAND = (0.935, 0.965)


@dataclass(frozen=True)
class Sample:
    """Draw a design of the simulation, to which the errors are added later."""

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
    """Skewed errors, for which the error of sigma changes the intercept."""
    return Sample(rng.normal(size=(n, 4)), rng.exponential(size=n) - EXPONENTIAL_LOCATION)


def heteroscedastic(rng: Generator, n: int) -> Sample:
    """Errors whose spread increases with the first column, from one half."""
    X = rng.normal(size=(n, 4))
    return Sample(X, np.sqrt(0.25 + X[:, 0] ** 2) * rng.normal(size=n))


def heteroscedastic_contaminated(rng: Generator, n: int) -> Sample:
    """Errors with both properties."""
    X = rng.normal(size=(n, 4))
    return Sample(X, np.sqrt(0.25 + X[:, 0] ** 2) * contaminated(rng, n).errors)


def clustered(rng: Generator, n: int) -> Sample:
    """Groups of equal size, which account for half of the variance of an error."""
    return _grouped(rng, np.arange(n) % N_GROUPS)


def clustered_unequal(rng: Generator, n: int) -> Sample:
    """Groups whose sizes vary by a factor of three around n/40."""
    sizes = rng.uniform(0.5, 1.5, size=N_GROUPS)
    others = rng.choice(N_GROUPS, size=n - N_GROUPS, p=sizes / sizes.sum())
    return _grouped(rng, np.concatenate((np.arange(N_GROUPS), others)))


def _grouped(rng: Generator, groups: NDArray[np.intp]) -> Sample:
    """Columns of which the first is constant in a group, the second partly, and the others not."""
    X = rng.normal(size=(groups.size, 4))
    X[:, 0] = rng.normal(size=N_GROUPS)[groups]
    X[:, 1] += rng.normal(size=N_GROUPS)[groups]
    return Sample(X, rng.normal(size=N_GROUPS)[groups] + rng.normal(size=groups.size), groups)


#: The value that the intercept estimates with exponential errors, delta = 1.345 and the joint
#: scale, which is the root of E psi((e - b)/sigma) = 0 and E psi² = 2 kappa
#: (tests/test_inference_coverage.py).
EXPONENTIAL_LOCATION = 0.84057093

#: Errors, covariance, and whether the project claims the band for it.
CASES: list[tuple[Callable[[Generator, int], Sample], str, bool]] = [
    (normal, "huber", True),
    (student, "huber", True),
    (contaminated, "huber", True),
    (exponential, "huber", True),
    (heteroscedastic, "sandwich", True),
    (heteroscedastic, "HC1", False),
    (heteroscedastic_contaminated, "sandwich", False),
    (heteroscedastic_contaminated, "HC1", False),
    (clustered, "cluster", True),
    (clustered, "CR1", False),
    (clustered_unequal, "cluster", False),
    (clustered_unequal, "CR1", False),
]

SIZES = (100, 400)


class Coverage(NamedTuple):
    """Shares of intervals that contain the true value, and their Monte Carlo errors.

    The arrays have six entries: the intercept, four slopes, new observations.
    """

    share: NDArray[np.float64]
    error: NDArray[np.float64]

    @property
    def in_band(self) -> bool:
        """Whether all six shares lie in the band."""
        return bool(np.all((BAND[0] <= self.share) & (self.share <= BAND[1])))


def coverage(
    draw: Callable[[Generator, int], Sample], cov_type: str, n: int, replicates: int, seed: int = 0
) -> Coverage:
    """Simulate one case; different cases with the same seed use different random numbers."""
    seeds = np.random.SeedSequence([seed, n, *draw.__name__.encode(), *cov_type.encode()])
    generators = np.random.default_rng(seeds).spawn(replicates)
    held = np.array([_held(draw, cov_type, n, generator) for generator in generators])
    return Coverage(held.mean(axis=0), held.std(axis=0, ddof=1) / np.sqrt(replicates))


def _held(
    draw: Callable[[Generator, int], Sample], cov_type: str, n: int, generator: Generator
) -> NDArray[np.float64]:
    """Return which intervals of a sample are right, and the share for new observations."""
    sample = draw(generator, n)
    y = sample.X @ SLOPES + sample.errors
    model = HuberRegressor().fit(sample.X, y)
    summary = summarize(model, sample.X, y, cov_type=cov_type, groups=sample.groups)
    low, high = summary.confidence_interval().to_numpy().T
    truth = np.append(0.0, SLOPES)
    # At least as many as there are groups, of which the first are observed.
    new = draw(generator, N_GROUPS)
    X, observed = new.X[:NEW_ROWS], (new.X @ SLOPES + new.errors)[:NEW_ROWS]
    limits = summary.predict(X)
    within = (limits["pi_low"] <= observed) & (observed <= limits["pi_high"])
    return np.append((low <= truth) & (truth <= high), within.mean())


def main() -> None:
    """Simulate all cases and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--replicates", type=int, default=4000)
    parser.add_argument("--n", type=int, nargs="+", default=SIZES)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=1)
    arguments = parser.parse_args()
    tasks = [(*case, n) for case in CASES for n in arguments.n]
    found = Parallel(n_jobs=arguments.jobs)(
        delayed(coverage)(draw, cov_type, n, arguments.replicates, arguments.seed)
        for draw, cov_type, _, n in tasks
    )
    print("| errors | cov_type | n | intercept, % | slopes, % | new observation, % | in band |")
    print("|---|---|--:|--:|--:|--:|---|")
    for (draw, cov_type, claimed, n), result in zip(tasks, found, strict=True):
        slopes = 1 + np.argsort(result.share[1:5])
        cells = [_figure(result, [0]), _figure(result, slopes[[0, -1]]), _figure(result, [5])]
        verdict = ("yes" if result.in_band else "no") + ("" if claimed else " (no claim)")
        print(f"| {draw.__name__} | {cov_type} | {n} | {' | '.join(cells)} | {verdict} |")
    low, high = 100 * np.array(BAND)
    print(
        f"\nAfter ±, the Monte Carlo error (one standard error) of the share in "
        f"{arguments.replicates} replicates. The band: {low:g} to {high:g} %."
    )


def _figure(result: Coverage, index: Sequence[int] | NDArray[np.intp]) -> str:
    shares = " to ".join(f"{share:.1f}" for share in 100 * result.share[index])
    return f"{shares} ± {100 * result.error[index].max():.2f}"


if __name__ == "__main__":
    main()
