"""Draw the threshold band, the points and the labels of residual plots."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from robustreg.inspection.drawing import GREY, LIGHT, Style, merged
from robustreg.inspection.labels import label_points

__all__ = ["draw_band", "draw_rows", "label_worst"]

Vector = NDArray[np.float64]


def draw_band(ax: Any, threshold: float | None, band_kwargs: Style) -> Any:
    """Draw the zero line and the threshold band; return the band, or None without threshold."""
    ax.axhline(0.0, color=GREY, linewidth=0.8, zorder=1)
    if threshold is None or not np.isfinite(threshold):
        return None
    style = merged({"facecolor": LIGHT, "edgecolor": "none", "zorder": 0}, band_kwargs)
    band = ax.axhspan(-threshold, threshold, **style)
    label = f"threshold ±{threshold:.3g}"
    for side in (-1.0, 1.0):
        ax.axhline(side * threshold, color=GREY, linestyle="--", linewidth=1.0, label=label)
        label = "_nolegend_"
    return band


def draw_rows(
    ax: Any, x: Any, y: Any, rows: Any, name: str, defaults: dict[str, Any], given: Style
) -> Any:
    """Draw the marks of some rows, with their number in the legend; return None without rows."""
    if not rows.any():
        return None
    label = f"{name} ({np.count_nonzero(rows)})" if name else "_nolegend_"
    style = merged({"label": label, "zorder": 3} | defaults, given)
    return ax.scatter(x[rows], y[rows], **style)


def label_worst(
    ax: Any,
    x: Vector,
    y: Vector,
    excess: Vector,
    names: NDArray,
    n_labels: int,
    limits: Sequence[float] = (),
) -> list[Any]:
    """Label the rows that exceed a limit by the largest factor.

    No label crosses one of the horizontal lines at ``limits``.
    """
    worst = np.argsort(-excess, kind="stable")[:n_labels]
    worst = worst[excess[worst] > 0.0]
    return label_points(ax, x[worst], y[worst], names[worst], lines=(0.0, *limits), marks=(x, y))
