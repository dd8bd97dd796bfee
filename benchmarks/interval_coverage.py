"""Coverage of 95 % intervals by simulation: ``python benchmarks/interval_coverage.py``.

Prints a table in Markdown: the share of samples in which an interval holds the true value, with its
Monte Carlo error, for the intercept, for the least and the most covered of four slopes, and for new
observations; and whether all of them lie in the band that the project asks for. Cases that the
project makes no claim for are printed for comparison, and say so.

The cases at which intervals are hard to get are in ``interval_limits.py``, with tables of their
own: small samples, small thresholds, predictions, a chosen delta, and where no interval holds.
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

#: New observations in each replicate: they share its estimates, and more of them teach little.
NEW_ROWS = 5

#: Shares of 95 % intervals that hold the truth, between which the project's claims lie.
BAND = (0.935, 0.965)


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
    """Shares of intervals that hold the truth, and their Monte Carlo errors.

    The arrays have six entries: the intercept, four slopes, new observations.
    """

    share: NDArray[np.float64]
    error: NDArray[np.float64]

    @property
    def in_band(self) -> bool:
        """Whether all six lie in the band."""
        return bool(np.all((BAND[0] <= self.share) & (self.share <= BAND[1])))


def coverage(
    draw: Callable[[Generator, int], Sample], cov_type: str, n: int, replicates: int, seed: int = 0
) -> Coverage:
    """Simulate one case; cases of one seed do not share their numbers."""
    seeds = np.random.SeedSequence([seed, n, *draw.__name__.encode(), *cov_type.encode()])
    generators = np.random.default_rng(seeds).spawn(replicates)
    held = np.array([_held(draw, cov_type, n, generator) for generator in generators])
    return Coverage(held.mean(axis=0), held.std(axis=0, ddof=1) / np.sqrt(replicates))


def _held(
    draw: Callable[[Generator, int], Sample], cov_type: str, n: int, generator: Generator
) -> NDArray[np.float64]:
    """Which intervals of one sample hold the truth; of new observations, the share."""
    sample = draw(generator, n)
    y = sample.X @ SLOPES + sample.errors
    model = HuberRegressor().fit(sample.X, y)
    summary = summarize(model, sample.X, y, cov_type=cov_type, groups=sample.groups)
    low, high = summary.confidence_interval().to_numpy().T
    truth = np.append(0.0, SLOPES)
    # As many as there are groups at least, of which the first are observed.
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
