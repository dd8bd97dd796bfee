"""The root of ``log estimate(sigma) = log sigma``, by secants between the ends of a bracket."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

__all__ = ["LONGEST", "Root", "quadratic_roots", "secant"]

#: Longest step of log sigma, unless the estimate is farther above sigma. The root is far away if
#: the estimate follows sigma closely, as it does near breakdown or if sigma goes to zero.
LONGEST = 1.0

EPSILON = float(np.finfo(np.float64).eps)


@dataclass
class Root:
    """A search for the root of ``log estimate(sigma) - log sigma``, and its trials so far."""

    slope: float | None = None  # of log estimate, for use while there is only one trial
    low: float = -np.inf  # the estimate is larger than sigma here
    high: float = np.inf
    trials: list[tuple[float, float]] = field(default_factory=list)

    def add(self, log_scale: float, excess: float) -> None:
        """Add a trial: log sigma, and log estimate minus log sigma."""
        self.trials.append((log_scale, excess))
        if excess > 0.0:
            self.low = max(self.low, log_scale) if log_scale < self.high else log_scale
        else:
            self.high = min(self.high, log_scale) if log_scale > self.low else log_scale

    def is_wrong(self, part: float) -> bool:
        """Whether the bracket is narrower than this part of the last excess.

        One end was tried with coefficients too far from their minimum then.
        """
        return bool(self.trials and self.high - self.low < part * abs(self.trials[-1][1]))

    def keep_last(self) -> None:
        """Forget all trials but the last."""
        last = self.trials[-1]
        self.low, self.high, self.trials = -np.inf, np.inf, []
        self.add(*last)

    def next(self) -> float:
        """The next trial: the root of a secant if it is within the bracket, or else its middle."""
        excess, proposed = self.trials[-1][1], secant(self.trials, self.slope)
        bracketed = np.isfinite(self.low) and np.isfinite(self.high)
        stuck = len(self.trials) > 4 and abs(excess) > 0.5 * abs(self.trials[-3][1])
        if bracketed and (stuck or not self.low < proposed < self.high):
            return 0.5 * (self.low + self.high)
        return proposed


def secant(trials: list[tuple[float, float]], slope: float | None) -> float:
    """The root of the line through the last two trials, or through one trial with this slope.

    It is at most ``LONGEST`` from the last trial, or at the estimate if that is farther above.
    """
    log_scale, excess = trials[-1]
    slope = slope or 0.0
    if len(trials) > 1 and log_scale != trials[-2][0]:
        slope = 1.0 + (excess - trials[-2][1]) / (log_scale - trials[-2][0])
    step = excess / max(1.0 - slope, EPSILON)
    return log_scale + float(np.clip(step, -LONGEST, max(LONGEST, excess)))


def quadratic_roots(a: float, b: float, c: float) -> list[float]:
    """The finite roots of ``a x² + 2 b x + c``, computed without cancellation."""
    inner = b * b - a * c
    if inner < 0.0:
        return []
    q = -(b + math.copysign(math.sqrt(inner), b))
    return [x for x in (q / a if a else math.nan, c / q if q else 0.0) if math.isfinite(x)]
