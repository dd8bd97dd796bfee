"""The memory of L-BFGS: steps and changes of the gradient, which correct a metric."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["Secant", "corrected", "remember"]

Vector = NDArray[np.float64]

#: A step s, the change y of the gradient, and s'y > 0.
Secant = tuple[Vector, Vector, float]


def remember(secants: list[Secant], secant: Secant) -> None:
    """Add a secant, and drop the oldest one if there are more than parameters.

    They would say no more of the curvature here, and more of that at distant points.
    """
    secants.append(secant)
    del secants[: -secant[0].size]


def corrected(
    secants: Sequence[Secant], metric: Callable[[Vector], Vector], gradient: Vector
) -> Vector:
    """Apply a metric to a gradient, corrected by the secants.

    The result maps the last y to its s exactly, and earlier ones nearly.

    J. Nocedal, S. Wright, Numerical Optimization (2006), algorithm 7.4, with a metric in place of
    the scaled identity.
    """
    product, parts = gradient, []
    for s, y, sy in reversed(secants):
        part = float(s @ product) / sy
        parts.append(part)
        product = product - part * y
    product = metric(product)
    for (s, y, sy), part in zip(secants, reversed(parts), strict=True):
        product = product + (part - float(y @ product) / sy) * s
    return product
