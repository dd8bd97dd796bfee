r"""Variances of many responses, each drawn towards a common one: the moderated t statistic.

With residual variances s² on d degrees of freedom, and the model that the true variances are those
of ``s_0² d_0 / chi²(d_0)``, the posterior mean of a variance's inverse gives

    s~² = (d_0 s_0² + d s²) / (d_0 + d)

and t with s~ in the place of s has Student's distribution with d_0 + d degrees of freedom. The two
numbers d_0 and s_0² are fitted to all variances by the first two moments of log s²: with
e = log s² - digamma(d/2) + log(d/2),

    trigamma(d_0/2) = var(e) - mean trigamma(d/2)
    log s_0²        = mean(e) + digamma(d_0/2) - log(d_0/2)

(G. K. Smyth, Stat. Appl. Genet. Mol. Biol. 3, 2004, article 3, section 6.2).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import digamma, polygamma

__all__ = ["Prior", "fitted_prior"]

Vector = NDArray[np.float64]

#: A variance below this part of the median counts as this part: its logarithm would decide alone
#: (the number of limma's implementation, with which results are compared).
LEAST_VARIANCE = 1e-5

#: Ends of the search for d_0: below the first trigamma(d_0/2) is above 4e6, and a d_0 above the
#: second has the results of infinity to seven digits.
SMALLEST_DEGREES, LARGEST_DEGREES = 1e-3, 1e9


class Prior(NamedTuple):
    """The common distribution of the variances: ``variance * degrees / chi²(degrees)``."""

    degrees: float
    variance: float

    def posterior(self, variance: Vector, degrees: Vector) -> Vector:
        """Each variance drawn towards the common one."""
        if np.isinf(self.degrees):
            return np.full_like(variance, self.variance)
        total = self.degrees * self.variance + degrees * variance
        return np.asarray(total / (self.degrees + degrees))

    def total_degrees(self, degrees: Vector) -> Vector:
        """Of Student's t: no more than all responses have together."""
        return np.minimum(degrees + self.degrees, degrees.sum())


def fitted_prior(variance: Vector, degrees: Vector) -> Prior:
    """The prior by the moments of the logarithms.

    Parameters
    ----------
    variance, degrees : arrays of shape (k,)
        Residual variances, and their degrees of freedom; at least two, all positive.
    """
    log_variance = np.log(np.maximum(variance, LEAST_VARIANCE * np.median(variance)))
    half = 0.5 * degrees
    e = log_variance - digamma(half) + np.log(half)
    excess = float(np.var(e, ddof=1) - np.mean(polygamma(1, half)))
    if not excess > float(polygamma(1, 0.5 * LARGEST_DEGREES)):
        return Prior(np.inf, float(np.mean(variance)))
    if excess >= polygamma(1, 0.5 * SMALLEST_DEGREES):
        degrees_of_prior = SMALLEST_DEGREES
    else:
        log_degrees = brentq(
            lambda v: float(polygamma(1, 0.5 * np.exp(v))) / excess - 1.0,
            np.log(SMALLEST_DEGREES),
            np.log(LARGEST_DEGREES),
            xtol=1e-14,
        )
        degrees_of_prior = float(np.exp(log_degrees))
    half_prior = 0.5 * degrees_of_prior
    center = float(np.mean(e)) + float(digamma(half_prior)) - np.log(half_prior)
    return Prior(degrees_of_prior, float(np.exp(center)))
