r"""Losses of a standardised residual, and the functions of them that solvers and inference need.

A loss is a function rho of u = e / sigma. In the units of the residuals, at a scale sigma, it is

    sigma² rho(e / sigma),      its derivative  sigma psi(e / sigma),      psi = rho'

and ``at(sigma)`` is the loss in these units. A new loss is a subclass of :class:`Loss` with four
methods.

Sources: P. J. Huber, "Robust Estimation of a Location Parameter", Ann. Math. Statist. 35 (1964);
A. E. Beaton and J. W. Tukey, Technometrics 16 (1974), for the bisquare.
"""

from robustreg.losses.base import Loss, Terms
from robustreg.losses.bisquare import Bisquare, Redescending
from robustreg.losses.huber import LARGEST_DELTA, Huber

__all__ = ["LARGEST_DELTA", "Bisquare", "Huber", "Loss", "Redescending", "Terms"]
