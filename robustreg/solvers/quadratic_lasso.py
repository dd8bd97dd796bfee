"""Minimise a quadratic function plus absolute values, the model of a penalised fit, exactly.

    minimise  x'Qx / 2 - c'x + sum_j l_j |x_j|

over the coefficients of the active columns. If the signs of the nonzero coefficients are known, the
minimiser solves a linear system. Signs change in batches if that lowers the value, and otherwise
one at a time, which is certain to end. Coordinate descent would be very slow with nearly as many
columns as rows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lapack

from robustreg.solvers.bordered import Bordered

__all__ = ["Curvature", "QuadraticLasso", "Signs", "positive_factor"]

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]
Booleans = NDArray[np.bool_]

#: Most changes of signs per column. The point that is then returned has a lower value than the
#: start, which is enough for the caller.
CHANGES = 10

#: Shortest step that is tried before only the next sign is changed. In halved steps, all
#: coefficients that would change their sign are set to zero. From 826 to 854 of 1,657 columns
#: (1,000 rows) this needs 28 linear systems, where changing one sign at a time took 270.
SHORTEST = 1e-10

#: If a step is shorter, the batch of new columns was too large, and 1/PART of it is tried instead.
SHORT, PART = 1e-2, 4

#: Multiple of the diagonal that is added if columns are dependent on the rows within the threshold,
#: and the factor by which it grows. It changes the step, but not the solution.
FIRST_RIDGE, RIDGE_FACTOR = 1e-12, 100.0

#: Relative rounding error of a slope. A column enters if its slope exceeds ``l_j`` by more.
ENTERS = 1e-12

#: Largest residual of a linear system, relative to its right side, that was solved by the factor of
#: other members.
RESIDUAL = 1e-12

#: A relative decrease of the value up to this number is a rounding error.
ROUNDING = 1e-14


@dataclass(frozen=True)
class Signs:
    """Which coefficients may be nonzero.

    Attributes
    ----------
    free : array of bool
        Coefficients of any sign, without the term ``|x_j|``.
    positive : bool
        Whether the others must not be negative.
    """

    free: Booleans
    positive: bool

    def excess(self, slopes: Vector, sizes: Vector) -> Vector:
        """How far the slopes at zero exceed ``l_j``, beyond which a coefficient leaves zero."""
        beyond = (slopes if self.positive else np.abs(slopes)) - sizes
        beyond[self.free] = 0.0
        return beyond


@dataclass
class Curvature:
    """A matrix Q, and the factor of one of its blocks.

    Attributes
    ----------
    Q : array of shape (k, k)
    least : array of shape (k,)
        See :func:`positive_factor`.
    """

    Q: Matrix
    least: Vector
    _solved: Bordered | None = None

    def solve(self, members: NDArray[np.intp], right: Vector) -> Vector:
        """Solve the linear system of some coefficients, or of none."""
        if not right.size:
            return right
        solution = None if self._solved is None else self._solved.solve(members, right)
        if solution is None:
            factor = positive_factor(self.Q[np.ix_(members, members)], self.least[members])
            self._solved = Bordered(self.Q, members, factor)
            solution = self._solved.base_solve(right)
        return solution

    def renew(self, members: NDArray[np.intp]) -> bool:
        """Forget a factor of other members. Return whether there was one."""
        old = self._solved
        if old is None or np.array_equal(old.members, members):
            return False
        self._solved = None
        return True


@dataclass(frozen=True)
class QuadraticLasso:
    """A quadratic function plus absolute values.

    Attributes
    ----------
    curvature : Curvature
        The matrix Q.
    c : array of shape (k,)
    sizes : array of shape (k,)
        ``l``, zero for free coefficients.
    signs : Signs
    rank : int
        Upper bound of the rank of Q. More columns than this are dependent.
    """

    curvature: Curvature
    c: Vector
    sizes: Vector
    signs: Signs
    rank: int

    def minimise(self, start: Vector) -> Vector:
        """Find the minimiser, starting with the signs of these coefficients."""
        x = start.copy()
        sign, active = np.sign(x), self.signs.free | (x != 0.0)
        entered = np.empty(0, dtype=np.intp)
        batches, last = True, np.inf
        for _ in range(CHANGES * (x.shape[0] + 1)):
            members = np.flatnonzero(active)
            right = self._right(members, sign)
            target = self.curvature.solve(members, right)
            wrong = ~self.signs.free[members] & (target * sign[members] <= 0.0)
            if wrong.any():
                kept, step = self._dropped(x, members, target, wrong)
                active[members[~kept]] = False
                if step < SHORT and entered.size > 1:
                    # So many new columns at a time are dependent, so a part of them is tried.
                    active[entered[x[entered] == 0.0]] = False
                    entered = entered[: max(1, entered.size // PART)]
                    active[entered] = True
                continue
            x[:] = 0.0
            x[members] = target
            product = self.curvature.Q @ x
            errors = np.abs(product[members] - right).max(initial=0.0)
            if errors > RESIDUAL * np.abs(right).max(initial=0.0) and self.curvature.renew(members):
                continue
            value = -0.5 * float(target @ right)
            lower = value < last - ROUNDING * abs(value)
            if not (lower or batches):
                # Even the best single column does not lower the value: near-singular systems have
                # rounding errors.
                break
            batches, last = lower, min(value, last)
            slopes = self.c - product
            entered = self._entering(members.size, slopes, active, batches)
            if not entered.size:
                break
            sign[entered], active[entered] = np.sign(slopes[entered]), True
        return x

    def _right(self, members: NDArray[np.intp], sign: Vector) -> Vector:
        signed = np.where(self.signs.free[members], 0.0, sign[members])
        return self.c[members] - self.sizes[members] * signed

    def _value(self, members: NDArray[np.intp], x: Vector, product: Vector) -> float:
        smooth = 0.5 * float(x @ product) - float(self.c[members] @ x)
        return smooth + float(self.sizes[members] @ np.abs(x))

    def _dropped(
        self, x: Vector, members: NDArray[np.intp], target: Vector, wrong: Booleans
    ) -> tuple[Booleans, float]:
        """Set coefficients to zero whose signs would change. Return the kept ones and the step."""
        before, Q = x[members], self.curvature.Q
        whole = np.zeros_like(x)
        whole[members] = target
        # Not the right side of their linear system, from which the target may differ: see
        # ``positive_factor``.
        product, at_target = (Q @ x)[members], (Q @ whole)[members]
        value = self._value(members, before, product)
        signed = ~self.signs.free[members]
        ratios = np.full(members.shape[0], np.inf)
        ratios[wrong] = 0.0
        moving = wrong & (before != 0.0)
        ratios[moving] = before[moving] / (before[moving] - target[moving])
        first = int(np.argmin(ratios))
        step = 1.0
        while step > max(ratios[first], SHORTEST):
            moved = before + step * (target - before)
            leaving = signed & (ratios <= step)
            along = (1.0 - step) * product + step * at_target
            along -= Q[np.ix_(members, members[leaving])] @ moved[leaving]
            moved[leaving] = 0.0
            if self._value(members, moved, along) < value:
                x[members] = moved
                return ~leaving, step
            step *= 0.5
        moved = before + ratios[first] * (target - before)
        moved[first] = 0.0
        x[members] = moved
        kept = np.ones(members.shape[0], dtype=bool)
        kept[first] = False
        return kept, float(ratios[first])

    def _entering(
        self, n_members: int, slopes: Vector, active: Booleans, batches: bool
    ) -> NDArray[np.intp]:
        """Columns at zero whose slopes are too large, by decreasing excess: a batch, or one."""
        rounding = ENTERS * (np.abs(self.c) + self.sizes)
        excess = self.signs.excess(slopes, self.sizes)
        excess[active] = 0.0
        entering = np.flatnonzero(excess > rounding)
        entering = entering[np.argsort(-excess[entering], kind="stable")]
        room = max(1, (self.rank - n_members) // 2) if batches else 1
        return entering[:room]


def positive_factor(block: Matrix, least: Vector) -> Matrix:
    """Compute Cholesky's factor of a matrix, with a slightly larger diagonal if necessary.

    Parameters
    ----------
    block : array of shape (k, k)
    least : array of shape (k,)
        Smallest size that is assumed for the diagonal when it is enlarged. A column may have no
        entries within the threshold, and any unit.
    """
    ridge = FIRST_RIDGE
    factor, info = lapack.dpotrf(block)
    while info != 0:
        lifted = block.copy()
        lifted[np.diag_indices_from(lifted)] += ridge * np.maximum(block.diagonal(), least)
        factor, info = lapack.dpotrf(lifted)
        ridge *= RIDGE_FACTOR
    return factor
