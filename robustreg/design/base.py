"""What every design offers: the sums over rows that the solvers need, and nothing n-sized.

A design holds the data in *working units*: rows ``z = (x - center) / column_scale`` and responses
``y / response_scale``. Neither X nor a standardised copy of it is ever formed: parameters go in as
``(w, b)`` of the working units, sums come out in them, and the change of units is done on p
numbers.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from robustreg.design.units import Units
from robustreg.losses import huber_weight
from robustreg.scale import OrderedSquares, median_absolute_residual, weighted_median

__all__ = [
    "Accumulator",
    "Design",
    "GramKind",
    "Point",
    "Rows",
    "Sums",
    "clip_residuals",
    "row_factors",
    "weigh_rows",
]

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]

#: Which rows a Gram matrix counts, and how: those inside the threshold (the Hessian of the Huber
#: loss), the others too but with a small part of their weight ("damped"), all with the weight of
#: iterated least squares (the loss's majorant), or all with weight one.
Rows = Literal["inside", "damped", "weighted", "all"]

#: Part of their weight with which rows outside the threshold enter a damped Hessian.
DAMPING = 1e-3


#: How the curvature of a design is best had: a Gram matrix, its triangular factor (fewer rows than
#: columns), or only the diagonal (too many columns).
GramKind = Literal["matrix", "factor", "diagonal"]

#: A pilot has this share of the rows, and at least this many rows and rows a parameter; no more
#: numbers than fit in 64 MB, whatever the rows.
PILOT_SHARE, PILOT_ROWS, PILOT_ROWS_PER_PARAMETER, PILOT_NUMBERS = 1 / 16, 1000, 10, 2**23

#: Residuals that are looked at together: temporaries of n numbers would not stay in cache.
MAPPED_ROWS = 2**16

#: Rounding errors of a residual in units of eps times the size of its terms. They add up at random.
ROUNDING = 8.0


class Point(NamedTuple):
    """Where sums are evaluated: coefficients and intercept in working units, and the threshold."""

    coef: Vector
    intercept: float
    threshold: float


class Sums(NamedTuple):
    """Sums over rows with residual e, psi = clip(e, -t, t) and frequency s."""

    loss: float  # sum s L_t(e)
    psi_squares: float  # sum s psi² = sum s min(e², t²)
    psi: float  # sum s psi
    gradient: Vector  # sum s psi z


class Design(ABC):
    """Data of size n behind sums over its rows.

    Attributes
    ----------
    n_rows, n_features : int
        Rows with a positive weight or not, and columns of X.
    total_weight : float
        Sum of the frequencies, the number of observations.
    units : Units
        Shift and scale of the columns, and the scale of y, a power of two. The columns' scale is 1
        but near over- or underflow: equilibration belongs to the preconditioner, where it costs p²
        and not n p operations.
    passes : int
        How often all rows have been read since the design was made.
    on_pass : callable, optional
        Called after each.
    in_memory : bool
        Whether rows can be had by their numbers without a pass.
    like_rows : callable, optional
        Turns an array of length n into the kind that the user's rows have, where it is another.
    """

    n_rows: int
    n_features: int
    total_weight: float
    units: Units
    passes: int = 0
    on_pass: Callable[[], None] | None = None
    in_memory: bool = True
    like_rows: Callable[[NDArray], Any] | None = None

    # -- sums over rows -------------------------------------------------------------------------

    @abstractmethod
    def value_and_gradient(self, point: Point) -> Sums:
        """Loss, its scale and coefficient sums, in one pass."""

    def values_and_gradients(self, points: Sequence[Point]) -> list[Sums]:
        """Sums at several points: in one pass where a design can, else in one for each.

        The candidates of a search move together; they are few beside the rows.
        """
        return [self.value_and_gradient(point) for point in points]

    def precise_gradient(self, point: Point) -> Sums:
        """``value_and_gradient``, with more digits than double precision where a design can."""
        return self.value_and_gradient(point)

    @abstractmethod
    def gram(self, point: Point, rows: Rows) -> tuple[Sums, Matrix]:
        """The sums, and the Gram matrix of the augmented rows ``(z, 1, psi)``, in one pass.

        Its order is p + 2; ``psi`` is the residual itself for rows inside the threshold.
        """

    @abstractmethod
    def triangular_factor(self, point: Point, rows: Rows) -> tuple[Sums, Matrix]:
        """As ``gram``, but R with ``R'R`` the Gram matrix, by Householder reflections.

        The condition number is not squared: for the columns that ``gram`` cannot tell apart.
        """

    @abstractmethod
    def gram_kind(self, alpha: float) -> GramKind:
        """Which of the three can be afforded, with a penalty or without."""

    @abstractmethod
    def gram_diagonal(self, point: Point, rows: Rows) -> tuple[Sums, Vector]:
        """As ``gram``, but its diagonal alone, of length p + 2: for X too wide for the matrix."""

    @abstractmethod
    def gram_product(self, point: Point, vector: Vector) -> Vector:
        """The Gram matrix of the rows inside the threshold times a vector of length p + 2."""

    @abstractmethod
    def sum_over_rows(
        self,
        statistic: Callable[..., tuple[NDArray, ...]],
        values: Sequence[NDArray],
        block_rows: int,
    ) -> tuple[NDArray, ...]:
        """Add ``statistic(X, *values)`` over blocks of rows of X as they stand, in one pass.

        ``values`` are arrays of length n in memory, of which each block gets its part.
        """

    @abstractmethod
    def map_rows(
        self, function: Callable[..., NDArray], values: Sequence[NDArray], block_rows: int
    ) -> NDArray:
        """Join ``function(X, *values)``, with an entry or line per row, of all blocks of rows."""

    @abstractmethod
    def rows_of_X(self, index: NDArray[np.intp]) -> Any:
        """Rows of X as they stand."""

    @abstractmethod
    def residuals(self, point: Point) -> Vector:
        """Residuals of all rows, in working units. Free where the last pass was at ``point``."""

    def map_residuals(self, function: Callable[[Vector], NDArray], point: Point) -> NDArray:
        """A function of each row's residual, in the kind of array that the user's rows have."""
        residuals = self.residuals(point)
        values = np.empty(residuals.shape, dtype=function(residuals[:1]).dtype)
        for start in range(0, self.n_rows, MAPPED_ROWS):
            rows = slice(start, start + MAPPED_ROWS)
            values[rows] = function(residuals[rows])
        return values if self.like_rows is None else self.like_rows(values)

    @property
    def smallest_pilot(self) -> int:
        """Rows below which a pilot says too little."""
        return max(PILOT_ROWS, PILOT_ROWS_PER_PARAMETER * self.n_features)

    @property
    def pilot_rows(self) -> int:
        """Rows that a pilot should have: it then costs less than one pass, and little memory."""
        most = max(self.smallest_pilot, PILOT_NUMBERS // max(1, self.n_features))
        return min(int(self.n_rows * PILOT_SHARE), most)

    @abstractmethod
    def rows(self, index: NDArray[np.intp]) -> Design:
        """A design of these rows alone, a copy of them, in the same working units."""

    @abstractmethod
    def subsample(self, n_rows: int) -> Design:
        """A design of about ``n_rows`` rows with positive weight, spread evenly over all."""

    @abstractmethod
    def answering(self, y: Vector, weights: Vector | None) -> Design:
        """The same X with other responses, in the units of the user, and frequencies."""

    @abstractmethod
    def reweighted(self, weights: Vector) -> Design:
        """The same rows and working units with other frequencies; X is shared.

        A fold of cross-validation has zeros at its validation rows: one pass then gives the sums
        over the training rows and the residuals of the others.
        """

    @property
    @abstractmethod
    def weights(self) -> Vector | None:
        """Frequencies of the rows, or None where all are one."""

    @property
    def block_units(self) -> Units:
        """Units of the columns as the products meet them, which may have been shifted before."""
        return self.units

    def rounding_level(self, point: Point) -> float:
        """Size of the rounding errors in a typical residual, in working units.

        Those of the user's coefficients are counted, whatever the units of the blocks.
        """
        coef, intercept = self.raw(point)
        # A typical response is one to two working units.
        size = 1.0 + abs(intercept) + float(np.abs(coef) @ self.units.magnitude)
        return ROUNDING * float(np.finfo(np.float64).eps) * size

    def count_pass(self) -> None:
        """All rows have been read once more."""
        self.passes += 1
        if self.on_pass is not None:
            self.on_pass()

    # -- statistics of the residuals --------------------------------------------------------------

    def inside_fraction(self, point: Point) -> float:
        """Share of the weight with a residual inside the threshold: the mean of psi'."""
        residuals, total = self.residuals(point), 0.0
        for start in range(0, self.n_rows, MAPPED_ROWS):
            rows = slice(start, start + MAPPED_ROWS)
            inside = np.abs(residuals[rows]) <= point.threshold
            if self.weights is None:
                total += np.count_nonzero(inside)
            else:
                total += float(self.weights[rows] @ inside)
        return total / self.total_weight

    def response_location_and_spread(self, fit_intercept: bool) -> tuple[float, float]:
        """Median of y (zero without an intercept) and MAD about it, in working units."""
        y = self.response
        location = weighted_median(y, self.weights) if fit_intercept else 0.0
        return location, median_absolute_residual(y - location, self.weights)

    @cached_property
    def spread(self) -> float:
        """MAD of y about its median, in working units; infinite where most of y is constant."""
        return self.response_location_and_spread(True)[1] or np.inf

    def median_scale(self, point: Point) -> float:
        """MAD of the residuals about zero."""
        return median_absolute_residual(self.residuals(point), self.weights)

    def joint_scale(self, point: Point, delta: float, target: float, penalty: float) -> float:
        """Scale that minimises the joint objective at these coefficients."""
        squares = OrderedSquares(self.residuals(point), self.weights)
        return squares.joint_scale(delta, target, penalty)

    @property
    @abstractmethod
    def response(self) -> Vector:
        """The responses in working units."""

    # -- change of units --------------------------------------------------------------------------

    def raw(self, point: Point) -> tuple[Vector, float]:
        """Coefficients and intercept of the columns as they stand in X, y in working units."""
        coef, intercept = self.units.raw(point.coef, point.intercept)
        if self.block_units is not self.units:
            # The products met shifted columns. Terms much larger than their sum leave its digits
            # only to longer numbers.
            center = self.units.center.astype(np.longdouble)
            intercept = float(np.longdouble(point.intercept) - center @ coef)
        return coef, intercept

    def intercept_rounding(self, point: Point) -> float:
        """Size of the rounding error of the user's intercept, in working units."""
        coef, intercept = self.raw(point)
        level = float(np.finfo(np.float64).eps) * abs(intercept)
        if self.block_units is not self.units:
            terms = float(np.abs(self.units.center) @ np.abs(coef))
            level += float(np.finfo(np.longdouble).eps) * terms
        return 0.5 * level

    def to_user(self, point: Point) -> tuple[Vector, float]:
        """Coefficients and intercept in the units of the user's X and y."""
        coef, intercept = self.raw(point)
        return coef * self.units.response_scale, intercept * self.units.response_scale

    def from_user(self, coef: Vector, intercept: float) -> tuple[Vector, float]:
        """The inverse of ``to_user``: coefficients and intercept in working units."""
        coef = np.asarray(coef, dtype=np.float64) / self.units.response_scale
        intercept = intercept / self.units.response_scale + float(self.units.center @ coef)
        return coef * self.units.column_scale, intercept


