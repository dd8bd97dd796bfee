r"""The sandwich: covariance matrices for errors whose distribution depends on x.

    HC = sigma² J^-1 [sum s f² (psi z, chi)(psi z, chi)'] J^-1'

with J of :mod:`robustreg.inference.equations`. With h = z' W^-1 z, W = sum s psi' z z',

    HC0  f = 1                        HC1  f² = n/(n - k)
    HC2  f² = 1/(1 - psi' h)          HC3  f = 1/(1 - psi' h)

which are the variants of MacKinnon and White (J. Econometrics 29, 1985) for an M-estimator: leaving
row i out changes psi_i by the factor 1/(1 - h) within the threshold and not at all beyond it. At
delta = inf they are those of least squares. HC0 and HC1 read the rows once; HC2 and HC3 need W
before h and read them twice.

HC1 is too small where the spread grows with a row's leverage: at n = 100 and k = 5 its 95 %
intervals covered 93.3 % where those of HC3 covered 93.8 % (benchmarks/interval_coverage.py). Long
and Ervin (The American Statistician 54, 2000) advise HC3 for the same reason. Leverages are k/n on
average, so for n much larger than k the two agree, and the second pass is saved.
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

#: Rows for each coefficient beyond which HC1 is taken for HC3: they differ by k/n in the variance.
MANY_ROWS = 1000.0


@dataclass(frozen=True)
class Whitened:
    """Rows in coordinates in which W can be inverted without loss, and J there.

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
        """T with ``T T'`` about the inverse of Z'Z: that of W, by the share of its rows."""
        return np.sqrt(fitted.moments.inside) * self.back @ self.bread.transform

    def covariance(self, fitted: FittedRegression, meat: Matrix) -> Matrix:
        """``sigma² J^-1 meat J^-1'``, in these coordinates."""
        lines = fitted.working_scale * self.bread.influence()
        return lines @ meat @ lines.T


def default_variant(fitted: FittedRegression) -> str:
    """HC3, or HC1 where there are so many rows that leverages matter no more."""
    return "HC1" if fitted.n >= MANY_ROWS * fitted.n_parameters else "HC3"


def sandwich_covariance(fitted: FittedRegression, variant: str) -> CovarianceEstimate:
    """HC0, HC1, HC2 or HC3."""
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
    """J and the middle of HC0, in one pass, or in two more where columns are nearly dependent."""
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
    """The middle with ``f = (1 - psi' h)^-power``; sigma's score is left as it is."""
    transform, equation = white.bread.transform, fitted.coupled_equation

    def statistic(z: Matrix, rows: Residuals) -> tuple[Matrix]:
        leverage = rows.inside * ((z @ transform) ** 2).sum(axis=1)
        corrected = rows.psi * (1.0 - np.minimum(leverage, DECISIVE)) ** -power
        return (_middle(z, rows.frequencies, corrected, equation.terms(rows).score),)

    return fitted.sum_rows(white.rows, statistic)[0]


def _sums(fitted: FittedRegression, rows: RowBlocks) -> tuple[NDArray, ...]:
    """W, the sums of z with (psi, psi' u, g), the middle of HC0, and the sum of h; in one pass."""
    equation = fitted.coupled_equation

    def statistic(z: Matrix, rows: Residuals) -> tuple[NDArray, ...]:
        # Several threads may be here at once: nothing is shared but what is only read.
        s, terms = rows.frequencies, equation.terms(rows)
        sides = z.T @ np.column_stack((s * rows.psi, s * terms.coupling, s * terms.slope))
        middle = _middle(z, s, rows.psi, terms.score)
        return weighted_gram(z, s * rows.inside, z), sides, middle, rows.sums(terms.curvature)

    return fitted.sum_rows(rows, statistic)


def _middle(z: Matrix, s: Vector, psi: Vector, score: Vector) -> Matrix:
    """``sum s (psi z, chi) (psi z, chi)'``."""
    side = z.T @ (s * psi * score)
    corner = np.array([[s @ score**2]])
    return np.block([[weighted_gram(z, s * psi**2), side[:, None]], [side[None, :], corner]])
