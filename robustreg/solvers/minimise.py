"""Minimise an objective by a sequence of descents, each in the metric at its own start."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from robustreg.objective import Evaluation, Objective
from robustreg.solvers.certificate import LocalModel, evaluated_model, local_model, undamped
from robustreg.solvers.descent import SLOW, SMALLEST_SCALE, Descent, Renewal
from robustreg.solvers.metric import FIRST_MIXING
from robustreg.solvers.result import Status
from robustreg.solvers.square_root import DETERMINED

__all__ = ["SERVES", "Reached", "fits_exactly", "minimise"]

Vector = NDArray[np.float64]

#: A metric is kept as long as a step leaves at most this part of the distance, or the second part
#: if the design is small, where a fresh metric costs no more than two passes. In the problems of
#: ``benchmarks/hard_problems.py`` the second number saves half a pass in the mean.
SERVES, SERVES_SMALL = 0.3, 0.15

#: Number of descents without progress after which rounding is assumed to be the reason. They use a
#: fresh metric, a damped one, that of the majorant, and that of the majorant once more.
PATIENCE = 4


@dataclass(frozen=True)
class Reached:
    """The end of a minimisation.

    Attributes
    ----------
    model : LocalModel
        The last one.
    evaluation : Evaluation
    distance : float
        In standard errors.
    n_iter : int
    status : Status or None
        None if the scale collapsed.
    """

    model: LocalModel
    evaluation: Evaluation
    distance: float
    n_iter: int
    status: Status | None

    @property
    def parameters(self) -> Vector:
        """The parameters at the end."""
        return self.evaluation.parameters

    @property
    def bound(self) -> float:
        """The distance plus its rounding errors, or 0 if the residuals are rounding errors."""
        return 0.0 if self.distance == 0.0 else self.distance + self.model.rounding


@np.errstate(over="ignore", invalid="ignore")  # in far trials, which are rejected
def minimise(
    objective: Objective,
    parameters: Vector,
    *,
    memory: bool,
    tol: float,
    max_iter: int,
    model: LocalModel | None = None,
    certify: bool = True,
) -> Reached:
    """Minimise to ``tol`` standard errors.

    1. Compute the metric at the present point, damped by ``mixing``.
    2. Step in it as long as it contracts the distance, with a memory of the steps or without.
    3. Levenberg's rule: use less damping if the model predicted the decrease, and more otherwise.
    4. End when the distance is at most ``tol`` in an undamped metric, when the scale collapses,
       after ``max_iter`` iterations, or after ``PATIENCE`` descents without progress.

    Parameters
    ----------
    objective : Objective
    parameters : array of shape (objective.size,)
    memory : bool
        Whether to keep the memory of L-BFGS.
    tol : float
    max_iter : int
    model : LocalModel, optional
        The model of the objective at the parameters, with the metric of a nearby point. By default,
        it is computed at the parameters.
    certify : bool
        Whether to certify the distance before ending. If not, it may be an estimate.

    Returns
    -------
    Reached
    """
    iterations = idle = 0
    shortened = slow = False
    mixing, free = 0.0, False
    lowest = SMALLEST_SCALE**2 * objective.scale_of(parameters) if objective.has_scale else 0.0
    while True:
        if model is None:
            model = local_model(objective, parameters, mixing)
        objective = model.objective
        descent = Descent(model, memory=memory)
        target = model.target(tol)
        if descent.distance <= target and certify:
            descent.certify()
        begin, length = descent.distance, descent.length
        if fits_exactly(objective, model.evaluation):
            return Reached(model, model.evaluation, 0.0, iterations, Status.CONVERGED)
        if begin <= target and mixing:
            mixing, model = 0.0, None
            continue
        if begin <= target and model.metric.mixing:
            model = undamped(model)
            descent = Descent(model, memory=memory)
            begin, length = descent.distance, descent.length
        rounded = idle > 0 and descent.is_rounding
        if begin <= target or iterations >= max_iter or idle >= PATIENCE or rounded:
            return _ended(model, descent, iterations, tol, max_iter, certify)
        if objective.has_scale and _collapses(model, lowest):
            return Reached(model, descent.evaluation, begin, iterations, None)
        taken = float(model.metric.mixing or 0.0)
        free = free or mixing < taken
        following = _levenberg(taken, poor=False, free=free)
        renew = partial(evaluated_model, objective, mixing=following) if slow else None
        left = max_iter - iterations
        ratio, made, slow = _run(descent, target, left, lowest, shortened, renew, certify)
        shortened = descent.shortened
        iterations += made
        parameters = descent.evaluation.parameters
        stalled = descent.contraction > SLOW and descent.is_rounding
        arrived = descent.distance <= target and not mixing
        margin = target / max(descent.distance, 0.1 * target)
        if stalled or (arrived and not model.is_stale(begin, margin)):
            return _ended(model, descent, iterations, tol, max_iter, certify)
        idle = 0 if _progress(descent, length) else idle + 1
        mixing = _levenberg(taken, poor=ratio < SERVES, free=free)
        model = descent.fresh if mixing == following else None


def _goes_in_turn(descent: Descent) -> bool:
    """Whether the scale should follow the coefficients instead of moving with them.

    This is so if the residuals of the rows within the threshold are a linear function of X, since
    these rows do not determine the scale then.
    """
    model = descent.model
    return model.objective.has_scale and model.metric.scale_sine < DETERMINED


def _run(
    descent: Descent,
    target: float,
    limit: int,
    lowest: float,
    several: bool,
    renew: Renewal | None,
    certify: bool,
) -> tuple[float, int, bool]:
    """Step in one metric.

    Return how well it predicted the first step, the number of steps, and whether they became slow.
    """
    made, ratio, slow, in_turn = 0, 0.0, False, _goes_in_turn(descent)
    while made < limit:
        before, noise = descent.evaluation, descent.noise
        predicted = 0.5 * descent.length**2
        length = descent.advance_in_turn() if in_turn else descent.advance(several, renew)
        if length == 0.0:
            break
        made += 1
        decrease = before.value - descent.evaluation.value
        rounding = decrease <= noise
        if made == 1:
            # If values differ by rounding only, a shortened step counts as a bad prediction.
            ratio = float(length == 1.0) if rounding else decrease / predicted
        if descent.leaves_most or (descent.distance <= target and certify):
            descent.certify()
        slow = _wants_fresh_metric(descent, rounding)
        collapsed = descent.model.objective.scale_of(descent.evaluation.parameters) < lowest
        if descent.distance <= target or slow or in_turn or collapsed:
            break
    return ratio, max(made, 1), slow


def _wants_fresh_metric(descent: Descent, rounding: bool) -> bool:
    """Whether a fresh metric is better than another step in this one.

    Near the solution, the memory is worth more: the metric changes wherever a row at the threshold
    crosses it, and steps in fresh metrics would alternate between both sides.
    """
    early = descent.model.objective.design.is_small and not rounding
    return descent.contraction > (SERVES_SMALL if early else SERVES) and descent.renews


def _levenberg(mixing: float, poor: bool, free: bool) -> float:
    """The next damping; none at all has failed where rows within the threshold leave one free."""
    if poor:
        return min(max(10.0 * mixing, FIRST_MIXING), 1.0)
    return 0.1 * mixing if free or mixing > FIRST_MIXING else 0.0


def _progress(descent: Descent, length: float) -> bool:
    if descent.length <= 0.5 * length:
        return True
    if descent.model.evaluation.value - descent.evaluation.value > descent.noise:
        return True
    # With far outliers, values have no digits left, but the slopes have accepted a step.
    return descent.contraction < 1.0 and not descent.is_rounding


def fits_exactly(objective: Objective, evaluation: Evaluation) -> bool:
    """Whether the residuals are rounding errors though the scale is given and positive."""
    problem = objective.problem
    if problem.scale.known() is None:
        return False
    scale = objective.scale_of(evaluation.parameters)
    point = objective.point(evaluation.parameters)
    spread = float(np.sqrt(evaluation.sums.psi_squares / problem.design.total_weight))
    return problem.is_zero(spread, point) and not problem.is_zero(scale, point)


def _collapses(model: LocalModel, lowest: float) -> bool:
    scale = model.objective.scale_of(model.evaluation.parameters)
    if scale < lowest:
        return True
    return model.objective.problem.is_negligible(scale, model.rounding_level)


def _ended(
    model: LocalModel, descent: Descent, n_iter: int, tol: float, max_iter: int, certify: bool
) -> Reached:
    if certify and descent.distance > model.target(tol):
        descent.certify()
    status = model.status(descent.distance, tol)
    if status is Status.MAX_ITER and n_iter < max_iter:
        status = Status.ROUNDING
    return Reached(descent.final_model, descent.evaluation, descent.distance, n_iter, status)
