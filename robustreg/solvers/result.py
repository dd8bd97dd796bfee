"""The result of a solver, and its status."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from robustreg.design.base import Point
from robustreg.problem import Problem

__all__ = ["Result", "Status"]


class Status(Enum):
    """How a solver ended. The values are the messages for users."""

    CONVERGED = "the minimiser was reached"
    EXACT_FIT = "the data are fitted exactly: the scale went to zero"
    MAX_ITER = "max_iter was reached"
    ROUNDING = "rounding errors of double precision stopped the progress"


@dataclass(frozen=True)
class Result:
    """A solution, its distance from the minimiser, and its cost.

    Attributes
    ----------
    problem : Problem
        The problem, with the rank and conditioning that the solver found for X.
    point : Point
        In working units. Its scale is zero for an exact fit.
    optimality : float
        Bound on the distance. See ``HuberRegressor.optimality_``.
    n_iter : int
    status : Status
    """

    problem: Problem
    point: Point
    optimality: float
    n_iter: int
    status: Status
