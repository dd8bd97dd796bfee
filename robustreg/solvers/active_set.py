"""Penalised coefficients at a given scale: proximal Newton steps on the active columns.

One step minimises the quadratic model of the loss, whose Hessian is the Gram matrix of the rows
within the threshold, plus the penalty itself, and goes along the line to that minimiser as far as
the objective falls. Where neither rows nor columns change sides it ends in one step, which also is
the extrapolation from one alpha to the next.

Source: J. D. Lee, Y. Sun, M. A. Saunders, "Proximal Newton-type methods for minimizing composite
functions", SIAM J. Optim. 24 (2014).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from robustreg.design.active_columns import INTERCEPT, ActiveColumns
from robustreg.design.base import ROUNDING
from robustreg.penalties import ElasticNet
from robustreg.problem import NEGLIGIBLE, Problem
from robustreg.solvers.line_search import step_length
from robustreg.solvers.quadratic_lasso import Curvature, QuadraticLasso, Signs

__all__ = ["ActiveSet"]

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]
Indices = NDArray[np.intp]

#: Least mixing of the curvature of iterated least squares into that of Newton's method, the factor
#: by which it changes, and the step lengths below and above which it does: Levenberg's rule. It is
#: needed where the rows within the threshold leave directions free.
FIRST_MIXING, MIXING_FACTOR, SHORT, LONG = 1e-3, 10.0, 0.05, 0.5

#: Curvature of a column without entries within the threshold, in units of the largest that all rows
#: could give: any that is not lost beside that of others.
LEAST = 1e-3

#: Part of the tolerance to which the active columns are solved: the last step ends far below it. It
#: must be less than the part to which a scale is, or a column that should enter just there would
#: not.
INNER = 1e-4


@dataclass
class ActiveSet:
    """Coefficients of the active columns, which solve one problem after another.

    Parameters
    ----------
    problem : Problem
        With Huber's loss and an elastic net; its scale rule is not looked at here.

    Attributes
    ----------
    columns : ActiveColumns
    coef : array of shape (k,)
        In working units, in the order of ``columns.index``; the intercept first.
    n_iter : int
        Steps so far.
    slopes : array of shape (k,)
        Of the smooth part of the objective, downwards, where the last call of ``solve`` ended.
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
        """That of the problem."""
        return self.problem.penalty  # type: ignore[return-value]

    @property
    def delta(self) -> float:
        """Threshold of the loss in units of sigma."""
        return float(self.problem.loss.delta)  # type: ignore[attr-defined]

    def set_alpha(self, alpha: float) -> None:
        """Go on with another alpha."""
        self.alpha = alpha
        penalty, design = self.penalty.at(alpha), self.problem.design
        self._slope_of_all = design.total_weight * penalty.slope(design.units.column_scale)
        self._curvature_of_all = design.total_weight * penalty.curvature(design.units.column_scale)
        self._update_penalty()

    @property
    def unit_sizes(self) -> Vector:
        """``sum s l_j`` of all columns at an alpha and a scale of one."""
        return self._slope_of_all / self.alpha

    def add(self, index: Indices) -> None:
        """Take further columns to work with."""
        if index.size:
            self.columns.add(index)
            self.coef = np.concatenate((self.coef, np.zeros(index.size)))
            self._guess = self._curvature = None
            self._update_penalty()

    def set_coef(self, index: Indices, values: Vector, intercept: float) -> None:
        """Go on from other coefficients, given by their columns."""
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
        # Largest entries of the active columns as they are shifted and scaled.
        size = (units.magnitude[index] - np.abs(units.center[index])) / units.column_scale[index]
        self._sizes_of_columns = np.where(constant, 1.0, size)
        unit = self.alpha / np.where(constant, 1.0, units.column_scale[index])
        unpenalised = (self.sizes == 0.0) & (self.curvature == 0.0)
        own = np.where(self._sizes_of_columns > 0.0, self._sizes_of_columns, unit)
        least = own if unpenalised.all() else np.minimum(unit, own)
        self._units_of_violations = total * np.where(unpenalised, least, unit)

    # -- the conditions of a minimum --------------------------------------------------------------

    def _violations(self, slopes: Vector, scale: float) -> Vector:
        """Residuals of the conditions at the active columns, in units of alpha.

        For columns without a penalty alpha says nothing if it is large: then in units of what a
        residual of sigma in each row would give.
        """
        sizes = scale * self.sizes
        nonzero = (self.coef != 0.0) | self.signs.free
        at_zero = np.maximum(self.signs.excess(slopes, sizes), 0.0)
        violations = np.where(nonzero, np.abs(slopes - sizes * np.sign(self.coef)), at_zero)
        return violations / (scale * self._units_of_violations)

    def fits_exactly(self) -> bool:
        """Whether all residuals are rounding errors, as they then are at every scale."""
        return self.columns.largest_residual() <= NEGLIGIBLE * self._rounding_of_residuals()

    def rounding_level(self, scale: float) -> float:
        """What rounding errors make of ``violation``, at most."""
        ratios = self._sizes_of_columns / self._units_of_violations
        largest = self.problem.design.total_weight * float(ratios.max(initial=0.0))
        return self._rounding_of_residuals() * largest / scale

    def _rounding_of_residuals(self) -> float:
        size = 1.0 + float(np.abs(self.coef) @ self._sizes_of_columns)
        return ROUNDING * float(np.finfo(np.float64).eps) * size

    @property
    def least_curvature(self) -> Vector:
        """A diagonal for columns that have next to none within the threshold."""
        squares = self._sizes_of_columns**2
        return LEAST * self.problem.design.total_weight * np.where(squares > 0.0, squares, 1.0)

    def slopes_of_all(self, scale: float) -> Vector:
        """``sum s psi z`` of all columns, divided by sigma."""
        design: Any = self.problem.design
        point = self.columns.point(self.coef, scale, self.problem.loss)
        return design.column_products(self.columns.psi(self.delta * scale), point) / scale

    def violating(self, slopes: Vector, tol: float) -> tuple[float, Indices]:
        """Largest violation of the columns that are not active, and those beyond the tolerance."""
        design = self.problem.design
        beyond = slopes if self.penalty.positive else np.abs(slopes)
        excess = (beyond - self._slope_of_all) * design.units.column_scale
        excess /= self.alpha * design.total_weight
        inner = self.columns.index[self.columns.index != INTERCEPT]
        excess[inner] = 0.0
        return max(float(excess.max(initial=0.0)), 0.0), np.flatnonzero(excess > tol)

    def strong(self, slopes: Vector, alpha: float) -> Indices:
        """Columns that may be nonzero here, by their slopes at a larger alpha.

        The sequential strong rule: as alpha falls, a slope changes by no more than alpha does. It
        is often right, and the conditions are checked afterwards. (R. Tibshirani et al., "Strong
        rules for discarding predictors in lasso-type problems", J. R. Statist. Soc. B 74, 2012.)
        """
        beyond = slopes if self.penalty.positive else np.abs(slopes)
        ratio = max(2.0 - alpha / self.alpha, 0.0)
        found = np.flatnonzero(beyond >= ratio * self._slope_of_all)
        return np.setdiff1d(found, self.columns.index)

    # -- steps ------------------------------------------------------------------------------------

    def solve(self, scale: float, tol: float, max_iter: int) -> float:
        """Solve for the active columns at a scale; the largest violation, in units of alpha."""
        best, target = np.inf, INNER * tol
        for _ in range(max_iter + 1):
            products = self.columns.products(self.columns.psi(self.delta * scale))
            self.slopes = products - self.curvature * self.coef
            violation = float(self._violations(self.slopes, scale).max(initial=0.0))
            # Steps that no longer help have come to the rounding errors.
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
        # After a part of the way the coefficients of both ends are not zero, more than there may be
        # rows: the signs of the far end are the better start.
        self._guess = None if step == 1.0 else minimiser
        if step == 1.0:
            self.coef = minimiser
        else:
            moved = self.coef + step * direction
            # Coefficients that leave stay exactly zero, or get there at the end of a full step.
            self.coef = np.where((minimiser == 0.0) & (self.coef == 0.0), 0.0, moved)
        self.columns.residual -= step * image
        if step < SHORT:
            self._mixing = min(max(MIXING_FACTOR * self._mixing, FIRST_MIXING), 1.0)
        elif step > LONG:
            mixing = self._mixing / MIXING_FACTOR
            self._mixing = mixing if mixing >= FIRST_MIXING else 0.0

    def _rank(self, scale: float) -> int:
        """How many columns may be independent at a scale."""
        if self.curvature.any():
            return self.columns.size
        return int(np.count_nonzero(self.columns.inside(self.delta * scale)))

    def _hessian(self, scale: float) -> Curvature:
        """That of the loss and the quadratic penalty."""
        threshold, mixing = self.delta * scale, self._mixing
        newton = self.newton_hessian(threshold)
        nonzero = np.count_nonzero((self.coef != 0.0) | self.signs.free)
        if np.count_nonzero(self.columns.inside(threshold)) < nonzero:
            mixing = max(mixing, FIRST_MIXING)
        if not mixing:
            return newton
        weights = self.columns.loss_weights(self.problem.loss.at(scale))
        Q = (1.0 - mixing) * self.columns.gram(threshold)
        Q += mixing * self.columns.weighted_gram(weights)
        Q[np.diag_indices_from(Q)] += self.curvature
        return Curvature(Q, self.least_curvature)

    def newton_hessian(self, threshold: float) -> Curvature:
        """Without mixing; the same object as long as neither rows nor columns nor alpha change."""
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
        """One, or where the slope along the line is zero."""

        def slope(step: float, side: float) -> float:
            coef = self.coef + step * direction
            # Coefficients end at zero but for rounding errors: the slope in front of it, or behind.
            coef[np.abs(coef) <= 1e-14 * np.abs(self.coef)] = 0.0
            sign = np.where(coef == 0.0, side * np.sign(direction), np.sign(coef))
            penalty = float(direction @ (self.curvature * coef + sizes * sign))
            return self.columns.slope(step, image, threshold) + penalty

        return step_length(slope)
