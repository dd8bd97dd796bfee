"""Compare MM regression with other programs: speed, search for the lowest minimum, and bias.

    python benchmarks/high_breakdown.py [--seeds 20] [--repeats 5] [--without NAME] [--write]

It is compared with R's robustbase, statsmodels' RLMDetSMM and pylmrob, if installed. All are timed
in turns. statsmodels takes most of an hour; ``--without statsmodels`` leaves it out. ``--write``
writes the tables to results/high_breakdown.md.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LinearRegression

from robustreg import HuberRegressor, MMRegressor

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from hard_cases import CASES, hard_case, scale_from

SIZES = ((1_000, 10), (20_000, 20), (100_000, 10))
RESULTS = Path(__file__).parent / "results" / "high_breakdown.md"

#: Times only the fit, without starting R and reading the file.
LMROB = """
library(robustbase)
d <- read.csv(commandArgs(TRUE)[1])
set.seed(1)
t <- system.time(m <- lmrob(y ~ ., d, control = lmrob.control(k.max = 1000, maxit.scale = 1000)))
cat(t[["elapsed"]], m$scale, "\\n")
"""

#: Result of a fit: seconds and the scale.
Fit = Callable[[NDArray[Any], NDArray[Any]], tuple[float, float]]


def timed(model: Any, scale: Callable[[Any], float]) -> Fit:
    """Return a regressor with scikit-learn's interface as a ``Fit``."""

    def fit(X: NDArray[Any], y: NDArray[Any]) -> tuple[float, float]:
        begin = time.perf_counter()
        model.fit(X, y)
        return time.perf_counter() - begin, scale(model)

    return fit


def lmrob(X: NDArray[Any], y: NDArray[Any]) -> tuple[float, float]:
    """Fit by lmrob of R, which uses 500 random subsets by default."""
    with tempfile.TemporaryDirectory() as folder:
        file, script = Path(folder) / "data.csv", Path(folder) / "fit.R"
        head = ",".join([*(f"x{j}" for j in range(X.shape[1])), "y"])
        np.savetxt(file, np.column_stack((X, y)), delimiter=",", header=head, comments="")
        script.write_text(LMROB)
        done = subprocess.run(
            ["Rscript", str(script), str(file)], capture_output=True, text=True, check=True
        )
    seconds, scale = done.stdout.split()[-2:]
    return float(seconds), float(scale)


def statsmodels_mm(X: NDArray[Any], y: NDArray[Any]) -> tuple[float, float]:
    """Fit by the deterministic S-MM estimator of statsmodels."""
    from statsmodels.robust.resistant_linear_model import RLMDetSMM

    begin = time.perf_counter()
    found = RLMDetSMM(y, np.column_stack((np.ones(len(y)), X))).fit()
    return time.perf_counter() - begin, float(found.scale)


def pylmrob_mm(X: NDArray[Any], y: NDArray[Any]) -> tuple[float, float]:
    """Fit by pylmrob, the port of lmrob."""
    from pylmrob import LmRob

    begin = time.perf_counter()
    found = LmRob().fit(X, y)
    return time.perf_counter() - begin, float(found.result_.scale_)


def systems(without: str | None = None) -> dict[str, Fit]:
    """Return our system and the others that are installed."""
    found: dict[str, Fit] = {
        "robustreg MMRegressor": timed(MMRegressor(random_state=0), lambda m: m.scale_),
        "robustreg HuberRegressor": timed(HuberRegressor(), lambda m: m.scale_),
        "scikit-learn LinearRegression": timed(LinearRegression(), lambda m: np.nan),
    }
    if shutil.which("Rscript"):
        found["R robustbase lmrob"] = lmrob
    for name, fit, module in (
        ("statsmodels RLMDetSMM", statsmodels_mm, "statsmodels.robust.resistant_linear_model"),
        ("pylmrob", pylmrob_mm, "pylmrob"),
    ):
        try:
            __import__(module)
        except ImportError:
            continue
        found[name] = fit
    return {name: fit for name, fit in found.items() if not (without and without in name)}


