"""Compare speed and memory with other libraries: ``python benchmarks/compare.py``.

All systems run in turns in one process, and the figures are medians. BLAS uses as many threads as
the machine gives it. The tables are in Markdown and also show which of the project's targets are
met. They go to the standard output and to ``--output``, and progress goes to the standard error. A
full run takes about ten minutes, with ``--quick`` two. ``--only`` selects problems.
"""

from __future__ import annotations

import argparse
import sys
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

from claims import memory_claims, pass_claims, speed_claims
from cost import Memory, gram_matrices, memory_of
from machine import load_line, machine_lines
from problems import DENSE, SPARSE, problem
from report import (
    Fit,
    claim_table,
    fit_facts,
    floor_lines,
    index,
    key,
    memory_table,
    time_table,
)
from systems import (
    AUTO,
    LEAST_SQUARES,
    OURS,
    PLAIN,
    SKLEARN_HUBER,
    STATSMODELS,
    distance_to,
    systems,
)
from timing import FULL, QUICK, Case, Effort, measure_undisturbed

from robustreg import HuberRegressor

#: Problems in one line are compared with one another, and therefore timed in turns.
GROUPS = [["large", "badly scaled"], ["wide"], ["long"], ["small"], ["sparse"]]

#: Problems and fits for which memory is measured.
MEMORY_PROBLEMS, MEMORY_FITS = ("large", "wide", "long"), (PLAIN, AUTO, LEAST_SQUARES)

#: The exact minimiser with which Huber fits of other libraries are compared, by their names.
REFERENCES = {
    SKLEARN_HUBER: HuberRegressor(tol=1e-8),
    STATSMODELS: HuberRegressor(scale="mad", tol=1e-8),
}

Key = tuple[str, str, str]


class Benchmark:
    """The results of one run.

    Parameters
    ----------
    effort : Effort
        How often to repeat.
    deadline : float
        Time of ``perf_counter`` until which the run waits for other programs and repeats
        measurements that they disturbed.
    """

    def __init__(self, effort: Effort, deadline: float) -> None:
        self.effort = effort
        self.deadline = deadline
        self.cases: list[Case] = []
        self.fits: dict[Key, Fit] = {}
        self.memory: list[tuple[str, str, Memory]] = []
        self.sections: list[str] = []

    def run(self, names: list[str]) -> None:
        """Time the problems of one group together, then measure the other costs of the fits."""
        data = {name: problem(name) for name in names}
        cases = [
            Case(name, system.name, system.library, partial(system.fit, X, y), system.slow)
            for name, (X, y) in data.items()
            for system in systems(name, is_sparse=name in SPARSE)
        ]
        load = load_line(measure_undisturbed(cases, self.effort, tell, self.deadline).cores())
        self.cases += cases
        for name, (X, y) in data.items():
            of_problem = [case for case in cases if case.problem == name]
            self._examine(of_problem, X, y)
            self._write(name, of_problem, X, load)
            if name in MEMORY_PROBLEMS:
                self._weigh(name, X, y)

    def _examine(self, cases: list[Case], X: Any, y: Any) -> None:
        for case in cases:
            if case.library == "robustreg":
                facts = fit_facts(case.result)
                if case.problem in DENSE:
                    fit = OURS[case.system]
                    grams = gram_matrices(lambda X, y, fit=fit: fit().fit(X, y), X, y)
                    facts = facts._replace(grams=grams)
                self.fits[key(case)] = facts
            elif case.system in REFERENCES:
                reference = REFERENCES[case.system].fit(X, y)
                iterations = (
                    getattr(case.result, "n_iter_", None) or case.result.fit_history["iteration"]
                )
                distance = distance_to(reference, X, y, case.result)
                self.fits[key(case)] = Fit(iterations=iterations, distance=distance)

    def _write(self, name: str, cases: list[Case], X: Any, load: str) -> None:
        n, p = X.shape
        size = f"n = {n:,}, p = {p:,}"
        if name in SPARSE:
            size += f", {SPARSE[name][2]} non-zeros a row"
        n_bytes = X.data.nbytes + X.indices.nbytes if name in SPARSE else X.nbytes
        floor = floor_lines(cases, self.fits, X.shape, n_bytes)
        self.sections.append(
            f"### {name}: {size}\n\n{time_table(cases, self.fits)}\n\n{floor}\n\n{load}"
        )

    def _weigh(self, name: str, X: Any, y: Any) -> None:
        for system in systems(name, is_sparse=False):
            if system.name in MEMORY_FITS:
                self.memory.append((name, system.name, memory_of(system.fit, X, y)))

    def text(self) -> str:
        """Return all tables."""
        claims = speed_claims(index(self.cases))
        claims += pass_claims(self.fits) + memory_claims(self.memory)
        parts = ["# Speed and memory", machine_lines(), "## Claims", claim_table(claims)]
        parts += ["## Times", *self.sections]
        if self.memory:
            parts += ["## Memory beside X and y", memory_table(self.memory)]
        return "\n\n".join(parts) + "\n"


def tell(line: str) -> None:
    """Print progress to the standard error."""
    print(line, file=sys.stderr, flush=True)


def arguments() -> argparse.Namespace:
    """Parse the options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    names = [*DENSE, *SPARSE]
    parser.add_argument("--quick", action="store_true", help="few repeats")
    parser.add_argument("--only", metavar="NAME", action="append", choices=names,
                        help=f"a problem, of {', '.join(names)}; may be repeated")  # fmt: skip
    patience = "wait so long for a quiet machine, and repeat what was disturbed"
    parser.add_argument("--patience", type=float, default=0.0, metavar="MINUTES", help=patience)
    parser.add_argument("--output", type=Path, help="a file for the tables")
    return parser.parse_args()


def main() -> None:
    """Run the benchmark and print the tables."""
    options = arguments()
    deadline = perf_counter() + 60.0 * options.patience
    benchmark = Benchmark(QUICK if options.quick else FULL, deadline)
    for group in GROUPS:
        wanted = [name for name in group if options.only is None or name in options.only]
        if wanted:
            benchmark.run(wanted)
    text = benchmark.text()
    print(text)
    if options.output:
        options.output.write_text(text)


if __name__ == "__main__":
    main()
