"""Simulate the coverage of intervals in difficult cases: ``python benchmarks/interval_limits.py``.

Prints tables in Markdown for one group of cases or for all. They have the share of samples in which
an interval contains the true value, with its Monte Carlo error, and the share of samples whose
summary has the note that belongs to the case.

- ``small``: the default at n = 30 with skewed errors, for the value that the intercept estimates;
- ``thresholds``: delta = 0.3 at n = 100;
- ``predictions``: new observations, at 90 and 95 %;
- ``choice``: the bootstrap after ``delta="auto"``, compared with the formula;
- ``limits``: cases in which no interval is valid, and the notes that say so.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from numpy.random import Generator
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parent))

from interval_coverage import EXPONENTIAL_LOCATION
from report import markdown

from robustreg import HuberRegressor
from robustreg.inference import summarize

Draw = Callable[[Generator, int], NDArray[np.float64]]

#: The value that the intercept estimates at delta = 1.345 with the joint scale, like
#: ``EXPONENTIAL_LOCATION``: tests/test_inference_coverage.py solves the equations.
LOGNORMAL_LOCATION, CHI_SQUARED_LOCATION, ONE_SIDED_LOCATION = 1.22918956, 0.69884910, 1.17922605

#: New observations in each replicate.
NEW_ROWS = 10


def normal(rng: Generator, n: int) -> NDArray[np.float64]:
    """Errors with the Gaussian distribution."""
    return rng.normal(size=n)


def student(rng: Generator, n: int) -> NDArray[np.float64]:
    """Heavy tails: Student's t with three degrees of freedom."""
    return rng.standard_t(3, size=n)


def contaminated(rng: Generator, n: int) -> NDArray[np.float64]:
    """One error in ten has ten times the spread."""
    return np.where(rng.random(n) < 0.1, 10.0, 1.0) * rng.normal(size=n)


def exponential(rng: Generator, n: int) -> NDArray[np.float64]:
    """Skewed errors."""
    return rng.exponential(size=n) - EXPONENTIAL_LOCATION


def lognormal(rng: Generator, n: int) -> NDArray[np.float64]:
    """More skewed errors."""
    return rng.lognormal(size=n) - LOGNORMAL_LOCATION


def chi_squared(rng: Generator, n: int) -> NDArray[np.float64]:
    """Errors of chi-squared with one degree of freedom, whose density is infinite at zero."""
    return rng.chisquare(1, size=n) - CHI_SQUARED_LOCATION


def one_sided(rng: Generator, n: int) -> NDArray[np.float64]:
    """Errors of which a quarter, on average, is far above; the distance does not matter."""
    return rng.normal(size=n) + 20.0 * (rng.random(n) < 0.25) - ONE_SIDED_LOCATION


@dataclass(frozen=True)
class Case:
    """One kind of sample, and the intervals that are computed.

    Parameters
    ----------
    errors : callable
    n, p : int
    delta : float or "auto"
    scale : str
    X : {"normal", "lognormal", "levels", "groups"}
        Columns; dummies of levels with equal numbers of rows; or columns that are the same within
        eight groups.
    uneven : bool
        Whether the spread of the errors grows with the first column.
    options : dict
        Options of ``summarize``.
    note : str
        Text of the note that belongs to the case.
    """

    errors: Draw
    n: int
    p: int
    delta: float | str = 1.345
    scale: str = "joint"
    X: str = "normal"
    uneven: bool = False
    options: dict[str, Any] = field(default_factory=dict)
    note: str = ""

    def columns(self, rng: Generator, n: int) -> NDArray[np.float64]:
        """Draw X."""
        if self.X == "levels":
            return np.eye(self.p + 1)[np.arange(n) % (self.p + 1)][:, 1:]
        if self.X == "groups":
            return rng.normal(size=(8, self.p))[self.groups(n)]
        return (
            rng.lognormal(size=(n, self.p))
            if self.X == "lognormal"
            else rng.normal(size=(n, self.p))
        )

    def groups(self, n: int) -> NDArray[np.intp]:
        """Return eight groups."""
        return np.arange(n) % 8

    def held(self, rng: Generator) -> NDArray[np.float64]:
        """Return which intervals of a sample are right, as in ``SHARES``, and the note."""
        X, errors = self.columns(rng, self.n), self.errors(rng, self.n)
        if self.uneven:
            errors = errors * np.sqrt(0.25 + X[:, 0] ** 2)
        options = dict(self.options)
        if self.X == "groups":
            options["groups"] = self.groups(self.n)
            errors = errors + rng.normal(size=8)[self.groups(self.n)]
        if options.get("cov_type") == "bootstrap":
            options["random_state"] = int(rng.integers(2**31))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = HuberRegressor(delta=self.delta, scale=self.scale, max_iter=1000)
            summary = summarize(model.fit(X, errors), X, errors, **options)
        low, high = summary.confidence_interval(0.95).to_numpy().T
        within = (low <= 0.0) & (high >= 0.0)
        new, observed = self.columns(rng, NEW_ROWS), self.errors(rng, NEW_ROWS)
        share = []
        for level in (0.9, 0.95):
            limits = summary.predict(new, level=level)
            share.append(((limits["pi_low"] <= observed) & (observed <= limits["pi_high"])).mean())
        accepted = summary.wald_test(list(summary.names[1:])).p_value > 0.05
        noted = any(self.note in note for note in summary.notes)
        return np.array([within[0], within[1], within[1:].mean(), *share, accepted, noted])

    def coverage(self, replicates: int, seed: int = 0) -> tuple[NDArray, NDArray]:
        """Return shares and their Monte Carlo errors."""
        label = (
            self.errors.__name__,
            self.n,
            self.p,
            self.delta,
            self.X,
            self.uneven,
            self.options,
        )
        seeds = np.random.SeedSequence([seed, *str(label).encode()])
        held = [self.held(rng) for rng in np.random.default_rng(seeds).spawn(replicates)]
        return np.mean(held, axis=0), np.std(held, axis=0, ddof=1) / np.sqrt(replicates)


