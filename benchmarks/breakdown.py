"""How many wrong responses a fit can resist: ``python benchmarks/breakdown.py --output FILE``.

Prints a table in Markdown. It has the smallest share of far outliers at which the fit breaks down,
by the number of parameters per row, both simulated and for infinitely many rows. This takes two
minutes on one core.
"""

from __future__ import annotations

import argparse
import warnings
from bisect import bisect_left
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import numpy as np
from machine import machine_lines
from report import markdown
from scipy.optimize import root
from scipy.stats import norm
from sklearn.exceptions import ConvergenceWarning

from robustreg import HuberRegressor
from robustreg.tuning import kappa

Scale = Literal["joint", "mad"]

#: Standard normal columns and errors; k = p + 1 parameters.
DELTA, ROWS, COLUMNS_PER_ROW = 1.345, (50, 100, 200, 400), (0.005, 0.05, 0.1, 0.2, 0.3)

#: Distance of the outliers, and the scale above which a fit has broken down. Near breakdown the
#: scale is inflated by up to about n.
FAR, BROKEN = 1e8, 1e4

CASES: list[tuple[Scale, bool]] = [("joint", True), ("joint", False), ("mad", True), ("mad", False)]


def first_breaking_share(
    rng: np.random.Generator, n: int, p: int, scale: Scale, two_sided: bool
) -> float:
    """Return the smallest share of outliers for one order of rows at which the fit diverges."""
    X, errors, order = rng.normal(size=(n, p)), rng.normal(size=n), rng.permutation(n)
    signs = rng.choice([-1.0, 1.0], n) if two_sided else np.ones(n)

    def diverges(count: int) -> bool:
        y = errors.copy()
        y[order[:count]] = FAR * signs[:count]
        with warnings.catch_warnings():  # a fit that diverges may warn
            warnings.simplefilter("ignore", ConvergenceWarning)
            return HuberRegressor(delta=DELTA, scale=scale).fit(X, y).scale_ > BROKEN

    return bisect_left(range(n), True, key=diverges) / n


def limiting_share(scale: Scale, two_sided: bool, ratio: float) -> float:
    """Return this share for many rows and normal columns, at a ratio k / n of parameters to rows.

    Let psi = clip(e, -t, t) in units of t. If a row is left out of the fit, the fit has the row
    inside the threshold for errors in an interval with half width a and center b, in units of the
    deviation of such fits. With Z standard normal, right rows have psi = clip((Z - b) / a, -1, 1),
    and outliers psi = 1. Leaving a row out changes its residual by an amount that does not depend
    on the row (El Karoui et al., PNAS 110, 2013), so that with v = mean(psi²)

        (1 - share) P(|Z - b| <= a) = a sqrt(v k / n)
        v = (2 kappa / delta²) (1 - k / n)               joint scale
        (1 - share) P(|Z - b| <= a q) = 1/2              MAD, q = 0.6745 / delta
        mean(psi) = 0                                    outliers on one side; else b = 0
    """
    quartile = norm.ppf(0.75) / DELTA
    bound = 2.0 * kappa(DELTA) / DELTA**2

    def equations(unknown: np.ndarray, ratio: float) -> list[float]:
        share, a, b = unknown[0], np.exp(unknown[1]), unknown[2] * np.exp(unknown[1])
        first, second, inside = _moments(a, b)
        v = (1.0 - share) * second + share
        scale_equation = v - bound * (1.0 - ratio)
        if scale == "mad":
            scale_equation = (1.0 - share) * _moments(a * quartile, b)[2] - 0.5
        balance = unknown[2] if two_sided else (1.0 - share) * first + share
        slopes = (1.0 - share) * inside - a * np.sqrt(max(v, 0.0) * ratio)
        return [slopes, scale_equation, balance]

    # Starts from the limit k / n = 0, which has a formula, and proceeds in small steps.
    known = {"joint": (bound, bound / (1 + bound)), "mad": (0.5, quartile / (1 + quartile))}
    share = known[scale][0 if two_sided else 1]
    center = 0.0 if two_sided else share / (1.0 - share)
    start = np.array([share, np.log((1.0 - share) / np.sqrt(1e-4 * share)), 0.999 * center])
    for step in np.geomspace(1e-4, ratio, 40):
        start = root(equations, start, args=(step,), tol=1e-10).x
    return float(start[0])


def _moments(a: float, b: float) -> tuple[float, float, float]:
    """Return the means of psi and psi² of right rows, and their share inside the threshold."""
    low, high = b - a, b + a
    below, above = norm.cdf(low), norm.sf(high)
    inside = 1.0 - below - above
    first = norm.pdf(low) - norm.pdf(high)
    second = inside + low * norm.pdf(low) - high * norm.pdf(high)
    psi = (first - b * inside) / a + above - below
    return psi, (second - 2.0 * b * first + b**2 * inside) / a**2 + above + below, inside


def table(samples: int) -> Iterator[list[str]]:
    """Return the lines of the table, one for each number of rows and columns."""
    for per_row in COLUMNS_PER_ROW:
        for n in ROWS:
            p = round(per_row * n)
            if p == 0:
                continue
            line = [f"{per_row:g}", str(n), str(p)]
            for scale, two_sided in CASES:
                rng = np.random.default_rng(n + p)
                shares = [first_breaking_share(rng, n, p, scale, two_sided) for _ in range(samples)]
                error = np.std(shares, ddof=1) / np.sqrt(samples)
                limit = limiting_share(scale, two_sided, (p + 1) / n)
                line.append(f"{np.mean(shares):.3f} ± {error:.3f} ({limit:.3f})")
            yield line


def main() -> None:
    """Simulate the table and print it, or write it to a file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=8)
    parser.add_argument("--output", type=Path, help="file for the table")
    arguments = parser.parse_args()
    header = ["p / n", "n", "p", "joint, two sides", "joint, one side", "MAD, two sides",
              "MAD, one side"]  # fmt: skip
    text = (
        f"# Breakdown\n\n{machine_lines()}\n\nThe smallest share of far outliers at which the fit "
        f"breaks down, delta = {DELTA:g}: mean of {arguments.samples} samples ± one standard "
        "error, and in brackets the limit for many rows at the same (p + 1) / n.\n\n"
        + markdown(header, table(arguments.samples), text_columns=0)
    )
    print(text)
    if arguments.output:
        arguments.output.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
