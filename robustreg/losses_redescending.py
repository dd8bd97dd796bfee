r"""The lqq and optimal losses, and the tuning constants of all redescending losses.

Each loss is a family ``c² rho_1(u / c)``. For a standard normal Z, the M-estimator with this loss
has the efficiency ``E[psi'(Z)]² / E[psi(Z)²]`` relative to least squares. The S-estimator has the
breakdown point ``E[rho(Z)] / sup rho`` if this number is the right side of its equation.

References
----------
.. [1] M. Koller, W. A. Stahel, "Sharpening Wald-type inference in robust regression for small
   samples", Comput. Statist. Data Anal. 55 (2011), for lqq.
.. [2] V. J. Yohai, R. H. Zamar, "Optimal locally robust M-estimates of regression", J. Statist.
   Plann. Inference 64 (1997), for the optimal loss.
.. [3] R. A. Maronna, R. D. Martin, V. J. Yohai, M. Salibian-Barrera, Robust Statistics, 2nd
   edition, 2019, section 5.8.1, for the polynomial of the optimal loss.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq

from robustreg.losses import Bisquare, Redescending

__all__ = [
    "REDESCENDING",
    "Lqq",
    "Optimal",
    "breakdown_point",
    "loss_for_breakdown",
    "loss_for_efficiency",
    "normal_efficiency",
    "normal_mean",
]

Vector = NDArray[np.float64]

#: Defaults of R's lmrob.
LMROB_EFFICIENCY, LMROB_BREAKDOWN = 0.95, 0.5

#: Number of Gauss-Legendre points in each piece of an integral. Fifty give 15 digits for all
#: constants between 0.1 and 50. Beyond ``NORMAL_END`` the normal density is below 1e-300.
NODES, NORMAL_END = 120, 38.0

#: These bounds of the constants include all efficiencies in [0.5, 0.999] and breakdown points in
#: [0.01, 0.5].
SMALLEST_CONSTANT, LARGEST_CONSTANT = 0.05, 60.0


class Lqq(Redescending):
    """Koller and Stahel's loss, whose psi is linear, then quadratic to its maximum and to zero.

    psi has slope 1 up to c, its slope falls to -1/2 between c and 2.5 c, and it ends at 8 c with
    slope 0. In the notation of Koller and Stahel, (b, c, s) = (1.5 c, c, 1.5).

    Parameters
    ----------
    c : float
        Length of the linear part. 0.982 is 95 % efficient at normal errors.
    """

    knots = (1.0, 2.5, 8.0)
    #: psi at 2.5.
    _top = 1.375
    shape_sup = 61.0 / 12.0

    def rho(self, u: ArrayLike) -> NDArray[Any]:
        """Integral of psi."""
        v = np.minimum(np.abs(u) / self.c, self.knots[-1])
        inner, bend, tail = self._parts(v)
        # The integrals of v, of 1 + bend - bend²/2, and of top - tail/2 + tail²/22 over their
        # parts.
        value = 0.5 * inner**2 + bend + bend**2 * (0.5 - bend / 6.0)
        value += tail * (self._top + tail * (-0.25 + tail / 66.0))
        return self.c**2 * value

    def psi(self, u: ArrayLike) -> NDArray[Any]:
        """Derivative of the loss."""
        u = np.asarray(u)
        return np.sign(u) * self.c * self._size(np.abs(u) / self.c)

    def psi_prime(self, u: ArrayLike) -> NDArray[Any]:
        """Second derivative: 1, falling to -1/2, rising to 0."""
        v = np.abs(u) / self.c
        _, bend, tail = self._parts(np.minimum(v, self.knots[-1]))
        slope = 1.0 - bend + np.where(tail > 0.0, tail / 11.0, 0.0)
        return np.where(v < self.knots[-1], slope, 0.0)

    def weight(self, u: ArrayLike) -> NDArray[Any]:
        """``psi(u) / u``."""
        v = np.abs(u) / self.c
        return np.where(v > 1.0, self._size(v) / np.maximum(v, 1.0), 1.0)

    def _size(self, v: NDArray[Any]) -> NDArray[Any]:
        inner, bend, tail = self._parts(np.minimum(v, self.knots[-1]))
        return inner + bend * (1.0 - 0.5 * bend) + tail * (tail / 22.0 - 0.5)

    @staticmethod
    def _parts(v: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        """Return the lengths of |u| / c in each of the three pieces."""
        return np.minimum(v, 1.0), np.clip(v - 1.0, 0.0, 1.5), np.maximum(v - 2.5, 0.0)


class Optimal(Redescending):
    """Yohai and Zamar's loss in polynomial form, whose psi is linear to 2 c and zero beyond 3 c.

    It nearly minimises the maximal bias for a given efficiency.

    Parameters
    ----------
    c : float
        Half the length of the linear part. 1.06 is 95 % efficient at normal errors.
    """

    knots = (2.0, 3.0)
    shape_sup = 3.25
    #: psi(v) / v between 2 and 3, in powers of v².
    _polynomial = (-1.944, 1.728, -0.312, 0.016)

    def rho(self, u: ArrayLike) -> NDArray[Any]:
        """Integral of psi: ``u²/2`` to 2 c, ``3.25 c²`` beyond 3 c."""
        square = np.minimum(np.abs(u) / self.c, 3.0) ** 2
        bend = 1.792 + square * (-0.972 + square * (0.432 + square * (-0.052 + square * 0.002)))
        return self.c**2 * np.where(square <= 4.0, 0.5 * square, bend)

    def psi(self, u: ArrayLike) -> NDArray[Any]:
        """Derivative of the loss."""
        return np.asarray(u) * self.weight(u)

    def psi_prime(self, u: ArrayLike) -> NDArray[Any]:
        """Second derivative."""
        square = np.minimum(np.abs(u) / self.c, 3.0) ** 2
        a, b, c, d = self._polynomial
        bend = a + square * (3.0 * b + square * (5.0 * c + square * 7.0 * d))
        return np.where(square <= 4.0, 1.0, np.where(square < 9.0, bend, 0.0))

    def weight(self, u: ArrayLike) -> NDArray[Any]:
        """``psi(u) / u``."""
        square = np.minimum(np.abs(u) / self.c, 3.0) ** 2
        a, b, c, d = self._polynomial
        bend = np.maximum(a + square * (b + square * (c + square * d)), 0.0)
        return np.where(square <= 4.0, 1.0, np.where(square < 9.0, bend, 0.0))


#: The losses by their names, which are those of ``psi`` in lmrob.
REDESCENDING: dict[str, type[Redescending]] = {
    "bisquare": Bisquare,
    "lqq": Lqq,
    "optimal": Optimal,
}

#: Constants for an efficiency of 95 % and for a breakdown point of 1/2. They are the default values
#: of R's lmrob, with the same digits (its documentation, lmrob.control and Mchi, robustbase
#: 0.99-6). Exact constants would change the scale by 3e-6, and fits are compared with lmrob's.
LMROB_CONSTANTS = {
    "bisquare": (4.685061, 1.54764),
    "lqq": (0.9822707, 0.2676971),
    "optimal": (1.060158, 0.4047),
}


# -- integrals over the normal distribution -------------------------------------------------------


@lru_cache(maxsize=1)
def _nodes() -> tuple[Vector, Vector]:
    return np.polynomial.legendre.leggauss(NODES)


def normal_mean(loss: Redescending, function: Any) -> float:
    """Return ``E f(Z)`` for an even function f that is constant beyond the last knot of the loss.

    Parameters
    ----------
    loss : Redescending
        Loss with a single number as its constant.
    function : callable
        Function of an array.

    Returns
    -------
    float
    """
    nodes, weights = _nodes()
    # The pieces are short, so that the density is nearly a polynomial in each.
    own = [knot * loss.c for knot in loss.knots if knot * loss.c < NORMAL_END]
    edges = np.unique(np.concatenate(([0.0], own, [2.0, 5.0, 10.0, NORMAL_END])))
    total = 0.0
    for low, high in pairwise(edges.tolist()):
        z = 0.5 * (high - low) * (nodes + 1.0) + low
        density = np.exp(-0.5 * z * z)
        total += 0.5 * (high - low) * float(weights @ (density * function(z)))
    return total * float(np.sqrt(2.0 / np.pi))


def normal_efficiency(loss: Redescending) -> float:
    """Return the efficiency of the M-estimator at normal errors, relative to least squares."""
    slope = normal_mean(loss, loss.psi_prime)
    return slope**2 / normal_mean(loss, lambda z: loss.psi(z) ** 2)


def breakdown_point(loss: Redescending) -> float:
    """Return ``E rho(Z) / sup rho``, for which the S-estimator estimates sigma at normal errors."""
    return normal_mean(loss, loss.rho) / float(loss.sup)


#: Criteria for a constant, with lmrob's default and its position in ``LMROB_CONSTANTS``.
LMROB_DEFAULTS = {normal_efficiency: (LMROB_EFFICIENCY, 0), breakdown_point: (LMROB_BREAKDOWN, 1)}


def loss_for_efficiency(name: str, efficiency: float) -> Redescending:
    """Return the loss of a family that has this efficiency at normal errors.

    Parameters
    ----------
    name : {"bisquare", "lqq", "optimal"}
    efficiency : float in [0.5, 0.999]
        Efficiency. For 0.95 the constant has the digits of lmrob.

    Returns
    -------
    Redescending

    Examples
    --------
    >>> from robustreg.losses_redescending import loss_for_efficiency
    >>> loss_for_efficiency("bisquare", 0.95).c, round(loss_for_efficiency("bisquare", 0.85).c, 4)
    (4.685061, 3.4437)
    """
    return _calibrated(name, normal_efficiency, efficiency)


def loss_for_breakdown(name: str, breakdown: float) -> Redescending:
    """Return the loss of a family whose S-estimator has this breakdown point.

    See ``loss_for_efficiency``. Breakdown points are in [0.01, 0.5], and for 0.5 the constant has
    the digits of lmrob.

    Examples
    --------
    >>> from robustreg.losses_redescending import loss_for_breakdown
    >>> loss_for_breakdown("bisquare", 0.5).c, round(loss_for_breakdown("bisquare", 0.25).c, 4)
    (1.54764, 2.937)
    """
    return _calibrated(name, breakdown_point, breakdown)


@lru_cache(maxsize=512)
def _calibrated(name: str, criterion: Any, value: float) -> Redescending:
    family, (default, position) = REDESCENDING[name], LMROB_DEFAULTS[criterion]
    if value == default:
        return family(LMROB_CONSTANTS[name][position])
    return family(_constant(family, criterion, value))


def _constant(family: type[Redescending], criterion: Any, value: float) -> float:
    def excess(c: float) -> float:
        return criterion(family(c)) - value

    low = SMALLEST_CONSTANT
    # The efficiency need not increase from the smallest constant on. The largest root is used.
    grid = np.geomspace(low, LARGEST_CONSTANT, 60)
    signs = np.sign([excess(float(c)) for c in grid])
    last = int(np.flatnonzero(signs[:-1] != signs[1:])[-1])
    bounds = float(grid[last]), float(grid[last + 1])
    return float(brentq(excess, *bounds, xtol=1e-14, rtol=1e-14))
