"""pandas, imported where a table is asked for."""

from __future__ import annotations

from typing import Any

__all__ = ["pandas"]


def pandas(caller: str) -> Any:
    """The module, or an error that says how to install it."""
    try:
        import pandas as pd
    except ImportError as error:
        raise ImportError(
            f"{caller} is a pandas DataFrame, and pandas is not installed: run "
            "`pip install robustreg[inference]`."
        ) from error
    return pd
