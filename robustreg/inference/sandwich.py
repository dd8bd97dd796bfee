r"""The sandwich: covariance matrices for errors whose distribution depends on x.

    HC = sigma² J^-1 [sum s f² (psi z, chi)(psi z, chi)'] J^-1'

with J of :mod:`robustreg.inference.equations`. With h = z' W^-1 z, W = sum s psi' z z',

    HC0  f = 1                        HC1  f² = n/(n - k)
    HC2  f² = 1/(1 - psi' h)          HC3  f = 1/(1 - psi' h)

These are the variants of MacKinnon and White (J. Econometrics 29, 1985) for an M-estimator. If row
i is left out, psi_i is multiplied by 1/(1 - h) within the threshold and does not change beyond it.
At delta = inf they are those of least squares. HC0 and HC1 need one pass over the rows. HC2 and HC3
need two, because h depends on W.

HC1 is too small if the spread grows with the leverage of a row: at n = 100 and k = 5, 95 %
intervals covered 93.3 % with HC1 and 93.8 % with HC3 (benchmarks/interval_coverage.py). Long and
Ervin (The American Statistician 54, 2000) recommend HC3 for the same reason. Leverages are k/n on
average, so the two agree if n is much larger than k, and HC1 saves the second pass.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from robustreg.inference.covariance import CovarianceEstimate
from robustreg.inference.equations import Bread, inverse_root, whitening
from robustreg.inference.interpolation import note_of_few_inside
from robustreg.inference.leverage import DECISIVE
from robustreg.inference.regression import FittedRegression
from robustreg.inference.residuals import Residuals
from robustreg.inference.rows import RowBlocks, weighted_gram

__all__ = [
    "Whitened",
    "default_variant",
    "leverage_corrected_meat",
    "sandwich_covariance",
    "whiten",
]

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]

#: With more rows per coefficient, "sandwich" means HC1 instead of HC3. Their variances differ by a
#: share of about k/n.
MANY_ROWS = 1000.0


@dataclass(frozen=True)
class Whitened:
    """Rows in coordinates in which W can be inverted accurately, with J in these coordinates.

    Attributes
    ----------
    rows : RowBlocks
    back : array of shape (k, k)
        theta in working units is ``back`` times theta in these coordinates.
    bread : Bread
    meat : array of shape (k + 1, k + 1)
        The middle of HC0.
    """

    rows: RowBlocks
    back: Matrix
    bread: Bread
    meat: Matrix

    def root(self, fitted: FittedRegression) -> Matrix:
        """Return T with ``T T'`` about the inverse of Z'Z, from W and the share of its rows."""
        return np.sqrt(fitted.moments.inside) * self.back @ self.bread.transform

    def covariance(self, fitted: FittedRegression, meat: Matrix) -> Matrix:
        """Return ``sigma² J^-1 meat J^-1'`` in these coordinates."""
        lines = fitted.working_scale * self.bread.influence()
        return lines @ meat @ lines.T


def default_variant(fitted: FittedRegression) -> str:
    """Return HC3, or HC1 if there are so many rows that leverages do not matter."""
    return "HC1" if fitted.n >= MANY_ROWS * fitted.n_parameters else "HC3"


def sandwich_covariance(fitted: FittedRegression, variant: str) -> CovarianceEstimate:
    """Estimate HC0, HC1, HC2 or HC3."""
    n, k = fitted.n, fitted.n_parameters
    notes = note_of_few_inside(fitted, variant)
    white = whiten(fitted)
    meat = white.meat
    if variant == "HC1":
        meat = meat * (n / (n - k))
    elif variant != "HC0":
        meat = leverage_corrected_meat(fitted, white, 0.5 if variant == "HC2" else 1.0)
    core = white.covariance(fitted, meat)
    description = f"{variant} (sandwich), robust to heteroscedasticity"
    root = white.root(fitted)
    return CovarianceEstimate(core, white.back, n - k, description, root, notes)


def whiten(fitted: FittedRegression) -> Whitened:
    """Compute J and the middle of HC0 in one pass, or in three if columns are nearly dependent."""
    rows, back = fitted.rows, np.eye(fitted.n_parameters)
    W, sides, meat, curvature = _sums(fitted, rows)
    transform = inverse_root(W)
    if transform is None:
        back = whitening(fitted, 0.0)
        rows = rows.transformed(back)
        W, sides, meat, curvature = _sums(fitted, rows)
        transform = inverse_root(W)
        assert transform is not None, "rows whitened by their own factor are well-conditioned"
    gradient, coupling, slope = sides.T
    fitted.check_solution(transform, gradient)
    bread = Bread(transform, coupling, slope, float(curvature[0]))
    return Whitened(rows, back, bread, meat)


def leverage_corrected_meat(fitted: FittedRegression, white: Whitened, power: float) -> Matrix:
    """Return the middle with ``f = (1 - psi' h)^-power``. The score of sigma is not inflated."""
    transform, equation = white.bread.transform, fitted.coupled_equation

    def statistic(z: Matrix, rows: Residuals) -> tuple[Matrix]:
        leverage = rows.inside * ((z @ transform) ** 2).sum(axis=1)
        corrected = rows.psi * (1.0 - np.minimum(leverage, DECISIVE)) ** -power
        return (_middle(z, rows.frequencies, corrected, equation.terms(rows).score),)

    return fitted.sum_rows(white.rows, statistic)[0]


def _sums(fitted: FittedRegression, rows: RowBlocks) -> tuple[NDArray, ...]:
    """Sum W, z times (psi, psi' u, g), the middle of HC0, and h, in one pass."""
    equation = fitted.coupled_equation

    def statistic(z: Matrix, rows: Residuals) -> tuple[NDArray, ...]:
        # Several threads may run this at once, so it must not write to shared data.
        s, terms = rows.frequencies, equation.terms(rows)
        sides = z.T @ np.column_stack((s * rows.psi, s * terms.coupling, s * terms.slope))
        middle = _middle(z, s, rows.psi, terms.score)
        return weighted_gram(z, s * rows.inside, z), sides, middle, rows.sums(terms.curvature)

    return fitted.sum_rows(rows, statistic)


def _middle(z: Matrix, s: Vector, psi: Vector, score: Vector) -> Matrix:
    """Return ``sum s (psi z, chi) (psi z, chi)'``."""
    side = z.T @ (s * psi * score)
    corner = np.array([[s @ score**2]])
    return np.block([[weighted_gram(z, s * psi**2), side[:, None]], [side[None, :], corner]])
