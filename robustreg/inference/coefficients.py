"""Coefficients with their covariance: tests, intervals and tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from robustreg.inference import text
from robustreg.inference.frames import pandas
from robustreg.inference.options import check_level
from robustreg.inference.tables import Table, Tabular
from robustreg.inference.wald import WaldTest, hypotheses, tested

__all__ = ["CoefficientTable"]

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]


@dataclass(frozen=True, eq=False, repr=False)
class CoefficientTable(Tabular):
    """Coefficients with standard errors, tests and intervals. ``Summary`` lists the attributes."""

    names: tuple[str, ...]
    coefficients: Vector
    standard_errors: Vector
    covariance_matrix: Matrix
    cov_type: str
    level: float
    reference_df: float
    replicates: Matrix | None

    def __post_init__(self) -> None:
        arrays = (self.coefficients, self.standard_errors, self.covariance_matrix, self.replicates)
        for array in arrays:
            if array is not None:
                array.flags.writeable = False

    # -- the table --------------------------------------------------------------------------------

    @property
    def t(self) -> Vector:
        """Coefficients divided by their standard errors, of shape (k,)."""
        return self.coefficients / self.standard_errors

    @property
    def p_values(self) -> Vector:
        """Two-sided p-values of the hypotheses that a coefficient is zero, of shape (k,)."""
        return 2.0 * stats.t.sf(np.abs(self.t), self.reference_df)

    @property
    def table(self) -> Any:
        """DataFrame with index ``names``: coef, std_err, t, p_value, ci_low, ci_high.

        Each access returns a new DataFrame. Changing it does not change the summary.
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
        """Covariance of the coefficients, a DataFrame with ``names`` as index and columns."""
        pd = pandas("Summary.covariance")
        return pd.DataFrame(self.covariance_matrix.copy(), index=self.names, columns=self.names)

    def confidence_interval(self, level: float | None = None, *, method: str = "std_err") -> Any:
        """Compute confidence intervals for the coefficients.

        Parameters
        ----------
        level : float in (0, 1), default=None
            Confidence level. None means the level of the summary.
        method : {"std_err", "percentile"}, default="std_err"
            ``"std_err"``: coefficient plus and minus a multiple of its standard error.
            ``"percentile"``: percentiles of the bootstrap replicates.

        Returns
        -------
        DataFrame of shape (k, 2)
            With index ``names`` and columns ci_low and ci_high.

        Raises
        ------
        ValueError
            If ``level`` is not between 0 and 1, if ``method`` is unknown, or if percentiles are
            requested and the summary has no bootstrap replicates.
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

    # -- tests ---------------------------------------------------------------------------------

    def wald_test(self, R: Any, r: ArrayLike | None = None) -> WaldTest:
        """Test several linear hypotheses ``R b = r`` together.

        Parameters
        ----------
        R : array-like of shape (q, k) or (k,), str, or array-like of str
            The hypotheses, in one of three forms:

            - numbers: one row per hypothesis, with columns in the order of ``names``;
            - names of coefficients, which all equal ``r`` under the hypothesis;
            - equations in these names, such as ``"urban = poverty"`` or
              ``["hs_grad = 0", "2 * a - b = 1"]``. They need formulaic
              (``pip install robustreg[formula]``). Put names that are not Python identifiers in
              backticks.
        r : float or array-like of shape (q,), default=None
            Right-hand side. None means zeros. Leave it out if R contains equations.

        Returns
        -------
        WaldTest
            An F test with ``reference_df`` denominator degrees of freedom, or a chi-squared test if
            ``reference_df`` is infinite.

        Raises
        ------
        ValueError
            If R or r has the wrong shape or is not finite; if a name is unknown or belongs to two
            coefficients; if an equation cannot be read; if the hypotheses are linearly dependent.
        ImportError
            If R contains equations and formulaic is not installed.

        Notes
        -----
        With the sandwich, the test rejects too often if q is large: in simulations with q = 6 and
        n = 50 to 100, it rejected 8 to 10 % of true hypotheses at the 5 % level.

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

    def _strings(self) -> Table:
        columns = text.columns(self, *self._interval(self.level))
        return Table(self.names, text.heads(self), columns)
