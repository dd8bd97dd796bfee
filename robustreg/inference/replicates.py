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

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from robustreg.inference.fitted import FittedRegression
from robustreg.inference.prediction import widened
from robustreg.inference.sandwich import Whitened
from robustreg.scales import median_absolute_residual
from robustreg.tuning import kappa

__all__ = ["Sample", "solve_replicates"]

Single = NDArray[np.float32]
Matrix = NDArray[np.float64]
Vector = NDArray[np.float64]
Indices = NDArray[np.intp]

#: Entries of a block of products of two columns.
PAIR_ENTRIES = 2**18

#: A step below this, in standard errors, is a replicate's last.
SMALL_STEP = 0.1

#: Steps before a replicate is given up, and those for which one J* serves.
MOST_STEPS, STEPS_PER_DERIVATIVE = 30, 2

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
    scale_error : float
        Standard error of sigma, at the normal.
    inverse : array of shape (k, k), or (k + 1, k + 1) with the joint scale
        J^-1 of the sample.
    back : array of shape (k, k)
        theta in working units is ``back`` times theta in these coordinates.
    delta : float
    scale_kind : {"joint", "mad", "fixed"}
    """

    z: Single
    u: Single
    spread: Single
    standard_errors: Vector
    scale_error: float
    inverse: Matrix
    back: Matrix
    delta: float
    scale_kind: str

    @classmethod
    def of(cls, fitted: FittedRegression, white: Whitened) -> Sample:
        """The sample of a fit whose rows have been whitened."""
        root = np.sqrt(fitted.n)
        scaling = root * white.bread.transform
        z = white.rows.map(lambda block: (block @ scaling).astype(np.float32))
        lines = np.linalg.solve(scaling, white.bread.influence())
        variances = np.diag(lines @ white.meat @ lines.T)
        leverage = np.minimum(np.einsum("ij,ij->i", z, z).astype(np.float64) / fitted.n, 0.99)
        return cls(
            z=z,
            u=fitted.standardized.astype(np.float32),
            spread=widened(fitted, leverage).astype(np.float32),
            standard_errors=np.sqrt(variances),
            scale_error=float((2.0 * fitted.n) ** -0.5),
            inverse=_inverse_at_fit(fitted, white, scaling),
            back=white.back @ scaling,
            delta=fitted.delta,
            scale_kind=fitted.scale_kind if np.isfinite(fitted.delta) else "fixed",
        )

    @property
    def joint(self) -> bool:
        """Whether sigma is among the unknowns of a step."""
        return self.scale_kind == "joint"


def _inverse_at_fit(fitted: FittedRegression, white: Whitened, scaling: Matrix) -> Matrix:
    """J^-1 in the coordinates of the sample; with the MAD, that at a given scale."""
    if fitted.scale_kind != "joint" or white.equation is None:
        return np.eye(fitted.n_parameters) / fitted.n
    change = linalg.block_diag(np.linalg.inv(scaling), 1.0)
    return change @ white.bread.inverse() @ change.T


@np.errstate(over="ignore", invalid="ignore")  # of replicates that diverge, and end as NaN
def solve_replicates(sample: Sample, s: Single, u: Single) -> Matrix:
    """theta* - theta^ of a batch, in the sample's coordinates and units of sigma.

    Parameters
    ----------
    sample : Sample
    s, u : arrays of shape (size, n), or (1, n) where all replicates share them
        Frequencies, and residuals at the sample's fit.

    Returns
    -------
    array of shape (size, k)
        NaN for replicates that Newton steps do not solve.
    """
    size, k = max(s.shape[0], u.shape[0]), sample.z.shape[1]
    steps, scale = np.zeros((size, k)), np.ones(size)
    inverse = np.tile(sample.inverse, (size, 1, 1))
    active = np.arange(size)
    for number in range(MOST_STEPS):
        weights = _lines(s, active)
        if number == 0:
            residuals = u if u.shape[0] == 1 else u.copy()
        else:
            residuals = _residuals(sample, _lines(u, active), steps[active])
            if sample.scale_kind == "mad":
                scale[active] = _median_scales(weights, residuals)
            residuals /= scale[active, None].astype(np.float32)
        if number and number % STEPS_PER_DERIVATIVE == 0:
            inverse[active] = _inverse_derivative(sample, weights, residuals)
        change = np.einsum("rij,rj->ri", inverse[active], _scores(sample, weights, residuals))
        change *= scale[active, None]
        steps[active] += change[:, :k]
        # Comparisons with NaN are false: a replicate with a singular J* ends here as NaN.
        large = (np.abs(change[:, :k]) > SMALL_STEP * sample.standard_errors).any(axis=1)
        if sample.joint:
            scale[active] = np.maximum(scale[active] + change[:, k], SMALLEST_SCALE)
            large |= np.abs(change[:, k]) > SMALL_STEP * sample.scale_error
        active = active[large]
        if active.size == 0:
            return steps
    steps[active] = np.nan
    return steps


def _lines(values: Single, index: Indices) -> Single:
    """The lines of some replicates; the one that all share stays as it is."""
    return values if values.shape[0] in (1, index.size) else values[index]


def _residuals(sample: Sample, u: Single, steps: Matrix) -> Single:
    residuals = steps.astype(np.float32) @ -sample.z.T
    residuals += u
    return residuals


def _scores(sample: Sample, s: Single, residuals: Single) -> Matrix:
    """``(sum s psi z, sum s psi²/2 - kappa nu*)`` of all; may overwrite the residuals."""
    if residuals.shape[0] == 1:  # the sample's own: one product serves all replicates
        psi = np.clip(residuals[0], -sample.delta, sample.delta)
        sums = s @ np.column_stack((psi[:, None] * sample.z, psi**2))
        scores, squares = sums[:, :-1], sums[:, -1]
    else:
        psi = np.clip(residuals, -sample.delta, sample.delta, out=residuals)
        weighted = psi if s.shape[0] == 1 and np.all(s == 1.0) else s * psi
        scores = weighted @ sample.z
        squares = np.einsum("rn,rn->r", weighted, psi)
    if not sample.joint:
        return scores.astype(np.float64)
    freedom = s.sum(axis=1, dtype=np.float64) - sample.z.shape[1]
    return np.column_stack((scores, 0.5 * squares - kappa(sample.delta) * freedom))


def _inverse_derivative(sample: Sample, s: Single, residuals: Single) -> Matrix:
    """J*^-1 of every replicate; NaN where J* is singular."""
    k = sample.z.shape[1]
    first, second = np.triu_indices(k + sample.joint)
    inside = (np.abs(residuals) <= sample.delta).astype(np.float32)
    own = residuals.shape[0] > 1
    # Residuals that all replicates share are one more column beside z, and psi' a factor of it.
    weights = s * inside if own else s
    entries = np.zeros((weights.shape[0], first.size))
    size = max(16, PAIR_ENTRIES // first.size)
    for start in range(0, sample.u.size, size):
        rows = slice(start, start + size)
        z = sample.z[rows]
        if sample.joint:
            z = np.column_stack((z, np.zeros_like(z[:, 0]) if own else residuals[0, rows]))
        pairs = z[:, first]
        pairs *= z[:, second]
        if not own:
            pairs *= inside[0, rows, None]
        entries += weights[:, rows] @ pairs
    J = np.empty((weights.shape[0], k + sample.joint, k + sample.joint))
    J[:, first, second] = J[:, second, first] = entries
    if own and sample.joint:
        weights *= residuals
        J[:, :k, k] = J[:, k, :k] = weights @ sample.z
        J[:, k, k] = np.einsum("rn,rn->r", weights, residuals)
    return _inverses(J)


def _inverses(J: Matrix) -> Matrix:
    values, vectors = np.linalg.eigh(J)
    values[values[:, 0] <= SINGULAR * values[:, -1]] = np.nan
    return (vectors / values[:, None, :]) @ vectors.transpose(0, 2, 1)


def _median_scales(s: Single, residuals: Single) -> Vector:
    """MAD of every replicate."""
    lines = np.broadcast_to(s, residuals.shape)
    return np.array([_median_scale(e, w) for e, w in zip(residuals, lines, strict=True)])


def _median_scale(residuals: Single, s: Single) -> float:
    counts = s.astype(np.intp)
    if np.array_equal(counts, s) and counts.sum() <= 2 * s.size:
        # Repeating rows and selecting is several times faster than sorting for a weighted median.
        return median_absolute_residual(np.repeat(residuals, counts).astype(np.float64))
    return median_absolute_residual(residuals.astype(np.float64), s.astype(np.float64))
