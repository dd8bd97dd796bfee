"""The objective functions, as functions of one parameter vector.

``Jointly`` is the convex function of the coefficients and sigma. ``AtScale`` is the function of the
coefficients at a given sigma. See :mod:`robustreg.problem`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from robustreg.design.base import EPS, Design, Mixing, Point, Sums
from robustreg.losses import Huber

if TYPE_CHECKING:
    from robustreg.problem import NullSpace, Problem

__all__ = ["AtScale", "Evaluation", "Jointly", "Objective", "larger"]

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]


class Evaluation(NamedTuple):
    """Value, gradient and sums at one parameter vector, or at several along the last axis."""

    parameters: Vector
    value: Any
    gradient: Vector
    sums: Sums

    def one(self, index: int) -> Evaluation:
        """Return one of several."""
        parameters, gradient = self.parameters[:, index].copy(), self.gradient[:, index].copy()
        return Evaluation(parameters, float(self.value[index]), gradient, self.sums.one(index))


def _number(value: Any) -> Any:
    """Return a Python float for one response, or an array with a number for each response.

    Arithmetic with Python floats is fast, as in ``larger``. NumPy's functions of a single number
    take ten times as long, and with them a small fit takes 8 % longer.
    """
    return value if value.ndim else float(value)


def larger(one: Any, other: Any) -> Any:
    """Return the larger of two numbers, or of two numbers for each response."""
    return max(one, other) if isinstance(one, float) else np.maximum(one, other)


@dataclass(frozen=True)
class Objective(ABC):
    """A function of ``(w, b)`` or ``(w, b, sigma)``, without b if no intercept is fitted.

    Parameters
    ----------
    problem : Problem
    """

    problem: Problem

    #: Whether sigma is the last parameter.
    has_scale: ClassVar[bool] = False

    @property
    def size(self) -> int:
        """Length of the vector."""
        return self.problem.n_linear + self.has_scale

    @property
    def design(self) -> Design:
        """Design of the problem."""
        return self.problem.design

    # -- layout of the parameters -----------------------------------------------------------------

    def pack(self, coef: Vector, intercept: Any, scale: Any) -> Vector:
        """Return the vector of these parts, whose last axis may be that of the responses."""
        parameters = np.empty((self.size, *coef.shape[1:]))
        parameters[: coef.shape[0]] = coef
        if self.problem.fit_intercept:
            parameters[coef.shape[0]] = intercept
        if self.has_scale:
            parameters[-1] = scale
        return parameters

    def at(self, point: Point) -> Vector:
        """Return the vector of a point."""
        return self.pack(point.coef, point.intercept, point.scale)

    @abstractmethod
    def scale_of(self, parameters: Vector) -> Any:
        """Return sigma in working units."""

    def point(self, parameters: Vector) -> Point:
        """Return the point of a vector."""
        p = self.design.n_features
        intercept = _number(parameters[p]) if self.problem.fit_intercept else 0.0
        return Point(parameters[:p], intercept, self.scale_of(parameters), self.problem.loss)

    # -- the mathematics --------------------------------------------------------------------------

    def knowing(self, null: NullSpace | None, ill_conditioned: bool) -> Self:
        """Return the objective with the facts about X that a metric of all rows has found."""
        problem = replace(self.problem, ill_conditioned=ill_conditioned)
        if null is not None and not problem.penalty:
            rank = self.design.n_features - null.directions.shape[1]
            problem = replace(problem, rank=rank, null=null)
        return replace(self, problem=problem)

    def evaluate(self, parameters: Vector) -> Evaluation:
        """Return value and gradient, with one pass."""
        return self.evaluation(parameters, self.design.value_and_gradient(self.point(parameters)))

    def evaluate_several(self, parameters: Matrix) -> Evaluation:
        """Return values and gradients for each row of a matrix, with one pass."""
        p = self.design.n_features
        intercept = parameters[:, p] if self.problem.fit_intercept else np.zeros(len(parameters))
        loss = self.problem.loss.at(np.atleast_1d(self.scale_of(parameters.T))[:, None])
        sums = self.design.sums_together(parameters[:, :p], intercept, loss)
        return self.evaluation(parameters.T, sums)

    @abstractmethod
    def evaluation(self, parameters: Vector, sums: Sums) -> Evaluation:
        """Return value and gradient from the sums over rows."""

    @abstractmethod
    def noise(self, evaluation: Evaluation) -> Any:
        """Return the square root of ``E psi² / E psi'``, in the units of this objective.

        The covariance of the estimate is ``(E psi² / E psi') H^-1``, where H is the Hessian. A
        point with gradient g is therefore ``sqrt(g' H^-1 g) / noise`` standard errors away from the
        minimiser.
        """

    @abstractmethod
    def gradient_unit(self, parameters: Vector) -> Any:
        """Return the factor of the sums over rows in the gradient, in units of standard errors."""

    @abstractmethod
    def columns(self, parameters: Vector) -> tuple[slice | NDArray[np.intp], Vector]:
        """Return the columns of the augmented rows (z, 1, e) in the Hessian, and their factors."""

    def hessian(self, parameters: Vector, augmented: Matrix) -> Matrix:
        """Return the Hessian from a Gram matrix of augmented rows, which may be overwritten."""
        columns, factors = self.columns(parameters)
        hessian = augmented[columns][:, columns]
        hessian = np.asfortranarray(hessian) if hessian.ndim == 2 else hessian
        if self.has_scale:
            hessian *= factors
            hessian *= factors[:, None]
        if self.problem.penalty:
            p = np.arange(self.design.n_features)
            hessian[p, p] += self.problem.penalty_curvature
        return hessian

    def factor(self, parameters: Vector, augmented: Matrix) -> Matrix:
        """Return a factor R, where ``R'R`` is the Hessian, from that of the augmented rows."""
        columns, factors = self.columns(parameters)
        rows = augmented[:, columns] * factors
        if not self.problem.penalty:
            return rows
        root = np.sqrt(self.problem.penalty_curvature)
        return np.vstack((rows, root[:, None] * np.eye(root.size, factors.size)))

    def hessian_product(self, parameters: Vector, direction: Vector, mixing: Mixing) -> Vector:
        """Return the Hessian times a direction, with one pass."""
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
        """Return the evaluation, the Hessian or its factor R, and ``sum s psi' e (z, 1)``.

        All are computed with one pass.
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
        if self.has_scale:
            column = curvature[:, -1]
            if self._is_rounding(point, sums, float(column @ column if factor else column[-1])):
                column[:] = 0.0  # the last row of the Hessian is not read
        return self.evaluation(parameters, sums), curvature, border

    def _is_rounding(self, point: Point, sums: Sums, square: float) -> bool:
        """Return whether this curvature in sigma is that of residuals which are rounding errors."""
        mean_square = square * point.scale**3 / max(sums.curvature, 1.0)
        return mean_square < EPS and mean_square <= self.design.rounding_level(point) ** 2

    def _noise_at_scale(self, sums: Sums) -> Any:
        # If no row is within the threshold, one observation is assumed to be. Weights that are not
        # counts have a unit, which the Hessian has as well.
        unit = self.design.total_weight / self.design.n_observations
        return (unit * sums.psi_squares / larger(sums.curvature, unit)) ** 0.5


@dataclass(frozen=True)
class AtScale(Objective):
    """The function ``sum s rho_sigma(e) + P(w)`` of the coefficients at a given sigma."""

    scale: float

    def scale_of(self, parameters: Vector) -> Any:
        """The given scale."""
        return self.scale

    def evaluation(self, parameters: Vector, sums: Sums) -> Evaluation:
        """As in the base class."""
        gradient = self.pack(-sums.gradient, -sums.psi, np.nan)
        if not self.problem.penalty:
            return Evaluation(parameters, sums.loss, gradient, sums)
        coef = parameters[: self.design.n_features]
        slope = (np.ravel(self.problem.penalty_curvature) * coef.T).T
        gradient[: coef.shape[0]] += slope
        value = sums.loss + 0.5 * _number((coef * slope).sum(axis=0))
        return Evaluation(parameters, value, gradient, sums)

    def noise(self, evaluation: Evaluation) -> Any:
        """As in the base class."""
        return self._noise_at_scale(evaluation.sums)

    def gradient_unit(self, parameters: Vector) -> Any:
        """One."""
        return 1.0

    def columns(self, parameters: Vector) -> tuple[slice | NDArray[np.intp], Vector]:
        """The columns of z and the intercept."""
        return slice(0, self.size), np.ones(self.size)


@dataclass(frozen=True)
class Jointly(Objective):
    """The function ``sum s rho_sigma(e) / sigma + kappa nu sigma`` of the coefficients and sigma.

    Its Hessian is the Gram matrix of ``(z, 1, e/sigma) sqrt(psi' / sigma)``. Since rho is
    homogeneous in (e, sigma), changing sigma by d has the effect of changing a residual by -d
    e/sigma.
    """

    has_scale = True

    @cached_property
    def half_target(self) -> Any:
        """``kappa nu``, which is half of ``sum s min(e², t²) / sigma²`` at the solution."""
        problem = self.problem
        assert isinstance(problem.loss, Huber)
        return problem.loss.kappa * problem.freedom

    def scale_of(self, parameters: Vector) -> Any:
        """The last parameter."""
        return _number(parameters[-1])

    def evaluation(self, parameters: Vector, sums: Sums) -> Evaluation:
        """As in the base class."""
        scale, half_target = _number(parameters[-1]), self.half_target
        value = sums.loss / scale + half_target * scale
        gradient = self.pack(
            -sums.gradient / scale,
            -sums.psi / scale,
            half_target - 0.5 * sums.psi_squares / scale**2,
        )
        return Evaluation(parameters, value, gradient, sums)

    def noise(self, evaluation: Evaluation) -> Any:
        """As in the base class."""
        return self._noise_at_scale(evaluation.sums) * _number(evaluation.parameters[-1]) ** -0.5

    def gradient_unit(self, parameters: Vector) -> Any:
        """The product of ``1/sigma`` in the gradient and ``sqrt(sigma)`` in the noise."""
        return _number(parameters[-1]) ** -0.5

    def columns(self, parameters: Vector) -> tuple[slice | NDArray[np.intp], Vector]:
        """All columns of the augmented rows, divided by sqrt(sigma), and the last also by sigma."""
        p, scale = self.design.n_features, _number(parameters[-1])
        whole = self.problem.fit_intercept
        columns = slice(0, p + 2) if whole else np.append(np.arange(p), p + 1)
        factors = np.full((self.size, *parameters.shape[1:]), scale**-0.5)
        factors[-1] /= scale
        return columns, factors
