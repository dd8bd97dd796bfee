"""A descent: quasi-Newton steps in the metric of a nearby Hessian, accepted if the objective falls.

A single fit uses it with a search for the length of each step and with fresh metrics. The
candidates of a search use it too, but they move together, by steps of full length.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from robustreg.objective import Evaluation, Objective
from robustreg.solvers.certificate import LocalModel
from robustreg.solvers.secants import Secant, corrected, remember

__all__ = ["SLOW", "SMALLEST_SCALE", "Descent", "Place", "Renewal"]

Vector = NDArray[np.float64]

#: Evaluates the objective at a point, and its model if that is possible in the same pass.
Renewal = Callable[[Vector], tuple[Evaluation, LocalModel | None]]

#: Relative decrease of the objective below which its values are rounding errors and the gradient
#: decides: five digits above the rounding of a sum.
VALUE_ROUNDING = 1e-11

#: A step that leaves more than this part of the distance is too slow where the metric is not
#: renewed. If the distance may be rounding errors, such a step ends the descent. Where differences
#: of the objective are rounding errors, the same bound applies to the slope (after the approximate
#: condition of W. W. Hager, H. Zhang, SIAM J. Optim. 16, 2005).
SLOW = 0.5

#: Part of the linear decrease that a step must achieve (Armijo). If the full step does not, shorter
#: ones are tried, ``TRIALS`` of them in one pass, in the ratio ``SHORTER``, down to the root of the
#: unit roundoff. The one with the lowest objective is used, or the nearest to the minimiser of
#: those that differ from it by rounding only. On 300 problems with thresholds down to 5e-4 of the
#: noise, those at a given scale needed 32 passes in the mean with one shorter step per pass, 24
#: with 7 halves, and 18 this way and with the other savings of passes in ``advance``. With 20 steps
#: in the ratio 0.8 they needed as many.
SUFFICIENT, SHORTER, TRIALS = 1e-4, 0.7, 14
SHORTEST = float(np.finfo(np.float64).eps) ** 0.5

#: A distance that is at most this multiple of its typical rounding errors may be rounding alone.
ROUNDED = 4.0

#: A step multiplies the scale by no less than this fraction. After two such steps down the descent
#: ends, since the minimum may be at a scale of zero. A step up has no limit but the search for its
#: length: outliers may put the minimum at 10^10 times the scale of the start.
SMALLEST_SCALE = 0.1


class Place:
    """An evaluation and the Newton step there, which is computed at most once, when needed.

    Parameters
    ----------
    model : LocalModel
    evaluation : Evaluation
    approximately : bool
        Whether to compute the step by the approximation that needs no pass.
    """

    def __init__(
        self, model: LocalModel, evaluation: Evaluation, approximately: bool = False
    ) -> None:
        self.evaluation = evaluation
        self._solve = model.metric.approximate if approximately else model.metric.solve
        self._step: tuple[Vector, float] | None = None

    @property
    def step(self) -> tuple[Vector, float]:
        """``H^-1 g``, and its length in the metric."""
        if self._step is None:
            gradient = self.evaluation.gradient
            newton = self._solve(gradient)
            self._step = newton, length_of(gradient, newton)
        return self._step


def length_of(gradient: Vector, newton: Vector) -> float:
    """``sqrt(g' H^-1 g)``."""
    return float(max(float(gradient @ newton), 0.0) ** 0.5)


class Descent:
    """Steps in one metric, with the memory of L-BFGS.

    If each use of the metric costs passes, its approximation is used instead, and distances are
    estimates from the memory until ``certify`` is called.

    Attributes
    ----------
    evaluation : Evaluation
        The evaluation at the present point.
    distance : float
        Distance from the present point to the minimiser, in standard errors.
    contraction : float
        The present distance divided by that before the last step. It is 0 before the first step,
        and 1 if no step was accepted.
    shortened : bool
        Whether the full length was refused in the last step. The full length is less than one if
        the scale would fall too far.
    fresh : LocalModel or None
        The model at the present point, if the last step has computed it.
    """

    fresh: LocalModel | None

    def __init__(self, model: LocalModel, *, memory: bool = True) -> None:
        self.model, self._memory = model, memory
        self._estimates = memory and not model.metric.renewable
        self._secants: list[Secant] = list(model.secants) if memory else []
        self._stand_at(self._place(model.evaluation))
        self.contraction, self._previous = 0.0, 0.0
        self.fresh, self.shortened = None, False

    def _place(self, evaluation: Evaluation) -> Place:
        return Place(self.model, evaluation, self._estimates)

    def _stand_at(self, place: Place) -> None:
        self._certified = False
        self.evaluation, (self._newton, self.length) = place.evaluation, place.step
        if self._estimates and self._secants:
            self.length = length_of(self.evaluation.gradient, -self.direction)
        self.distance = self.model.in_standard_errors(self.length, self.evaluation)

    def certify(self) -> None:
        """Replace the estimates of the distance and of the Newton step by exact ones.

        The memory speeds this up, and keeps the products with the Hessian that are computed.
        """
        if self._estimates and not self._certified:
            self._certified = True
            self._newton = self.model.newton_step(self.evaluation, self._secants)
            self.length = length_of(self.evaluation.gradient, self._newton)
            self.distance = self.model.in_standard_errors(self.length, self.evaluation)

    @property
    def direction(self) -> Vector:
        """The quasi-Newton step from the present point."""
        if self._certified or not self._secants:
            return -self._newton
        metric = self.model.metric
        apply = metric.approximate if self._estimates else metric.solve
        return -corrected(self._secants, apply, self.evaluation.gradient)

    @property
    def final_model(self) -> LocalModel:
        """The model, with the memory if that is worth more than a fresh metric."""
        return replace(self.model, secants=tuple(self._secants)) if self._estimates else self.model

    @property
    def renews(self) -> bool:
        """Whether a fresh metric would serve a slow descent better than its memory."""
        return not self._estimates

    @property
    def leaves_most(self) -> bool:
        """Whether the last step left most of the distance, or the last two if it is an estimate.

        Estimates are alternately too small and too large, and the first ones are poor.
        """
        if not self._estimates:
            return self.contraction > SLOW
        return len(self._secants) > 1 and self.contraction * self._previous > SLOW**2

    @property
    def is_rounding(self) -> bool:
        """Whether the distance may be all rounding errors."""
        return self.distance <= ROUNDED * self.model.rounding

    def move(self, evaluation: Evaluation) -> None:
        """Move to another point, and add the step to the memory."""
        self._move(self._place(evaluation))

    def _move(self, place: Place) -> None:
        evaluation = place.evaluation
        s = evaluation.parameters - self.evaluation.parameters
        y = evaluation.gradient - self.evaluation.gradient
        sy = float(s @ y)
        if self._memory and sy > 0.0:
            remember(self._secants, (s, y, sy))
        before, self._previous, self.fresh = self.distance, self.contraction, None
        self._stand_at(place)
        self.contraction = self.distance / before if before > 0.0 else 0.0

    @property
    def noise(self) -> float:
        """Difference of two values that may be rounding errors."""
        return VALUE_ROUNDING * abs(self.evaluation.value) + self.model.value_rounding

    def _accepts(self, place: Place, decrease: float, noise: float) -> bool:
        """Whether a trial is lower by that much, or nearer if values differ by rounding only."""
        start, trial = self.evaluation, place.evaluation
        if not abs(trial.value - start.value) <= noise:
            return trial.value <= start.value - SUFFICIENT * decrease
        if place.step[1] < self.length:
            return True
        # With far outliers, values have no digits left. The slopes of a convex objective decide.
        step = trial.parameters - start.parameters
        return float(trial.gradient @ step) < SLOW * abs(float(start.gradient @ step))

    def advance(self, several: bool = False, renew: Renewal | None = None) -> float:
        """Make a step that lowers the objective. Return its length, 0.0 if there was none.

        Parameters
        ----------
        several : bool
            Whether to evaluate the full step and shorter ones in one pass, instead of the full step
            first. This saves a pass if a shorter step is likely.
        renew : callable, optional
            Evaluates the full step and its model in one pass. This saves a pass if a fresh metric
            is likely to be needed there.
        """
        objective, start = self.model.objective, self.evaluation
        direction = self.direction
        slope = float(start.gradient @ direction)
        if not slope < 0.0:
            self._secants, direction = [], -self._newton
            slope = float(start.gradient @ direction)
        length = 1.0
        if objective.has_scale and direction[-1] < 0.0:
            length = min(1.0, (SMALLEST_SCALE - 1.0) * float(start.parameters[-1] / direction[-1]))
        several, full = several and not self.is_rounding, length
        if not several:
            end = start.parameters + length * direction
            evaluation, fresh = renew(end) if renew else (objective.evaluate(end), None)
            trial = self._place(evaluation)
            if self._accepts(trial, -length * slope, self.noise):
                self._move(trial)
                self.fresh, self.shortened = fresh, False
                return length
        # If the distance is rounding errors, a shorter step is no better than a longer one.
        while length > SHORTEST and not self.is_rounding:
            lengths = length * SHORTER ** np.arange(0 if several else 1, TRIALS + 1)
            several = False
            found = objective.evaluate_several(start.parameters + lengths[:, None] * direction)
            noise = self.noise
            # Other values are refused, so their evaluations are not needed.
            steps = [
                (float(lengths[i]), self._place(found.one(i)))
                for i in np.flatnonzero(found.value <= start.value + noise).tolist()
            ]
            lower = [step for step in steps if self._accepts(step[1], -step[0] * slope, noise)]
            if lower:
                length, trial = _lowest(lower, noise)
                self._move(trial)
                self.shortened = length < full
                return length
            length = float(lengths[-1])
        self.contraction, self.shortened = 1.0, True
        return 0.0

    def advance_in_turn(self) -> float:
        """Step at the present scale, then set the scale by its rule for the new coefficients.

        If the residuals within the threshold are a linear function of X, as on the way to an exact
        fit, the Hessian is singular along the ray to that fit, and a joint step is not defined.
        """
        objective, start = self.model.objective, self.evaluation
        direction = -self.model.metric.solve_at_scale(start.gradient)
        slope, length = float(start.gradient @ direction), 1.0
        while length > SHORTEST:
            moved = _at_best_scale(objective, start.parameters + length * direction)
            trial = self._place(moved)
            if self._accepts(trial, -length * slope, self.noise):
                self._move(trial)
                return length
            length *= 0.5
        self.contraction = 1.0
        return 0.0


def _lowest(steps: list[tuple[float, Place]], noise: float) -> tuple[float, Place]:
    """The step to the lowest value, or the nearest of those that differ by rounding only."""
    highest = min(place.evaluation.value for _, place in steps) + noise
    lowest = [step for step in steps if step[1].evaluation.value <= highest]
    return min(lowest, key=lambda step: step[1].step[1])


def _at_best_scale(objective: Objective, parameters: Vector) -> Evaluation:
    point = objective.point(parameters)
    scale = objective.problem.estimate_scale(point)
    parameters = parameters.copy()
    parameters[-1] = max(scale, SMALLEST_SCALE * point.scale)
    return objective.evaluate(parameters)
