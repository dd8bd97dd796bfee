"""Tables of responses, in memory, memory-mapped or of Dask, which are read in blocks of columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from robustreg.data import is_collection

__all__ = ["ResponseTable", "TableBlock", "named"]

Matrix = NDArray[np.float64]

#: Most names that a message lists.
LISTED = 5


class TableBlock(NamedTuple):
    """Some columns of a table.

    Attributes
    ----------
    columns : slice
        Which columns.
    values : array of shape (n, B)
        Float64, and zero where a value is missing.
    present : array of shape (n, B) or None
        1 for a value, and 0 for a missing one. None if no value is missing.
    """

    columns: slice
    values: Matrix
    present: Matrix | None


class ResponseTable:
    """A table of k responses with n rows.

    Parameters
    ----------
    values : array or Dask array of shape (n, k)
        Numbers of any type. Blocks are converted to float64.
    names : sequence or None
        Names of the columns, for messages.
    omit : bool
        Whether NaN is a missing value. Otherwise NaN raises an error, as infinity always does.
    """

    def __init__(self, values: Any, names: Sequence[Any] | None, omit: bool) -> None:
        self._values, self._names, self._omit = values, names, omit
        self.n_rows, self.n_responses = (int(length) for length in values.shape)

    def blocks(self, width: int) -> Iterator[TableBlock]:
        """Blocks of at most ``width`` columns, in order."""
        for begin, part in self._parts():
            for start in range(0, part.shape[1], width):
                values = np.array(part[:, start : start + width], dtype=np.float64, order="C")
                columns = slice(begin + start, begin + start + values.shape[1])
                yield TableBlock(columns, values, self._present(values, columns))

    def _parts(self) -> Iterator[tuple[int, NDArray]]:
        """The whole table, or each chunk of columns of a Dask array, with its first column."""
        if not is_collection(self._values):
            yield 0, self._values
            return
        begin = 0
        for length in self._values.chunks[1]:
            yield begin, np.asarray(self._values[:, begin : begin + length].compute())
            begin += length

    def _present(self, values: Matrix, columns: slice) -> Matrix | None:
        # The sum is a quick test. It is not finite either if it overflows, so values are checked.
        if np.isfinite(values.sum()):
            return None
        finite = np.isfinite(values)
        if finite.all():
            return None
        missing = np.isnan(values)
        refused = ~finite & ~missing if self._omit else ~finite
        if refused.any():
            which = columns.start + np.flatnonzero(refused.any(axis=0))
            kind = "infinity" if self._omit or not missing[refused].any() else "NaN"
            remedy = (
                "leave these rows out or mend the values."
                if kind == "infinity"
                else 'pass missing="omit" to leave them out, each for its response alone.'
            )
            raise ValueError(f"Input y contains {kind}, in {self.named(which)}: {remedy}")
        np.copyto(values, 0.0, where=missing)
        return finite.astype(np.float64)

    def named(self, index: NDArray[np.intp]) -> str:
        """Name some of the responses for a message."""
        return named(index, self._names)


def named(index: NDArray[np.intp], names: Sequence[Any] | None = None) -> str:
    """List responses for a message, by their names or by their numbers, counted from 0."""
    listed = [repr(j if names is None else names[j]) for j in index[:LISTED].tolist()]
    noun = "response" if index.size == 1 else "responses"
    if index.size > LISTED:
        return f"{noun} {', '.join(listed)} and {index.size - LISTED} others"
    return f"{noun} {' and '.join(filter(None, (', '.join(listed[:-1]), listed[-1])))}"
