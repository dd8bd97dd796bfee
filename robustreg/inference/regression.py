"""A fit and its data in the units in which its covariance is computed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from robustreg.design.base import Design, Point
from robustreg.inference.models import choice_of_delta
from robustreg.inference.residuals import Residuals, sum_over_residuals
from robustreg.inference.rows import RowBlocks
from robustreg.inference.scale_equations import (
    FOREIGN_DATA,
    GivenEquation,
    ScaleEquation,
    scale_equation,
)

__all__ = ["FittedRegression", "Moments"]

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]

#: Bytes of y up to which it is loaded, as X is.
LOADED_BYTES = 2**26

#: Residuals below so many rounding errors are none.
ROUNDING_ERRORS = 10.0


class Moments(NamedTuple):
    """Means over the observations.

    Attributes
    ----------
    inside : that of psi', the share within the threshold.
    psi_square : that of psi².
    above, below : shares beyond the threshold, on either side of the fit.
    loss : that of the Huber loss, in squared units of the scale.
    real : share of the residuals that are no rounding errors.
    """

    inside: float
    psi_square: float
    above: float
    below: float
    loss: float
    real: float


@dataclass(frozen=True)
class FittedRegression:
    """A fit of ``y = z theta + sigma u`` with rows z in working units, the intercept's one last.

    Attributes
    ----------
    model : estimator
        A copy without the arrays of length n, for the checks of new X.
    prepare : callable
        From the X that the user has to the X that the model has: the steps before it.
    names : tuple of str
        "intercept" if fitted, then the features.
    design : Design
    rows : RowBlocks
    point : Point
        The fit in working units.
    scale_parameter : str or float
        The rule of the scale.
    delta, scale, threshold, optimality : float
        Of the model, in the units of y.
    sampled : bool
        Whether the data are a sample of those of the fit, which do not solve its equations.
    """

    model: Any
    prepare: Callable[[Any], Any]
    names: tuple[str, ...]
    design: Design
    rows: RowBlocks
    point: Point
    scale_parameter: str | float
    delta: float
    scale: float
    threshold: float
    optimality: float
    sampled: bool = False

    @property
    def n(self) -> float:
        """Number of observations: the sum of the frequencies."""
        return self.design.total_weight

    @property
    def n_parameters(self) -> int:
        """k: the coefficients, and the intercept where there is one."""
        return self.rows.n_columns

    @property
    def degrees_of_freedom(self) -> float:
        """Observations less parameters."""
        return self.n - self.n_parameters

    @property
    def working_scale(self) -> float:
        """Sigma in working units."""
        return self.scale / self.design.units.response_scale

    @property
    def choice(self) -> str | None:
        """How delta was found in the data, or None where it was given."""
        return choice_of_delta(self.model)

    # -- residuals --------------------------------------------------------------------------------

    @cached_property
    def moments(self) -> Moments:
        """In one round where the rows are elsewhere."""
        rounding = ROUNDING_ERRORS * self.design.rounding_level(self.point) / self.working_scale

        def statistic(rows: Residuals) -> tuple[NDArray]:
            u, psi = rows.u, rows.psi
            loss = psi * (u - 0.5 * psi)
            sizes = (u > self.delta, u < -self.delta, np.abs(u) > rounding)
            return (rows.sums(rows.inside, psi**2, *sizes[:2], loss, sizes[2]),)

        (sums,) = self.sum_residuals(statistic)
        return Moments(*(sums / self.n).tolist())

    @cached_property
    def equation(self) -> ScaleEquation:
        """That of the scale."""
        return scale_equation(
            self.scale_parameter,
            self.n,
            delta=self.delta,
            degrees_of_freedom=self.degrees_of_freedom,
            half_square=0.5 * self.moments.psi_square,
        )

    @cached_property
    def coupled_equation(self) -> ScaleEquation:
        """That through which sigma moves the coefficients: at delta = inf it moves none."""
        return self.equation if np.isfinite(self.delta) else GivenEquation(self.n)

    @cached_property
    def median_size(self) -> float:
        """MAD of the residuals, in units of the scale."""
        return self.design.median_scale(self.point) / self.working_scale

    @cached_property
    def residuals(self) -> Residuals:
        """Of every row: for data in memory."""
        scale = self.working_scale
        return Residuals(
            np.asarray(self.design.residuals(self.point)) / scale,
            np.ones(self.design.n_rows) if self.weights is None else self.weights,
            self.response / scale,
            self.delta,
        )

    @property
    def standardized(self) -> Vector:
        """u = e / sigma of every row: for data in memory."""
        return self.residuals.u

    @property
    def frequencies(self) -> Vector:
        """How often each row counts."""
        return self.residuals.frequencies

    @cached_property
    def weights(self) -> Vector | None:
        """Frequencies of the rows, or None where all are one."""
        weights = self.design.weights
        return None if weights is None else np.asarray(weights)

    @cached_property
    def response(self) -> Vector:
        """y in working units."""
        return np.asarray(self.design.response)

    @cached_property
    def small_response(self) -> tuple[Any, Any]:
        """y in working units and the frequencies, lazy where they are too large to be loaded."""
        response, weights = self.design.response, self.design.weights
        if self.design.in_memory or 8 * self.design.n_rows > LOADED_BYTES:
            return response, weights
        from dask.base import compute

        return compute(response, weights)

    def sum_residuals(self, statistic: Callable[..., tuple[NDArray, ...]]) -> tuple[NDArray, ...]:
        """Add ``statistic(residuals)`` over all rows, wherever they are."""
        on_block = _OnResiduals(statistic, self.working_scale, self.delta)
        return sum_over_residuals(self.design, self.point, on_block)

    def sum_rows(
        self, rows: RowBlocks, statistic: Callable[..., tuple[NDArray, ...]], *values: NDArray
    ) -> tuple[NDArray, ...]:
        """Add ``statistic(z, residuals, *values)`` over all rows, in one pass."""
        return rows.sum_at(self.point, self.working_scale, self.delta, statistic, *values)

    # -- units ------------------------------------------------------------------------------------

    @cached_property
    def coefficients(self) -> Vector:
        """In the order of ``names`` and the units of the user."""
        coef, intercept = self.design.to_user(self.point)
        return np.concatenate(([intercept], coef)) if self.rows.fit_intercept else coef

    def to_user(self) -> Matrix:
        """A, for which A theta are the coefficients in the user's X, in the order of ``names``.

        y stays in working units: variances are multiplied by its unit where they are shown, so that
        no square of it over- or underflows before.
        """
        units, p = self.design.units, self.design.n_features
        slopes = np.diag(1.0 / units.column_scale)
        if not self.rows.fit_intercept:
            return slopes
        change = np.zeros((p + 1, p + 1))
        change[0, :p] = -units.center / units.column_scale
        change[0, p] = 1.0
        change[1:, :p] = slopes
        return change

    # -- checks -----------------------------------------------------------------------------------

    def check_solution(self, transform: Matrix, gradient: Vector) -> None:
        """Refuse data of another fit: there the gradient does not vanish.

        Parameters
        ----------
        transform : array of shape (k, k)
            T with ``T T'`` the inverse of the sum of psi' z z'.
        gradient : array of shape (k,)
            ``sum psi z``.
        """
        if self.sampled:
            return
        step = transform.T @ gradient
        noise = np.sqrt(self.moments.psi_square / self.moments.inside)
        distance = float(np.sqrt(step @ step)) / noise
        if not distance <= max(FOREIGN_DATA, 10.0 * self.optimality):
            raise ValueError(
                f"model is {distance:.2g} standard errors away from the solution for this X, y "
                f"and sample_weight, and its own fit ended at {self.optimality:.2g}: pass the same "
                "data and the same sample_weight as to fit."
            )
        self.equation.check(self.scale, self.equation.solution(self), self.optimality)

    def on_sample(self, n_rows: int) -> FittedRegression:
        """The same fit on about ``n_rows`` of its rows, spread evenly over all."""
        design = self.design.subsample(n_rows)
        rows = RowBlocks(design, self.rows.fit_intercept)
        return replace(self, design=design, rows=rows, sampled=True)


@dataclass(frozen=True)
class _OnResiduals:
    """A function of residuals as one of what a design has."""

    function: Callable[..., tuple[NDArray, ...]]
    scale: float
    delta: float

    def __call__(self, residuals: Vector, frequencies: Vector, response: Vector) -> Any:
        scaled = residuals / self.scale, frequencies, response / self.scale
        return self.function(Residuals(*scaled, self.delta))
