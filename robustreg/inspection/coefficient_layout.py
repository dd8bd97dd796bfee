"""Space for the coefficients of several models and for their legend."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

__all__ = ["figure_size", "legend_room"]

#: Legend: letters per line, width of a mark in letters, the most models per line, and the height of
#: a line in inches.
LEGEND_LETTERS, MARK_LETTERS, MOST_A_LINE, LEGEND_LINE = 62, 8, 3, 0.27

#: Heights in inches: of a coefficient, of each of its models, of the rest of a figure, and the
#: largest height of a figure.
FEATURE_HEIGHT, MODEL_HEIGHT, FRAME_HEIGHT, MOST_HEIGHT = 0.12, 0.1, 1.0, 40.0


def figure_size(n_models: int, n_features: int) -> tuple[float, float] | None:
    """Return the size of a figure in which marks do not touch, or None without matplotlib."""
    try:
        from matplotlib import rcParams
    except ImportError:
        return None  # the drawing function says how to install it
    width, height = rcParams["figure.figsize"]
    return width, max(
        height, FRAME_HEIGHT + n_features * (FEATURE_HEIGHT + MODEL_HEIGHT * n_models)
    )


def legend_room(ax: Any, names: Sequence[Any], n_features: int) -> tuple[int, float]:
    """Return the columns of the legend, and its height in units of the vertical axis."""
    columns = _legend_columns(names)
    lines = -(-len(names) // columns) if len(names) > 1 else 0
    height = ax.get_window_extent().height / ax.figure.dpi
    legend = min(LEGEND_LINE * (lines + 0.5 * (lines > 0)), 0.6 * height)
    return columns, n_features * legend / (height - legend)


def _legend_columns(names: Sequence[Any]) -> int:
    longest = max(len(str(name)) for name in names) + MARK_LETTERS
    return int(np.clip(LEGEND_LETTERS // longest, 1, MOST_A_LINE))
