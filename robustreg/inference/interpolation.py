r"""What the mean of psi' is where the rows within the threshold are few.

A Huber fit with a small threshold all but interpolates k rows, as least absolute deviations does
exactly: they are within the threshold whatever the errors are. Of n m rows within it, about
k (1 - m) are there for this reason, the part

    x = (k/n) (1 - m) / m .

Huber's K = 1 + x is the first term of 1/(1 - x), the correction for it, and too little where x is
not small. Over 400 samples of n = 60 and k = 4 with normal errors, H1's 95 % intervals covered 93 %
at x = 0.08, 92 % at 0.24, 87 % at 0.43, 80 % at 0.6 and 30 % at 0.93. From ``LARGE`` on the mean of
psi' is estimated from a wider window, at most as wide as the bandwidth of a density's estimate,

    m_0 = (t / h) (m_h - (k/n) (1 - m_h)),      h = max(t, s n^(-1/5)),   m_h = mean(|u| <= h)

with s the MAD of the residuals: at these five x the intervals then cover 93.5 to 95.5 %, and at
n = 21 and 200 93 to 95 %, as do those of the bootstrap of pairs. (Quantile regression estimates its
density in the same way: Powell, 1991; Koenker, Quantile Regression, 2005, section 3.4.)
"""

from __future__ import annotations

from robustreg.inference.fitted import FittedRegression
from robustreg.scales import median_absolute_residual

__all__ = ["LARGE", "density_share", "interpolated_part", "note_of_few_inside"]

#: x from which K = 1 + x no longer corrects for it.
LARGE = 0.2

#: x from which a formula that weighs the rows within the threshold one by one has a note, and from
#: which it is refused: half of these rows are then there because they are interpolated. At x = 0.25
#: 95 % intervals of HC3 covered 91 to 92 %, at 0.43 88 %; H3's 88 and 80 %.
NOTED, REFUSED = 0.1, 0.5


def interpolated_part(fitted: FittedRegression) -> float:
    """x: the part of the rows within the threshold that any errors would leave there."""
    m = fitted.mean(fitted.inside)
    return fitted.n_parameters / fitted.n * (1.0 - m) / m


def density_share(fitted: FittedRegression) -> float:
    """m_0: the mean of psi' at the errors themselves, from a window as wide as their number asks.

    Raises
    ------
    ValueError
        If half of the rows are fitted exactly, so that there is no such width.
    """
    spread = median_absolute_residual(fitted.standardized, fitted.weights)
    width = max(fitted.delta, spread * fitted.n**-0.2)
    inside = float((abs(fitted.standardized) <= width) @ fitted.frequencies) / fitted.n
    share = inside - fitted.n_parameters / fitted.n * (1.0 - inside)
    if not (share > 0.0 and spread > 0.0):
        raise ValueError(
            f"{_count(fitted)}, and {inside:.0%} of all rows are fitted almost exactly: the errors "
            "cannot be measured. Use a larger delta, or more observations."
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


def _count(fitted: FittedRegression) -> str:
    count = fitted.n * fitted.mean(fitted.inside)
    return (
        f"Only {count:g} rows lie within the threshold {fitted.threshold:.3g} "
        f"for {fitted.n_parameters} coefficients"
    )
