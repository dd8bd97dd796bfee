"""Which class serves which X: a new kind of data is a new file here and a line below."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse

from robustreg.design.base import Design
from robustreg.design.chunks import RowChunks
from robustreg.design.dask import dask_design
from robustreg.design.dense import DenseDesign
from robustreg.design.sparse import SparseDesign

__all__ = ["Design", "as_design"]


def as_design(
    X: Any, y: Any, sample_weight: NDArray[np.float64] | None, *, centered: bool
) -> Design:
    """The design of validated data; ``centered`` where an intercept lets columns be shifted.

    y and the weights are those of Dask's chunks where X is.
    """
    if isinstance(X, RowChunks):
        return dask_design(X, centered=centered)
    kind = SparseDesign if issparse(X) else DenseDesign
    return kind(X, y, sample_weight, centered=centered)
