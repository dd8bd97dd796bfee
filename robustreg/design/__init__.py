"""Which class serves which X: a new kind of data is a new file here and a line below."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse

from robustreg.design.base import Design
from robustreg.design.dense import DenseDesign
from robustreg.design.sparse import SparseDesign

__all__ = ["Design", "as_design"]


def as_design(
    X: Any, y: NDArray, sample_weight: NDArray[np.float64] | None, *, centered: bool
) -> Design:
    """The design of validated data; ``centered`` where an intercept lets columns be shifted."""
    kind = SparseDesign if issparse(X) else DenseDesign
    return kind(X, y, sample_weight, centered=centered)
