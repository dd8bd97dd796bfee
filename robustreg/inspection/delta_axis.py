"""The axis of delta curves: logarithmic, with a position for infinity at the end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "describe_choice",
    "position_of",
    "positions_of",
    "set_delta_scale",
    "with_gap",
]

Vector = NDArray[np.float64]

#: Infinity is drawn beyond the last finite delta, at this share of the width of the axis.
GAP = 0.12

#: Sets of tick numbers, to be multiplied by powers of ten, from coarse to fine, and the most ticks.
TICKS, MOST_TICKS = ((1.0,), (1.0, 3.0), (1.0, 2.0, 5.0), (0.7, 1.0, 1.4, 2.0, 3.0, 5.0)), 7


def positions_of(deltas: Vector) -> Vector:
    """Return positions on a logarithmic axis. Infinity is placed beyond a gap."""
    finite = deltas[np.isfinite(deltas)]
    if finite.size == 0:
        return np.ones_like(deltas)
    ratio = max(finite[-1] / finite[0], 2.0)
    return np.where(np.isfinite(deltas), deltas, finite[-1] * ratio ** (GAP / (1.0 - GAP)))


def position_of(delta: float, deltas: Vector, positions: Vector) -> float:
    """Return the position of any delta, which need not be a candidate."""
    return float(positions[-1]) if np.isinf(delta) and np.isinf(deltas[-1]) else delta


def set_delta_scale(ax: Any, deltas: Vector, positions: Vector) -> None:
    """Label the axis with a few round numbers and infinity."""
    ax.spines[["top", "right"]].set_visible(False)
    ax.set_xscale("log")
    finite = deltas[np.isfinite(deltas)]
    ticks = _round_numbers(finite) if finite.size else []
    labels = [f"{tick:g}" for tick in ticks]
    if finite.size < deltas.size:
        ticks, labels = [*ticks, float(positions[-1])], [*labels, "∞"]
    ax.set_xticks(ticks, labels)
    ax.set_xticks([], minor=True)
    ax.margins(x=0.05)


def _round_numbers(deltas: Vector) -> list[float]:
    """Return the largest set of round numbers within the range that fits on the axis."""
    low, high = deltas[0] * (1.0 - 1e-9), deltas[-1] * (1.0 + 1e-9)
    powers = 10.0 ** np.arange(np.floor(np.log10(low)) - 1.0, np.ceil(np.log10(high)) + 1.0)
    found = deltas[[0, -1]] if deltas.size > 1 else deltas
    for multiples in TICKS:
        numbers = np.unique((powers[:, None] * multiples).round(12))
        inside = numbers[(numbers >= low) & (numbers <= high)]
        if inside.size > MOST_TICKS:
            break
        if inside.size >= 2:
            found = inside
    return [float(number) for number in found]


def with_gap(values: Vector, finite: NDArray[np.bool_]) -> Vector:
    """Insert NaN between the last finite delta and infinity, so that no line connects them."""
    if finite.all() or not finite.any():
        return values
    return np.insert(values, int(finite.sum()), np.nan)


def describe_choice(delta: float, others: Mapping[str, Any] | None) -> str:
    """Describe what a search chose, for example ``delta = 1.345, alpha = 0``."""
    place = "∞" if np.isinf(delta) else f"{delta:.4g}"
    return f"delta = {place}" + "".join(
        f", {name} = {_brief(value)}" for name, value in (others or {}).items()
    )


def _brief(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, (float, np.floating)) else str(value)
