"""What a search is given: the grid of its candidates and the splits of its folds."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import eigvalsh
from scipy.optimize import brentq
from sklearn.model_selection import check_cv

from robustreg.data import is_collection
from robustreg.design.base import Design, Point
from robustreg.design.rotated import row_space_design
from robustreg.estimators.fitting import Solution
from robustreg.losses import Huber
from robustreg.tuning import delta_grid

__all__ = ["candidate_alphas", "candidate_deltas", "checked_grid", "row_splits"]

#: Effective parameters of the default alphas, as shares of those without a penalty. They bound the
#: variance of the fitted values, so that the steps between candidates are equal steps of what a
#: penalty can save.
EFFECTIVE_SHARES = (0.9, 0.7, 0.5, 0.3, 0.1)

#: Observations for each parameter below which no penalty is no candidate: training folds would have
#: little more than one.
OBSERVATIONS_PER_PARAMETER = 2.0


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


def candidate_alphas(estimator: Any, design: Design) -> list[float]:
    """The estimator's ``alphas``, or a grid in equal steps of the effective parameters.

    They are those of the linear smoother of ridge regression, sum d/(d + alpha) over the
    eigenvalues d of the Gram matrix of the centred columns (T. Hastie, R. Tibshirani, J. Friedman,
    The Elements of Statistical Learning, 2009, section 3.4.1): a grid for any units of the columns,
    and for any number of rows. Three digits are kept, which rounding errors do not reach.
    """
    if estimator.alphas is not None:
        return checked_grid(estimator.alphas, "alphas", "[0, inf)")
    eigenvalues = _eigenvalues(design, bool(estimator.fit_intercept))
    rank = eigenvalues.size
    grid = [_alpha_at(share, eigenvalues) for share in EFFECTIVE_SHARES] if rank else []
    if design.n_observations > OBSERVATIONS_PER_PARAMETER * (rank + 1) or not grid:
        grid = [0.0, *grid]
    return [float(f"{alpha:.3g}") for alpha in grid]


def _alpha_at(share: float, eigenvalues: NDArray[np.float64]) -> float:
    """Where a ridge fit has this share of the effective parameters."""
    ratio = 1.0 / share - 1.0  # of alpha and eigenvalue, if all were equal

    def excess(log_alpha: float) -> float:
        return float(np.mean(1.0 / (1.0 + np.exp(log_alpha) / eigenvalues))) - share

    ends = np.log(ratio * eigenvalues.min()), np.log(ratio * eigenvalues.max())
    # Where all eigenvalues are equal, so are the ends, but for rounding errors.
    return float(np.exp(brentq(excess, ends[0] - 1e-6, ends[1] + 1e-6)))


def _eigenvalues(design: Design, fit_intercept: bool) -> NDArray[np.float64]:
    """The positive eigenvalues of the Gram matrix of the centred columns.

    Squared lengths of the columns take their place where there are more columns than a Gram matrix
    is formed for: those of columns that are not correlated.
    """
    rows = row_space_design(design) or design
    p, scale = rows.n_features, rows.units.column_scale
    origin = Point(np.zeros(p), 0.0, 1.0, Huber(1.0))
    if rows.gram_kind(alpha=1.0) == "matrix":
        gram = rows.gram(origin, None)[1]
        columns = gram[:p, :p]
        if fit_intercept:
            columns = columns - np.outer(gram[:p, p], gram[:p, p]) / gram[p, p]
        found = eigvalsh(columns * scale * scale[:, None], lower=False)
    else:
        found = rows.gram_diagonal(origin, None)[1][:p] * scale**2
    level = p * np.finfo(np.float64).eps * found.max(initial=0.0)
    return found[found > level]


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
