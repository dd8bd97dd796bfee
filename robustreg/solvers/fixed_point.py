"""The scale that is the MAD of its own residuals: a fixed point, not one convex problem."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from robustreg.objective import NEGLIGIBLE, Evaluation, MedianScale
from robustreg.scale import MAD_FACTOR
from robustreg.solvers.exact import exact_fit
from robustreg.solvers.local_model import LocalModel, local_model
from robustreg.solvers.result import Result, Solve, Status

__all__ = ["solve_fixed_point"]

Vector = NDArray[np.float64]

#: Distance to which the problem at the first scale is solved.
LOOSE = 1.0

#: Part of the distance that a step must leave out, or the metric is taken anew, once; then the
#: scale is bracketed.
HALVING = 0.5

#: Slope of the MAD as a function of the scale over which it is not extrapolated.
STEEPEST = 0.5

#: Logarithm of the factor by which the scale must have shrunk before it is tried at zero: data with
#: many ties have a fixed point there besides the one that is wanted.
SHRINKING = 3.0

#: Bounds of a step of the logarithm of the scale in search of a bracket.
LONGEST_STEPS = (-2.0, 0.5)

#: Multiple of its rounding errors at which a distance does not shrink any more.
ROUNDED = 10.0


def solve_fixed_point(
    objective: MedianScale, parameters: Vector, solve: Solve, tol: float, max_iter: int
) -> Result:
    """The solution whose scale is the MAD of its own residuals.

    1. Solve the problem at a fixed scale to one standard error.
    2. Take Newton steps of the coefficients, each followed by the MAD of the new residuals. The
       scale reacts little to the coefficients and they to it: the distance, the larger of the two,
       shrinks nearly as fast as that of Newton's steps alone.
    3. Where it does not shrink (thresholds so small that few rows are inside, residuals with ties),
       find the root of ``log MAD(w(sigma)) - log sigma``, which is continuous since w(sigma) is.
    """
    result = solve(objective, parameters, max(LOOSE, tol), max_iter)
    parameters, iterations = result.parameters, result.n_iter
    for _ in range(2):
        limit = max_iter - iterations
        model, evaluation, distance, made = _alternate(objective, parameters, tol, limit)
        iterations += made
        parameters = evaluation.parameters
        if _vanished(objective, parameters):
            return Result(parameters, 0.0, iterations, Status.EXACT_FIT)
        if distance <= model.target(tol) or iterations >= max_iter:
            return Result(parameters, distance, iterations, model.status(distance, tol))
        if distance <= ROUNDED * model.rounding:
            return Result(parameters, distance, iterations, Status.ROUNDING)
    return _bracketed(objective, parameters, solve, tol, max_iter, iterations)


def _alternate(
    objective: MedianScale, parameters: Vector, tol: float, limit: int
) -> tuple[LocalModel, Evaluation, float, int]:
    """Newton steps and MADs in one metric, as long as the distance halves."""
    objective.fixed_scale = objective.best_scale(objective.point(parameters))
    model = local_model(objective, parameters)
    evaluation, made = model.evaluation, 0
    distance, best, target = model.distance(evaluation), np.inf, model.target(tol)
    scales: list[tuple[float, float]] = []
    while target < distance <= HALVING * best and made < limit:
        best = distance
        trial = evaluation.parameters - model.preconditioner.newton_step(evaluation.gradient)
        evaluation = objective.value_and_gradient(trial)
        made += 1
        shift = objective.scale_discrepancy(trial)
        distance = max(model.distance(evaluation), shift)
        if distance > target:
            scales.append((objective.fixed_scale, objective.best_scale(objective.point(trial))))
            objective.fixed_scale = _extrapolated(scales)
        if _vanished(objective, trial):
            break
    return model, evaluation, distance, made


def _extrapolated(scales: list[tuple[float, float]]) -> float:
    """The fixed point of the line through the last two scales and the MADs that they led to.

    It is the last MAD where the two say nothing of a contraction.
    """
    scale, found = scales[-1]
    if len(scales) == 1 or scale == scales[-2][0]:
        return found
    slope = (found - scales[-2][1]) / (scale - scales[-2][0])
    return scale + (found - scale) / (1.0 - slope) if abs(slope) < STEEPEST else found


def _bracketed(
    objective: MedianScale,
    parameters: Vector,
    solve: Solve,
    tol: float,
    max_iter: int,
    iterations: int,
) -> Result:
    """The root of  log MAD(w(sigma)) - log sigma  by bracketing and Brent's method."""
    state = Result(parameters, np.inf, iterations, Status.MAX_ITER)

    @cache  # the ends of the bracket are asked for twice, and must not change their signs
    def excess(log_scale: float) -> float:
        nonlocal state
        objective.fixed_scale = float(np.exp(log_scale))
        solved = solve(objective, state.parameters, 0.1 * tol, max_iter)
        shift = objective.scale_discrepancy(solved.parameters)
        distance = max(solved.optimality, shift)
        state = Result(solved.parameters, distance, state.n_iter + solved.n_iter, solved.status)
        if distance <= tol or _vanished(objective, state.parameters):
            raise _Found
        scale = objective.best_scale(objective.point(solved.parameters))
        return float(np.log(max(scale, np.finfo(np.float64).tiny)) - log_scale)

    try:
        low = begin = float(np.log(objective.fixed_scale))
        first = excess(low)
        # The scale moves its own MAD less than itself: the root is near twice the excess away.
        step = float(np.clip(2.0 * first, *LONGEST_STEPS))
        high = low + step
        while (excess(high) > 0.0) == (first > 0.0):
            if high < begin - SHRINKING:
                limit = _majority_fit(objective, state.parameters)
                if limit is not None:
                    return Result(limit, 0.0, state.n_iter, Status.EXACT_FIT)
            step = float(np.clip(4.0 * step, *LONGEST_STEPS))
            low, high = high, high + step
        brentq(excess, low, high, xtol=1e-16, rtol=1e-15)
    except _Found:
        pass
    if _vanished(objective, state.parameters):
        return Result(state.parameters, 0.0, state.n_iter, Status.EXACT_FIT)
    if state.optimality <= tol:
        model = local_model(objective, state.parameters)
        return replace(state, status=model.status(state.optimality, tol))
    if state.status is Status.CONVERGED:
        return replace(state, status=Status.ROUNDING)
    return state


def _vanished(objective: MedianScale, parameters: Vector) -> bool:
    return objective.is_zero(objective.fixed_scale, parameters)


def _majority_fit(objective: MedianScale, parameters: Vector) -> Vector | None:
    """The fit of the rows within a shrinking scale, if it is exact for half of all."""
    if objective.alpha > 0.0:
        # Under a penalty the coefficients vanish with the scale: what is left is the constant.
        location, spread = objective.design.response_location_and_spread(objective.fit_intercept)
        coef = np.zeros(objective.design.n_features)
        return None if spread > 0.0 else objective.pack(coef, location, 0.0)
    half = MAD_FACTOR * objective.best_scale(objective.point(parameters))
    limit = exact_fit(objective, parameters, half)
    scale = objective.best_scale(objective.point(limit))
    return limit if objective.is_zero(scale, limit, NEGLIGIBLE) else None


class _Found(Exception):
    """The scale is its own fixed point."""
