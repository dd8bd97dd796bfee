"""Linear systems for blocks of one symmetric matrix that differ in a few members.

With Q00 = F'F the block of the base members, R the members that have left and A those that have
joined, the solution for the present members is part of that of the bordered system

    [ Q00   E   Q0A ] [ x0     ]   [ b0 ]
    [ E'    0   0   ] [ lambda ] = [ 0  ],      E the unit vectors of R
    [ QA0   0   QAA ] [ xA     ]   [ bA ]

A change costs one solution with the factor F, which takes O(k²) operations, and a new factor takes
k³/3 (P. E. Gill, W. Murray, M. A. Saunders, M. H. Wright, "A Schur-complement method for sparse
quadratic programming", in Reliable Numerical Computation, 1990).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lapack

__all__ = ["Bordered"]

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]
Indices = NDArray[np.intp]

#: A new factor is computed if more than ``SHARE`` of the members have changed: up to it, all
#: changes together cost less than the factor. It is also computed if there are fewer than
#: ``FEWEST`` members, since it then takes no longer than a few calls. For 600 members a solution
#: takes 1.1 instead of 5.5 ms.
SHARE, FEWEST = 0.125, 200

#: Least pivot of a Schur complement, relative to its diagonal before. Below it, a column that joins
#: is nearly dependent on the others.
LEAST_PIVOT = 1e-7


class Bordered:
    """The factor of a block, and the columns of the bordered systems solved so far.

    Parameters
    ----------
    Q : array of shape (K, K)
        Symmetric.
    members : array of int of shape (k,)
        The base members, in increasing order.
    factor : array of shape (k, k)
        Cholesky's factor F of their block, in the upper triangle.
    """

    def __init__(self, Q: Matrix, members: Indices, factor: Matrix) -> None:
        self.Q, self.members, self.factor = Q, members, factor
        self._position = np.full(Q.shape[0], -1, dtype=np.intp)
        self._position[members] = np.arange(members.size)
        self._stored = np.empty((members.size, 0), order="F")  # Q00^-1 (E, Q0A)
        self._column: dict[tuple[bool, int], int] = {}

    def solve(self, members: Indices, right: Vector) -> Vector | None:
        """Solve for other members. None if a new factor is cheaper, or the only accurate one."""
        now = np.zeros(self.Q.shape[0], dtype=bool)
        now[members] = True
        left, joined = self.members[~now[self.members]], members[self._position[members] < 0]
        changes = left.size + joined.size
        if not changes:
            return self.base_solve(right)
        if changes > SHARE * self.members.size or self.members.size < FEWEST:
            return None
        system = _System(self, members, left, joined)
        if not system.is_regular:
            return None
        return system.solve(right)

    def columns(self, left: Indices, joined: Indices) -> tuple[Matrix, Matrix]:
        """``Q00^-1 E`` and ``Q00^-1 Q0A``."""
        keys = [(True, j) for j in left.tolist()] + [(False, j) for j in joined.tolist()]
        new = [key for key in keys if key not in self._column]
        if new:
            sides = np.zeros((self.members.size, len(new)), order="F")
            for column, (leaves, j) in enumerate(new):
                if leaves:
                    sides[self._position[j], column] = 1.0
                else:
                    sides[:, column] = self.Q[self.members, j]
            for key in new:
                self._column[key] = len(self._column)
            solved = lapack.dpotrs(self.factor, sides, overwrite_b=True)[0]
            self._stored = np.asfortranarray(np.hstack((self._stored, solved)))
        found = self._stored[:, [self._column[key] for key in keys]]
        return found[:, : left.size], found[:, left.size :]

    def base_solve(self, right: Vector) -> Vector:
        """Solve for the base members."""
        return lapack.dpotrs(self.factor, right)[0]


class _System:
    """One bordered system, with the factors of its Schur complements."""

    def __init__(self, base: Bordered, members: Indices, left: Indices, joined: Indices) -> None:
        self.base, self.joined = base, joined
        self.out = base._position[left]
        self.of_members = base._position[members]
        self.cross = base.Q[np.ix_(joined, base.members)]
        self.from_left, self.from_joined = base.columns(left, joined)
        # G = E' Q00^-1 E and P = QAA - QA0 Q00^-1 Q0A + K' G^-1 K, with K = E' Q00^-1 Q0A.
        self.K = self.from_joined[self.out]
        self.G, bad = lapack.dpotrf(self.from_left[self.out])
        own: Matrix = base.Q[np.ix_(joined, joined)]
        P: Matrix = own - self.cross @ self.from_joined
        if left.size and not bad:
            P += self.K.T @ lapack.dpotrs(self.G, self.K)[0]
        self.P: Matrix = P
        worse = 0
        if joined.size:
            self.P, worse = lapack.dpotrf(P)
        pivots = self.P.diagonal() ** 2
        self.is_regular = not (bad or worse) and bool(np.all(pivots > LEAST_PIVOT * own.diagonal()))

    def solve(self, right: Vector) -> Vector:
        """Solve with a right side for the present members."""
        known = self.of_members >= 0
        side = np.zeros(self.base.members.size)
        side[self.of_members[known]] = right[known]
        x = self.base.base_solve(side)
        solution = np.empty_like(right)
        if self.joined.size:
            own = right[~known] - self.cross @ x
            if self.out.size:
                own += self.K.T @ lapack.dpotrs(self.G, x[self.out])[0]
            own = lapack.dpotrs(self.P, own)[0]
            solution[~known] = own
            x = x - self.from_joined @ own
        if self.out.size:
            x = x - self.from_left @ lapack.dpotrs(self.G, x[self.out])[0]
        solution[known] = x[self.of_members[known]]
        return solution
