"""The solutions of many responses, in the user's units."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from robustreg.design import Design
from robustreg.estimators.fitting import (
    PILOT_DELTAS,
    HuberProblem,
    Solution,
    weights_and_outliers,
)
from robustreg.solvers import Status

__all__ = ["ManySolutions"]

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]

#: Weights and outliers are stored for at most this many values of y, with 9 bytes for each.
KEPT_VALUES = 2**24


@dataclass
class ManySolutions:
    """Solutions in the user's units.

    The first axis of all arrays is that of the responses, except in ``weights`` and ``outliers``,
    whose shape is (n_samples, n_targets).
    """

    coef: Matrix
    intercept: Vector
    scale: Vector
    delta: Vector
    optimality: Vector
    n_iter: NDArray[np.intp]
    status: NDArray[np.object_]  # a Status; None for a response without values
    weights: Matrix | None
    outliers: NDArray[np.bool_] | None

    @classmethod
    def of_shape(cls, n: int, p: int, k: int) -> ManySolutions:
        """Return an instance without solutions."""
        keep = n * k <= KEPT_VALUES
        return cls(
            coef=np.full((k, p), np.nan),
            intercept=np.full(k, np.nan),
            scale=np.full(k, np.nan),
            delta=np.full(k, np.nan),
            optimality=np.full(k, np.nan),
            n_iter=np.zeros(k, np.intp),
            status=np.full(k, None, np.object_),
            weights=np.zeros((n, k)) if keep else None,
            outliers=np.zeros((n, k), np.bool_) if keep else None,
        )

    def keep(
        self, design: Design, solution: Solution, k: int, present: NDArray[np.bool_] | None
    ) -> None:
        """Store the solution of one response, whose values may be missing in some rows."""
        self.coef[k], self.intercept[k] = solution.coef, solution.intercept
        self.scale[k], self.delta[k] = solution.scale, solution.delta
        self.optimality[k] = solution.result.optimality
        self.n_iter[k] = solution.result.n_iter
        self.status[k] = solution.result.status
        if self.weights is not None and self.outliers is not None:
            weights, outliers = weights_and_outliers(design, solution)
            if present is not None:
                weights, outliers = np.where(present, weights, 0.0), outliers & present
            self.weights[:, k], self.outliers[:, k] = weights, outliers

    def keep_constants(
        self, problem: HuberProblem, k: NDArray[np.intp], values: Vector, weights: Matrix
    ) -> None:
        """Store constant responses, with weights of zero where they are missing."""
        self.coef[k], self.intercept[k] = 0.0, values
        estimated = isinstance(problem.scale, str)
        self.scale[k] = 0.0 if estimated else problem.scale
        self.status[k] = Status.EXACT_FIT if estimated else Status.CONVERGED
        self.delta[k] = PILOT_DELTAS[-1] if problem.delta == "auto" else problem.delta
        self.optimality[k], self.n_iter[k] = 0.0, 1
        if self.weights is not None and self.outliers is not None:
            self.weights[:, k], self.outliers[:, k] = weights, False
