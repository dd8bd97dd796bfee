"""Starts from projections of the joint rows (x, y) whose third or fourth moment is extreme.

Rows of another population form a second mode of some projection. Of a standardised projection with
a share a of the rows in one mode, far from the other, the fourth moment is 1/(a(1 - a)) - 3: below
the normal's 3 for a > 0.21, and above it for less; the third moment is (1 - 2a)/sqrt(a(1 - a)). Both
are polynomials in the direction, whose extremes are found by a fixed point, many directions at
once. (D. Peña, F. J. Prieto, "Multivariate outlier detection and robust covariance matrix
estimation", Technometrics 43 (2001), for the principle; A. Hyvärinen, "Fast and robust fixed-point
algorithms for independent component analysis", IEEE Trans. Neural Networks 10 (1999), for the fixed
point.)
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from robustreg.solvers.starts.sample import Sample

__all__ = ["moment_projections"]

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]

#: Steps of the fixed point: it converges cubically near an extreme, and starts far from it.
STEPS = 12


def moment_projections(
    sample: Sample, kept: NDArray[np.bool_], n_directions: int, rng: np.random.Generator
) -> Matrix | None:
    """Projections of some rows with extreme moments, of shape (2 n_directions, kept rows).

    Directions start at the rows themselves, so that they follow any change of coordinates.

    Parameters
    ----------
    sample : Sample
    kept : array of shape (n,) of bool
    n_directions : int
        How many of each moment.
    rng : Generator
        Draws the rows at which directions start.

    Returns
    -------
    array or None
        None where the rows determine no covariance.
    """
    frequencies = sample.frequencies[kept]
    joint = np.column_stack((sample.rows[kept], sample.response[kept]))
    white = _whitened(joint, frequencies)
    if white is None:
        return None
    share = frequencies / frequencies.sum()
    drawn = rng.choice(white.shape[0], size=n_directions, p=share)
    starts = _normalised(white[drawn])
    return np.concatenate(
        [(white @ _extremes(white, share, starts, power).T).T for power in (3, 2)]
    )


def _whitened(joint: Matrix, frequencies: Vector) -> Matrix | None:
    mean = frequencies @ joint / frequencies.sum()
    centred = joint - mean
    root = np.sqrt(frequencies / frequencies.sum())
    left, singular, _ = np.linalg.svd(centred * root[:, None], full_matrices=False)
    # The intercept's column is constant, and has no direction.
    kept = singular > 1e-9 * singular.max(initial=0.0)
    if not kept.any():
        return None
    return left[:, kept] / root[:, None]


def _normalised(directions: Matrix) -> Matrix:
    length = np.linalg.norm(directions, axis=1, keepdims=True)
    return directions / np.where(length > 0.0, length, 1.0)


def _extremes(white: Matrix, share: Vector, directions: Matrix, power: int) -> Matrix:
    """Fixed points of ``w = E[z (w'z)^power]``, less ``3 w`` for the fourth moment."""
    weighted = white * share[:, None]
    for _ in range(STEPS):
        projections = white @ directions.T
        moved = (projections**power).T @ weighted
        if power == 3:
            moved -= 3.0 * directions
        directions = _normalised(moved)
    return directions
