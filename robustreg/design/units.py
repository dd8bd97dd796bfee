"""Working units: shifts and scales in which no sum of squares over- or underflows."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from robustreg.scales import median

__all__ = [
    "Units",
    "column_units",
    "power_of_two",
    "response_unit",
    "stratified_rows",
    "working_units",
]

Vector = NDArray[np.float64]

#: Outside this range a column gets a unit of its own: squares stay finite, with room for n = 10^8.
SAFE_RANGE = (2.0**-300, 2.0**300)

#: Columns whose centre exceeds this many times their spread are centred block by block.
FAR = 100.0


class Units(NamedTuple):
    """Shift and scale of the columns, scale of the responses, and the size of the columns."""

    center: Vector
    column_scale: Vector
    response_scale: float
    magnitude: Vector  # of the columns as they stand in X

    def raw(self, coef: Vector, intercept: float) -> tuple[Vector, float]:
        """Coefficients and intercept of the columns as they stand in X."""
        coef = coef / self.column_scale
        return coef, intercept - float(self.center @ coef)

    @property
    def has_far_columns(self) -> bool:
        """Whether a column's offset costs its products two digits or more."""
        offset = np.abs(self.center)
        return bool(np.any(offset > FAR * (self.magnitude - offset)))

    def of_blocks(self) -> Units:
        """Units of the columns as products meet them: with their center taken out if it is far."""
        if not self.has_far_columns:
            return self
        magnitude = self.magnitude - np.abs(self.center)
        return self._replace(center=np.zeros_like(self.center), magnitude=magnitude)


def power_of_two(magnitude: NDArray) -> Vector:
    """The power of two just below each magnitude, and 1 for zero: division by it is exact."""
    return np.where(magnitude > 0, 2.0 ** (np.frexp(magnitude)[1] - 1), 1.0)


def response_unit(y: NDArray) -> float:
    """Power of two just below the median of the responses' sizes, zeros left out.

    The median is not moved by gross outliers, which would make everything else vanish beside them.
    """
    magnitude = np.abs(y)
    size = median(magnitude)
    if size == 0.0 and magnitude.any():
        size = median(magnitude[magnitude > 0.0])
    return float(power_of_two(np.asarray(size)))


def working_units(sample: NDArray, y: NDArray, centered: bool) -> Units:
    """Units of the columns from some rows of X, and of the responses from theirs.

    The shift need not be the mean of all rows, only near it: it keeps the Gram matrix of columns
    with a large offset from cancelling, and the intercept takes up the difference.
    """
    if centered:
        low, high = sample.min(axis=0), sample.max(axis=0)
        # A constant column must become exactly zero, not the rounding error of its mean.
        constant = low == high
        center = np.where(constant, low, sample.mean(axis=0, dtype=np.float64))
        deviation = np.maximum(high - center, center - low)
        magnitude = np.where(constant, np.abs(center), deviation)
    else:
        center = np.zeros(sample.shape[1])
        # The least number of an integer type has no positive counterpart in it.
        ends = np.stack((sample.min(axis=0), sample.max(axis=0))).astype(np.float64)
        magnitude = np.abs(ends).max(axis=0)
    return Units(center, column_units(magnitude), response_unit(y), np.abs(center) + magnitude)


def column_units(magnitude: Vector) -> Vector:
    """1, or a power of two near the size of a column whose squares would over- or underflow."""
    unusual = (magnitude > 0) & ((magnitude < SAFE_RANGE[0]) | (magnitude > SAFE_RANGE[1]))
    scale = np.ones_like(magnitude)
    if unusual.any():
        scale[unusual] = power_of_two(magnitude[unusual])
    return scale


def stratified_rows(n_rows: int, weights: Vector | None, size: int) -> NDArray[np.intp]:
    """About ``size`` ascending row numbers with positive weight, one drawn from each stretch.

    Equal steps would meet a periodic order of the rows (one-hot columns, hours of the day) always
    in the same phase; one random row from each stretch does not. The seed is fixed: a fit is
    reproducible, and depends on the rows drawn only within its tolerance.
    """
    candidates = None if weights is None else np.flatnonzero(weights > 0)
    total = n_rows if candidates is None else candidates.size
    if size >= total:
        chosen = np.arange(total)
    else:
        edges = np.linspace(0, total, size + 1)
        jitter = np.random.default_rng(0).random(size)
        chosen = (edges[:-1] + jitter * np.diff(edges)).astype(np.intp)
    return chosen if candidates is None else candidates[chosen]
