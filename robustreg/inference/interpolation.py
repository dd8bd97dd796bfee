r"""The mean of psi' if few rows lie within the threshold.

A Huber fit with a small threshold nearly interpolates k rows, as least absolute deviations does
exactly. These rows are within the threshold whatever the errors are. Of the n m rows within it,
about k (1 - m) are there for this reason, which is the share

    x = (k/n) (1 - m) / m .

Huber's K = 1 + x is the first-order correction for it. If p/n does not vanish, the full correction
is (1 - k/n) / (1 - k/(n m)) (El Karoui, Bean, Bickel, Lim and Yu, PNAS 110, 2013, for the Huber
loss). This subtracts k from the number of rows within the threshold and k from n:

    m_0 = (n m - k) / (n - k),       H1 = S / m_0²  (Z'Z)^-1 .

In addition, m is the density at zero times 2 t, estimated from few rows. At n = 100 and a threshold
of 0.3 sigma its relative error is 20 %, and intervals that treat it as known are too short. The
share is therefore counted in a window with the bandwidth of a density estimate,

    m_0 = (t / h) (n m_h - k) / (n - k),      h = max(t, s n^(-1/5)),   m_h = mean(|u| <= h)

with s the MAD of the residuals. It is sigma if that is larger and accounts for the degrees of
freedom, because residuals are smaller than errors. (Quantile regression estimates its density in
the same way: Powell, 1991; Koenker, Quantile Regression, 2005, section 3.4.) At a threshold of 0.3
and n = 100, 95 % intervals for the slopes cover 94.6 and 95.0 % with p = 4 (normal and t_3 errors)
and 95.5 and 95.2 % with p = 20. With K alone they covered 93 and 90 %
(benchmarks/interval_coverage.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from robustreg.inference.regression import FittedRegression
from robustreg.inference.residuals import Residuals

if TYPE_CHECKING:
    from robustreg.inference.response_block import ResponsesFit

__all__ = [
    "density_share",
    "interpolated_part",
    "is_small_threshold",
    "note_of_few_inside",
    "windowed_share",
]

#: One fit, with numbers as attributes, or many, with an array of one number per response.
AnyFit: TypeAlias = "FittedRegression | ResponsesFit"

#: From this x on, K = 1 + x is not accurate enough: at x = 0.22, its intervals cover 90 to 91 %.
LARGE = 0.15

#: Formulas that use the rows within the threshold one by one get a note from the first x on. They
#: are refused from the second x on, at which half of these rows are interpolated. At x = 0.25, 95 %
#: intervals cover 91 to 92 % with HC3 and 88 % with H3; at x = 0.43, 88 % and 80 %.
NOTED, REFUSED = 0.1, 0.5

#: From this n on, a threshold that contains half of the residuals is wider than the window:
#: 0.6745 > n^(-1/5).
ENOUGH = 8.0


def interpolated_part(fitted: AnyFit) -> Any:
    """Return x, the share of the rows within the threshold that are interpolated."""
    m = fitted.moments.inside
    return fitted.n_parameters / fitted.n * (1.0 - m) / m


def is_small_threshold(fitted: AnyFit) -> Any:
    """Return whether too few rows lie within the threshold for Huber's K."""
    m, n, delta = fitted.moments.inside, fitted.n, fitted.delta
    small = np.asarray(interpolated_part(fitted) >= LARGE)
    wide = np.asarray((m >= 0.5) & (n >= ENOUGH) & (delta >= n**-0.2))
    if (small | wide).all():
        return small  # avoids the median, which needs several passes over a Dask collection
    return small | (~wide & (delta < _window(fitted)))


def density_share(fitted: FittedRegression) -> float:
    """Return m_0, the mean of psi' at the errors, estimated from the wider window.

    Raises
    ------
    ValueError
        If half of the rows are fitted exactly, so that the window would have width zero.
    """
    share, within = windowed_share(fitted)
    if not share > 0.0:
        raise ValueError(
            f"{_count(fitted)}, and {within / fitted.n:.0%} of all rows are fitted almost exactly: "
            "standard errors cannot be estimated. Use a larger delta, or more observations."
        )
    return float(share)


def windowed_share(fitted: AnyFit) -> tuple[Any, Any]:
    """Return m_0, or NaN if it cannot be estimated, and the number of rows within the window."""
    width = np.maximum(fitted.delta, _window(fitted))

    def statistic(rows: Residuals) -> tuple[NDArray]:
        return (rows.sums(np.abs(rows.u) <= width),)

    within = fitted.sum_residuals(statistic)[0][0]
    share = (within - fitted.n_parameters) / fitted.degrees_of_freedom
    known = (share > 0.0) & (np.asarray(fitted.median_size) > 0.0)
    return np.where(known, share * fitted.delta / width, np.nan), within


def note_of_few_inside(fitted: FittedRegression, cov_type: str) -> tuple[str, ...]:
    """Return a note for formulas that use the rows within the threshold one by one.

    Raises
    ------
    ValueError
        If at least half of them are interpolated.
    """
    x = interpolated_part(fitted)
    if x >= REFUSED:
        raise ValueError(
            f"{_count(fitted)}, and the fit nearly interpolates them: cov_type={cov_type!r} would "
            'be far off. Use a larger delta, or cov_type="huber" or "bootstrap", which correct for '
            "it."
        )
    if x < NOTED:
        return ()
    remedy = "cov_type='huber' and 'bootstrap' correct for this."
    return (f"{_count(fitted)}: standard errors may be too small. {remedy}",)


def _window(fitted: AnyFit) -> Any:
    sigma = 1.0 if fitted.equation.counts_parameters else 0.0
    return np.maximum(fitted.median_size, sigma) * fitted.n**-0.2


def _count(fitted: FittedRegression) -> str:
    count = fitted.n * fitted.moments.inside
    return (
        f"Only {count:g} rows lie within the threshold {fitted.threshold:.3g} "
        f"for {fitted.n_parameters} coefficients"
    )
