"""A Huber regression with its data, in the working units of its covariance."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from robustreg.inference.linear import FittedLinear
from robustreg.inference.models import choice_of_delta
from robustreg.inference.residuals import Residuals
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

#: y is loaded into memory up to this number of bytes.
LOADED_BYTES = 2**26

#: Residuals below this many rounding errors count as zero.
ROUNDING_ERRORS = 10.0


class Moments(NamedTuple):
    """Means over the observations.

    Attributes
    ----------
    inside : mean of psi', the share within the threshold.
    psi_square : mean of psi².
    above, below : shares beyond the threshold on either side of the fit.
    loss : mean of the Huber loss, in squared units of the scale.
    real : share of the residuals that are larger than rounding errors.
    """

    inside: float
    psi_square: float
    above: float
    below: float
    loss: float
    real: float


@dataclass(frozen=True)
class FittedRegression(FittedLinear):
    """The fit of a Huber regression.

    Attributes
    ----------
    scale_parameter : str or float
        The regressor's parameter ``scale``.
    sampled : bool
        Whether the data are only a sample of those of the fit. The fit then does not solve their
        estimating equations.
    """

    scale_parameter: str | float
    sampled: bool = False

    @property
    def choice(self) -> str | None:
        """How delta was chosen from the data, or None if it was given."""
        return choice_of_delta(self.model)

    # -- residuals --------------------------------------------------------------------------------

    @cached_property
    def moments(self) -> Moments:
        """Moments of the residuals. For a Dask collection, they need one pass."""
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
        """The equation of the scale."""
        return scale_equation(
            self.scale_parameter,
            self.n,
            delta=self.delta,
            degrees_of_freedom=self.degrees_of_freedom,
            half_square=0.5 * self.moments.psi_square,
        )

    @cached_property
    def coupled_equation(self) -> ScaleEquation:
        """The equation through which sigma affects the coefficients; none at delta = inf."""
        return self.equation if np.isfinite(self.delta) else GivenEquation(self.n)

    @cached_property
    def median_size(self) -> float:
        """MAD of the residuals, in units of the scale."""
        return self.design.median_scale(self.point) / self.working_scale

    @cached_property
    def residuals(self) -> Residuals:
        """Residuals of every row, for data in memory."""
        response = self.response / self.working_scale
        return Residuals(self.standardized, self.frequencies, response, self.delta)

    @cached_property
    def small_response(self) -> tuple[Any, Any]:
        """y in working units and the frequencies; Dask arrays if they are too large to load."""
        response, weights = self.design.response, self.design.weights
        if self.design.in_memory or 8 * self.design.n_rows > LOADED_BYTES:
            return response, weights
        from dask.base import compute

        return compute(response, weights)

    def sum_residuals(self, statistic: Callable[..., tuple[NDArray, ...]]) -> tuple[NDArray, ...]:
        """Sum ``statistic(residuals)`` over all rows, for data of any kind."""
        on_block = _OnResiduals(statistic, self.working_scale, self.delta)
        return self.design.sum_over_residuals(on_block, self.point)

    def sum_rows(
        self, rows: RowBlocks, statistic: Callable[..., tuple[NDArray, ...]], *values: NDArray
    ) -> tuple[NDArray, ...]:
        """Sum ``statistic(z, residuals, *values)`` over all rows, in one pass."""
        return rows.sum_at(self.point, self.working_scale, self.delta, statistic, *values)

    # -- checks -----------------------------------------------------------------------------------

    def check_solution(self, transform: Matrix, gradient: Vector) -> None:
        """Refuse data of another fit, for which the gradient is not zero.

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
        """Return the same fit with about ``n_rows`` of its rows, spread evenly over all rows."""
        design = self.design.subsample(n_rows)
        rows = RowBlocks(design, self.rows.fit_intercept)
        return replace(self, design=design, rows=rows, sampled=True)


@dataclass(frozen=True)
class _OnResiduals:
    """Turn a function of residuals into a function of the rows of a design."""

    function: Callable[..., tuple[NDArray, ...]]
    scale: float
    delta: float

    def __call__(self, residuals: Vector, weights: Vector | None, response: Vector) -> Any:
        frequencies = np.ones_like(residuals) if weights is None else weights
        scaled = residuals / self.scale, frequencies, response / self.scale
        return self.function(Residuals(*scaled, self.delta))
