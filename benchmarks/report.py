"""The tables of ``compare.py`` in Markdown: times, floors, memory, claims."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from cost import Memory
from systems import GRAM, LEAST_SQUARES, OURS, PASS
from timing import Case

Table = dict[tuple[str, str, str], Case]


class Fit(NamedTuple):
    """Facts about a Huber fit beside its time; None if they do not apply."""

    iterations: int | None = None
    passes: int | None = None
    grams: int | None = None
    distance: float | None = None
    certified: bool = False  # the distance is the certificate of the fit, not measured here


class Claim(NamedTuple):
    """A target of the project and the measured figure."""

    text: str
    target: str
    measured: float
    met: bool
    unit: str = "×"

    def row(self) -> tuple[str, ...]:
        """Return its line in the table."""
        figure = f"{self.measured:.0f}" if self.unit == "" else f"{self.measured:.2f} {self.unit}"
        return self.text, self.target, figure, "yes" if self.met else "**no**"


def markdown(header: Sequence[str], rows: Iterable[Sequence[str]], text_columns: int = 1) -> str:
    """Return a table in which the columns after the first ``text_columns`` are aligned right."""
    rules = ["---"] * text_columns + ["--:"] * (len(header) - text_columns)
    return "\n".join("| " + " | ".join(row) + " |" for row in [header, rules, *rows])


def seconds(value: float) -> str:
    """Format a time with three digits, in ms below a tenth of a second."""
    return f"{value:#.3g} s" if value >= 0.1 else f"{1e3 * value:#.3g} ms"


def time_table(cases: Sequence[Case], fits: dict[tuple[str, str, str], Fit]) -> str:
    """Return the times of all systems on one problem, fastest first, with facts about the fits."""
    base = next((case.median for case in cases if case.system == LEAST_SQUARES), float("nan"))
    rows = []
    for case in sorted((c for c in cases if c.library != "floor"), key=lambda c: c.median):
        fit = fits.get(key(case), Fit())
        low, high = case.quartiles
        rows.append((
            f"{case.library} `{case.system}`",
            seconds(case.median),
            f"{seconds(low)} to {seconds(high)}",
            str(len(case.seconds)),
            f"{case.median / base:.2f}",
            _count(fit.iterations),
            _count(fit.passes),
            _distance(fit) + (" (warned)" if case.warned else ""),
        ))  # fmt: skip
    header = ["system", "median", "quartiles", "repeats", "× LinearRegression", "iterations",
              "passes", "standard errors from the minimiser"]  # fmt: skip
    return markdown(header, rows)


def _count(value: int | None) -> str:
    return "" if value is None else str(value)


def _distance(fit: Fit) -> str:
    if fit.distance is None:
        return ""
    return f"{fit.distance:.1e}" + (" (certificate)" if fit.certified else "")


def floor_lines(
    cases: Sequence[Case], fits: dict[tuple[str, str, str], Fit], shape: tuple[int, int],
    bytes_of_X: int,
) -> str:  # fmt: skip
    """Return the lower bound of a problem from the same run, and the ratio of our times to it."""
    times = {case.system: case.median for case in cases if case.library == "floor"}
    n, p = shape
    once, gram = times[PASS], times.get(GRAM)
    speed = f"{bytes_of_X / once / 1e9:.1f} GB/s"
    lines = [f"One pass: {bytes_of_X / 1e6:.0f} MB of X in {seconds(once)}, {speed}."]
    if gram is not None:
        flops = n * p * (p + 1)
        lines.append(f"One Gram matrix: {flops / 1e9:.2f} GFLOP in {seconds(gram)}, "
                     f"{flops / gram / 1e9:.0f} GFLOP/s.")  # fmt: skip
        lines.append(f"The floor of an exact method, one Gram matrix and two passes: "
                     f"{seconds(gram + 2 * once)}.")  # fmt: skip
    for case in cases:
        fit = fits.get(key(case), Fit())
        if case.library != "robustreg" or fit.passes is None or fit.grams is None:
            continue
        least = fit.passes * once + fit.grams * (gram or 0.0)
        lines.append(f"`{case.system}`: {_plural(fit.passes, 'pass', 'passes')}, "
                     f"{_plural(fit.grams, 'Gram matrix', 'Gram matrices')}: {seconds(least)} "
                     f"of its {seconds(case.median)}.")  # fmt: skip
    return "\n".join(f"- {line}" for line in lines)


def _plural(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def memory_table(found: Sequence[tuple[str, str, Memory]]) -> str:
    """Return the peak memory in addition to X and y; the limit applies to our fits."""
    rows = [
        (f"{problem}: `{system}`", f"{m.X / 1e6:.1f}", f"{m.peak / 1e6:.1f}",
         f"{m.limit / 1e6:.1f}" if system in OURS else "",
         "no" if m.not_copied else "room for one")
        for problem, system, m in found
    ]  # fmt: skip
    header = ["fit", "X, MB", "peak beside X and y, MB", "limit, MB", "copy of X"]
    return markdown(header, rows)


def claim_table(claims: Sequence[Claim]) -> str:
    """Return the table of targets, figures, and whether they are met."""
    return markdown(["claim", "target", "measured", "met"], [claim.row() for claim in claims])


def key(case: Case) -> tuple[str, str, str]:
    """Return the key of a case, with the library, since two libraries have a HuberRegressor."""
    return case.problem, case.library, case.system


def index(cases: Iterable[Case]) -> Table:
    """Return the cases by their keys."""
    return {key(case): case for case in cases}


def fit_facts(result: Any) -> Fit:
    """Return the facts that a fit of ours reports about itself."""
    return Fit(result.n_iter_, result.n_passes_, None, result.optimality_, certified=True)