BOOTSTRAP = {"cov_type": "bootstrap", "n_bootstrap": 400}
WILD = {**BOOTSTRAP, "bootstrap": "wild"}
SANDWICH = {"cov_type": "HC3"}

#: Cases and the shares that are shown for them.
GROUPS: dict[str, tuple[list[Case], list[int]]] = {
    "small": (
        [Case(e, 30, p) for e in (normal, exponential, lognormal, chi_squared) for p in (1, 4)],
        [0, 2],
    ),
    "thresholds": (
        [Case(e, 100, p, delta=0.3) for e in (normal, student) for p in (4, 20)],
        [0, 2],
    ),
    "predictions": (
        [Case(e, n, p) for n, p in ((20, 4), (60, 20), (100, 30)) for e in (normal, student)],
        [3, 4],
    ),
    "choice": (
        [
            Case(e, 100, 4, delta="auto", options=options, note=note)
            for options, note in ((BOOTSTRAP, ""), ({}, "delta was chosen"))
            for e in (normal, student, contaminated)
        ],
        [0, 2, 6],
    ),
    "limits": (
        [
            Case(normal, 30, 4, X="lognormal", uneven=True, options=SANDWICH, note="rests on"),
            Case(normal, 100, 4, X="lognormal", uneven=True, options=SANDWICH, note="rests on"),
            Case(normal, 30, 4, uneven=True, options=SANDWICH, note="rests on"),
            Case(normal, 100, 4, uneven=True, options=SANDWICH, note="rests on"),
            Case(normal, 40, 7, X="levels", options=SANDWICH, note="rests on"),
            Case(normal, 80, 2, X="groups", options=WILD, note="fewer than about 20"),
            Case(normal, 80, 2, X="groups", options={"cov_type": "CR3"}, note="fewer than about"),
            Case(one_sided, 100, 4, note="a smaller delta"),
            Case(one_sided, 400, 4, note="a smaller delta"),
            Case(normal, 50, 6, options=SANDWICH, note="rests on"),
            Case(normal, 100, 6, options=SANDWICH, note="rests on"),
            Case(normal, 100, 30, scale="mad", note="the MAD is low"),
            Case(normal, 400, 4, X="lognormal", note="leverage"),
        ],
        [0, 1, 2, 5, 6],
    ),
}

SHARES = ("intercept", "first slope", "slopes", "new, 90 %", "new, 95 %", "Wald test", "note")


def _row(case: Case, found: tuple[NDArray, NDArray], shown: list[int]) -> tuple[str, ...]:
    share, error = found
    options = ", ".join(str(value) for value in case.options.values()) or "default"
    cells = [f"{100 * share[i]:.1f} ± {100 * error[i]:.2f}" for i in shown]
    kind = case.errors.__name__ + (", uneven" if case.uneven else "")
    kind += f", X {case.X}" if case.X != "normal" else ""
    return (kind, str(case.n), str(case.p), str(case.delta), options, *cells)


def main() -> None:
    """Simulate the requested groups and print their tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("groups", nargs="*", default=list(GROUPS))
    parser.add_argument("--only", type=int, nargs="+", help="numbers of cases, from zero")
    parser.add_argument("--replicates", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=1)
    arguments = parser.parse_args()
    for name in arguments.groups:
        cases, shown = GROUPS[name]
        cases = cases if arguments.only is None else [cases[i] for i in arguments.only]
        found = Parallel(n_jobs=arguments.jobs, return_as="generator")(
            delayed(Case.coverage)(case, arguments.replicates, arguments.seed) for case in cases
        )
        head = ["errors", "n", "p", "delta", "covariance", *(SHARES[i] for i in shown)]
        print(f"\n{name}, {arguments.replicates} replicates\n\n{markdown(head, [])}", flush=True)
        for case, each in zip(cases, found, strict=True):
            print("| " + " | ".join(_row(case, each, shown)) + " |", flush=True)


if __name__ == "__main__":
    main()
