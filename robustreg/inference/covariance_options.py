"""The options of ``summarize`` that choose a covariance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from robustreg.inference.bootstrap import bootstrap_covariance
from robustreg.inference.cluster import cluster_covariance
from robustreg.inference.covariance import Coupling, CovarianceEstimate, huber_covariance
from robustreg.inference.fitted import FittedRegression
from robustreg.inference.options import check_one_of, refuse_groups
from robustreg.inference.sandwich import default_variant, sandwich_covariance

__all__ = ["CovarianceOptions"]

#: The names of Huber's and of the sandwich's variants, and what the general names stand for.
COVARIANCES = {
    "huber": "H1",
    "H1": "H1",
    "H2": "H2",
    "H3": "H3",
    "sandwich": "sandwich",
    "HC0": "HC0",
    "HC1": "HC1",
    "HC2": "HC2",
    "HC3": "HC3",
    "cluster": "CR3",
    "CR1": "CR1",
    "CR3": "CR3",
    "bootstrap": "bootstrap",
}


@dataclass(frozen=True)
class CovarianceOptions:
    """The options of ``summarize`` that choose a covariance, checked.

    Raises
    ------
    ValueError
        If one of them is unknown.
    """

    cov_type: str
    groups: Any
    ddof: int
    scale_coupling: Coupling
    bootstrap: Literal["pairs", "wild"]
    n_bootstrap: int
    random_state: Any
    n_jobs: int | None
    verbose: int

    def __post_init__(self) -> None:
        check_one_of("cov_type", self.cov_type, tuple(COVARIANCES))
        check_one_of("ddof", self.ddof, (0, 1))
        check_one_of("scale_coupling", self.scale_coupling, ("auto", True, False))
        check_one_of("bootstrap", self.bootstrap, ("pairs", "wild"))

    def estimate(self, fitted: FittedRegression) -> tuple[CovarianceEstimate, str]:
        """Estimate the covariance; also return its formula, or "pairs" or "wild" (bootstrap)."""
        kind = COVARIANCES[self.cov_type]
        if kind == "sandwich":
            kind = default_variant(fitted)
        _refuse_single_rows(fitted, kind)
        if kind == "bootstrap":
            return self._bootstrap(fitted), self.bootstrap
        if kind.startswith("CR"):
            return cluster_covariance(fitted, kind, self.groups), kind
        refuse_groups(self.groups, self.cov_type, '"cluster" or "bootstrap"')
        if kind.startswith("HC"):
            return sandwich_covariance(fitted, kind), kind
        return huber_covariance(fitted, kind, self.ddof, self.scale_coupling), kind

    def _bootstrap(self, fitted: FittedRegression) -> CovarianceEstimate:
        return bootstrap_covariance(
            fitted,
            self.bootstrap,
            n_bootstrap=self.n_bootstrap,
            groups=self.groups,
            random_state=self.random_state,
            n_jobs=self.n_jobs,
            verbose=self.verbose,
        )


def _refuse_single_rows(fitted: FittedRegression, kind: str) -> None:
    if kind in ("CR3", "bootstrap") and not fitted.design.in_memory:
        raise ValueError(
            f"cov_type {kind} needs the rows in memory, not in a Dask collection: use "
            '"huber", "sandwich" or "CR1", or load the data with compute().'
        )
