"""The model of a candidate in a fold, as a scorer receives it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from robustreg.design import Design
from robustreg.design.base import Point
from robustreg.estimators.fitting import HuberProblem
from robustreg.estimators.huber import HuberRegressor

__all__ = ["ScoredRegressor"]

Rows = NDArray[np.intp]

#: Attributes of a single fit that a candidate lacks, because candidates are fitted together.
OF_A_FIT_ALONE = ("n_iter_", "n_passes_", "optimality_")


class ScoredRegressor(HuberRegressor):
    """A fitted ``HuberRegressor`` that computes the attributes of the training rows on request.

    Few scorers need more than predictions, and these attributes need a read of the training rows
    for each candidate and fold.
    """

    @classmethod
    def of(
        cls, problem: HuberProblem, point: Point, training: Design, rows: Rows, searched: Any
    ) -> ScoredRegressor:
        """Make the model from the solution ``point`` of a problem over the training rows.

        Parameters
        ----------
        problem : HuberProblem
        point : Point
        training : Design
        rows : array of int
            Row numbers of the training rows in ``training``.
        searched : HuberRegressorCV
            Estimator from which the model takes the number and names of the features.
        """
        model = cls(**asdict(problem))
        model.coef_, intercept = training.to_user(point)
        model.intercept_ = np.float64(intercept)
        model.delta_ = float(problem.delta)
        model.threshold_ = point.threshold * training.units.response_scale
        model.scale_ = point.scale * training.units.response_scale
        for name in ("n_features_in_", "feature_names_in_", "_single_"):
            if hasattr(searched, name):
                setattr(model, name, getattr(searched, name))
        model._solution = problem, point, training, rows
        return model

    def __getattr__(self, name: str) -> Any:
        # Python calls this only for attributes that do not exist yet.
        if name in OF_A_FIT_ALONE:
            raise AttributeError(
                f"a candidate of HuberRegressorCV has no {name}, because candidates are fitted "
                "together. For a scorer that needs it use GridSearchCV(HuberRegressor(), ...)."
            )
        if name not in ("weights_", "outliers_") or "_solution" not in self.__dict__:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        _, point, training, rows = self._solution
        residuals = training.residuals(point)[rows]
        self.weights_ = point.units_loss.weight(residuals)
        self.outliers_ = np.abs(residuals) > point.threshold
        return self.__dict__[name]

    def __sklearn_clone__(self) -> HuberRegressor:
        return HuberRegressor(**self.get_params(deep=False))
