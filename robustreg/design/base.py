"""What every design offers to solvers: sums over rows, and statistics of the residuals.

A design holds the data in *working units*: rows ``z = (x - center) / column_scale`` and responses
``y / response_scale``. Neither X nor a standardised copy of it is ever formed: parameters go in as
``(w, b)`` of the working units, sums come out in them, and the change of units is done on p
numbers.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from functools import cached_property
from operator import add, sub
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from robustreg.design.rows import RowAccess
from robustreg.design.units import Units
from robustreg.losses import Huber, Loss
from robustreg.scales import median_absolute_residual, weighted_median

__all__ = ["Design", "GramKind", "Mixing", "Point", "Sums"]

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]

#: Which curvature the rows of a Gram matrix have: ``Loss.curvature`` with this mixing, or one for
#: every row (None), that of least squares.
Mixing = float | None

#: How the curvature of a design is best had: a Gram matrix, its triangular factor (fewer rows than
#: columns), or only the diagonal (too many columns).
GramKind = Literal["matrix", "factor", "diagonal"]

#: A pilot has this share of the rows, and at least this many rows and rows a parameter; no more
#: numbers than fit in 64 MB, whatever the rows.
PILOT_SHARE, PILOT_ROWS, PILOT_ROWS_PER_PARAMETER, PILOT_NUMBERS = 1 / 16, 1000, 10, 2**23

#: Rounding errors of a residual in units of eps times the size of its terms. They add up at random.
ROUNDING = 8.0


class Point(NamedTuple):
    """Where sums are evaluated: coefficients, intercept and sigma in working units, and the loss.

    The loss is one of standardised residuals; ``units_loss`` is that of the residuals themselves.
    """

    coef: Vector
    intercept: float
    scale: float
    loss: Loss

    @property
    def units_loss(self) -> Loss:
        """The loss of residuals in working units."""
        return self.loss.at(self.scale)

    @property
    def threshold(self) -> float:
        """``delta sigma``, where the loss is Huber's."""
        return float(self.loss.at(self.scale).delta)  # type: ignore[attr-defined]


class Sums(NamedTuple):
    """Sums over rows with residual e, psi of it and frequency s. They add and subtract."""

    loss: Any  # sum s rho
    psi_squares: Any  # sum s psi²
    psi: Any  # sum s psi
    curvature: Any  # sum s psi'
    gradient: Vector  # sum s psi z

    def __add__(self, other: Sums) -> Sums:  # type: ignore[override]
        return Sums._make(map(add, self, other))

    def __sub__(self, other: Sums) -> Sums:
        return Sums._make(map(sub, self, other))


