"""Which rows decide a fit, and which deserve a look."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from robustreg.inference.covariance import huber_covariance, normal_equations
from robustreg.inference.equations import UndeterminedError
from robustreg.inference.fitted import FittedRegression, fitted_regression
from robustreg.inference.frames import pandas, row_index, row_labels
from robustreg.inference.mm_diagnostics import MMDiagnostics, diagnose_mm
from robustreg.inference.mm_fitted import is_mm
from robustreg.inference.sandwich import Whitened, whiten
from robustreg.losses import Huber
from robustreg.tuning import kappa

__all__ = ["Diagnostics", "diagnose"]

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]

#: What deserves a look: residuals beyond this many scales, leverages beyond this many times their
#: mean k/n, and coefficients moved by this many times a row's usual share, 1/sqrt(n), of an error.
NOTABLE = 3.0

#: Below it 1 - h counts as zero: the row alone determines a coefficient, and its change is
#: unbounded.
LEAST_REMAINDER = 1e-8


@dataclass(frozen=True, eq=False, repr=False)
class Diagnostics:
    """Residuals, weights, leverages and influence of every row. Made by :func:`diagnose`.

    Attributes
    ----------
    labels : array of shape (n_samples,)
        The index of X or y where they have one, else row numbers from zero.
    names : tuple of str
        Of the coefficients.
    fitted_values, residuals : ndarray of shape (n_samples,)
        In units of y.
    standardized_residuals : ndarray of shape (n_samples,)
        Residuals divided by the scale: beyond delta they are outliers.
    weights : ndarray of shape (n_samples,)
        Robustness weights ``min(1, threshold/|residual|)``.
    leverages : ndarray of shape (n_samples,)
        ``z (Z'Z)^-1 z'``, between 0 and 1, k/n on average: how far a row is from the others in X. A
        Huber fit bounds the influence of residuals, not of leverage.
    coefficient_changes : ndarray of shape (n_samples, k)
        One-step change of the coefficients when one observation of the row is left out. NaN where
        the rows within the threshold do not determine the coefficients: there is no Newton step.
    influence : ndarray of shape (n_samples,)
        The largest of these changes, in standard errors of its coefficient; NaN as they.
    n : float
        Number of observations, the sum of the frequencies.
    index : pandas Index, or None
        That of X or y, with its name and levels: of the frames.

    Examples
    --------
    >>> from robustreg import HuberRegressor
    >>> from robustreg.datasets import load_stackloss
    >>> from robustreg.inference import diagnose
    >>> X, y = load_stackloss(return_X_y=True, as_frame=True)
    >>> diagnose(HuberRegressor(scale="mad").fit(X, y), X, y).rows_to_check(2).index.to_list()
    [20, 0]
    """

    labels: NDArray
    names: tuple[str, ...]
    fitted_values: Vector
    residuals: Vector
    standardized_residuals: Vector
    weights: Vector
    leverages: Vector
    coefficient_changes: Matrix
    influence: Vector
    n: float
    index: Any = None

    @property
    def cutoffs(self) -> dict[str, float]:
        """Beyond which a standardised residual, a leverage and an influence deserve a look."""
        return {
            "residual": NOTABLE,
            "leverage": NOTABLE * len(self.names) / self.n,
            "influence": NOTABLE / np.sqrt(self.n),
        }

    @property
    def severity(self) -> Vector:
        """The largest of the three in units of its cutoff, of shape (n_samples,)."""
        return np.nanmax(self._ratios(), axis=0)

    def _ratios(self) -> Matrix:
        values = (np.abs(self.standardized_residuals), self.leverages, self.influence)
        cutoffs = self.cutoffs.values()
        return np.array([value / cutoff for value, cutoff in zip(values, cutoffs, strict=True)])

    @property
    def table(self) -> Any:
        """Frame of all rows in their order, indexed by their labels."""
        columns = {
            "fitted": self.fitted_values,
            "residual": self.residuals,
            "standardized": self.standardized_residuals,
            "weight": self.weights,
            "leverage": self.leverages,
            "influence": self.influence,
        }
        index = self.labels if self.index is None else self.index
        return pandas("Diagnostics.table").DataFrame(columns, index=index)

    def rows_to_check(self, n: int = 10) -> Any:
        """The rows that deserve a look, worst first.

        Parameters
        ----------
        n : int, default=10
            At most so many.

        Returns
        -------
        DataFrame
            The lines of ``table``, with the reasons: "residual", "leverage" or "influence".

        Raises
        ------
        ValueError
            If ``n`` is not a whole number from zero.
        """
        if not isinstance(n, Integral) or isinstance(n, bool) or n < 0:
            raise ValueError(f"n must be a whole number from zero, got {n!r}.")
        ratios = self._ratios()
        reasons = np.array(list(self.cutoffs))
        severity = self.severity
        order = np.argsort(-severity, kind="stable")[:n]
        order = order[severity[order] > 1.0]
        found = self.table.iloc[order].copy()
        found["reasons"] = [", ".join(reasons[ratios[:, row] > 1.0]) for row in order]
        return found

    def __repr__(self) -> str:
        count = int(np.count_nonzero(self.severity > 1.0))
        return f"Diagnostics({self.residuals.size} rows, {count} deserve a look)"

    def __str__(self) -> str:
        rows = self.rows_to_check()
        if rows.empty:
            return repr(self)
        # All columns, however narrow the terminal: the reasons are what is looked for.
        return f"{self!r}\n{rows.to_string(float_format='{:.4g}'.format)}"

    def _repr_html_(self) -> str:
        rows = self.rows_to_check()
        table = "" if rows.empty else rows.to_html(float_format="{:.4g}".format, border=0)
        return f"<div><p>{escape(repr(self))}</p>{table}</div>"


def diagnose(
    model: Any, X: Any, y: ArrayLike, *, sample_weight: ArrayLike | None = None
) -> Diagnostics | MMDiagnostics:
    r"""Residuals, robustness weights, leverages and influence of every row.

    Parameters
    ----------
    model : HuberRegressor, MMRegressor or Pipeline
        As for :func:`summarize`.
    X : array-like or sparse matrix of shape (n_samples, n_features)
        The X of ``fit``; for a pipeline, as the pipeline takes it.
    y : array-like of shape (n_samples,)
        The y of ``fit``.
    sample_weight : array-like of shape (n_samples,), default=None
        The frequencies passed to ``fit``.

    Returns
    -------
    Diagnostics or MMDiagnostics
        Of an MM regression with robust distances in place of leverages and influence.

    Raises
    ------
    TypeError, ValueError
        As :func:`summarize`.

    Notes
    -----
    Leaving row i out changes the coefficients by one Newton step of the equations without it,
    :math:`-(J - J_i)^{-1} (\psi_i z_i, \chi_i)`, with J as in :func:`summarize`, the scale
    included: it is estimated anew as well. For least squares with a given scale that is the exact
    change.

    References
    ----------
    R. D. Cook and S. Weisberg, Residuals and Influence in Regression, Chapman and Hall, 1982.

    Examples
    --------
    >>> from robustreg import HuberRegressor
    >>> from robustreg.datasets import load_stars
    >>> from robustreg.inference import diagnose
    >>> X, y = load_stars(return_X_y=True)
    >>> found = diagnose(HuberRegressor().fit(X, y), X, y).rows_to_check(4)
    >>> found.index.to_list(), found["reasons"].iloc[0]
    ([29, 33, 10, 19], 'leverage, influence')
    """
    if is_mm(model):
        return diagnose_mm(model, X, y, sample_weight)
    fitted = fitted_regression(model, X, y, sample_weight)
    if not fitted.design.in_memory:
        raise ValueError(
            f"diagnose makes a table of every row, here {fitted.design.n_rows}, and a Dask "
            "collection of that size is not loaded: pass a sample with compute()."
        )
    transform = normal_equations(fitted, None)[0]
    leverages = fitted.rows.map(lambda z: ((z @ transform) ** 2).sum(axis=1))
    try:
        changes = _coefficient_changes(fitted, whiten(fitted))
    except UndeterminedError:
        changes = np.full((fitted.design.n_rows, fitted.n_parameters), np.nan)
    unit = fitted.design.units.response_scale
    change = fitted.to_user()
    matrix = huber_covariance(fitted, "H1", 0, "auto").of_combinations(change)
    changes_in_units = changes @ change.T
    residuals = fitted.standardized * fitted.scale
    return Diagnostics(
        labels=row_labels(X, y, fitted.design.n_rows),
        names=fitted.names,
        fitted_values=fitted.response * unit - residuals,
        residuals=residuals,
        standardized_residuals=fitted.standardized.copy(),
        weights=np.asarray(Huber(fitted.delta).weight(fitted.standardized), dtype=np.float64),
        leverages=leverages,
        coefficient_changes=changes_in_units * unit,
        influence=np.abs(changes_in_units / np.sqrt(np.diag(matrix))).max(axis=1),
        n=fitted.n,
        index=row_index(X, y),
    )


def _coefficient_changes(fitted: FittedRegression, white: Whitened) -> Matrix:
    """Changes of theta in working units, of shape (n, k).

    J_i is U V' with U = (z, g) and V = psi' (z, u), so that (Sherman and Morrison)
    (J - U V')^-1 s = J^-1 s + J^-1 U (V'J^-1 s) / (1 - V'J^-1 U). The MAD's equation is left whole:
    one
    row does not move a density estimate.
    """
    inverse = white.bread.inverse().T
    k, equation, u = fitted.n_parameters, white.equation, fitted.standardized
    zeros = np.zeros_like(u)
    if equation is None:
        score, beside, slope = zeros, zeros, zeros
    else:
        joint = fitted.scale_kind == "joint"
        # Leaving out a row takes kappa from the right-hand side of sigma's equation.
        score = 0.5 * fitted.psi**2 - kappa(fitted.delta) if joint else equation.score
        beside, slope = u, equation.slope if joint else zeros

    def function(z: Matrix, psi: Vector, inside: Vector, *last: Vector) -> Matrix:
        columns = (psi[:, None] * z, inside[:, None] * z, z)
        S, V, U = (
            block if equation is None else np.column_stack((block, side))
            for block, side in zip(columns, last, strict=True)
        )
        step, along = S @ inverse, U @ inverse
        remainder = np.maximum(1.0 - (V * along).sum(axis=1), LEAST_REMAINDER)
        correction = (V * step).sum(axis=1) / remainder
        return -(step + correction[:, None] * along)[:, :k]

    counted = (fitted.frequencies > 0.0)[:, None]
    changes = white.rows.map(
        function, fitted.psi, fitted.inside, score, fitted.inside * beside, slope
    )
    return counted * (changes @ (fitted.working_scale * white.back).T)
