"""The summary of an MM regression."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from robustreg.estimators.mm import OUTLYING
from robustreg.inference import text
from robustreg.inference.assemble import shared_facts
from robustreg.inference.covariance import CovarianceEstimate
from robustreg.inference.mm_bootstrap import fast_bootstrap
from robustreg.inference.mm_covariance import mm_covariance
from robustreg.inference.mm_fitted import FittedMM, fitted_mm
from robustreg.inference.mm_goodness import explained
from robustreg.inference.options import (
    check_level,
    check_n_bootstrap,
    check_one_of,
    refuse_groups,
)
from robustreg.inference.predictor import Predictor
from robustreg.inference.summary import Summary

__all__ = ["MMSummary", "summarize_mm"]

Vector = NDArray[np.float64]

COVARIANCES = ("avar1", "weighted", "sandwich", "bootstrap")

#: Two minima whose scales differ by less than this share are reported in a note.
CLOSE = 0.01


@dataclass(frozen=True, eq=False, repr=False)
class MMSummary(Summary):
    """Coefficients of an MM regression with standard errors. Returned by :func:`summarize`.

    It has the same methods as :class:`Summary`.

    Attributes
    ----------
    names : tuple of str
        Names of the coefficients: "intercept" if the model has one, then the features.
    coefficients, standard_errors : ndarray of shape (k,)
        In the order of ``names``, in units of y per unit of the feature.
    covariance_matrix : ndarray of shape (k, k)
        Covariance of the coefficients. ``covariance`` is the same as a DataFrame.
    cov_type : str
        Formula of the covariance: avar1, weighted, sandwich or bootstrap.
    description : str
        The formula in words.
    level : float
        Confidence level of the intervals.
    n, degrees_of_freedom : float
        Number of observations, and ``n - k``. The number is the sum of the frequencies, or Kish's
        effective sample size for weights that are not counts.
    reference_df : float
        Degrees of freedom of Student's t for p-values and intervals; ``inf`` if they use the normal
        distribution.
    scale, scale_kind : float, str
        Sigma in units of y, and "S".
    delta, threshold : float
        Residual size from which a row has weight zero, in units of the scale and of y.
    efficiency : float
        Efficiency relative to least squares if the errors are normal.
    outlier_share : float
        Share of the observations whose residual exceeds 2.5 scales.
    d2 : float
        Fraction of the bounded loss explained, compared with the best constant, at the scale of
        the fit.
    robust_r2, adjusted_robust_r2 : float
        Weighted R², corrected to be consistent if the errors are normal [1]_, without and with an
        adjustment for degrees of freedom.
    optimality : float
        Distance to the local minima of the S- and the M-estimate, in standard errors.
    notes : tuple of str
        Warnings about this fit that matter for its interpretation.
    replicates : ndarray of shape (n_replicates, k), or None
        Coefficients of the bootstrap replicates.
    breakdown : float
        Breakdown point: the smallest share of wrong rows that can carry the fit arbitrarily far
        away.
    loss : str
        Family of the loss functions.
    n_starts, n_best_starts : int
        Number of starts of the search for the S-estimate, and how many of them reached the lowest
        scale found.

    References
    ----------
    .. [1] O. Renaud and M.-P. Victoria-Feser, A robust coefficient of determination for regression,
       J. Statist. Plann. Inference 140, 2010, 1852-1862.

    Examples
    --------
    >>> from robustreg import MMRegressor
    >>> from robustreg.datasets import load_stackloss
    >>> from robustreg.inference import summarize
    >>> X, y = load_stackloss(return_X_y=True, as_frame=True)
    >>> summary = summarize(MMRegressor(random_state=0).fit(X, y), X, y)
    >>> summary.table[["coef", "std_err"]].round(3)
                  coef  std_err
    intercept  -41.525    5.298
    air_flow     0.939    0.117
    water_temp   0.580    0.263
    acid_conc   -0.113    0.070
    """

    adjusted_robust_r2: float
    breakdown: float
    loss: str
    n_starts: int
    n_best_starts: int

    title = "MM regression"

    def facts(self) -> list[tuple[str, str]]:
        """Return the entries of the table's head, as pairs of label and value."""
        return [
            ("Observations", f"{self.n:g}"),
            ("Degrees of freedom", f"{self.degrees_of_freedom:g}"),
            ("Scale (S-estimate)", text.number(self.scale)),
            ("Loss", self.loss),
            ("Efficiency (normal data)", text.share(self.efficiency)),
            ("Breakdown point", text.share(self.breakdown)),
            (f"Beyond {OUTLYING:g} scales", f"{self.outlier_share:.1%}"),
            ("Robust R²", f"{self.robust_r2:.4f}"),
            ("Adjusted robust R²", f"{self.adjusted_robust_r2:.4f}"),
            ("Starts at best fit", f"{self.n_best_starts} of {self.n_starts}"),
            ("Certificate (std errors)", f"{self.optimality:.0e}"),
        ]

    def __repr__(self) -> str:
        return f"MMSummary(n={self.n:g}, k={len(self.names)}, cov_type={self.cov_type!r})"


