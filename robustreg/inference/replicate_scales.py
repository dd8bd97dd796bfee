"""Scales of many replicates, computed from their residuals."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from robustreg.scales import median_absolute_residual
from robustreg.tuning import kappa

__all__ = ["median_scales", "nearer_joint_scales"]

Single = NDArray[np.float32]
Vector = NDArray[np.float64]

#: Largest factor by which sigma of a replicate changes in one step, and its smallest value in units
#: of the sample's sigma. At that value, coefficients equal those of least absolute deviations.
LARGEST_FACTOR, SMALLEST_SCALE = 2.0, 1e-3


def median_scales(frequencies: Single, residuals: Single) -> Vector:
    """Return the MAD of each row."""
    lines = np.broadcast_to(frequencies, residuals.shape)
    return np.array([_median_scale(e, w) for e, w in zip(residuals, lines, strict=True)])


def _median_scale(residuals: Single, s: Single) -> float:
    counts = s.astype(np.intp)
    if np.array_equal(counts, s) and counts.sum() <= 2 * s.size:
        # To repeat rows and select is several times faster than to sort for a weighted median.
        return median_absolute_residual(np.repeat(residuals, counts).astype(np.float64))
    return median_absolute_residual(residuals.astype(np.float64), s.astype(np.float64))


def nearer_joint_scales(
    frequencies: Single, residuals: Single, scales: Vector, delta: Vector, k: int
) -> Vector:
    """Make one Newton step for ``sum s min(e², (delta sigma)²) = 2 kappa nu sigma²``.

    Parameters
    ----------
    frequencies : array of shape (size, n) or (1, n)
    residuals : array of shape (size, n)
    scales, delta : arrays of shape (size,)
    k : int
        Number of coefficients.
    """
    weighted = frequencies * (np.abs(residuals) <= (delta * scales)[:, None])
    total = frequencies.sum(axis=1, dtype=np.float64)
    outside = total - weighted.sum(axis=1, dtype=np.float64)
    squares = np.einsum("rn,rn->r", weighted * residuals, residuals).astype(np.float64)
    target = 2.0 * np.array([kappa(each) for each in delta.tolist()]) * (total - k)
    # At delta = inf no row is beyond the threshold.
    slope = target - np.where(np.isfinite(delta), delta, 0.0) ** 2 * outside
    found = np.full(delta.shape, np.inf)
    np.divide(squares, slope, out=found, where=slope > 0.0)
    least = np.maximum(scales / LARGEST_FACTOR, SMALLEST_SCALE)
    return np.clip(np.sqrt(found), least, LARGEST_FACTOR * scales)
