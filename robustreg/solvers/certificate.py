"""The quadratic model of an objective at a point: the distance to its minimiser, and the error."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from robustreg.design.base import EPS, ROUNDING, Mixing
from robustreg.objective import Evaluation, Objective, larger
from robustreg.solvers.metric import FIRST_MIXING, Metric, take_metric
from robustreg.solvers.preconditioner import Preconditioner
from robustreg.solvers.result import Status
from robustreg.solvers.secants import Secant

__all__ = ["LocalModel", "evaluated_model", "local_model", "part_of_tolerance", "undamped"]

Vector = NDArray[np.float64]

#: Relative change of the Hessian beyond which the metric is recomputed.
STALE = 0.1

#: Fits to N observations, fewer than this number, are solved to ``tol sqrt(N / FEW)`` standard
#: errors. A standard error is about ``sigma / sqrt(N)``, so their errors, in units of sigma, are no
#: larger than those of a fit to this number. Fits to the same rows in another order, or to repeated
#: rows instead of frequencies, then agree to the 1e-7 that scikit-learn's checks demand.
FEW = 4000.0

#: Smallest divisor.
TINY = float(np.finfo(np.float64).tiny)

#: Unit roundoff.
UNIT = EPS / 2


@dataclass(frozen=True)
class LocalModel:
    """Value, gradient and metric at one point.

    Attributes
    ----------
    objective : Objective
    evaluation : Evaluation
    metric : Metric
    secants : tuple
        The memory of an earlier descent. Empty if the metric is renewed instead.
    """

    objective: Objective
    evaluation: Evaluation
    metric: Metric
    secants: tuple[Secant, ...] = ()

    def carried_to(self, objective: Objective, parameters: Vector) -> LocalModel:
        """Return the model at another point: with this metric, or with this memory."""
        if self.metric.renewable:
            return LocalModel(objective, objective.evaluate(parameters), self.metric)
        return replace(local_model(objective, parameters, 0.0), secants=self.secants)

    def newton_step(self, evaluation: Evaluation, secants: list[Secant] | None = None) -> Vector:
        """``H^-1 g`` at an evaluation, with H there if the metric can be applied anywhere.

        A metric that costs passes uses these secants, by default those of the model.
        """
        secants = list(self.secants) if secants is None else secants
        return self.metric.solve(evaluation.gradient, evaluation.parameters, secants)

    def distance(self, evaluation: Evaluation) -> float:
        """Distance to the minimiser in standard errors, by the gradient in this metric."""
        square = float(evaluation.gradient @ self.newton_step(evaluation))
        return self.in_standard_errors(max(square, 0.0) ** 0.5, evaluation)

    def in_standard_errors(self, length: float, evaluation: Evaluation) -> float:
        """A length in this metric, in standard errors at an evaluation."""
        noise = self.objective.noise(evaluation)
        return length / noise if noise > 0.0 else (np.inf if length > 0.0 else 0.0)

    @cached_property
    def inside_fraction(self) -> Any:
        """Mean of psi', at least that of one observation within the threshold."""
        sums, design = self.evaluation.sums, self.objective.design
        return larger(sums.curvature / design.total_weight, 1.0 / design.n_observations)

    @cached_property
    def rounding_level(self) -> Any:
        """Size of the rounding errors in a typical residual: see ``Design.rounding_level``."""
        objective = self.objective
        return objective.design.rounding_level(objective.point(self.evaluation.parameters))

    @cached_property
    def rounding(self) -> Any:
        """Typical size of the rounding errors in a distance, in standard errors.

        There are three sources. Residuals within the threshold have errors of the size of their
        terms, which affect the estimate like noise. The rounding of the intercept is the same in
        all of them. The sums psi'X have errors of the size of their terms, which the metric
        magnifies where columns are nearly dependent.
        """
        objective, start = self.objective, self.evaluation
        design, point = objective.design, objective.point(start.parameters)
        total = design.n_observations
        level = self.rounding_level / ROUNDING
        spread = (start.sums.psi_squares / design.total_weight) ** 0.5
        of_residuals = (objective.size * self.inside_fraction) ** 0.5 * level
        of_intercept = design.intercept_rounding(point) * (total * self.inside_fraction) ** 0.5
        of_sums = UNIT * spread * design.total_weight**0.5 * self._magnification()
        errors = of_residuals + of_intercept + of_sums
        return errors / larger(spread, TINY)

    @cached_property
    def value_rounding(self) -> float:
        """Size of the rounding errors in a value, beyond those of its sum.

        Residuals that are small differences of large terms have rounding errors, which enter the
        value multiplied by psi, and in a joint problem also divided by sigma.
        """
        objective, start = self.objective, self.evaluation
        error = float(start.sums.psi_squares) ** 0.5 * self.rounding_level / ROUNDING
        return error / objective.scale_of(start.parameters) if objective.has_scale else error

    def _magnification(self) -> Any:
        """Length in this metric of a gradient whose sums have the sizes of their columns."""
        objective = self.objective
        units = objective.design.block_units
        size = np.ones(objective.problem.n_linear)
        size[: units.magnitude.shape[0]] = units.magnitude / np.ravel(units.column_scale)
        unit = objective.gradient_unit(self.evaluation.parameters)
        return self.metric.magnification(size) * unit

    def status(self, distance: float, tol: float) -> Status:
        """The status of a fit that ended at this distance."""
        if distance + self.rounding <= tol:
            return Status.CONVERGED
        return Status.ROUNDING if distance <= max(tol, self.rounding) else Status.MAX_ITER

    def target(self, tol: float) -> float:
        """The distance to aim at: with its rounding errors at most the tolerance, if attainable."""
        part = tol * part_of_tolerance(self.objective.design.n_observations)
        attainable = max(min(1.5 * self.rounding, tol), 0.1 * self.rounding)
        return max(part - self.rounding, 0.25 * part, attainable)

    def is_stale(self, distance: float, margin: float = 1.0) -> bool:
        """Whether a move of so many standard errors changes the metric too much.

        A change of ``margin * STALE`` is allowed, where ``margin`` is the target divided by the
        distance measured in the metric. The metric changes if many rows cross the threshold. The
        root mean square change of the predictions is d/sqrt(n), in units of the noise, so that
        about m = d sqrt(n)/2 rows cross. They change the Hessian by m rows in the mean, and by
        sqrt(q m) more in the worst of q directions. A metric that is not renewable is never stale.
        """
        total = self.objective.design.n_observations
        crossing = 0.5 * distance * np.sqrt(total)
        change = crossing + np.sqrt(self.objective.size * crossing)
        return self.metric.renewable and change > margin * STALE * self.inside_fraction * total


