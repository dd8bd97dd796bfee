"""The quadratic model of an objective at one point: how far the minimiser is, and how surely."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from robustreg.design.base import ROUNDING, Mixing
from robustreg.objective import Evaluation, Objective, larger
from robustreg.solvers.metric import FIRST_MIXING, Metric, take_metric
from robustreg.solvers.result import Status

__all__ = ["LocalModel", "local_model", "undamped"]

Vector = NDArray[np.float64]

#: Relative change of the Hessian over which a metric is taken anew.
STALE = 0.1

#: Least divisor.
TINY = float(np.finfo(np.float64).tiny)

#: Unit roundoff.
UNIT = float(np.finfo(np.float64).eps) / 2


@dataclass(frozen=True)
class LocalModel:
    """Value, gradient and metric at one point."""

    objective: Objective
    evaluation: Evaluation
    metric: Metric

    def length(self, gradient: Vector) -> float:
        """``sqrt(g' H^-1 g)``."""
        return float(max(float(gradient @ self.metric.solve(gradient)), 0.0) ** 0.5)

    def distance(self, evaluation: Evaluation) -> float:
        """Distance to the minimiser in standard errors, by the gradient in this metric."""
        return self.in_standard_errors(self.length(evaluation.gradient), evaluation)

    def in_standard_errors(self, length: float, evaluation: Evaluation) -> float:
        """A length in this metric, in standard errors at an evaluation."""
        noise = self.objective.noise(evaluation)
        return length / noise if noise > 0.0 else (np.inf if length > 0.0 else 0.0)

    @cached_property
    def inside_fraction(self) -> Any:
        """Mean of psi'; that of one observation at least."""
        sums, design = self.evaluation.sums, self.objective.design
        return larger(sums.curvature / design.total_weight, 1.0 / design.n_observations)

    @cached_property
    def rounding(self) -> Any:
        """Typical size of the rounding errors in a distance, in standard errors.

        Residuals within the threshold carry errors of the size of their terms, which act on the
        estimate as noise does, but for the error of the intercept, which they share; the sums
        psi'X carry errors of the size of their terms, which the metric magnifies where columns
        nearly determine one another.
        """
        objective, start = self.objective, self.evaluation
        design, point = objective.design, objective.point(start.parameters)
        total = design.n_observations
        level = design.rounding_level(point) / ROUNDING
        spread = (start.sums.psi_squares / design.total_weight) ** 0.5
        of_residuals = (objective.size * self.inside_fraction) ** 0.5 * level
        of_intercept = design.intercept_rounding(point) * (total * self.inside_fraction) ** 0.5
        of_sums = UNIT * spread * design.total_weight**0.5 * self._magnification()
        errors = of_residuals + of_intercept + of_sums
        return errors / larger(spread, TINY)

    @cached_property
    def value_rounding(self) -> float:
        """Size of the rounding errors in a value at a given scale, beyond those of its sum.

        Residuals that are small differences of large terms carry errors, and the value has theirs
        times psi.
        """
        objective, start = self.objective, self.evaluation
        if objective.has_scale:
            return 0.0
        level = objective.design.rounding_level(objective.point(start.parameters))
        return float(np.sqrt(start.sums.psi_squares)) * level / ROUNDING

    def _magnification(self) -> Any:
        """Length of a gradient in this metric, if each sum has the size of its columns."""
        objective = self.objective
        units = objective.design.block_units
        size = np.ones(objective.problem.n_linear)
        size[: units.magnitude.shape[0]] = units.magnitude / np.ravel(units.column_scale)
        unit = objective.gradient_unit(self.evaluation.parameters)
        return self.metric.magnification(size) * unit

    def status(self, distance: float, tol: float) -> Status:
        """How a search that ended at this distance has ended."""
        if distance + self.rounding <= tol:
            return Status.CONVERGED
        return Status.ROUNDING if distance <= max(tol, self.rounding) else Status.MAX_ITER

    def target(self, tol: float) -> float:
        """Distance to work for: below the tolerance with its rounding errors, where that can be."""
        attainable = max(min(1.5 * self.rounding, tol), 0.1 * self.rounding)
        return max(tol - self.rounding, 0.25 * tol, attainable)

    def is_stale(self, distance: float, margin: float = 1.0) -> bool:
        """Whether a move of so many standard errors changes the metric too much.

        What is too much depends on the margin by which the distance measured in it is below what
        is asked for.

        It does if it takes many rows across the threshold.
        The root mean square change of the predictions is d/sqrt(n), in units of the noise, so about
        m = d sqrt(n)/2 rows cross. They change the Hessian by m rows in the mean, and by sqrt(q m)
        in the direction of q that suffers most. A diagonal metric is not renewed and not stale.
        """
        total = self.objective.design.n_observations
        crossing = 0.5 * distance * np.sqrt(total)
        change = crossing + np.sqrt(self.objective.size * crossing)
        return self.metric.renewable and change > margin * STALE * self.inside_fraction * total


def local_model(objective: Objective, parameters: Vector, mixing: Mixing) -> LocalModel:
    """The model at a point, damped where rows within the threshold leave directions free.

    There the step is long, as it should be: no curvature is in its way until rows come inside.
    Damping is that of Levenberg, with the majorant of iterated least squares as metric. Where X
    itself is so ill-conditioned that a Gram matrix loses its digits, reflections take its place.
    """
    by_factor = objective.problem.ill_conditioned
    evaluation, metric = take_metric(objective, parameters, mixing, by_factor=by_factor)
    if metric is None and mixing is not None and mixing < FIRST_MIXING:
        mixing = FIRST_MIXING
        evaluation, metric = take_metric(objective, parameters, mixing, by_factor=False)
    if metric is None:
        # All rows count, and still the Gram matrix has lost its digits: X itself has cost them.
        evaluation, metric = take_metric(objective, parameters, mixing, by_factor=True)
        # Columns that depend on one another are left aside from now on; others stay near.
        dependent = metric is not None and metric.rank < objective.problem.linear_rank
        objective = objective.knowing(None, by_factor or not dependent)
    assert metric is not None
    if metric.rank < objective.problem.linear_rank:
        if mixing is not None and mixing < FIRST_MIXING:
            evaluation, metric = take_metric(objective, parameters, FIRST_MIXING, by_factor=True)
            assert metric is not None
        if metric.rank < objective.problem.linear_rank:
            objective = objective.knowing(metric.null, objective.problem.ill_conditioned)
            evaluation = objective.evaluation(parameters, evaluation.sums)
    return LocalModel(objective, evaluation, metric)


def undamped(model: LocalModel) -> LocalModel:
    """The model without damping, if a Gram matrix only had too few digits for it.

    A damped curvature understates the distance in a direction of small curvature. Where rows within
    the threshold say nothing at all of a direction, the model is returned as it is.
    """
    objective, parameters = model.objective, model.evaluation.parameters
    point = objective.point(parameters)
    _, augmented = objective.design.gram_diagonal(point, 0.0)
    if not np.all(objective.diagonal(parameters, augmented) > 0.0):
        return model  # a level of a factor without a row within the threshold, say
    evaluation, metric = take_metric(objective, parameters, 0.0, by_factor=True)
    if metric is None or metric.rank < objective.problem.linear_rank:
        return model
    return LocalModel(objective, evaluation, metric)
