"""Base class of the results of ``diagnose``: a table of all rows, and the unusual ones."""

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
    """Diagnostics of every row. See the subclasses for the attributes."""

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
        """How unusual each row is, of shape (n_samples,). Rows above one deserve a look."""

    @abstractmethod
    def _further_columns(self) -> dict[str, NDArray]:
        """Return the columns of the table that follow the weight."""

    def _reasons(self, rows: Indices) -> dict[str, list[str]]:
        """Return the columns that only ``rows_to_check`` has."""
        return {}

    @property
    def table(self) -> Any:
        """DataFrame of all rows in their original order, with their labels as index."""
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
        """Return the rows that deserve a look, the most unusual first.

        Parameters
        ----------
        n : int, default=10
            The most rows to return.

        Returns
        -------
        DataFrame
            Rows of ``table``. For a Huber regression, a column says why a row deserves a look:
            "residual", "leverage" or "influence", or several of these.

        Raises
        ------
        ValueError
            If ``n`` is not a non-negative integer.
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
            # Print all columns even in a narrow terminal, because the last one has the reasons.
            parts.append(rows.to_string(float_format=FORMAT))
        return "\n".join(parts)

    def _repr_html_(self) -> str:
        rows = self.rows_to_check()
        table = "" if rows.empty else rows.to_html(float_format=FORMAT, border=0)
        lines = "".join(f"<p>{escape(line)}</p>" for line in (repr(self), *self.notes))
        return f"<div>{lines}{table}</div>"
