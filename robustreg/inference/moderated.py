r"""The moderated t statistic: variances of many responses are shrunk towards a common value.

The residual variances s² have d degrees of freedom. The true variances are modelled as draws from
the distribution of ``s_0² d_0 / chi²(d_0)``. The posterior mean of the inverse variance gives

    s~² = (d_0 s_0² + d s²) / (d_0 + d)

and t with s~ in place of s has Student's distribution with d_0 + d degrees of freedom. The numbers
d_0 and s_0² are estimated from all variances by matching the first two moments of log s². With
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

#: Smaller variances are raised to this share of the median, because their logarithm would dominate
#: the moments. limma uses the same number, and results are compared with limma.
LEAST_VARIANCE = 1e-5

#: Bounds of the search for d_0. Below the first, trigamma(d_0/2) exceeds 4e6. Above the second,
#: results agree with those for infinity to seven digits.
SMALLEST_DEGREES, LARGEST_DEGREES = 1e-3, 1e9


class Prior(NamedTuple):
    """The common distribution of the variances: ``variance * degrees / chi²(degrees)``."""

    degrees: float
    variance: float

    def posterior(self, variance: Vector, degrees: Vector) -> Vector:
        """Shrink each variance towards the common one."""
        if np.isinf(self.degrees):
            return np.full_like(variance, self.variance)
        total = self.degrees * self.variance + degrees * variance
        return np.asarray(total / (self.degrees + degrees))

    def total_degrees(self, degrees: Vector) -> Vector:
        """Return the degrees of freedom of Student's t, at most the sum over all responses."""
        return np.minimum(degrees + self.degrees, degrees.sum())


def fitted_prior(variance: Vector, degrees: Vector) -> Prior:
    """Estimate the prior from the moments of the logarithms.

    Parameters
    ----------
    variance, degrees : arrays of shape (k,)
        Residual variances and their degrees of freedom, at least two and all positive.
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
