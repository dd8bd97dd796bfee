"""Residuals in units of the scale, and sums over rows of what depends on them.

Where rows lie in chunks on other machines the residuals are computed there, and sums come back: no
array of length n is made here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from robustreg.design import Design
from robustreg.design.base import Point
from robustreg.design.rows import MAPPED_ROWS

__all__ = ["Residuals", "sum_over_residuals", "sum_over_rows"]

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Residuals:
    """Some rows' residuals, and what the loss makes of them.

    Attributes
    ----------
    u : array of shape (m,)
        Residuals divided by the scale.
    frequencies : array of shape (m,)
        How often each row counts.
    response : array of shape (m,), or None where it was not asked for
        y in units of the scale.
    delta : float, or array of one for each of several responses
        The threshold, in the same units.
    """

    u: Vector
    frequencies: Vector
    response: Vector | None
    delta: Any

    @cached_property
    def inside(self) -> Vector:
        """psi': one for rows with a residual within the threshold, else zero."""
        return (np.abs(self.u) <= self.delta).astype(np.float64)

    @cached_property
    def psi(self) -> Vector:
        """``clip(u, -delta, delta)``."""
        return np.clip(self.u, -self.delta, self.delta)

    @cached_property
    def weight(self) -> Vector:
        """``psi / u``, one where u is zero."""
        return np.divide(self.psi, self.u, out=np.ones_like(self.u), where=self.u != 0.0)

    def take(self, index: NDArray[np.intp]) -> Residuals:
        """Those of some rows."""
        response = None if self.response is None else self.response[index]
        return Residuals(self.u[index], self.frequencies[index], response, self.delta)

    def sums(self, *values: NDArray) -> Vector:
        """Sums over observations, of shape (number of values,)."""
        return np.array([self.frequencies @ value.astype(np.float64) for value in values])


def sum_over_rows(
    design: Design,
    point: Point,
    statistic: Callable[..., tuple[NDArray, ...]],
    values: Sequence[NDArray],
    block_rows: int,
) -> tuple[NDArray, ...]:
    """Add ``statistic(X, residuals, frequencies, *values)`` over blocks of rows, in one pass.

    Parameters
    ----------
    design : Design
    point : Point
        Where residuals are taken, in working units.
    statistic : callable
        From rows of X as they stand, and what belongs to them, to a tuple of arrays.
    values : sequence of arrays of length n
        In memory; each block gets its part.
    block_rows : int
        The most rows of a block.
    """
    if design.in_memory:
        return _sum_of_rows(statistic, point, block_rows, design, *values)
    # Designs have no method for a sum of residuals: this is the one place that goes to the chunks.
    request = partial(_sum_of_rows, statistic, point, block_rows)
    return design._reduce(request, values=values)  # type: ignore[attr-defined]


def sum_over_residuals(
    design: Design, point: Point, statistic: Callable[..., tuple[NDArray, ...]]
) -> tuple[NDArray, ...]:
    """Add ``statistic(residuals, frequencies, response)``; without a pass where rows are here."""
    if design.in_memory:
        return _sum_of_residuals(statistic, point, design)
    request = partial(_sum_of_residuals, statistic, point)
    return design._reduce(request)  # type: ignore[attr-defined]


def _sum_of_rows(
    statistic: Callable[..., tuple[NDArray, ...]],
    point: Point,
    block_rows: int,
    design: Any,
    *values: NDArray,
) -> tuple[NDArray, ...]:
    known = (design.residuals(point), _frequencies(design))
    return design.sum_over_rows(statistic, (*known, *values), block_rows)


def _sum_of_residuals(
    statistic: Callable[..., tuple[NDArray, ...]], point: Point, design: Any
) -> tuple[NDArray, ...]:
    residuals, frequencies = design.residuals(point), _frequencies(design)
    total: tuple[NDArray, ...] | None = None
    for start in range(0, design.n_rows, MAPPED_ROWS):
        rows = slice(start, start + MAPPED_ROWS)
        part = statistic(residuals[rows], frequencies[rows], design.response[rows])
        added = part if total is None else (a + b for a, b in zip(total, part, strict=True))
        total = tuple(added)
    assert total is not None, "a design has rows"
    return total


def _frequencies(design: Any) -> Vector:
    """How often each row counts."""
    return np.ones(design.n_rows) if design.weights is None else np.asarray(design.weights)
