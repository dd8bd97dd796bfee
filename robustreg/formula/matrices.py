"""Frames of pandas and the matrices that formulaic makes from them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from robustreg.data import is_collection

__all__ = ["as_frame", "complete_rows", "model_matrix", "side"]


def as_frame(data: Any) -> Any:
    """Return a frame of pandas whose index counts the rows, since formulaic drops rows by label."""
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
            f"data must be a frame with the columns that the formula names, got "
            f"{type(data).__name__}: pass pandas.DataFrame(data, columns=[...])."
        )
    return data.reset_index(drop=True)


def model_matrix(spec: Any, frame: Any, na_action: str) -> Any:
    """Return the matrices that formulaic makes, using no names but those of the data."""
    try:
        import formulaic
        import formulaic.errors
    except ImportError as error:
        raise ImportError("formulas need formulaic: pip install 'robustreg[formula]'.") from error
    try:
        # Without a context, so that variables of the calling program have no effect.
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
    """Return the left or the right side of a formula, which may have only a right side."""
    return getattr(matrices, name, matrices if name == "rhs" else None)


def complete_rows(formula: str, frame: Any) -> tuple[Any, Any]:
    """Return the rows without missing values, and the response."""
    matrices = model_matrix(formula, frame, "drop")
    left = side(matrices, "lhs")
    if left is None:
        raise ValueError(f"formula={formula!r} has no response: write 'y ~ {formula}'.")
    states = left.model_spec.encoder_state.items()
    coded = [factor for factor, (_, state) in states if "categories" in state]
    if coded:
        raise ValueError(
            f"formula={formula!r} has a response that is not a number: "
            f"{', '.join(map(str, coded))} has categories. Use a numeric column as response."
        )
    y = left.iloc[:, 0] if left.shape[1] == 1 else left
    return frame.loc[left.index], y
