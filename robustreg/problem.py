"""The problem of a fit, and what is minimised, as a function of one parameter vector.

A fit has two equations. With residuals e = y - Zw - b in working units and frequencies s,

    coefficients   minimise  sum s rho_sigma(e) + P(w)      over w and b, at the scale sigma
    scale          sigma is what its rule makes of the residuals

For Huber's loss, the joint scale and no penalty, both are the minimum of one convex function,

    F(w, b, sigma) = sum s rho_sigma(e) / sigma + kappa nu sigma

(Huber, Robust Statistics, 1981, section 7.7), with the consistency factor kappa and the degrees of
freedom nu of the residuals. ``Jointly`` is that function and ``AtScale`` the one above.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lapack

from robustreg.design.base import Design, Mixing, Point, Sums
from robustreg.losses import Huber, Loss
from robustreg.penalties import Ridge
from robustreg.scales import ScaleRule

__all__ = ["NEGLIGIBLE", "RESOLVED", "AtScale", "Evaluation", "Jointly", "Objective", "Problem"]

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]

#: A residual of so many rounding errors is zero where rows are fitted exactly.
NEGLIGIBLE = 1000.0

#: Part of the spread of y that rounding errors of a residual must be below to tell an exact fit.
RESOLVED = 1e-7


@dataclass(frozen=True)
class Problem:
    """What is solved, over which data.

    Parameters
    ----------
    design : Design
    loss : Loss
        Of standardised residuals.
    scale : ScaleRule
    penalty : Ridge
    fit_intercept : bool
    rank : int, optional
        Number of directions of the coefficients that X determines, once it is known.
    ill_conditioned : bool
        Whether a Gram matrix of all rows has lost half its digits.
    edf : float, optional
        Effective number of parameters beside a penalty, once it is known.
    """

    design: Design
    loss: Loss
    scale: ScaleRule
    penalty: Ridge
    fit_intercept: bool
    rank: int | None = None
    ill_conditioned: bool = False
    edf: float | None = None

    def on(self, design: Design) -> Problem:
        """The same problem over other data, such as a subsample."""
        return replace(self, design=design, rank=None, ill_conditioned=False, edf=None)

    @property
    def n_linear(self) -> int:
        """Number of coefficients, with the intercept where there is one."""
        return self.design.n_features + self.fit_intercept

    @property
    def known_rank(self) -> int:
        """The rank, or the number of columns as long as it is not known to be less."""
        return self.design.n_features if self.rank is None else self.rank

    @property
    def linear_rank(self) -> int:
        """Number of directions of (w, b) that the data, or the penalty, determine."""
        p = self.design.n_features
        return (p if self.penalty else self.known_rank) + self.fit_intercept

    @property
    def effective_parameters(self) -> float:
        """edf: the rank and the intercept without a penalty, less beside one."""
        return float(self.known_rank + self.fit_intercept) if self.edf is None else self.edf

    @property
    def freedom(self) -> float:
        """nu: ``sum s (1 - edf / N)``, the degrees of freedom of the residuals."""
        design = self.design
        return design.total_weight * (1.0 - self.effective_parameters / design.n_observations)

    @property
    def convex_in_scale(self) -> bool:
        """Whether sigma is one of the parameters of one convex problem."""
        return self.scale.convex and not self.penalty

    @cached_property
    def penalty_curvature(self) -> Vector:
        """Of the penalty, in working units."""
        return self.penalty.curvature(self.design.units.column_scale)

    def at_scale(self, scale: float) -> AtScale:
        """The problem of the coefficients at a scale."""
        return AtScale(self, scale)

    def jointly(self) -> Jointly:
        """The convex problem of the coefficients and sigma."""
        return Jointly(self)

    def least_squares(self, threshold: float = np.inf) -> AtScale:
        """That of the coefficients with residuals clipped at a threshold, by default at none."""
        return AtScale(replace(self, loss=Huber(threshold)), 1.0)

    def estimate_scale(self, point: Point) -> float:
        """What the rule makes of the residuals at the coefficients of a point."""
        return self.scale.estimate(self.design, point._replace(loss=self.loss), self.freedom)

    def scale_shift(self, scale: float, estimate: float) -> float:
        """Difference of a scale from what its rule makes of the residuals, in standard errors."""
        error = self.scale.relative_error(self.loss) or 1.0
        relative = abs(estimate - scale) / max(scale, np.finfo(np.float64).tiny)
        return relative * float(np.sqrt(self.design.n_observations)) / error

    def is_zero(self, scale: float, point: Point, errors: float = 1.0) -> bool:
        """Whether a scale is not above so many rounding errors of a residual.

        Where X is so ill-conditioned that rounding errors are not small beside the spread of y,
        they say nothing about an exact fit.
        """
        if scale > errors * self.design.rounding_level(point):
            return False
        return scale <= RESOLVED * self.design.spread


class Evaluation(NamedTuple):
    """Value, gradient and sums of an objective at one parameter vector."""

    parameters: Vector
    value: float
    gradient: Vector
    sums: Sums


@dataclass(frozen=True)
class Objective(ABC):
    """A function of the vector ``(w, b)``, or ``(w, b, sigma)``, b only where there is one.

    Parameters
    ----------
    problem : Problem
    """

    problem: Problem

    @property
    @abstractmethod
    def size(self) -> int:
        """Length of the vector."""

    @property
    def design(self) -> Design:
        """That of the problem."""
        return self.problem.design

    # -- layout of the parameters -----------------------------------------------------------------

    @property
    def has_scale(self) -> bool:
        """Whether sigma is the last parameter."""
        return self.size > self.problem.n_linear

    def pack(self, coef: Vector, intercept: float, scale: float) -> Vector:
        """A vector of these parts."""
        parameters = np.empty(self.size)
        parameters[: coef.shape[0]] = coef
        if self.problem.fit_intercept:
            parameters[coef.shape[0]] = intercept
        if self.has_scale:
            parameters[-1] = scale
        return parameters

    def at(self, point: Point) -> Vector:
        """The vector of a point."""
        return self.pack(point.coef, point.intercept, point.scale)

    @abstractmethod
    def scale_of(self, parameters: Vector) -> float:
        """Sigma, in working units."""

    def point(self, parameters: Vector) -> Point:
        """The point of a vector."""
        p = self.design.n_features
        intercept = float(parameters[p]) if self.problem.fit_intercept else 0.0
        return Point(parameters[:p], intercept, self.scale_of(parameters), self.problem.loss)

    # -- the mathematics --------------------------------------------------------------------------

    def knowing(self, metric_rank: int | None, ill_conditioned: bool) -> Self:
        """The same with what a metric of all rows has shown about X."""
        rank = self.problem.rank
        if metric_rank is not None and not self.problem.penalty:
            rank = metric_rank - self.problem.fit_intercept
        problem = replace(self.problem, rank=rank, ill_conditioned=ill_conditioned)
        return replace(self, problem=problem)

    def evaluate(self, parameters: Vector) -> Evaluation:
        """In one pass."""
        return self.evaluation(parameters, self.design.value_and_gradient(self.point(parameters)))

    @abstractmethod
    def evaluation(self, parameters: Vector, sums: Sums) -> Evaluation:
        """Value and gradient from the sums over rows."""

    @abstractmethod
    def noise(self, evaluation: Evaluation) -> float:
        """Square root of  E psi² / E psi', in the units of this objective.

        The estimate's covariance is ``(E psi² / E psi') H^-1`` with H the Hessian, so a gradient g
        is ``sqrt(g' H^-1 g) / noise`` standard errors away from the minimiser.
        """

    @abstractmethod
    def gradient_unit(self, parameters: Vector) -> float:
        """Factor of the sums over rows in the gradient, in units of standard errors."""

    @abstractmethod
    def columns(self, parameters: Vector) -> tuple[NDArray[np.intp], Vector]:
        """Columns of the augmented rows (z, 1, e) that make up the Hessian, and their factors."""

    def hessian(self, parameters: Vector, augmented: Matrix) -> Matrix:
        """The Hessian from a Gram matrix of augmented rows, which is overwritten."""
        columns, factors = self.columns(parameters)
        if columns.size == augmented.shape[0]:
            hessian = augmented
        else:
            hessian = np.asfortranarray(augmented[np.ix_(columns, columns)])
        if np.any(factors != 1.0):
            hessian *= factors
            hessian *= factors[:, None]
        if self.problem.penalty:
            p = self.design.n_features
            hessian[np.arange(p), np.arange(p)] += self.problem.penalty_curvature
        return hessian

    def factor(self, parameters: Vector, augmented: Matrix) -> Matrix:
        """R with ``R'R`` the Hessian, from that of the augmented rows."""
        columns, factors = self.columns(parameters)
        rows = augmented[:, columns] * factors
        if self.problem.penalty:
            p = self.design.n_features
            penalty = np.zeros((p, columns.size))
            penalty[np.arange(p), np.arange(p)] = np.sqrt(self.problem.penalty_curvature)
            rows = lapack.dgeqrf(np.asfortranarray(np.vstack((rows, penalty))))[0]
            rows = np.triu(rows[: columns.size])
        return rows

    def diagonal(self, parameters: Vector, augmented: Vector) -> Vector:
        """The Hessian's diagonal, from that of the augmented rows."""
        columns, factors = self.columns(parameters)
        diagonal = augmented[columns] * factors**2
        diagonal[: self.design.n_features] += self.problem.penalty_curvature
        return diagonal

    def hessian_product(self, parameters: Vector, direction: Vector, mixing: float) -> Vector:
        """The Hessian times a direction, in one pass."""
        p = self.design.n_features
        columns, factors = self.columns(parameters)
        augmented = np.zeros(p + 2)
        augmented[columns] = direction * factors
        product = self.design.gram_product(self.point(parameters), augmented, mixing)
        image = factors * product[columns]
        image[:p] += self.problem.penalty_curvature * direction[:p]
        return image

    def with_curvature(
        self, parameters: Vector, mixing: Mixing, *, factor: bool
    ) -> tuple[Evaluation, Matrix, Vector]:
        """Value and gradient, the Hessian or R with Hessian R'R, and ``sum s psi' e (z, 1)``.

        In one pass.
        """
        point, q, last = self.point(parameters), self.problem.n_linear, self.design.n_features + 1
        if factor:
            sums, augmented = self.design.triangular_factor(point, mixing)
            border = augmented[:, :q].T @ augmented[:, last]
            curvature = self.factor(parameters, augmented)
        else:
            sums, augmented = self.design.gram(point, mixing)
            border = augmented[:q, last].copy()
            curvature = self.hessian(parameters, augmented)
        return self.evaluation(parameters, sums), curvature, border

    def _noise_at_scale(self, sums: Sums) -> float:
        # Where no row is within the threshold, one observation is taken to be. Weights that are no
        # counts have a unit, which the Hessian has too.
        unit = self.design.total_weight / self.design.n_observations
        return float(np.sqrt(unit * sums.psi_squares / max(sums.curvature, unit)))


@dataclass(frozen=True)
class AtScale(Objective):
    """``sum s rho_sigma(e) + P(w)`` at a given sigma."""

    scale: float

    @property
    def size(self) -> int:
        """The coefficients."""
        return self.problem.n_linear

    def scale_of(self, parameters: Vector) -> float:
        """The scale, whatever the parameters."""
        return self.scale

    def evaluation(self, parameters: Vector, sums: Sums) -> Evaluation:
        """As in the base class."""
        coef = parameters[: self.design.n_features]
        slope = self.problem.penalty_curvature * coef
        gradient = self.pack(slope - sums.gradient, -sums.psi, np.nan)
        return Evaluation(parameters, sums.loss + 0.5 * float(coef @ slope), gradient, sums)

    def noise(self, evaluation: Evaluation) -> float:
        """As in the base class."""
        return self._noise_at_scale(evaluation.sums)

    def gradient_unit(self, parameters: Vector) -> float:
        """One."""
        return 1.0

    def columns(self, parameters: Vector) -> tuple[NDArray[np.intp], Vector]:
        """Those of z and the intercept."""
        return np.arange(self.size), np.ones(self.size)


@dataclass(frozen=True)
class Jointly(Objective):
    """``sum s rho_sigma(e) / sigma + kappa nu sigma``, of the coefficients and sigma.

    Its Hessian is the Gram matrix of ``(z, 1, e/sigma) sqrt(psi' / sigma)``: rho is homogeneous in
    (e, sigma), so moving sigma by d acts on a residual as moving it by -d e/sigma.
    """

    @property
    def size(self) -> int:
        """The coefficients and sigma."""
        return self.problem.n_linear + 1

    @property
    def half_target(self) -> float:
        """``kappa nu``: half of what  sum s min(e², t²)  is in units of sigma²."""
        problem = self.problem
        assert isinstance(problem.loss, Huber)
        return problem.loss.kappa * problem.freedom

    def scale_of(self, parameters: Vector) -> float:
        """The last parameter."""
        return float(parameters[-1])

    def evaluation(self, parameters: Vector, sums: Sums) -> Evaluation:
        """As in the base class."""
        scale, half_target = float(parameters[-1]), self.half_target
        value = sums.loss / scale + half_target * scale
        gradient = self.pack(
            -sums.gradient / scale,
            -sums.psi / scale,
            half_target - 0.5 * sums.psi_squares / scale**2,
        )
        return Evaluation(parameters, value, gradient, sums)

    def noise(self, evaluation: Evaluation) -> float:
        """As in the base class."""
        return self._noise_at_scale(evaluation.sums) * float(evaluation.parameters[-1]) ** -0.5

    def gradient_unit(self, parameters: Vector) -> float:
        """``1/sigma`` of the gradient, and ``sqrt(sigma)`` of the noise."""
        return float(parameters[-1]) ** -0.5

    def columns(self, parameters: Vector) -> tuple[NDArray[np.intp], Vector]:
        """All of the augmented rows, divided by the root of sigma, and the last by sigma too."""
        p, scale = self.design.n_features, float(parameters[-1])
        columns = np.append(np.arange(self.problem.n_linear), p + 1)
        factors = np.full(self.size, scale**-0.5)
        factors[-1] /= scale
        return columns, factors
