"""The result of ``diagnose`` for an MM regression: which rows are unusual, and how."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from robustreg.estimators.mm import OUTLYING
from robustreg.inference.frames import row_index, row_labels
from robustreg.inference.mm_fitted import fitted_mm
from robustreg.inference.robust_distance import robust_distances
from robustreg.inference.row_table import RowTable

__all__ = ["REGIONS", "MMDiagnostics", "diagnose_mm", "regions"]

Vector = NDArray[np.float64]

#: Names of the four kinds of rows (Rousseeuw and van Zomeren 1990). The keys say whether a row is
#: an outlier in y, and whether it is far from the others in X.
REGIONS = {
    (False, False): "regular",
    (True, False): "vertical outlier",
    (False, True): "good leverage point",
    (True, True): "bad leverage point",
}


def regions(standardized: Vector, distances: Vector, cutoff: float) -> NDArray[np.str_]:
    """Return the kind of each row. A row without a distance counts as not far."""
    far = np.nan_to_num(distances, nan=0.0) > cutoff
    outlying = np.abs(standardized) > OUTLYING
    pairs = zip(outlying.tolist(), far.tolist(), strict=True)
    return np.array([REGIONS[pair] for pair in pairs], dtype=np.str_)


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class MMDiagnostics(RowTable):
    """Residuals, weights and robust distances of every row. Returned by :func:`diagnose`.

    Attributes
    ----------
    labels : array of shape (n_samples,)
        Index of X or y if one of them has an index, otherwise row numbers from zero.
    fitted_values, residuals : ndarray of shape (n_samples,)
        In units of y.
    standardized_residuals : ndarray of shape (n_samples,)
        Residuals divided by the scale.
    weights : ndarray of shape (n_samples,)
        Weights of the fit, between 0 and 1. Rows with weight zero have no influence.
    robust_distances : ndarray of shape (n_samples,)
        Mahalanobis distances in X, from a robust centre and with a robust covariance; NaN if that
        covariance cannot be estimated.
    distance_cutoff : float
        Distance beyond which a row counts as far from the others in X.
    regions : ndarray of str of shape (n_samples,)
        "regular", "vertical outlier", "good leverage point" or "bad leverage point".
    notes : tuple of str
        Warnings that matter for the interpretation.
    index : pandas Index, or None
        Index of X or y with its names and levels. The DataFrames of this object have it.

    Examples
    --------
    >>> from robustreg import MMRegressor
    >>> from robustreg.datasets import load_stars
    >>> from robustreg.inference import diagnose
    >>> X, y = load_stars(return_X_y=True)
    >>> found = diagnose(MMRegressor(random_state=0).fit(X, y), X, y)
    >>> found.labels[found.regions == "bad leverage point"]
    array([10, 19, 29, 33])
    """

    robust_distances: Vector
    distance_cutoff: float
    regions: NDArray[np.str_]

    @property
    def cutoffs(self) -> dict[str, float]:
        """Limits beyond which a standardised residual or a distance deserves a look."""
        return {"residual": OUTLYING, "distance": self.distance_cutoff}

    @property
    def severity(self) -> Vector:
        """Size of the residual as a multiple of its cutoff, of shape (n_samples,)."""
        return np.abs(self.standardized_residuals) / OUTLYING

    def _further_columns(self) -> dict[str, NDArray]:
        return {"robust_distance": self.robust_distances, "region": self.regions}

    def __repr__(self) -> str:
        counts = (_counted(int(np.sum(self.regions == name)), name) for name in REGIONS.values())
        return f"MMDiagnostics({self.residuals.size} rows: {', '.join(counts)})"


def _counted(count: int, name: str) -> str:
    plural = "" if count == 1 or name == REGIONS[False, False] else "s"
    return f"{count} {name}{plural}"


def diagnose_mm(model: Any, X: Any, y: ArrayLike, sample_weight: ArrayLike | None) -> MMDiagnostics:
    """Do what :func:`diagnose` does, for an ``MMRegressor``."""
    fitted = fitted_mm(model, X, y, sample_weight)
    design = fitted.design
    if not design.in_memory:
        raise ValueError(
            f"diagnose returns a table with one line per row, here {design.n_rows}, and does not "
            "load a Dask collection into memory: load the data with compute()."
        )
    u = fitted.standardized
    rows = design.rows_of_X(np.arange(design.n_rows))
    found = robust_distances(rows, fitted.frequencies, trusted=np.abs(u) <= OUTLYING)
    residuals = u * fitted.scale
    return MMDiagnostics(
        labels=row_labels(X, y, design.n_rows),
        fitted_values=fitted.response * design.units.response_scale - residuals,
        residuals=residuals,
        standardized_residuals=u.copy(),
        weights=fitted.loss.weight(u),
        robust_distances=found.values,
        distance_cutoff=found.cutoff,
        regions=regions(u, found.values, found.cutoff),
        notes=(found.note,) if found.note else (),
        index=row_index(X, y),
    )
