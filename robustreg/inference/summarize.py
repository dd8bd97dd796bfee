"""The function ``summarize``: standard errors, tests and intervals of one fit."""

from __future__ import annotations

from typing import Any, Literal

from numpy.typing import ArrayLike

from robustreg.inference.assemble import summary_of
from robustreg.inference.covariance import Coupling
from robustreg.inference.covariance_options import CovarianceOptions
from robustreg.inference.fitted import fitted_regression
from robustreg.inference.mm_fitted import is_mm
from robustreg.inference.mm_summary import summarize_mm
from robustreg.inference.options import check_level, check_n_bootstrap, check_one_of
from robustreg.inference.progress import count_rounds
from robustreg.inference.summary import Summary

__all__ = ["summarize"]


def summarize(
    model: Any,
    X: Any,
    y: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    cov_type: str | None = None,
    level: float = 0.95,
    groups: ArrayLike | None = None,
    use_t: bool = True,
    ddof: int = 0,
    scale_coupling: Coupling = True,
    bootstrap: Literal["pairs", "wild"] = "pairs",
    n_bootstrap: int = 1000,
    random_state: Any = None,
    n_jobs: int | None = None,
    verbose: int = 0,
) -> Summary:
    r"""Compute standard errors, tests and intervals for a fitted Huber or MM regression.

    Parameters
    ----------
    model : HuberRegressor, MMRegressor or Pipeline
        Fitted model with ``alpha=0``, or a pipeline that ends with one.
    X : array-like or sparse matrix of shape (n_samples, n_features)
        The X of ``fit``. For a pipeline, the X that was passed to the pipeline.
    y : array-like of shape (n_samples,)
        The y of ``fit``.
    sample_weight : array-like of shape (n_samples,), default=None
        The weights passed to ``fit``. They are read as frequencies. For weights that are not
        counts, the number of observations is Kish's effective sample size, ``(sum s)² / sum s²``,
        if it is larger than the sum of the weights.
    cov_type : str, default=None
        How the covariance of the coefficients is estimated. None means ``"huber"``, or ``"avar1"``
        for an MM regression. For a Huber regression:

        - ``"huber"`` or ``"H1"``, ``"H2"``, ``"H3"``: Huber's estimates [1]_ with his correction
          of order k/n. They assume independent errors with the same distribution, whatever it is;
        - ``"sandwich"``: for independent errors whose spread may depend on x. This is ``"HC3"``,
          or ``"HC1"`` if there are at least 1,000 observations per coefficient. The two then
          agree to about 0.1 % unless some rows have a leverage far above k/n, and ``"HC1"`` takes
          half the time. ``"HC0"`` and ``"HC2"`` can be chosen too;
        - ``"cluster"``: for errors that are dependent within ``groups``. This is ``"CR3"``, the
          jackknife over groups. ``"CR1"``, the usual choice elsewhere, can be chosen too;
        - ``"bootstrap"``: by resampling, see ``bootstrap``. If the model was fitted with
          ``delta="auto"``, each replicate chooses its own delta.

        For an MM regression:

        - ``"avar1"``: for independent errors, symmetric or not. It includes the error of the scale;
        - ``"weighted"``: for errors with the same distribution, computed from the weighted rows;
        - ``"sandwich"``: for errors whose spread may depend on x. It treats the scale as known;
        - ``"bootstrap"``: the fast and robust bootstrap, which draws rows or whole ``groups``.
    level : float in (0, 1), default=0.95
        Confidence level of the intervals in the table.
    groups : array-like of shape (n_samples,), default=None
        Labels of the groups for ``"cluster"``. With ``"bootstrap"``, whole groups are drawn.
    use_t : bool, default=True
        Whether p-values and intervals use Student's t, with n - k degrees of freedom or with the
        number of groups minus one. If False, they use the normal distribution.
    ddof : {0, 1}, default=0
        Delta degrees of freedom of the variance of psi' in Huber's correction: 0 as in Huber's
        book and statsmodels, 1 as in R's MASS.
    scale_coupling : {"auto", True, False}, default=True
        Whether ``"huber"``, H2 and H3 include the error of an estimated scale in the intercept's
        standard error. R and statsmodels do not (False). ``"auto"`` includes it only if the
        residuals are skewed: if the mean of psi'(u) u is more than two standard errors from zero.
        At small n this test often misses skewness. The sandwich, ``"cluster"`` and
        ``"bootstrap"`` always include it.
    bootstrap : {"pairs", "wild"}, default="pairs"
        ``"pairs"`` draws rows (or groups) with replacement. ``"wild"`` keeps X and gives the
        residuals random signs; it assumes errors that are symmetric about the fit.
    n_bootstrap : int, default=1000
        Number of replicates, at least 2. The standard error itself has a relative error of about
        ``1/sqrt(2 n_bootstrap)``.
    random_state : int, RandomState or Generator instance, or None, default=None
        Source of the bootstrap's random numbers. Pass an int for reproducible results.
    n_jobs : int, default=None
        Number of threads of the bootstrap. The results do not depend on it.
    verbose : int, default=0
        If above zero, show the progress of the bootstrap, and count the rounds over a Dask
        collection. A round is one pass over its chunks.

    Returns
    -------
    Summary

    Raises
    ------
    TypeError
        If the model is not a fitted HuberRegressor, HuberRegressorCV or MMRegressor.
    ValueError
        If an option is unknown; if the model has ``alpha > 0``, fits the data exactly, or was
        fitted to other data or weights; if X has linearly dependent columns, or no more rows than
        columns; if too few rows lie within the threshold for H2, H3, the sandwich or
        ``"cluster"``. In these cases standard errors are undefined or meaningless.

    See Also
    --------
    diagnose : Find the rows that have the most influence on the fit.
    compare : Put several summaries side by side.

    Notes
    -----
    With u = e / sigma, psi = clip(u, -delta, delta), n observations and k coefficients, m and v the
    mean and variance of psi'(u), and K = 1 + (k/n) v/m²,

    .. math::

        H_1 = \frac{K^2}{m^2} \frac{\sigma^2 \sum \psi^2}{n - k} (Z'Z)^{-1} .

    The scale is estimated together with the coefficients. Its equation is coupled to theirs by the
    mean c of psi'(u) u, which is zero if the errors are symmetric about the fit. If they are
    skewed, the error of sigma moves the intercept. The intercept then has the influence function

    .. math::

        \frac{h\,\psi(u) - c\,\chi(u)}{a h - c^2}, \qquad
        \chi = \tfrac12 (\psi^2 - 2\kappa), \quad a = E\psi', \quad h = E\psi' u^2,

    instead of psi/a. With exponential errors and n = 400, a 95 % interval for the intercept covers
    87 % without this coupling and 94 % with it. The standard error is computed from sigma too,
    which adds a term of order 1/n² to the variance: six times the squared covariance of the two
    influence functions. Slopes are not affected unless the distribution of the errors depends on
    x, and the sandwich accounts for that case.

    If the threshold is small, few rows lie within it, and the fit nearly interpolates about k of
    them whatever the errors are. If K is at least 1.15, or the threshold is below
    sigma n^(-1/5), H1 therefore computes the mean of psi' from a wider window of residuals,
    leaves k of them out, and sets K = 1. A note in the summary says so.

    *When 95 % intervals do not cover 95 %.* The table gives the share of simulated samples in
    which the interval contains the true value. The models have at most four columns unless the
    table says otherwise. The last column says which note the summary prints:

    ====================================================  =================  =========  ============
    case                                                  ``cov_type``       coverage   note
    ====================================================  =================  =========  ============
    skewed errors, n = 30: intercept                      huber              94 to 95   skewed
    the same with ``scale_coupling="auto"``               huber              90 to 92
    delta chosen by ``"auto"``, n = 100                   huber              92 to 95   delta
    the same                                              bootstrap          95 to 97
    delta chosen by a search                              any                91 to 94   delta
    spread grows with a log-normal column, n = 30, 100    sandwich           87         few rows
    five rows a level: the level of the intercept         sandwich           90 to 92   few rows
    8 groups                                              wild bootstrap     81 to 88   few groups
    8 groups                                              cluster            95         few groups
    25 % of outliers on one side: intercept, n = 100      huber              61 to 64   one side
    ``scale="mad"``, 31 coefficients for n = 100          huber              94         MAD
    ====================================================  =================  =========  ============

    "A search" is a :class:`~robustreg.HuberRegressorCV`. Its ``delta_`` is treated as given, also
    in a bootstrap, because choosing it again would take a search per replicate. To include that
    choice, fit the search to resampled rows in a loop. With six or more columns, a Wald test
    based on the sandwich rejects 8 to 10 % of true hypotheses at the 5 % level. The MAD does not
    account for degrees of freedom: it is 25 % too low if k/n is 0.3, and nearly 50 % if k/n is
    0.5. Further notes report rows with large leverage, and sandwich errors that differ from
    Huber's.

    References
    ----------
    .. [1] P. J. Huber, Robust Statistics, Wiley, 1981, chapter 7.

    Examples
    --------
    >>> from robustreg import HuberRegressor
    >>> from robustreg.datasets import load_stackloss
    >>> from robustreg.inference import summarize
    >>> X, y = load_stackloss(return_X_y=True, as_frame=True)
    >>> summarize(HuberRegressor().fit(X, y), X, y).table.round(3)[["coef", "std_err", "p_value"]]
                  coef  std_err  p_value
    intercept  -41.141   10.625    0.001
    air_flow     0.817    0.120    0.000
    water_temp   0.984    0.329    0.008
    acid_conc   -0.131    0.140    0.360
    """
    if is_mm(model):
        return summarize_mm(
            model,
            X,
            y,
            sample_weight,
            cov_type=cov_type,
            level=level,
            groups=groups,
            use_t=use_t,
            n_bootstrap=n_bootstrap,
            random_state=random_state,
        )
    options = CovarianceOptions(
        "huber" if cov_type is None else cov_type,
        groups,
        ddof,
        scale_coupling,
        bootstrap,
        check_n_bootstrap(n_bootstrap),
        random_state,
        n_jobs,
        verbose,
    )
    level = check_level(level)
    check_one_of("use_t", use_t, (True, False))
    fitted = fitted_regression(model, X, y, sample_weight)
    with count_rounds(fitted.design, verbose):
        estimate, kind = options.estimate(fitted)
        return summary_of(fitted, estimate, kind, level, use_t)
