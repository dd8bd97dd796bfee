"""The two problems that are solved, as functions of one parameter vector, over any design.

With residuals e = y - Zw - b in working units, frequencies s and threshold t = delta sigma,

    fixed scale      F(w, b)        = sum s L_t(e) + (alpha/2) ||w||²
    joint scale      F(w, b, sigma) = [sum s L_t(e) + (alpha/2) ||w||²] / sigma + kappa nu sigma

Both are convex. The second is Huber's concomitant scale (Robust Statistics, 1981, section 7.7) with
the consistency factor kappa and the degrees of freedom nu of the residuals.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lapack
from scipy.sparse import csr_array, diags_array, hstack

from robustreg.design.base import Design, GramKind, Point, Rows, Sums
from robustreg.scale import MAD_STANDARD_ERROR
from robustreg.tuning import kappa

__all__ = [
    "NEGLIGIBLE",
    "RESOLVED",
    "Evaluation",
    "FixedScale",
    "JointScale",
    "MedianScale",
    "Objective",
]

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]


#: A residual of so many rounding errors is zero where rows are fitted exactly.
NEGLIGIBLE = 1000.0

#: Part of the spread of y that rounding errors of a residual must be below to tell an exact fit.
RESOLVED = 1e-7


class Evaluation(NamedTuple):
    """Value and gradient of an objective at one parameter vector."""

    parameters: Vector
    value: float
    gradient: Vector
    psi_mean_square: float


class Objective(ABC):
    """What both problems share: the layout of the parameters and the penalty.

    The vector is ``(w, b, sigma)``, without b where there is no intercept and without sigma where
    the scale is fixed. Only this module knows that.

    Parameters
    ----------
    design : Design
    delta : float
        Threshold in units of the scale.
    alpha : float
        Penalty in the units of the user's X.
    fit_intercept : bool
    """

    joint: bool

    def __init__(self, design: Design, delta: float, alpha: float, fit_intercept: bool) -> None:
        self.design = design
        self.delta = delta
        self.alpha = alpha
        self.fit_intercept = fit_intercept
        self.rank = design.n_features
        self.ill_conditioned = False  # whether a Gram matrix of all rows has lost half its digits
        with np.errstate(over="ignore"):
            curvature = alpha / design.units.column_scale**2
        self.penalty_curvature = np.minimum(curvature, np.finfo(np.float64).max ** 0.5)

    @abstractmethod
    def on(self, design: Design) -> Objective:
        """The same problem on another design, such as a subsample."""

    # -- layout of the parameters -----------------------------------------------------------------

    @property
    def n_linear(self) -> int:
        """Number of coefficients, with the intercept where there is one."""
        return self.design.n_features + self.fit_intercept

    @property
    def size(self) -> int:
        return self.n_linear + self.joint

    def pack(self, coef: Vector, intercept: float, scale: float) -> Vector:
        parameters = np.empty(self.size)
        parameters[: coef.shape[0]] = coef
        if self.fit_intercept:
            parameters[coef.shape[0]] = intercept
        if self.joint:
            parameters[-1] = scale
        return parameters

    def coef(self, parameters: Vector) -> Vector:
        return parameters[: self.design.n_features]

    def intercept(self, parameters: Vector) -> float:
        return float(parameters[self.design.n_features]) if self.fit_intercept else 0.0

    @abstractmethod
    def scale(self, parameters: Vector) -> float:
        """Sigma, in working units."""

    def point(self, parameters: Vector) -> Point:
        threshold = self.delta * self.scale(parameters)
        return Point(self.coef(parameters), self.intercept(parameters), threshold)

    @property
    def gram_kind(self) -> GramKind:
        kind = self.design.gram_kind(self.alpha)
        return "factor" if kind == "matrix" and self.ill_conditioned else kind

    @property
    def full_rank(self) -> int:
        """Number of directions that the data, or the penalty, determine."""
        return self.rank + self.size - self.design.n_features

    # -- the mathematics --------------------------------------------------------------------------

    @property
    def unpenalised(self) -> int:
        """Number of parameters that the residuals are free to follow."""
        return self.fit_intercept + (self.rank if self.alpha == 0.0 else 0)

    @property
    def degrees_of_freedom(self) -> float:
        """nu: the sum of the frequencies less the unpenalised parameters."""
        return self.design.total_weight - self.unpenalised

    def penalty(self, coef: Vector) -> float:
        """``alpha ||w||²``, w in the units of the user's X."""
        return float(self.penalty_curvature @ coef**2) if self.alpha else 0.0

    def rounding_level(self, parameters: Vector) -> float:
        """Size of the rounding errors in a residual: what is smaller counts as an exact fit."""
        return self.design.rounding_level(self.point(parameters))

    def exact_below(self, parameters: Vector, errors: float = 1.0) -> float:
        """So many rounding errors of a residual: a scale that is not larger is zero.

        Where X is so ill-conditioned that rounding errors are not small beside the spread of y,
        they say nothing about an exact fit.
        """
        return min(errors * self.rounding_level(parameters), RESOLVED * self.design.spread)

    def is_zero(self, scale: float, parameters: Vector, errors: float = 1.0) -> bool:
        """Whether a scale is not above ``exact_below``, whose spread of y is seldom needed."""
        if scale > errors * self.rounding_level(parameters):
            return False
        return scale <= RESOLVED * self.design.spread

    def fits_exactly(self, evaluation: Evaluation) -> bool:
        """Whether the residuals are rounding errors: there are no standard errors to speak of.

        Where the scale is estimated, it tells.
        """
        return False

    def value_and_gradient(self, parameters: Vector) -> Evaluation:
        sums = self.design.value_and_gradient(self.point(parameters))
        return self.evaluation(parameters, sums)

    def with_curvature(
        self, parameters: Vector, rows: Rows, *, factor: bool
    ) -> tuple[Evaluation, Matrix]:
        """Value, gradient and Hessian (or R with Hessian R'R) in one pass."""
        point = self.point(parameters)
        if factor:
            sums, augmented = self.design.triangular_factor(point, rows)
            curvature = self._factor(parameters, augmented)
        else:
            sums, augmented = self.design.gram(point, rows)
            curvature = self.hessian(parameters, augmented)
        return self.evaluation(parameters, sums), curvature

    def with_diagonal(self, parameters: Vector, rows: Rows) -> tuple[Evaluation, Vector]:
        """Value, gradient and the diagonal of the Hessian in one pass."""
        sums, augmented = self.design.gram_diagonal(self.point(parameters), rows)
        columns, factors = self._columns(parameters)
        diagonal = augmented[columns] * factors**2
        if self.alpha:
            diagonal += self._penalty_rows(parameters).power(2).sum(axis=0)
        return self.evaluation(parameters, sums), diagonal

    def hessian_product(self, parameters: Vector, direction: Vector) -> Vector:
        """The Hessian times a direction, in one pass."""
        columns, factors = self._columns(parameters)
        augmented = np.zeros(self.design.n_features + 2)
        augmented[columns] = direction * factors
        product = factors * self.design.gram_product(self.point(parameters), augmented)[columns]
        if self.alpha:
            penalty = self._penalty_rows(parameters)
            product += penalty.T @ (penalty @ direction)
        return product

    @abstractmethod
    def evaluation(self, parameters: Vector, sums: Sums) -> Evaluation:
        """Value and gradient from the sums over rows."""

    @abstractmethod
    def gradient_unit(self, evaluation: Evaluation) -> float:
        """Factor of the sums over rows in the gradient, in units of standard errors."""

    @abstractmethod
    def noise(self, evaluation: Evaluation, inside_fraction: float) -> float:
        """Square root of  E psi² / E psi', in the units of this objective.

        The estimate's covariance is ``(E psi² / E psi') H^-1`` with H the Hessian, so a gradient g
        is ``sqrt(g' H^-1 g) / noise`` standard errors away from the minimiser.
        """

    @abstractmethod
    def start_scale(self, scale: float) -> None:
        """Begin at this scale, where it is estimated but not a parameter."""

    @abstractmethod
    def best_scale(self, point: Point) -> float:
        """The scale that belongs to these coefficients; 0.0 where they fit exactly."""

    @abstractmethod
    def _columns(self, parameters: Vector) -> tuple[NDArray[np.intp], Vector]:
        """Columns of the augmented rows (z, 1, psi) that make up the Hessian, and their factors."""

    @abstractmethod
    def _penalty_columns(self, parameters: Vector) -> tuple[Vector, Vector | None]:
        """The penalty's part of the Hessian is P'P; P's diagonal and, with a scale, last column."""

    def _penalty_rows(self, parameters: Vector) -> csr_array:
        """P, of shape (p, size)."""
        root, last = self._penalty_columns(parameters)
        blocks = [diags_array(root), csr_array((root.size, int(self.fit_intercept)))]
        if last is not None:
            blocks.append(csr_array(last[:, None]))
        return hstack(blocks, format="csr")

    def hessian(self, parameters: Vector, augmented: Matrix) -> Matrix:
        """The Hessian from a Gram matrix of augmented rows, which is overwritten."""
        columns, factors = self._columns(parameters)
        if columns.size == augmented.shape[0]:
            hessian = augmented
        else:
            hessian = np.asfortranarray(augmented[np.ix_(columns, columns)])
        hessian *= factors
        hessian *= factors[:, None]
        if self.alpha:
            penalty = self._penalty_rows(parameters)
            hessian += (penalty.T @ penalty).toarray()
        return hessian

    def _factor(self, parameters: Vector, augmented: Matrix) -> Matrix:
        columns, factors = self._columns(parameters)
        rows = augmented[:, columns] * factors
        if self.alpha:
            rows = np.vstack((rows, self._penalty_rows(parameters).toarray()))
            rows = lapack.dgeqrf(np.asfortranarray(rows))[0]
            rows = np.triu(rows[: columns.size])
        return rows


