r"""Notes on what an interval does not hold against, each where its condition is met.

| condition | note |
|---|---|
| delta chosen from the data, and not chosen anew in each replicate of a bootstrap | choice |
| more rows clipped on one side, by 0.75 times the share that breaks the fit down | side |
| the scale is 2.1 times the MAD of the residuals about their median | scale |
| a leverage of 0.5 and twice k/n, or of 0.2 and ten times k/n | leverage |
| Huber's errors: the sandwich differs by a factor of 1.6, and by more than chance | sandwich |
| sandwich or wild bootstrap: the error of a coefficient rests on fewer than six rows | few rows |
| the MAD with k/n of 0.1 or more | freedom |
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

#: Share of clipped rows on one side less that on the other, in units of the share of outliers on
#: one side that breaks a fit down, from which there is a note. It is 0.56 to 0.66 for exponential,
#: log-normal and chi²_1 errors. At delta = 1.345, with outliers that are 0.8 of what breaks the fit
#: down, it is 0.73, with 0.9 of it 0.88. With a quarter of outliers (0.88) on average, intervals
#: for what the intercept then estimates cover 61 to 64 % at n = 100 and 84 % at n = 400; a sample
#: that they break down has no clipped rows. At a small delta so many of the others are clipped that
#: it says little.
NEAR_BREAKDOWN = 0.75

#: Scale in units of the MAD of the residuals about their median, from which there is a note: a
#: scale that outliers have widened clips few of them. With a quarter of outliers at 20 or 100 sigma
#: on one side and k = 5, one of the two notes comes in 32 % of the samples whose scale has grown
#: beyond 3.5 sigma at n = 30, in 84 to 91 % at n = 100 and in all at n = 400. With normal, t_3,
#: Cauchy, exponential, log-normal and chi²_1 errors it came in none of 150 samples each at n = 100
#: and 400, and in 0 to 3 % of 300 at n = 30, most for chi²_1.
WIDE_SCALE = 2.1

#: Leverages, and multiples of their mean k/n, from which a row has a note: half of a fitted value
#: is then the row's own y (Huber, Robust Statistics, 1981, section 7.2: above 0.5 to be avoided,
#: from 0.2 on risky). With normal X the largest of n = 30 rows and k = 5 is 0.48 or more in 10 %.
HIGH_LEVERAGE, RISKY_LEVERAGE = (0.5, 2.0), (0.2, 10.0)

#: Ratio of the variances from which the sandwich differs, and the distance of its logarithm from
#: zero in units of the largest of k chances. With normal and t_3 errors and normal X one of the
#: coefficients reaches both in 0 to 7 % of samples (n = 30 to 100, p = 1 to 20), and in none at
#: n = 1,000.
DIFFERENT, SIGNIFICANT = 2.5, 1.5

#: Effective number of rows below which a sandwich has a note: for normal X it is about n/3 and
#: above 6 in 95 % of the samples of n = 30, for log-normal X 1.3 to 5 at n = 30 and 100.
FEW_ROWS = 6.0

#: Rows, and rows for each coefficient, on which the sandwich is compared.
COMPARED_ROWS, COMPARED_ROWS_PER_PARAMETER = 1000, 50

#: k/n from which the MAD is more than about 8 % low: 25 % at 0.3, 47 % at 0.5.
MANY_PARAMETERS = 0.1


def notes_on_fit(fitted: FittedRegression, kind: str) -> tuple[str, ...]:
    """On the delta, the scale and the residuals."""
    return (*_choice(fitted, kind), *_one_sided(fitted), *_freedom(fitted))


def _choice(fitted: FittedRegression, kind: str) -> tuple[str, ...]:
    if fitted.choice == "auto" and kind not in ("pairs", "wild"):
        note = (
            "delta was chosen from these data: 95 % intervals cover 92 to 95 %. "
            "cov_type='bootstrap' chooses anew in each replicate."
        )
        return (note,)
    if fitted.choice == "cross-validation":
        note = (
            "delta was chosen from these data by cross-validation, and counts as if it had been "
            "given: 95 % intervals cover 91 to 94 %."
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
        f"side; {limit:.0%} on one side break it down. The intercept and its interval are moved "
        "towards them: take a smaller delta."
    )
    return (note,)


def _wide_scale(fitted: FittedRegression) -> tuple[str, ...]:
    """Where outliers have widened the scale until few of them are clipped."""
    u, s = fitted.standardized, fitted.frequencies
    spread = median_absolute_residual(u - weighted_median(u, s), s)
    if not fitted.equation.estimates_sigma or not 1.0 >= WIDE_SCALE * spread > 0.0:
        return ()
    note = (
        f"The scale is {1.0 / spread:.1f} times the MAD of the residuals about their median: "
        "outliers may have broken the fit down. Compare a smaller delta, or an MMRegressor."
    )
    return (note,)


def _freedom(fitted: FittedRegression) -> tuple[str, ...]:
    share = fitted.n_parameters / fitted.n
    counted = fitted.equation.counts_parameters or not fitted.equation.estimates_sigma
    if counted or share < MANY_PARAMETERS:
        return ()
    note = (
        f"With {share:.2f} coefficients for each observation the MAD is low: by a quarter at 0.3, "
        "by nearly a half at 0.5. The joint scale is not."
    )
    return (note,)


def notes_on_design(
    fitted: FittedRegression, estimate: CovarianceEstimate, kind: str, plain: Vector | None
) -> tuple[str, ...]:
    """On what only the rows themselves show: of many, a sample of them.

    Parameters
    ----------
    fitted : FittedRegression
    estimate : CovarianceEstimate
        That the summary shows.
    kind : str
        Its kind; "pairs" or "wild" for a bootstrap.
    plain : array of shape (n,), or None
        The rows' leverages, where they are known.
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
        f"A row has leverage {largest:.2f}, where the mean is {mean:.2g}: it may decide a "
        "coefficient nearly alone. diagnose() names it."
    )
    return (note,)


def _sandwich(fitted: FittedRegression, estimate: CovarianceEstimate, kind: str) -> tuple[str, ...]:
    """Compare with HC2, which has the same mean where errors are of one distribution.

    On many rows a sample is compared: what is shown are the errors of all, and their ratio in it.
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
    # Of one distribution, the relative variance of HC2 is that of psi² over the effective rows; the
    # rest is that of J, which grows with k/n.
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
        "The spread of the errors depends on x, or one row decides: compare "
        "cov_type='sandwich'."
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
        "farthest out in X: where the spread depends on x, 95 % intervals then cover 85 to 91 %."
    )
    return (note,)


def _effective_rows(fitted: FittedRegression) -> Vector:
    """Number of rows with equal parts in a coefficient's variance, were there only such rows.

    Row i adds c² psi² to the variance of a coefficient, with c = a (Z'Z)^-1 z_i: the number is
    (sum c²)² / sum c⁴.
    """
    transform, _ = normal_equations(fitted, None)
    lines = (fitted.to_user() @ transform).T

    def statistic(z: Matrix, rows: Residuals) -> tuple[Vector, Vector]:
        squares = (z @ transform @ lines) ** 2
        return rows.frequencies @ squares, rows.frequencies @ squares**2

    squares, fourth = fitted.sum_rows(fitted.rows, statistic)
    return squares**2 / fourth


def _variance_of_squares(fitted: FittedRegression) -> float:
    """Of psi², relative to its mean squared."""
    (fourth,) = fitted.sum_residuals(lambda rows: (rows.sums(rows.psi**4),))
    return float(fourth[0]) / fitted.n / fitted.moments.psi_square**2 - 1.0
