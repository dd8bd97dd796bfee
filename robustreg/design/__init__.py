"""Choose the design class for an X. A new kind of data needs one new file and one line here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from scipy.sparse import issparse

from robustreg.data import is_collection
from robustreg.design.base import Design
from robustreg.design.dask.alignment import row_chunks
from robustreg.design.dask.design import dask_design
from robustreg.design.small import array_design
from robustreg.design.sparse import SparseDesign

__all__ = ["Design", "as_design"]


def as_design(
    X: Any,
    y: Any,
    sample_weight: Any,
    *,
    centered: bool,
    on_pass: Callable[..., None] | None = None,
) -> Design:
    """The design of validated data.

    Parameters
    ----------
    X, y, sample_weight
        From ``validate_regression_data``. The values of a Dask collection are checked here,
        because checking them means reading them.
    centered : bool
        Whether the columns may be shifted, which needs an intercept.
    on_pass : callable, optional
        Called each time all rows have been read: as ``Design.on_pass``, and without arguments
        in the rounds that check a Dask collection.
    """
    if is_collection(X):
        chunks = row_chunks(X, y, sample_weight, on_pass)
        return dask_design(chunks, centered=centered)
    kind = SparseDesign if issparse(X) else array_design
    design = kind(X, y, sample_weight, centered=centered)
    design.on_pass = on_pass
    return design
