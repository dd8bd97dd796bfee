"""What the displays share: matplotlib where it is installed, colours, shapes and names of rows."""

from __future__ import annotations

import itertools
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
    "legend_place",
    "mark_size",
    "merged",
    "model_styles",
    "plain_axes",
    "row_names",
    "row_values",
]

P = ParamSpec("P")
Self = TypeVar("Self")

Vector = NDArray[np.float64]
Style = Mapping[str, Any] | None

# Colours that colour-blind readers can tell apart (Okabe and Ito, 2008). A shape, a line style or a
# place says the same, for prints in grey. The light grey of areas is transparent, so that it shows
# on a dark page too.
BLUE, VERMILION, GREEN, GREY, LIGHT = "#0072B2", "#D55E00", "#009E73", "#4D4D4D", "#8080802E"

#: Colour, marker and fill of the models of a display: least squares first, then the others.
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

#: Parts of the data's range left free beyond it, across and up.
MARGINS = (0.06, 0.1)

#: Marks have their full size up to so many rows, and at least this part of it.
FULL_SIZE_ROWS, SMALLEST_MARK = 100, 0.15


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


def model_styles(least_squares: Sequence[bool]) -> list[tuple[str, str, str]]:
    """Colour, marker and fill of each model: no two of the first 25 are alike.

    The first style belongs to least squares, whatever its place among the models.

    Parameters
    ----------
    least_squares : sequence of bool
        Whether each model is a least squares fit.
    """
    first = list(least_squares).index(True) if any(least_squares) else None
    others = itertools.count(1)
    numbers = [0 if place == first else next(others) for place in range(len(least_squares))]
    return [_model_style(number) for number in numbers]


def _model_style(number: int) -> tuple[str, str, str]:
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
