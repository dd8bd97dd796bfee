"""The interface between data and solvers: sums over rows, and statistics of the residuals.

A design holds the data in *working units*: rows ``z = (x - center) / column_scale`` and responses
``y / response_scale``. No standardised copy of X is formed. Parameters and sums are in working
units, and the change of units is applied to p numbers instead of n p.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from robustreg.design.rows import RowAccess
from robustreg.design.sums import Point, Sums
from robustreg.design.units import Units
from robustreg.losses import Huber, Loss
from robustreg.scales import median_absolute_residual, weighted_median

__all__ = ["EPS", "EXTENDED_EPS", "Design", "GramKind", "Mixing", "Point", "Sums"]

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]

#: The curvature of the rows in a Gram matrix: ``Loss.curvature`` with this mixing, or 1 for every
#: row (None), as in least squares.
Mixing = float | None

#: The form in which a design computes its curvature: a Gram matrix, its triangular factor (where
#: there are fewer rows than columns), or neither (where there are too many columns), so that only
#: products with the Hessian are computed.
GramKind = Literal["matrix", "factor", "products"]

#: A pilot has this share of the rows, at least this many rows and rows per parameter, and at most
#: this many numbers (64 MB).
PILOT_SHARE, PILOT_ROWS, PILOT_ROWS_PER_PARAMETER, PILOT_NUMBERS = 1 / 16, 1000, 10, 2**23

#: Numbers in X up to which a design is small.
FEW_NUMBERS = 2**16

#: Rounding error of a residual, in units of eps times the size of its terms. The errors of the
#: terms are random, so that they partly cancel.
ROUNDING = 8.0

#: Twice the unit roundoff of a double, and of a long double, in which the intercept is summed.
EPS, EXTENDED_EPS = float(np.finfo(np.float64).eps), float(np.finfo(np.longdouble).eps)


class Design(RowAccess):
    """The data, which solvers see only through sums over rows.

    Attributes
    ----------
    n_rows, n_features : int
        Number of rows, including those of weight zero, and of columns of X.
    total_weight : float
        Sum of the frequencies.
    square_weight : float
        Sum of their squares.
    units : Units
        Shift and scale of the columns, and the scale of y, a power of two. The scale of a column
        is 1 unless its squares would over- or underflow. The metric equilibrates the columns, with
        p² operations instead of n p.
    passes : int
        How often all rows have been read since the design was made.
    on_pass : callable, optional
        Called after each pass with the design, and with the point at which the sums were taken, if
        there was one.
    """

    total_weight: float
    square_weight: float
    passes: int = 0
    on_pass: Callable[..., None] | None = None

    #: Largest number of columns with a Gram matrix: 200 MB, and half a minute for its factor.
    widest_gram = 5000

    # -- sums over rows -------------------------------------------------------------------------

    @abstractmethod
    def value_and_gradient(self, point: Point) -> Sums:
        """The sums at a point, in one pass."""

    @abstractmethod
    def sums_together(self, coef: Matrix, intercept: Vector, loss: Loss) -> Sums:
        """The sums at several points, along their last axis, in one pass.

        Coefficients have shape (points, p), and the loss takes residuals of shape (points, n).
        """

    def values_and_gradients(self, points: Sequence[Point]) -> list[Sums]:
        """The sums at several points, in one pass, as for the candidates of a search."""
        losses = [point.units_loss for point in points]
        coef = np.array([point.coef for point in points])
        intercept = np.array([point.intercept for point in points])
        sums = self.sums_together(coef, intercept, type(losses[0]).together(losses))
        return [sums.one(index) for index in range(len(points))]

    def precise_gradient(self, point: Point) -> Sums:
        """``value_and_gradient``, in extended precision where the design offers it."""
        return self.value_and_gradient(point)

    @abstractmethod
    def gram(self, point: Point, mixing: Mixing) -> tuple[Sums, Matrix]:
        """The sums, and the Gram matrix of the augmented rows ``(z, 1, e)``, in one pass.

        Its order is p + 2. Rows are weighted by their curvature, and the last column by psi'.
        """

    @abstractmethod
    def triangular_factor(self, point: Point, mixing: Mixing) -> tuple[Sums, Matrix]:
        """As ``gram``, but R with ``R'R`` the Gram matrix, by Householder reflections.

        With few rows R is the weighted rows themselves, otherwise it is triangular. The condition
        number is not squared, so it serves columns that ``gram`` cannot tell apart. Negative
        curvature counts as zero here.
        """

    def gram_kind(self, alpha: float) -> GramKind:
        """The form of the curvature that is affordable with this penalty."""
        if alpha == 0.0 and self.n_rows < self.n_features:
            return "factor"
        return "matrix" if self.n_features <= self.widest_gram else "products"

    @abstractmethod
    def gram_diagonal(self, point: Point, mixing: Mixing) -> tuple[Sums, Matrix]:
        """The diagonal of ``gram`` and the row of its constant column, of shape (2, p + 2).

        They serve X that is too wide for the matrix.
        """

    @abstractmethod
    def gram_product(self, point: Point, vector: Vector, mixing: Mixing = 0.0) -> Vector:
        """The Gram matrix times a vector of length p + 2."""

    # -- other designs ----------------------------------------------------------------------------

    @property
    def smallest_pilot(self) -> int:
        """The least number of rows of a useful pilot."""
        return max(PILOT_ROWS, PILOT_ROWS_PER_PARAMETER * self.n_features)

    @property
    def pilot_rows(self) -> int:
        """Number of rows of a pilot, which then costs less than one pass and little memory."""
        most = max(self.smallest_pilot, PILOT_NUMBERS // max(1, self.n_features))
        return min(int(self.n_rows * PILOT_SHARE), most)

    @abstractmethod
    def subsample(self, n_rows: int) -> Design:
        """A design of about ``n_rows`` rows with positive weight, spread evenly over all."""

    @abstractmethod
    def reweighted(self, weights: Vector) -> Design:
        """The same rows and working units with other frequencies; X is shared.

        A fold of cross-validation has weight zero at its validation rows. One pass then gives the
        sums over the training rows and the residuals of the validation rows.
        """

    def count_pass(self, point: Point | None = None) -> None:
        """Count one more pass over all rows, at a point or for something else."""
        self.passes += 1
        if self.on_pass is not None:
            self.on_pass(self, point)

    # -- observations -----------------------------------------------------------------------------

    @cached_property
    def n_observations(self) -> float:
        """N: the sum of the frequencies, or Kish's effective number where that is larger.

        Integer weights count rows, and their squares add up to at least their sum. Weights below
        one are not counts. ``(sum s)² / sum s²`` observations of equal weight have the same
        information (L. Kish, Survey Sampling, 1965), whatever the unit of the weights.
        """
        return max(self.total_weight, self.total_weight**2 / self.square_weight)

    @property
    def n_positive(self) -> int:
        """Number of rows with a positive weight, or of all rows if weights are not in memory."""
        return self.n_rows

    # -- statistics of the residuals --------------------------------------------------------------

    def rounding_level(self, point: Point) -> float:
        """Size of the rounding errors in a typical residual, in working units.

        The rounding of the user's coefficients is included, whatever the units of the blocks.
        """
        coef, intercept = self.raw(point)
        # A typical response has a size of one to two working units.
        size = 1.0 + abs(intercept) + float(np.abs(coef) @ self.units.magnitude)
        return ROUNDING * EPS * size

    @property
    def is_small(self) -> bool:
        """Whether a pass, even in extended precision, takes no longer than about a millisecond."""
        return self.n_rows * self.n_features <= FEW_NUMBERS

    @property
    def squares_overflow(self) -> bool:
        """Whether the sum of the squares of y, in working units, overflows.

        False for rows that are not in memory, where it is unknown.
        """
        if not self.in_memory:
            return False
        counted = True if self.weights is None else self.weights > 0.0
        largest = float(np.abs(self.response).max(initial=0.0, where=counted))
        return bool(largest > np.sqrt(np.finfo(np.float64).max / max(self.n_rows, 1)))

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

    @abstractmethod
    def joint_scale(self, point: Point, loss: Huber, target: float) -> float:
        """The root sigma of ``sum s min(e², (delta sigma)²) = target sigma²`` at a point.

        See ``scales.joint_scale``. The scale of the point is where the search begins.
        """

    # -- change of units --------------------------------------------------------------------------

    @property
    def block_units(self) -> Units:
        """Units of the columns in the blocks, whose columns may have been shifted already."""
        return self.units

    def raw(self, point: Point) -> tuple[Vector, float]:
        """Coefficients and intercept for the columns of X as given, with y in working units."""
        coef, intercept = self.units.raw(point.coef, point.intercept)
        if self.block_units is not self.units:
            # The coefficients belong to shifted columns. The terms may be much larger than their
            # sum, so that extended precision is needed for its digits.
            center = self.units.center.astype(np.longdouble)
            intercept = float(np.longdouble(point.intercept) - center @ coef)
        return coef, intercept

    def intercept_rounding(self, point: Point) -> float:
        """Size of the rounding error of the user's intercept, in working units."""
        coef, intercept = self.raw(point)
        level = EPS * abs(intercept)
        if self.block_units is not self.units:
            level += EXTENDED_EPS * float(np.abs(self.units.center) @ np.abs(coef))
        return 0.5 * level

    def to_user(self, point: Point) -> tuple[Vector, float]:
        """Coefficients and intercept in the units of the user's X and y."""
        coef, intercept = self.raw(point)
        return coef * self.units.response_scale, intercept * self.units.response_scale

    def from_user(self, coef: Any, intercept: float) -> tuple[Vector, float]:
        """The inverse of ``to_user``: coefficients and intercept in working units."""
        coef = np.asarray(coef, dtype=np.float64) / self.units.response_scale
        intercept = intercept / self.units.response_scale + float(self.units.center @ coef)
        return coef * self.units.column_scale, intercept
