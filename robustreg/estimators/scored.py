"""The model of a candidate in a fold, as a scorer sees it."""

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
    """A fitted ``HuberRegressor`` whose attributes of the training rows are made when asked for.

    Few scorers ask for more than predictions, and these attributes cost a read of the training
    rows for each candidate and fold.
    """

    @classmethod
    def of(
        cls, problem: HuberProblem, point: Point, training: Design, rows: Rows, searched: Any
    ) -> ScoredRegressor:
        """The solution ``point`` of a problem over ``training``, a search's fold.

        Parameters
        ----------
        problem : HuberProblem
        point : Point
        training : Design
        rows : array of int
            The training rows among those of ``training``.
        searched : HuberRegressorCV
            Whose features the model has.
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
        # Only called for what is not there yet.
        if name in OF_A_FIT_ALONE:
            raise AttributeError(
                f"a candidate of HuberRegressorCV has no {name}, because candidates are fitted "
                "together. For a scorer that needs it take GridSearchCV(HuberRegressor(), ...)."
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
