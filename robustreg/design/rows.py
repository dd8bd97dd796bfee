"""The interface between data and inference: rows, by number and in blocks."""

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

#: Residuals that are processed together, so that temporaries stay in cache.
MAPPED_ROWS = 2**16


class RowAccess(ABC):
    """Rows of X, their responses and frequencies, and functions of them.

    Attributes
    ----------
    in_memory : bool
        Whether rows can be selected by number without a pass.
    like_rows : callable, optional
        Converts an array of length n to the kind of collection that the user gave.
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

        They cost no pass if the last pass was at ``point``. The next pass overwrites the array, so
        copy it to keep it.
        """

    def map_residuals(self, function: Callable[[Vector], NDArray], point: Point) -> NDArray:
        """A function of each residual, as the kind of collection that the user gave.

        The function returns a new array.
        """
        residuals = self.residuals(point)
        first = values = function(residuals[:MAPPED_ROWS])
        if self.n_rows > MAPPED_ROWS:
            values = np.empty(residuals.shape, dtype=first.dtype)
            values[:MAPPED_ROWS] = first
            for start in range(MAPPED_ROWS, self.n_rows, MAPPED_ROWS):
                rows = slice(start, start + MAPPED_ROWS)
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
        """Sum ``statistic(X, *values)`` over blocks of rows of X as given, in one pass.

        ``values`` are arrays of length n in memory. Each block gets its part of them. With a point,
        the sum is of ``statistic(X, residuals, frequencies, *values)`` with the residuals there.
        """

    @abstractmethod
    def map_rows(
        self, function: Callable[..., NDArray], values: Sequence[NDArray], block_rows: int
    ) -> NDArray:
        """Concatenate ``function(X, *values)``, with an entry per row, over blocks of rows."""

    @abstractmethod
    def rows_of_X(self, index: NDArray[np.intp]) -> Any:
        """Rows of X by number, neither shifted nor scaled."""

    @abstractmethod
    def rows(self, index: NDArray[np.intp]) -> Design:
        """A design with copies of these rows, in the same working units."""

    @abstractmethod
    def in_units(self, units: Units) -> Design:
        """The same rows in other working units. The count of passes continues."""

    @abstractmethod
    def answering(self, y: Vector, weights: Vector | None) -> Design:
        """The same X with other responses, in the user's units, and other frequencies."""
