"""Search for the global minimum of S from candidates of several sources."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from robustreg.design.units import stratified_rows
from robustreg.solvers.one_thread import one_thread
from robustreg.solvers.starts.components import deletions, sensitivity_components
from robustreg.solvers.starts.convergence import (
    SAME_MINIMUM,
    Minima,
    converged,
    distinct_minima,
)
from robustreg.solvers.starts.directions import two_mode_projections
from robustreg.solvers.starts.sample import Sample
from robustreg.solvers.starts.subsets import subset_fits

__all__ = ["search"]

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]

#: Number of rows, and rows per coefficient, on which candidates are compared and refined first.
#: Only distinct minima are refined on the whole sample.
FEW_ROWS, FEW_ROWS_PER_COEFFICIENT = 300, 20

#: Number of distinct minima on few rows that are refined on the whole sample.
GOING_ON = 5

#: Number of rounds of sensitivity components. Rows with a residual beyond this many scales are left
#: out of the next round (Peña and Yohai 1999, section 3; with 3 instead of 2, hard cases are
#: missed).
ROUNDS, CUTOFF = 5, 2.0

#: Candidates from which the next round starts, and shares of the rows that are deleted along a
#: component. ``True`` is the wide search, which follows if the starts disagree.
BEAM = {False: 1, True: 4}
SHARES = {False: (0.5,), True: (0.3, 0.5, 0.7)}

#: Number of projections with two modes for each shift.
PROJECTIONS = {False: 3, True: 8}

#: Steps of iterated least squares for every candidate, and candidates refined to convergence.
FIRST_STEPS, CONVERGED = 2, 10

#: Random subsets are compared on this many rows, or rows per coefficient, by the median of their
#: absolute residuals. The last number is how many are kept.
SCREENING_ROWS, ROWS_PER_COEFFICIENT, SCREENED = 200, 5, 20

#: If fewer converged candidates reach the best minimum, the wide search follows.
AGREEING = 3

#: Most multiplications in a round of components or projections (about a second), and least number
#: of components. For wide X only the first components are followed.
ROUND_WORK, FEWEST_COMPONENTS = 5e9, 3


class _Pool:
    """Candidates with approximate scales."""

    def __init__(self) -> None:
        self.candidates: list[Matrix] = []
        self.scales: list[Vector] = []

    def add(self, candidates: Matrix, scales: Vector) -> None:
        self.candidates.append(candidates)
        self.scales.append(scales)

    def best(self, number: int) -> Matrix:
        """The candidates with the smallest scales. Those of equal scales count once."""
        candidates, scales = np.concatenate(self.candidates), np.concatenate(self.scales)
        finite = np.isfinite(scales) & np.isfinite(candidates).all(axis=1)
        candidates, scales = candidates[finite], scales[finite]
        order = np.argsort(scales, kind="stable")
        distinct = np.append(True, np.diff(scales[order]) > SAME_MINIMUM * scales[order][1:])
        return candidates[order][distinct][:number]


@one_thread()
@np.errstate(over="ignore", invalid="ignore")  # in infinite candidates, which are left out
def search(sample: Sample, n_subsets: int, rng: np.random.Generator) -> Minima:
    """Find local minima of S from deterministic and random candidates.

    Parameters
    ----------
    sample : Sample
    n_subsets : int
        Number of random subsets, which are used besides the deterministic candidates.
    rng : Generator

    Returns
    -------
    Minima
    """
    if not sample.shape[1]:
        alone = np.empty((1, 0))
        return Minima(alone, sample.scales(sample.residuals(alone)), 1, 1)
    minima = _searched(sample, n_subsets, rng, wide=False)
    if minima.n_best >= min(AGREEING, minima.n_starts) or minima.scales[0] == 0.0:
        return minima
    wider = _searched(sample, n_subsets, rng, wide=True)
    return _merged(minima, wider)


def _searched(sample: Sample, n_subsets: int, rng: np.random.Generator, *, wide: bool) -> Minima:
    pool, k = _Pool(), sample.shape[1]
    few = sample.part(max(FEW_ROWS, FEW_ROWS_PER_COEFFICIENT * k))
    n = few.shape[0]
    pool.add(*few.refined(_fits(few, np.ones((1, n))), FIRST_STEPS))
    number = min(PROJECTIONS[wide], max(1, _affordable(few, wide) // 4))
    projections = two_mode_projections(few, number)
    if projections.size:
        _delete(few, pool, projections, np.full(n, True), wide)
    _component_rounds(few, pool, wide)
    if n_subsets:
        fits = _screened(few, subset_fits(sample, n_subsets, rng))
        pool.add(*few.refined(fits, FIRST_STEPS))
    minima = converged(few, pool.best(CONVERGED))
    if few is sample:
        return minima
    on_all = converged(sample, minima.candidates[:GOING_ON])
    return replace(on_all, n_starts=minima.n_starts, n_best=minima.n_best)


def _affordable(sample: Sample, wide: bool) -> int:
    """Number of affordable components, with three candidates each and three Gram matrices."""
    n, k = sample.shape
    each = 9.0 * n * k * k * len(SHARES[wide]) * BEAM[wide]
    return max(FEWEST_COMPONENTS, int(ROUND_WORK / each))


def _fits(sample: Sample, weights: Matrix) -> Matrix:
    """Solve least squares with each line of weights."""
    start = np.zeros((weights.shape[0], sample.shape[1]))
    return sample.least_squares(weights, sample.response, start)


def _delete(
    sample: Sample, pool: _Pool, components: Matrix, kept: NDArray[np.bool_], wide: bool
) -> None:
    """Add the candidates of some components to the pool."""
    weights = deletions(components, kept, sample.frequencies, SHARES[wide])
    pool.add(*sample.refined(_fits(sample, weights), FIRST_STEPS))


def _component_rounds(sample: Sample, pool: _Pool, wide: bool) -> None:
    """Run Peña and Yohai's rounds. Each uses the rows that the last round's best candidates fit."""
    n, followed = sample.shape[0], _affordable(sample, wide)
    bases, best = [np.full(n, True)], np.inf
    for _ in range(ROUNDS):
        own = _Pool()
        for kept in bases:
            components = sensitivity_components(sample, kept)
            if components is not None:
                _delete(sample, own, components[:followed], kept, wide)
        if not own.scales:
            return
        pool.candidates += own.candidates
        pool.scales += own.scales
        lowest = min(float(scales.min()) for scales in own.scales)
        if not lowest < best * (1.0 - SAME_MINIMUM):
            return
        best = lowest
        chosen = own.best(BEAM[wide])
        residuals = sample.residuals(chosen)
        scales = sample.scales(residuals)
        bases = list(np.abs(residuals) <= CUTOFF * scales[:, None])


def _screened(sample: Sample, fits: Matrix) -> Matrix:
    """Keep the fits with the smallest median of absolute residuals on some of the rows."""
    n, k = sample.shape
    rows = stratified_rows(n, None, max(SCREENING_ROWS, ROWS_PER_COEFFICIENT * k))
    sizes = np.abs(sample.response[rows] - fits @ sample.rows[rows].T)
    # A subset fits its own k rows exactly. With (n + k)/2 such rows, the scale is zero.
    position = min(rows.size, (rows.size + k + 1) // 2) - 1
    median = np.partition(sizes, position, axis=1)[:, position]
    return fits[np.argsort(median)[:SCREENED]]


def _merged(first: Minima, second: Minima) -> Minima:
    """Merge the minima of two searches."""
    best = min(first.scales[0], second.scales[0]) * (1.0 + SAME_MINIMUM)
    minima = distinct_minima(
        np.concatenate((first.candidates, second.candidates)),
        np.concatenate((first.scales, second.scales)),
        np.ones(first.scales.size + second.scales.size, dtype=np.intp),
    )
    n_best = sum(part.n_best for part in (first, second) if part.scales[0] <= best)
    return replace(minima, n_starts=first.n_starts + second.n_starts, n_best=n_best)
