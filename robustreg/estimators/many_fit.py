"""Fit many responses in blocks, and those that a block does not certify one by one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse

from robustreg.delta_choice import least_variance_deltas
from robustreg.design import Design, as_design
from robustreg.design.base import Point
from robustreg.design.response_table import ResponseTable, TableBlock
from robustreg.design.responses import ResponseBlock
from robustreg.design.shared_columns import SharedColumns
from robustreg.design.units import Units
from robustreg.estimators.fitting import (
    PILOT_DELTAS,
    HuberProblem,
    Start,
    fit_huber,
)
from robustreg.estimators.many_solutions import ManySolutions
from robustreg.losses import Huber
from robustreg.problem import NullSpace, Problem
from robustreg.solvers import Status
from robustreg.solvers.many import Many, is_regular, solve_many
from robustreg.solvers.minimum_norm import dependence, minimum_norm

__all__ = ["ManyFit"]

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]

#: Largest number of values and of columns in a block of responses. 20,000 responses of 60 rows took
#: 0.37 s with 520 columns, 0.18 s with 2,056, 0.15 s with 4,104 and 8,200, and 0.18 s in one block;
#: of 200 rows, 0.61 s with 4,104 and 0.81 s in one block. Widths are odd multiples of eight: rows
#: whose distance is a power of two share the same lines of the cache, and medians then take three
#: times as long.
BLOCK_NUMBERS, MOST_WIDTH = 2**20, 4096

#: Blocks are used up to this many products of columns, columns and rows. With more rows a block
#: would have few responses, and separate fits take no longer.
PRODUCT_NUMBERS, MOST_COLUMNS, MOST_ROWS = 2**22, 64, 2**16


class ManyFit:
    """Fits all responses of a table to the same X.

    Parameters
    ----------
    problem : HuberProblem
    X : array or CSR matrix of shape (n, p)
        Validated.
    table : ResponseTable
    weights : array of shape (n,) or None
    start : tuple of coef, intercept and scale, each with a line per response, or None
    on_block : callable
        Called after each block.
    """

    def __init__(
        self,
        problem: HuberProblem,
        X: Any,
        table: ResponseTable,
        weights: Vector | None,
        start: tuple[Matrix, Vector, Vector] | None,
        on_block: Callable[[], None],
    ) -> None:
        self._problem, self._X, self._table, self._weights = problem, X, table, weights
        self._start, self._on_block = start, on_block
        self._kept: NDArray[np.intp] | None = None  # columns that determine the others
        self._null: NullSpace | None = None
        self.n_passes = 1

    def run(self) -> ManySolutions:
        """Fit all responses."""
        n, p = self._X.shape
        found = ManySolutions.of_shape(n, p, self._table.n_responses)
        for block in self._table.blocks(self._width):
            solved = self._together(block, found)
            solved |= self._constant(block, ~solved, found)
            for j in np.flatnonzero(~solved).tolist():
                self._alone(block, j, found)
            self._on_block()
        return found

    # -- in blocks ---------------------------------------------------------------------------------

    @cached_property
    def _design(self) -> Design:
        """X with a response of zeros, as a template for responses that are solved alone."""
        zeros = np.zeros(self._X.shape[0])
        return as_design(self._X, zeros, self._weights, centered=self._problem.fit_intercept)

    @cached_property
    def _shared(self) -> SharedColumns | None:
        """Products of the columns; None if they cannot be used."""
        n, p = self._X.shape
        few = p <= MOST_COLUMNS and n * (p + 1) * (p + 2) // 2 <= PRODUCT_NUMBERS
        # A single response is fitted like a vector, so that both have the same result.
        if not few or not p + 1 < n < MOST_ROWS or self._table.n_responses == 1:
            return None
        shared = SharedColumns(self._dense, self._weights, self._units)
        if shared.n_rows <= p + 1:
            return None
        intercept = self._problem.fit_intercept
        if self._problem.alpha > 0.0 or is_regular(shared, intercept):
            return shared
        null = dependence(shared.factor(intercept), n, p)
        columns = null.independent[null.independent < p]
        if not 0 < columns.size < p:
            return None
        self._kept, self._null = columns, null
        units = self._units.some(columns)
        shared = SharedColumns(self._dense[:, columns], self._weights, units)
        return shared if is_regular(shared, intercept) else None

    @cached_property
    def _dense(self) -> NDArray:
        return self._X.toarray() if issparse(self._X) else self._X

    @property
    def _units(self) -> Units:
        """Units of X, with the responses in their own units."""
        return self._design.units._replace(response_scale=1.0)

    def _to_user(self, block: ResponseBlock, point: Point) -> tuple[Matrix, Vector]:
        """Return coefficients and intercepts, of minimum norm if columns are dependent."""
        coef, intercept = block.raw(point)
        if self._kept is None:
            return coef, intercept
        units, whole = self._units, np.zeros((self._X.shape[1], coef.shape[1]))
        whole[self._kept] = coef
        problem = replace(self._problem, delta=PILOT_DELTAS[-1]).over(self._design)
        shifted = point._replace(
            coef=whole * units.column_scale[:, None],
            intercept=cast(Any, intercept + units.center @ whole),
        )
        shifted = minimum_norm(replace(problem, null=self._null), shifted)
        coef = shifted.coef / units.column_scale[:, None]
        return coef, shifted.intercept - units.center @ coef

    @property
    def _width(self) -> int:
        n, p = self._X.shape
        width = min(BLOCK_NUMBERS // max(1, n, (p + 2) ** 2), MOST_WIDTH)
        return max(1, width) if width < 16 else width // 16 * 16 + 8

    @np.errstate(all="ignore")  # responses that overflow are solved alone later
    def _together(self, table: TableBlock, found: ManySolutions) -> NDArray[np.bool_]:
        """Solve a block of responses, and return a mask of the certified ones."""
        shared, problem = self._shared, self._problem
        width = table.values.shape[1]
        if shared is None:
            return np.zeros(width, np.bool_)
        present = None if table.present is None else shared.counted(table.present)
        block = ResponseBlock(shared, shared.counted(table.values), present)
        many, delta = self._solved(block, self._begin(table.columns))
        coef, intercept = self._to_user(block, _point(many, delta))
        where, certified = table.columns, many.certified
        found.coef[where][certified] = coef.T[certified]
        found.intercept[where][certified] = intercept[certified] if problem.fit_intercept else 0.0
        for kept, part in (
            (found.scale, many.scale),
            (found.delta, np.broadcast_to(delta, (width,))),
            (found.optimality, many.optimality),
            (found.n_iter, many.n_iter),
        ):
            kept[where][certified] = part[certified]
        found.status[where][certified] = Status.CONVERGED
        self.n_passes = max(self.n_passes, int(many.n_iter.max(initial=1)) + 2)
        self._weigh(table, block, many, delta, found)
        return certified

    def _solved(
        self, block: ResponseBlock, start: tuple[Matrix, Vector, Vector] | None
    ) -> tuple[Many, Any]:
        problem = self._problem
        if problem.delta != "auto":
            return self._solve(block, problem, float(problem.delta), start), float(problem.delta)
        pilot_delta = PILOT_DELTAS[0]
        pilot = self._solve(block, problem, pilot_delta, start)
        given = self._stated(block, problem, pilot_delta).scale
        delta = least_variance_deltas(
            block.residuals(_point(pilot, pilot_delta)),
            block.weights,
            degrees_of_freedom=pilot.freedom,
            scale=None if given.convex else pilot.scale,
        )
        many = self._solve(block, problem, delta, pilot.begin)
        many.certified &= pilot.certified
        many.n_iter += pilot.n_iter
        return many, delta

    def _stated(self, block: ResponseBlock, problem: HuberProblem, delta: Any) -> Problem:
        first = float(np.ravel(delta)[0])
        stated = replace(problem, delta=first).over(cast(Design, block))
        return replace(stated, loss=Huber(delta))

    def _solve(
        self,
        block: ResponseBlock,
        problem: HuberProblem,
        delta: Any,
        start: tuple[Matrix, Vector, Vector] | None,
    ) -> Many:
        stated = self._stated(block, problem, delta)
        return solve_many(stated, problem.tol, problem.max_iter, start)

    def _begin(self, columns: slice) -> tuple[Matrix, Vector, Vector] | None:
        """Return the previous fit in working units."""
        if self._start is None or self._kept is not None:
            return None
        coef, intercept, scale = (part[columns] for part in self._start)
        units = self._design.units
        return (
            coef.T * units.column_scale[:, None],
            intercept + coef @ units.center,
            scale,
        )

    def _weigh(
        self, table: TableBlock, block: ResponseBlock, many: Many, delta: Any, found: ManySolutions
    ) -> None:
        if found.weights is None or found.outliers is None:
            return
        if self._shared is not None and self._shared.rows is not None:
            block = ResponseBlock(self._all_columns, table.values, table.present)
        point = _point(many, delta)
        residual = block.residuals(point)
        loss = cast(Huber, point.units_loss)
        weights = loss.weight(residual)
        if table.present is not None:
            weights *= table.present
        found.weights[:, table.columns] = weights
        np.abs(residual, out=residual)
        np.greater(residual, loss.delta, out=found.outliers[:, table.columns])

    @cached_property
    def _all_columns(self) -> SharedColumns:
        """Columns including the rows with weight zero."""
        columns = slice(None) if self._kept is None else self._kept
        return SharedColumns(self._dense[:, columns], None, self._units.some(columns))

    def _constant(
        self, table: TableBlock, which: NDArray[np.bool_], found: ManySolutions
    ) -> NDArray[np.bool_]:
        """Solve constant responses, which the intercept fits, such as genes without a count."""
        problem, solved = self._problem, np.zeros_like(which)
        if self._weights is not None and not np.all(self._weights > 0.0):
            return solved  # rows with weight zero may have other values
        index = np.flatnonzero(which)
        values, present = table.values[:, index], np.ones(1)
        if table.present is not None:
            present = table.present[:, index]
        low = np.where(present, values, np.inf).min(axis=0)
        constant = low == np.where(present, values, -np.inf).max(axis=0)
        constant &= (low == 0.0) | problem.fit_intercept
        weights = np.broadcast_to(present, values.shape)[:, constant]
        index = index[constant]
        found.keep_constants(problem, table.columns.start + index, low[constant], weights)
        solved[index] = True
        return solved

    # -- alone ------------------------------------------------------------------------------------

    def _alone(self, table: TableBlock, j: int, found: ManySolutions) -> None:
        """Solve one response by itself."""
        k = table.columns.start + j
        y, weights, present = table.values[:, j], self._weights, None
        if table.present is not None:
            present = table.present[:, j] > 0.0
            weights = present.astype(np.float64) if weights is None else present * weights
            if not np.any(weights):
                return  # the response has no values
        design = self._design.answering(y, weights)
        solution = fit_huber(design, self._problem, self._single_start(k))
        self.n_passes = max(self.n_passes, design.passes)
        found.keep(design, solution, k, present)

    def _single_start(self, k: int) -> Start | None:
        if self._start is None:
            return None
        coef, intercept, scale = (part[k] for part in self._start)
        return Start(coef, float(intercept), float(scale))


def _point(many: Many, delta: Any) -> Point:
    return Point(many.coef, cast(Any, many.intercept), cast(Any, many.scale), Huber(delta))
