"""What the displays share: matplotlib where it is installed, colours, shapes and labels."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, time
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

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
    "closing_on_error",
    "label_height",
    "label_points",
    "legend_place",
    "mark_size",
    "merged",
    "model_style",
    "plain_axes",
    "row_names",
    "row_values",
]

P = ParamSpec("P")
Self = TypeVar("Self")

Vector = NDArray[np.float64]
Style = Mapping[str, Any] | None

# Colours that colour-blind readers can tell apart (Okabe and Ito, 2008). A shape, a line style or a
# place says the same, for prints in grey.
BLUE, VERMILION, GREEN, GREY, LIGHT = "#0072B2", "#D55E00", "#009E73", "#4D4D4D", "#E8E8E8"

#: Colour, marker and fill of the models of a display, in order: see ``model_style``.
MODELS = (
    (VERMILION, "s", "none"),
    (BLUE, "o", "full"),
    (GREEN, "^", "full"),
    (GREY, "D", "none"),
    ("#CC79A7", "v", "full"),
)

#: Names by which matplotlib knows the same property of an artist.
FACES, EDGES = ("facecolor", "facecolors", "fc"), ("edgecolor", "edgecolors", "ec")
SYNONYMS = {
    name: names
    for names in (
        ("color", "c"),
        FACES,
        EDGES,
        ("linewidth", "linewidths", "lw"),
        ("linestyle", "linestyles", "ls"),
        ("markersize", "ms"),
        ("markeredgewidth", "mew"),
        ("markeredgecolor", "mec"),
        ("markerfacecolor", "mfc"),
    )
    for name in names
}

#: Faces of marks of which only the edge has a colour.
HOLLOW = ("none", "white")

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


def axes_to_draw_on(ax: Any, caller: str, figsize: tuple[float, float] | None = None) -> Any:
    """The axes given, or those of a new figure; an error that says how to install matplotlib."""
    try:
        import matplotlib.pyplot as plt
        from matplotlib.axes import Axes
    except ImportError as error:
        raise ImportError(
            f"{caller} draws with matplotlib, which is not installed: run "
            "`pip install robustreg[plot]`."
        ) from error
    if ax is None:
        _, ax = plt.subplots(layout="constrained", figsize=figsize)
    elif not isinstance(ax, Axes):
        raise TypeError(
            f"ax must be a matplotlib Axes or None, got {type(ax).__name__}: pass one of those "
            "that plt.subplots or figure.add_subplot returns."
        )
    return ax


def closing_on_error(
    plot: Callable[Concatenate[Self, P], Self],
) -> Callable[Concatenate[Self, P], Self]:
    """A ``plot`` that leaves no figure of its own behind where it fails."""

    @wraps(plot)
    def drawn(self: Self, /, *args: P.args, **kwargs: P.kwargs) -> Self:
        before = _open_figures()
        try:
            return plot(self, *args, **kwargs)
        except Exception:
            for number in _open_figures() - before:
                sys.modules["matplotlib.pyplot"].close(number)
            raise

    return drawn


def _open_figures() -> set[int]:
    pyplot = sys.modules.get("matplotlib.pyplot")
    return set() if pyplot is None else set(pyplot.get_fignums())


def merged(defaults: Mapping[str, Any], given: Style) -> dict[str, Any]:
    """Keywords for matplotlib: the display's own, and the user's over them, by whatever name."""
    if given is not None and not isinstance(given, Mapping):
        raise TypeError(f"keywords for matplotlib must be a dict, got {type(given).__name__}.")
    given = dict(given or {})
    if isinstance(given.get("c"), str):
        given["color"] = given.pop("c")
    replaced = {other for name in given for other in SYNONYMS.get(name, (name,))}
    if "color" in given or "c" in given:
        # Hollow marks stay hollow.
        replaced |= {*EDGES, *(name for name in FACES if defaults.get(name) not in HOLLOW)}
    return {name: value for name, value in defaults.items() if name not in replaced} | given


def model_style(number: int) -> tuple[str, str, str]:
    """Colour, marker and fill of a model: no two of the first 25 are alike."""
    turn, index = divmod(number, len(MODELS))
    color, _, fill = MODELS[index]
    _, marker, _ = MODELS[(index + turn) % len(MODELS)]
    return color, marker, fill


def row_names(labels: Any, n: int) -> NDArray[np.object_]:
    """Labels of n rows as text: row numbers where there are none, days without a time of day."""
    names = np.empty(n, dtype=object)
    names[:] = [_row_name(value) for value in row_values(range(n) if labels is None else labels, n)]
    return names


def row_values(labels: Any, n: int) -> NDArray:
    """Labels of n rows, an array of one dimension; that of pairs has pairs as its entries."""
    values = list(labels)
    if len(values) != n:
        raise ValueError(f"labels has {len(values)} entries for {n} rows: pass one a row.")
    array = np.empty(n, dtype=object)
    array[:] = values
    plain = np.asarray(labels)
    return plain if plain.ndim == 1 and plain.dtype.kind in "iufM" else array


def _row_name(value: Any) -> str:
    if isinstance(value, tuple):
        return ", ".join(_row_name(part) for part in value)
    if isinstance(value, np.datetime64):
        day = value.astype("datetime64[D]")
        return str(day if day == value else value.astype("datetime64[s]")).replace("T", " ")
    if isinstance(value, datetime):  # pandas' Timestamp is one
        return str(value.date() if value.time() == time.min else value)
    return str(value)


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


def label_height(label: str) -> float:
    """Room that an upright label takes beside its mark, in points."""
    return LETTER * LABEL_SIZE * len(label) + 2.0 * LABEL_SHIFT


def _box(center: Vector, width: float, height: float) -> Vector:
    """Lower left and upper right corner, in points."""
    half = np.array([width, height]) / 2
    return np.array([center - half, center + half])


def _overlap(one: Vector, other: Vector) -> bool:
    return bool(np.all(one[0] < other[1]) and np.all(other[0] < one[1]))


def _within(one: Vector, frame: Vector) -> bool:
    return bool(np.all(one[0] >= frame[0]) and np.all(one[1] <= frame[1]))
