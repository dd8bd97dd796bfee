"""Room for the coefficients of several models, and for their legend."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

__all__ = ["figure_size", "legend_room"]

#: Letters in a line of the legend, those that a mark takes, the most models there, and the height
#: of a line in inches.
LEGEND_LETTERS, MARK_LETTERS, MOST_A_LINE, LEGEND_LINE = 62, 8, 3, 0.27

#: Height of a coefficient and of each of its models, of the rest of a figure, and its most, in
#: inches.
FEATURE_HEIGHT, MODEL_HEIGHT, FRAME_HEIGHT, MOST_HEIGHT = 0.12, 0.1, 1.0, 40.0


def figure_size(n_models: int, n_features: int) -> tuple[float, float] | None:
    """Size of a figure in which no two marks touch; None for the user's own size."""
    try:
        from matplotlib import rcParams
    except ImportError:
        return None  # what draws says how to install it
    width, height = rcParams["figure.figsize"]
    return width, max(
        height, FRAME_HEIGHT + n_features * (FEATURE_HEIGHT + MODEL_HEIGHT * n_models)
    )


def legend_room(ax: Any, names: Sequence[Any], n_features: int) -> tuple[int, float]:
    """Columns of the legend, and the room for it above the coefficients, in units of theirs."""
    columns = _legend_columns(names)
    lines = -(-len(names) // columns) if len(names) > 1 else 0
    height = ax.get_window_extent().height / ax.figure.dpi
    legend = min(LEGEND_LINE * (lines + 0.5 * (lines > 0)), 0.6 * height)
    return columns, n_features * legend / (height - legend)


def _legend_columns(names: Sequence[Any]) -> int:
    longest = max(len(str(name)) for name in names) + MARK_LETTERS
    return int(np.clip(LEGEND_LETTERS // longest, 1, MOST_A_LINE))
