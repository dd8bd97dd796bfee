"""Labels of points, placed where there is room."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from robustreg.inspection.drawing import GREY

__all__ = ["label_height", "label_points"]

Vector = NDArray[np.float64]

#: Size of labels in units of matplotlib's font size, and their distance from the mark in points.
LABEL_SIZE, LABEL_SHIFT = 0.9, 6.0

#: Farther away, in units of that distance, a line leads from the mark to its label.
FAR = 4.0

#: Width of a letter and height of a line, in units of the size of the letters.
LETTER, LINE = 0.62, 1.15

#: Half the height of the strip that is kept free along a line, in points.
CLEARANCE = 1.0

#: Where a label may stand, seen from its mark, best first.
SIDES = ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (1, -1), (-1, 1), (-1, -1))


def label_points(
    ax: Any,
    x: Vector,
    y: Vector,
    labels: Sequence[Any] | NDArray,
    *,
    sides: Sequence[tuple[int, int]] = SIDES,
    rotation: float = 0.0,
    lines: Sequence[float] = (),
    marks: tuple[Vector, Vector] | None = None,
) -> list[Any]:
    """Write each label beside its point, where there is room: the first labels go first.

    Where there is no room beside a point, its label stands farther away, with a line to the point.

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
    lines : sequence of float, default=()
        Heights of horizontal lines that no label may cross.
    marks : pair of arrays, default=None
        Places of all marks, which labels leave free where they can; None for those of x and y.

    Returns
    -------
    list of matplotlib Annotation
        Without the labels for which there was no room.
    """
    if len(labels) == 0:
        return []
    # Where things are is known once the layout has been made; a subfigure's canvas is its figure's.
    ax.figure.canvas.figure.draw_without_rendering()
    unit = ax.figure.dpi / 72.0
    points = ax.transData.transform(np.column_stack((x, y))) / unit
    drawn = points if marks is None else ax.transData.transform(np.column_stack(marks)) / unit
    frame = ax.get_window_extent()
    inside = np.array([[frame.x0, frame.y0], [frame.x1, frame.y1]]) / unit
    heights = ax.transData.transform([(x[0], line) for line in lines]).reshape(-1, 2)[:, 1] / unit
    strips = [
        np.array([[inside[0, 0], height - CLEARANCE], [inside[1, 0], height + CLEARANCE]])
        for height in heights
    ]
    boxes = [_box(point, 2 * LABEL_SHIFT, 2 * LABEL_SHIFT) for point in points]
    texts: list[Any] = []
    written: list[Vector] = []
    for index, label in enumerate(labels):
        others = boxes[:index] + boxes[index + 1 :] + strips + written
        room = Room(inside, others, drawn)
        found = _free_place(points[index], str(label), sides, rotation, room)
        if found is not None:
            side, distance, box = found
            written.append(box)
            texts.append(_write(ax, (x[index], y[index]), str(label), side, distance, rotation))
    return texts


def label_height(label: str) -> float:
    """Room that an upright label takes beside its mark, in points."""
    return LETTER * _font_size() * len(label) + 2.0 * LABEL_SHIFT


def _font_size() -> float:
    from matplotlib import rcParams

    return LABEL_SIZE * float(rcParams["font.size"])


class Room(NamedTuple):
    """Where a label may stand: within a frame, on no box and, if possible, on no mark."""

    frame: Vector
    boxes: Sequence[Vector]
    marks: Vector

    def allows(self, box: Vector, on_marks: bool) -> bool:
        """Whether a label may stand in a box."""
        if not _within(box, self.frame) or any(_overlap(box, other) for other in self.boxes):
            return False
        covered = np.all((self.marks > box[0]) & (self.marks < box[1]), axis=1)
        return on_marks or not covered.any()


def _free_place(
    point: Vector, label: str, sides: Sequence[tuple[int, int]], rotation: float, room: Room
) -> tuple[tuple[int, int], float, Vector] | None:
    """The first side and distance for which there is room, and the box of the label there."""
    lengths = LETTER * _font_size() * len(label), LINE * _font_size()
    width, height = lengths[::-1] if rotation else lengths
    for on_marks in (False, True):
        for distance in (LABEL_SHIFT, FAR * LABEL_SHIFT):
            for side in sides:
                reach = np.array([width, height]) / 2 + distance
                box = _box(point + np.array(side) * reach, width, height)
                if room.allows(box, on_marks):
                    return side, distance, box
    return None


def _write(
    ax: Any,
    point: tuple[float, float],
    label: str,
    side: tuple[int, int],
    distance: float,
    rotation: float,
) -> Any:
    from matplotlib.patheffects import withStroke

    right, up = side
    leader = None
    if distance > LABEL_SHIFT:
        leader = {"arrowstyle": "-", "color": GREY, "linewidth": 0.6, "shrinkA": 0, "shrinkB": 3}
    return ax.annotate(
        label,
        point,
        xytext=(distance * right, distance * up),
        textcoords="offset points",
        ha=("right", "center", "left")[right + 1],
        va=("top", "center", "bottom")[up + 1],
        rotation=rotation,
        color=GREY,
        fontsize=_font_size(),
        arrowprops=leader,
        path_effects=[withStroke(linewidth=2, foreground="white", alpha=0.8)],
    )


def _box(center: Vector, width: float, height: float) -> Vector:
    """Lower left and upper right corner, in points."""
    half = np.array([width, height]) / 2
    return np.array([center - half, center + half])


def _overlap(one: Vector, other: Vector) -> bool:
    return bool(np.all(one[0] < other[1]) and np.all(other[0] < one[1]))


def _within(one: Vector, frame: Vector) -> bool:
    return bool(np.all(one[0] >= frame[0]) and np.all(one[1] <= frame[1]))