class FixedScale(Objective):
    """``sum s L_t(e) + (alpha/2) ||w||²`` at a given sigma."""

    joint = False

    def __init__(
        self, design: Design, delta: float, alpha: float, fit_intercept: bool, scale: float
    ) -> None:
        super().__init__(design, delta, alpha, fit_intercept)
        self.fixed_scale = scale

    def start_scale(self, scale: float) -> None:
        """Nothing to start: the scale is given."""

    def fits_exactly(self, evaluation: Evaluation) -> bool:
        level = self.exact_below(evaluation.parameters)
        threshold = self.delta * self.fixed_scale
        return evaluation.psi_mean_square <= level**2 and threshold > level

    def on(self, design: Design) -> Objective:
        return type(self)(design, self.delta, self.alpha, self.fit_intercept, self.fixed_scale)

    def scale(self, parameters: Vector) -> float:
        return self.fixed_scale

    def best_scale(self, point: Point) -> float:
        return self.fixed_scale

    def evaluation(self, parameters: Vector, sums: Sums) -> Evaluation:
        coef = self.coef(parameters)
        value = sums.loss + 0.5 * self.penalty(coef)
        gradient = self.pack(self.penalty_curvature * coef - sums.gradient, -sums.psi, np.nan)
        return Evaluation(parameters, value, gradient, sums.psi_squares / self.design.total_weight)

    def gradient_unit(self, evaluation: Evaluation) -> float:
        return 1.0

    def noise(self, evaluation: Evaluation, inside_fraction: float) -> float:
        return float(np.sqrt(evaluation.psi_mean_square / inside_fraction))

    def _columns(self, parameters: Vector) -> tuple[NDArray[np.intp], Vector]:
        return np.arange(self.n_linear), np.ones(self.n_linear)

    def _penalty_columns(self, parameters: Vector) -> tuple[Vector, Vector | None]:
        return np.sqrt(self.penalty_curvature), None


