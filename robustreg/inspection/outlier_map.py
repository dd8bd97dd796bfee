"""Draw standardised residuals against robust distances, to show how rows are unusual."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.pipeline import Pipeline

from robustreg.estimators.mm import OUTLYING
from robustreg.inference.mm_diagnostics import REGIONS, regions
from robustreg.inference.robust_distance import robust_distances
from robustreg.inspection.drawing import (
    BLUE,
    GREEN,
    GREY,
    LIGHT,
    VERMILION,
    Style,
    axes_to_draw_on,
    closing_on_error,
    legend_place,
    mark_size,
    merged,
    plain_axes,
    row_names,
)
from robustreg.inspection.predictions import residuals_of
from robustreg.inspection.residual_marks import label_worst

__all__ = ["OutlierMapDisplay"]

#: Colour, marker and face of each region.
STYLES: dict[str, dict[str, Any]] = {
    "regular": {"color": GREY, "marker": "o", "linewidths": 0, "alpha": 0.75},
    "vertical outlier": {"edgecolors": BLUE, "facecolors": "none", "marker": "^"},
    "good leverage point": {"color": GREEN, "marker": "s", "linewidths": 0},
    "bad leverage point": {"edgecolors": VERMILION, "facecolors": "none", "marker": "D"},
}


class OutlierMapDisplay:
    """Standardised residuals against robust distances of the rows of X.

    Two limits, 2.5 scales and the 97.5 % quantile of the distances of normal rows [1]_, divide the
    map into four regions:

    - regular rows,
    - vertical outliers, whose y is far from the fit,
    - good leverage points, which are far from the others in X and agree with the fit,
    - bad leverage points, which are far from the others in X and do not agree with the fit.

    Use it for an MM fit. A Huber fit follows bad leverage points, so its map may show them as good
    leverage points or as regular rows.

    Make one with :meth:`from_estimator`; the parameters are stored.

    Parameters
    ----------
    standardized_residuals : ndarray of shape (n_samples,)
        Residuals divided by the scale of the fit.
    robust_distances : ndarray of shape (n_samples,)
    distance_cutoff : float
        Rows with a larger distance are far from the others.
    labels : array-like of shape (n_samples,), default=None
        Labels of the rows; None for numbers from zero.

    Attributes
    ----------
    regions : ndarray of str of shape (n_samples,)
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    scatters_ : dict
        The marks of each region that has rows.
    texts_ : list of matplotlib Annotation
        Labels.

    References
    ----------
    .. [1] P. J. Rousseeuw, B. C. van Zomeren, "Unmasking multivariate outliers and leverage
       points", J. Amer. Statist. Assoc. 85 (1990).

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from robustreg import MMRegressor
    >>> from robustreg.datasets import load_stars
    >>> from robustreg.inspection import OutlierMapDisplay
    >>> X, y = load_stars(return_X_y=True)
    >>> display = OutlierMapDisplay.from_estimator(MMRegressor(random_state=0).fit(X, y), X, y)
    >>> (display.regions == "bad leverage point").nonzero()[0]
    array([10, 19, 29, 33])
    >>> plt.close(display.figure_)
    """

    def __init__(
        self,
        *,
        standardized_residuals: NDArray[np.float64],
        robust_distances: NDArray[np.float64],
        distance_cutoff: float,
        labels: Any = None,
    ) -> None:
        self.standardized_residuals = standardized_residuals
        self.robust_distances = robust_distances
        self.distance_cutoff = distance_cutoff
        self.labels = labels

    @property
    def regions(self) -> NDArray[np.str_]:
        """Name of the region of each row."""
        return regions(self.standardized_residuals, self.robust_distances, self.distance_cutoff)

    @closing_on_error
    def plot(
        self, ax: Any = None, *, n_labels: int = 10, scatter_kwargs: Style = None
    ) -> OutlierMapDisplay:
        """Draw the map.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on. None makes a new figure.
        n_labels : int, default=10
            The most rows to label, starting with those farthest beyond one of the limits.
        scatter_kwargs : dict, default=None
            Keyword arguments of ``ax.scatter`` for all marks.

        Returns
        -------
        OutlierMapDisplay
            The display itself, with ``ax_`` and ``figure_``.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        ax = axes_to_draw_on(ax, f"{type(self).__name__}.plot")
        x, y, found = self.robust_distances, self.standardized_residuals, self.regions
        size = 32 * mark_size(x.size)
        ax.axhspan(-OUTLYING, OUTLYING, facecolor=LIGHT, edgecolor="none", zorder=0)
        for side in (-OUTLYING, OUTLYING):
            ax.axhline(side, color=GREY, linestyle="--", linewidth=1.0)
        ax.axvline(self.distance_cutoff, color=GREY, linestyle=":", linewidth=1.0)
        self.scatters_ = {}
        for name in REGIONS.values():
            rows = found == name
            if rows.any():
                label = f"{name} ({np.count_nonzero(rows)})"
                defaults: dict[str, Any] = {"label": label, "s": size, "zorder": 3}
                style = merged(defaults | STYLES[name], scatter_kwargs)
                self.scatters_[name] = ax.scatter(x[rows], y[rows], **style)
        plain_axes(ax, xlabel="robust distance", ylabel="standardised residual")
        beyond = np.maximum(np.abs(y) / OUTLYING, x / self.distance_cutoff)
        names = row_names(self.labels, x.size)
        excess, limits = np.where(beyond > 1.0, beyond, 0.0), (-OUTLYING, OUTLYING)
        self.texts_ = label_worst(ax, x, y, excess, names, n_labels, limits)
        ax.legend(fontsize="small", loc=legend_place(x.size))
        self.ax_, self.figure_ = ax, ax.figure
        return self

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: ArrayLike,
        *,
        random_state: Any = 0,
        n_labels: int = 10,
        ax: Any = None,
        scatter_kwargs: Style = None,
    ) -> OutlierMapDisplay:
        """Draw the map of a fitted regressor.

        Parameters
        ----------
        estimator : fitted regressor or Pipeline
            An estimator with ``scale_``: ``MMRegressor`` or ``HuberRegressor``. With a pipeline,
            the distances are those of the columns that its last step receives.
        X : array-like or sparse matrix of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
        random_state : int, RandomState instance or None, default=0
            Seed of scikit-learn's ``MinCovDet``, which draws subsets of the rows.
        n_labels, ax, scatter_kwargs
            As for :meth:`plot`.

        Returns
        -------
        OutlierMapDisplay

        Raises
        ------
        TypeError
            If the estimator has no ``scale_``.
        ValueError
            If the scale is zero, or if robust distances cannot be computed.
        """
        found = residuals_of(estimator, X, y)
        if found.scale is None:
            raise TypeError(
                f"estimator must have scale_, like MMRegressor and HuberRegressor, got "
                f"{type(estimator).__name__}."
            )
        if not found.scale > 0.0:
            raise ValueError(
                "estimator fits half of the data exactly (scale_ is 0.0), so its residuals cannot "
                "be standardised: fit more observations, or fewer columns."
            )
        model = getattr(estimator, "best_estimator_", estimator)
        columns = model[:-1].transform(X) if isinstance(model, Pipeline) and len(model) > 1 else X
        standardized = found.residuals / found.scale
        trusted = np.abs(standardized) <= OUTLYING
        distances = robust_distances(columns, random_state=random_state, trusted=trusted)
        if np.isnan(distances.values).all():
            raise ValueError(f"X has no robust distances. {distances.note}")
        display = cls(
            standardized_residuals=standardized,
            robust_distances=distances.values,
            distance_cutoff=distances.cutoff,
            labels=found.labels,
        )
        return display.plot(ax, n_labels=n_labels, scatter_kwargs=scatter_kwargs)
