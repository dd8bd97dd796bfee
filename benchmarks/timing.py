"""Interleaved timing: cases run in turns, so that a disturbance affects all of them."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from machine import DISTURBED, OtherLoad, wait_until_quiet

#: Pause in seconds before cases that take longer than the pause. The BLAS threads of NumPy and
#: SciPy spin for some 30 ms after their last product and would slow down the next system.
SETTLE = 0.05


@dataclass
class Case:
    """One system on one problem, its times and its last result.

    Attributes
    ----------
    problem, system, library : str
    run : callable
        Function without arguments, whose return value is stored as ``result``.
    slow : bool
        Whether it is timed only a few times.
    seconds : list of float
    """

    problem: str
    system: str
    library: str
    run: Callable[[], Any]
    slow: bool = False
    seconds: list[float] = field(default_factory=list)
    result: Any = None
    warned: bool = False

    @property
    def median(self) -> float:
        """Median of the repeats, in seconds."""
        return float(np.median(self.seconds))

    @property
    def quartiles(self) -> tuple[float, float]:
        """First and third quartile of the repeats, in seconds."""
        low, high = np.quantile(self.seconds, (0.25, 0.75))
        return float(low), float(high)

    def once(self) -> float:
        """Run the case and return the seconds."""
        begin = time.perf_counter()
        self.result = self.run()
        return time.perf_counter() - begin


@dataclass(frozen=True)
class Effort:
    """The number of repeats: about ``seconds`` for each case, within limits.

    Attributes
    ----------
    seconds : float
        Wall-clock time for a case.
    least, most : int
        Limits of the repeats.
    slow : int
        Repeats of slow cases.
    """

    seconds: float
    least: int
    most: int
    slow: int

    def repeats(self, case: Case, duration: float) -> int:
        """Return the number of repeats for a case of this duration."""
        if case.slow and duration > self.seconds / self.least:
            return self.slow
        return int(np.clip(self.seconds / duration, self.least, self.most))


FULL = Effort(seconds=4.0, least=9, most=301, slow=3)
QUICK = Effort(seconds=0.5, least=3, most=51, slow=1)


def measure(
    cases: Sequence[Case],
    effort: Effort,
    report: Callable[[str], None],
    disturbed: Callable[[], bool],
) -> bool:
    """Run each case once to warm up, then all in turns; cases with fewer repeats skip some turns.

    Stops and returns False as soon as ``disturbed`` returns True.
    """
    plan = []
    for case in cases:
        duration = _warm_up(case)
        plan.append((case, effort.repeats(case, duration), SETTLE if duration > SETTLE else 0.0))
        report(f"{case.problem}: {case.library} {case.system}, {duration:.4f} s")
        if disturbed():
            return False
    rounds = max(repeats for _, repeats, _ in plan)
    for turn in range(rounds):
        for case, repeats, pause in plan:
            # Spread evenly, since the quotient increases in `repeats` of the `rounds` turns.
            if (turn + 1) * repeats // rounds > turn * repeats // rounds:
                time.sleep(pause)
                case.seconds.append(case.once())
        if disturbed():
            return False
    return True


def measure_undisturbed(
    cases: Sequence[Case], effort: Effort, report: Callable[[str], None], deadline: float
) -> OtherLoad:
    """Measure, again if other programs disturbed it and time is left; return their load."""
    while True:
        wait_until_quiet(deadline)
        for case in cases:
            case.seconds.clear()
        load = OtherLoad()

        def disturbed(load: OtherLoad = load) -> bool:
            return (load.cores() or 0.0) > DISTURBED and time.perf_counter() < deadline

        if measure(cases, effort, report, disturbed):
            return load
        report(f"other programs kept {load.cores():.2f} cores busy: once more")


def _warm_up(case: Case) -> float:
    """Run once and record warnings, and again if the first run was short, because of imports."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        duration = case.once()
    case.warned = bool(caught)
    return duration if duration > 1.0 else case.once()
