"""Styles of the paths of coefficients, of which those that change most are named."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from robustreg.inspection.drawing import GREY, MODELS

__all__ = ["MOST_NAMED", "path_styles"]

#: Coefficients that are told apart by colour and named; of more, those that change most.
MOST_NAMED = 10

LINE_STYLES = ("-", "--", ":", "-.")


def path_styles(coefs: NDArray[np.float64], names: Sequence[str] | None) -> list[dict[str, Any]]:
    """A style for each column, with a label where it is named.

    Parameters
    ----------
    coefs : ndarray of shape (n_points, n_features)
    names : sequence of str or None
        None for x0, x1 and so on.
    """
    if names is None:
        names = [f"x{j}" for j in range(coefs.shape[1])]
    changes = np.ptp(coefs, axis=0)
    named = set(np.argsort(-changes, kind="stable")[:MOST_NAMED].tolist())
    styles: list[dict[str, Any]] = []
    shown = 0
    for j, name in zip(range(coefs.shape[1]), names, strict=True):
        style: dict[str, Any] = {"color": GREY, "alpha": 0.4, "linewidth": 0.8}
        if j in named:
            color = MODELS[shown % len(MODELS)][0]
            line = LINE_STYLES[shown // len(MODELS)]
            style = {"color": color, "linestyle": line, "linewidth": 1.6, "label": name}
            shown += 1
        styles.append(style)
    return styles
