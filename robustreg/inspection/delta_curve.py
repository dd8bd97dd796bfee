"""Draw the scores and coefficients of a search against delta."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from robustreg.inspection.candidates import candidates_of, coefs_of
from robustreg.inspection.delta_axis import (
    describe_choice,
    position_of,
    positions_of,
    set_delta_scale,
    with_gap,
)
from robustreg.inspection.drawing import (
    BLUE,
    GREY,
    VERMILION,
    Style,
    closing_on_error,
    merged,
)
from robustreg.inspection.panels import one_or_two_axes
from robustreg.inspection.path_styles import name_paths, path_styles

__all__ = ["DeltaCurveDisplay"]

Vector = NDArray[np.float64]


class DeltaCurveDisplay:
    """Scores and coefficients of a search over delta.

    The upper panel shows the mean scores over the folds with a band of one standard error on either
    side. Greater is better. The lower panel shows the coefficients. Delta has a logarithmic axis.
    Least squares, with an infinite delta, is at its end beyond a gap.

    Make one with :meth:`from_estimator`; the parameters are stored.

    Parameters
    ----------
    deltas : ndarray of shape (n_deltas,)
        Increasing values of delta. The last may be infinity.
    mean_scores : ndarray of shape (n_deltas,)
        Mean scores over the folds; NaN if a delta has none.
    standard_errors : ndarray of shape (n_deltas,)
        Standard errors of the mean scores.
    delta : float
        The chosen delta.
    coefs : ndarray of shape (n_deltas, n_features), default=None
        Coefficients. If None, only the scores are drawn.
    feature_names : sequence of str, default=None
        Names of the coefficients. None means x0, x1 and so on.
    score_name : str, default="score"
        Label of the vertical axis.
    chosen : dict, default=None
        Chosen values of other parameters, by their names. The title shows them.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes of the scores.
    axes_ : ndarray of matplotlib Axes
        Axes of the scores and, if they are drawn, of the coefficients.
    figure_ : matplotlib Figure
    line_ : matplotlib Line2D
        The mean scores.
    band_ : matplotlib PolyCollection
        Their standard errors.
    errorbar_ : matplotlib ErrorbarContainer
        The error bar at infinity, and at a finite delta if there is only one.
    mark_ : matplotlib Line2D
        The chosen candidate, a hollow diamond.
    chosen_ : list of matplotlib Line2D
        The line at the chosen delta, in each of the axes.
    coef_lines_ : list of matplotlib Line2D
        One for each feature.

    See Also
    --------
    robustreg.HuberRegressorCV : Choose delta by cross-validation.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from robustreg import HuberRegressorCV
    >>> from robustreg.datasets import make_contaminated_regression
    >>> from robustreg.inspection import DeltaCurveDisplay
    >>> X, y = make_contaminated_regression(200, 3, random_state=0)
    >>> model = HuberRegressorCV(deltas=[0.5, 1.0, 2.0, float("inf")]).fit(X, y)
    >>> display = DeltaCurveDisplay.from_estimator(model)
    >>> display.delta == model.delta_
    True
    >>> plt.close(display.figure_)
    """

    def __init__(
        self,
        *,
        deltas: Vector,
        mean_scores: Vector,
        standard_errors: Vector,
        delta: float,
        coefs: NDArray[np.float64] | None = None,
        feature_names: Sequence[str] | None = None,
        score_name: str = "score",
        chosen: Mapping[str, Any] | None = None,
    ) -> None:
        self.deltas = deltas
        self.mean_scores = mean_scores
        self.standard_errors = standard_errors
        self.delta = delta
        self.coefs = coefs
        self.feature_names = feature_names
        self.score_name = score_name
        self.chosen = chosen

    @closing_on_error
    def plot(
        self,
        ax: Any = None,
        *,
        line_kwargs: Style = None,
        band_kwargs: Style = None,
        coef_kwargs: Style = None,
    ) -> DeltaCurveDisplay:
        """Draw the scores, and the coefficients if there are any.

        Parameters
        ----------
        ax : matplotlib Axes or sequence of two, default=None
            One axes for the scores, or two for scores and coefficients. None makes a new figure.
        line_kwargs, band_kwargs, coef_kwargs : dict, default=None
            Keyword arguments of ``ax.plot`` for the scores, of ``ax.fill_between`` for their
            standard errors, and of ``ax.plot`` for the coefficients.

        Returns
        -------
        DeltaCurveDisplay
            The display itself, with ``ax_``, ``axes_`` and ``figure_``.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If ``ax`` has more than two axes, or two although there are no coefficients.
        """
        which = (
            "pass one for the scores, or two for the scores and the coefficients. For a "
            "GridSearchCV, coefficients are drawn only if X and y are passed."
        )
        caller = f"{type(self).__name__}.plot"
        axes = one_or_two_axes(ax, caller, self.coefs is not None, which)
        self.ax_, self.axes_, self.figure_ = axes[0], axes, axes[0].figure
        positions = positions_of(self.deltas)
        self._draw_scores(positions, line_kwargs, band_kwargs)
        self.coef_lines_: list[Any] = []
        if axes.size > 1:
            self._draw_coefs(positions, coef_kwargs)
        chosen = position_of(self.delta, self.deltas, positions)
        self.chosen_ = []
        for each in axes:
            line = each.axvline(chosen, color=GREY, linewidth=1.0, linestyle=(0, (4, 3)), zorder=1)
            self.chosen_.append(line)
            set_delta_scale(each, self.deltas, positions)
        title = f"{describe_choice(self.delta, self.chosen)} was chosen; ± one standard error"
        axes[0].set_title(title, loc="left", fontsize="medium", color=GREY)
        axes[-1].set_xlabel("delta")
        return self

    def _draw_scores(self, positions: Vector, line_kwargs: Style, band_kwargs: Style) -> None:
        low = self.mean_scores - self.standard_errors
        high = self.mean_scores + self.standard_errors
        style = {"color": BLUE, "marker": "o", "markersize": 4, "linewidth": 1.6}
        finite = np.isfinite(self.deltas)
        (self.line_,) = self.ax_.plot(
            with_gap(positions, finite),
            with_gap(self.mean_scores, finite),
            **merged(style, line_kwargs),
        )
        band = {"color": BLUE, "alpha": 0.2, "linewidth": 0}
        self.band_ = self.ax_.fill_between(
            positions[finite], low[finite], high[finite], **merged(band, band_kwargs)
        )
        # A band of one point has no width.
        alone = ~finite if np.count_nonzero(finite) > 1 else np.ones_like(finite)
        self.errorbar_ = self.ax_.errorbar(
            positions[alone],
            self.mean_scores[alone],
            self.standard_errors[alone],
            color=self.line_.get_color(),
            alpha=0.5,
            linestyle="none",
            capsize=3,
        )
        # If "auto" was chosen, its delta need not be a candidate, and may have no score.
        chosen = self.deltas == self.delta
        self.mark_ = self.ax_.plot(
            positions[chosen],
            self.mean_scores[chosen],
            color=VERMILION,
            marker="D",
            markersize=8,
            markeredgewidth=1.6,
            fillstyle="none",
            linestyle="none",
        )[0]
        self.ax_.set_ylabel(self.score_name)

    def _draw_coefs(self, positions: Vector, coef_kwargs: Style) -> None:
        assert self.coefs is not None
        ax, coefs = self.axes_[1], np.asarray(self.coefs)
        finite = np.isfinite(self.deltas)
        ax.axhline(0.0, color=GREY, linewidth=0.8, zorder=1)
        changes = np.ptp(coefs, axis=0)
        styles = path_styles(changes, self.feature_names)
        for style, path in zip(styles, coefs.T, strict=True):
            style |= {"marker": "o", "markersize": 3}
            (drawn,) = ax.plot(
                with_gap(positions, finite), with_gap(path, finite), **merged(style, coef_kwargs)
            )
            self.coef_lines_.append(drawn)
        name_paths(ax, changes, "change most")
        ax.set_ylabel("coefficient")

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any = None,
        y: ArrayLike | None = None,
        *,
        param_name: str | None = None,
        ax: Any = None,
        line_kwargs: Style = None,
        band_kwargs: Style = None,
        coef_kwargs: Style = None,
        **fit_params: Any,
    ) -> DeltaCurveDisplay:
        """Draw the candidates of a fitted search; all other parameters are those that it chose.

        Parameters
        ----------
        estimator : HuberRegressorCV or GridSearchCV
            Fitted search. In a search over a pipeline, delta may be the parameter of one of its
            steps. Candidates that are not numbers, such as ``"auto"``, are left out.
        X, y : array-like, default=None
            The data of ``fit``. With them, each candidate is fitted to all rows, and its
            coefficients are drawn. Without them, the coefficients are the means over the folds of a
            ``HuberRegressorCV``; for other searches they are not drawn.
        param_name : str, default=None
            Name of the parameter in ``cv_results_``, without ``param_``. None means the one that
            ends in ``delta``.
        ax, line_kwargs, band_kwargs, coef_kwargs
            As for :meth:`plot`.
        **fit_params
            Passed to ``fit`` with X and y, for example ``sample_weight``.

        Returns
        -------
        DeltaCurveDisplay

        Raises
        ------
        TypeError
            If the estimator is not a fitted search.
        ValueError
            If it did not search over a parameter delta, or over several.
        """
        found = candidates_of(estimator, param_name)
        coefs, names = coefs_of(estimator, found.indices, X, y, fit_params)
        display = cls(
            deltas=found.deltas,
            mean_scores=found.mean_scores,
            standard_errors=found.standard_errors,
            delta=found.delta,
            coefs=coefs,
            feature_names=names,
            score_name=found.score_name,
            chosen=found.chosen,
        )
        return display.plot(
            ax, line_kwargs=line_kwargs, band_kwargs=band_kwargs, coef_kwargs=coef_kwargs
        )
