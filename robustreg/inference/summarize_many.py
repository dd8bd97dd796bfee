"""The function ``summarize_many``: standard errors and tests of all responses of a fit."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from robustreg.inference.covariance import Coupling
from robustreg.inference.fitted_responses import CovarianceKind, FittedResponses, ResponseErrors
from robustreg.inference.frames import pandas
from robustreg.inference.moderated import fitted_prior
from robustreg.inference.options import check_level, check_one_of
from robustreg.inference.sandwich import MANY_ROWS

__all__ = ["summarize_many"]

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]

#: The names of covariances, and what the general names stand for.
COVARIANCES = {
    **{name: name for name in ("H1", "H2", "H3", "HC0", "HC1", "HC2", "HC3", "CR1", "CR3")},
    "huber": "H1",
    "sandwich": "sandwich",
    "cluster": "CR3",
}


def summarize_many(
    model: Any,
    X: Any,
    Y: Any,
    *,
    sample_weight: ArrayLike | None = None,
    cov_type: str = "huber",
    level: float = 0.95,
    groups: ArrayLike | None = None,
    use_t: bool = True,
    ddof: int = 0,
    scale_coupling: Coupling = True,
    moderated: bool = False,
    adjust: Literal["bh", "by"] | None = "bh",
) -> Any:
    """Compute standard errors, tests and intervals for every response of a fit.

    Each response gets the same numbers as from :func:`summarize` for a fit to it alone. They are
    computed for blocks of responses together, which is much faster.

    Parameters
    ----------
    model : HuberRegressor or Pipeline
        Fitted with ``alpha=0`` to y of shape (n_samples, n_targets), or a pipeline that ends with
        such a model.
    X : array-like or sparse matrix of shape (n_samples, n_features)
        The X of ``fit``, as the pipeline accepts it.
    Y : array-like or Dask array of shape (n_samples, n_targets)
        The y of ``fit``. NaN is a missing value if the model has ``missing="omit"``.
    sample_weight : array-like of shape (n_samples,), default=None
        The frequencies passed to ``fit``.
    cov_type : str, default="huber"
        The covariance of the coefficients. See :func:`summarize` for what each assumes.

        - ``"huber"`` or ``"H1"``, ``"H2"``, ``"H3"``: independent errors with the same
          distribution;
        - ``"sandwich"``: independent errors whose spread may depend on x. This is ``"HC3"``, or
          ``"HC1"`` if there are at least 1,000 observations per coefficient. ``"HC0"`` and
          ``"HC2"`` can be chosen too;
        - ``"cluster"``: errors that are dependent within ``groups``. This is ``"CR3"``, the
          jackknife over groups. ``"CR1"`` can be chosen too.

        The bootstrap is not available, because it would fit all responses many times.
    level : float in (0, 1), default=0.95
        Confidence level of the intervals.
    groups : array-like of shape (n_samples,), default=None
        Labels of the groups for ``"cluster"``.
    use_t : bool, default=True
        Whether p-values and intervals use Student's t with n - k degrees of freedom, or the number
        of groups minus one. If False, they use the normal distribution.
    ddof : {0, 1}, default=0
        Degrees of freedom of the variance of psi' in Huber's correction, as in :func:`summarize`.
    scale_coupling : {"auto", True, False}, default=True
        Whether Huber's formulas include the error of the scale in the intercept's standard error,
        as in :func:`summarize`.
    moderated : bool, default=False
        Whether to shrink the squared scales of the responses towards a common value before tests
        and intervals are computed (Smyth [1]_). This adds degrees of freedom, which helps if there
        are few observations per response. It needs Huber's formulas, at least two responses, and
        ``use_t=True``.
    adjust : {"bh", "by", None}, default="bh"
        How to adjust the p-values of each term over all responses. Rejecting where the adjusted
        value is at most q keeps the false discovery rate at q: ``"bh"`` (Benjamini and Hochberg
        [2]_) for independent or positively dependent tests, ``"by"`` (Benjamini and Yekutieli
        [3]_) for any dependence. None leaves the column out.

    Returns
    -------
    pandas.DataFrame
        A row for each response and term, in the order of the responses, with the columns
        ``response`` (name of the column of Y, or its number), ``term`` ("intercept", or name of the
        feature), ``coef``, ``std_err``, ``t``, ``p_value``, ``ci_low``, ``ci_high`` and
        ``p_adjusted``. ``attrs`` has ``cov_type`` and ``level``, and with ``moderated=True``
        ``prior_df`` and ``prior_scale``.

    Raises
    ------
    TypeError
        If the model is not a Huber regressor of this library.
    ValueError
        If an option is unknown; if the model has one response or ``alpha > 0``, or was fitted to
        other data or weights; if X has dependent columns, or no more rows than columns.

    Warns
    -----
    UndeterminedWarning
        If standard errors of some responses cannot be computed: the response is fitted exactly, or
        has too few observations, or too few of them lie within the threshold. The rows of these
        responses have NaN.

    See Also
    --------
    summarize : One response, with notes, predictions and tests of hypotheses.

    References
    ----------
    .. [1] G. K. Smyth, Linear models and empirical Bayes methods for assessing differential
       expression in microarray experiments, Stat. Appl. Genet. Mol. Biol. 3, 2004, article 3.
    .. [2] Y. Benjamini and Y. Hochberg, J. R. Stat. Soc. B 57, 1995, 289-300.
    .. [3] Y. Benjamini and D. Yekutieli, Annals of Statistics 29, 2001, 1165-1188.

    Examples
    --------
    Fifty responses, of which the first five depend on the treatment:

    >>> import numpy as np
    >>> from robustreg import HuberRegressor
    >>> from robustreg.inference import summarize_many
    >>> rng = np.random.default_rng(0)
    >>> treated = np.repeat([0.0, 1.0], 20).reshape(-1, 1)
    >>> Y = rng.standard_normal((40, 50))
    >>> Y[:, :5] += 2.0 * treated
    >>> model = HuberRegressor().fit(treated, Y)
    >>> table = summarize_many(model, treated, Y)
    >>> table.query("term == 'x0' and p_adjusted < 0.05")["response"].tolist()
    [0, 1, 2, 3, 4]
    """
    pd = pandas("summarize_many")
    check_one_of("cov_type", cov_type, tuple(COVARIANCES))
    level = check_level(level)
    check_one_of("use_t", use_t, (True, False))
    check_one_of("ddof", ddof, (0, 1))
    check_one_of("scale_coupling", scale_coupling, ("auto", True, False))
    check_one_of("moderated", moderated, (True, False))
    if adjust is not None:
        check_one_of("adjust", adjust, ("bh", "by", None))
    data = FittedResponses(model, X, Y, sample_weight)
    kind = COVARIANCES[cov_type]
    if kind == "sandwich":
        kind = "HC1" if data.total_weight >= MANY_ROWS * data.rows.n_parameters else "HC3"
    if moderated and not (kind.startswith("H") and kind[1] != "C" and use_t):
        raise ValueError(
            f"moderated=True does not work with cov_type={cov_type!r} and use_t={use_t}: pass "
            'cov_type="huber" and use_t=True.'
        )
    errors = CovarianceKind(kind, ddof, scale_coupling, data.groups(groups, cov_type, kind))
    found = data.errors(errors)
    attrs: dict[str, Any] = {"cov_type": kind, "level": level}
    if moderated:
        found, prior = _moderated(found, data.scale)
        attrs |= prior
    table = _tests(data.coefficients, found, level, use_t, adjust)
    k, names = data.rows.n_parameters, data.responses
    frame = pd.DataFrame({"response": np.repeat(names, k), "term": list(data.terms) * len(names)})
    for name, values in table.items():
        frame[name] = values.T.ravel()
    frame.attrs = attrs
    return frame


def _moderated(found: ResponseErrors, scale: Vector) -> tuple[ResponseErrors, dict[str, float]]:
    """Standard errors and degrees of freedom after the scales are shrunk to a common value."""
    known = np.flatnonzero(np.isfinite(found.errors).all(axis=0))
    if known.size < 2:
        raise ValueError(
            f"moderated=True needs the scales of at least two responses, got {known.size}: pass "
            "moderated=False."
        )
    # Divide by a typical scale first, because squares of the scales may over- or underflow.
    unit = float(np.median(scale[known]))
    variance, degrees = (scale[known] / unit) ** 2, found.degrees[known]
    prior = fitted_prior(variance, degrees)
    errors, total = found.errors.copy(), found.degrees.copy()
    errors[:, known] *= np.sqrt(prior.posterior(variance, degrees) / variance)
    total[known] = prior.total_degrees(degrees)
    about = {"prior_df": prior.degrees, "prior_scale": unit * float(np.sqrt(prior.variance))}
    return ResponseErrors(errors, total), about


def _tests(
    coefficients: Matrix, found: ResponseErrors, level: float, use_t: bool, adjust: str | None
) -> dict[str, Matrix]:
    """Compute the numeric columns of the table, each of shape (k, n_targets)."""
    errors, degrees = found
    degrees = (
        np.where(np.isfinite(degrees), degrees, 1.0) if use_t else np.full_like(degrees, np.inf)
    )
    reference = stats.norm() if not use_t else stats.t(degrees)
    with np.errstate(divide="ignore", invalid="ignore"):
        t = coefficients / errors
    p = 2.0 * reference.sf(np.abs(t))
    margin = reference.ppf(0.5 * (1.0 + level)) * errors
    table = {
        "coef": coefficients,
        "std_err": errors,
        "t": t,
        "p_value": p,
        "ci_low": coefficients - margin,
        "ci_high": coefficients + margin,
    }
    if adjust is not None:
        table["p_adjusted"] = np.stack([_adjusted(line, adjust) for line in p])
    return table


def _adjusted(p: Vector, method: str) -> Vector:
    """Adjust p-values over the responses whose p-value is known."""
    adjusted = np.full_like(p, np.nan)
    known = np.isfinite(p)
    if known.any():
        adjusted[known] = stats.false_discovery_control(p[known], method=method)
    return adjusted
