"""X and many responses in memory, and their parts for folds."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from robustreg.design.prediction import linear_prediction
from robustreg.design.response_table import ResponseTable
from robustreg.estimators.fitting import HuberProblem
from robustreg.estimators.many_fit import ManyFit
from robustreg.estimators.many_solutions import ManySolutions

__all__ = ["ManyData"]

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]
Start = tuple[Matrix, Vector, Vector]


@dataclass(frozen=True)
class ManyData:
    """Validated X, responses in memory, and weights.

    Attributes
    ----------
    X : array or CSR matrix of shape (n, p)
    Y : array of shape (n, k)
    names : list or None
        Names of the responses.
    omit : bool
        Whether NaN in Y means a missing value.
    weights : array of shape (n,) or None
    """

    X: Any
    Y: NDArray
    names: list[Any] | None
    omit: bool
    weights: Vector | None

    def rows(self, index: NDArray[np.intp]) -> ManyData:
        """Select rows."""
        weights = None if self.weights is None else self.weights[index]
        return replace(self, X=self.X[index], Y=self.Y[index], weights=weights)

    def responses(self, index: NDArray[np.intp]) -> ManyData:
        """Select responses."""
        names = None if self.names is None else [self.names[j] for j in index.tolist()]
        return replace(self, Y=self.Y[:, index], names=names)

    @property
    def table(self) -> ResponseTable:
        """Responses in the form that a fit reads."""
        return ResponseTable(self.Y, self.names, self.omit)

    def fit(self, problem: HuberProblem, start: Start | None = None) -> tuple[ManySolutions, int]:
        """Solve a problem for all responses, and return the solutions and the number of passes."""
        fit = ManyFit(problem, self.X, self.table, self.weights, start, lambda: None)
        return fit.run(), fit.n_passes

    @property
    def has_weight(self) -> bool:
        """Whether any row has a positive weight."""
        return self.Y.shape[0] > 0 and (self.weights is None or bool(self.weights.any()))

    def residuals(self, found: ManySolutions) -> Matrix:
        """Return the residuals of all rows; NaN for missing values."""
        return self.Y - np.asarray(
            linear_prediction(self.X, found.coef, found.intercept, single=False)
        )
