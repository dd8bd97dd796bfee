"""The effective number of parameters of an elastic net."""

from __future__ import annotations

import numpy as np
from scipy.linalg import lapack

from robustreg.losses import Huber
from robustreg.solvers.active_set import ActiveSet
from robustreg.solvers.quadratic_lasso import positive_factor

__all__ = ["effective_parameters"]


def effective_parameters(active: ActiveSet, scale: float) -> float:
    """Return the number of nonzero coefficients, less the part that a quadratic penalty takes.

    It is ``k - tr[(G + A)^-1 A]``, where G is the Gram matrix of iterated least squares for the k
    nonzero coefficients and the intercept, and A the curvature of the penalty.
    """
    members = np.flatnonzero((active.coef != 0.0) | active.signs.free)
    curvature = active.curvature[members]
    if not curvature.any():
        return float(members.size)
    assert isinstance(active.problem.loss, Huber)
    weights = active.columns.loss_weights(active.problem.loss.at(scale))
    gram = active.columns.weighted_gram(weights)[np.ix_(members, members)]
    factor = positive_factor(gram + np.diag(curvature), active.least_curvature[members])
    inverse = lapack.dpotri(factor)[0].diagonal()
    return members.size - float(inverse @ curvature)
