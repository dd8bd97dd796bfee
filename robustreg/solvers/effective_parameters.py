"""The effective number of parameters beside a penalty, ``edf = tr(H^-1 (H - A))``.

H is the Hessian of iterated least squares and A that of the penalty. The number changes little near
the solution, so it is held while sigma and the coefficients are solved for, and then computed anew.
"""

from __future__ import annotations

import numpy as np

from robustreg.solvers.certificate import local_model
from robustreg.solvers.scale_state import ScaleState

__all__ = ["EffectiveParameters"]


class EffectiveParameters:
    """The effective number of parameters, computed as seldom as its effect on sigma allows.

    Attributes
    ----------
    doubt : float
        How much it may differ from that of the state that was last seen.
    """

    def __init__(self) -> None:
        self._found: list[tuple[float, float]] = []  # assumed, and found at the solution
        self._last: ScaleState | None = None  # where it was found last
        self.doubt = 0.0

    def at(self, state: ScaleState, enough: float) -> ScaleState:
        """The state with the number that belongs to it, as far as ``enough`` standard errors need.

        The weights of iterated least squares are between psi' and one, so the metric bounds what
        the penalty takes from the number of parameters.
        """
        problem, metric = state.objective.problem, state.reached.model.metric
        if not state.counts:
            return state
        self.doubt = self._drift(state)
        if state.shift_by(self.doubt) <= enough:
            return state
        if metric.renewable and metric.mixing == 0.0:
            self.doubt = 0.5 * metric.trace(problem.penalty_curvature)
            if state.shift_by(self.doubt) <= enough:
                return state.counting(problem.n_linear - self.doubt)
        found = _computed(state)
        self._found.append((problem.effective_parameters, found))
        self._last, self.doubt = state.counting(found), 0.0
        return self._last

    def beyond(self, state: ScaleState) -> ScaleState:
        """The state with the number that is expected at the solution."""
        return state.counting(_extrapolated(self._found)) if state is self._last else state

    def _drift(self, state: ScaleState) -> float:
        """How much the number may have changed since it was found.

        No weight changes by a larger part than sigma and a residual in units of the threshold, and
        what the penalty takes from the number by no larger a part than they. Nor is a line through
        two numbers wrong by more than its whole slope.
        """
        if self._last is None:
            return np.inf
        last, number = self._last, state.objective.problem.effective_parameters
        noise = last.objective.noise(last.reached.evaluation) / last.point.threshold
        change = abs(state.log_scale - last.log_scale) + noise * last.distance
        taken = (last.objective.problem.n_linear - self._found[-1][1]) * change
        between = abs(number - self._found[-1][1]) if len(self._found) > 1 else np.inf
        return min(taken, between)


def _extrapolated(found: list[tuple[float, float]]) -> float:
    """The fixed point of the line through the last two numbers assumed, and those found there."""
    assumed, edf = found[-1]
    if len(found) == 1 or assumed == found[-2][0]:
        return edf
    slope = (edf - found[-2][1]) / (assumed - found[-2][0])
    return assumed + (edf - assumed) / (1.0 - slope) if slope < 1.0 else edf


def _computed(state: ScaleState) -> float:
    """edf at a point."""
    objective = state.objective
    model = local_model(objective, state.reached.parameters, 1.0)
    objective = model.objective
    curvature = objective.problem.penalty_curvature
    return objective.problem.n_linear - model.metric.trace(curvature)
