"""What every design offers to inference and to a search: rows, by number and by blocks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from robustreg.design.units import Units

if TYPE_CHECKING:
    from robustreg.design.base import Design, Point

__all__ = ["RowAccess"]

Vector = NDArray[np.float64]

#: Residuals that are looked at together: temporaries of n numbers would not stay in cache.
MAPPED_ROWS = 2**16


class RowAccess(ABC):
    """Rows of X, their responses and frequencies, and functions of them.

    Attributes
    ----------
    in_memory : bool
        Whether rows can be had by their numbers without a pass.
    like_rows : callable, optional
        Turns an array of length n into the kind that the user's rows have, where it is another.
    """

    n_rows: int
    n_features: int
    units: Units
    in_memory: bool = True
    like_rows: Callable[[NDArray], Any] | None = None

    @property
    @abstractmethod
    def weights(self) -> Vector | None:
        """Frequencies of the rows, or None where all are one."""

    @property
    @abstractmethod
    def response(self) -> Vector:
        """The responses in working units."""

    @abstractmethod
    def residuals(self, point: Point) -> Vector:
        """Residuals of all rows, in working units.

        They cost no pass if the last one was at ``point``. The array is the design's own: copy it
        before the next pass.
        """

    def map_residuals(self, function: Callable[[Vector], NDArray], point: Point) -> NDArray:
        """A function of each row's residual, in the kind of array that the user's rows have."""
        residuals = self.residuals(point)
        values = np.empty(residuals.shape, dtype=function(residuals[:1]).dtype)
        for rows in self._mapped_rows():
            values[rows] = function(residuals[rows])
        return values if self.like_rows is None else self.like_rows(values)

    def sum_over_residuals(
        self,
        statistic: Callable[[Vector, Vector | None, Vector], tuple[NDArray, ...]],
        point: Point,
    ) -> tuple[NDArray, ...]:
        """Add ``statistic(residuals, weights, response)`` over blocks of rows.

        It costs no pass if the last one was at ``point``.
        """
        residuals, weights, response = self.residuals(point), self.weights, self.response
        total: tuple[NDArray, ...] = ()
        for rows in self._mapped_rows():
            part = statistic(
                residuals[rows], None if weights is None else weights[rows], response[rows]
            )
            total = tuple(a + b for a, b in zip(total, part, strict=True)) if total else part
        return total

    def _mapped_rows(self) -> Iterator[slice]:
        for start in range(0, self.n_rows, MAPPED_ROWS):
            yield slice(start, start + MAPPED_ROWS)

    @abstractmethod
    def sum_over_rows(
        self,
        statistic: Callable[..., tuple[NDArray, ...]],
        values: Sequence[NDArray],
        block_rows: int,
        point: Point | None = None,
    ) -> tuple[NDArray, ...]:
        """Add ``statistic(X, *values)`` over blocks of rows of X as they stand, in one pass.

        ``values`` are arrays of length n in memory, of which each block gets its part. With a point
        it is ``statistic(X, residuals, frequencies, *values)``, of the residuals there.
        """

    @abstractmethod
    def map_rows(
        self, function: Callable[..., NDArray], values: Sequence[NDArray], block_rows: int
    ) -> NDArray:
        """Join ``function(X, *values)``, with an entry or line per row, of all blocks of rows."""

    @abstractmethod
    def rows_of_X(self, index: NDArray[np.intp]) -> Any:
        """Rows of X by number, neither shifted nor scaled."""

    @abstractmethod
    def rows(self, index: NDArray[np.intp]) -> Design:
        """A design of these rows alone, a copy of them, in the same working units."""

    @abstractmethod
    def in_units(self, units: Units) -> Design:
        """The same rows in other working units; its passes go on from those made."""

    @abstractmethod
    def answering(self, y: Vector, weights: Vector | None) -> Design:
        """The same X with other responses, in the units of the user, and frequencies."""
