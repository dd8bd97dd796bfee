"""What a solver returns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from robustreg.objective import Objective

__all__ = ["Result", "Solve", "Status"]


class Status(Enum):
    """How a solver ended; the value is what the user is told."""

    CONVERGED = "the minimiser was reached"
    EXACT_FIT = "the data are fitted exactly: the scale went to zero"
    MAX_ITER = "max_iter was reached"
    ROUNDING = "rounding errors of double precision stopped the progress"


@dataclass(frozen=True)
class Result:
    """Parameters, how far they are from the minimiser in standard errors, and at what cost."""

    parameters: NDArray[np.float64]
    optimality: float
    n_iter: int
    status: Status


#: A solver of one problem: (objective, start, tolerance, iterations allowed).
Solve = Callable[[Objective, NDArray[np.float64], float, int], Result]
