"""Refine all candidates together until they reach local minima of S.

Each candidate makes Newton steps for ``sum s rho(e / sigma)`` at its own sigma, damped by
Levenberg's rule. The curvature is

    (1 - mu) psi' + mu psi / u,

which is that of iterated least squares at mu = 1. If a step lowers the scale, it is accepted and mu
is reduced. Otherwise mu is increased. At mu = 1 every step lowers the scale. Candidates need five
to eight steps, where iterated least squares needs 20 to 100.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from robustreg.solvers.starts.sample import Sample

__all__ = ["Minima", "converged", "distinct_minima"]

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]

#: Mixing of the first step, and the least one after a step that did not lower the scale. A mixing
#: that would fall below the smallest becomes zero.
FIRST_MIXING, SMALLEST_MIXING = 0.1, 1e-3

#: Factor by which the mixing changes.
MOVES = 10.0

#: Largest number of steps, the number that is always allowed, and the multiplications (some
#: seconds) to which steps beyond it are limited. For wide X the last steps are left to Newton's
#: method on all rows.
MOST_STEPS, FEWEST_STEPS, CONVERGENCE_WORK = 200, 20, 2e10

#: Relative change of the scale in a step at which a candidate has converged. It is so small because
#: the scale is flat at its minimum.
SETTLED = 1e-8

#: Two candidates within this distance, in units of their scales, will reach the same minimum.
TOGETHER = 0.01

#: Relative difference of scales below which two candidates are the same minimum.
SAME_MINIMUM = 1e-6


@dataclass(frozen=True)
class Minima:
    """Local minima of S on a sample, the lowest first.

    Attributes
    ----------
    candidates : array of shape (m, k)
    scales : array of shape (m,)
        They differ by more than ``SAME_MINIMUM``.
    n_starts : int
        Number of candidates that were refined to convergence.
    n_best : int
        Number of those that ended at the lowest minimum.
    """

    candidates: Matrix
    scales: Vector
    n_starts: int
    n_best: int

    @property
    def runner_up(self) -> float:
        """The second lowest scale divided by the lowest, infinite if there is only one."""
        if self.scales.size < 2 or not self.scales[0] > 0.0:
            return np.inf
        return float(self.scales[1] / self.scales[0])


def converged(sample: Sample, candidates: Matrix) -> Minima:
    """Refine all candidates to their minima. Candidates that come together continue as one.

    Parameters
    ----------
    sample : Sample
    candidates : array of shape (m, k)

    Returns
    -------
    Minima
    """
    number = candidates.shape[0]
    n, k = sample.shape
    steps = min(MOST_STEPS, max(FEWEST_STEPS, int(CONVERGENCE_WORK / (number * n * k * k))))
    candidates, leader = candidates.copy(), np.arange(number)
    residuals = sample.residuals(candidates)
    scales, mixing = sample.scales(residuals), np.full(number, FIRST_MIXING)
    live = np.flatnonzero(scales > 0.0)
    for _ in range(steps):
        _join(candidates, scales, leader)
        live = live[leader[live] == live]
        if not live.size:
            break
        moved = sample.stepped(candidates[live], residuals[live], scales[live], mixing[live])
        new_residuals = sample.residuals(moved)
        new = sample.scales(new_residuals, start=scales[live])
        ratio = new / scales[live]
        lower = ratio < 1.0
        better = live[lower]
        candidates[better], scales[better] = moved[lower], new[lower]
        residuals[better] = new_residuals[lower]
        settled = np.abs(ratio - 1.0) <= SETTLED
        settled |= (new == 0.0) | (~lower & (mixing[live] >= 1.0))
        mixing[live] = _levenberg(mixing[live], lower)
        live = live[~settled]
    own = np.unique(leader)
    counts = np.bincount(leader, minlength=number)[own]
    return distinct_minima(candidates[own], scales[own], counts)


def _levenberg(mixing: Vector, lower: NDArray[np.bool_]) -> Vector:
    less = np.where(mixing > SMALLEST_MIXING, mixing / MOVES, 0.0)
    more = np.minimum(np.maximum(MOVES * mixing, FIRST_MIXING), 1.0)
    return np.where(lower, less, more)


def _join(candidates: Matrix, scales: Vector, leader: NDArray[np.intp]) -> None:
    """Give candidates that are close together the same leader."""
    own = np.unique(leader)
    places, sizes = candidates[own], scales[own]
    distance = np.abs(places[:, None, :] - places[None, :, :]).max(axis=2)
    near = distance <= TOGETHER * np.minimum(sizes[:, None], sizes)
    if np.count_nonzero(near) == own.size:
        return
    for position, i in enumerate(own.tolist()):
        before = own[:position][near[position, :position]]
        before = before[leader[before] == before]
        if before.size:
            leader[leader == i] = before[0]


def distinct_minima(candidates: Matrix, scales: Vector, counts: NDArray[np.intp]) -> Minima:
    """Sort minima by their scales, and merge those of the same scale.

    Parameters
    ----------
    candidates : array of shape (m, k)
    scales : array of shape (m,)
    counts : array of shape (m,) of int
        Number of candidates that ended at each.

    Returns
    -------
    Minima
    """
    order = np.argsort(scales, kind="stable")
    candidates, scales, counts = candidates[order], scales[order], counts[order]
    first = np.append(True, np.diff(scales) > SAME_MINIMUM * scales[1:])
    best = scales <= scales[0] * (1.0 + SAME_MINIMUM)
    return Minima(candidates[first], scales[first], int(counts.sum()), int(counts[best].sum()))
