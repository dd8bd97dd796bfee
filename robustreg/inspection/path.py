"""Draw the coefficients and scores of a penalised fit against alpha."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from robustreg.estimators.elastic_net_cv import HuberElasticNetCV
from robustreg.estimators.search_results import standard_error
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

__all__ = ["PathDisplay"]

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]


class PathDisplay:
    """A path of the elastic net: coefficients and cross-validated scores against alpha.

    Alpha decreases from left to right on a logarithmic axis, so that columns enter the fit one
    after the other. A dashed line marks the chosen alpha. Columns that never enter are not drawn.

    Make one with :meth:`from_estimator`, or from what :func:`robustreg.enet_path` returns:
    ``PathDisplay(alphas=alphas, coefs=coefs.T).plot()``. The parameters are stored.

    Parameters
    ----------
    alphas : ndarray of shape (n_alphas,)
        Strengths of the penalty.
    coefs : ndarray of shape (n_alphas, n_features)
        Coefficients for each alpha.
    alpha : float, default=None
        The chosen alpha.
    mean_scores : ndarray of shape (n_alphas,), default=None
        Mean scores over the folds. Greater is better. If None, only the coefficients are drawn.
    standard_errors : ndarray of shape (n_alphas,), default=None
        Standard errors of the mean scores.
    feature_names : sequence of str, default=None
        Names of the columns. None means x0, x1 and so on.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes of the coefficients.
    axes_ : ndarray of matplotlib Axes
        Axes of the coefficients and, if they are drawn, of the scores.
    figure_ : matplotlib Figure
    coef_lines_ : list of matplotlib Line2D
        One for each column that enters.
    line_ : matplotlib Line2D or None
        The mean scores.
    band_ : matplotlib PolyCollection or None
        Their standard errors.
    chosen_ : list of matplotlib Line2D
        The line at the chosen alpha, in each of the axes.

    See Also
    --------
    robustreg.HuberElasticNetCV : Choose alpha by cross-validation.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> import numpy as np
    >>> from robustreg import HuberElasticNetCV
    >>> from robustreg.inspection import PathDisplay
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(100, 20))
    >>> y = 3.0 * X[:, 0] - 2.0 * X[:, 1] + rng.normal(size=100)
    >>> model = HuberElasticNetCV(n_alphas=20, eps=0.01).fit(X, y)
    >>> display = PathDisplay.from_estimator(model)
    >>> display.alpha == model.alpha_
    True
    >>> plt.close(display.figure_)
    """

    def __init__(
        self,
        *,
        alphas: Vector,
        coefs: Matrix,
        alpha: float | None = None,
        mean_scores: Vector | None = None,
        standard_errors: Vector | None = None,
        feature_names: Sequence[str] | None = None,
    ) -> None:
        self.alphas = alphas
        self.coefs = coefs
        self.alpha = alpha
        self.mean_scores = mean_scores
        self.standard_errors = standard_errors
        self.feature_names = feature_names

    @closing_on_error
    def plot(
        self, ax: Any = None, *, coef_kwargs: Style = None, line_kwargs: Style = None
    ) -> PathDisplay:
        """Draw the coefficients, and the scores if there are any.

        Parameters
        ----------
        ax : matplotlib Axes or sequence of two, default=None
            One axes for the coefficients, or two for coefficients and scores. None makes a new
            figure.
        coef_kwargs, line_kwargs : dict, default=None
            Keyword arguments of ``ax.plot`` for the coefficients and for the scores.

        Returns
        -------
        PathDisplay
            The display itself, with ``ax_``, ``axes_`` and ``figure_``.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If ``ax`` has more than two axes, or two although there are no scores.
        """
        which = (
            "pass one for the coefficients, or two for coefficients and scores. Only a search has "
            "scores."
        )
        caller, scored = f"{type(self).__name__}.plot", self.mean_scores is not None
        axes = one_or_two_axes(ax, caller, scored, which, height_ratios=(3, 2))
        self.ax_, self.axes_, self.figure_ = axes[0], axes, axes[0].figure
        self._draw_coefs(coef_kwargs)
        self.line_ = self.band_ = None
        if axes.size > 1:
            self._draw_scores(line_kwargs)
        self.chosen_ = []
        for each in axes:
            each.set_xscale("log")
            if not each.xaxis_inverted():
                each.invert_xaxis()
            each.spines[["top", "right"]].set_visible(False)
            if self.alpha is not None:
                style = {"color": VERMILION, "linewidth": 1.2, "linestyle": (0, (4, 3))}
                self.chosen_.append(each.axvline(self.alpha, zorder=1, **style))
        if self.alpha is not None:
            title = f"alpha = {self.alpha:.3g} was chosen"
            axes[0].set_title(title, loc="left", fontsize="medium", color=GREY)
        axes[-1].set_xlabel("alpha")
        return self

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        *,
        ax: Any = None,
        coef_kwargs: Style = None,
        line_kwargs: Style = None,
    ) -> PathDisplay:
        """Draw the path of a fitted ``HuberElasticNetCV``, for the l1_ratio that it chose.

        Parameters
        ----------
        estimator : HuberElasticNetCV
            Fitted search. The coefficients are those of fits to all rows.
        ax, coef_kwargs, line_kwargs
            As for :meth:`plot`.

        Returns
        -------
        PathDisplay

        Raises
        ------
        TypeError
            If the estimator is not a fitted ``HuberElasticNetCV``.
        """
        if not isinstance(estimator, HuberElasticNetCV) or not hasattr(estimator, "cv_results_"):
            raise TypeError(
                f"estimator must be a fitted HuberElasticNetCV, got {type(estimator).__name__}: "
                "for a pipeline, pass its last step; for the result of enet_path, call "
                "PathDisplay(alphas=alphas, coefs=coefs.T).plot()."
            )
        results = estimator.cv_results_
        ratios = np.asarray(results["param_l1_ratio"], dtype=np.float64)
        shown = ratios == estimator.l1_ratio_
        display = cls(
            alphas=np.asarray(results["param_alpha"], dtype=np.float64)[shown],
            coefs=estimator.coef_path_[shown],
            alpha=estimator.alpha_,
            mean_scores=results["mean_test_score"][shown],
            standard_errors=standard_error(results)[shown],
            feature_names=getattr(estimator, "feature_names_in_", None),
        )
        return display.plot(ax, coef_kwargs=coef_kwargs, line_kwargs=line_kwargs)

    def _draw_coefs(self, coef_kwargs: Style) -> None:
        coefs, ax = np.asarray(self.coefs), self.ax_
        row = -1 if self.alpha is None else int(np.argmin(np.abs(self.alphas - self.alpha)))
        sizes = np.abs(coefs[row])
        # Columns that are not in the chosen fit are not named.
        importance = np.where(sizes > 0.0, sizes, -1.0)
        styles = path_styles(importance, self.feature_names)
        ax.axhline(0.0, color=GREY, linewidth=0.8, zorder=1)
        self.coef_lines_: list[Any] = []
        for j in np.flatnonzero(np.any(coefs != 0.0, axis=0)).tolist():
            (drawn,) = ax.plot(self.alphas, coefs[:, j], **merged(styles[j], coef_kwargs))
            self.coef_lines_.append(drawn)
        ax.set_ylabel("coefficient")
        name_paths(ax, importance, "largest")

    def _draw_scores(self, line_kwargs: Style) -> None:
        ax, scores = self.axes_[1], np.asarray(self.mean_scores)
        style = {"color": BLUE, "marker": "o", "markersize": 3, "linewidth": 1.4}
        (self.line_,) = ax.plot(self.alphas, scores, **merged(style, line_kwargs))
        if self.standard_errors is not None:
            errors = np.asarray(self.standard_errors)
            self.band_ = ax.fill_between(
                self.alphas, scores - errors, scores + errors, color=BLUE, alpha=0.2, linewidth=0
            )
        ax.set_ylabel("minus Huber loss")