def with_bad_leverage(n: int, p: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return data of which a fifth of the rows are wrong in x_1 and y."""
    return hard_case(n, p, 0.2, 8, 0)


def speed(repeats: int, compared: dict[str, Fit]) -> list[str]:
    """Return the median seconds of each system, timed in turns."""
    lines = [
        "| seconds, 20 % bad leverage points | "
        + " | ".join(f"{n:,} × {p}" for n, p in SIZES)
        + " |",
        "|---|" + "--:|" * len(SIZES),
    ]
    seconds: dict[str, list[float]] = {name: [] for name in compared}
    for n, p in SIZES:
        X, y = with_bad_leverage(n, p)
        taken: dict[str, list[float]] = {name: [] for name in seconds}
        for turn in range(repeats):
            for name, fit in compared.items():
                slow = taken[name] and min(taken[name]) > 5.0
                if not (slow and turn > 0):
                    time.sleep(0.05)  # the threads of BLAS remain busy for a while after a product
                    taken[name].append(_quiet(fit, X, y)[0])
        for name, values in taken.items():
            seconds[name].append(float(np.median(values)))
    for name, values in seconds.items():
        lines.append(f"| {name} | " + " | ".join(f"{value:.3g}" for value in values) + " |")
    return lines


def starts(seeds: int, compared: dict[str, Fit]) -> list[str]:
    """Count the seeds for which each system reaches the best known minimum of S, or a lower one."""
    fits = {
        name: fit for name, fit in compared.items() if "Huber" not in name and "Linear" not in name
    }
    lines = [
        f"| minimum found, of {seeds} (longest fit) | " + " | ".join(fits) + " |",
        "|---|" + "--:|" * len(fits),
    ]
    for case in CASES:
        counts, longest = dict.fromkeys(fits, 0), dict.fromkeys(fits, 0.0)
        for seed in range(1, seeds + 1):
            X, y = hard_case(*case, seed)
            best = scale_from(X, y, np.arange(case[0]) >= int(case[2] * case[0]))
            for name, fit in fits.items():
                seconds, scale = _quiet(fit, X, y)
                counts[name] += scale <= best * (1.0 + 1e-4)
                longest[name] = max(longest[name], seconds)
        cells = [f"{counts[name]} ({longest[name]:.2g} s)" for name in fits]
        lines.append(f"| {', '.join(map(str, case))} | " + " | ".join(cells) + " |")
    return lines


def bias(samples: int) -> list[str]:
    """Return the largest error of the slope under point contamination, by share and efficiency."""
    efficiencies, shares = (0.8, 0.85, 0.9, 0.95, 0.99), (0.05, 0.1, 0.2, 0.3)
    lines = [
        "| efficiency | " + " | ".join(f"{share:.0%} wrong" for share in shares) + " |",
        "|---|" + "--:|" * len(shares),
    ]
    for efficiency in efficiencies:
        cells = [f"{_largest_error(efficiency, share, samples):.2f}" for share in shares]
        lines.append(f"| {efficiency:.0%} | " + " | ".join(cells) + " |")
    return lines


def _largest_error(efficiency: float, share: float, samples: int) -> float:
    """Return the mean error for the worst slope of the cluster; noise and x have spread 1."""
    worst = 0.0
    for slope in (0.5, 0.75, 1.0, 1.5, 2.0, 3.0):
        errors = []
        for seed in range(samples):
            r = np.random.default_rng(seed)
            X = r.normal(size=(500, 2))
            y = r.normal(size=500)
            k = int(share * 500)
            X[:k, 0] = 4.0 + 0.1 * r.normal(size=k)
            y[:k] = slope * X[:k, 0] + 0.1 * r.normal(size=k)
            model = MMRegressor(efficiency=efficiency, n_subsets=0, random_state=0).fit(X, y)
            errors.append(abs(model.coef_[0]))
        worst = max(worst, float(np.mean(errors)))
    return worst


def _quiet(fit: Fit, X: NDArray[Any], y: NDArray[Any]) -> tuple[float, float]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return fit(X, y)


def main() -> None:
    """Print the tables, and write them to the file if requested."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--samples", type=int, default=10)
    parser.add_argument("--without", help="part of the name of a system to leave out")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    compared = systems(options.without)
    parts = [
        "# MM regression: speed, starts and bias",
        *("## Speed", *speed(options.repeats, compared)),
        *("## The lowest known minimum of S", *starts(options.seeds, compared)),
        *("## Largest error of a slope under contamination", *bias(options.samples)),
    ]
    text = "\n".join(f"\n{part}\n" if part.startswith("#") else part for part in parts).strip()
    print(text)
    if options.write:
        RESULTS.write_text(text + "\n")


if __name__ == "__main__":
    main()
