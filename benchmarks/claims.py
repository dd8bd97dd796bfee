"""Compare the project's targets for speed and memory with one run of ``compare.py``."""

from __future__ import annotations

from collections.abc import Sequence

from cost import Memory
from problems import SPARSE
from report import Claim, Fit, Table
from systems import AUTO, LEAST_SQUARES, PLAIN, RIDGE, SKLEARN_HUBER, STATSMODELS

#: (problem, library, system, most): our median time divided by theirs must be at most ``most``.
AT_MOST = [
    ("large", "scikit-learn", LEAST_SQUARES, 0.6),
    ("large", "scikit-learn", RIDGE, 2.5),
    ("wide", "scikit-learn", LEAST_SQUARES, 1.0),
    ("long", "scikit-learn", LEAST_SQUARES, 1.2),
    ("small", "scikit-learn", LEAST_SQUARES, 1.6),
]

#: (problem, library, system, least): their median time divided by ours must be at least ``least``.
TIMES_FASTER = [
    ("large", "scikit-learn", SKLEARN_HUBER, 15.0),
    ("large", "statsmodels", STATSMODELS, 80.0),
    ("small", "scikit-learn", SKLEARN_HUBER, 1.0),
    ("sparse", "scikit-learn", SKLEARN_HUBER, 1.0),
]

#: Largest ratio of the time on badly scaled data to that on other data, and of delta="auto" to a
#: plain fit.
SCALING, AUTOMATIC = 1.3, 1.5

#: Most passes of a fit, and of one with sparse X or with the MAD.
MOST_PASSES, MOST_OF_SPARSE_OR_MAD = 12, 16


def speed_claims(table: Table) -> list[Claim]:
    """Return the claims on times, except those for problems that were not run."""
    found = []
    for problem, library, system, most in AT_MOST:
        ours, theirs = _pair(table, problem, library, system)
        if ours and theirs:
            text = f"{problem}: time, divided by that of {library}'s `{system}`"
            found.append(Claim(text, f"at most {most:g} ×", ours / theirs, ours / theirs <= most))
    for problem, library, system, least in TIMES_FASTER:
        ours, theirs = _pair(table, problem, library, system)
        if ours and theirs:
            text = f"{problem}: time of {library}'s `{system}`, divided by that of robustreg"
            ratio = theirs / ours
            target = f"at least {least:g} ×" if least > 1.0 else "above 1 ×"
            found.append(Claim(text, target, ratio, ratio >= least))
    return found + _against_plain(table)


def _against_plain(table: Table) -> list[Claim]:
    found = []
    unscaled = table.get(("large", "robustreg", PLAIN))
    scaled = table.get(("badly scaled", "robustreg", PLAIN))
    if scaled and unscaled:
        ratio = scaled.median / unscaled.median
        text = "columns scaled over 1e6, y by 1e5: time, divided by the unscaled one"
        found.append(Claim(text, f"at most {SCALING:g} ×", ratio, ratio <= SCALING))
    for (problem, library, system), case in table.items():
        if (library, system) != ("robustreg", AUTO):
            continue
        ratio = case.median / table[problem, library, PLAIN].median
        text = f'{problem}: time of `delta="auto"`, divided by that of a plain fit'
        found.append(Claim(text, f"at most {AUTOMATIC:g} ×", ratio, ratio <= AUTOMATIC))
    return found


def _pair(
    table: Table, problem: str, library: str, system: str
) -> tuple[float | None, float | None]:
    ours = table.get((problem, "robustreg", PLAIN))
    theirs = table.get((problem, library, system))
    return (ours.median if ours else None), (theirs.median if theirs else None)


def pass_claims(fits: dict[tuple[str, str, str], Fit]) -> list[Claim]:
    """Return the largest number of passes of our fits, for dense and for sparse X."""
    most: dict[str, tuple[int, int]] = {}
    for (problem, library, system), fit in fits.items():
        if library == "robustreg" and fit.passes:
            text = f"{'sparse' if problem in SPARSE else 'dense'} X: most passes of `{system}`"
            harder = problem in SPARSE or "mad" in system
            limit = MOST_OF_SPARSE_OR_MAD if harder else MOST_PASSES
            most[text] = max(fit.passes, most.get(text, (0, 0))[0]), limit
    return [
        Claim(text, f"at most {limit}", passes, passes <= limit, "")
        for text, (passes, limit) in most.items()
    ]


def memory_claims(found: Sequence[tuple[str, str, Memory]]) -> list[Claim]:
    """Return the claim on memory of our fits: a tenth of X plus twelve vectors of length n."""
    return [
        Claim(f"{problem}: peak memory of `{system}`", f"below {memory.limit / 1e6:.1f} MB",
              memory.peak / 1e6, memory.met, "MB")
        for problem, system, memory in found
        if system in (PLAIN, AUTO)
    ]  # fmt: skip
