"""What is known about the coefficients of a fit: the result of ``summarize``."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from robustreg.inference import text
from robustreg.inference.frames import pandas, row_index
from robustreg.inference.options import check_level
from robustreg.inference.predictor import Predictor
from robustreg.inference.tables import Table, Tabular
from robustreg.inference.wald import WaldTest, hypotheses, tested

__all__ = ["Summary"]

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]


@dataclass(frozen=True, eq=False, repr=False)
class Summary(Tabular):
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
        Number of observations, the sum of the frequencies.
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

    names: tuple[str, ...]
    coefficients: Vector
    standard_errors: Vector
    covariance_matrix: Matrix
    cov_type: str
    description: str
    level: float
    n: float
    degrees_of_freedom: float
    reference_df: float
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
    replicates: Matrix | None
    _predictor: Predictor = field(repr=False)

    def __post_init__(self) -> None:
        arrays = (self.coefficients, self.standard_errors, self.covariance_matrix, self.replicates)
        for array in arrays:
            if array is not None:
                array.flags.writeable = False

    # -- the table --------------------------------------------------------------------------------

    @property
    def t(self) -> Vector:
        """Coefficients in units of their standard errors, of shape (k,)."""
        return self.coefficients / self.standard_errors

    @property
    def p_values(self) -> Vector:
        """Two-sided p of the hypothesis that a coefficient is zero, of shape (k,)."""
        return 2.0 * stats.t.sf(np.abs(self.t), self.reference_df)

    @property
    def table(self) -> Any:
        """Frame indexed by ``names``: coef, std_err, t, p_value, ci_low, ci_high.

        A new frame each time: to change it changes nothing here.
        """
        low, high = self._interval(self.level)
        columns = {
            "coef": self.coefficients,
            "std_err": self.standard_errors,
            "t": self.t,
            "p_value": self.p_values,
            "ci_low": low,
            "ci_high": high,
        }
        return self._frame("Summary.table", columns)

    @property
    def covariance(self) -> Any:
        """Covariance of the coefficients, a frame with ``names`` on both sides."""
        pd = pandas("Summary.covariance")
        return pd.DataFrame(self.covariance_matrix.copy(), index=self.names, columns=self.names)

    def confidence_interval(self, level: float | None = None, *, method: str = "std_err") -> Any:
        """Intervals for the coefficients.

        Parameters
        ----------
        level : float in (0, 1), default=None
            Confidence level; None takes that of the summary.
        method : {"std_err", "percentile"}, default="std_err"
            Coefficients plus and minus a multiple of their standard errors, or the percentiles of
            the bootstrap's replicates.

        Returns
        -------
        DataFrame of shape (k, 2)
            Indexed by ``names``, with columns ci_low and ci_high.

        Raises
        ------
        ValueError
            If ``level`` is not between 0 and 1, or if there are no replicates to take percentiles
            of.
        """
        level = self.level if level is None else check_level(level)
        if method not in ("std_err", "percentile"):
            raise ValueError(f'method must be "std_err" or "percentile", got {method!r}.')
        low, high = self._interval(level) if method == "std_err" else self._percentiles(level)
        columns = {"ci_low": low, "ci_high": high}
        return self._frame("Summary.confidence_interval", columns)

    def _interval(self, level: float) -> tuple[Vector, Vector]:
        half = stats.t.ppf(0.5 + 0.5 * level, self.reference_df) * self.standard_errors
        return self.coefficients - half, self.coefficients + half

    def _percentiles(self, level: float) -> tuple[Vector, Vector]:
        if self.replicates is None:
            raise ValueError(
                f'method="percentile" needs replicates, and cov_type is {self.cov_type!r}: call '
                'summarize with cov_type="bootstrap".'
            )
        tail = 0.5 * (1.0 - level)
        low, high = np.quantile(self.replicates, [tail, 1.0 - tail], axis=0)
        return low, high

    def _frame(self, caller: str, columns: dict[str, Vector]) -> Any:
        return pandas(caller).DataFrame(columns, index=list(self.names))

    # -- tests and predictions --------------------------------------------------------------------

    def wald_test(self, R: Any, r: ArrayLike | None = None) -> WaldTest:
        """Test several linear hypotheses ``R b = r`` together.

        Parameters
        ----------
        R : array-like of shape (q, k) or (k,), str, or array-like of str
            One row a hypothesis, columns in the order of ``names``; or the names of coefficients
            that all equal ``r`` under the hypothesis; or equations in these names, as
            ``"urban = poverty"`` or ``["hs_grad = 0", "2 * a - b = 1"]``, which formulaic reads
            (``pip install robustreg[formula]``). Names that are no words may stand in backticks.
        r : float or array-like of shape (q,), default=None
            Right-hand side; None for zeros, and with equations.

        Returns
        -------
        WaldTest
            By F with ``reference_df`` as its second degrees of freedom, or by chi-squared where
            these are infinite.

        Raises
        ------
        ValueError
            If R or r have the wrong shape or are not finite, a name is unknown or that of two
            coefficients, an equation cannot be read, or hypotheses depend on one another.
        ImportError
            If R has equations, and formulaic is not installed.

        Notes
        -----
        With the sandwich the test rejects too often where q is large: 8 to 10 % of true hypotheses
        at the level of 5 % with q = 6 and n = 50 to 100.

        Examples
        --------
        >>> from robustreg import HuberRegressor
        >>> from robustreg.datasets import load_stackloss
        >>> from robustreg.inference import summarize
        >>> X, y = load_stackloss(return_X_y=True)
        >>> print(summarize(HuberRegressor().fit(X, y), X, y).wald_test(["x1", "x2"]))
        F(2, 17) = 4.925, p = 0.021
        """
        matrix, values = hypotheses(R, r, self.names)
        return tested(matrix, values, self.coefficients, self.covariance_matrix, self.reference_df)

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

    # -- text -------------------------------------------------------------------------------------

    def _strings(self) -> Table:
        columns = text.columns(self, *self._interval(self.level))
        return Table(self.names, text.heads(self), columns)

    def __repr__(self) -> str:
        return f"Summary(n={self.n:g}, k={len(self.names)}, cov_type={self.cov_type!r})"

    def __str__(self) -> str:
        return text.as_text(self, *self._interval(self.level))

    def _repr_html_(self) -> str:
        return text.as_html(self, *self._interval(self.level))
