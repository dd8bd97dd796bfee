"""Which rows an MM regression has rejected, and of which kind they are."""

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

#: Of the map of residuals against distances (Rousseeuw and van Zomeren 1990), by whether a row is
#: an outlier and whether it is far.
REGIONS = {
    (False, False): "regular",
    (True, False): "vertical outlier",
    (False, True): "good leverage point",
    (True, True): "bad leverage point",
}


def regions(standardized: Vector, distances: Vector, cutoff: float) -> NDArray[np.str_]:
    """The region of each row. A row without a distance is not far."""
    far = np.nan_to_num(distances, nan=0.0) > cutoff
    outlying = np.abs(standardized) > OUTLYING
    pairs = zip(outlying.tolist(), far.tolist(), strict=True)
    return np.array([REGIONS[pair] for pair in pairs], dtype=np.str_)


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class MMDiagnostics(RowTable):
    """Residuals, weights and robust distances of every row. Made by :func:`diagnose`.

    Attributes
    ----------
    labels : array of shape (n_samples,)
        The index of X or y where they have one, else row numbers from zero.
    fitted_values, residuals : ndarray of shape (n_samples,)
        In units of y.
    standardized_residuals : ndarray of shape (n_samples,)
        Residuals divided by the scale.
    weights : ndarray of shape (n_samples,)
        Of the fit: zero for rows that do not count.
    robust_distances : ndarray of shape (n_samples,)
        From the centre of most rows, by their own covariance; NaN where there is none.
    distance_cutoff : float
        Distance beyond which a row is far.
    regions : ndarray of str of shape (n_samples,)
        "regular", "vertical outlier", "good leverage point" or "bad leverage point".
    notes : tuple of str
        What a reader must know.
    index : pandas Index, or None
        That of X or y, with its name and levels: of the frames.

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
        """Beyond which a standardised residual and a distance deserve a look."""
        return {"residual": OUTLYING, "distance": self.distance_cutoff}

    @property
    def severity(self) -> Vector:
        """Size of the residual in units of its cut-off, of shape (n_samples,)."""
        return np.abs(self.standardized_residuals) / OUTLYING

    def _further_columns(self) -> dict[str, NDArray]:
        return {"robust_distance": self.robust_distances, "region": self.regions}

    def __repr__(self) -> str:
        counts = [f"{np.count_nonzero(self.regions == name)} {name}" for name in REGIONS.values()]
        return f"MMDiagnostics({self.residuals.size} rows: {', '.join(counts)})"


def diagnose_mm(model: Any, X: Any, y: ArrayLike, sample_weight: ArrayLike | None) -> MMDiagnostics:
    """As :func:`diagnose`, of an ``MMRegressor``."""
    fitted = fitted_mm(model, X, y, sample_weight)
    design = fitted.design
    if not design.in_memory:
        raise ValueError(
            f"diagnose makes a table of every row, here {design.n_rows}, and a Dask collection of "
            "that size is not loaded: pass a sample with compute()."
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
