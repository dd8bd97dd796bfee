"""From a fitted model and its data to a summary."""

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
    r"""Standard errors, tests and intervals for a fitted Huber or MM regression.

    Parameters
    ----------
    model : HuberRegressor, MMRegressor or Pipeline
        Fitted, with ``alpha=0``; a pipeline whose last step is such a model.
    X : array-like or sparse matrix of shape (n_samples, n_features)
        The X of ``fit``; for a pipeline, as the pipeline takes it.
    y : array-like of shape (n_samples,)
        The y of ``fit``.
    sample_weight : array-like of shape (n_samples,), default=None
        The weights passed to ``fit``: frequencies, or weights that are no counts, whose number of
        observations is Kish's, ``(sum s)² / sum s²`` where that is larger than their sum.
    cov_type : str, default=None
        How the covariance of the coefficients is estimated; None takes ``"huber"``, and
        ``"avar1"`` for an MM regression. For a Huber regression:

        - ``"huber"`` or ``"H1"``, ``"H2"``, ``"H3"``: Huber's estimates with his correction of
          order k/n, for independent errors of one distribution, whatever it is;
        - ``"sandwich"``: for independent errors whose spread may depend on x. It stands for
          ``"HC3"``, and from 1,000 observations for each coefficient on for ``"HC1"``, which is
          then the same to about 0.1 % unless some rows have a leverage far above k/n, and takes
          half the time; ``"HC0"`` and ``"HC2"`` are the others;
        - ``"cluster"``: for errors that depend on one another within ``groups``. It stands for
          ``"CR3"``, the jackknife over groups; ``"CR1"`` is the customary one;
        - ``"bootstrap"``: by resampling, see ``bootstrap``. Where the model chose its delta by
          ``"auto"``, each replicate chooses its own.

        The notes say where these do not hold. For an MM regression:

        - ``"avar1"``: for independent errors, symmetric or not; counts the error of the scale;
        - ``"weighted"``: for errors of one distribution, from the weighted rows;
        - ``"sandwich"``: for errors whose spread may depend on x, the scale taken as known;
        - ``"bootstrap"``: the fast and robust bootstrap, by rows or by ``groups``.
    level : float in (0, 1), default=0.95
        Confidence level of the intervals in the table.
    groups : array-like of shape (n_samples,), default=None
        Labels of the groups for ``"cluster"``; with ``"bootstrap"`` whole groups are resampled.
    use_t : bool, default=True
        Take p and intervals from Student's t, with n - k degrees of freedom, or the number of
        groups less one; False takes the normal.
    ddof : {0, 1}, default=0
        Of the variance of psi' in Huber's correction: 0 as Huber and statsmodels, 1 as R's MASS.
    scale_coupling : {"auto", True, False}, default=True
        Whether ``"huber"``, H2 and H3 count the error of an estimated scale in the intercept's
        standard error. False is what R and statsmodels do. ``"auto"`` counts it only where the
        residuals are skewed, that is, where the mean of psi'(u) u is more than two of its standard
        errors from zero; at small n it often fails to see that. The sandwich, ``"cluster"`` and
        ``"bootstrap"`` always count it.
    bootstrap : {"pairs", "wild"}, default="pairs"
        Draw rows (or groups) with replacement, or keep X and give residuals random signs, which
        needs errors that are symmetric about the fit.
    n_bootstrap : int, default=1000
        Replicates, at least 2. The standard error's own error is about ``1/sqrt(2 n_bootstrap)``.
    random_state : int, RandomState or Generator instance, or None, default=None
        Seed of the bootstrap.
    n_jobs : int, default=None
        Threads of the bootstrap; its numbers do not depend on it.
    verbose : int, default=0
        Above zero, shows progress of the bootstrap and counts rounds over a Dask collection.

    Returns
    -------
    Summary

    Raises
    ------
    TypeError
        If the model is not a Huber regressor of this library.
    ValueError
        If an option is unknown; if the model has ``alpha > 0``, fits the data exactly, or was
        fitted to other data or weights; if X has dependent columns or no more rows than columns; if
        the rows within the threshold are too few for H2, H3, the sandwich or ``"cluster"``.
        None of these has a standard error with a meaning.

    See Also
    --------
    diagnose : Which rows decide the fit.
    compare : Several summaries side by side.

    Notes
    -----
    With u = e / sigma, psi = clip(u, -delta, delta), n observations and k coefficients, m and v the
    mean and variance of psi'(u), and K = 1 + (k/n) v/m²,

    .. math::

        H_1 = \frac{K^2}{m^2} \frac{\sigma^2 \sum \psi^2}{n - k} (Z'Z)^{-1} .

    The scale is estimated together with the coefficients. Its equation is coupled to theirs by the
    mean c of psi'(u) u, which vanishes where errors are symmetric about the fit; where they are
    skewed, sigma's error moves the intercept, and its variance is that of the influence function

    .. math::

        \frac{h\,\psi(u) - c\,\chi(u)}{a h - c^2}, \qquad
        \chi = \tfrac12 (\psi^2 - 2\kappa), \quad a = E\psi', \quad h = E\psi' u^2,

    and not of psi/a. At exponential errors and n = 400 a 95 % interval for the intercept without it
    covers 87 %, and with it 94 %. Since sigma is in the standard error as well, the variance has a
    further term of order 1/n²: six times the squared covariance of the two influence functions.
    Slopes are not moved while the errors' distribution does not depend on x; the sandwich accounts
    for the case in which it does.

    A small threshold leaves few rows within it, about k of which the fit all but interpolates
    whatever the errors are. Where K is 1.15 at least, or the threshold is less than sigma
    n^(-1/5), H1 takes the mean of psi' from a wider window of residuals, leaves k of them out, and
    K = 1; a note says so.

    *Where 95 % intervals do not hold.* Shares of samples in which they hold the truth, from
    simulations with four or fewer columns where no number is given:

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

    A search is one by :class:`~robustreg.HuberRegressorCV`, whose ``delta_`` counts as if it had
    been given, in a bootstrap too: to choose anew in each replicate would take a search for each.
    To have that, fit the search to resampled rows in a loop. With six columns or more a Wald test
    by the sandwich rejects 8 to 10 % of true hypotheses at the level of 5 %. The MAD counts no
    degrees of freedom: it is a quarter too low where k/n is 0.3, and nearly half where it is 0.5.
    Further notes tell of large leverage, and of sandwich errors unlike Huber's.

    References
    ----------
    P. J. Huber, Robust Statistics, Wiley, 1981, chapter 7.

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
