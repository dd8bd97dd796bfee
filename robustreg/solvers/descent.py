"""One descent: quasi-Newton steps in the metric of a nearby Hessian, safeguarded by the objective.

It serves a single fit, where it chooses the length of each step and asks for fresh metrics, and
the candidates of a search, which move together by steps of full length.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from robustreg.objective import Evaluation, Objective
from robustreg.solvers.certificate import LocalModel
from robustreg.solvers.metric import SquareRoot

__all__ = ["SLOW", "SMALLEST_SCALE", "VALUE_ROUNDING", "Descent", "Place"]

Vector = NDArray[np.float64]

#: Relative decrease of the objective below which its values are rounding errors and the gradient
#: decides: five digits above the rounding of a sum.
VALUE_ROUNDING = 1e-11

#: A step that leaves more than this part of the distance has not served where the metric is not
#: renewed, and among rounding errors it has not served at all. Where values are rounding errors the
#: slope stands for the distance (after the approximate condition of W. W. Hager, H. Zhang, SIAM J.
#: Optim. 16, 2005).
SLOW = 0.5

#: Part of the linear decrease that a step must bring (Armijo). Where a full step does not, its
#: halves are tried, ``HALVES`` of them in one pass, down to the root of a rounding error, and the
#: lowest is taken: of 300 problems with thresholds down to 5e-4 of the noise, those at a given
#: scale took 32 passes in the mean with one shorter step a pass, and take 24.
SUFFICIENT, HALVES = 1e-4, 7
SHORTEST = float(np.finfo(np.float64).eps) ** 0.5

#: Multiple of its typical rounding errors at which a distance without progress is all rounding.
ROUNDED = 4.0

#: A step takes the scale at most to this fraction, or to its inverse: residuals within the
#: threshold that call for more growth are rounding errors. After two such steps down the problem is
#: given back, since the minimum may be at a scale of zero.
SMALLEST_SCALE = 0.1


class Place:
    """An evaluation with the Newton step there, which is solved for once, if at all.

    Parameters
    ----------
    model : LocalModel
    evaluation : Evaluation
    approximately : bool
        Whether an approximation without a pass will do.
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

    J. Nocedal, S. Wright, Numerical Optimization (2006), algorithm 7.4, with a metric in place of
    the scaled identity. Where each use of the metric costs passes, its approximation takes its
    place, and distances are estimates from the memory until ``certify`` is called.

    Attributes
    ----------
    evaluation : Evaluation
        Where it stands.
    distance : float
        From there to the minimiser, in standard errors.
    contraction : float
        Part of the distance that the last step has left; 0 before there was one, and 1 where none
        could be made.
    """

    def __init__(self, model: LocalModel, *, memory: bool = True) -> None:
        self.model, self._memory = model, memory
        self._estimates = memory and not model.metric.renewable
        self._secants: list[tuple[Vector, Vector, float]] = []
        self._stand_at(self._place(model.evaluation))
        self.contraction = 0.0

    def _place(self, evaluation: Evaluation) -> Place:
        return Place(self.model, evaluation, self._estimates)

    def _stand_at(self, place: Place) -> None:
        self.evaluation, (self._newton, self.length) = place.evaluation, place.step
        if self._estimates and self._secants:
            self.length = length_of(self.evaluation.gradient, -self.direction)
        self.distance = self.model.in_standard_errors(self.length, self.evaluation)

    def certify(self) -> None:
        """Put the distance itself, and the Newton step, in the place of estimates."""
        if self._estimates:
            gradient, self._secants = self.evaluation.gradient, []
            self._newton = self.model.metric.solve(gradient, self.evaluation.parameters)
            self.length = length_of(gradient, self._newton)
            self.distance = self.model.in_standard_errors(self.length, self.evaluation)

    @property
    def direction(self) -> Vector:
        """The step that the gradient calls for."""
        if not self._secants:
            return -self._newton
        product, parts = self.evaluation.gradient, []
        for s, y, sy in reversed(self._secants):
            part = float(s @ product) / sy
            parts.append(part)
            product = product - part * y
        metric = self.model.metric
        product = metric.approximate(product) if self._estimates else metric.solve(product)
        for (s, y, sy), part in zip(self._secants, reversed(parts), strict=True):
            product = product + (part - float(y @ product) / sy) * s
        return -product

    @property
    def renews(self) -> bool:
        """Whether a fresh metric would serve a slow descent better than its memory."""
        return not self._estimates

    @property
    def is_rounding(self) -> bool:
        """Whether the distance may be all rounding errors."""
        return self.distance <= ROUNDED * self.model.rounding

    def move(self, evaluation: Evaluation) -> None:
        """Stand at another point, and remember the way there."""
        self._move(self._place(evaluation))

    def _move(self, place: Place) -> None:
        evaluation = place.evaluation
        s = evaluation.parameters - self.evaluation.parameters
        y = evaluation.gradient - self.evaluation.gradient
        sy = float(s @ y)
        if self._memory and sy > 0.0:
            self._secants.append((s, y, sy))
        before = self.distance
        self._stand_at(place)
        self.contraction = self.distance / before if before > 0.0 else 0.0

    def _accepts(self, place: Place, decrease: float) -> bool:
        """Whether a trial is lower by that much, or as low and nearer where values are rounding."""
        start, trial = self.evaluation, place.evaluation
        noise = VALUE_ROUNDING * abs(start.value) + self.model.value_rounding
        if not abs(trial.value - start.value) <= noise:
            return trial.value <= start.value - SUFFICIENT * decrease
        if place.step[1] < self.length:
            return True
        # Far outliers leave no digits of the values. The slopes of a convex objective then tell.
        step = trial.parameters - start.parameters
        return float(trial.gradient @ step) < SLOW * abs(float(start.gradient @ step))

    def advance(self) -> float:
        """Step as far as the objective falls; the length of the step, 0.0 where there is none."""
        objective, start = self.model.objective, self.evaluation
        direction = self.direction
        slope = float(start.gradient @ direction)
        if not slope < 0.0:
            self._secants, direction = [], -self._newton
            slope = float(start.gradient @ direction)
        length = 1.0
        if objective.has_scale and direction[-1] < 0.0:
            length = min(1.0, (SMALLEST_SCALE - 1.0) * float(start.parameters[-1] / direction[-1]))
        trial = self._place(objective.evaluate(start.parameters + length * direction))
        if self._accepts(trial, -length * slope):
            self._move(trial)
            return length
        # Among rounding errors a shorter step is no better than a longer one.
        while length > SHORTEST and not self.is_rounding:
            lengths = length * 0.5 ** np.arange(1, HALVES + 1)
            found = objective.evaluate_several(start.parameters + lengths[:, None] * direction)
            trials = [self._place(evaluation) for evaluation in found]
            steps = zip(lengths.tolist(), trials, strict=True)
            lower = [step for step in steps if self._accepts(step[1], -step[0] * slope)]
            if lower:
                length, trial = min(lower, key=lambda step: step[1].evaluation.value)
                self._move(trial)
                return length
            length = float(lengths[-1])
        self.contraction = 1.0
        return 0.0

    def advance_in_turn(self) -> float:
        """Step at the present scale, then to the scale that suits the coefficients.

        Where the residuals inside the threshold are a linear function of X, as on the way to an
        exact fit, the Hessian is singular along the ray to it, and the joint step has no length.
        """
        objective, start = self.model.objective, self.evaluation
        assert isinstance(self.model.metric, SquareRoot)
        direction = -self.model.metric.solve_at_scale(start.gradient)
        slope, length = float(start.gradient @ direction), 1.0
        while length > SHORTEST:
            moved = _at_best_scale(objective, start.parameters + length * direction)
            trial = self._place(moved)
            if self._accepts(trial, -length * slope):
                self._move(trial)
                return length
            length *= 0.5
        self.contraction = 1.0
        return 0.0


def _at_best_scale(objective: Objective, parameters: Vector) -> Evaluation:
    point = objective.point(parameters)
    scale = objective.problem.estimate_scale(point)
    parameters = parameters.copy()
    parameters[-1] = max(scale, SMALLEST_SCALE * point.scale)
    return objective.evaluate(parameters)
