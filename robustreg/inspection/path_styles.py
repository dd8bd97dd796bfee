"""Styles of coefficient paths. A legend names the most important ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from robustreg.inspection.drawing import GREY, MODELS

__all__ = ["name_paths", "path_styles"]

#: Number of coefficients that have their own colour and a name in the legend.
MOST_NAMED = 10

LINE_STYLES = ("-", "--", ":", "-.")


def path_styles(
    importance: NDArray[np.float64], names: Sequence[str] | None
) -> list[dict[str, Any]]:
    """Return a style for each coefficient, with a label if it is named.

    Parameters
    ----------
    importance : ndarray of shape (n_features,)
        The coefficients with the largest values are named. Those with negative values never are.
    names : sequence of str or None
        None means x0, x1 and so on.
    """
    if names is None:
        names = [f"x{j}" for j in range(importance.size)]
    if len(names) != importance.size:
        raise ValueError(
            f"feature_names has {len(names)} entries for {importance.size} coefficients: pass one "
            "name for each, or None."
        )
    largest = np.argsort(-importance, kind="stable")[:MOST_NAMED]
    places = {j: place for place, j in enumerate(sorted(largest[importance[largest] >= 0.0]))}
    styles: list[dict[str, Any]] = []
    for j, name in enumerate(names):
        style: dict[str, Any] = {"color": GREY, "alpha": 0.4, "linewidth": 0.8}
        if j in places:
            turn, color = divmod(places[j], len(MODELS))
            style = {"color": MODELS[color][0], "linestyle": LINE_STYLES[turn], "linewidth": 1.6,
                     "label": name}  # fmt: skip
        styles.append(style)
    return styles


def name_paths(ax: Any, importance: NDArray[np.float64], rest: str) -> None:
    """Draw a legend beside the paths. ``rest`` is its title if some paths have no name."""
    if not np.any(importance >= 0.0):
        return
    title = rest if np.count_nonzero(importance >= 0.0) > MOST_NAMED else None
    ax.legend(
        frameon=False,
        fontsize="small",
        loc="center left",
        bbox_to_anchor=(1.0, 0.5),
        title=title,
    )
