"""Import pandas when a DataFrame is requested, and find the labels of rows."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["pandas", "row_index", "row_labels"]


def pandas(caller: str) -> Any:
    """Import pandas, or raise an error that says how to install it."""
    try:
        import pandas as pd
    except ImportError as error:
        raise ImportError(
            f"{caller} is a pandas DataFrame, and pandas is not installed: run "
            "`pip install robustreg[inference]`."
        ) from error
    return pd


def row_index(*data: Any) -> Any:
    """Return the index of the first argument that has one, or None."""
    for each in data:
        index = getattr(each, "index", None)
        # A list has a method called index.
        if index is not None and not callable(index):
            return index
    return None


def row_labels(X: Any, y: Any, n: int) -> NDArray:
    """Return the index of X or y, or row numbers from zero if they have none; shape (n,)."""
    index = row_index(X, y)
    return np.arange(n) if index is None else np.asarray(index)
