"""The problem of a fit: data, loss, scale rule and penalty.

A fit has two equations. With residuals e = y - Zw - b in working units and frequencies s,

    coefficients   minimise  sum s rho_sigma(e) + P(w)      over w and b, at the scale sigma
    scale          sigma is the estimate that its rule gives for the residuals

For the Huber loss, the joint scale and no penalty, the solution of both is the minimum of one
convex function,

    F(w, b, sigma) = sum s rho_sigma(e) / sigma + kappa nu sigma

(Huber, Robust Statistics, 1981, section 7.7), with the consistency factor kappa and the degrees of
freedom nu of the residuals: see :mod:`robustreg.objective`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from robustreg.design.base import Design, Point, Sums
from robustreg.losses import Huber, Loss
from robustreg.objective import AtScale, Jointly, Objective, larger
from robustreg.penalties import Ridge
from robustreg.scales import ScaleRule

__all__ = ["NEGLIGIBLE", "RESOLVED", "NullSpace", "Problem"]

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]

#: At an exact fit, residuals below this multiple of the rounding error are zero.
NEGLIGIBLE = 1000.0

#: An exact fit can be recognised if rounding errors of a residual are below this part of the spread
#: of y.
RESOLVED = 1e-7


class NullSpace(NamedTuple):
    """The directions of (w, b) that change no prediction, because columns are dependent.

    Attributes
    ----------
    directions : array of shape (n_linear, k)
    independent : array of int, of length n_linear - k
        Parameters that suffice for every prediction. The others stay constant.
    """

    directions: Matrix
    independent: NDArray[np.intp]


@dataclass(frozen=True)
class Problem:
    """The data, loss, scale rule and penalty of a fit.

    Parameters
    ----------
    design : Design
    loss : Loss
        Loss of standardised residuals.
    scale : ScaleRule
    penalty : Ridge
    fit_intercept : bool
    rank : int, optional
        Number of directions of the coefficients that X determines, if already known.
    null : NullSpace, optional
        The null space of the rows (z, 1), if already known.
    ill_conditioned : bool
        Whether a Gram matrix of all rows has lost half its digits, not because of these directions.
    edf : float, optional
        Effective number of parameters with a penalty, if already known.
    """

    design: Design
    loss: Loss
    scale: ScaleRule
    penalty: Ridge
    fit_intercept: bool
    rank: int | None = None
    null: NullSpace | None = field(default=None, repr=False)
    ill_conditioned: bool = False
    edf: float | None = None

    def on(self, design: Design) -> Problem:
        """Return the same problem over other data, such as a subsample."""
        return replace(self, design=design, rank=None, null=None, ill_conditioned=False, edf=None)

    def knowing(self, found: Problem) -> Problem:
        """Return the problem with the facts about X that solving another problem has found."""
        if found.null is self.null and found.ill_conditioned == self.ill_conditioned:
            return self
        return replace(
            self, rank=found.rank, null=found.null, ill_conditioned=found.ill_conditioned
        )

    @property
    def n_linear(self) -> int:
        """Number of coefficients, including the intercept if there is one."""
        return self.design.n_features + self.fit_intercept

    @property
    def known_rank(self) -> int:
        """The rank if it is known, otherwise the number of columns."""
        return self.design.n_features if self.rank is None else self.rank

    @property
    def linear_rank(self) -> int:
        """Number of directions of (w, b) that the data or the penalty determine."""
        p = self.design.n_features
        return (p if self.penalty else self.known_rank) + self.fit_intercept

    @property
    def effective_parameters(self) -> float:
        """edf: the rank plus one for the intercept, or less if there is a penalty."""
        return float(self.known_rank + self.fit_intercept) if self.edf is None else self.edf

    @property
    def freedom(self) -> Any:
        """nu: the degrees of freedom of the residuals."""
        return self.freedom_beside(self.effective_parameters)

    def freedom_beside(self, edf: float) -> Any:
        """Return ``sum s (1 - edf / N)``, nu for this number of effective parameters."""
        design = self.design
        return design.total_weight * (1.0 - edf / design.n_observations)

    @property
    def counts_parameters(self) -> bool:
        """Whether sigma depends on the effective number of parameters."""
        return bool(self.penalty) and self.scale.convex

    @property
    def may_interpolate(self) -> bool:
        """Whether some coefficients may fit every row: no penalty, and no more rows than the rank.

        The rank is that of all columns if it is not known yet.
        """
        return not self.penalty and self.linear_rank >= self.design.n_positive

    @property
    def convex_objective(self) -> Objective | None:
        """The function that the solution minimises, which is convex if the loss is.

        It is one of the coefficients, or of the coefficients and sigma. None if sigma has an
        equation of its own.
        """
        known = self.scale.known()
        if known is not None:
            return self.at_scale(known)
        return self.jointly() if self.scale.convex and not self.penalty else None

    @cached_property
    def penalty_curvature(self) -> Vector:
        """Curvature of the penalty, in working units."""
        return self.penalty.curvature(self.design.units.column_scale)

    def at_scale(self, scale: float) -> AtScale:
        """Return the problem of the coefficients at a given scale."""
        return AtScale(self, scale)

    def jointly(self) -> Jointly:
        """Return the convex problem of the coefficients and sigma."""
        return Jointly(self)

    def least_squares(self, threshold: float = np.inf) -> AtScale:
        """Return the problem of the coefficients with a fixed threshold, by default infinite."""
        return AtScale(replace(self, loss=Huber(threshold)), 1.0)

    def estimate_scale(self, point: Point) -> Any:
        """Return the rule's estimate from the residuals at the coefficients of a point."""
        return self.scale.estimate(self.design, point._replace(loss=self.loss), self.freedom)

    def step_of_scale(self, point: Point, sums: Sums) -> float:
        """Return a sigma nearer to the estimate, from the sums, or the estimate itself.

        If a step halves or doubles sigma, more would follow. The estimate from the residuals saves
        them.
        """
        rule, design = self.scale, self.design
        step = rule.step(sums, point, design.total_weight, self.freedom)
        if step is not None and 0.5 * point.scale <= step < 2.0 * point.scale:
            return step
        return float(self.estimate_scale(point))

    def scale_shift(self, scale: float, estimate: float) -> Any:
        """Return the difference between a scale and its rule's estimate, in standard errors."""
        error = self.scale.relative_error(self.loss)
        relative = abs(estimate - scale) / larger(scale, float(np.finfo(np.float64).tiny))
        return relative * self.design.n_observations**0.5 / error

    def is_zero(self, scale: float, point: Point, errors: float = 1.0) -> bool:
        """Whether a scale is at most ``errors`` times the rounding error of a residual."""
        return self.is_negligible(scale, errors * self.design.rounding_level(point))

    def is_negligible(self, scale: float, level: float) -> bool:
        """Whether a scale is at most ``level``, the size of rounding errors.

        If X is so ill-conditioned that rounding errors are not small compared with the spread of y,
        they do not indicate an exact fit.
        """
        return scale <= level and scale <= RESOLVED * self.design.spread
