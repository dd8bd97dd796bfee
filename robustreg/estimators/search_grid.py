"""What a search is given: the grid of its candidates and the splits of its folds."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.model_selection import check_cv

from robustreg.data import is_collection
from robustreg.design.base import Design
from robustreg.estimators.fitting import Solution
from robustreg.tuning import delta_grid

__all__ = ["candidate_deltas", "checked_grid", "row_splits"]


def row_splits(
    cv: Any, X: Any, y: Any, split_params: dict[str, Any], n_rows: int
) -> list[tuple[Any, Any]]:
    """Pairs of row numbers; of a Dask collection a splitter sees only how many rows there are."""
    if not is_collection(X):
        return list(check_cv(cv, y).split(X, y, **split_params))
    splitter = check_cv(cv)
    try:
        return list(splitter.split(np.broadcast_to(0.0, (n_rows, 1)), **split_params))
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"cv={splitter!r} cannot split by the number of rows alone, which is all that it is "
            f"told of a Dask collection ({error}). Take a splitter that does not look at y, such "
            "as KFold, or pass pairs of row numbers: list(cv.split(numpy.zeros(n), labels)) with "
            "labels in memory."
        ) from error


def candidate_deltas(estimator: Any, design: Design, pilot: Solution) -> list[float]:
    """The estimator's ``deltas``, or the default grid for its scale."""
    if estimator.deltas is not None:
        return checked_grid(estimator.deltas, "deltas", "(0, inf]")
    if isinstance(estimator.scale, str) or not pilot.scale > 0.0:
        return delta_grid().tolist()
    residuals = design.residuals(pilot.point) * design.units.response_scale
    grid = delta_grid(residuals=residuals, scale=estimator.scale, sample_weight=design.weights)
    return grid.tolist()


def checked_grid(values: ArrayLike, name: str, interval: str) -> list[float]:
    """A grid as a list of floats, if it is one."""
    try:
        # Of text and booleans NumPy would make numbers.
        if any(isinstance(value, (str, bytes, bool, np.bool_)) for value in np.ravel(values)):
            raise ValueError("not numbers")
        grid = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must be numbers in {interval}, got {values!r}.") from error
    if grid.ndim != 1 or grid.size == 0:
        raise ValueError(
            f"{name} must be a list of at least one number in {interval}, got {values!r}."
        )
    valid = grid > 0.0 if name == "deltas" else (grid >= 0.0) & np.isfinite(grid)
    if not valid.all():
        raise ValueError(
            f"{name} must be numbers in {interval}, got {grid[~valid][0]!s}: leave it out."
        )
    if not np.all(np.diff(grid) > 0.0):
        raise ValueError(
            f"{name} must be increasing without repetition, got {grid.tolist()}: pass "
            f"sorted(set({name}))."
        )
    return grid.tolist()
