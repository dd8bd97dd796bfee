r"""Starts from projections of the joint rows (x, y) that have two modes.

A cluster of wrong rows is a second mode of some projection. For whitened rows z and a direction w
of length one, the criterion ``E|w'z + d|`` is large if the projection has two modes. With half of
the rows in one point and half in another it is 1 at d = 0. With a shift d it is large if the
smaller mode is on the side of d. For normal rows it is 0.80, 0.83, 0.94 and 1.17 at d = 0, 0.3, 0.6
and 1. It is convex in w, so that the power iteration

    w  <-  E[z sign(w'z + d)] / |...|

never lowers it (d = 0: N. Kwak, "Principal component analysis based on L1-norm maximization", IEEE
Trans. Pattern Anal. 30 (2008)). Fourth moments also find clusters (D. Peña, F. J. Prieto,
Technometrics 43 (2001)), but with many columns they point to single rows: with 500 rows and 30
columns their fixed points were directions of a few extreme rows.

The iteration starts at the eigenvectors of the matrices of fourth and of third moments

    E[|z|² z z'],      E[(m'z) z z'],   m = E[|z|² z],

which give the same projections in all coordinates (D. Peña, F. J. Prieto, J. Viladomat,
"Eigenvectors of a kurtosis matrix as interesting directions to reveal cluster structure", J.
Multivariate Anal. 101 (2010)). With 500 rows, 30 columns and a near cluster (share 0.3, x about 3),
at most two of 400 random starts reach the cluster, and one to three of the 60 eigenvectors do.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from robustreg.solvers.starts.sample import Sample

__all__ = ["two_mode_projections"]

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]

#: Shifts d. 0 and 0.3 find clusters of 35 to 50 % of the rows, 1 finds those of 10 to 25 %.
SHIFTS = (0.0, 0.3, 0.6, 1.0)

#: Steps of the power iteration. It needs 10 to 30 to converge, and is close enough after three.
STEPS = 15

#: Number of rows used, and rows per column. The time for the directions is proportional to it.
ROWS, ROWS_PER_COLUMN = 300, 20

#: Projections with a larger correlation count as the same.
SAME = 0.99


def two_mode_projections(sample: Sample, n_projections: int) -> Matrix:
    """Return projections of all rows with two modes: those with the largest criterion per shift.

    Parameters
    ----------
    sample : Sample
    n_projections : int
        Largest number for each shift.

    Returns
    -------
    array of shape (at most 4 * n_projections, n)
        It may be empty if the rows have no spread.
    """
    joint = np.column_stack((sample.rows, sample.response))
    wanted = max(ROWS, ROWS_PER_COLUMN * joint.shape[1])
    step = max(1, joint.shape[0] // wanted)
    white, share = _whitened(joint, sample.frequencies)
    some, counts = white[::step], share[::step]
    starts = _eigenvectors(some, counts / counts.sum())
    both = np.concatenate((starts, -starts))
    found = [
        _best(some, counts, starts if shift == 0.0 else both, shift, n_projections)
        for shift in SHIFTS
    ]
    return np.concatenate(found) @ white.T


def _whitened(joint: Matrix, frequencies: Vector) -> tuple[Matrix, Vector]:
    """Rows of mean zero and covariance I, without directions of no spread, and their shares."""
    share = frequencies / frequencies.sum()
    centred = joint - share @ joint
    root = np.sqrt(share)[:, None]
    left, singular, _ = np.linalg.svd(centred * root, full_matrices=False)
    kept = singular > 1e-9 * singular.max(initial=0.0)
    return left[:, kept] / root, share


def _eigenvectors(white: Matrix, share: Vector) -> Matrix:
    """Eigenvectors of the matrices of fourth and third moments, one per line."""
    weighted = white * share[:, None]
    square = np.einsum("ij,ij->i", white, white)
    third = white @ (square @ weighted)
    matrices = [(weighted * factor[:, None]).T @ white for factor in (square, third)]
    return np.concatenate([np.linalg.eigh(matrix)[1].T for matrix in matrices])


def _best(white: Matrix, share: Vector, directions: Matrix, shift: float, n_kept: int) -> Matrix:
    """Run the power iteration from several directions, and return the best distinct results."""
    weighted = white * share[:, None]
    for _ in range(STEPS):
        signs = np.sign(white @ directions.T + shift)
        moved = signs.T @ weighted
        length = np.linalg.norm(moved, axis=1, keepdims=True)
        directions = np.divide(moved, length, out=directions.copy(), where=length > 0.0)
    criterion = share @ np.abs(white @ directions.T + shift)
    kept: list[int] = []
    for i in np.argsort(-criterion).tolist():
        if len(kept) == n_kept:
            break
        if all(directions[i] @ directions[j] < SAME for j in kept):
            kept.append(i)
    return directions[kept]
