"""The grid of the candidates of a search and the splits of its folds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import eigvalsh
from scipy.optimize import brentq
from sklearn.model_selection import check_cv

from robustreg.data import is_collection
from robustreg.design.base import Design, Point
from robustreg.design.rotated import row_space_design
from robustreg.losses import Huber
from robustreg.tuning import delta_grid

__all__ = ["candidate_alphas", "candidate_deltas", "checked_grid", "row_splits"]

#: Effective parameters of the default alphas, as shares of the number without a penalty. They are
#: an upper bound of the variance of the fitted values, so that equal steps between candidates are
#: equal steps of the variance that a penalty can save.
EFFECTIVE_SHARES = (0.9, 0.7, 0.5, 0.3, 0.1)

#: With fewer observations for each parameter, alpha=0 is not a candidate, since training folds
#: would have little more than one observation for each parameter.
OBSERVATIONS_PER_PARAMETER = 2.0


def row_splits(
    cv: Any, X: Any, y: Any, split_params: dict[str, Any], n_rows: int
) -> list[tuple[Any, Any]]:
    """Return pairs of row numbers. For a Dask collection, the splitter sees no X and no y."""
    if not is_collection(X):
        return list(check_cv(cv, y).split(X, y, **split_params))
    splitter = check_cv(cv)
    try:
        return list(splitter.split(np.broadcast_to(0.0, (n_rows, 1)), **split_params))
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"cv={splitter!r} cannot split by the number of rows alone, which is the only "
            f"information about a Dask collection ({error}). Use a splitter that does not need y, "
            "such as KFold, or pass pairs of row numbers: list(cv.split(numpy.zeros(n), labels)) "
            "with labels in memory."
        ) from error


def candidate_deltas(estimator: Any, pilot: Callable[[], tuple[Any, Any] | None]) -> list[float]:
    """Return the estimator's ``deltas``, or the default grid for its scale.

    Parameters
    ----------
    estimator : HuberRegressorCV
    pilot : callable
        Function that returns residuals of the pilot and their weights, or None if the pilot has no
        scale. It is called only if the estimator's scale is given.
    """
    if estimator.deltas is not None:
        return checked_grid(estimator.deltas, "deltas", "(0, inf]")
    if isinstance(estimator.scale, str):
        return delta_grid().tolist()
    found = pilot()
    if found is None:
        return delta_grid().tolist()
    residuals, weights = found
    grid = delta_grid(residuals=residuals, scale=estimator.scale, sample_weight=weights)
    return grid.tolist()


def candidate_alphas(estimator: Any, design: Design) -> list[float]:
    """Return the estimator's ``alphas``, or a grid in equal steps of the effective parameters.

    The effective parameters of ridge regression are sum d/(d + alpha) over the eigenvalues d of the
    Gram matrix of the centred columns (T. Hastie, R. Tibshirani, J. Friedman, The Elements of
    Statistical Learning, 2009, section 3.4.1). The grid therefore suits columns in any units and
    any number of rows. Values are rounded to three digits, so that rounding errors do not show.
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
    """Return the alpha with which a ridge fit has this share of the effective parameters."""
    ratio = 1.0 / share - 1.0  # alpha divided by the eigenvalue, if all eigenvalues are equal

    def excess(log_alpha: float) -> float:
        return float(np.mean(1.0 / (1.0 + np.exp(log_alpha) / eigenvalues))) - share

    ends = np.log(ratio * eigenvalues.min()), np.log(ratio * eigenvalues.max())
    # If all eigenvalues are equal, the ends are equal up to rounding errors.
    return float(np.exp(brentq(excess, ends[0] - 1e-6, ends[1] + 1e-6)))


def _eigenvalues(design: Design, fit_intercept: bool) -> NDArray[np.float64]:
    """Return the positive eigenvalues of the Gram matrix of the centred columns.

    If there are too many columns for a Gram matrix, the squared lengths of the columns are used
    instead. They are the eigenvalues if the columns are uncorrelated.
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
        _, (diagonal, _) = rows.gram_diagonal(origin, None)
        found = diagonal[:p] * scale**2
    level = p * np.finfo(np.float64).eps * found.max(initial=0.0)
    return found[found > level]


def checked_grid(values: ArrayLike, name: str, interval: str) -> list[float]:
    """Validate a grid and return it as a list of floats."""
    try:
        # NumPy would convert text and booleans to numbers.
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
