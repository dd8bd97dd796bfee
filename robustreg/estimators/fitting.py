"""Solve a Huber problem over a design and return the solution in the user's units."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from robustreg.design import Design
from robustreg.design.base import Point
from robustreg.exceptions import ExactFitWarning, convergence_warning
from robustreg.losses import Huber
from robustreg.penalties import Ridge
from robustreg.problem import NEGLIGIBLE, Problem
from robustreg.scales import scale_rule
from robustreg.solvers import Result, Status, solve
from robustreg.solvers.certificate import local_model
from robustreg.tuning import least_variance_delta

__all__ = [
    "HuberProblem",
    "Solution",
    "Start",
    "effective_parameters",
    "exact_fit",
    "fit_huber",
    "warn_of_doubt",
    "weights_and_outliers",
]

Vector = NDArray[np.float64]

#: Deltas of the pilots, the first fits from whose residuals ``delta="auto"`` chooses. With 30 % of
#: outliers on one side, the choice from the first leads to 1.05 times the squared error of the best
#: delta, and the choice from the second to 4.5 to 434 times (DESIGN.md, section 2). The second is
#: used only if the scale of the first is zero, since its residuals then tell nothing: at delta=0.5
#: this happens when 26 % of the rows are fitted exactly, as with rounded y.
PILOT_DELTAS = (0.5, 1.345)

#: Tolerance of a pilot that is fitted to a sample of the rows. A pilot on all rows is solved to the
#: tolerance of the fit, which costs 5 % of its time. Otherwise the choice would depend on where the
#: search ended, in 12 of 60 samples of 60 x 4, and would differ between a response alone and the
#: same response among many.
SAMPLE_TOLERANCE = 0.1

#: Smallest threshold, in units of a typical response. Squares of smaller ones would underflow.
SMALLEST_THRESHOLD = 1e-100

#: Number of rows in the pilot's sample, and rows for each parameter. A sample is used if there are
#: LARGE times as many rows. The variances of the candidates are then known to one or two percent,
#: and the choice loses a quarter of a percent of efficiency.
PILOT_ROWS, PILOT_ROWS_PER_PARAMETER, LARGE = 2**14, 50, 4

#: Warning texts of a fit that stops above the tolerance. They do not contain the distance, since
#: Python shows a warning once for each different text.
REASONS = {
    Status.MAX_ITER: "stopped after max_iter={max_iter} iterations, farther than tol={tol:g} "
    "standard errors from {solution}. The distance is optimality_. Increase max_iter, or tol if it "
    "is small enough for you.",
    Status.ROUNDING: "stopped farther than tol={tol:g} standard errors from {solution}: rounding "
    "errors of double precision do not allow less. The distance is optimality_. The cause is "
    "columns of X that nearly determine one another, or noise that is tiny compared with y: drop "
    "or combine columns, center columns with a large offset, subtract a constant from y, or "
    "increase tol.",
    Status.EXACT_FIT: "stopped at a sum of absolute residuals that has not been shown to be the "
    "least one up to tol={tol:g}. Increase max_iter, or pass a number as scale.",
}


@dataclass(frozen=True)
class HuberProblem:
    """The parameters of ``HuberRegressor`` that define the problem and its solver."""

    delta: float | str
    scale: float | str
    alpha: float
    fit_intercept: bool
    solver: str
    max_iter: int
    tol: float

    def over(self, design: Design) -> Problem:
        """Return the problem over a design, in the working units of the design.

        Raises
        ------
        ValueError
            If the threshold is so small that its square underflows.
        """
        rule = scale_rule(self.scale, design.units.response_scale)
        known = rule.known()
        unit = 1.0 if known is None else known
        if not min(float(self.delta) * unit, unit) > SMALLEST_THRESHOLD:
            raise ValueError(
                f"delta={self.delta!r} and scale={self.scale!r} give a threshold that cannot be "
                "told from zero compared with y: use a larger delta or scale. With a threshold of "
                "a thousandth of the noise, the fit is already one of least absolute deviations."
            )
        return Problem(
            design,
            Huber(float(self.delta)),
            rule,
            Ridge(float(self.alpha)),
            self.fit_intercept,
        )


@dataclass(frozen=True)
class Start:
    """A starting point in the user's units."""

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
    """Solve a problem over a design, optionally starting from another solution."""
    if problem.delta != "auto":
        return _fit(design, problem, start)
    rows = max(PILOT_ROWS, PILOT_ROWS_PER_PARAMETER * design.n_features)
    sample, tol = design, problem.tol
    if LARGE * rows <= design.n_rows:
        sample, tol = design.subsample(rows), max(problem.tol, SAMPLE_TOLERANCE)
    pilot = _pilot(sample, replace(problem, tol=tol), start)
    if pilot.scale == 0.0 and sample is not design:
        sample, pilot = design, _pilot(design, problem, start)
    if pilot.scale == 0.0:
        return pilot
    delta = _chosen_delta(sample, problem, pilot)
    if sample is design:
        start = pilot
    solution = _fit(design, replace(problem, delta=delta), start)
    if solution.result.status is Status.EXACT_FIT:
        # So many residuals are equal that a small threshold would fit these rows only.
        return _fit(design, replace(problem, delta=PILOT_DELTAS[-1]), start)
    return solution


