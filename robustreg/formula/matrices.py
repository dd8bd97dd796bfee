"""Frames, and the matrices that formulaic makes of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from robustreg.data import is_collection

__all__ = ["as_frame", "complete_rows", "model_matrix", "side"]


def as_frame(data: Any) -> Any:
    """A frame of pandas whose index counts the rows: formulaic drops rows by label."""
    if is_collection(data):
        raise ValueError(
            "data is a lazy Dask collection, and formulas need rows in memory: pass data.compute()."
        )
    try:
        import pandas as pd
    except ImportError as error:
        raise ImportError("formulas need pandas: pip install 'robustreg[formula]'.") from error
    if isinstance(data, Mapping):
        data = pd.DataFrame(dict(data))
    elif not isinstance(data, pd.DataFrame) and hasattr(data, "to_pandas"):
        data = data.to_pandas()
    if not isinstance(data, pd.DataFrame):
        raise TypeError(
            f"data must be a frame whose columns have the names of the formula, got "
            f"{type(data).__name__}: pass pandas.DataFrame(data, columns=[...])."
        )
    return data.reset_index(drop=True)


def model_matrix(spec: Any, frame: Any, na_action: str) -> Any:
    """formulaic's, of names of the data alone."""
    try:
        import formulaic
        import formulaic.errors
    except ImportError as error:
        raise ImportError("formulas need formulaic: pip install 'robustreg[formula]'.") from error
    try:
        # Without a context: names of the program from which it is called mean nothing.
        return formulaic.model_matrix(spec, frame, context={}, na_action=na_action)
    except formulaic.errors.FormulaicError as error:
        raise ValueError(
            f"the formula cannot be evaluated: {error} The columns of the data are "
            f"{', '.join(map(str, frame.columns))}."
        ) from error
    except ValueError as error:
        if "null values" not in str(error):
            raise
        raise ValueError(
            f"data have missing values ({error}): leave these rows out, as with data.dropna(), or "
            "fill them."
        ) from error


def side(matrices: Any, name: str) -> Any:
    """The left or the right side of a formula that may have one alone."""
    return getattr(matrices, name, matrices if name == "rhs" else None)


def complete_rows(formula: str, frame: Any) -> tuple[Any, Any]:
    """The rows without missing values, and the response."""
    matrices = model_matrix(formula, frame, "drop")
    left = side(matrices, "lhs")
    if left is None:
        raise ValueError(f"formula={formula!r} has no response: write 'y ~ {formula}'.")
    states = left.model_spec.encoder_state.items()
    coded = [factor for factor, (_, state) in states if "categories" in state]
    if coded:
        raise ValueError(
            f"formula={formula!r} has a response that is no number: {', '.join(map(str, coded))} "
            "has categories."
        )
    y = left.iloc[:, 0] if left.shape[1] == 1 else left
    return frame.loc[left.index], y