def clip_residuals(residual: Vector, threshold: float) -> Vector:
    """psi of a block. Two ufuncs: ``numpy.clip`` costs several microseconds more on small data."""
    psi: Vector = np.minimum(residual, threshold)
    return np.maximum(psi, -threshold, out=psi)


def row_factors(residual: Vector, threshold: float, rows: Rows) -> Vector:
    """The factor of each row (z, 1) in a Gram matrix, but for its frequency."""
    if rows == "all":
        return np.ones_like(residual)
    outside = np.abs(residual) > threshold
    if rows == "inside":
        return (~outside).astype(np.float64)
    weight = huber_weight(residual, threshold)
    if rows == "damped":
        weight[outside] *= DAMPING
    return weight


def weigh_rows(block: Matrix, residual: Vector, threshold: float, rows: Rows) -> None:
    """Multiply augmented rows (z, 1, psi) by the root of their factors in a Gram matrix."""
    if rows == "inside":
        block[np.abs(residual) > threshold] = 0.0
    elif rows != "all":
        # The scale derivative is linear in sigma for rows outside: they have no curvature there.
        block[np.abs(residual) > threshold, -1] = 0.0
        block[:, :-1] *= np.sqrt(row_factors(residual, threshold, rows))[:, None]


class Accumulator:
    """Running sums over blocks of rows."""

    def __init__(self, n_features: int, dtype: type[np.floating] = np.float64) -> None:
        self.loss = self.psi_squares = 0.0
        self.psi = dtype(0.0)
        self.product = np.zeros(n_features, dtype)  # sum s psi x, the columns as they stand in X

    def add(self, residual: Vector, psi: Vector, frequency: Vector | None, X: Matrix) -> None:
        weighted = psi if frequency is None else frequency * psi
        squares = float(weighted @ psi)
        # psi (e - psi/2) is e²/2 inside and t(|e| - t/2) outside.
        self.loss += float(weighted @ residual) - 0.5 * squares
        self.psi_squares += squares
        self.psi += weighted.sum()
        self.product += weighted @ X

    def sums(self, units: Units) -> Sums:
        gradient = (self.product - units.center * self.psi) / units.column_scale
        return Sums(self.loss, self.psi_squares, float(self.psi), gradient.astype(np.float64))