class MedianScale(FixedScale):
    """The fixed-scale problem at sigma = median|e| / Phi^-1(3/4) of its own residuals.

    Not one convex problem but a fixed point: ``fixed_scale`` is where the iteration stands.
    """

    def start_scale(self, scale: float) -> None:
        self.fixed_scale = scale

    def best_scale(self, point: Point) -> float:
        return self.design.median_scale(point)

    def scale_discrepancy(self, parameters: Vector) -> float:
        """How far sigma is from the residuals' MAD, in standard errors of the MAD."""
        scale = self.best_scale(self.point(parameters))
        # At the normal the MAD has the asymptotic variance sigma² / (16 c² phi(c)²), c = 0.6745.
        relative = abs(scale - self.fixed_scale) / max(self.fixed_scale, np.finfo(float).tiny)
        return relative * float(np.sqrt(self.design.total_weight)) / MAD_STANDARD_ERROR


class JointScale(Objective):
    """``[sum s L_t(e) + (alpha/2) ||w||²] / sigma + kappa nu sigma``.

    Its Hessian, from the rows with |e| <= t, is the Gram matrix of ``(z, 1, e/sigma) /
    sqrt(sigma)``: the term (e - z dw - db)² / (2 sigma) is homogeneous, so moving sigma by d acts
    on a residual as moving it by -d e/sigma. Rows outside are linear in (w, b, sigma) and have no
    curvature. The penalty is homogeneous too, with rows ``sqrt(alpha) (I, 0, -w/sigma) /
    sqrt(sigma)``.
    """

    joint = True

    @property
    def scale_target(self) -> float:
        """``2 kappa nu``: what  sum s min(e², t²) + alpha ||w||²  is in units of sigma²."""
        return 2.0 * kappa(self.delta) * self.degrees_of_freedom

    def on(self, design: Design) -> Objective:
        return JointScale(design, self.delta, self.alpha, self.fit_intercept)

    def scale(self, parameters: Vector) -> float:
        return float(parameters[-1])

    def start_scale(self, scale: float) -> None:
        """Nothing to start: the scale is a parameter."""

    def best_scale(self, point: Point) -> float:
        if self.scale_target <= 0.0:
            return 0.0
        penalty = self.penalty(point.coef)
        return self.design.joint_scale(point, self.delta, self.scale_target, penalty)

    def evaluation(self, parameters: Vector, sums: Sums) -> Evaluation:
        coef, scale = self.coef(parameters), self.scale(parameters)
        penalty = self.penalty(coef)
        half_target = 0.5 * self.scale_target
        value = (sums.loss + 0.5 * penalty) / scale + half_target * scale
        gradient = self.pack(
            (self.penalty_curvature * coef - sums.gradient) / scale,
            -sums.psi / scale,
            half_target - 0.5 * (sums.psi_squares + penalty) / scale**2,
        )
        return Evaluation(parameters, value, gradient, sums.psi_squares / self.design.total_weight)

    def gradient_unit(self, evaluation: Evaluation) -> float:
        # 1/sigma of the gradient, and sqrt(sigma) of the noise.
        return self.scale(evaluation.parameters) ** -0.5

    def noise(self, evaluation: Evaluation, inside_fraction: float) -> float:
        scale = self.scale(evaluation.parameters)
        return float(np.sqrt(evaluation.psi_mean_square / (inside_fraction * scale)))

    def _columns(self, parameters: Vector) -> tuple[NDArray[np.intp], Vector]:
        p, scale = self.design.n_features, self.scale(parameters)
        columns = np.append(np.arange(self.n_linear), p + 1)
        factors = np.full(self.size, scale**-0.5)
        factors[-1] /= scale
        return columns, factors

    def _penalty_columns(self, parameters: Vector) -> tuple[Vector, Vector | None]:
        scale = self.scale(parameters)
        root = np.sqrt(self.penalty_curvature / scale)
        return root, -root * self.coef(parameters) / scale
