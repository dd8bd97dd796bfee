"""What is known about the coefficients of a fit: the result of ``summarize``."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from scipy import stats

from robustreg.inference import text
from robustreg.inference.coefficients import CoefficientTable
from robustreg.inference.frames import pandas, row_index
from robustreg.inference.options import check_level
from robustreg.inference.predictor import Predictor

__all__ = ["Summary"]


@dataclass(frozen=True, eq=False, repr=False)
class Summary(CoefficientTable):
    """Coefficients with their errors, and what kind of fit it was. Made by :func:`summarize`.

    Attributes
    ----------
    names : tuple of str
        "intercept" if fitted, then the features.
    coefficients, standard_errors : ndarray of shape (k,)
        In the order of ``names``, in the units of the model.
    covariance_matrix : ndarray of shape (k, k)
        Their covariance; ``covariance`` is the same as a frame.
    cov_type : str
        H1, H2, H3, HC0 to HC3, CR1, CR3 or bootstrap.
    description : str
        The same in words.
    level : float
        Confidence level of the table.
    n : float
        Number of observations: the sum of the frequencies, or Kish's number for weights that are no
        counts.
    degrees_of_freedom : float
        ``n - k``, of the residuals.
    reference_df : float
        Degrees of freedom of Student's t behind p and intervals; ``inf`` for the normal.
    scale, scale_kind : float, str
        Sigma in units of y, and whether it is "joint", "mad" or "fixed".
    delta, threshold : float
        In units of the scale, and of y.
    efficiency : float
        At normal errors, relative to least squares: of ``delta``, or where the scale was given, of
        the threshold divided by the MAD of the residuals.
    outlier_share : float
        Share of the observations beyond the threshold.
    d2 : float
        Fraction of the Huber loss that is explained (:func:`robustreg.metrics.d2_huber_score`).
    robust_r2 : float
        ``1 - (s / s_0)²`` with s the scale of the residuals and s_0 that of y, both by Huber's
        Proposal 2; NaN where y has no scale. Consistent with least squares' R² at normal errors.
    optimality : float
        Certificate of the fit: distance to the exact minimiser, in standard errors.
    notes : tuple of str
        What a reader must know.
    replicates : ndarray of shape (n_replicates, k), or None
        Coefficients of the bootstrap's replicates.

    Examples
    --------
    >>> from robustreg import HuberRegressor
    >>> from robustreg.datasets import load_stackloss
    >>> from robustreg.inference import summarize
    >>> X, y = load_stackloss(return_X_y=True, as_frame=True)
    >>> summary = summarize(HuberRegressor(scale="mad").fit(X, y), X, y)
    >>> summary.table[["coef", "std_err"]].round(3)
                 coef  std_err
    intercept -41.026    9.792
    air_flow    0.829    0.111
    water_temp  0.926    0.303
    acid_conc  -0.128    0.129
    """

    description: str
    n: float
    degrees_of_freedom: float
    scale: float
    scale_kind: str
    delta: float
    threshold: float
    efficiency: float
    outlier_share: float
    d2: float
    robust_r2: float
    optimality: float
    notes: tuple[str, ...]
    _predictor: Predictor = field(repr=False)

    def predict(self, X: Any, *, level: float | None = None) -> Any:
        """Predictions with intervals for their mean and for a new observation.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            New rows, as the model or pipeline takes them.
        level : float in (0, 1), default=None
            Level of both intervals; None takes that of the summary.

        Returns
        -------
        DataFrame of shape (n_samples, 6)
            With the index of X where it has one. ``prediction``; ``std_err``, of the mean;
            ``ci_low`` and ``ci_high``, for the mean at x; ``pi_low`` and ``pi_high``, for one new
            observation at x. In units of y.

        Warns
        -----
        UserWarning
            If there are fewer observations than an interval of this level for a new one needs.

        Notes
        -----
        The intervals for a new observation take its error from the distribution of the residuals,
        the same for all x, and no other: they hold for heavy tails, but not where the spread
        depends on x. Residuals are those of fits without their row, in one step, as in the
        jackknife+ (Barber, Candès, Ramdas and Tibshirani, Annals of Statistics 49, 2021): levels of
        90 and 95 % hold to a point from n = 20 and p = 4 on. With n observations the largest level
        that residuals support is n/(n + 1), and where it is above (n - 1)/(n + 1) the interval is
        symmetric about the prediction.
        """
        level = self.level if level is None else check_level(level)
        prediction, std_err = self._predictor.mean(X)
        half = stats.t.ppf(0.5 + 0.5 * level, self.reference_df) * std_err
        low, high = self._predictor.new_errors(std_err, level)
        columns = {
            "prediction": prediction,
            "std_err": std_err,
            "ci_low": prediction - half,
            "ci_high": prediction + half,
            "pi_low": prediction + low,
            "pi_high": prediction + high,
        }
        return pandas("Summary.predict").DataFrame(columns, index=row_index(X))

    title = "Huber regression"

    def facts(self) -> list[tuple[str, str]]:
        """What the head of the table says of the fit."""
        return [
            ("Observations", f"{self.n:g}"),
            ("Degrees of freedom", f"{self.degrees_of_freedom:g}"),
            (f"Scale ({self.scale_kind})", text.number(self.scale)),
            ("delta", f"{self.delta:.4g}"),
            ("Threshold", text.number(self.threshold)),
            ("Efficiency at the normal", text.share(self.efficiency)),
            ("Beyond the threshold", f"{self.outlier_share:.1%}"),
            ("D² (Huber loss)", f"{self.d2:.4f}"),
            ("Robust R²", f"{self.robust_r2:.4f}"),
            ("Certificate (std errors)", f"{self.optimality:.0e}"),
        ]

    def __repr__(self) -> str:
        return f"Summary(n={self.n:g}, k={len(self.names)}, cov_type={self.cov_type!r})"

    def __str__(self) -> str:
        return text.as_text(self, *self._interval(self.level))

    def _repr_html_(self) -> str:
        return text.as_html(self, *self._interval(self.level))
