"""Medians and sums of ordered squares, from which scales are computed."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "MAD_FACTOR",
    "OrderedColumns",
    "OrderedSquares",
    "median",
    "median_absolute_residual",
    "weighted_median",
    "weighted_medians",
]

Vector = NDArray[np.float64]

#: Normal consistency of the MAD: the upper quartile of N(0, 1), which MASS rounds to 0.6745.
MAD_FACTOR = 0.6744897501960817


def median(values: Vector) -> float:
    """``numpy.median`` of finite values, at a fifth of its cost on small arrays."""
    half, odd = divmod(values.shape[0], 2)
    ordered = values.copy()
    ordered.partition(half if odd else (half - 1, half))
    return float(ordered[half] if odd else 0.5 * (ordered[half - 1] + ordered[half]))


def weighted_median(values: Vector, weights: Vector | None = None) -> float:
    """Median of ``values``, where a weight counts how often a value occurs.

    With integer weights it equals ``numpy.median`` of the repeated values. Where exactly half of
    the weight is at or below a value, the mean of that value and the next is returned.
    """
    if weights is None:
        return median(values)
    order = np.argsort(values, kind="stable")
    order = order[weights[order] > 0]
    cumulative = np.cumsum(weights[order])
    half = 0.5 * cumulative[-1]
    # The tolerance makes weights of 1/3 reach the half exactly, as whole numbers do.
    position = int(np.searchsorted(cumulative, half * (1.0 - 1e-12)))
    lower = values[order[position]]
    at_boundary = abs(cumulative[position] - half) <= 1e-12 * half
    upper = values[order[position + 1]] if at_boundary else lower
    return float(0.5 * (lower + upper))


def weighted_medians(values: Vector, weights: Vector) -> Vector:
    """``weighted_median`` of each column.

    Parameters
    ----------
    values : array of shape (n, B)
    weights : array of shape (n, B) or (n, 1)
        Frequencies. Values of frequency zero are not counted.

    Returns
    -------
    array of shape (B,)
    """
    weights = np.broadcast_to(weights, values.shape)
    values = np.where(weights > 0.0, values, np.inf)
    order = np.argsort(values, axis=0)
    values = np.take_along_axis(values, order, axis=0)
    cumulative = np.cumsum(np.take_along_axis(weights, order, axis=0), axis=0)
    half = 0.5 * cumulative[-1]
    position = (cumulative < half * (1.0 - 1e-12)).sum(axis=0)[None]
    lower = np.take_along_axis(values, position, axis=0)[0]
    reached = np.take_along_axis(cumulative, position, axis=0)[0]
    following = np.minimum(position + 1, values.shape[0] - 1)
    upper = np.take_along_axis(values, following, axis=0)[0]
    return np.where(np.abs(reached - half) <= 1e-12 * half, 0.5 * (lower + upper), lower)


def median_absolute_residual(residuals: Vector, weights: Vector | None = None) -> float:
    """``median(|e|) / Phi^-1(3/4)``: the scale of residuals about zero, as in MASS."""
    return weighted_median(np.abs(residuals), weights) / MAD_FACTOR


class OrderedColumns:
    """Squared residuals of responses in ascending order, for equations of several deltas at once.

    Parameters
    ----------
    residuals : array of shape (n, B)
    weights : array of shape (n, B) or (n, 1), or None
        Frequencies. Residuals of frequency zero count as zero, since their squares may overflow.
    """

    def __init__(self, residuals: Vector, weights: Vector | None) -> None:
        with np.errstate(over="ignore"):  # squares of huge values are infinite
            squares = residuals * residuals
        n, width = squares.shape
        inner = np.zeros((2, n + 1, width))  # sums of the first k squares, and of their weights
        if weights is None:
            squares.sort(axis=0)
            inner[1] = np.arange(n + 1.0)[:, None]
            squares.cumsum(axis=0, out=inner[0, 1:])
        else:
            weights = np.broadcast_to(weights, squares.shape)
            squares = np.where(weights > 0.0, squares, 0.0)
            order = np.argsort(squares, axis=0)
            squares = np.take_along_axis(squares, order, axis=0)
            weights = np.take_along_axis(weights, order, axis=0)
            np.cumsum(weights * squares, axis=0, out=inner[0, 1:])
            np.cumsum(weights, axis=0, out=inner[1, 1:])
        self.squares, self._inner, self.total = squares, inner, inner[1, -1].copy()

    def below(self, k: NDArray[np.intp]) -> tuple[Vector, Vector]:
        """Sums of the first k squares, and the weights of the others, with k of shape (D, B)."""
        inside, count = (np.take_along_axis(sums, k, axis=0) for sums in self._inner)
        return inside, self.total - count

    def joint_scales(self, deltas: Vector, targets: Vector) -> Vector:
        """Solve ``sum s min(e², (delta sigma)²) = target sigma²`` for sigma.

        Parameters
        ----------
        deltas : array of shape (D, 1)
            Thresholds in units of sigma.
        targets : array of shape (D, B)
            ``2 kappa nu``. If one is not positive, the scale is zero.

        Returns
        -------
        array of shape (D, B)
            The positive roots, and 0.0 where so much of the weight fits exactly that there is none.

        Notes
        -----
        With k residuals inside the threshold and the weight W_k outside, the left side is
        ``S_k + delta² W_k sigma²``, so ``sigma² = S_k / (target - delta² W_k)``. The left side
        divided by the squared threshold decreases, so the root is unique, and k is found by
        bisection. Squares of zero are skipped, since they do not bound the root.
        """
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            return self._joint(deltas, targets)[1]

    def variances(self, deltas: Vector, targets: Vector, scale: Any | None) -> Vector:
        """``mean(min(e², t²)) / mean(|e| <= t)²`` at the thresholds ``t = delta sigma``.

        Parameters
        ----------
        deltas : array of shape (D, 1)
        targets : array of shape (D, B)
            ``2 kappa nu``.
        scale : array of shape (B,), float or None
            Sigma. By default, the joint scale of each delta.

        Returns
        -------
        array of shape (D, B)
            Infinite if no residual is inside.
        """
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            k, sigma = self._joint(deltas, targets) if scale is None else (None, scale)
            threshold = np.where(sigma > 0.0, deltas * sigma, 0.0)
            if k is None:
                k = _ranks(self.squares, np.broadcast_to(threshold**2, targets.shape), True)
            inside, outside = self.below(k)
            outer = np.where(outside > 0.0, outside * threshold**2, 0.0)
            variance = (inside + outer) * self.total / (self.total - outside) ** 2
        return np.where((threshold > 0.0) & (outside < self.total), variance, np.inf)

    def _joint(self, deltas: Vector, targets: Vector) -> tuple[NDArray[np.intp], Vector]:
        """Number of residuals within ``delta sigma`` for the joint scale, and this scale."""
        # sum min(e², t²) / t² at t = |e_k| falls with k, and is target / delta² at the root.
        sums, counts = self._inner[0, 1:], self._inner[1, 1:]
        ratio = sums / self.squares + (self.total - counts)
        ratio[self.squares == 0.0] = np.inf
        # A square that overflows is at its own threshold, so that it counts with its weight.
        ratio = np.where(np.isinf(self.squares), self.total - self._inner[1, :-1], ratio)
        k = _ranks(np.negative(ratio, out=ratio), -targets / deltas**2, False)
        inside, outside = self.below(k)
        left = targets - np.where(outside > 0.0, deltas**2 * outside, 0.0)
        return k, np.sqrt(np.where(left > 0.0, inside / left, 0.0))


class OrderedSquares(OrderedColumns):
    """``OrderedColumns`` of one response.

    Parameters
    ----------
    residuals : array of shape (n,)
    weights : array of shape (n,) or None
        Frequencies.
    """

    def __init__(self, residuals: Vector, weights: Vector | None) -> None:
        # Residuals of Dask are loaded, since sorting needs all of them.
        columns = None if weights is None else np.asarray(weights)[:, None]
        super().__init__(np.asarray(residuals)[:, None], columns)

    def joint_scale(self, delta: float, target: float) -> float:
        """Solve the equation of ``joint_scales`` for one delta."""
        return float(self.joint_scales(np.array([[delta]]), np.array([[target]]))[0, 0])


def _ranks(ordered: Vector, bounds: Vector, right: bool) -> NDArray[np.intp]:
    """``numpy.searchsorted`` in each column of (n, B) ordered numbers, for (D, B) bounds."""
    n = ordered.shape[0]
    if ordered.shape[1] == 1:
        return np.searchsorted(ordered[:, 0], bounds, side="right" if right else "left")
    low, high = np.zeros(bounds.shape, np.intp), np.full(bounds.shape, n)
    for _ in range(n.bit_length()):
        middle = (low + high) // 2
        value = np.take_along_axis(ordered, np.minimum(middle, n - 1), axis=0)
        below = (value <= bounds if right else value < bounds) & (low < high)
        low = np.where(below, middle + 1, low)
        high = np.where(below, high, np.maximum(middle, low))
    return low