class Design(RowAccess):
    """Data of size n behind sums over its rows.

    Attributes
    ----------
    n_rows, n_features : int
        Rows with a positive weight or not, and columns of X.
    total_weight : float
        Sum of the frequencies.
    square_weight : float
        Sum of their squares.
    units : Units
        Shift and scale of the columns, and the scale of y, a power of two. The columns' scale is 1
        but near over- or underflow: equilibration belongs to the metric, where it costs p² and not
        n p operations.
    passes : int
        How often all rows have been read since the design was made.
    on_pass : callable, optional
        Called after each.
    """

    total_weight: float
    square_weight: float
    passes: int = 0
    on_pass: Callable[[], None] | None = None

    #: Columns up to which a Gram matrix is formed: 200 MB, and half a minute for its factor.
    widest_gram = 5000

    # -- sums over rows -------------------------------------------------------------------------

    @abstractmethod
    def value_and_gradient(self, point: Point) -> Sums:
        """The sums at a point, in one pass."""

    def values_and_gradients(self, points: Sequence[Point]) -> list[Sums]:
        """Sums at several points: in one pass where a design can, else in one for each.

        The candidates of a search move together; they are few beside the rows.
        """
        return [self.value_and_gradient(point) for point in points]

    def precise_gradient(self, point: Point) -> Sums:
        """``value_and_gradient``, with more digits than double precision where a design can."""
        return self.value_and_gradient(point)

    @abstractmethod
    def gram(self, point: Point, mixing: Mixing) -> tuple[Sums, Matrix]:
        """The sums, and the Gram matrix of the augmented rows ``(z, 1, e)``, in one pass.

        Its order is p + 2. Rows enter with their curvature, the last column with psi' alone.
        """

    @abstractmethod
    def triangular_factor(self, point: Point, mixing: Mixing) -> tuple[Sums, Matrix]:
        """As ``gram``, but R with ``R'R`` the Gram matrix, by Householder reflections.

        The condition number is not squared: for the columns that ``gram`` cannot tell apart.
        Negative curvature counts as zero here.
        """

    def gram_kind(self, alpha: float) -> GramKind:
        """Which of the three can be afforded, with a penalty or without."""
        if alpha == 0.0 and self.n_rows < self.n_features:
            return "factor"
        return "matrix" if self.n_features <= self.widest_gram else "diagonal"

    @abstractmethod
    def gram_diagonal(self, point: Point, mixing: Mixing) -> tuple[Sums, Vector]:
        """As ``gram``, but its diagonal alone, of length p + 2: for X too wide for the matrix."""

    @abstractmethod
    def gram_product(self, point: Point, vector: Vector, mixing: Mixing = 0.0) -> Vector:
        """The Gram matrix times a vector of length p + 2."""

    # -- other designs ----------------------------------------------------------------------------

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
    def subsample(self, n_rows: int) -> Design:
        """A design of about ``n_rows`` rows with positive weight, spread evenly over all."""

    @abstractmethod
    def reweighted(self, weights: Vector) -> Design:
        """The same rows and working units with other frequencies; X is shared.

        A fold of cross-validation has zeros at its validation rows: one pass then gives the sums
        over the training rows and the residuals of the others.
        """

    def count_pass(self) -> None:
        """All rows have been read once more."""
        self.passes += 1
        if self.on_pass is not None:
            self.on_pass()

    # -- observations -----------------------------------------------------------------------------

    @property
    def n_observations(self) -> float:
        """N: the sum of the frequencies, or Kish's effective number where that is larger.

        Integer weights count rows: their squares add up to at least their sum. Weights below one
        are no counts. ``(sum s)² / sum s²`` observations of equal weight have the same information
        (L. Kish, Survey Sampling, 1965), whatever the unit of the weights.
        """
        return max(self.total_weight, self.total_weight**2 / self.square_weight)

    # -- statistics of the residuals --------------------------------------------------------------

    def rounding_level(self, point: Point) -> float:
        """Size of the rounding errors in a typical residual, in working units.

        Those of the user's coefficients are counted, whatever the units of the blocks.
        """
        coef, intercept = self.raw(point)
        # A typical response is one to two working units.
        size = 1.0 + abs(intercept) + float(np.abs(coef) @ self.units.magnitude)
        return ROUNDING * float(np.finfo(np.float64).eps) * size

    @property
    def squares_overflow(self) -> bool:
        """Whether the sum of the squares of y, in working units, is beyond the largest number.

        Of rows that are not in memory it is not known.
        """
        if not self.in_memory:
            return False
        counted = True if self.weights is None else self.weights > 0.0
        largest = float(np.abs(self.response).max(initial=0.0, where=counted))
        return largest > float(np.sqrt(np.finfo(np.float64).max / max(self.n_rows, 1)))

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

        See ``scales.OrderedSquares.joint_scale``.
        """

    # -- change of units --------------------------------------------------------------------------

    @property
    def block_units(self) -> Units:
        """Units of the columns as the products meet them, which may have been shifted before."""
        return self.units

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

    def from_user(self, coef: Any, intercept: float) -> tuple[Vector, float]:
        """The inverse of ``to_user``: coefficients and intercept in working units."""
        coef = np.asarray(coef, dtype=np.float64) / self.units.response_scale
        intercept = intercept / self.units.response_scale + float(self.units.center @ coef)
        return coef * self.units.column_scale, intercept
