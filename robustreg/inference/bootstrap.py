r"""The bootstrap: fit the model again to data drawn from the sample.

"Pairs" draws rows (or groups of rows) with replacement. It assumes only that these are independent.
"Wild" keeps X and multiplies every residual (or those of every group) by a random sign. It assumes
errors that are symmetric about the fit, and is useful if the coefficients cannot be determined
without some of the rows. Residuals are first inflated by their leverage, as in HC2. (Davidson and
Flachaire, J. Econometrics 146, 2008, compare signs and corrections for least squares.)

If the model chose its delta with ``"auto"``, each replicate chooses its own.

Replicates are solved in batches by :mod:`robustreg.inference.replicates`. The few that are not
solved there are fitted one by one by the solver of the regressor. They are many only if n is a
small multiple of k.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from joblib import Parallel, delayed
from numpy.random import Generator
from numpy.typing import NDArray
from sklearn.utils import check_random_state

from robustreg.inference.choice import DeltaChoice
from robustreg.inference.cluster import group_numbers, note_of_few_groups
from robustreg.inference.covariance import CovarianceEstimate
from robustreg.inference.progress import ProgressBar
from robustreg.inference.refits import refit
from robustreg.inference.regression import FittedRegression
from robustreg.inference.replicates import Sample, Single, solve_replicates
from robustreg.inference.sandwich import whiten

__all__ = ["bootstrap_covariance"]

Matrix = NDArray[np.float64]
Vector = NDArray[np.float64]

#: The most entries of a (replicates, n) array, and the bounds for the replicates of a batch:
#: products with fewer than 16 rows are slow, and more than 128 do not fit into the cache. Wild
#: replicates need several such arrays.
BATCH_ENTRIES, BATCH_RANGE = {"pairs": 2**24, "wild": 2**20}, (16, 128)

#: The covariance is refused if more than this share of the replicates has no unique solution.
MOST_FAILURES = 0.05

#: The Gram matrix of the drawn rows, whitened, counts as singular if the ratio of its smallest and
#: largest eigenvalue is below this.
SINGULAR = 1e-10

#: Tolerance of a replicate: its distance to the minimiser in standard errors.
TOLERANCE = 0.01


def bootstrap_covariance(
    fitted: FittedRegression,
    kind: Literal["pairs", "wild"],
    *,
    n_bootstrap: int,
    groups: Any,
    random_state: Any,
    n_jobs: int | None,
    verbose: int,
) -> CovarianceEstimate:
    """Estimate the covariance from replicates. The result does not depend on ``n_jobs``."""
    numbers, G = np.arange(fitted.design.n_rows), 0
    if groups is not None:
        numbers, G = group_numbers(fitted, groups)
    white = whiten(fitted)
    sample = Sample.of(fitted, white)
    choice = DeltaChoice(fitted, sample) if fitted.choice == "auto" else None
    solver = sample if choice is None else choice.solver
    sizes = _batch_sizes(n_bootstrap, fitted.design.n_rows, kind)
    seeds = _seeds(random_state, len(sizes))
    progress = ProgressBar(n_bootstrap, "replicates", verbose)

    def batch(size: int, seed: int) -> Matrix:
        rng = np.random.default_rng(seed)
        if kind == "pairs":
            counts = _group_counts if G else _row_counts
            s, u = counts(fitted, numbers, G, size, rng), sample.u[None, :]
        else:
            s = fitted.frequencies.astype(np.float32)[None, :]
            u = _signed(sample, numbers, size, rng)
        start = None if choice is None else choice.starts(s, u)
        steps = solve_replicates(solver, s, u, start)
        _refit_failures(fitted, sample, s, u, steps)
        progress.advance(size)
        return steps

    tasks = (delayed(batch)(size, seed) for size, seed in zip(sizes, seeds, strict=True))
    steps = np.concatenate(Parallel(n_jobs=n_jobs, prefer="threads")(tasks))
    drawn = f"{kind} of {G} groups" if G else kind
    chosen = ", delta chosen in each" if choice is not None else ""
    description = f"bootstrap, {n_bootstrap} replicates by {drawn}{chosen}"
    root = white.root(fitted)
    return _estimate(fitted, sample, _solved(steps, kind), root, description, G)


def _estimate(
    fitted: FittedRegression,
    sample: Sample,
    steps: Matrix,
    root: Matrix,
    description: str,
    G: int,
) -> CovarianceEstimate:
    lines = fitted.working_scale * sample.back
    return CovarianceEstimate(
        np.atleast_2d(np.cov(steps, rowvar=False)),
        lines,
        G - 1.0 if G else fitted.degrees_of_freedom,
        description,
        root,
        note_of_few_groups(G) if G else (),
        replicates=fitted.theta + steps @ lines.T,
    )


# -- drawing --------------------------------------------------------------------------------------


def _seeds(random_state: Any, count: int) -> NDArray[np.int_]:
    most = np.iinfo(np.int32).max
    if isinstance(random_state, Generator):
        return random_state.integers(most, size=count)
    return check_random_state(random_state).randint(most, size=count)


def _batch_sizes(n_bootstrap: int, n_rows: int, kind: str) -> list[int]:
    size = int(np.clip(BATCH_ENTRIES[kind] // n_rows, *BATCH_RANGE))
    full, rest = divmod(n_bootstrap, size)
    return [size] * full + ([rest] if rest else [])


def _row_counts(
    fitted: FittedRegression, numbers: NDArray[np.intp], G: int, size: int, rng: Generator
) -> Single:
    """Draw how often each row occurs, of shape (size, n)."""
    n = numbers.size
    counts = np.empty((size, n), dtype=np.float32)
    for line in counts:
        if fitted.weights is None:
            line[:] = np.bincount(rng.integers(0, n, n), minlength=n)
        else:
            line[:] = rng.multinomial(round(fitted.n), fitted.frequencies / fitted.n)
    return counts


def _group_counts(
    fitted: FittedRegression, numbers: NDArray[np.intp], G: int, size: int, rng: Generator
) -> Single:
    """Return the frequencies of the rows, times how often their group was drawn."""
    drawn = np.array([np.bincount(rng.integers(0, G, G), minlength=G) for _ in range(size)])
    return (drawn[:, numbers] * fitted.frequencies).astype(np.float32)


def _signed(sample: Sample, numbers: NDArray[np.intp], size: int, rng: Generator) -> Single:
    """Return inflated residuals with a random sign for each group, or for each row."""
    groups = int(numbers.max()) + 1
    bits = np.frombuffer(rng.bytes(-(-size * groups // 8)), dtype=np.uint8)
    signs = np.unpackbits(bits, count=size * groups).reshape(size, groups).astype(np.int8)
    signs *= 2
    signs -= 1
    return (signs if groups == numbers.size else signs[:, numbers]) * sample.spread


# -- one by one -----------------------------------------------------------------------------------


def _refit_failures(
    fitted: FittedRegression, sample: Sample, s: Single, u: Single, steps: Matrix
) -> None:
    """Solve replicates that are still NaN with the regressor's own solver, in place."""
    for index in np.flatnonzero(np.isnan(steps).any(axis=1)):
        weights = s[index if s.shape[0] > 1 else 0].astype(np.float64)
        if not _determined(sample, weights):
            continue
        errors = u[index if u.shape[0] > 1 else 0] - sample.u
        errors = errors.astype(np.float64)
        delta = "auto" if fitted.choice == "auto" else None
        theta = refit(fitted, weights, errors, delta=delta, tol=TOLERANCE, warm=True)
        steps[index] = np.linalg.solve(fitted.working_scale * sample.back, theta - fitted.theta)


def _determined(sample: Sample, weights: Vector) -> bool:
    """Return whether the drawn rows have full rank."""
    z = sample.z.astype(np.float64)
    values = np.linalg.eigvalsh(z.T @ (weights[:, None] * z))
    return bool(values[0] > SINGULAR * values[-1])


def _solved(steps: Matrix, kind: str) -> Matrix:
    failed = np.isnan(steps).any(axis=1)
    if failed.mean() > MOST_FAILURES:
        remedy = ' use bootstrap="wild", which keeps all rows, or' if kind == "pairs" else ""
        raise ValueError(
            f"{failed.mean():.0%} of the bootstrap replicates have no unique solution, because the "
            "drawn rows do not determine some coefficient, or were not solved, because too many "
            f"of the drawn rows are outliers:{remedy} drop columns that are nonzero in only a few "
            "rows, or use a smaller delta."
        )
    return steps[~failed]
