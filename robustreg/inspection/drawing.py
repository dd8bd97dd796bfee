"""Functions that the displays share: matplotlib axes, colours, markers and names of rows."""

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

# Colours that colour-blind readers can distinguish (Okabe and Ito, 2008). A marker, a line style or
# a position gives the same information in black and white. The light grey of areas is transparent,
# so that it is visible on a dark page too.
BLUE, VERMILION, GREEN, GREY, LIGHT = "#0072B2", "#D55E00", "#009E73", "#4D4D4D", "#8080802E"

#: Colour, marker and fill of the models of a display: least squares first, then the others.
MODELS = (
    (VERMILION, "s", "none"),
    (BLUE, "o", "full"),
    (GREEN, "^", "full"),
    (GREY, "D", "none"),
    ("#CC79A7", "v", "full"),
)

#: Aliases that matplotlib accepts for the same property of an artist.
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

#: Face colours of marks that are drawn as outlines.
HOLLOW = ("none", "white")

#: Horizontal and vertical margins, as shares of the range of the data.
MARGINS = (0.06, 0.1)

#: Marks have full size up to this number of rows, and never less than this share of it.
FULL_SIZE_ROWS, SMALLEST_MARK = 100, 0.15


def axes_to_draw_on(ax: Any, caller: str, figsize: tuple[float, float] | None = None) -> Any:
    """Return the given axes or those of a new figure, or say how to install matplotlib."""
    try:
        import matplotlib.pyplot as plt
        from matplotlib.axes import Axes
    except ImportError as error:
        raise ImportError(
            f"{caller} needs matplotlib, which is not installed: run `pip install robustreg[plot]`."
        ) from error
    if ax is None:
        _, ax = plt.subplots(layout="constrained", figsize=figsize)
    elif not isinstance(ax, Axes):
        raise TypeError(
            f"ax must be a matplotlib Axes or None, got {type(ax).__name__}: pass an Axes, for "
            "example from plt.subplots or figure.add_subplot."
        )
    return ax


def closing_on_error(
    plot: Callable[Concatenate[Self, P], Self],
) -> Callable[Concatenate[Self, P], Self]:
    """Make a ``plot`` method close the figure that it made if it raises an error."""

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
    """Update the display's keyword arguments with the user's, which may use aliases."""
    if given is not None and not isinstance(given, Mapping):
        raise TypeError(
            f"keywords for matplotlib must be a dict, got {type(given).__name__}: pass a dict like "
            '{"color": "C0"}.'
        )
    given = dict(given or {})
    if isinstance(given.get("c"), str):
        given["color"] = given.pop("c")
    replaced = {other for name in given for other in SYNONYMS.get(name, (name,))}
    if "color" in given or "c" in given:
        # Hollow marks stay hollow.
        replaced |= {*EDGES, *(name for name in FACES if defaults.get(name) not in HOLLOW)}
    return {name: value for name, value in defaults.items() if name not in replaced} | given


def model_styles(least_squares: Sequence[bool]) -> list[tuple[str, str, str]]:
    """Return colour, marker and fill of each model. The first 25 differ from each other.

    Least squares always has the first style, whatever its position among the models.

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
    """Return labels of n rows as text. Without labels they are row numbers."""
    names = np.empty(n, dtype=object)
    names[:] = [_row_name(value) for value in row_values(range(n) if labels is None else labels, n)]
    return names


def row_values(labels: Any, n: int) -> NDArray:
    """Return labels of n rows as a one-dimensional array, also if each label is a tuple."""
    values = list(labels)
    if len(values) != n:
        raise ValueError(f"labels has {len(values)} entries for {n} rows: pass one per row.")
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
    """Set labels and limits with margins, and remove the top and right spines."""
    ax.margins(*MARGINS)
    ax.set(**settings)
    ax.spines[["top", "right"]].set_visible(False)


def mark_size(n: int) -> float:
    """Return a factor for the area of n marks; its square root is the factor for lines."""
    return float(np.clip(np.sqrt(FULL_SIZE_ROWS / max(n, 1)), SMALLEST_MARK, 1.0))


def legend_place(n: int) -> str:
    """Return the position of the legend: the best one, or a fixed one if there are many marks."""
    return "best" if n <= 10 * FULL_SIZE_ROWS else "upper right"
