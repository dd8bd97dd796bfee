"""Place labels beside points without overlap."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from robustreg.inspection.drawing import GREY

__all__ = ["label_height", "label_points"]

Vector = NDArray[np.float64]

#: Size of labels relative to matplotlib's font size, and their distance from the mark in points.
LABEL_SIZE, LABEL_SHIFT = 0.9, 6.0

#: Larger distances that are tried next, in units of that distance. A line then connects mark and
#: label.
FAR = 4.0

#: Width of a letter and height of a line, in units of the size of the letters.
LETTER, LINE = 0.62, 1.15

#: Half the height in points of the strip along a line that labels must not overlap.
CLEARANCE = 1.0

#: Directions from a mark in which its label may be placed, the preferred ones first.
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
    """Write each label beside its point if there is space. The first labels have priority.

    If there is no space beside a point, its label is placed farther away, with a line to the point.

    Parameters
    ----------
    ax : matplotlib Axes
        Axes with final limits.
    x, y : arrays of shape (m,)
    labels : sequence of length m
    sides : sequence of pairs, default=SIDES
        Directions in which a label may be placed.
    rotation : {0, 90}, default=0
        Rotation of the labels in degrees.
    lines : sequence of float, default=()
        Heights of horizontal lines that no label may cross.
    marks : pair of arrays, default=None
        Positions of all marks. Labels avoid them if possible. None means x and y.

    Returns
    -------
    list of matplotlib Annotation
        The labels that were drawn. Labels without space are left out.
    """
    if len(labels) == 0:
        return []
    # Positions are known only after the layout. The canvas of a subfigure is that of its figure.
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
    """Return the height of a vertical label with its distance from the mark, in points."""
    return LETTER * _font_size() * len(label) + 2.0 * LABEL_SHIFT


def _font_size() -> float:
    from matplotlib import rcParams

    return LABEL_SIZE * float(rcParams["font.size"])


class Room(NamedTuple):
    """The free space for labels: within a frame, off other boxes and, if possible, off marks."""

    frame: Vector
    boxes: Sequence[Vector]
    marks: Vector

    def allows(self, box: Vector, on_marks: bool) -> bool:
        """Return whether a label may be placed in a box."""
        if not _within(box, self.frame) or any(_overlap(box, other) for other in self.boxes):
            return False
        covered = np.all((self.marks > box[0]) & (self.marks < box[1]), axis=1)
        return on_marks or not covered.any()


def _free_place(
    point: Vector, label: str, sides: Sequence[tuple[int, int]], rotation: float, room: Room
) -> tuple[tuple[int, int], float, Vector] | None:
    """Return the first direction and distance with free space, and the box of the label there."""
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
    """Return the lower left and upper right corner, in points."""
    half = np.array([width, height]) / 2
    return np.array([center - half, center + half])


def _overlap(one: Vector, other: Vector) -> bool:
    return bool(np.all(one[0] < other[1]) and np.all(other[0] < one[1]))


def _within(one: Vector, frame: Vector) -> bool:
    return bool(np.all(one[0] >= frame[0]) and np.all(one[1] <= frame[1]))
