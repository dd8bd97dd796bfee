"""Coefficients of several models with their intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from robustreg.inference.summary import Summary
from robustreg.inspection.coefficient_layout import figure_size, legend_room
from robustreg.inspection.drawing import (
    GREY,
    Style,
    axes_to_draw_on,
    closing_on_error,
    merged,
    model_styles,
    plain_axes,
)
from robustreg.inspection.models import (
    as_huber,
    by_name,
    distinct,
    standard_deviations,
    summary_of,
)

__all__ = ["CoefficientsDisplay"]

Matrix = NDArray[np.float64]

#: Share of the height of a coefficient over which its models are spread.
SPREAD = 0.6


class CoefficientsDisplay:
    """Coefficients and their confidence intervals, for one model or several.

    Each model has its own colour and marker. The hollow orange square is least squares. To compare
    features with different units, use ``standardize=True``. A coefficient is then the change of y
    if its feature increases by one standard deviation.

    Make one with :meth:`from_estimator` or :meth:`from_summaries`; the parameters are stored.

    Parameters
    ----------
    coefficients, ci_low, ci_high : ndarray of shape (n_models, n_features)
        NaN if a model does not have the feature.
    feature_names : sequence of str
        Names on the vertical axis.
    model_names : sequence of str
        Names in the legend.
    level : float
        Confidence level of the intervals.
    standardized : bool, default=False
        Whether coefficients are for one standard deviation of their feature.
    least_squares : sequence of bool, default=None
        Which of the models are least squares fits. None means none of them.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    errorbars_ : list of matplotlib ErrorbarContainer
        One for each model.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from numpy import inf
    >>> from robustreg import HuberRegressor
    >>> from robustreg.datasets import load_stackloss
    >>> from robustreg.inspection import CoefficientsDisplay
    >>> X, y = load_stackloss(return_X_y=True, as_frame=True)
    >>> models = {
    ...     "least squares": HuberRegressor(delta=inf).fit(X, y),
    ...     "Huber": HuberRegressor().fit(X, y),
    ... }
    >>> display = CoefficientsDisplay.from_estimator(models, X, y)
    >>> display.coefficients.round(2)
    array([[ 0.72,  1.3 , -0.15],
           [ 0.82,  0.98, -0.13]])
    >>> plt.close(display.figure_)
    """

    def __init__(
        self,
        *,
        coefficients: Matrix,
        ci_low: Matrix,
        ci_high: Matrix,
        feature_names: Any,
        model_names: Any,
        level: float,
        standardized: bool = False,
        least_squares: Sequence[bool] | None = None,
    ) -> None:
        self.coefficients = coefficients
        self.ci_low = ci_low
        self.ci_high = ci_high
        self.feature_names = feature_names
        self.model_names = model_names
        self.level = level
        self.standardized = standardized
        self.least_squares = least_squares

    @closing_on_error
    def plot(self, ax: Any = None, *, errorbar_kwargs: Style = None) -> CoefficientsDisplay:
        """Draw the coefficients and their intervals.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on. None makes a new figure.
        errorbar_kwargs : dict, default=None
            Keyword arguments of ``ax.errorbar`` for all models.

        Returns
        -------
        CoefficientsDisplay
            The display itself, with ``ax_`` and ``figure_``.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        n_models, n_features = np.shape(self.coefficients)
        figsize = None if ax is not None else figure_size(n_models, n_features)
        ax = axes_to_draw_on(ax, f"{type(self).__name__}.plot", figsize)
        shifts = (np.arange(n_models) - 0.5 * (n_models - 1)) * SPREAD / n_models
        ax.axvline(0.0, color=GREY, linewidth=0.8, zorder=1)
        self.errorbars_ = []
        styles = model_styles(self.least_squares or [False] * n_models)
        for model, (name, shift) in enumerate(zip(self.model_names, shifts, strict=True)):
            color, marker, fill = styles[model]
            style = {"color": color, "marker": marker, "fillstyle": fill, "linestyle": "none",
                     "capsize": 3, "markersize": 6, "label": name}  # fmt: skip
            middle = self.coefficients[model]
            reach = np.array([middle - self.ci_low[model], self.ci_high[model] - middle])
            bars = ax.errorbar(
                middle, np.arange(n_features) + shift, xerr=reach, **merged(style, errorbar_kwargs)
            )
            self.errorbars_.append(bars)
        quantity = "change of y for one standard deviation" if self.standardized else "coefficient"
        columns, room = legend_room(ax, self.model_names, n_features)
        plain_axes(
            ax,
            xlabel=f"{quantity}, {100 * self.level:g} % interval",
            ylim=(n_features - 0.5, -0.5 - room),
        )
        ax.set_yticks(np.arange(n_features), self.feature_names)
        ax.tick_params(axis="y", length=0)
        if n_models > 1:
            ax.legend(frameon=False, fontsize="small", loc="upper center", ncols=columns)
        self.ax_, self.figure_ = ax, ax.figure
        return self

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any = None,
        y: ArrayLike | None = None,
        *,
        sample_weight: ArrayLike | None = None,
        cov_type: str | None = None,
        level: float = 0.95,
        intercept: bool = False,
        standardize: bool = False,
        ax: Any = None,
        errorbar_kwargs: Style = None,
    ) -> CoefficientsDisplay:
        """Draw the coefficients of one fitted model, or of several fitted to the same data.

        Parameters
        ----------
        estimator : model, or dict from a name to a model
            As for :func:`robustreg.inference.summarize`, scikit-learn's ``LinearRegression``, or a
            :class:`robustreg.inference.Summary`.
        X : array-like or sparse matrix of shape (n_samples, n_features), default=None
            The X of ``fit``. Summaries alone do not need it.
        y : array-like of shape (n_samples,), default=None
            The y of ``fit``. Summaries alone do not need it.
        sample_weight : array-like of shape (n_samples,), default=None
            The weights passed to ``fit``.
        cov_type, level
            As for :func:`robustreg.inference.summarize`.
        intercept : bool, default=False
            Whether to show the intercept, whose size often differs much from that of the others.
        standardize : bool, default=False
            Multiply each coefficient by the standard deviation of its feature.
        ax, errorbar_kwargs
            As for :meth:`plot`.

        Returns
        -------
        CoefficientsDisplay

        Raises
        ------
        TypeError
            If X and y are missing for a model that is not a summary.
        ValueError
            If ``standardize`` is used with a summary, which does not keep its data.
        """
        models = {
            name: as_huber(model, X, y, sample_weight) for name, model in by_name(estimator).items()
        }
        options: dict[str, Any] = {"sample_weight": sample_weight, "cov_type": cov_type}
        summaries = {
            name: summary_of(model, X, y, level=level, **options) for name, model in models.items()
        }
        units = None
        if standardize:
            units = [standard_deviations(model, X, sample_weight) for model in models.values()]
        display = cls._of(summaries, level, intercept, units)
        return display.plot(ax, errorbar_kwargs=errorbar_kwargs)

    @classmethod
    def from_summaries(
        cls,
        summaries: Summary | Mapping[str, Summary],
        *,
        level: float | None = None,
        intercept: bool = False,
        ax: Any = None,
        errorbar_kwargs: Style = None,
    ) -> CoefficientsDisplay:
        """Draw the coefficients of summaries, which may have different data or features.

        Parameters
        ----------
        summaries : Summary, or dict from a name to a Summary
        level : float in (0, 1), default=None
            Confidence level of the intervals. None means the level of the first summary.
        intercept : bool, default=False
            Whether to show the intercept.
        ax, errorbar_kwargs
            As for :meth:`plot`.

        Returns
        -------
        CoefficientsDisplay
        """
        named = by_name(summaries)
        for summary in named.values():
            if not isinstance(summary, Summary):
                raise TypeError(
                    "summaries must be results of robustreg.inference.summarize, got "
                    f"{type(summary).__name__}: for fitted models call from_estimator."
                )
        level = next(iter(named.values())).level if level is None else level
        return cls._of(named, level, intercept).plot(ax, errorbar_kwargs=errorbar_kwargs)

    @classmethod
    def _of(
        cls,
        summaries: Mapping[str, Summary],
        level: float,
        intercept: bool,
        units: list[dict[str, float]] | None = None,
    ) -> CoefficientsDisplay:
        # A dict keeps the order in which names first appear.
        features = dict.fromkeys(
            name for summary in summaries.values() for name in distinct(summary.names)
        )
        if not intercept:
            features.pop("intercept", None)
        position = {name: index for index, name in enumerate(features)}
        values = np.full((3, len(summaries), len(position)), np.nan)
        for model, summary in enumerate(summaries.values()):
            unit = {} if units is None else units[model]
            interval = summary.confidence_interval(level)
            columns = (summary.coefficients, interval["ci_low"], interval["ci_high"])
            for name, *three in zip(distinct(summary.names), *columns, strict=True):
                if name in position:
                    values[:, model, position[name]] = np.array(three) * unit.get(name, 1.0)
        return cls(
            coefficients=values[0],
            ci_low=values[1],
            ci_high=values[2],
            feature_names=list(position),
            model_names=list(summaries),
            level=level,
            standardized=units is not None,
            least_squares=[np.isinf(getattr(s, "delta", np.nan)) for s in summaries.values()],
        )
