r"""What the mean of psi' is where the rows within the threshold are few.

A Huber fit with a small threshold all but interpolates k rows, as least absolute deviations does
exactly: they are within the threshold whatever the errors are. Of n m rows within it, about
k (1 - m) are there for this reason, the part

    x = (k/n) (1 - m) / m .

Huber's K = 1 + x is the first term of its correction. Where p/n does not vanish the whole of it is
(1 - k/n) / (1 - k/(n m)) (El Karoui, Bean, Bickel, Lim and Yu, PNAS 110, 2013, for the Huber loss),
which is to say that k rows are taken from those within the threshold and k from all:

    m_0 = (n m - k) / (n - k),       H1 = S / m_0²  (Z'Z)^-1 .

And m itself is the density at zero times 2 t, estimated from few rows: at n = 100 and a threshold
of 0.3 of the noise its relative error is 20 %, and intervals that take it as known are too short.
From there on m is counted in a window as wide as the bandwidth of a density's estimate,

    m_0 = (t / h) (n m_h - k) / (n - k),      h = max(t, s n^(-1/5)),   m_h = mean(|u| <= h)

with s the MAD of the residuals, or sigma where it is more and takes account of the coefficients:
residuals are nearer to the fit than errors are. (Quantile regression estimates its density in the
same way: Powell, 1991; Koenker, Quantile Regression, 2005, section 3.4.) At a threshold of 0.3 and
n = 100, 95 % intervals for the slopes cover 94.6 and 95.0 % with p = 4 (normal and t_3 errors) and
95.5 and 95.2 % with p = 20, where K alone gave 93 and 90 % (benchmarks/interval_coverage.py).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from robustreg.inference.regression import FittedRegression
from robustreg.inference.residuals import Residuals

__all__ = ["density_share", "interpolated_part", "is_small_threshold", "note_of_few_inside"]

#: x from which K = 1 + x no longer corrects for it: at 0.22 intervals by it cover 90 to 91 %.
LARGE = 0.15

#: x from which a formula that weighs the rows within the threshold one by one has a note, and from
#: which it is refused: half of these rows are then there because they are interpolated. At x = 0.25
#: 95 % intervals of HC3 covered 91 to 92 %, at 0.43 88 %; H3's 88 and 80 %.
NOTED, REFUSED = 0.1, 0.5

#: Observations from which a threshold that half of the residuals are within is wider than the
#: window: 0.6745 t > t n^(-1/5).
ENOUGH = 8.0


def interpolated_part(fitted: FittedRegression) -> float:
    """x: the part of the rows within the threshold that any errors would leave there."""
    m = fitted.moments.inside
    return fitted.n_parameters / fitted.n * (1.0 - m) / m


def is_small_threshold(fitted: FittedRegression) -> bool:
    """Whether the rows within the threshold are too few for Huber's K."""
    if interpolated_part(fitted) >= LARGE:
        return True
    if fitted.moments.inside >= 0.5 and fitted.n >= ENOUGH and fitted.delta >= fitted.n**-0.2:
        return False  # without the median, which costs rounds where rows are elsewhere
    return fitted.delta < _window(fitted)


def density_share(fitted: FittedRegression) -> float:
    """m_0: the mean of psi' at the errors themselves, from a window as wide as their number asks.

    Raises
    ------
    ValueError
        If half of the rows are fitted exactly, so that there is no such width.
    """
    width = max(fitted.delta, _window(fitted))

    def statistic(rows: Residuals) -> tuple[NDArray]:
        return (rows.sums(np.abs(rows.u) <= width),)

    within = float(fitted.sum_residuals(statistic)[0][0])
    share = (within - fitted.n_parameters) / fitted.degrees_of_freedom
    if not (share > 0.0 and fitted.median_size > 0.0):
        raise ValueError(
            f"{_count(fitted)}, and {within / fitted.n:.0%} of all rows are fitted almost exactly: "
            "the errors cannot be measured. Use a larger delta, or more observations."
        )
    return share * fitted.delta / width


def note_of_few_inside(fitted: FittedRegression, cov_type: str) -> tuple[str, ...]:
    """The note for a formula that weighs the rows within the threshold one by one.

    Raises
    ------
    ValueError
        If at least half of them are there whatever the errors are.
    """
    x = interpolated_part(fitted)
    if x >= REFUSED:
        raise ValueError(
            f"{_count(fitted)}, which the fit all but interpolates: cov_type={cov_type!r} would be "
            'far off. Use a larger delta, or cov_type="huber" or "bootstrap", which allow for it.'
        )
    if x < NOTED:
        return ()
    remedy = "cov_type='huber' and 'bootstrap' allow for it."
    return (f"{_count(fitted)}: errors may be too small. {remedy}",)


def _window(fitted: FittedRegression) -> float:
    sigma = 1.0 if fitted.equation.counts_parameters else 0.0
    return max(fitted.median_size, sigma) * float(fitted.n**-0.2)


def _count(fitted: FittedRegression) -> str:
    count = fitted.n * fitted.moments.inside
    return (
        f"Only {count:g} rows lie within the threshold {fitted.threshold:.3g} "
        f"for {fitted.n_parameters} coefficients"
    )
