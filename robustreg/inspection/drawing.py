"""What the displays share: matplotlib where it is installed, colours, shapes and labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "BLUE",
    "GREEN",
    "GREY",
    "LIGHT",
    "MODELS",
    "VERMILION",
    "axes_to_draw_on",
    "label_points",
    "legend_place",
    "mark_size",
    "merged",
    "plain_axes",
]

Vector = NDArray[np.float64]
Style = Mapping[str, Any] | None

# Colours that colour-blind readers can tell apart (Okabe and Ito, 2008). A shape, a line style or a
# place says the same, for prints in grey.
BLUE, VERMILION, GREEN, GREY, LIGHT = "#0072B2", "#D55E00", "#009E73", "#4D4D4D", "#E8E8E8"

#: Colour, marker and fill of the models of a display, in order; then they begin again.
MODELS = (
    (VERMILION, "s", "none"),
    (BLUE, "o", "full"),
    (GREEN, "^", "full"),
    (GREY, "D", "none"),
    ("#CC79A7", "v", "full"),
)

#: Size of labels, and their distance from the mark, in points.
LABEL_SIZE, LABEL_SHIFT = 9, 6

#: Parts of the data's range left free beyond it, across and up.
MARGINS = (0.06, 0.1)

#: Width of a letter and height of a line, in units of the size of the letters.
LETTER, LINE = 0.62, 1.15

#: Marks have their full size up to so many rows, and at least this part of it.
FULL_SIZE_ROWS, SMALLEST_MARK = 100, 0.15

#: Where a label may stand, seen from its mark, best first.
SIDES = ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (1, -1), (-1, 1), (-1, -1))


def axes_to_draw_on(ax: Any, caller: str) -> Any:
    """The axes given, or those of a new figure; an error that says how to install matplotlib."""
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(
            f"{caller} draws with matplotlib, which is not installed: run "
            "`pip install robustreg[plot]`."
        ) from error
    if ax is None:
        _, ax = plt.subplots(layout="constrained")
    return ax


def merged(defaults: Mapping[str, Any], given: Style) -> dict[str, Any]:
    """Keywords for matplotlib: the display's own, and the user's over them."""
    return {**defaults, **(given or {})}


def plain_axes(ax: Any, **settings: Any) -> None:
    """Set labels and limits, with room for labels; take away the lines that enclose nothing."""
    ax.margins(*MARGINS)
    ax.set(**settings)
    ax.spines[["top", "right"]].set_visible(False)


def mark_size(n: int) -> float:
    """Factor for the area of a mark, and the root of that of its line, where there are n."""
    return float(np.clip(np.sqrt(FULL_SIZE_ROWS / max(n, 1)), SMALLEST_MARK, 1.0))


def legend_place(n: int) -> str:
    """Where the legend hides least; to look for that place among many marks takes long."""
    return "best" if n <= 10 * FULL_SIZE_ROWS else "upper right"


def label_points(
    ax: Any,
    x: Vector,
    y: Vector,
    labels: Sequence[Any] | NDArray,
    *,
    sides: Sequence[tuple[int, int]] = SIDES,
    rotation: float = 0.0,
) -> list[Any]:
    """Write each label beside its point, where there is room: the first labels go first.

    Parameters
    ----------
    ax : matplotlib Axes
        Whose limits are settled.
    x, y : arrays of shape (m,)
    labels : sequence of length m
    sides : sequence of pairs, default=SIDES
        Where a label may stand.
    rotation : {0, 90}, default=0
        In degrees.

    Returns
    -------
    list of matplotlib Annotation
        Without the labels for which there was no room.
    """
    from matplotlib.patheffects import withStroke

    if len(labels) == 0:
        return []
    # Where things are is known once the layout has been made; a subfigure's canvas is its figure's.
    ax.figure.canvas.figure.draw_without_rendering()
    unit = ax.figure.dpi / 72.0
    marks = ax.transData.transform(np.column_stack((x, y))) / unit
    taken = [_box(mark, 2 * LABEL_SHIFT, 2 * LABEL_SHIFT) for mark in marks]
    frame = ax.get_window_extent()
    inside = np.array([[frame.x0, frame.y0], [frame.x1, frame.y1]]) / unit
    texts = []
    for index, label in enumerate(labels):
        lengths = LETTER * LABEL_SIZE * len(str(label)), LINE * LABEL_SIZE
        width, height = lengths[::-1] if rotation else lengths
        for side in sides:
            reach = np.array([width, height]) / 2 + LABEL_SHIFT
            box = _box(marks[index] + np.array(side) * reach, width, height)
            others = taken[:index] + taken[index + 1 :]
            if _within(box, inside) and not any(_overlap(box, other) for other in others):
                break
        else:
            continue
        taken.append(box)
        right, up = side
        texts.append(
            ax.annotate(
                str(label),
                (x[index], y[index]),
                xytext=(LABEL_SHIFT * right, LABEL_SHIFT * up),
                textcoords="offset points",
                ha=("right", "center", "left")[right + 1],
                va=("top", "center", "bottom")[up + 1],
                rotation=rotation,
                color=GREY,
                fontsize=LABEL_SIZE,
                path_effects=[withStroke(linewidth=2, foreground="white", alpha=0.8)],
            )
        )
    return texts


def _box(center: Vector, width: float, height: float) -> Vector:
    """Lower left and upper right corner, in points."""
    half = np.array([width, height]) / 2
    return np.array([center - half, center + half])


def _overlap(one: Vector, other: Vector) -> bool:
    return bool(np.all(one[0] < other[1]) and np.all(other[0] < one[1]))


def _within(one: Vector, frame: Vector) -> bool:
    return bool(np.all(one[0] >= frame[0]) and np.all(one[1] <= frame[1]))
