"""The function ``diagnose``, and its result for a Huber regression."""

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

#: A row deserves a look if its residual exceeds this many scales, its leverage this many times the
#: mean k/n, or its influence this many times 1/sqrt(n) standard errors, the size usual for a row.
NOTABLE = 3.0


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Diagnostics(RowTable):
    """Residuals, weights, leverages and influence of every row. Returned by :func:`diagnose`.

    Attributes
    ----------
    labels : array of shape (n_samples,)
        Index of X or y if one of them has an index, otherwise row numbers from zero.
    names : tuple of str
        Names of the coefficients.
    fitted_values, residuals : ndarray of shape (n_samples,)
        In units of y.
    standardized_residuals : ndarray of shape (n_samples,)
        Residuals divided by the scale. Rows are outliers if this exceeds delta in size.
    weights : ndarray of shape (n_samples,)
        Robustness weights ``min(1, threshold/|residual|)``.
    leverages : ndarray of shape (n_samples,)
        How far a row is from the others in X: ``z (Z'Z)^-1 z'``, between 0 and 1 and k/n on
        average. A Huber fit bounds the influence of residuals, but not that of leverage.
    coefficient_changes : ndarray of shape (n_samples, k)
        Change of the coefficients if one observation of the row is left out. It is computed by a
        refit for the rows of ``exact``, and by one Newton step for the others. NaN if there is no
        Newton step, because the rows within the threshold do not determine the coefficients.
    influence : ndarray of shape (n_samples,)
        The largest of these changes, in standard errors of its coefficient; NaN if they are.
    exact : ndarray of shape (n_samples,) of bool
        Rows for which the model was fitted again without them.
    n : float
        Number of observations: the sum of the frequencies. If the rows are a sample, it is the
        number of observations that the model was fitted to.
    notes : tuple of str
        Warnings that matter for the interpretation; empty for a Huber regression.
    index : pandas Index, or None
        Index of X or y with its names and levels. The DataFrames of this object have it.

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
        """Limits beyond which a standardised residual, leverage or influence deserves a look."""
        return {
            "residual": NOTABLE,
            "leverage": NOTABLE * len(self.names) / self.n,
            "influence": NOTABLE / np.sqrt(self.n),
        }

    @property
    def severity(self) -> Vector:
        """The largest of the three as a multiple of its cutoff, of shape (n_samples,)."""
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
    r"""Compute residuals, robustness weights, leverages and influence of every row.

    Parameters
    ----------
    model : HuberRegressor, MMRegressor or Pipeline
        Fitted model, as for :func:`summarize`.
    X : array-like or sparse matrix of shape (n_samples, n_features)
        The X of ``fit``. For a pipeline, the X that was passed to the pipeline. For a model that
        was fitted to a Dask collection, pass some of its rows, in memory.
    y : array-like of shape (n_samples,)
        The y of ``fit``, or that of these rows.
    sample_weight : array-like of shape (n_samples,), default=None
        The weights passed to ``fit``.
    exact : int, default=0
        Number of rows to leave out exactly: for the rows with the largest one-step influence, the
        model is fitted again without the row. Each of them costs about one fit.
    verbose : int, default=0
        If above zero, show a progress bar for these refits.

    Returns
    -------
    Diagnostics or MMDiagnostics
        For an MM regression, robust distances take the place of leverages and influence.

    Raises
    ------
    TypeError, ValueError
        For the reasons given at :func:`summarize`. ValueError also if ``exact`` is not a
        non-negative integer, or is positive and X contains only some rows of the fit.

    Notes
    -----
    The change without row i is approximated by one Newton step of the equations without that row
    [1]_, :math:`-(J - J_i)^{-1} (\psi_i z_i, \chi_i)`, with J as in :func:`summarize`. The scale is
    estimated again too. For least squares with a given scale, the step is the exact change.

    In other cases the step assumes that the other rows stay on the same side of the threshold. If
    they do not, it is in practice a lower bound. If a single row decides which rows are outliers,
    as can happen with ``scale="mad"``, whose equations can have several solutions, the true change
    can be many times larger. For the phone calls with the MAD it is 8.4 standard errors, and the
    step gives 1.2. Use ``exact`` to compute the changes of the most influential rows. Refits keep
    the delta of the model.

    If X is a sample of m out of n rows, leverages and changes are those among all n rows, estimated
    from the m.

    References
    ----------
    .. [1] R. D. Cook and S. Weisberg, Residuals and Influence in Regression, Chapman and Hall,
       1982.

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
            f"diagnose returns a table with one line per row, here {fitted.design.n_rows}, and "
            "does not load a Dask collection into memory: pass some of its rows, for example "
            "X.partitions[0].compute() and y.partitions[0].compute()."
        )
    if exact and fitted.sampled:
        raise ValueError(
            f"exact={exact} asks for refits without a row, which need all rows that model was "
            "fitted to, and X has only some of them: pass exact=0, or all rows."
        )
    changes = one_step_changes(fitted)
    change_of_units = fitted.to_user()
    errors = np.sqrt(
        np.diag(huber_covariance(fitted, "H1", 0, True).of_combinations(change_of_units))
    )

    def influence(changes: Matrix) -> Vector:
        return np.abs(changes @ change_of_units.T / errors).max(axis=1)

    # NaN sorts last, so it would come first in descending order, and be refitted first.
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
