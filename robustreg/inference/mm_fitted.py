"""Check a fitted MM regression and its data, and convert them to working units."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.pipeline import Pipeline

from robustreg.design import as_design
from robustreg.design.base import Point
from robustreg.estimators.mm import MMRegressor
from robustreg.inference.equations import whitening
from robustreg.inference.linear import FittedLinear, as_counts, checked_data, refuse_too_few
from robustreg.inference.models import last_step, without_rows
from robustreg.inference.rows import RowBlocks
from robustreg.losses import Redescending
from robustreg.losses_redescending import loss_for_breakdown, loss_for_efficiency

__all__ = ["FittedMM", "fitted_mm", "is_mm"]

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]

#: Data are refused as not those of the fit if the fit is farther than this from their minimum, in
#: standard errors, or if the scale differs by more than this share.
FOREIGN_DATA, OTHER_SCALE = 0.1, 1e-4


@dataclass(frozen=True)
class FittedMM(FittedLinear):
    """An M-estimate, with the S-estimate from which it has its scale.

    Attributes
    ----------
    s_point : Point
        The S-estimate in working units, with its loss.
    """

    s_point: Point

    @property
    def loss(self) -> Redescending:
        """Loss of the M-estimate."""
        return self.point.loss  # type: ignore[return-value]

    @property
    def s_loss(self) -> Redescending:
        """Loss of the S-estimate."""
        return self.s_point.loss  # type: ignore[return-value]

    @cached_property
    def s_standardized(self) -> Vector:
        """u = e / sigma of every row at the S-estimate."""
        return np.asarray(self.design.residuals(self.s_point)) / self.working_scale

    @cached_property
    def whitening(self) -> Matrix:
        """Matrix T with ``T T'`` the inverse of ``Z'Z``; columns of ``Z T`` are orthonormal.

        Raises
        ------
        ValueError
            If X has dependent columns.
        """
        return whitening(self, None)


def is_mm(model: Any) -> bool:
    """Return whether a model, or the last step of a pipeline, is an ``MMRegressor``."""
    last = model[-1] if isinstance(model, Pipeline) else model
    return isinstance(last, MMRegressor)


def fitted_mm(model: Any, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None) -> FittedMM:
    """Check a fitted ``MMRegressor``, or a pipeline that ends with one, and its data.

    Raises
    ------
    ValueError
        If the model fits exactly, has no residual degrees of freedom, or was fitted to other data.
    """
    regressor, prepare, names = last_step(model, "MMRegressor", ())
    if not regressor.scale_ > 0.0:
        raise ValueError(
            "model fits half of the data exactly (scale_ is 0.0): standard errors cannot be "
            "estimated. Fit more observations, or fewer columns."
        )
    data = checked_data(regressor, prepare(X), y, sample_weight)
    intercept = bool(regressor.fit_intercept)
    design = as_counts(as_design(*data, centered=intercept))
    scale = float(regressor.scale_)
    loss = loss_for_efficiency(regressor.loss, float(regressor.efficiency))
    s_loss = loss_for_breakdown(regressor.loss, float(regressor.breakdown))
    end = float(loss.c) * loss.knots[-1]

    def point(coef: Vector, intercept: float, loss: Redescending) -> Point:
        working = design.from_user(coef, intercept)
        return Point(*working, scale / design.units.response_scale, loss)

    fitted = FittedMM(
        model=without_rows(regressor),
        prepare=prepare,
        names=(("intercept",) if intercept else ()) + names,
        design=design,
        rows=RowBlocks(design, intercept),
        point=point(regressor.coef_, regressor.intercept_, loss),
        delta=end,
        scale=scale,
        threshold=end * scale,
        optimality=float(regressor.optimality_),
        s_point=point(regressor.s_coef_, regressor.s_intercept_, s_loss),
    )
    refuse_too_few(fitted)
    _refuse_other_data(fitted)
    return fitted


def _refuse_other_data(fitted: FittedMM) -> None:
    rho = fitted.mean(fitted.s_loss.rho(fitted.s_standardized)) / float(fitted.s_loss.sup)
    left = 1.0 - fitted.n_parameters / fitted.n
    wanted = float(fitted.model.breakdown) * left
    slope = fitted.mean(fitted.s_loss.psi(fitted.s_standardized) * fitted.s_standardized)
    relative = abs(rho - wanted) * float(fitted.s_loss.sup) / max(slope, 1e-300)
    (score,) = fitted.rows.sum(
        lambda z, f: (f @ z,), fitted.frequencies * fitted.loss.psi(fitted.standardized)
    )
    noise = np.sqrt(fitted.mean(fitted.loss.psi(fitted.standardized) ** 2))
    distance = float(np.linalg.norm(score @ fitted.whitening)) / max(noise, 1e-300)
    limit = max(1.0, float(fitted.model.optimality_) / float(fitted.model.tol))
    if relative > OTHER_SCALE * limit or distance > FOREIGN_DATA * limit:
        raise ValueError(
            f"model is {distance:.2g} standard errors away from the solution for this X, y and "
            f"sample_weight, and its scale differs by {relative:.1%}: pass the same data and the "
            "same sample_weight as to fit, and do not change parameters after fit."
        )
