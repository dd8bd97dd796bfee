"""From a design and parameters to a solution in the user's units: what every estimator calls."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from robustreg.design import Design
from robustreg.design.base import Point
from robustreg.exceptions import ConvergenceWarning, ExactFitWarning
from robustreg.losses import huber_weight
from robustreg.objective import NEGLIGIBLE, FixedScale, JointScale, MedianScale, Objective
from robustreg.solvers import Result, Status, minimum_norm, solve
from robustreg.tuning import least_variance_delta

__all__ = [
    "HuberProblem",
    "Solution",
    "Start",
    "fit_huber",
    "warn_of_doubt",
    "weights_and_outliers",
]

Vector = NDArray[np.float64]

#: Delta of the pilot from whose residuals ``delta="auto"`` chooses, and the distance to which it is
#: solved: the choice is among candidates 13 % apart.
PILOT_DELTA, PILOT_TOLERANCE = 1.345, 0.1

#: Rows of that pilot, and rows a parameter, where there are so many times more: the variances of
#: candidates are then known to a percent or two, and the choice loses a quarter of a percent.
PILOT_ROWS, PILOT_ROWS_PER_PARAMETER, LARGE = 2**14, 50, 4


@dataclass(frozen=True)
class HuberProblem:
    """The parameters of ``HuberRegressor`` that say what is solved, and how."""

    delta: float | str
    scale: float | str
    alpha: float
    fit_intercept: bool
    solver: str
    max_iter: int
    tol: float

    def objective(self, design: Design) -> Objective:
        """The problem over a design, in its working units."""
        arguments = (design, float(self.delta), float(self.alpha), self.fit_intercept)
        if self.scale == "joint":
            return JointScale(*arguments)
        if self.scale == "mad":
            return MedianScale(*arguments, 1.0)
        return FixedScale(*arguments, float(self.scale) / design.units.response_scale)


@dataclass(frozen=True)
class Start:
    """Where to begin, in the user's units."""

    coef: Vector
    intercept: float
    scale: float


@dataclass(frozen=True)
class Solution(Start):
    """A fit in the user's units."""

    delta: float
    point: Point  # in working units
    rounding_level: float  # of a residual, in working units
    result: Result


def fit_huber(design: Design, problem: HuberProblem, start: Start | None = None) -> Solution:
    """Solve a problem over a design, from another solution over it or from nothing."""
    if problem.delta != "auto":
        return _fit(design, problem, start)
    pilot_problem = replace(problem, delta=PILOT_DELTA, tol=max(problem.tol, PILOT_TOLERANCE))
    rows = max(PILOT_ROWS, PILOT_ROWS_PER_PARAMETER * design.n_features)
    sample = design.subsample(rows) if LARGE * rows <= design.n_rows else design
    pilot = _fit(sample, pilot_problem, start)
    if pilot.result.status is Status.EXACT_FIT and sample is not design:
        sample, pilot = design, _fit(design, pilot_problem, start)
    if pilot.result.status is Status.EXACT_FIT:
        return replace(pilot, delta=PILOT_DELTA)
    delta = _chosen_delta(sample, pilot_problem, pilot)
    if sample is design:
        start = pilot
    solution = _fit(design, replace(problem, delta=delta), start)
    if solution.result.status is Status.EXACT_FIT:
        # So many residuals are equal that a small threshold follows them alone: not a choice.
        return _fit(design, replace(problem, delta=PILOT_DELTA), start)
    return solution


def _chosen_delta(design: Design, problem: HuberProblem, pilot: Solution) -> float:
    """What ``delta="auto"`` makes of the residuals of a pilot, the solution of a problem."""
    objective = problem.objective(design)
    return least_variance_delta(
        design.residuals(pilot.point),
        design.weights,
        degrees_of_freedom=objective.degrees_of_freedom,
        scale=None if objective.joint else pilot.point.threshold / PILOT_DELTA,
        penalty=objective.penalty(pilot.point.coef),
    )


