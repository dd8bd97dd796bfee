"""Which rows decide a fit, and which deserve a look."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from robustreg.inference.covariance import huber_covariance
from robustreg.inference.fitted import FittedRegression, fitted_regression
from robustreg.inference.frames import row_index, row_labels
from robustreg.inference.influence import exact_changes, one_step_changes
from robustreg.inference.leverage import leverages
from robustreg.inference.mm_diagnostics import MMDiagnostics, diagnose_mm
from robustreg.inference.mm_fitted import is_mm
from robustreg.inference.options import check_whole_number
from robustreg.inference.row_table import RowTable

__all__ = ["Diagnostics", "diagnose"]

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]
Indices = NDArray[np.intp]

#: What deserves a look: residuals beyond this many scales, leverages beyond this many times their
#: mean k/n, and coefficients moved by this many times a row's usual share, 1/sqrt(n), of an error.
NOTABLE = 3.0


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Diagnostics(RowTable):
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
        Change of the coefficients when one observation of the row is left out: by a refit for the
        rows of ``exact``, else by one Newton step. NaN where the rows within the threshold do not
        determine the coefficients: there is no Newton step.
    influence : ndarray of shape (n_samples,)
        The largest of these changes, in standard errors of its coefficient; NaN as they.
    exact : ndarray of shape (n_samples,) of bool
        Rows for which the fit has been computed without them.
    n : float
        Number of observations, the sum of the frequencies; where the rows are a sample, of those
        that they stand for.
    notes : tuple of str
        What a reader must know; none for a Huber regression.
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

    names: tuple[str, ...]
    leverages: Vector
    coefficient_changes: Matrix
    influence: Vector
    exact: NDArray[np.bool_]
    n: float

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

    def _further_columns(self) -> dict[str, NDArray]:
        return {"leverage": self.leverages, "influence": self.influence}

    def _reasons(self, rows: Indices) -> dict[str, list[str]]:
        names, ratios = np.array(list(self.cutoffs)), self._ratios()
        return {"reasons": [", ".join(names[ratios[:, row] > 1.0]) for row in rows]}

    def __repr__(self) -> str:
        count = int(np.count_nonzero(self.severity > 1.0))
        return f"Diagnostics({self.residuals.size} rows, {count} deserve a look)"


def diagnose(
    model: Any,
    X: Any,
    y: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    exact: int = 0,
    verbose: int = 0,
) -> Diagnostics | MMDiagnostics:
    r"""Residuals, robustness weights, leverages and influence of every row.

    Parameters
    ----------
    model : HuberRegressor, MMRegressor or Pipeline
        As for :func:`summarize`.
    X : array-like or sparse matrix of shape (n_samples, n_features)
        The X of ``fit``; for a pipeline, as the pipeline takes it. For a model that was fitted to a
        Dask collection some of its rows will do, in memory.
    y : array-like of shape (n_samples,)
        The y of ``fit``, or of these rows.
    sample_weight : array-like of shape (n_samples,), default=None
        The weights passed to ``fit``.
    exact : int, default=0
        Number of rows, those of the largest one-step influence, for which the model is fitted again
        without them. Each takes about as long as a fit.
    verbose : int, default=0
        Above zero, these refits show a progress bar.

    Returns
    -------
    Diagnostics or MMDiagnostics
        Of an MM regression with robust distances in place of leverages and influence.

    Raises
    ------
    TypeError, ValueError
        As :func:`summarize`. ValueError, too, if ``exact`` is no whole number from zero or if rows
        are to be left out of a sample, which alone is no fit.

    Notes
    -----
    Leaving row i out changes the coefficients by one Newton step of the equations without it,
    :math:`-(J - J_i)^{-1} (\psi_i z_i, \chi_i)`, with J as in :func:`summarize`, the scale
    included: it is estimated anew as well. For least squares with a given scale that is the exact
    change.

    Elsewhere the step takes the other rows to stay on their sides of the threshold, and the value
    is a lower bound in practice where they do not: where one row decides which rows are outliers,
    as with ``scale="mad"``, whose solutions can be several, the change can be many times as large.
    On the phone calls with the MAD it is 7 times as large, 8.4 standard errors for 1.2. ``exact``
    says so for the rows that matter. Refits keep the delta of the model.

    A sample of m of n rows stands for all: leverages and changes are what the rows have among n,
    estimated from the m.

    References
    ----------
    R. D. Cook and S. Weisberg, Residuals and Influence in Regression, Chapman and Hall, 1982.

    Examples
    --------
    >>> from robustreg import HuberRegressor
    >>> from robustreg.datasets import load_stars
    >>> from robustreg.inference import diagnose
    >>> X, y = load_stars(return_X_y=True)
    >>> found = diagnose(HuberRegressor().fit(X, y), X, y, exact=4).rows_to_check(4)
    >>> found.index.to_list(), found["reasons"].iloc[0]
    ([29, 33, 10, 19], 'leverage, influence')
    """
    if is_mm(model):
        return diagnose_mm(model, X, y, sample_weight)
    check_whole_number("exact", exact)
    fitted = fitted_regression(model, X, y, sample_weight, may_be_sample=True)
    if not fitted.design.in_memory:
        raise ValueError(
            f"diagnose makes a table of every row, here {fitted.design.n_rows}, and a Dask "
            "collection of that size is not loaded: pass some of its rows, as "
            "X.partitions[0].compute() and y.partitions[0].compute(), which stand for all."
        )
    if exact and fitted.sampled:
        raise ValueError(
            f"exact={exact} asks for refits without a row, and X has some rows of those that model "
            "was fitted to: pass exact=0, or all of them."
        )
    changes = one_step_changes(fitted)
    change_of_units = fitted.to_user()
    errors = np.sqrt(
        np.diag(huber_covariance(fitted, "H1", 0, True).of_combinations(change_of_units))
    )

    def influence(changes: Matrix) -> Vector:
        return np.abs(changes @ change_of_units.T / errors).max(axis=1)

    # NaN sorts last, and first once turned around: those are no rows to refit before others.
    one_step = np.nan_to_num(influence(changes), nan=0.0)
    worst = np.argsort(-one_step, kind="stable")[:exact]
    worst = worst[fitted.frequencies[worst] > 0.0]
    changes[worst] = exact_changes(fitted, worst, verbose)
    return _diagnostics(fitted, X, y, changes, influence(changes), worst)


def _diagnostics(
    fitted: FittedRegression, X: Any, y: Any, changes: Matrix, influence: Vector, exact: Indices
) -> Diagnostics:
    unit, rows = fitted.design.units.response_scale, fitted.residuals
    residuals = rows.u * fitted.scale
    return Diagnostics(
        labels=row_labels(X, y, fitted.design.n_rows),
        names=fitted.names,
        fitted_values=fitted.response * unit - residuals,
        residuals=residuals,
        standardized_residuals=rows.u.copy(),
        weights=rows.weight,
        leverages=leverages(fitted),
        coefficient_changes=changes @ fitted.to_user().T * unit,
        influence=influence,
        exact=np.isin(np.arange(influence.size), exact),
        n=fitted.n,
        index=row_index(X, y),
    )
