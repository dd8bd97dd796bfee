"""Which class serves which X: a new kind of data is a new file here and a line below."""

from __future__ import annotations

from typing import Any

from scipy.sparse import issparse

from robustreg.data import is_collection
from robustreg.design.base import Design
from robustreg.design.chunks import row_chunks
from robustreg.design.dask import dask_design
from robustreg.design.dense import DenseDesign
from robustreg.design.sparse import SparseDesign

__all__ = ["Design", "as_design"]


def as_design(X: Any, y: Any, sample_weight: Any, *, centered: bool) -> Design:
    """The design of validated data; ``centered`` where an intercept lets columns be shifted.

    What only reading can tell of a Dask collection is checked here.
    """
    if is_collection(X):
        return dask_design(row_chunks(X, y, sample_weight), centered=centered)
    kind = SparseDesign if issparse(X) else DenseDesign
    return kind(X, y, sample_weight, centered=centered)