def part_of_tolerance(n_observations: Any) -> Any:
    """The part of the tolerance to which a fit to so many observations is solved."""
    return 1.0 / larger((FEW / n_observations) ** 0.5, 1.0)


def local_model(objective: Objective, parameters: Vector, mixing: Mixing) -> LocalModel:
    """Compute the model at a point, damped if the rows within the threshold do not determine it.

    In a direction without curvature the damped step is long, which is right, since the curvature
    remains zero until rows come within the threshold. The damping is Levenberg's, with the majorant
    of iterated least squares. If X is so ill-conditioned that its Gram matrix loses its digits,
    Householder reflections are used instead.
    """
    by_factor = objective.problem.ill_conditioned
    evaluation, metric = take_metric(objective, parameters, mixing, by_factor=by_factor)
    if metric is None and mixing is not None and mixing < FIRST_MIXING:
        mixing = FIRST_MIXING
        evaluation, metric = take_metric(objective, parameters, mixing, by_factor=False)
    if metric is None:
        # All rows count in this Gram matrix, and yet it has lost its digits: X is ill-conditioned.
        evaluation, metric = take_metric(objective, parameters, mixing, by_factor=True)
        # Dependent columns are left out from now on. Nearly dependent ones keep the reflections.
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


def evaluated_model(
    objective: Objective, parameters: Vector, mixing: Mixing
) -> tuple[Evaluation, LocalModel | None]:
    """Evaluate an objective in one pass, with the model if its Gram matrix is accurate."""
    design, problem = objective.design, objective.problem
    if problem.ill_conditioned or design.gram_kind(problem.penalty.alpha) != "matrix":
        return objective.evaluate(parameters), None
    evaluation, metric = take_metric(objective, parameters, mixing, by_factor=False)
    usable = metric is not None and metric.rank >= problem.linear_rank
    return evaluation, LocalModel(objective, evaluation, metric) if metric and usable else None


def undamped(model: LocalModel) -> LocalModel:
    """Return the model without damping, if it was damped only because digits were lost.

    A damped curvature understates the distance in a direction of small curvature. If the rows
    within the threshold do not determine a direction at all, the model is returned unchanged.
    """
    objective, parameters = model.objective, model.evaluation.parameters
    _, preconditioner = Preconditioner.at(objective, parameters, 0.0)
    if not np.all(preconditioner.curvature > 0.0):
        return model  # for example the dummy of a level without rows within the threshold
    evaluation, metric = take_metric(objective, parameters, 0.0, by_factor=True)
    if metric is None or metric.rank < objective.problem.linear_rank:
        return model
    return LocalModel(objective, evaluation, metric)