def effective_parameters(design: Design, problem: HuberProblem) -> float:
    """Return the degrees of freedom of a ridge fit with the penalty of the problem."""
    stated = problem.over(design)
    most = float(stated.n_linear)
    if not stated.penalty or most < design.n_observations / 10:
        return most
    linear = stated.least_squares()
    model = local_model(linear, np.zeros(linear.size), None)
    return most - model.metric.trace(stated.penalty_curvature)


def _pilot(design: Design, problem: HuberProblem, start: Start | None) -> Solution:
    """Fit with the first pilot delta for which the scale is positive, or with the last one."""
    for delta in PILOT_DELTAS:
        pilot = _fit(design, replace(problem, delta=delta), start)
        if pilot.result.status is not Status.EXACT_FIT:
            break
    return pilot


def _chosen_delta(design: Design, problem: HuberProblem, pilot: Solution) -> float:
    """Return the delta that ``delta="auto"`` chooses from the residuals of a pilot."""
    solved = pilot.result.problem
    return least_variance_delta(
        design.residuals(pilot.point),
        design.weights,
        degrees_of_freedom=solved.freedom,
        scale=None if solved.scale.convex else pilot.point.scale,
    )


def _fit(design: Design, problem: HuberProblem, start: Start | None) -> Solution:
    if np.isinf(problem.delta) and design.squares_overflow:
        raise ValueError(
            "y has values so far from the others that their squares overflow, and least squares "
            "(delta=inf) needs these squares: remove these rows, or use a finite delta."
        )
    stated = problem.over(design)
    begin = None if start is None else _starting_point(stated, start)
    result = solve(stated, problem.solver, problem.tol, problem.max_iter, begin)
    if begin is not None and result.status in (Status.EXACT_FIT, Status.ROUNDING):
        # A distant start may lead to a scale of zero that the data do not ask for, or stop early.
        result = solve(stated, problem.solver, problem.tol, problem.max_iter)
    point = result.point
    level = design.rounding_level(point)
    coef, intercept = design.to_user(point)
    return Solution(
        coef,
        intercept if problem.fit_intercept else 0.0,
        0.0 if result.status is Status.EXACT_FIT else point.scale * design.units.response_scale,
        float(problem.delta),
        point,
        level,
        result,
    )


def _starting_point(problem: Problem, start: Start) -> Point | None:
    """Return the point of another solution; None without a positive scale or equal columns."""
    if start.coef.shape[0] != problem.design.n_features:
        return None
    finite = np.isfinite(start.coef).all() and np.isfinite(start.intercept)
    if not (finite and 0.0 < start.scale < np.inf):
        return None
    coef, intercept = problem.design.from_user(start.coef, start.intercept)
    scale = start.scale / problem.design.units.response_scale
    return Point(coef, intercept, scale, problem.loss)


def weights_and_outliers(design: Design, solution: Solution) -> tuple[Vector, NDArray[np.bool_]]:
    """Return ``min(1, t/|e|)`` and ``|e| > t`` for every row.

    At an exact fit the threshold is zero, and residuals of the size of rounding errors count as
    zero.
    """
    point = solution.point
    if solution.result.status is not Status.EXACT_FIT:
        weights = design.map_residuals(point.units_loss.weight, point)
        return weights, design.map_residuals(partial(_beyond, size=point.threshold), point)
    beyond = partial(_beyond, size=NEGLIGIBLE * solution.rounding_level)
    outliers = design.map_residuals(beyond, point)
    return np.where(outliers, 0.0, 1.0), outliers


def _beyond(residuals: Vector, size: float) -> NDArray[np.bool_]:
    return np.abs(residuals) > size


def exact_fit(so: str, problem: HuberProblem) -> str:
    """Return the text on a scale of zero; its first sentence begins with ``so``."""
    return (
        f"{so} many observations are fitted exactly that the scale of the residuals is zero: "
        f"scale_ and threshold_ are 0.0. {_consequence(problem)} This is the right answer for "
        "data without noise, a constant y, or no more observations than parameters. Otherwise "
        "pass a number as scale, and check whether many values of y are equal, a few weights "
        "outweigh the others, or a column of X determines y."
    )


def _consequence(problem: HuberProblem) -> str:
    """Return what a scale of zero means for the coefficients."""
    if problem.alpha > 0.0:
        return (
            f"alpha={problem.alpha:g} is relative to the noise, which is zero. If the scale is "
            "also zero without slopes, the slopes are zero; otherwise the penalty has no effect. "
            "Use alpha=0 instead."
        )
    if problem.delta == np.inf:
        return "The coefficients are those of least squares."
    return "The coefficients minimise the sum of absolute residuals."


def warn_of_doubt(solution: Solution, problem: HuberProblem) -> None:
    """Warn if a solution is doubtful, and say what to do."""
    result = solution.result
    if result.status is Status.EXACT_FIT:
        warnings.warn(exact_fit("So", problem), ExactFitWarning, stacklevel=4)
    if result.status in REASONS and not result.optimality <= problem.tol:
        text = "HuberRegressor " + REASONS[result.status].format(
            max_iter=problem.max_iter, tol=problem.tol, solution="the minimiser"
        )
        warning = convergence_warning(text, result.optimality, problem.tol)
        warnings.warn(warning, stacklevel=4)
