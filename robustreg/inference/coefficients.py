"""Coefficients with their covariance: what is tested and shown in tables."""

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
    """Coefficients, their errors, tests and intervals. See ``Summary`` for the attributes."""

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

    # -- tests ---------------------------------------------------------------------------------

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

    def _strings(self) -> Table:
        columns = text.columns(self, *self._interval(self.level))
        return Table(self.names, text.heads(self), columns)
