"""Working units: shifts and scales in which no sum of squares over- or underflows."""

from __future__ import annotations

from math import frexp, ldexp
from typing import Any, NamedTuple

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

#: Columns of a size outside this range are rescaled, so that sums of squares stay finite up to
#: n = 10^8.
SAFE_RANGE = (2.0**-300, 2.0**300)

#: Columns whose centre exceeds their spread by this factor are centred block by block.
FAR = 100.0

#: A sample of up to this many columns is copied column by column first, since NumPy reduces the
#: columns of narrow rows slowly. For 500 rows, the copy, minima, maxima and sums take 6 instead of
#: 37 microseconds with 5 columns, 30 instead of 48 with 50, and as long with 100.
NARROW = 50


class Units(NamedTuple):
    """Shift and scale of the columns, scale of the responses, and the size of the columns."""

    center: Vector
    column_scale: Vector
    response_scale: float
    magnitude: Vector  # of the columns of X as given

    def raw(self, coef: Vector, intercept: float) -> tuple[Vector, float]:
        """Coefficients and intercept for the columns of X as given."""
        coef = coef / self.column_scale
        return coef, intercept - float(self.center @ coef)

    def some(self, columns: Any) -> Units:
        """Those of some of the columns."""
        return Units(
            self.center[columns],
            self.column_scale[columns],
            self.response_scale,
            self.magnitude[columns],
        )

    @property
    def has_far_columns(self) -> bool:
        """Whether the products of some column lose two digits or more to its offset."""
        offset = np.abs(self.center)
        return bool(np.logical_or.reduce(offset / FAR > self.magnitude - offset))

    def of_blocks(self) -> Units:
        """Units of the columns in the blocks, which are centred if a centre is far from zero."""
        if not self.has_far_columns:
            return self
        magnitude = self.magnitude - np.abs(self.center)
        return self._replace(center=np.zeros_like(self.center), magnitude=magnitude)


def power_of_two(magnitude: NDArray) -> Vector:
    """The power of two just below each magnitude, by which division is exact; 1 for zero."""
    return np.where(magnitude > 0, 2.0 ** (np.frexp(magnitude)[1] - 1), 1.0)


def response_unit(y: NDArray) -> float:
    """Power of two just below the median size of the responses.

    Zeros are left out where most responses are zero. A mean would follow gross outliers, and all
    other responses would vanish in its units.
    """
    magnitude = np.abs(y)
    size = median(magnitude)
    if size == 0.0 and magnitude.any():
        size = median(magnitude[magnitude > 0.0])
    return ldexp(1.0, frexp(size)[1] - 1) if size > 0.0 else 1.0


def working_units(sample: NDArray, y: NDArray, centered: bool) -> Units:
    """Units of the columns from some rows of X, and of the responses from theirs.

    The shift prevents cancellation in the Gram matrix of columns with a large offset. It need only
    be near the mean of all rows, since the intercept makes up for the difference.
    """
    columns = np.ascontiguousarray(sample.T) if sample.shape[1] <= NARROW else sample.T
    # Methods of the ufuncs: those of arrays, and numpy.any, take some microseconds more.
    low, high = np.minimum.reduce(columns, axis=1), np.maximum.reduce(columns, axis=1)
    if centered:
        center = np.add.reduce(columns, axis=1, dtype=np.float64) / sample.shape[0]
        # A constant column must become exactly zero, without the rounding error of its mean.
        constant = low == high
        if np.logical_or.reduce(constant):
            center = np.where(constant, low, center)
        # It counts as far from zero, so that blocks are shifted before their products.
        magnitude = np.maximum(high - center, center - low)
    else:
        center = np.zeros(sample.shape[1])
        # Converted first, since the least integer of a type has no absolute value in that type.
        ends = np.stack((low, high)).astype(np.float64)
        magnitude = np.abs(ends).max(axis=0)
    return Units(center, column_units(magnitude), response_unit(y), np.abs(center) + magnitude)


def column_units(magnitude: Vector) -> Vector:
    """1, or a power of two near the size of a column whose squares would over- or underflow."""
    scale = np.ones_like(magnitude)
    if not magnitude.size or SAFE_RANGE[0] <= magnitude.min() <= magnitude.max() <= SAFE_RANGE[1]:
        return scale
    unusual = (magnitude > 0) & ((magnitude < SAFE_RANGE[0]) | (magnitude > SAFE_RANGE[1]))
    scale[unusual] = power_of_two(magnitude[unusual])
    return scale


def stratified_rows(n_rows: int, weights: Vector | None, size: int) -> NDArray[np.intp]:
    """About ``size`` ascending row numbers with positive weight, one drawn from each stretch.

    Rows at equal steps would all have the same phase where the order is periodic (hours of the
    day), so one random row is drawn from each stretch. The seed is fixed, which makes fits
    reproducible. The rows drawn affect a fit only within its tolerance.
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
