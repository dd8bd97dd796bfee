r"""Solves the equations of many resampled fits together, as products of large matrices.

Every replicate has frequencies s* and residuals u* at the fit of the sample, in units of its sigma.
From there it takes Newton steps on the equations of :mod:`robustreg.inference.equations`:

    (theta, sigma) += J*^-1 (sum s* psi z, sum s* psi²/2 - kappa nu*)

The first is the one-step bootstrap (Salibian-Barrera and Zamar, Annals of Statistics 30, 2002, take
one step of another kind for MM-estimates). Its error is that of the change of J*, about 6 % of a
standard error at n = 10,000 and k = 11. Steps follow until the last is below a tenth of a standard
error, which leaves about a hundredth. A batch makes its steps together, in single precision:
rounding errors are a millionth of a standard error.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from robustreg.inference.fitted import FittedRegression
from robustreg.inference.leverage import DECISIVE
from robustreg.inference.residuals import Residuals
from robustreg.inference.sandwich import Whitened
from robustreg.inference.scale_equations import ScaleEquation
from robustreg.tuning import kappa

__all__ = ["Sample", "Start", "inverse_derivative", "scores", "solve_replicates", "widened"]

Single = NDArray[np.float32]
Matrix = NDArray[np.float64]
Vector = NDArray[np.float64]
Indices = NDArray[np.intp]

#: Entries of a block of products of two columns.
PAIR_ENTRIES = 2**18

#: A step below this, in standard errors, is a replicate's last.
SMALL_STEP = 0.1

#: Steps before Newton's method is given up, and those for which one J* serves.
MOST_STEPS, STEPS_PER_DERIVATIVE = 12, 2

#: Part of the curvature of iterated least squares in the steps after that, their number, and the
#: step that is the last: they come nearer by a third or more each.
DAMPING, MOST_DAMPED_STEPS, SMALL_DAMPED_STEP = 0.5, 60, 0.02

#: Least sigma* in units of the sample's sigma: a step may overshoot.
SMALLEST_SCALE = 0.1

#: Ratio of the extreme eigenvalues of J* below which it counts as singular.
SINGULAR = 1e-6


@dataclass(frozen=True)
class Sample:
    """A sample at its fit.

    Attributes
    ----------
    z : array of shape (n, k)
        Rows in coordinates in which ``sum s psi' z z'`` is n times the identity.
    u : array of shape (n,)
        Residuals in units of sigma.
    spread : array of shape (n,)
        u as wide as errors are: a fit draws the residuals towards itself.
    standard_errors : array of shape (k,)
        Of theta in these coordinates and units of sigma, by the sandwich.
    inverse : array of shape (k, k), or (k + 1, k + 1) where sigma is unknown
        J^-1 of the sample.
    back : array of shape (k, k)
        theta in working units is ``back`` times theta in these coordinates.
    delta : float
    equation : ScaleEquation
        Of sigma.
    unknown : bool
        Whether sigma is among the unknowns of a step.
    """

    z: Single
    u: Single
    spread: Single
    standard_errors: Vector
    inverse: Matrix
    back: Matrix
    delta: float
    equation: ScaleEquation
    unknown: bool

    @classmethod
    def of(cls, fitted: FittedRegression, white: Whitened) -> Sample:
        """The sample of a fit whose rows have been whitened."""
        root = np.sqrt(fitted.n)
        scaling = root * white.bread.transform
        z = white.rows.map(lambda block: (block @ scaling).astype(np.float32))
        lines = np.linalg.solve(scaling, white.bread.influence()[:, :-1])
        variances = np.diag(lines @ white.meat[:-1, :-1] @ lines.T)
        leverage = np.minimum(np.einsum("ij,ij->i", z, z).astype(np.float64) / fitted.n, DECISIVE)
        equation = fitted.coupled_equation
        return cls(
            z=z,
            u=fitted.residuals.u.astype(np.float32),
            spread=widened(fitted.residuals, leverage).astype(np.float32),
            standard_errors=np.sqrt(variances),
            inverse=_inverse_at_fit(fitted, white, scaling),
            back=white.back @ scaling,
            delta=fitted.delta,
            equation=equation,
            unknown=equation.unknown,
        )


def widened(rows: Residuals, leverage: Vector) -> Vector:
    """Standardised residuals with the spread of the errors themselves.

    Leaving row i out changes its residual by the factor ``1 + h w / (1 - psi' h)``, w = psi/u: from
    narrower than an error to wider by as much. The square root stands between; for least squares it
    is the customary ``1/sqrt(1 - h)``.
    """
    return rows.u * np.sqrt(1.0 + leverage * rows.weight / (1.0 - leverage * rows.inside))


def _inverse_at_fit(fitted: FittedRegression, white: Whitened, scaling: Matrix) -> Matrix:
    """J^-1 in the coordinates of the sample; with the MAD, that at a given scale."""
    if not fitted.coupled_equation.unknown:
        return np.eye(fitted.n_parameters) / fitted.n
    change = linalg.block_diag(np.linalg.inv(scaling), 1.0)
    return change @ white.bread.inverse() @ change.T


@dataclass(frozen=True)
class Start:
    """Where each of a batch of replicates begins, and its delta.

    Attributes
    ----------
    steps : array of shape (size, k)
        theta* - theta^, in the sample's coordinates and units of sigma.
    scale : array of shape (size,)
        sigma*, in units of sigma.
    delta : array of shape (size,)
    inverse : array of shape (size, k, k), or (size, k + 1, k + 1) where sigma is unknown
        J^-1 for the first steps.
    """

    steps: Matrix
    scale: Vector
    delta: Vector
    inverse: Matrix


@np.errstate(over="ignore", invalid="ignore")  # of replicates that diverge, and end as NaN
def solve_replicates(sample: Sample, s: Single, u: Single, start: Start | None = None) -> Matrix:
    """theta* - theta^ of a batch, in the sample's coordinates and units of sigma.

    Parameters
    ----------
    sample : Sample
    s, u : arrays of shape (size, n), or (1, n) where all replicates share them
        Frequencies, and residuals at the sample's fit.
    start : Start, optional
        Instead of the sample's fit and its delta.

    Returns
    -------
    array of shape (size, k)
        NaN for replicates that no steps solve.
    """
    steps = _newton(sample, s, u, start)
    failed = np.flatnonzero(np.isnan(steps).any(axis=1))
    if failed.size:
        delta = np.full(steps.shape[0], sample.delta) if start is None else start.delta
        lines = (_chosen_lines(values, failed) for values in (s, u))
        steps[failed] = _damped(sample, *lines, delta[failed])
    return steps


def _newton(sample: Sample, s: Single, u: Single, start: Start | None) -> Matrix:
    """By Newton's method, sigma* among the unknowns; NaN where J* is singular or steps go on."""
    size, k = max(s.shape[0], u.shape[0]), sample.z.shape[1]
    begin = start or Start(
        np.zeros((size, k)),
        np.ones(size),
        np.full(size, sample.delta),
        np.tile(sample.inverse, (size, 1, 1)),
    )
    steps, scale, inverse = begin.steps.copy(), begin.scale.copy(), begin.inverse.copy()
    active = np.arange(size)
    for number in range(MOST_STEPS):
        weights, delta = _lines(s, active), begin.delta[active]
        if start is None and number == 0:
            residuals = u if u.shape[0] == 1 else u.copy()
        else:
            residuals = _residuals(sample, _lines(u, active), steps[active])
            scale[active] = sample.equation.replicate_scales(weights, residuals, scale[active])
            residuals /= scale[active, None].astype(np.float32)
        if number and number % STEPS_PER_DERIVATIVE == 0:
            inverse[active] = inverse_derivative(sample, weights, residuals, delta)
        change = np.einsum("rij,rj->ri", inverse[active], scores(sample, weights, residuals, delta))
        change *= scale[active, None]
        steps[active] += change[:, :k]
        # Comparisons with NaN are false: a replicate with a singular J* ends here as NaN.
        large = (np.abs(change[:, :k]) > SMALL_STEP * sample.standard_errors).any(axis=1)
        if sample.unknown:
            scale[active] = np.maximum(scale[active] + change[:, k], SMALLEST_SCALE)
            large |= np.abs(change[:, k]) > SMALL_STEP * sample.equation.standard_error()
        active = active[large]
        if active.size == 0:
            return steps
    steps[active] = np.nan
    return steps


def _damped(sample: Sample, s: Single, u: Single, delta: Vector) -> Matrix:
    """By damped steps for theta* from the fit, each followed by one for sigma* at its residuals.

    They serve where J* is singular because few rows are within a small threshold: curvature
    ``(1 - mu) psi' + mu psi/u`` counts the others too.
    """
    size = delta.size
    given = replace(sample, unknown=False)
    steps, scale, active = np.zeros((size, sample.z.shape[1])), np.ones(size), np.arange(size)
    for _ in range(MOST_DAMPED_STEPS):
        weights, bound = _chosen_lines(s, active), delta[active]
        residuals = _residuals(sample, _chosen_lines(u, active), steps[active])
        last = scale[active]
        scale[active] = sample.equation.next_scales(weights, residuals, last, bound, steps.shape[1])
        residuals /= scale[active, None].astype(np.float32)
        inverse = inverse_derivative(given, weights, residuals, bound, DAMPING)
        change = np.einsum("rij,rj->ri", inverse, scores(given, weights, residuals, bound))
        change *= scale[active, None]
        steps[active] += change
        large = (np.abs(change) > SMALL_DAMPED_STEP * sample.standard_errors).any(axis=1)
        error = SMALL_DAMPED_STEP * sample.equation.standard_error()
        large |= np.abs(scale[active] / last - 1.0) > error
        # Those with a singular J* end here as NaN.
        active = active[large & np.isfinite(change).all(axis=1)]
        if active.size == 0:
            return steps
    steps[active] = np.nan
    return steps


def _chosen_lines(values: Single, index: Indices) -> Single:
    """The lines of some replicates; the one that all share stays as it is."""
    return values if values.shape[0] == 1 else values[index]


def _lines(values: Single, index: Indices) -> Single:
    """The lines of some replicates; the one that all share stays as it is."""
    return values if values.shape[0] in (1, index.size) else values[index]


def _residuals(sample: Sample, u: Single, steps: Matrix) -> Single:
    residuals = steps.astype(np.float32) @ -sample.z.T
    residuals += u
    return residuals


def scores(sample: Sample, s: Single, residuals: Single, delta: Vector) -> Matrix:
    """``(sum s psi z, sum s psi²/2 - kappa nu*)`` of all; may overwrite the residuals."""
    bound = _bound(delta, residuals)
    if residuals.shape[0] == 1:  # the sample's own: one product serves all replicates
        psi = np.clip(residuals[0], -bound, bound)
        sums = s @ np.column_stack((psi[:, None] * sample.z, psi**2))
        products, squares = sums[:, :-1], sums[:, -1]
    else:
        psi = np.clip(residuals, -bound, bound, out=residuals)
        weighted = psi if s.shape[0] == 1 and np.all(s == 1.0) else s * psi
        products = weighted @ sample.z
        squares = np.einsum("rn,rn->r", weighted, psi)
    if not sample.unknown:
        return products.astype(np.float64)
    freedom = s.sum(axis=1, dtype=np.float64) - sample.z.shape[1]
    factors = np.array([kappa(each) for each in delta.tolist()])
    return np.column_stack((products, 0.5 * squares - factors * freedom))


def inverse_derivative(
    sample: Sample, s: Single, residuals: Single, delta: Vector, mu: float = 0.0
) -> Matrix:
    """J*^-1 of every replicate; NaN where J* is singular."""
    k = sample.z.shape[1]
    first, second = np.triu_indices(k + sample.unknown)
    sizes, bound = np.abs(residuals), _bound(delta, residuals)
    inside = (sizes <= bound).astype(np.float32)
    own = residuals.shape[0] > 1
    # Residuals that all replicates share are one more column beside z, and psi' a factor of it.
    weights = s * inside if own else s
    curvature = weights
    if mu:
        outside = np.float32(mu) * bound / np.maximum(sizes, bound)
        curvature = s * np.where(sizes <= bound, np.float32(1.0), outside)
    entries = np.zeros((weights.shape[0], first.size))
    size = max(16, PAIR_ENTRIES // first.size)
    for start in range(0, sample.u.size, size):
        rows = slice(start, start + size)
        z = sample.z[rows]
        if sample.unknown:
            z = np.column_stack((z, np.zeros_like(z[:, 0]) if own else residuals[0, rows]))
        pairs = z[:, first]
        pairs *= z[:, second]
        if not own:
            pairs *= inside[0, rows, None]
        entries += curvature[:, rows] @ pairs
    J = np.empty((weights.shape[0], k + sample.unknown, k + sample.unknown))
    J[:, first, second] = J[:, second, first] = entries
    if own and sample.unknown:
        weights *= residuals
        J[:, :k, k] = J[:, k, :k] = weights @ sample.z
        J[:, k, k] = np.einsum("rn,rn->r", weights, residuals)
    return _inverses(J)


def _bound(delta: Vector, residuals: Single) -> Any:
    """The thresholds of replicates, as one number where they are equal."""
    if residuals.shape[0] == 1 or np.all(delta == delta[0]):
        return np.float32(delta[0])
    return delta[:, None].astype(np.float32)


def _inverses(J: Matrix) -> Matrix:
    values, vectors = np.linalg.eigh(J)
    values[values[:, 0] <= SINGULAR * values[:, -1]] = np.nan
    return (vectors / values[:, None, :]) @ vectors.transpose(0, 2, 1)