def _fit(design: Design, problem: HuberProblem, start: Start | None) -> Solution:
    objective = problem.objective(design)
    parameters = None if start is None else _starting_parameters(objective, start)
    result = solve(objective, problem.solver, problem.tol, problem.max_iter, parameters)
    point = objective.point(result.parameters)
    if objective.rank < design.n_features and objective.gram_kind != "diagonal":
        point = minimum_norm(objective, point)
    scale = objective.scale(result.parameters)
    level = objective.rounding_level(result.parameters)
    if result.status is Status.EXACT_FIT:
        _check_frequencies(objective, point, level)
    coef, intercept = design.to_user(point)
    return Solution(
        coef,
        intercept if problem.fit_intercept else 0.0,
        0.0 if result.status is Status.EXACT_FIT else scale * design.units.response_scale,
        objective.delta,
        point,
        level,
        result,
    )


def _check_frequencies(objective: Objective, point: Point, level: float) -> None:
    """Refuse weights that leave no degrees of freedom to rows that do not fit exactly."""
    nu, design = objective.degrees_of_freedom, objective.design
    residuals = design.residuals(point)
    if design.weights is not None:
        residuals = residuals[design.weights > 0.0]
    if nu <= 0.0 and np.max(np.abs(residuals)) > NEGLIGIBLE * level:
        raise ValueError(
            f"sample_weight sums to {design.total_weight:g}, but the model has "
            f"{objective.unpenalised} unpenalised parameters, which leaves no degrees of freedom "
            "to estimate the scale: weights are frequencies. Rescale sample_weight to sum to the "
            "number of observations, or pass a number as scale."
        )


def _starting_parameters(objective: Objective, start: Start) -> Vector | None:
    """Parameters at another solution; None where it has no scale to start from."""
    if not start.scale > 0.0:
        return None
    coef, intercept = objective.design.from_user(start.coef, start.intercept)
    scale = start.scale / objective.design.units.response_scale
    objective.start_scale(scale)
    return objective.pack(coef, intercept, scale)


def weights_and_outliers(design: Design, solution: Solution) -> tuple[Vector, NDArray[np.bool_]]:
    """``min(1, t/|e|)`` and ``|e| > t`` of every row.

    At an exact fit the threshold is zero, and residuals that are rounding errors count as zero.
    """
    point = solution.point
    if solution.result.status is not Status.EXACT_FIT:
        weights = design.map_residuals(partial(huber_weight, threshold=point.threshold), point)
        return weights, design.map_residuals(partial(_beyond, size=point.threshold), point)
    beyond = partial(_beyond, size=NEGLIGIBLE * solution.rounding_level)
    outliers = design.map_residuals(beyond, point)
    return np.where(outliers, 0.0, 1.0), outliers


def _beyond(residuals: Vector, size: float) -> NDArray[np.bool_]:
    return np.abs(residuals) > size


def warn_of_doubt(solution: Solution, problem: HuberProblem) -> None:
    """Say what is doubtful about a solution, and what to do."""
    result = solution.result
    if result.status is Status.EXACT_FIT:
        warnings.warn(
            "The data are fitted exactly by so many observations that the scale of the residuals "
            "is zero: scale_ and threshold_ are 0.0. This is the right answer for data without "
            "noise, a constant y, or no more observations than parameters. Otherwise pass a number "
            "as scale, use alpha > 0, or check that sample_weight are frequencies and that y is no "
            "function of a column of X.",
            ExactFitWarning,
            stacklevel=4,
        )
    elif result.status is Status.MAX_ITER:
        warnings.warn(
            f"HuberRegressor stopped after max_iter={problem.max_iter} iterations at a distance of "
            f"{result.optimality:.2g} standard errors from the minimiser; tol={problem.tol:g}. "
            "Increase max_iter, or tol if this distance is small enough for you.",
            ConvergenceWarning,
            stacklevel=4,
        )
    elif result.status is Status.ROUNDING:
        warnings.warn(
            f"HuberRegressor stopped at a distance of {result.optimality:.2g} standard errors from "
            f"the minimiser (tol={problem.tol:g}): rounding errors of double precision allow no "
            "less. Columns of X that nearly determine one another cause this: drop or combine "
            "them, center columns with a large offset, use alpha > 0, or increase tol.",
            ConvergenceWarning,
            stacklevel=4,
        )
