"""The path of penalised fits over decreasing alphas, and the fit at one alpha."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from robustreg.problem import Problem
from robustreg.scales import MedianScale
from robustreg.solvers.elastic_net_follower import Fit, Follower, Start, Step
from robustreg.solvers.elastic_net_scale import Settled
from robustreg.solvers.one_thread import one_thread

__all__ = ["Ending", "Fit", "Path", "Start", "fit_at", "follow_path"]

Vector = NDArray[np.float64]

#: Factor between the alphas on the way to a single alpha. With 0.7 instead of 0.5, a fit to
#: 300 x 4,000 with 216 nonzero coefficients takes 0.3 instead of 0.7 s.
WAY = 0.7

#: Tolerance on the way to a single alpha, where only the active columns and the scale matter.
WAY_TOLERANCE = 1e-3

#: A path is saturated if the scale exceeds this multiple of its smallest scale. Too few degrees of
#: freedom are then left for the outliers. With 100 and 1,000 rows, 10 % of outliers, and 200 and
#: 5,000 columns, the joint scale rises by a quarter until the effective parameters are half as many
#: as the rows. After that it grows to three times and more within an alpha or two.
SATURATED = 2.0


class Ending(Enum):
    """Why a path ended. The values are the messages for users."""

    COMPLETE = "all alphas were reached"
    NO_SCALE = "the residuals leave no positive scale"
    NO_FREEDOM = "no degrees of freedom are left for the scale"
    INFLATED = "the scale is more than twice the smallest of the path"


@dataclass
class Path:
    """Fits at decreasing alphas.

    Attributes
    ----------
    alphas : array of shape (n_alphas,)
        All alphas that were requested.
    fits : list of Fit
        The fits at the first of them.
    ending : Ending
    """

    alphas: Vector
    fits: list[Fit]
    ending: Ending


@one_thread()  # factors of SciPy and products of NumPy alternate in every step
def follow_path(
    problem: Problem,
    alphas: Sequence[float] | Vector | None,
    *,
    eps: float = 1e-3,
    n_alphas: int = 100,
    tol: float,
    max_iter: int,
    most: float = np.inf,
) -> Path:
    """Compute fits at decreasing alphas, each starting from the one before.

    Parameters
    ----------
    problem : Problem
        With an elastic net, whose alpha is not used.
    alphas : array-like, optional
        In decreasing order. By default, ``n_alphas`` values in equal ratios, from the smallest
        alpha at which all penalised coefficients are zero down to ``eps`` times that alpha.
    eps, n_alphas, tol, max_iter
    most : float, default=inf
        The path ends at this number of effective parameters.

    Returns
    -------
    Path
    """
    follower = Follower.of(problem, max_iter)
    first = None
    if follower.scale > 0.0:
        first = follower.null_model(tol)
    if first is None or first.scale == 0.0:
        # Most responses are equal, and a constant fits them at every alpha.
        chosen = np.asarray([1.0] if alphas is None else alphas, dtype=np.float64)
        return Path(chosen, [follower.constant(alpha) for alpha in chosen], Ending.COMPLETE)
    if alphas is None:
        largest = follower.largest_alpha()
        # All alphas give the same fit if no column is penalised, or no slope has the right sign.
        alphas = largest * eps ** np.linspace(0.0, 1.0, n_alphas) if largest > 0.0 else [1.0]
    path = Path(np.asarray(alphas, dtype=np.float64), [], Ending.COMPLETE)
    left = path.alphas.tolist()
    while left and path.ending is Ending.COMPLETE:
        for step in _checked(follower, left, path.fits, tol, most):
            ending = _end(problem, step.settled, path.fits, most)
            # A path has at least one fit, even if its scale is zero.
            if ending is not None and path.fits:
                path.ending = ending
                break
            path.fits.append(step.fit)
            del left[0]
    return path


def _checked(
    follower: Follower, alphas: list[float], fits: list[Fit], tol: float, most: float
) -> list[Step]:
    """Solve at the next alphas until the path may end, and return those without violations."""
    steps: list[Step] = []
    earlier = [*fits]
    for alpha in alphas[: follower.horizon(alphas)]:
        step = follower.advance(alpha, tol)
        if step.settled.scale == 0.0:
            return follower.check(steps, tol) if steps else [step]
        steps.append(step)
        if _end(follower.active.problem, step.settled, earlier, most) is not None:
            break
        earlier.append(step.fit)
    return follower.check(steps, tol)


def _end(problem: Problem, settled: Settled, fits: Sequence[Fit], most: float) -> Ending | None:
    """Return why a path ends before this fit, None if it does not."""
    if settled.edf > most:
        return Ending.NO_FREEDOM
    if problem.scale.known() is not None:
        return None
    if settled.scale == 0.0:
        return Ending.NO_SCALE
    rows = problem.design.n_observations
    # The median of the absolute residuals is zero if half of the rows can be fitted exactly.
    room = 0.5 * rows if isinstance(problem.scale, MedianScale) else 1.0
    if rows - settled.edf < room:
        return Ending.NO_FREEDOM
    if fits and settled.scale > SATURATED * min(fit.scale for fit in fits):
        return Ending.INFLATED
    return None


@one_thread()
def fit_at(
    problem: Problem, alpha: float, *, tol: float, max_iter: int, start: Start | None = None
) -> Fit:
    """Compute the fit at one alpha, starting from another solution or from larger alphas.

    If the equation of the scale has no positive root, the scale is zero, and the coefficients are
    those of the smallest scale that was tried.
    """
    follower = Follower.of(problem, max_iter)
    if follower.scale == 0.0:
        return follower.constant(alpha)
    if start is not None and start.scale > 0.0:
        follower.active.set_coef(start.index, start.values, start.intercept)
        follower.scale = start.scale
    else:
        for way in _alphas_on_the_way(follower, alpha, max(tol, WAY_TOLERANCE)):
            begin = follower.scale
            if follower.go_to(way, max(tol, WAY_TOLERANCE)).settled.scale == 0.0:
                follower.scale = begin
    return replace(follower.go_to(alpha, tol).fit, n_iter=follower.active.n_iter)


def _alphas_on_the_way(follower: Follower, alpha: float, tol: float) -> Iterator[float]:
    """Alphas from the largest down to just above the requested one."""
    if not follower.active.unit_sizes.any() or follower.null_model(tol).scale == 0.0:
        return
    way = WAY * follower.largest_alpha()
    while way > alpha:
        yield way
        way *= WAY
