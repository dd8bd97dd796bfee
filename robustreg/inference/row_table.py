"""What is known of every row of a fit: a table, and the rows that deserve a look."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

from robustreg.inference.frames import pandas
from robustreg.inference.options import check_whole_number

__all__ = ["RowTable"]

Vector = NDArray[np.float64]
Indices = NDArray[np.intp]

FORMAT = "{:.4g}".format


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class RowTable(ABC):
    """Numbers of every row. See the subclasses for the attributes."""

    labels: NDArray
    fitted_values: Vector
    residuals: Vector
    standardized_residuals: Vector
    weights: Vector
    notes: tuple[str, ...] = ()
    index: Any = None

    @property
    @abstractmethod
    def severity(self) -> Vector:
        """How much each row deserves a look, of shape (n_samples,): from one on it does."""

    @abstractmethod
    def _further_columns(self) -> dict[str, NDArray]:
        """Of the table, after the weight."""

    def _reasons(self, rows: Indices) -> dict[str, list[str]]:
        """Columns that only the rows to check have."""
        return {}

    @property
    def table(self) -> Any:
        """Frame of all rows in their order, indexed by their labels."""
        columns = {
            "fitted": self.fitted_values,
            "residual": self.residuals,
            "standardized": self.standardized_residuals,
            "weight": self.weights,
            **self._further_columns(),
        }
        index = self.labels if self.index is None else self.index
        return pandas(f"{type(self).__name__}.table").DataFrame(columns, index=index)

    def rows_to_check(self, n: int = 10) -> Any:
        """The rows that deserve a look, the worst first.

        Parameters
        ----------
        n : int, default=10
            At most so many.

        Returns
        -------
        DataFrame
            Lines of ``table``, with the reasons where these can be several: "residual", "leverage"
            or "influence".

        Raises
        ------
        ValueError
            If ``n`` is not a whole number from zero.
        """
        check_whole_number("n", n)
        severity = self.severity
        order = np.argsort(-severity, kind="stable")[:n]
        order = order[severity[order] > 1.0]
        return self.table.iloc[order].assign(**self._reasons(order))

    def __str__(self) -> str:
        rows = self.rows_to_check()
        parts = [repr(self), *self.notes]
        if not rows.empty:
            # All columns, however narrow the terminal: the reasons are what is looked for.
            parts.append(rows.to_string(float_format=FORMAT))
        return "\n".join(parts)

    def _repr_html_(self) -> str:
        rows = self.rows_to_check()
        table = "" if rows.empty else rows.to_html(float_format=FORMAT, border=0)
        lines = "".join(f"<p>{escape(line)}</p>" for line in (repr(self), *self.notes))
        return f"<div>{lines}{table}</div>"
