"""Draw quantiles of residuals against those of the normal distribution."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from robustreg.data import check_weights
from robustreg.inference.options import check_level
from robustreg.inspection.drawing import (
    GREY,
    LIGHT,
    VERMILION,
    Style,
    axes_to_draw_on,
    closing_on_error,
    mark_size,
    merged,
    plain_axes,
    row_names,
    row_values,
)
from robustreg.inspection.labels import label_points
from robustreg.inspection.predictions import (
    ObservedResiduals,
    observed_residuals,
    positive,
    residuals_of,
)
from robustreg.scales import median_absolute_residual

__all__ = ["QuantilesDisplay"]

Vector = NDArray[np.float64]


class QuantilesDisplay:
    """Standardised residuals in ascending order against the quantiles of the normal distribution.

    If errors are normal, the points lie near the line of slope one. The grey band contains each of
    n normal values with the given probability [1]_. With heavy tails, points leave the band at both
    ends; with skewed errors, at one end; outliers leave it one by one. Points outside the band are
    hollow diamonds, of which the farthest are labelled.

    Make one with :meth:`from_estimator` or :meth:`from_predictions`; the parameters are stored.

    Parameters
    ----------
    normal_quantiles : ndarray of shape (m,)
        Normal quantiles at the probabilities (i - 1/2) / n, in ascending order.
    residual_quantiles : ndarray of shape (m,)
        Residuals in units of the scale, in ascending order.
    band_low, band_high : ndarray of shape (m,)
        Limits of the band, in units of the scale.
    labels : array-like of shape (m,), default=None
        Labels of the rows in this order; None for numbers from zero.

    Attributes
    ----------
    outside : ndarray of bool of shape (m,)
        Points outside the band.
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    scatter_, outside_ : matplotlib Artist
        Marks of the points in the band, and outside.
    line_, band_ : matplotlib Artist
    texts_ : list of matplotlib Annotation

    References
    ----------
    .. [1] M. B. Wilk, R. Gnanadesikan, Biometrika 55 (1968). The band is that of order statistics,
       whose probabilities have the Beta(i, n + 1 - i) distribution.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from robustreg import HuberRegressor
    >>> from robustreg.datasets import load_stackloss
    >>> from robustreg.inspection import QuantilesDisplay
    >>> X, y = load_stackloss(return_X_y=True)
    >>> display = QuantilesDisplay.from_estimator(HuberRegressor().fit(X, y), X, y)
    >>> [int(row) for row in display.labels[display.outside]]
    [20]
    >>> plt.close(display.figure_)
    """

    def __init__(
        self,
        *,
        normal_quantiles: Vector,
        residual_quantiles: Vector,
        band_low: Vector,
        band_high: Vector,
        labels: Any = None,
    ) -> None:
        self.normal_quantiles = normal_quantiles
        self.residual_quantiles = residual_quantiles
        self.band_low = band_low
        self.band_high = band_high
        self.labels = labels

    @property
    def outside(self) -> NDArray[np.bool_]:
        """Points outside the band."""
        values = self.residual_quantiles
        return (values < self.band_low) | (values > self.band_high)

    @closing_on_error
    def plot(
        self,
        ax: Any = None,
        *,
        n_labels: int = 10,
        scatter_kwargs: Style = None,
        outside_kwargs: Style = None,
        band_kwargs: Style = None,
    ) -> QuantilesDisplay:
        """Draw the quantiles.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on. None makes a new figure.
        n_labels : int, default=10
            The most points outside the band to label, starting with the farthest. Labels without
            space are left out.
        scatter_kwargs, outside_kwargs : dict, default=None
            Keyword arguments of ``ax.scatter`` for points in the band, and outside it.
        band_kwargs : dict, default=None
            Keyword arguments of ``ax.fill_between`` for the band.

        Returns
        -------
        QuantilesDisplay
            The display itself, with ``ax_`` and ``figure_``.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        ax = axes_to_draw_on(ax, f"{type(self).__name__}.plot")
        x, y, outside = self.normal_quantiles, self.residual_quantiles, self.outside
        band = {"facecolor": LIGHT, "edgecolor": "none", "zorder": 0}
        size = mark_size(x.size)
        inner = {"color": GREY, "marker": "o", "s": 24 * size, "alpha": 0.75, "linewidths": 0}
        outer = {"edgecolors": VERMILION, "facecolors": "none", "marker": "D", "s": 36 * size,
                 "linewidths": 1.6 * np.sqrt(size),
                 "label": f"outside the band ({np.count_nonzero(outside)})"}  # fmt: skip
        self.band_ = ax.fill_between(x, self.band_low, self.band_high, **merged(band, band_kwargs))
        (self.line_,) = ax.plot(x[[0, -1]], x[[0, -1]], color=GREY, linewidth=1.0, label="normal")
        self.scatter_ = ax.scatter(x[~outside], y[~outside], **merged(inner, scatter_kwargs))
        self.outside_ = ax.scatter(x[outside], y[outside], **merged(outer, outside_kwargs))
        plain_axes(ax, xlabel="normal quantile", ylabel="standardised residual")
        distance = np.abs(y - x) * outside
        farthest = np.argsort(-distance, kind="stable")[:n_labels]
        farthest = farthest[distance[farthest] > 0.0]
        names = row_names(self.labels, x.size)
        self.texts_ = label_points(ax, x[farthest], y[farthest], names[farthest], marks=(x, y))
        ax.legend(frameon=False, fontsize="small", loc="upper left")
        self.ax_, self.figure_ = ax, ax.figure
        return self

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        level: float = 0.95,
        n_labels: int = 10,
        ax: Any = None,
        scatter_kwargs: Style = None,
        outside_kwargs: Style = None,
        band_kwargs: Style = None,
    ) -> QuantilesDisplay:
        """Draw the quantiles of the residuals of a fitted regressor.

        Parameters
        ----------
        estimator : fitted regressor, Pipeline or search
            Residuals are divided by its ``scale_``, or by their own MAD if it has none.
        X : array-like or sparse matrix of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
        sample_weight : array-like of shape (n_samples,), default=None
            How often each row was observed.
        level : float in (0, 1), default=0.95
            Probability of the band.
        n_labels, ax, scatter_kwargs, outside_kwargs, band_kwargs
            As for :meth:`plot`.

        Returns
        -------
        QuantilesDisplay
        """
        found = residuals_of(estimator, X, y)
        display = cls._of(found, found.scale, sample_weight, level)
        return display.plot(
            ax,
            n_labels=n_labels,
            scatter_kwargs=scatter_kwargs,
            outside_kwargs=outside_kwargs,
            band_kwargs=band_kwargs,
        )

    @classmethod
    def from_predictions(
        cls,
        y_true: ArrayLike,
        y_pred: ArrayLike,
        *,
        scale: float | None = None,
        sample_weight: ArrayLike | None = None,
        level: float = 0.95,
        labels: Any = None,
        n_labels: int = 10,
        ax: Any = None,
        scatter_kwargs: Style = None,
        outside_kwargs: Style = None,
        band_kwargs: Style = None,
    ) -> QuantilesDisplay:
        """Draw the quantiles of the residuals of given predictions.

        Parameters
        ----------
        y_true, y_pred : array-like of shape (n_samples,)
        scale : float, default=None
            Number by which residuals are divided, in units of y. None means their MAD.
        sample_weight : array-like of shape (n_samples,), default=None
            How often each row was observed.
        level : float in (0, 1), default=0.95
            Probability of the band.
        labels : array-like of shape (n_samples,), default=None
            Labels of the rows. None means the index of ``y_true``, or row numbers from zero.
        n_labels, ax, scatter_kwargs, outside_kwargs, band_kwargs
            As for :meth:`plot`.

        Returns
        -------
        QuantilesDisplay
        """
        found = observed_residuals(y_true, y_pred)
        if labels is not None:
            found = found._replace(labels=row_values(labels, found.residuals.size))
        display = cls._of(found, positive("scale", scale), sample_weight, level)
        return display.plot(
            ax,
            n_labels=n_labels,
            scatter_kwargs=scatter_kwargs,
            outside_kwargs=outside_kwargs,
            band_kwargs=band_kwargs,
        )

    @classmethod
    def _of(
        cls,
        found: ObservedResiduals,
        scale: float | None,
        sample_weight: ArrayLike | None,
        level: float,
    ) -> QuantilesDisplay:
        level = check_level(level)
        weights = check_weights(sample_weight, found.residuals.size)
        scale = median_absolute_residual(found.residuals, weights) if scale is None else scale
        if not scale > 0.0:
            raise ValueError(
                "scale is 0.0, because half of the residuals are zero: pass a number as scale."
            )
        order = np.argsort(found.residuals, kind="stable")
        order = order[weights[order] > 0.0]
        cumulative, frequencies = np.cumsum(weights[order]), weights[order]
        n, middle = cumulative[-1], cumulative - 0.5 * frequencies
        # The rank of a row is the mean rank of its repetitions.
        rank = middle + 0.5
        low, high = (
            stats.norm.ppf(stats.beta.ppf(p, rank, n + 1.0 - rank))
            for p in (0.5 * (1.0 - level), 0.5 * (1.0 + level))
        )
        return cls(
            normal_quantiles=stats.norm.ppf(middle / n),
            residual_quantiles=found.residuals[order] / scale,
            band_low=low,
            band_high=high,
            labels=np.asarray(found.labels)[order],
        )
