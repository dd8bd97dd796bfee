"""Errors that name the columns of X that hold text."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

__all__ = ["named_in_errors"]

#: Columns that an error lists.
LISTED = 5

#: How the names of types of numbers begin, in pandas and in other libraries.
NUMBERS = ("float", "int", "uint", "bool", "decimal")


@contextmanager
def named_in_errors(X: Any) -> Iterator[None]:
    """Name the columns of text where X cannot be converted to numbers.

    "Could not convert string to float" says neither where the text is nor what to do about it. The
    columns are looked through only after an error.
    """
    try:
        yield
    except ValueError as error:
        columns = _columns_of_text(X)
        if not columns:
            raise
        listed = ", ".join(columns[:LISTED]) + (" and others" if len(columns) > LISTED else "")
        raise ValueError(
            f"could not convert string to float: X has text in {listed}. Encode these columns, as "
            "with OneHotEncoder in a ColumnTransformer or by robustreg.formula, or leave them out."
        ) from error


def _columns_of_text(X: Any) -> list[str]:
    """Names of the columns of a frame, or numbers of those of an array, with an example."""
    found = []
    for name, column in _columns_of_objects(X):
        text = next((str(value) for value in column if _is_text(value)), None)
        if text is not None:
            found.append(f"{name} ({text!r})")
    return found


def _columns_of_objects(X: Any) -> Iterator[tuple[str, Any]]:
    """The columns whose type is not one of numbers."""
    if hasattr(X, "columns") and hasattr(X, "dtypes"):
        values = X.to_numpy()
        for name, dtype, column in zip(X.columns, X.dtypes, values.T, strict=True):
            if not str(dtype).lower().startswith(NUMBERS):
                yield repr(name), column
    elif isinstance(X, (np.ndarray, list, tuple)):
        values = np.array(X, dtype=object) if isinstance(X, (list, tuple)) else X
        if values.ndim == 2 and values.dtype.kind in "OUS":
            for number, column in enumerate(values.T):
                yield f"column {number}", column


def _is_text(value: Any) -> bool:
    """Whether a value is a string that is no number."""
    if not isinstance(value, str):
        return False
    try:
        float(value)
    except ValueError:
        return True
    return False
