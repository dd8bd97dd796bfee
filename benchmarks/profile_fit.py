"""Measure where the time of one fit goes, stage by stage, in wall-clock time.

Run ``python benchmarks/profile_fit.py`` from the root of the repository; ``--help`` lists options.
During the fit, the functions of a stage are replaced by wrappers that start and stop a clock. The
time of a stage does not include the stages that it calls, so that the column adds up to the whole
fit. ``--functions`` adds cProfile's list of functions. The profiler inflates the times of short
functions, so use the stages for the shares of small fits.
"""

from __future__ import annotations

import argparse
import cProfile
import importlib
import pstats
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

import numpy as np
from problems import DENSE, dense_problem

from robustreg import HuberRegressor

#: Stage of each function, by the place where its caller looks it up. If a subclass inherits or
#: overrides a method, the method of each class is wrapped. Names that a version lacks are reported.
STAGES = {
    "robustreg.estimators.huber.validate_regression_data": "validation",
    "robustreg.estimators.huber.as_design": "working units",
    "robustreg.estimators.fitting.least_variance_delta": "choice of delta",
    "robustreg.estimators.huber.weights_and_outliers": "final weights",
    "robustreg.solvers.pilot_start": "start",
    "robustreg.solvers.rounds.local_model": "local model",
    "robustreg.solvers.lbfgs.minimize": "L-BFGS",
    "robustreg.solvers.newton.newton_search": "Newton",
    "robustreg.solvers.preconditioner.Preconditioner.from_gram": "preconditioner",
    "robustreg.solvers.preconditioner.Preconditioner.from_factor": "preconditioner",
    "robustreg.design.dense.DenseDesign.subsample": "subsample",
    "robustreg.design.dense.DenseDesign.value_and_gradient": "value and gradient",
    "robustreg.design.dense.DenseDesign.gram": "Hessian",
    "robustreg.design.dense.DenseDesign.triangular_factor": "Hessian by reflections",
    "robustreg.design.sparse.SparseDesign.subsample": "subsample",
    "robustreg.design.sparse.SparseDesign.value_and_gradient": "value and gradient",
    "robustreg.design.sparse.SparseDesign.gram": "Hessian",
    "robustreg.design.base.Design.inside_fraction": "statistics of residuals",
    "robustreg.design.base.Design.joint_scale": "statistics of residuals",
    "robustreg.design.base.Design.median_scale": "statistics of residuals",
    "robustreg.design.base.Design.response_location_and_spread": "statistics of residuals",
}

#: Stages whose inner stages are listed separately, since the start does not do the same as the
#: solver on all rows.
PARENTS = ("start",)

OTHER = "everything else"


