"""Draw the robustness weights of the rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from robustreg.inspection.drawing import (
    GREY,
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
from robustreg.inspection.labels import label_height, label_points
from robustreg.inspection.predictions import (
    ObservedResiduals,
    observed_residuals,
    positive,
    residuals_of,
)
from robustreg.losses import Huber

__all__ = ["WeightsDisplay"]

Order = Literal["row", "weight"]

ORDERS = ("row", "weight")

#: Limits of the vertical axis, with a margin below zero and space for the legend above one, and its
#: ticks.
LIMITS, TICKS = (-0.03, 1.2), (0.0, 0.25, 0.5, 0.75, 1.0)

#: Largest share of the height of the axes for a label below its mark, and its most letters.
LABEL_PART, LABEL_LETTERS = 0.5, 24

#: Smallest share of its height that the axes keep after the layout.
LAID_OUT = 0.85


class WeightsDisplay:
    """How much each row counts in a Huber fit: ``min(1, threshold / |residual|)``.

    Rows with full weight are grey points at one. The others are hollow diamonds, with a stem from
    one down to their weight. The smallest weights are labelled. With ``order="row"``, the picture
    shows whether outliers occur close together in time. With ``order="weight"``, it shows which
    share of the rows has a reduced weight.

    Make one with :meth:`from_estimator` or :meth:`from_predictions`; the parameters are stored.

    Parameters
    ----------
    weights : ndarray of shape (n_samples,)
        Robustness weights between 0 and 1.
    labels : array-like of shape (n_samples,), default=None
        Labels of the rows; None for numbers from zero.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    full_, reduced_ : matplotlib Artist
        Marks of the rows of weight one, and of the others.
    stems_ : matplotlib LineCollection
    texts_ : list of matplotlib Annotation

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from robustreg import HuberRegressor
    >>> from robustreg.datasets import load_phones
    >>> from robustreg.inspection import WeightsDisplay
    >>> X, y = load_phones(return_X_y=True)
    >>> display = WeightsDisplay.from_estimator(HuberRegressor(scale="mad").fit(X, y), X, y)
    >>> (display.weights < 0.5).nonzero()[0]
    array([14, 15, 16, 17, 18, 19])
    >>> plt.close(display.figure_)
    """

    def __init__(self, *, weights: NDArray[np.float64], labels: Any = None) -> None:
        self.weights = weights
        self.labels = labels

    @closing_on_error
    def plot(
        self,
        ax: Any = None,
        *,
        order: Order = "row",
        n_labels: int = 10,
        full_kwargs: Style = None,
        reduced_kwargs: Style = None,
    ) -> WeightsDisplay:
        """Draw the weights.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on. None makes a new figure.
        order : {"row", "weight"}, default="row"
            Order from left to right: that of the data, or by ascending weight.
        n_labels : int, default=10
            The most rows to label, starting with the smallest weights. Labels without space are
            left out.
        full_kwargs, reduced_kwargs : dict, default=None
            Keyword arguments of ``ax.scatter`` for rows with full weight, and for the others.

        Returns
        -------
        WeightsDisplay
            The display itself, with ``ax_`` and ``figure_``.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If ``order`` is unknown.
        """
        ax = axes_to_draw_on(ax, f"{type(self).__name__}.plot")
        x, name = self._positions(order)
        reduced, size = self.weights < 1.0, mark_size(self.weights.size)
        counts = np.count_nonzero(~reduced), np.count_nonzero(reduced)
        self.stems_ = ax.vlines(
            x[reduced], self.weights[reduced], 1.0, colors=VERMILION, linewidth=size**2, zorder=1
        )
        full = {"color": GREY, "marker": "o", "s": 24 * size, "alpha": 0.75, "linewidths": 0,
                "label": f"weight 1 ({counts[0]})"}  # fmt: skip
        less = {"edgecolors": VERMILION, "facecolors": "white", "marker": "D", "s": 34 * size,
                "linewidths": 1.6 * np.sqrt(size), "zorder": 3,
                "label": f"less ({counts[1]})"}  # fmt: skip
        self.full_ = ax.scatter(x[~reduced], self.weights[~reduced], **merged(full, full_kwargs))
        self.reduced_ = ax.scatter(
            x[reduced], self.weights[reduced], **merged(less, reduced_kwargs)
        )
        least = np.argsort(self.weights, kind="stable")[:n_labels]
        least = least[reduced[least]]
        names = [_short(label) for label in row_names(self.labels, x.size)[least]]
        limits = self._limit(ax, names, least), LIMITS[1]
        plain_axes(ax, xlabel=name, ylabel="robustness weight", ylim=limits)
        ax.set_yticks(TICKS)
        # The space below zero is for labels only.
        ax.spines["left"].set_bounds(TICKS[0], TICKS[-1])
        points = x[least], self.weights[least]
        # Stems are above the marks, so labels are placed below them.
        self.texts_ = label_points(ax, *points, names, sides=[(0, -1)], rotation=90.0)
        ax.legend(frameon=False, fontsize="small", loc="upper center", ncols=2)
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _limit(self, ax: Any, names: Sequence[str], rows: NDArray[np.intp]) -> float:
        """Return the lower end of the vertical axis, so that all labels are above it."""
        # The layout comes later and reduces this height to make space for the axis label.
        height = LAID_OUT * ax.get_window_extent().height * 72.0 / ax.figure.dpi
        lowest = LIMITS[0]
        for label, weight in zip(names, self.weights[rows], strict=True):
            part = min(label_height(label) / height, LABEL_PART)
            # (weight - lowest) / (upper - lowest) is the part of the height below the mark.
            lowest = min(lowest, (weight - part * LIMITS[1]) / (1.0 - part))
        return float(lowest)

    def _positions(self, order: Order) -> tuple[NDArray[np.float64], str]:
        if order not in ORDERS:
            raise ValueError(f"order must be one of {', '.join(map(repr, ORDERS))}, got {order!r}.")
        n = self.weights.size
        if order == "row":
            return np.arange(n, dtype=np.float64), "row"
        ranks = np.empty(n)
        ranks[np.argsort(self.weights, kind="stable")] = np.arange(1, n + 1)
        return 100.0 * ranks / n, "share of the rows, %"

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: ArrayLike,
        *,
        order: Order = "row",
        n_labels: int = 10,
        ax: Any = None,
        full_kwargs: Style = None,
        reduced_kwargs: Style = None,
    ) -> WeightsDisplay:
        """Draw the weights that a fitted regressor gives to the rows of X, by its threshold.

        Parameters
        ----------
        estimator : HuberRegressor, HuberRegressorCV, or a Pipeline or search that ends with one
        X : array-like or sparse matrix of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
        order, n_labels, ax, full_kwargs, reduced_kwargs
            As for :meth:`plot`.

        Returns
        -------
        WeightsDisplay

        Raises
        ------
        TypeError
            If the estimator has no threshold.
        """
        found = residuals_of(estimator, X, y)
        if found.threshold is None:
            raise TypeError(
                f"estimator is a {type(estimator).__name__} without threshold_, and does not "
                "weight rows by their residuals: pass a fitted robustreg.HuberRegressor, or call "
                "WeightsDisplay.from_predictions with a threshold."
            )
        display = cls._of(found, found.threshold)
        return display.plot(
            ax,
            order=order,
            n_labels=n_labels,
            full_kwargs=full_kwargs,
            reduced_kwargs=reduced_kwargs,
        )

    @classmethod
    def from_predictions(
        cls,
        y_true: ArrayLike,
        y_pred: ArrayLike,
        *,
        threshold: float,
        labels: Any = None,
        order: Order = "row",
        n_labels: int = 10,
        ax: Any = None,
        full_kwargs: Style = None,
        reduced_kwargs: Style = None,
    ) -> WeightsDisplay:
        """Draw the weights of given predictions.

        Parameters
        ----------
        y_true, y_pred : array-like of shape (n_samples,)
        threshold : float
            Threshold of the weights, in units of y.
        labels : array-like of shape (n_samples,), default=None
            Labels of the rows. None means the index of ``y_true``, or row numbers from zero.
        order, n_labels, ax, full_kwargs, reduced_kwargs
            As for :meth:`plot`.

        Returns
        -------
        WeightsDisplay
        """
        checked = positive("threshold", threshold)
        if checked is None:
            raise ValueError(
                "threshold is None, and weights are min(1, threshold / |residual|): pass a "
                "positive number in units of y."
            )
        display = cls._of(observed_residuals(y_true, y_pred), checked, labels)
        return display.plot(
            ax,
            order=order,
            n_labels=n_labels,
            full_kwargs=full_kwargs,
            reduced_kwargs=reduced_kwargs,
        )

    @classmethod
    def _of(cls, found: ObservedResiduals, threshold: float, labels: Any = None) -> WeightsDisplay:
        weights = np.asarray(Huber(threshold).weight(found.residuals), dtype=np.float64)
        return cls(
            weights=weights,
            labels=found.labels if labels is None else row_values(labels, weights.size),
        )


def _short(label: str) -> str:
    """Shorten a long label at the beginning, because labels more often differ at the end."""
    return label if len(label) <= LABEL_LETTERS else "…" + label[1 - LABEL_LETTERS :]
