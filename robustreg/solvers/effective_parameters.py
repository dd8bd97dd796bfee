"""The effective number of parameters with a penalty, ``edf = tr(H^-1 (H - A))``.

H is the Hessian of iterated least squares and A that of the penalty. The number changes little near
the solution, so that it is held constant while sigma and the coefficients are solved for, and then
recomputed.
"""

from __future__ import annotations

import numpy as np

from robustreg.solvers.certificate import local_model
from robustreg.solvers.scale_state import ScaleState

__all__ = ["EffectiveParameters"]


class EffectiveParameters:
    """The effective number of parameters, recomputed only if its error would matter for sigma.

    Attributes
    ----------
    doubt : float
        Bound on the error of the number in the last state.
    """

    def __init__(self) -> None:
        self._found: list[tuple[float, float]] = []  # number assumed, and found at its solution
        self._last: ScaleState | None = None  # where the number was last computed
        self.doubt = 0.0

    def at(self, state: ScaleState, enough: float) -> ScaleState:
        """Return the state with its number, precise to ``enough`` standard errors of sigma.

        The weights of iterated least squares are between psi' and 1, so that the metric bounds how
        many parameters the penalty takes away.
        """
        problem, metric = state.objective.problem, state.reached.model.metric
        if not problem.counts_parameters:
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
        """Return the state with the number that is expected at the solution."""
        return state.counting(_extrapolated(self._found)) if state is self._last else state

    def _drift(self, state: ScaleState) -> float:
        """Bound how much the number has changed since it was last computed.

        The relative change of a weight is at most that of sigma plus the change of the residual in
        units of the threshold. The number of parameters that the penalty takes away changes by at
        most the same part.
        """
        if self._last is None:
            return np.inf
        last = self._last
        noise = last.objective.noise(last.reached.evaluation) / last.point.threshold
        change = abs(state.log_scale - last.log_scale) + noise * last.distance
        taken = last.objective.problem.n_linear - self._found[-1][1]
        assumed = state.objective.problem.effective_parameters
        return taken * change + abs(assumed - self._found[-1][1])


def _extrapolated(found: list[tuple[float, float]]) -> float:
    """The fixed point of the line through the last two pairs of assumed and found numbers."""
    assumed, edf = found[-1]
    if len(found) == 1 or assumed == found[-2][0]:
        return edf
    slope = (edf - found[-2][1]) / (assumed - found[-2][0])
    return assumed + (edf - assumed) / (1.0 - slope) if slope < 1.0 else edf


def _computed(state: ScaleState) -> float:
    """Compute the number at a state."""
    objective = state.objective
    model = local_model(objective, state.reached.parameters, 1.0)
    objective = model.objective
    curvature = objective.problem.penalty_curvature
    return objective.problem.n_linear - model.metric.trace(curvature)