class StageClock:
    """Wall-clock time of nested stages, each without the stages inside it."""

    def __init__(self) -> None:
        self.seconds: dict[tuple[str, ...], float] = {}
        self.calls: dict[tuple[str, ...], int] = {}
        self._stack: list[tuple[str, ...]] = []
        self._since = 0.0

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Add the time of the block to a stage."""
        self._charge()
        path = self._path(name)
        self._stack.append(path)
        self.calls[path] = self.calls.get(path, 0) + 1
        try:
            yield
        finally:
            self._charge()
            self._stack.pop()

    def _path(self, name: str) -> tuple[str, ...]:
        """Return the name of the stage, preceded by that of its outermost parent."""
        parents = [path[0] for path in self._stack if path[0] in PARENTS]
        return (parents[0], name) if parents and parents[0] != name else (name,)

    def _charge(self) -> None:
        now = time.perf_counter()
        if self._stack:
            path = self._stack[-1]
            self.seconds[path] = self.seconds.get(path, 0.0) + now - self._since
        self._since = now


def timed(function: Callable[..., Any], clock: StageClock, name: str) -> Callable[..., Any]:
    """Return the function with a clock."""

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        with clock.stage(name):
            return function(*args, **kwargs)

    return wrapper


@contextmanager
def wrapped_stages(clock: StageClock) -> Iterator[list[str]]:
    """Add clocks to the functions of ``STAGES``, and return the names that do not exist."""
    missing = []
    with ExitStack() as stack:
        for dotted, name in STAGES.items():
            owner, attribute = resolve(dotted)
            if owner is None:
                missing.append(dotted)
                continue
            raw = vars(owner).get(attribute)
            if raw is None:  # inherited, and wrapped in the base class
                continue
            method = isinstance(raw, classmethod)
            function = timed(raw.__func__ if method else raw, clock, name)
            stack.enter_context(
                patch.object(owner, attribute, classmethod(function) if method else function)
            )
        yield missing


def resolve(dotted: str) -> tuple[Any, str]:
    """Return the module or class that holds a name, and the last part of the name, or None."""
    parts = dotted.split(".")
    for split in range(len(parts) - 1, 0, -1):
        try:
            owner = importlib.import_module(".".join(parts[:split]))
        except ModuleNotFoundError:
            continue
        for part in parts[split:-1]:
            owner = getattr(owner, part, None)
        return (owner, parts[-1]) if hasattr(owner, parts[-1]) else (None, parts[-1])
    return None, parts[-1]


def profile_stages(model: HuberRegressor, X: Any, y: Any, repeats: int) -> tuple[StageClock, list]:
    """Return the clock of the fastest of several fits, which other processes disturbed least."""
    best, least = StageClock(), np.inf
    for _ in range(repeats):
        clock = StageClock()
        with wrapped_stages(clock) as missing, clock.stage(OTHER):
            model.fit(X, y)
        total = sum(clock.seconds.values())
        if total < least:
            best, least = clock, total
    return best, missing


def stage_table(clock: StageClock) -> str:
    """Return a Markdown table of the stages and their shares, in the order of their first end."""
    total = sum(clock.seconds.values())
    lines = ["| stage | calls | ms | share |", "|---|--:|--:|--:|"]
    order = sorted(clock.seconds, key=lambda path: (path == (OTHER,), path[0] not in PARENTS))
    for path in order:
        seconds = clock.seconds[path]
        name = " / ".join(path) if len(path) > 1 or path[0] not in PARENTS else f"{path[0]} / rest"
        lines.append(
            f"| {name} | {clock.calls[path]} | {1e3 * seconds:.3f} | {seconds / total:.1%} |"
        )
    lines.append(f"| the fit | | {1e3 * total:.3f} | |")
    return "\n".join(lines)


def print_functions(model: HuberRegressor, X: Any, y: Any, repeats: int) -> None:
    """Return cProfile's functions, sorted by the time spent in them alone."""
    profiler = cProfile.Profile()
    profiler.enable()
    for _ in range(repeats):
        model.fit(X, y)
    profiler.disable()
    pstats.Stats(profiler).sort_stats("tottime").print_stats(25)


def arguments() -> argparse.Namespace:
    """Parse the options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("problem", nargs="?", default="large", choices=sorted(DENSE))
    parser.add_argument("--delta", default="1.345", help='a number, "inf" or "auto"')
    parser.add_argument("--scale", default="joint", choices=["joint", "mad"])
    parser.add_argument("--solver", default="lbfgs", choices=["lbfgs", "newton"])
    parser.add_argument("--repeats", type=int, default=5, help="the fastest is shown")
    parser.add_argument("--functions", action="store_true", help="cProfile's list too")
    return parser.parse_args()


def main() -> None:
    """Fit, and print where the time went."""
    options = arguments()
    X, y = dense_problem(options.problem)
    delta = options.delta if options.delta == "auto" else float(options.delta)
    model = HuberRegressor(delta=delta, scale=options.scale, solver=options.solver).fit(X, y)
    clock, missing = profile_stages(model, X, y, options.repeats)
    print(f"n = {X.shape[0]:,}, p = {X.shape[1]}, delta = {options.delta}, "
          f"scale = {options.scale}, solver = {options.solver}: "
          f"{model.n_iter_} iterations, {model.n_passes_} passes over all rows\n")  # fmt: skip
    print(stage_table(clock))
    for name in missing:
        print(f"not in this version: {name}")
    if options.functions:
        print_functions(model, X, y, options.repeats)


if __name__ == "__main__":
    main()
