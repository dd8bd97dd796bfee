"""Requests to the designs of chunks, and functions that join the results of two chunks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from robustreg.design.base import Matrix, Point, Sums, Vector
from robustreg.design.dask.reading import Chunk
from robustreg.design.dense import DenseDesign
from robustreg.design.units import Units
from robustreg.scales import weighted_median

__all__ = [
    "OnChunk",
    "Window",
    "added",
    "all_of",
    "appended",
    "collected",
    "each_of",
    "joined",
    "key_of",
    "map_rows",
    "median_in",
    "stacked",
    "sum_over_rows",
    "window_of",
]


class Window(NamedTuple):
    """Weight of the residuals below an interval, and sizes and weights of those inside."""

    below: float
    sizes: Vector
    counts: Vector


@dataclass(frozen=True)
class OnChunk:
    """A request to the design of one chunk."""

    request: Callable[[DenseDesign], Any]
    centered: bool
    units: Units

    def __call__(self, chunk: Chunk, *values: NDArray) -> Any:
        design = DenseDesign(*chunk, centered=self.centered, units=self.units)
        return self.request(design, *values)


def sum_over_rows(
    statistic: Callable[..., tuple[NDArray, ...]],
    block_rows: int,
    point: Point | None,
    design: DenseDesign,
    *values: NDArray,
) -> tuple[NDArray, ...]:
    return design.sum_over_rows(statistic, values, block_rows, point)


def map_rows(
    function: Callable[..., NDArray], block_rows: int, design: DenseDesign, *values: NDArray
) -> NDArray:
    return design.map_rows(function, values, block_rows)


def all_of(
    requests: Sequence[Callable[[DenseDesign], Any]], design: DenseDesign
) -> tuple[Any, ...]:
    return tuple(request(design) for request in requests)


def window_of(point: Point, low: float, high: float, design: DenseDesign) -> Window:
    sizes = np.abs(design.residuals(point))
    counts = np.ones_like(sizes) if design.weights is None else design.weights
    inside = (sizes >= low) & (sizes <= high)
    return Window(float(counts[sizes < low].sum()), sizes[inside], counts[inside])


def key_of(point: Point) -> tuple[bytes, float]:
    return point.coef.tobytes(), point.intercept


def joined(combine: Callable[[Any, Any], Any], parts: Sequence[Any]) -> Any:
    return reduce(combine, parts)


def added(first: Any, second: Any) -> Any:
    """Sums of numbers and arrays, in tuples of the same layout."""
    if isinstance(first, tuple) and not isinstance(first, Sums):
        parts = [added(a, b) for a, b in zip(first, second, strict=True)]
        return tuple(parts)
    return first + second


def appended(first: NDArray, second: NDArray) -> NDArray:
    return np.concatenate((first, second))


def each_of(joins: Sequence[Callable[[Any, Any], Any]], first: Any, second: Any) -> tuple[Any, ...]:
    return tuple(join(a, b) for join, a, b in zip(joins, first, second, strict=True))


def stacked(first: tuple[Sums, Matrix], second: tuple[Sums, Matrix]) -> tuple[Sums, Matrix]:
    """Sums, and the triangular factor of both chunks' rows from theirs."""
    factor = np.asarray(np.linalg.qr(np.vstack((first[1], second[1])), mode="r"))
    return added(first[0], second[0]), factor


def collected(first: Window, second: Window) -> Window:
    return first._replace(
        below=first.below + second.below,
        sizes=np.concatenate((first.sizes, second.sizes)),
        counts=np.concatenate((first.counts, second.counts)),
    )


def median_in(window: Window, total: float) -> float | None:
    """Median of all sizes, or None if it is outside the window."""
    above = max(total - window.below - float(window.counts.sum()), 0.0)
    # One size on either side represents all sizes outside the window.
    sizes = np.concatenate(([-np.inf], window.sizes, [np.inf]))
    with np.errstate(invalid="ignore"):
        median = weighted_median(sizes, np.concatenate(([window.below], window.counts, [above])))
    return median if np.isfinite(median) else None
