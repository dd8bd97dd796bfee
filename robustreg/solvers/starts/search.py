"""The search for the global minimum of S: candidates from several sources, refined together."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from robustreg.design.units import stratified_rows
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

#: Rows on which candidates are compared and brought together before the distinct ones go on, and
#: rows a coefficient.
FEW_ROWS, FEW_ROWS_PER_COEFFICIENT = 300, 20

#: Distinct minima on few rows that go on to all of the sample.
GOING_ON = 5

#: Rounds of sensitivity components, and residuals in scales from which rows are left out of the
#: next (Peña and Yohai 1999, section 3; at 3 instead of 2 hard cases are missed).
ROUNDS, CUTOFF = 5, 2.0

#: Candidates that a round goes on from, and shares of the rows that are deleted along a component:
#: at first, and where the starts disagree.
BEAM = {False: 1, True: 4}
SHARES = {False: (0.5,), True: (0.3, 0.5, 0.7)}

#: Projections with two modes that are followed, for each shift.
PROJECTIONS = {False: 3, True: 8}

#: Steps of iterated least squares of every candidate, and candidates that go on to convergence.
FIRST_STEPS, CONVERGED = 2, 10

#: Random subsets are compared on so many rows, or so many a coefficient, by the median of their
#: absolute residuals; this many go on.
SCREENING_ROWS, ROWS_PER_COEFFICIENT, SCREENED = 200, 5, 20

#: Converged candidates at the best minimum below which the search is widened.
AGREEING = 3

#: Multiplications of one round of components or projections, about a second: for wide X the first
#: components alone are followed. Fewest of them.
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
        """The candidates with the smallest scales, equal ones once."""
        candidates, scales = np.concatenate(self.candidates), np.concatenate(self.scales)
        finite = np.isfinite(scales) & np.isfinite(candidates).all(axis=1)
        candidates, scales = candidates[finite], scales[finite]
        order = np.argsort(scales, kind="stable")
        distinct = np.append(True, np.diff(scales[order]) > SAME_MINIMUM * scales[order][1:])
        return candidates[order][distinct][:number]


@np.errstate(over="ignore", invalid="ignore")  # of candidates that are infinite, and left out
def search(sample: Sample, n_subsets: int, rng: np.random.Generator) -> Minima:
    """Local minima of S, from deterministic and from random candidates.

    Parameters
    ----------
    sample : Sample
    n_subsets : int
        Random subsets; they only add to the others.
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
    """Components whose candidates can be followed: three ends each, and three Gram matrices."""
    n, k = sample.shape
    each = 9.0 * n * k * k * len(SHARES[wide]) * BEAM[wide]
    return max(FEWEST_COMPONENTS, int(ROUND_WORK / each))


def _fits(sample: Sample, weights: Matrix) -> Matrix:
    """Least squares with these weights."""
    start = np.zeros((weights.shape[0], sample.shape[1]))
    return sample.least_squares(weights, sample.response, start)


def _delete(
    sample: Sample, pool: _Pool, components: Matrix, kept: NDArray[np.bool_], wide: bool
) -> None:
    """Add the candidates of some components."""
    weights = deletions(components, kept, sample.frequencies, SHARES[wide])
    pool.add(*sample.refined(_fits(sample, weights), FIRST_STEPS))


def _component_rounds(sample: Sample, pool: _Pool, wide: bool) -> None:
    """Peña and Yohai's rounds: components of the rows that the best candidates of a round fit."""
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
    """The subsets' fits with the least median of absolute residuals on some rows."""
    n, k = sample.shape
    rows = stratified_rows(n, None, max(SCREENING_ROWS, ROWS_PER_COEFFICIENT * k))
    sizes = np.abs(sample.response[rows] - fits @ sample.rows[rows].T)
    # A subset fits its own k rows exactly. (n + k)/2 rows fitted exactly make the scale zero.
    position = min(rows.size, (rows.size + k + 1) // 2) - 1
    median = np.partition(sizes, position, axis=1)[:, position]
    return fits[np.argsort(median)[:SCREENED]]


def _merged(first: Minima, second: Minima) -> Minima:
    """The minima of two searches."""
    best = min(first.scales[0], second.scales[0]) * (1.0 + SAME_MINIMUM)
    minima = distinct_minima(
        np.concatenate((first.candidates, second.candidates)),
        np.concatenate((first.scales, second.scales)),
        np.ones(first.scales.size + second.scales.size, dtype=np.intp),
    )
    n_best = sum(part.n_best for part in (first, second) if part.scales[0] <= best)
    return replace(minima, n_starts=first.n_starts + second.n_starts, n_best=n_best)
