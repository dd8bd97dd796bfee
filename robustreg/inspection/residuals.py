"""Draw residuals against fitted values or leverages."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from robustreg.inspection.drawing import (
    BLUE,
    GREY,
    VERMILION,
    Style,
    axes_to_draw_on,
    closing_on_error,
    legend_place,
    mark_size,
    plain_axes,
    row_names,
    row_values,
)
from robustreg.inspection.predictions import (
    leverages_of,
    observed_residuals,
    positive,
    residuals_of,
)
from robustreg.inspection.residual_marks import draw_band, draw_rows, label_worst

__all__ = ["ResidualsDisplay"]

Kind = Literal["residual_vs_fitted", "residual_vs_leverage"]

KINDS = ("residual_vs_fitted", "residual_vs_leverage")


class ResidualsDisplay:
    """Residuals against fitted values, with the band of the threshold and the rows beyond it.

    Rows within the threshold are grey circles. Rows beyond it are hollow diamonds, and the farthest
    are labelled. If the horizontal axis shows leverages, rows with a high leverage are blue
    squares. A Huber fit bounds the influence of large residuals, but not that of leverage. Such
    rows can have small residuals because the fit follows them.

    Make one with :meth:`from_estimator` or :meth:`from_predictions`; the parameters are stored.

    Parameters
    ----------
    fitted_values, residuals : ndarray of shape (n_samples,)
        In units of y.
    threshold : float or None, default=None
        Rows with larger residuals are outliers, in units of y. None or inf means no outliers.
    leverages : ndarray of shape (n_samples,), default=None
        Leverages between 0 and 1, needed only for ``kind="residual_vs_leverage"``.
    leverage_cutoff : float, default=None
        Leverages above this are high.
    labels : array-like of shape (n_samples,), default=None
        Labels of the rows; None for numbers from zero.

    Attributes
    ----------
    outliers : ndarray of bool of shape (n_samples,)
        Rows beyond the threshold.
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    scatter_, outliers_, leverage_points_ : matplotlib Artist or None
        Marks of ordinary rows, of outliers, and of rows with high leverage.
    band_ : matplotlib Artist or None
        The band of the threshold.
    texts_ : list of matplotlib Annotation
        Labels.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from robustreg import HuberRegressor
    >>> from robustreg.datasets import load_stackloss
    >>> from robustreg.inspection import ResidualsDisplay
    >>> X, y = load_stackloss(return_X_y=True)
    >>> display = ResidualsDisplay.from_estimator(HuberRegressor().fit(X, y), X, y)
    >>> display.outliers.nonzero()[0]
    array([ 2,  3, 20])
    >>> plt.close(display.figure_)
    """

    def __init__(
        self,
        *,
        fitted_values: NDArray[np.float64],
        residuals: NDArray[np.float64],
        threshold: float | None = None,
        leverages: NDArray[np.float64] | None = None,
        leverage_cutoff: float | None = None,
        labels: Any = None,
    ) -> None:
        self.fitted_values = fitted_values
        self.residuals = residuals
        self.threshold = threshold
        self.leverages = leverages
        self.leverage_cutoff = leverage_cutoff
        self.labels = labels

    @property
    def outliers(self) -> NDArray[np.bool_]:
        """Rows with a residual beyond the threshold."""
        return np.abs(self.residuals) > (np.inf if self.threshold is None else self.threshold)

    @closing_on_error
    def plot(
        self,
        ax: Any = None,
        *,
        kind: Kind = "residual_vs_fitted",
        n_labels: int = 10,
        scatter_kwargs: Style = None,
        outlier_kwargs: Style = None,
        band_kwargs: Style = None,
    ) -> ResidualsDisplay:
        """Draw the residuals.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on. None makes a new figure.
        kind : {"residual_vs_fitted", "residual_vs_leverage"}, default="residual_vs_fitted"
            What the horizontal axis shows.
        n_labels : int, default=10
            The most rows to label, starting with those farthest beyond a limit. Labels without
            space are left out.
        scatter_kwargs, outlier_kwargs : dict, default=None
            Keyword arguments of ``ax.scatter`` for ordinary rows, and for outliers.
        band_kwargs : dict, default=None
            Keyword arguments of ``ax.axhspan`` for the band.

        Returns
        -------
        ResidualsDisplay
            The display itself, with ``ax_`` and ``figure_``.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If ``kind`` is unknown, or if it needs leverages and the display has none.
        """
        ax = axes_to_draw_on(ax, f"{type(self).__name__}.plot")
        (x, name), y = self._horizontal(kind), self.residuals
        self.band_ = draw_band(ax, self.threshold, band_kwargs)
        outliers, far, size = self.outliers, self._far(kind), mark_size(x.size)
        ordinary = {"color": GREY, "marker": "o", "s": 24 * size, "alpha": 0.75, "linewidths": 0}
        square = {"color": BLUE, "marker": "s", "s": 24 * size, "linewidths": 0}
        hollow = {"edgecolors": VERMILION, "facecolors": "none", "marker": "D", "s": 44 * size,
                  "linewidths": 1.6 * np.sqrt(size)}  # fmt: skip
        self.scatter_ = draw_rows(ax, x, y, ~(outliers | far), "", ordinary, scatter_kwargs)
        self.leverage_points_ = draw_rows(ax, x, y, far, "high leverage", square, None)
        self.outliers_ = draw_rows(ax, x, y, outliers, "beyond", hollow, outlier_kwargs)
        if kind == "residual_vs_leverage" and self.leverage_cutoff is not None:
            limit = f"leverage {self.leverage_cutoff:.3g}"
            ax.axvline(self.leverage_cutoff, color=GREY, linestyle=":", linewidth=1.0, label=limit)
        plain_axes(ax, xlabel=name, ylabel="residual")
        names = row_names(self.labels, x.size)
        limits = () if self.threshold is None else (-self.threshold, self.threshold)
        self.texts_ = label_worst(ax, x, y, self._excess(kind), names, n_labels, limits)
        if ax.get_legend_handles_labels()[0]:
            ax.legend(fontsize="small", loc=legend_place(x.size))
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _horizontal(self, kind: Kind) -> tuple[NDArray[np.float64], str]:
        if kind not in KINDS:
            raise ValueError(f"kind must be one of {', '.join(map(repr, KINDS))}, got {kind!r}.")
        if kind == "residual_vs_fitted":
            return self.fitted_values, "fitted value"
        if self.leverages is None:
            raise ValueError(
                'kind="residual_vs_leverage" needs leverages: make the display with '
                "ResidualsDisplay.from_estimator(..., kind=kind), or pass leverages."
            )
        return self.leverages, "leverage"

    def _far(self, kind: Kind) -> NDArray[np.bool_]:
        """Return which rows have a high leverage, if the axis shows leverages."""
        if kind == "residual_vs_fitted" or self.leverages is None or self.leverage_cutoff is None:
            return np.zeros(self.residuals.shape, dtype=bool)
        return self.leverages > self.leverage_cutoff

    def _excess(self, kind: Kind) -> NDArray[np.float64]:
        """Return each row's largest ratio to a limit that it exceeds, or zero."""
        excess = np.zeros(self.residuals.shape)
        outliers, far = self.outliers, self._far(kind)
        if self.threshold is not None:
            excess[outliers] = np.abs(self.residuals[outliers]) / self.threshold
        if self.leverages is not None and self.leverage_cutoff is not None:
            excess[far] = np.maximum(excess[far], self.leverages[far] / self.leverage_cutoff)
        return excess

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        kind: Kind = "residual_vs_fitted",
        n_labels: int = 10,
        ax: Any = None,
        scatter_kwargs: Style = None,
        outlier_kwargs: Style = None,
        band_kwargs: Style = None,
    ) -> ResidualsDisplay:
        """Draw the residuals of a fitted regressor.

        Parameters
        ----------
        estimator : fitted regressor, Pipeline or search
            The band needs an estimator with ``threshold_``. Leverages need a model that
            :func:`robustreg.inference.diagnose` accepts.
        X : array-like or sparse matrix of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
        sample_weight : array-like of shape (n_samples,), default=None
            The weights passed to ``fit``, on which leverages depend.
        kind : {"residual_vs_fitted", "residual_vs_leverage"}, default="residual_vs_fitted"
            For leverages, X and y must be those of ``fit``.
        n_labels, ax, scatter_kwargs, outlier_kwargs, band_kwargs
            As for :meth:`plot`.

        Returns
        -------
        ResidualsDisplay
        """
        found = residuals_of(estimator, X, y)
        leverages = cutoff = None
        if kind == "residual_vs_leverage":
            leverages, cutoff = leverages_of(estimator, X, y, sample_weight)
        display = cls(
            fitted_values=found.fitted_values,
            residuals=found.residuals,
            threshold=found.threshold,
            leverages=leverages,
            leverage_cutoff=cutoff,
            labels=found.labels,
        )
        return display.plot(
            ax,
            kind=kind,
            n_labels=n_labels,
            scatter_kwargs=scatter_kwargs,
            outlier_kwargs=outlier_kwargs,
            band_kwargs=band_kwargs,
        )

    @classmethod
    def from_predictions(
        cls,
        y_true: ArrayLike,
        y_pred: ArrayLike,
        *,
        threshold: float | None = None,
        labels: Any = None,
        n_labels: int = 10,
        ax: Any = None,
        scatter_kwargs: Style = None,
        outlier_kwargs: Style = None,
        band_kwargs: Style = None,
    ) -> ResidualsDisplay:
        """Draw the residuals of given predictions.

        Parameters
        ----------
        y_true, y_pred : array-like of shape (n_samples,)
        threshold : float, default=None
            In units of y. None means no band.
        labels : array-like of shape (n_samples,), default=None
            Labels of the rows. None means the index of ``y_true``, or row numbers from zero.
        n_labels, ax, scatter_kwargs, outlier_kwargs, band_kwargs
            As for :meth:`plot`.

        Returns
        -------
        ResidualsDisplay
        """
        found = observed_residuals(y_true, y_pred)
        display = cls(
            fitted_values=found.fitted_values,
            residuals=found.residuals,
            threshold=positive("threshold", threshold),
            labels=found.labels if labels is None else row_values(labels, found.residuals.size),
        )
        return display.plot(
            ax,
            n_labels=n_labels,
            scatter_kwargs=scatter_kwargs,
            outlier_kwargs=outlier_kwargs,
            band_kwargs=band_kwargs,
        )
