"""Dask collections. Each sum over rows is one round: partial sums of chunks, added in a tree.

Inside a chunk, ``DenseDesign`` computes the sums. A round sends the coefficients to the workers
once and returns sums to the client. Only the rows of the pilot are loaded by the client.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property, partial
from operator import attrgetter, methodcaller
from typing import Any

import numpy as np
from numpy.typing import NDArray

from robustreg.design.base import Design, Matrix, Mixing, Point, Sums, Vector
from robustreg.design.blocks import UNITS_SAMPLE
from robustreg.design.dask.chunks import RowChunks
from robustreg.design.dask.reading import Chunk
from robustreg.design.dask.requests import (
    OnChunk,
    Window,
    added,
    all_of,
    appended,
    collected,
    each_of,
    joined,
    key_of,
    map_rows,
    median_in,
    stacked,
    sum_over_rows,
    window_of,
)
from robustreg.design.dask.scheduler import compute
from robustreg.design.dense import DenseDesign
from robustreg.design.small import array_design
from robustreg.design.units import Units, stratified_rows, working_units
from robustreg.losses import Huber, Loss
from robustreg.scales import MAD_FACTOR, JointScale, weighted_median

__all__ = ["DaskDesign", "dask_design"]

#: Bytes of X up to which the client loads all rows, since one round takes longer than the fit.
LOADED_BYTES = 2**26

#: Largest share of the rows in a pilot. A large pilot saves rounds, which cost more than its fit.
PILOT_SHARE = 0.5

#: Relative change of the joint scale at which its iteration ends, and its most rounds.
SCALE_TOLERANCE, SCALE_ROUNDS = 1e-6, 50

#: Half width of the window in which the median of all rows is searched, in standard errors of the
#: pilot's median, and the factor by which the window widens if the median is outside.
WINDOW, WIDER = 4.0, 8.0


REMOTE = "Rows of a Dask collection cannot be selected one by one."


def dask_design(chunks: RowChunks, *, centered: bool) -> Design:
    """The design of Dask chunks, which are loaded if they are small."""
    if chunks.nbytes > LOADED_BYTES:
        return DaskDesign(chunks, centered=centered)
    design = array_design(*chunks.load(), centered=centered)
    design.like_rows, design.passes = chunks.like_rows, chunks.rounds
    design.on_pass = chunks.on_round
    return design


class DaskDesign(Design):
    """Chunks of rows on one or many machines, which are never all loaded at once.

    Parameters
    ----------
    chunks : RowChunks
    centered : bool
        Whether columns may be shifted.
    units : Units, optional
        Working units. By default they are found from a sample, in the round that loads the pilot.
    """

    in_memory = False

    def __init__(self, chunks: RowChunks, *, centered: bool, units: Units | None = None) -> None:
        self.n_rows, self.n_features = chunks.shape
        self.total_weight = chunks.total_weight
        self.square_weight = chunks.square_weight
        self.centered = centered
        self._chunks = chunks
        self._window: tuple[Any, Window] | None = None
        self.passes, self.on_pass = chunks.rounds, chunks.on_round
        if units is None:
            few, pilot = self._take(UNITS_SAMPLE, self.pilot_rows)
            units = working_units(few.X, few.y, centered)
            self._home = DenseDesign(*pilot, centered=centered, units=units)
        self.units = units
        self._block_units = units.of_blocks()

    # -- sums over rows -------------------------------------------------------------------------

    def value_and_gradient(self, point: Point) -> Sums:
        return self._evaluate(methodcaller("value_and_gradient", point), point)

    def sums_together(self, coef: Matrix, intercept: Vector, loss: Loss) -> Sums:
        return self._reduce(methodcaller("sums_together", coef, intercept, loss))

    def precise_gradient(self, point: Point) -> Sums:
        return self._reduce(methodcaller("precise_gradient", point), point=point)

    def gram(self, point: Point, mixing: Mixing) -> tuple[Sums, Matrix]:
        return self._evaluate(methodcaller("gram", point, mixing), point)

    def triangular_factor(self, point: Point, mixing: Mixing) -> tuple[Sums, Matrix]:
        return self._evaluate(methodcaller("triangular_factor", point, mixing), point, stacked)

    def gram_diagonal(self, point: Point, mixing: Mixing) -> tuple[Sums, Matrix]:
        return self._evaluate(methodcaller("gram_diagonal", point, mixing), point)

    def gram_product(self, point: Point, vector: Vector, mixing: Mixing = 0.0) -> Vector:
        return self._reduce(methodcaller("gram_product", point, vector, mixing), point=point)

    def sum_over_rows(
        self,
        statistic: Callable[..., tuple[NDArray, ...]],
        values: Sequence[NDArray],
        block_rows: int,
        point: Point | None = None,
    ) -> tuple[NDArray, ...]:
        request = partial(sum_over_rows, statistic, block_rows, point)
        return self._reduce(request, values=values)

    def map_rows(
        self, function: Callable[..., NDArray], values: Sequence[NDArray], block_rows: int
    ) -> NDArray:
        request = partial(map_rows, function, block_rows)
        return self._reduce(request, appended, values=values)

    def sum_over_residuals(
        self, statistic: Callable[..., tuple[NDArray, ...]], point: Point
    ) -> tuple[NDArray, ...]:
        return self._reduce(methodcaller("sum_over_residuals", statistic, point))

    # -- rows -------------------------------------------------------------------------------------

    def residuals(self, point: Point) -> Any:
        """A lazy Dask array of the residuals, in the chunks of X."""
        return self._lazy(methodcaller("residuals", point))

    def map_residuals(self, function: Callable[[Vector], NDArray], point: Point) -> Any:
        return self.residuals(point).map_blocks(function, dtype=function(np.zeros(1)).dtype)

    @property
    def response(self) -> Any:
        return self._lazy(attrgetter("response"))

    @property
    def weights(self) -> Any:
        return self._chunks.weights

    @property
    def pilot_rows(self) -> int:
        most = max(super().pilot_rows, self.smallest_pilot)
        return int(min(PILOT_SHARE * self.n_rows, most))

    def subsample(self, n_rows: int) -> DenseDesign:
        if n_rows == self.pilot_rows:
            return self._home
        (rows,) = self._take(n_rows)
        return DenseDesign(*rows, centered=self.centered, units=self.units)

    def rows_of_X(self, index: NDArray[np.intp]) -> NDArray:
        raise NotImplementedError(REMOTE)

    def answering(self, y: Vector, weights: Vector | None) -> DenseDesign:
        raise NotImplementedError(REMOTE)

    def rows(self, index: NDArray[np.intp]) -> DaskDesign:
        """The same chunks, all other rows with weight zero. Chunks without weight are not read."""
        counts = np.bincount(index, minlength=self.n_rows).astype(np.float64)
        weights = self.weights
        return self.reweighted(counts if weights is None else weights * counts)

    def in_units(self, units: Units) -> DaskDesign:
        design = DaskDesign(self._chunks, centered=self.centered, units=units)
        design._home = self._home.in_units(units)
        design.passes, design.on_pass = self.passes, self.on_pass
        return design

    def reweighted(self, weights: Any) -> DaskDesign:
        chunks = self._chunks.reweighted(weights)
        return DaskDesign(chunks, centered=self.centered, units=self.units)

    @property
    def block_units(self) -> Units:
        return self._block_units

    @cached_property
    def _home(self) -> DenseDesign:
        """The pilot's rows."""
        (rows,) = self._take(self.pilot_rows)
        return DenseDesign(*rows, centered=self.centered, units=self.units)

    # -- statistics of the residuals --------------------------------------------------------------

    def response_location_and_spread(self, fit_intercept: bool) -> tuple[float, float]:
        # Only starts and orders of magnitude use it, so the pilot's rows suffice.
        return self._home.response_location_and_spread(fit_intercept)

    def joint_scale(self, point: Point, loss: Huber, target: float) -> float:
        """Newton's method for sigma², in which ``sum s min(e², t²) - target sigma²`` is concave.

        After the first step, sigma decreases to the root. The steps end at the root because the
        function is piecewise linear. The start is the scale of the pilot's rows.
        """
        share = self._home.total_weight / self.total_weight
        freedom = target / (2.0 * loss.kappa)
        scale = self._home.joint_scale(point, loss, share * target) or self.spread
        for _ in range(SCALE_ROUNDS):
            at, last = point._replace(scale=scale, loss=loss), scale
            sums = self.value_and_gradient(at)
            scale = JointScale().step(sums, at, self.total_weight, freedom)
            if not scale > self.rounding_level(point):
                return 0.0
            if abs(scale - last) <= SCALE_TOLERANCE * last:
                break
        return scale

    def median_scale(self, point: Point) -> float:
        """The exact MAD about zero.

        The weight below a window about the pilot's median is counted, and the residuals inside the
        window are loaded. After the first call, each pass returns the window with its sums.
        """
        key, width = key_of(point), WINDOW
        while True:
            if self._window is None or self._window[0] != key:
                self._window = key, self._reduce(self._window_about(point, width), collected)
            median = median_in(self._window[1], self.total_weight)
            if median is not None:
                return median / MAD_FACTOR
            self._window, width = None, WIDER * width

    def _window_about(self, point: Point, width: float) -> Callable[[DenseDesign], Window]:
        """Residuals near the median of the pilot's, within ``width`` standard errors."""
        sizes = np.abs(self._home.residuals(point))
        margin = 0.5 * width / np.sqrt(sizes.shape[0])
        if margin >= 0.5:
            return partial(window_of, point, 0.0, np.inf)
        middle = weighted_median(sizes, self._home.weights)
        low, high = np.quantile(sizes, [0.5 - margin, 0.5 + margin])
        return partial(window_of, point, min(low, middle), max(high, middle))

    # -- rounds -----------------------------------------------------------------------------------

    def _evaluate(
        self, request: Callable[..., Any], point: Point, combine: Callable[..., Any] | None = None
    ) -> Any:
        """Sums, and the window of the median if a MAD is estimated."""
        if self._window is None:
            return self._reduce(request, combine, point=point)
        requests = [request, self._window_about(point, WINDOW)]
        joins = [combine or added, collected]
        request, combine = partial(all_of, requests), partial(each_of, joins)
        result, window = self._reduce(request, combine, point=point)
        self._window = key_of(point), window
        return result

    def _reduce(
        self,
        request: Callable[..., Any],
        combine: Callable[..., Any] | None = None,
        values: Sequence[NDArray] = (),
        point: Point | None = None,
    ) -> Any:
        """Apply ``request`` to all chunks and join the results in a tree, in one round."""
        step = OnChunk(request, self.centered, self.units)
        join = partial(joined, combine or added)
        (result,) = compute(self._chunks.reduction(step, join, values))
        self.count_pass(point)
        return result

    def _take(self, *sizes: int) -> list[Chunk]:
        total = int(self._chunks.counted.sum())
        rows = self._chunks.take(*(stratified_rows(total, None, size) for size in sizes))
        self.count_pass()
        return rows

    def _lazy(self, request: Callable[..., NDArray]) -> Any:
        return self._chunks.array(OnChunk(request, self.centered, self.units))
