r"""Notes in a summary that warn when its intervals may not have their nominal coverage.

| condition | note |
|---|---|
| delta was chosen from the data, and the bootstrap does not choose it again | choice |
| one side has more clipped rows, by 0.75 of the share that breaks the fit down | one side |
| the scale is 2.1 times the MAD of the residuals about their median | wide scale |
| a leverage of 0.5 and twice k/n, or of 0.2 and ten times k/n | leverage |
| Huber's errors differ from the sandwich's by a factor of 1.6, and by more than chance | sandwich |
| sandwich or wild bootstrap, and a coefficient depends on fewer than six rows | few rows |
| the scale is the MAD, and k/n is 0.1 or more | freedom |
| groups: fewer than 20 | in :mod:`robustreg.inference.cluster` |
| few rows within the threshold | in :mod:`robustreg.inference.interpolation` |
| skewed errors | in :mod:`robustreg.inference.covariance` |
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from robustreg.inference.covariance import (
    CovarianceEstimate,
    huber_covariance,
    normal_equations,
)
from robustreg.inference.equations import UndeterminedError
from robustreg.inference.leverage import largest_leverage
from robustreg.inference.regression import FittedRegression
from robustreg.inference.residuals import Residuals
from robustreg.inference.sandwich import leverage_corrected_meat, whiten
from robustreg.inference.text import number
from robustreg.scales import median_absolute_residual, weighted_median

__all__ = ["notes_on_design", "notes_on_fit"]

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]

#: The "one side" note appears if the shares of clipped rows above and below the fit differ by this
#: many times the one-sided breakdown point, the share of outliers on one side that breaks the fit
#: down. Without outliers the ratio is 0.56 to 0.66 for exponential, log-normal and chi²_1 errors.
#: At delta = 1.345 it is 0.73 if the outliers are 0.8 of the breakdown point, and 0.88 if they are
#: 0.9 of it. With 25 % of outliers (0.88 on average), intervals for the quantity that the intercept
#: then estimates cover 61 to 64 % at n = 100 and 84 % at n = 400. If the outliers do break the fit
#: down, no row is clipped. At a small delta the ratio says little, because many good rows are
#: clipped.
NEAR_BREAKDOWN = 0.75

#: The "wide scale" note appears if the scale is this many times the MAD of the residuals about
#: their median. If outliers have inflated the scale, few of them are clipped, and the "one side"
#: note does not appear. With 25 % of outliers at 20 or 100 sigma on one side and k = 5, one of the
#: two notes appears in 32 % of the samples whose scale exceeds 3.5 sigma at n = 30, in 84 to 91 %
#: at n = 100 and in all at n = 400. With normal, t_3, Cauchy, exponential, log-normal and chi²_1
#: errors it appeared in none of 150 samples each at n = 100 and 400, and in 0 to 3 % of 300 at
#: n = 30, most often for chi²_1.
WIDE_SCALE = 2.1

#: The "leverage" note appears if a leverage reaches one of these limits, given as a leverage and a
#: multiple of the mean k/n. At a leverage of 0.5, half of a fitted value is the row's own y. Huber
#: (Robust Statistics, 1981, section 7.2) calls values above 0.5 to be avoided and those above 0.2
#: risky. With normal X, n = 30 and k = 5, the largest leverage is at least 0.48 in 10 % of samples.
HIGH_LEVERAGE, RISKY_LEVERAGE = (0.5, 2.0), (0.2, 10.0)

#: The "sandwich" note appears if the ratio of the two variances reaches the first number, and its
#: logarithm reaches the second in units of its largest chance deviation among k coefficients. With
#: normal and t_3 errors and normal X, one of the coefficients reaches both in 0 to 7 % of samples
#: (n = 30 to 100, p = 1 to 20), and in none at n = 1,000.
DIFFERENT, SIGNIFICANT = 2.5, 1.5

#: The "few rows" note appears if the effective number of rows is below this. For normal X it is
#: about n/3, and above 6 in 95 % of the samples of n = 30. For log-normal X it is 1.3 to 5 at
#: n = 30 and 100.
FEW_ROWS = 6.0

#: Larger data are compared with the sandwich on a sample of this many rows, or of this many rows
#: per coefficient if that is more.
COMPARED_ROWS, COMPARED_ROWS_PER_PARAMETER = 1000, 50

#: From this k/n on, the MAD is more than about 8 % too low: 25 % at 0.3, 47 % at 0.5.
MANY_PARAMETERS = 0.1


def notes_on_fit(fitted: FittedRegression, kind: str) -> tuple[str, ...]:
    """Return the notes on delta, the scale and the residuals."""
    return (*_choice(fitted, kind), *_one_sided(fitted), *_freedom(fitted))


def _choice(fitted: FittedRegression, kind: str) -> tuple[str, ...]:
    if fitted.choice == "auto" and kind not in ("pairs", "wild"):
        note = (
            "delta was chosen from these data, and 95 % intervals cover 92 to 95 %. To include the "
            "choice, use cov_type='bootstrap', which repeats it in each replicate."
        )
        return (note,)
    if fitted.choice == "cross-validation":
        note = (
            "delta was chosen from these data by cross-validation. The standard errors do not "
            "include this choice, and 95 % intervals cover 91 to 94 %."
        )
        return (note,)
    return ()


def _one_sided(fitted: FittedRegression) -> tuple[str, ...]:
    above, below = fitted.moments.above, fitted.moments.below
    limit = fitted.equation.one_sided_breakdown(fitted.delta)
    if not abs(above - below) >= NEAR_BREAKDOWN * limit > 0.0:
        return ()
    side, more, less = ("above", above, below) if above > below else ("below", below, above)
    note = (
        f"{more:.0%} of the observations are clipped {side} the fit and {less:.0%} on the other "
        f"side; {limit:.0%} on one side break it down. The intercept and its interval are biased "
        "towards them: use a smaller delta, or an MMRegressor."
    )
    return (note,)


def _wide_scale(fitted: FittedRegression) -> tuple[str, ...]:
    """Warn if outliers have inflated the scale so much that few of them are clipped."""
    u, s = fitted.standardized, fitted.frequencies
    spread = median_absolute_residual(u - weighted_median(u, s), s)
    if not fitted.equation.estimates_sigma or not 1.0 >= WIDE_SCALE * spread > 0.0:
        return ()
    note = (
        f"The scale is {1.0 / spread:.1f} times the MAD of the residuals about their median: "
        "outliers may have broken the fit down. Compare with a smaller delta or an MMRegressor."
    )
    return (note,)


def _freedom(fitted: FittedRegression) -> tuple[str, ...]:
    share = fitted.n_parameters / fitted.n
    counted = fitted.equation.counts_parameters or not fitted.equation.estimates_sigma
    if counted or share < MANY_PARAMETERS:
        return ()
    note = (
        f"With {share:.2f} coefficients per observation, the MAD is low: by 25 % at 0.3 and by "
        'nearly 50 % at 0.5. scale="joint" does not have this bias.'
    )
    return (note,)


def notes_on_design(
    fitted: FittedRegression, estimate: CovarianceEstimate, kind: str, plain: Vector | None
) -> tuple[str, ...]:
    """Return the notes that need the rows themselves. If there are many, a sample is used.

    Parameters
    ----------
    fitted : FittedRegression
    estimate : CovarianceEstimate
        The covariance that the summary shows.
    kind : str
        The name of its formula; "pairs" or "wild" for a bootstrap.
    plain : array of shape (n,), or None
        The leverages of the rows, or None if they have not been computed.
    """
    notes = _leverage(fitted, estimate, plain)
    few = max(COMPARED_ROWS, COMPARED_ROWS_PER_PARAMETER * fitted.n_parameters)
    compared = fitted.on_sample(few) if fitted.design.n_rows > few else fitted
    if not _one_sided(fitted):
        notes += _wide_scale(compared)
    if kind in ("H1", "H2", "H3"):
        try:
            return notes + _sandwich(compared, estimate, kind)
        except UndeterminedError:
            return notes  # there is no sandwich to compare with
    return notes + (_few_rows(compared) if kind in ("HC0", "HC1", "HC2", "HC3", "wild") else ())


def _leverage(
    fitted: FittedRegression, estimate: CovarianceEstimate, plain: Vector | None
) -> tuple[str, ...]:
    if plain is not None:
        largest = float(plain[fitted.frequencies > 0.0].max())
    else:
        largest = largest_leverage(fitted, estimate.root)
    mean = fitted.n_parameters / fitted.n
    limits = [max(least, times * mean) for least, times in (HIGH_LEVERAGE, RISKY_LEVERAGE)]
    if largest < min(limits):
        return ()
    note = (
        f"A row has leverage {largest:.2f}, where the mean is {mean:.2g}: it may determine a "
        "coefficient almost alone. Call diagnose() to see which row it is."
    )
    return (note,)


def _sandwich(fitted: FittedRegression, estimate: CovarianceEstimate, kind: str) -> tuple[str, ...]:
    """Compare with HC2, which has the same mean if all errors have the same distribution.

    If there are many rows, the ratio of the two is that of a sample. The note shows Huber's error
    for all rows, and multiplies it by this ratio.
    """
    white, change = whiten(fitted), fitted.to_user()
    ours = np.diag(huber_covariance(fitted, kind, 0, True).of_combinations(change))
    influence = fitted.working_scale * change @ white.back @ white.bread.influence()
    HC2, HC3 = (
        np.einsum(
            "ij,jk,ik->i", influence, leverage_corrected_meat(fitted, white, power), influence
        )
        for power in (0.5, 1.0)
    )
    ratio = HC2 / ours
    # If all errors have the same distribution, the relative variance of HC2 is that of psi² divided
    # by the effective number of rows. The remaining factor is that of J, which grows with k/n.
    chance = np.sqrt(_variance_of_squares(fitted) / _effective_rows(fitted))
    k = fitted.n_parameters
    chance *= (1.0 + 3.0 * k / fitted.n) * np.sqrt(np.log(5.0 * k))
    distance = np.abs(np.log(ratio))
    different = distance > np.maximum(np.log(DIFFERENT), SIGNIFICANT * chance)
    if not different.any():
        return ()
    worst = int(np.argmax(np.where(different, distance, -1.0)))
    shown = np.sqrt(estimate.of_combinations(change)[worst, worst])
    shown *= fitted.design.units.response_scale
    theirs, own = number(shown * float(np.sqrt(HC3[worst] / ours[worst]))), number(shown)
    others = np.count_nonzero(different) - 1
    more = f", and {others} more differ" if others else ""
    note = (
        f"{fitted.names[worst]}: the sandwich's error (HC3) is {theirs}, and Huber's {own}{more}. "
        "Either the spread of the errors depends on x, or a single row determines the "
        "coefficient: compare with cov_type='sandwich'."
    )
    return (note,)


def _few_rows(fitted: FittedRegression) -> tuple[str, ...]:
    effective = _effective_rows(fitted)
    least = int(np.argmin(effective))
    if effective[least] >= FEW_ROWS:
        return ()
    others = np.count_nonzero(effective < FEW_ROWS) - 1
    more = f" (and those of {others} more)" if others else ""
    note = (
        f"{fitted.names[least]}: its error{more} rests on about {effective[least]:.0f} rows, those "
        "farthest out in X. If the spread of the errors depends on x, 95 % intervals then cover "
        "85 to 91 %."
    )
    return (note,)


def _effective_rows(fitted: FittedRegression) -> Vector:
    """Return the effective number of rows that determine the variance of each coefficient.

    Row i adds c² psi² to the variance of a coefficient, with c = a (Z'Z)^-1 z_i. The effective
    number is (sum c²)² / sum c⁴, which is n if all rows have equal c².
    """
    transform, _ = normal_equations(fitted, None)
    lines = (fitted.to_user() @ transform).T

    def statistic(z: Matrix, rows: Residuals) -> tuple[Vector, Vector]:
        squares = (z @ transform @ lines) ** 2
        return rows.frequencies @ squares, rows.frequencies @ squares**2

    squares, fourth = fitted.sum_rows(fitted.rows, statistic)
    return squares**2 / fourth


def _variance_of_squares(fitted: FittedRegression) -> float:
    """Return the variance of psi², divided by the square of its mean."""
    (fourth,) = fitted.sum_residuals(lambda rows: (rows.sums(rows.psi**4),))
    return float(fourth[0]) / fitted.n / fitted.moments.psi_square**2 - 1.0
