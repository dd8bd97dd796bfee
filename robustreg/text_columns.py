"""Errors that name the columns of X that hold text."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

__all__ = ["named_in_errors"]

#: Columns that an error lists.
LISTED = 5


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
            f"X must have columns of numbers, got text in {listed}: encode these columns, as with "
            "OneHotEncoder in a ColumnTransformer or by robustreg.formula, or leave them out."
        ) from error


def _columns_of_text(X: Any) -> list[str]:
    """Names with an example, of a frame; numbers of the columns, of an array or a list."""
    if hasattr(X, "columns") and hasattr(X, "to_numpy"):
        values, names = X.to_numpy(), [repr(name) for name in X.columns]
    else:
        values = np.asarray(X, dtype=object)
        names = [f"column {j}" for j in range(values.shape[1])] if values.ndim == 2 else []
    found = []
    for name, column in zip(names, values.T, strict=False):
        text = next((value for value in column if _is_text(value)), None)
        if text is not None:
            found.append(f"{name} ({text!r})")
    return found


def _is_text(value: Any) -> bool:
    """Whether a value is a string that is no number."""
    if not isinstance(value, str):
        return False
    try:
        float(value)
    except ValueError:
        return True
    return False
