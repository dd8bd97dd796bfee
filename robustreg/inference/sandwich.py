r"""The sandwich: covariance matrices for errors whose distribution depends on x.

    HC = sigma² J^-1 [sum s f² (psi z, chi)(psi z, chi)'] J^-1'

with J and chi of :mod:`robustreg.inference.equations`. With h = z' W^-1 z, W = sum s psi' z z',

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
from robustreg.inference.equations import (
    Bread,
    ScaleEquation,
    inverse_root,
    scale_equation,
    whitening,
)
from robustreg.inference.fitted import FittedRegression
from robustreg.inference.interpolation import note_of_few_inside
from robustreg.inference.rows import RowBlocks, weighted_gram

__all__ = ["Whitened", "default_variant", "sandwich_covariance", "whiten"]

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]

#: A row that alone determines a coefficient has leverage one and psi zero: its product with
#: ``1/(1 - h)`` must not be infinity times a rounding error.
LARGEST_LEVERAGE = 1.0 - 1e-8

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
    equation : ScaleEquation or None
    meat : array of shape (k + 1, k + 1), or (k, k) where sigma is not estimated
        The middle of HC0.
    """

    rows: RowBlocks
    back: Matrix
    bread: Bread
    equation: ScaleEquation | None
    meat: Matrix

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
        meat = _leverage_corrected_meat(fitted, white, 0.5 if variant == "HC2" else 1.0)
    core = white.covariance(fitted, meat)
    description = f"{variant} (sandwich), robust to heteroscedasticity"
    return CovarianceEstimate(core, white.back, n - k, description, notes)


def whiten(fitted: FittedRegression) -> Whitened:
    """J and the middle of HC0, in one pass, or in two more where columns are nearly dependent."""
    rows, back = fitted.rows, np.eye(fitted.n_parameters)
    equation = scale_equation(fitted)
    W, products, meat = _sums(fitted, rows, equation)
    transform = inverse_root(W)
    if transform is None:
        back = whitening(fitted, 0.0)
        rows = rows.transformed(back)
        W, products, meat = _sums(fitted, rows, equation)
        transform = inverse_root(W)
        assert transform is not None, "rows whitened by their own factor are well-conditioned"
    gradient, coupling, slope = products.T[:3]
    fitted.check_solution(transform, gradient)
    bread = Bread(transform)
    if equation is not None:
        bread = Bread(transform, coupling, slope, float(fitted.frequencies @ equation.curvature))
    return Whitened(rows, back, bread, equation, meat)


def _sums(
    fitted: FittedRegression, rows: RowBlocks, equation: ScaleEquation | None
) -> tuple[Matrix, Matrix, Matrix]:
    """W, the sums of z with (psi, psi' u, g), and the middle of HC0, in one pass."""
    s, psi = fitted.frequencies, fitted.psi
    columns = [s * psi]
    if equation is not None:
        columns += [s * equation.coupling, s * equation.slope, s * psi * equation.score]
    else:
        columns += [np.zeros_like(psi)] * 3
    values = np.column_stack(columns)

    def statistic(
        z: Matrix, curvature: Vector, square: Vector, value: Matrix
    ) -> tuple[Matrix, ...]:
        # Several threads may be here at once: nothing is shared but what is only read.
        products, middle = z.T @ value, weighted_gram(z, square)
        return weighted_gram(z, curvature, z), middle, products

    W, square, products = rows.sum(statistic, s * fitted.inside, s * psi**2, values)
    if equation is None:
        return W, products, square
    return W, products, _bordered(square, products[:, 3], float(s @ equation.score**2))


def _bordered(block: Matrix, side: Vector, corner: float) -> Matrix:
    return np.block([[block, side[:, None]], [side[None, :], np.array([[corner]])]])


def _leverage_corrected_meat(fitted: FittedRegression, white: Whitened, power: float) -> Matrix:
    """The middle with ``f = (1 - psi' h)^-power``; sigma's score is left as it is."""
    s, transform = fitted.frequencies, white.bread.transform
    score = np.zeros_like(fitted.psi) if white.equation is None else white.equation.score

    def statistic(
        z: Matrix, s: Vector, psi: Vector, inside: Vector, chi: Vector
    ) -> tuple[Matrix, ...]:
        white_z = z @ transform
        leverage = inside * np.einsum("ij,ij->i", white_z, white_z)
        corrected = psi * (1.0 - np.minimum(leverage, LARGEST_LEVERAGE)) ** -power
        side = z.T @ (s * corrected * chi)
        return weighted_gram(z, s * corrected**2, z), side

    square, side = white.rows.sum(statistic, s, fitted.psi, fitted.inside, score)
    if white.equation is None:
        return square
    return _bordered(square, side, float(s @ score**2))
