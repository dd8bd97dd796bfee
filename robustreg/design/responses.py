"""A block of responses with the same X. Its sums over rows are products of matrices.

Let Z be the columns of X and a column of ones, S the frequencies, and Psi and I the psi and psi' of
the residuals, with one column per response. All gradients are ``Z'S Psi``. All curvatures are
``C'I``, where C has the ``q (q + 1) / 2`` products ``s z_j z_k`` of two columns, which are the same
for every response.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from robustreg.design.base import EPS, EXTENDED_EPS, ROUNDING, Point, Sums
from robustreg.design.shared_columns import SharedColumns
from robustreg.design.units import Units
from robustreg.losses import Huber
from robustreg.order_statistics import MAD_FACTOR, weighted_medians

__all__ = ["ResponseBlock"]

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]

#: Largest growth of an estimate of the scale. It is unlimited if too many rows are outside.
MOST_GROWTH = 3.0


class ResponseBlock:
    """Sums over rows for some responses. All arrays have the responses along their last axis.

    It has the methods of a design that the descent uses, in the units of the responses themselves.
    Values of the loss are not computed, since slopes determine the length of a step.

    Parameters
    ----------
    shared : SharedColumns
    responses : array of shape (n_rows, B)
        Float64, finite, and zero where a value is missing.
    present : array of shape (n_rows, B) or None
        1 for a value, and 0 for a missing one. None if no value is missing.
    columns : array of int, optional
        Which of the responses belong to the block. ``present`` has only these.

    Attributes
    ----------
    n_responses : int
        The number B of responses.
    total_weight, square_weight : float or array of shape (B,)
        As in ``Design``.
    """

    def __init__(
        self,
        shared: SharedColumns,
        responses: Matrix,
        present: Matrix | None,
        columns: NDArray[np.intp] | None = None,
    ) -> None:
        self._shared, self._present = shared, present
        self._responses, self._columns = responses, columns
        self.n_responses = responses.shape[1] if columns is None else columns.size
        self.n_rows, self.n_features = shared.n_rows, shared.n_features
        self.units = shared.units
        self._evaluated: Any = None
        weights = shared.weights
        if present is None:
            self.total_weight: Any = float(self.n_rows if weights is None else weights.sum())
            self.square_weight: Any = float(self.n_rows if weights is None else weights @ weights)
        else:
            ones = np.ones(self.n_rows) if weights is None else weights
            self.total_weight, self.square_weight = ones @ present, ones**2 @ present

    @cached_property
    def _y(self) -> Matrix:
        """The responses of the block, copied at the first use, since not every block needs them."""
        return self._responses if self._columns is None else self._responses[:, self._columns]

    @cached_property
    def _buffers(self) -> NDArray[np.float64]:
        """Three arrays for a pass. Allocating them in each pass would cost more than computing."""
        return np.empty((3, *self._y.shape))

    @cached_property
    def size(self) -> Vector:
        """Size of each response, at least the median of its absolute values."""
        location, spread = self.location_and_spread(True)
        return np.abs(location) + spread

    @property
    def n_observations(self) -> Any:
        """N of each response. See ``Design.n_observations``."""
        return np.maximum(self.total_weight, self.total_weight**2 / self.square_weight)

    @property
    def weights(self) -> Matrix | None:
        """Frequencies of shape (n_rows, 1) or (n_rows, B), zero where a response is missing."""
        weights = self._shared.weights
        column = None if weights is None else weights[:, None]
        if self._present is None or column is None:
            return column if self._present is None else self._present
        return self._present * column

    def take(self, index: NDArray[np.intp]) -> ResponseBlock:
        """Select some of the responses."""
        present = None if self._present is None else self._present[:, index]
        block = ResponseBlock(self._shared, self._y, present, index)
        block.size = self.size[index]  # reused, since medians take long
        return block

    # -- sums over rows ---------------------------------------------------------------------------

    def residuals(self, point: Point, out: Matrix | None = None) -> Matrix:
        """Residuals in the units of the responses, zero where a response is missing."""
        theta = np.vstack((point.coef, np.broadcast_to(point.intercept, point.coef.shape[1:])))
        residual = np.matmul(self._shared.columns, theta, out=out)
        np.subtract(self._y, residual, out=residual)
        if self._present is not None:
            residual *= self._present
        return residual

    def gram(self, point: Point, mixing: Any) -> tuple[Sums, Matrix]:
        """Compute the sums and the lower triangles of the Gram matrices, as ``Design.gram``.

        Parameters
        ----------
        point : Point
            Coefficients of shape (p, B), intercepts and scales of shape (B,).
        mixing : None, or array of shape (B,)

        Returns
        -------
        Sums
            Without values of the loss.
        array of shape (p + 2, p + 2, B)
        """
        shared, threshold = self._shared, point.units_loss.delta  # type: ignore[attr-defined]
        residual, psi, inside = self._buffers
        self.residuals(point, out=residual)
        self._evaluated = point.coef
        np.minimum(residual, threshold, out=psi)
        np.maximum(psi, -threshold, out=psi)
        sums_of_psi = shared.weighted @ psi
        np.equal(psi, residual, out=inside)
        if self._present is not None:
            inside *= self._present
        products = shared.products @ inside
        count = products[-1]
        gram = shared.triangle(self._curvature(products, threshold, mixing))
        inside *= residual
        gram[-1, :-1] = shared.weighted @ inside
        inside *= residual
        squares = inside.sum(axis=0) if shared.weights is None else shared.weights @ inside
        gram[-1, -1] = squares
        self._inside = squares, count
        finite = np.where(np.isfinite(threshold), threshold, 0.0)
        sums = Sums(
            np.full_like(count, np.nan),
            squares + finite**2 * np.maximum(self.total_weight - count, 0.0),
            sums_of_psi[-1],
            count,
            sums_of_psi[:-1],
        )
        return sums, gram

    def majorant(self, point: Point) -> Matrix:
        """Gram matrices with the weights of iterated least squares, at the last point."""
        assert self._evaluated is point.coef
        weight = cast(Huber, point.units_loss).weight(self._buffers[0])
        if self._present is not None:
            weight *= self._present
        return self._shared.triangle(self._shared.products @ weight)

    def _curvature(self, products: Matrix, threshold: Any, mixing: Any) -> Matrix:
        """Sums of the products of columns, weighted by the curvature of ``mixing``."""
        if mixing is None:
            return self._whole()
        if not np.any(mixing):
            return products
        damped = np.flatnonzero(mixing)
        threshold = np.broadcast_to(threshold, self.n_responses)[damped]
        weight = Huber(threshold).weight(self._buffers[0][:, damped])
        if self._present is not None:
            weight *= self._present[:, damped]
        mixed = products.copy()
        mixing = np.asarray(mixing)[damped]
        mixed[:, damped] *= 1.0 - mixing
        mixed[:, damped] += mixing * (self._shared.products @ weight)
        return mixed

    def _whole(self) -> Matrix:
        """Sums of the products of columns over all rows of each response."""
        if self._present is None:
            return np.repeat(self._shared.whole[:, None], self.n_responses, axis=1)
        return self._shared.products @ self._present

    # -- statistics -------------------------------------------------------------------------------

    def location_and_spread(self, fit_intercept: bool) -> tuple[Vector, Vector]:
        """Median of each response (zero without an intercept) and MAD about it."""
        location = self._medians(self._y) if fit_intercept else np.zeros(self.n_responses)
        spread = self._medians(np.abs(self._y - location)) / MAD_FACTOR
        if fit_intercept:
            self.size = np.abs(location) + spread
        return location, spread

    def median_scale(self, point: Point) -> Vector:
        """MAD of the residuals about zero."""
        residual, magnitude, _ = self._buffers
        if self._evaluated is not point.coef:
            self.residuals(point, out=residual)
            self._evaluated = point.coef
        return self._medians(np.abs(residual, out=magnitude)) / MAD_FACTOR

    def joint_scale(self, point: Point, loss: Huber, target: Any) -> Vector:
        """Estimate the joint scale from the rows that are within the threshold at the point.

        Near the root these rows do not change, and the result is that of ``Design.joint_scale``.
        Elsewhere it is a step towards the root.
        """
        assert self._evaluated is point.coef
        squares, count = self._inside
        outside = np.maximum(self.total_weight - count, 0.0)
        left = target - np.where(outside > 0.0, loss.delta**2 * outside, 0.0)
        ratio = np.sqrt(squares / np.where(left > 0.0, left, np.nan)) / point.scale
        return point.scale * np.clip(np.where(left > 0.0, ratio, MOST_GROWTH), 0.1, MOST_GROWTH)

    def _medians(self, values: Matrix) -> Vector:
        if self.weights is not None:
            return weighted_medians(values, self.weights)
        half, odd = divmod(self.n_rows, 2)
        ordered = np.partition(values, half, axis=0)
        # Partitioning by both middle elements would take five times as long.
        upper = ordered[half]
        return upper if odd else 0.5 * (upper + ordered[:half].max(axis=0))

    # -- units and rounding errors ----------------------------------------------------------------

    @property
    def block_units(self) -> Units:
        """Units of the stored columns, whose center has been subtracted."""
        units = self.units
        magnitude = units.magnitude - np.abs(units.center)
        return units._replace(center=np.zeros_like(units.center), magnitude=magnitude)

    def raw(self, point: Point) -> tuple[Matrix, Vector]:
        """Coefficients and intercepts for the columns of X as given."""
        coef = point.coef / self.units.column_scale
        center = self.units.center.astype(np.longdouble)
        return coef, (point.intercept - center @ coef).astype(np.float64)

    def rounding_level(self, point: Point) -> Vector:
        """As ``Design.rounding_level``, in the units of the responses."""
        coef = point.coef / self.units.column_scale
        intercept = point.intercept - self.units.center @ coef
        size = self.size + np.abs(intercept) + self.units.magnitude @ np.abs(coef)
        return ROUNDING * EPS * size

    def intercept_rounding(self, point: Point) -> Vector:
        """As ``Design.intercept_rounding``, in the units of the responses."""
        coef = point.coef / self.units.column_scale
        intercept = point.intercept - self.units.center @ coef
        terms = np.abs(self.units.center) @ np.abs(coef)
        return 0.5 * (EPS * np.abs(intercept) + EXTENDED_EPS * terms)