@dataclass(frozen=True)
class NormalPredictor(Predictor):
    """Predict with normal errors, for new observations that are not outliers.

    The errors have the scale of the fit, as in R's ``predict.lmrob``. Their distribution is not
    taken from the residuals, because up to half of these may belong to wrong rows.
    """

    reference_df: float

    def new_errors(self, std_err: Vector, level: float) -> tuple[Vector, Vector]:
        """Return the limits of a new observation, relative to its prediction."""
        quantile = stats.t.ppf(0.5 + 0.5 * level, self.reference_df)
        half = quantile * np.hypot(std_err, float(self.model.scale_))
        return -half, half


def summarize_mm(
    model: Any,
    X: Any,
    y: ArrayLike,
    sample_weight: ArrayLike | None,
    *,
    cov_type: str | None,
    level: float,
    groups: ArrayLike | None,
    use_t: bool,
    n_bootstrap: int,
    random_state: Any,
) -> MMSummary:
    """Do what :func:`summarize` does, for an ``MMRegressor``."""
    kind = "avar1" if cov_type is None else cov_type
    level = check_level(level)
    check_one_of("cov_type", kind, COVARIANCES, " for an MMRegressor")
    check_one_of("use_t", use_t, (True, False))
    number = check_n_bootstrap(n_bootstrap)
    if kind != "bootstrap":
        refuse_groups(groups, kind, '"bootstrap"')
    fitted = fitted_mm(model, X, y, sample_weight)
    if kind == "bootstrap":
        estimate = fast_bootstrap(
            fitted, n_bootstrap=number, groups=groups, random_state=random_state
        )
    else:
        estimate = mm_covariance(fitted, kind)
    return _summary(fitted, estimate, kind, level, bool(use_t))


def _summary(
    fitted: FittedMM, estimate: CovarianceEstimate, kind: str, level: float, use_t: bool
) -> MMSummary:
    model, facts = fitted.model, shared_facts(fitted, estimate, kind, level, use_t)
    r2, adjusted, d2 = explained(fitted)
    outlying = (np.abs(fitted.standardized) > OUTLYING).astype(np.float64)
    return MMSummary(
        **facts,
        scale_kind="S",
        efficiency=float(model.efficiency),
        outlier_share=fitted.mean(outlying),
        d2=d2,
        robust_r2=r2,
        notes=(*estimate.notes, *_notes_on_starts(model)),
        _predictor=NormalPredictor(
            model, fitted.prepare, fitted.design.units, estimate, facts["reference_df"]
        ),
        adjusted_robust_r2=adjusted,
        breakdown=float(model.breakdown),
        loss=str(model.loss),
        n_starts=int(model.n_starts_),
        n_best_starts=int(model.n_best_starts_),
    )


def _notes_on_starts(model: Any) -> tuple[str, ...]:
    notes = []
    if model.n_starts_ > 1 and model.n_best_starts_ == 1:
        notes.append(
            f"Only one of {model.n_starts_} starts reached the lowest scale, so there may be a "
            "lower one. Fit again with a larger n_subsets and another random_state."
        )
    if model._runner_up <= 1.0 + CLOSE:
        notes.append(
            "A second local minimum has a scale within 1 % of the lowest: two different fits "
            "describe the data almost equally well."
        )
    return tuple(notes)
