r"""The choice of delta in each replicate of the bootstrap, for models with ``delta="auto"``.

Each replicate makes one Newton step from the sample's fit to its own pilot fit. It chooses the
delta with the smallest estimated variance V(t) = mean(min(e², t²)) / mean(|e| <= t)² of its own
residuals (:func:`robustreg.tuning.least_variance_delta`), and is then solved with that delta. Sums
of squares within a threshold are computed from residuals counted in bins, whose width is 1/64 of
the residual's size. This gives V with a relative error of 1e-4, in a hundredth of the time that
sorting would take.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from robustreg.estimators.fitting import PILOT_DELTAS
from robustreg.inference.regression import FittedRegression
from robustreg.inference.replicate_sums import inverse_derivative, scores
from robustreg.inference.sample import Sample, Single, Start, Vector
from robustreg.tuning import AUTO_DELTAS, kappa

__all__ = ["DeltaChoice"]

#: Range of the bins, in powers of two of the pilot's scale, and the number of leading mantissa bits
#: that distinguish them: 64 bins per power of two.
SMALLEST, LARGEST, BITS = -9, 9, 6

#: Number of mantissa bits of a float32, and the bias of its exponent.
MANTISSA, BIAS = 23, 127

FINITE = AUTO_DELTAS[np.isfinite(AUTO_DELTAS)]
KAPPAS = np.array([kappa(float(delta)) for delta in FINITE])


class DeltaChoice:
    """The pilot fit of a sample, from which the replicates start.

    Parameters
    ----------
    fitted : FittedRegression
    sample : Sample
        The sample at the fit.

    Attributes
    ----------
    solver : Sample
        The sample for steps at any delta. It treats sigma as unknown even if the fit has an
        infinite delta and does not depend on sigma, because a replicate may choose a finite one.
    """

    def __init__(self, fitted: FittedRegression, sample: Sample) -> None:
        equation = fitted.equation
        self.solver = replace(sample, equation=equation, unknown=equation.unknown)
        deltas = np.append(AUTO_DELTAS, PILOT_DELTAS)
        scales = equation.scales_at(deltas, fitted.residuals)
        # If the pilot has scale zero, use the fit's own scale.
        pilots = np.flatnonzero(scales[AUTO_DELTAS.size :] > 0.0) + AUTO_DELTAS.size
        pilot = int(pilots[0]) if pilots.size else deltas.size - 1
        scales = np.where(scales > 0.0, scales, 1.0)
        s = fitted.frequencies.astype(np.float32)[None, :]
        lines: Single = np.divide(sample.u, scales[:, None], dtype=np.float64).astype(np.float32)
        derivatives = inverse_derivative(self.solver, s, lines, deltas)
        self._inverses, self._inverse = derivatives[: AUTO_DELTAS.size], derivatives[pilot]
        self._delta, self._scale = float(deltas[pilot]), float(scales[pilot])

    def starts(self, s: Single, u: Single) -> Start:
        """Return the starting points of a batch of replicates, and the deltas they choose.

        Parameters
        ----------
        s, u : arrays of shape (size, n), or (1, n) if all replicates share them
            Frequencies, and residuals at the fit in units of its scale.
        """
        size, k = max(s.shape[0], u.shape[0]), self.solver.z.shape[1]
        at_pilot = u / np.float32(self._scale)
        residuals = at_pilot.copy()
        delta = np.full(at_pilot.shape[0], self._delta)
        change = scores(self.solver, s, residuals, delta) @ self._inverse.T
        steps = change[:, :k]
        residuals = steps.astype(np.float32) @ -self.solver.z.T
        residuals += at_pilot
        scales = self.solver.equation.replicate_scales(s, residuals, np.ones(size))
        chosen, scale = np.empty(size, dtype=np.intp), np.empty(size)
        for line in range(size):
            frequencies = s[line if s.shape[0] > 1 else 0]
            chosen[line], scale[line] = self._chosen(residuals[line], frequencies, scales[line])
        inverse = self._inverses[chosen]
        return Start(self._scale * steps, self._scale * scale, AUTO_DELTAS[chosen], inverse)

    def _chosen(self, residuals: Single, frequencies: Single, scale: float) -> tuple[int, float]:
        """Return the index of a replicate's delta, and its sigma in units of the pilot's scale."""
        bins = Bins.of(residuals, frequencies)
        freedom = bins.total - self.solver.z.shape[1]
        scales, last = np.full(FINITE.size, scale), scale
        if self.solver.unknown:
            scales, last = bins.joint_scales(2.0 * KAPPAS * freedom), np.sqrt(bins.square / freedom)
        variances = bins.variances(FINITE * scales)
        best = int(np.argmin(variances))
        if variances[best] <= bins.square / bins.total:
            return best, float(scales[best])
        return FINITE.size, float(last)


@dataclass(frozen=True)
class Bins:
    """Residuals of one replicate, counted in bins by their size.

    Attributes
    ----------
    inside : array of shape (m + 1,)
        Sums of the squares in the first 0, 1, ... m bins.
    outside : array of shape (m + 1,)
        Frequencies beyond these bins.
    total, square : float
        Total frequency, and the sum of all squares.
    """

    inside: Vector
    outside: Vector
    total: float
    square: float

    @classmethod
    def of(cls, residuals: Single, frequencies: Single) -> Bins:
        """Count residuals by their leading bits, which give their sizes to 1/64."""
        bits = residuals.view(np.int32) & np.int32(0x7FFFFFFF)
        # The first count stays empty, so that the cumulative sums begin with zero.
        index = (bits >> (MANTISSA - BITS)) - np.int32(((SMALLEST + BIAS) << BITS) - 1)
        np.clip(index, 1, SQUARES.size, out=index)
        counts: Vector = np.bincount(index, frequencies, minlength=SQUARES.size + 1).astype(
            np.float64
        )
        total, last = float(counts.sum()), counts[: SQUARES.size]
        square = float((frequencies * residuals) @ residuals)
        inside = np.cumsum(last * SQUARES, dtype=np.float64)
        outside = total - np.cumsum(last, dtype=np.float64)
        return cls(inside, outside, total, square)

    def joint_scales(self, targets: Vector) -> Vector:
        """Solve ``sum s min(e², (delta sigma)²) = target sigma²`` for ``FINITE``; zero if no root.

        See :meth:`robustreg.order_statistics.OrderedColumns.joint_scales`. The left side divided by
        the squared threshold decreases.
        """
        rising = -self.inside[1:] / SQUARES[1:] - self.outside[1:]
        last = np.searchsorted(rising, -targets / SQUARED)
        slope = targets - SQUARED * self.outside[last]
        squares = np.zeros_like(slope)
        np.divide(self.inside[last], slope, out=squares, where=slope > 0.0)
        return np.sqrt(squares)

    def variances(self, thresholds: Vector) -> Vector:
        """Return V at thresholds; infinite if no residual is within the threshold."""
        squares = thresholds**2
        last = np.searchsorted(SQUARES, squares, side="right") - 1
        outside = self.outside[last]
        share = 1.0 - outside / self.total
        found = np.full_like(share, np.inf)
        known = (share > 0.0) & (squares < SQUARES[-1])
        total = (self.inside[last] + outside * squares) / self.total
        return np.divide(total, share**2, out=found, where=known)


def _squares() -> Vector:
    """Return zero, followed by the square of the midpoint of each bin."""
    edges = np.arange((LARGEST - SMALLEST << BITS) + 1) + ((SMALLEST + BIAS) << BITS)
    sizes = (edges << (MANTISSA - BITS)).astype(np.int32).view(np.float32).astype(np.float64)
    return np.append(0.0, (0.5 * (sizes[1:] + sizes[:-1])) ** 2)


SQUARES: Vector = _squares()
SQUARED: Vector = FINITE**2
