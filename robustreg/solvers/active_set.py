"""Penalised coefficients at a given scale: proximal Newton steps on the active columns.

A step minimises the quadratic model of the loss plus the penalty itself. The Hessian of the model
is the Gram matrix of the rows within the threshold. The step then goes along the line to that
minimiser as far as the objective falls. If no row crosses the threshold and the same columns stay
nonzero, one step is enough. It is also the extrapolation from one alpha to the next.

Source: J. D. Lee, Y. Sun, M. A. Saunders, "Proximal Newton-type methods for minimizing composite
functions", SIAM J. Optim. 24 (2014).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from robustreg.design.active_columns import INTERCEPT, ActiveColumns
from robustreg.design.base import ROUNDING, Point
from robustreg.penalties import ElasticNet
from robustreg.problem import NEGLIGIBLE, Problem
from robustreg.solvers.line_search import step_length
from robustreg.solvers.quadratic_lasso import Curvature, QuadraticLasso, Signs

__all__ = ["ActiveSet"]

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]
Indices = NDArray[np.intp]

#: Levenberg's rule: least positive mixing, the factor by which it changes, and the step lengths
#: below which it grows and above which it falls. Mixing is needed if the rows within the threshold
#: do not determine all directions.
FIRST_MIXING, MIXING_FACTOR, SHORT, LONG = 1e-3, 10.0, 0.05, 0.5

#: Curvature that is assumed for a column without entries within the threshold, relative to the
#: largest that all rows could give. It must only exceed rounding errors.
LEAST = 1e-3

#: The active columns are solved to this part of the tolerance, which costs nothing, since the last
#: step ends far below it. It must be less than the part for the scale. Otherwise a column that
#: should enter just at that scale might not.
INNER = 1e-4


@dataclass
class ActiveSet:
    """Coefficients of the active columns, which solve one problem after another.

    Parameters
    ----------
    problem : Problem
        With Huber's loss and an elastic net. Its scale rule is not used here.

    Attributes
    ----------
    columns : ActiveColumns
    coef : array of shape (k,)
        In working units, in the order of ``columns.index``, with the intercept first.
    n_iter : int
        Number of steps so far.
    slopes : array of shape (k,)
        Negative gradient of the smooth part of the objective at the end of the last ``solve``.
    """

    problem: Problem
    columns: ActiveColumns = field(init=False)
    coef: Vector = field(init=False)
    slopes: Vector = field(init=False)
    n_iter: int = 0

    def __post_init__(self) -> None:
        design: Any = self.problem.design  # one in memory
        self.columns = design.active_columns(self.problem.fit_intercept)
        self.coef = np.zeros(self.columns.size)
        self.slopes = np.zeros(self.columns.size)
        self._mixing = 0.0
        self._guess: Vector | None = None
        self._curvature: Curvature | None = None
        self.set_alpha(self.penalty.alpha)
        self.add(np.flatnonzero(self._slope_of_all == 0.0))

    @property
    def penalty(self) -> ElasticNet:
        """The penalty of the problem."""
        return self.problem.penalty  # type: ignore[return-value]

    @property
    def delta(self) -> float:
        """Threshold of the loss in units of sigma."""
        return float(self.problem.loss.delta)  # type: ignore[attr-defined]

    def set_alpha(self, alpha: float) -> None:
        """Continue with another alpha."""
        self.alpha = alpha
        penalty, design = self.penalty.at(alpha), self.problem.design
        self._slope_of_all = design.total_weight * penalty.slope(design.units.column_scale)
        self._curvature_of_all = design.total_weight * penalty.curvature(design.units.column_scale)
        self._update_penalty()

    @property
    def unit_sizes(self) -> Vector:
        """``sum s l_j`` of all columns, at an alpha and a scale of 1."""
        return self._slope_of_all / self.alpha

    def add(self, index: Indices) -> None:
        """Make further columns active."""
        if index.size:
            self.columns.add(index)
            self.coef = np.concatenate((self.coef, np.zeros(index.size)))
            self._guess = self._curvature = None
            self._update_penalty()

    def set_coef(self, index: Indices, values: Vector, intercept: float) -> None:
        """Continue from other coefficients, which are given with the numbers of their columns."""
        self.add(np.setdiff1d(index, self.columns.index))
        self.coef[:] = 0.0
        order = {column: position for position, column in enumerate(self.columns.index.tolist())}
        for column, value in zip(index.tolist(), values.tolist(), strict=True):
            self.coef[order[column]] = value
        if self.problem.fit_intercept:
            self.coef[0] = intercept
        self.columns.restart(self.coef)

    def _update_penalty(self) -> None:
        index = self.columns.index
        constant = index == INTERCEPT
        self.sizes = np.where(constant, 0.0, self._slope_of_all[index])
        self.curvature = np.where(constant, 0.0, self._curvature_of_all[index])
        if self.curvature.any():
            self._curvature = None
        free = constant if self.penalty.positive else self.sizes == 0.0
        self.signs = Signs(free, self.penalty.positive)
        units, total = self.problem.design.units, self.problem.design.total_weight
        # Largest entries of the active columns after they are shifted and scaled.
        size = (units.magnitude[index] - np.abs(units.center[index])) / units.column_scale[index]
        self._sizes_of_columns = np.where(constant, 1.0, size)
        unit = self.alpha / np.where(constant, 1.0, units.column_scale[index])
        unpenalised = (self.sizes == 0.0) & (self.curvature == 0.0)
        own = np.where(self._sizes_of_columns > 0.0, self._sizes_of_columns, unit)
        least = own if unpenalised.all() else np.minimum(unit, own)
        self._units_of_violations = total * np.where(unpenalised, least, unit)

    # -- the conditions of a minimum --------------------------------------------------------------

    def _violations(self, slopes: Vector, scale: float) -> Vector:
        """Residuals of the conditions of a minimum at the active columns, in units of alpha.

        For a column without a penalty a large alpha is not a meaningful unit. Its unit is at most
        the slope that residuals of sigma in every row would give.
        """
        sizes = scale * self.sizes
        nonzero = (self.coef != 0.0) | self.signs.free
        at_zero = np.maximum(self.signs.excess(slopes, sizes), 0.0)
        violations = np.where(nonzero, np.abs(slopes - sizes * np.sign(self.coef)), at_zero)
        return violations / (scale * self._units_of_violations)

    def estimate(self, scale: float, freedom: float) -> float:
        """The rule's estimate of sigma from the residuals, whose search starts at a scale."""
        point = Point(self.coef, 0.0, scale, self.problem.loss)
        return self.problem.scale.estimate(self.columns, point, freedom)

    def fits_exactly(self) -> bool:
        """Whether all residuals are rounding errors, so that no scale changes the fit."""
        return self.columns.largest_residual() <= NEGLIGIBLE * self._rounding_of_residuals()

    def rounding_level(self, scale: float) -> float:
        """Largest effect of rounding errors on the violations."""
        ratios = self._sizes_of_columns / self._units_of_violations
        largest = self.problem.design.total_weight * float(ratios.max(initial=0.0))
        return self._rounding_of_residuals() * largest / scale

    def _rounding_of_residuals(self) -> float:
        size = 1.0 + float(np.abs(self.coef) @ self._sizes_of_columns)
        return ROUNDING * float(np.finfo(np.float64).eps) * size

    @property
    def least_curvature(self) -> Vector:
        """The least diagonal of the Hessian, for columns that are tiny within the threshold."""
        squares = self._sizes_of_columns**2
        return LEAST * self.problem.design.total_weight * np.where(squares > 0.0, squares, 1.0)

    def slopes_of_all(self, scale: float) -> Vector:
        """``sum s psi z`` of all columns, divided by sigma."""
        return self.products_of_all(self.columns.psi(self.delta * scale) / scale, scale)

    def products_of_all(self, values: NDArray[np.float64], scale: float) -> NDArray[np.float64]:
        """``sum s q z`` of all columns, for values q of the rows, or for each line of them."""
        design: Any = self.problem.design
        point = self.columns.point(self.coef, scale, self.problem.loss)
        return design.column_products(values, point)

    # -- steps ------------------------------------------------------------------------------------

    def solve(self, scale: float, tol: float, max_iter: int) -> float:
        """Solve for the active columns at a scale. Return the largest violation over alpha."""
        best, target = np.inf, INNER * tol
        for _ in range(max_iter + 1):
            products = self.columns.products(self.columns.psi(self.delta * scale))
            self.slopes = products - self.curvature * self.coef
            violation = float(self._violations(self.slopes, scale).max(initial=0.0))
            # Steps that no longer halve the violation have reached the rounding errors.
            if violation <= target:
                return violation
            if violation > 0.5 * best and violation <= max(tol, self.rounding_level(scale)):
                return violation
            best = min(best, violation)
            self._step(scale)
        return violation

    def _step(self, scale: float) -> None:
        self.n_iter += 1
        curvature = self._hessian(scale)
        sizes = scale * self.sizes
        rank = self._rank(scale)
        c = self.slopes + curvature.Q @ self.coef
        model = QuadraticLasso(curvature, c, sizes, self.signs, rank)
        minimiser = model.minimise(self.coef if self._guess is None else self._guess)
        direction = minimiser - self.coef
        image = self.columns.image(direction)
        step = self._step_length(direction, image, sizes, self.delta * scale)
        # After a shortened step, coefficients of both ends are nonzero, perhaps more than there are
        # rows. The signs of the far end are then the better start.
        self._guess = None if step == 1.0 else minimiser
        if step == 1.0:
            self.coef = minimiser
        else:
            moved = self.coef + step * direction
            # A coefficient that is zero at both ends remains exactly zero.
            self.coef = np.where((minimiser == 0.0) & (self.coef == 0.0), 0.0, moved)
        self.columns.residual -= step * image
        if step < SHORT:
            self._mixing = min(max(MIXING_FACTOR * self._mixing, FIRST_MIXING), 1.0)
        elif step > LONG:
            mixing = self._mixing / MIXING_FACTOR
            self._mixing = mixing if mixing >= FIRST_MIXING else 0.0

    def _rank(self, scale: float) -> int:
        """Upper bound of the number of independent columns at a scale."""
        if self.curvature.any():
            return self.columns.size
        return int(np.count_nonzero(self.columns.inside(self.delta * scale)))

    def _hessian(self, scale: float) -> Curvature:
        """The Hessian of the loss and the quadratic penalty."""
        threshold, mixing = self.delta * scale, self._mixing
        newton = self.newton_hessian(threshold)
        nonzero = np.count_nonzero((self.coef != 0.0) | self.signs.free)
        if np.count_nonzero(self.columns.inside(threshold)) < nonzero:
            mixing = max(mixing, FIRST_MIXING)
        if not mixing:
            return newton
        Q = self.columns.mixed_gram(threshold, self.problem.loss.at(scale), mixing)
        Q[np.diag_indices_from(Q)] += self.curvature
        return Curvature(Q, self.least_curvature)

    def newton_hessian(self, threshold: float) -> Curvature:
        """The Hessian without mixing, recomputed only if rows, columns or alpha have changed."""
        columns = self.columns
        if self._curvature is None or not columns.has_gram(threshold):
            Q = columns.gram(threshold)
            if self.curvature.any():
                Q = Q.copy(order="F")
                Q[np.diag_indices_from(Q)] += self.curvature
            self._curvature = Curvature(Q, self.least_curvature)
        return self._curvature

    def _step_length(
        self, direction: Vector, image: Vector, sizes: Vector, threshold: float
    ) -> float:
        """Return 1, or a step at which the slope along the line is about zero."""

        def slope(step: float, side: float) -> float:
            coef = self.coef + step * direction
            # Rounding errors are removed, so that a coefficient of zero gets the slope of its side.
            coef[np.abs(coef) <= 1e-14 * np.abs(self.coef)] = 0.0
            sign = np.where(coef == 0.0, side * np.sign(direction), np.sign(coef))
            penalty = float(direction @ (self.curvature * coef + sizes * sign))
            return self.columns.slope(step, image, threshold) + penalty

        return step_length(slope)
