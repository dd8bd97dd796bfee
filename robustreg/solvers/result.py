"""What a solver returns."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from robustreg.design.base import Point
from robustreg.problem import Problem

__all__ = ["Result", "Status"]


class Status(Enum):
    """How a solver ended; the value is what the user is told."""

    CONVERGED = "the minimiser was reached"
    EXACT_FIT = "the data are fitted exactly: the scale went to zero"
    MAX_ITER = "max_iter was reached"
    ROUNDING = "rounding errors of double precision stopped the progress"


@dataclass(frozen=True)
class Result:
    """A solution, how far it is from the minimiser, and at what cost.

    Attributes
    ----------
    problem : Problem
        With what the solver found out about X.
    point : Point
        In working units; its scale is zero at an exact fit.
    optimality : float
        Bound on the distance: see ``HuberRegressor.optimality_``.
    n_iter : int
    status : Status
    """

    problem: Problem
    point: Point
    optimality: float
    n_iter: int
    status: Status
