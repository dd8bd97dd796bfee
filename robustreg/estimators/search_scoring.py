"""The score of the candidates of a search, and the pilot of the default score."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from inspect import signature
from typing import Any

from numpy.typing import ArrayLike
from sklearn.metrics import check_scoring
from sklearn.utils.metadata_routing import (
    MetadataRouter,
    MethodMapping,
    _raise_for_params,
    _routing_enabled,
    process_routing,
)

from robustreg.data import is_collection
from robustreg.design.base import Design
from robustreg.estimators.cross_validation import HuberScoring, ScorerScoring, Scoring
from robustreg.estimators.fitting import HuberProblem, Solution, effective_parameters, fit_huber
from robustreg.metrics import make_huber_scorer

__all__ = [
    "SCORE_DELTA",
    "choose_scoring",
    "fit_pilot",
    "metadata_router",
    "pilot_problems",
    "routed_parameters",
]

#: Delta of the pilot, a first fit with the MAD scale, and threshold of the score in units of that
#: scale. The influence of a wrong validation row on the choice is proportional to the threshold.
#: With 25 % of outliers far to one side, the prediction error of the chosen model was 1.33 times
#: that of the best candidate at a threshold of 1.345 joint scales, and 1.00 times at this one.
#: Without outliers it was 1.10 and 1.12 times (DESIGN.md, section 2, and
#: tests/test_simulation_cv.py).
PILOT_DELTA, SCORE_DELTA = 0.5, 0.5

#: Delta of a joint fit whose scale is used if the pilot's scale is zero.
SECOND_DELTA = 1.345

#: Largest ratio of the pilot's effective parameters to the observations. With nearly one half, the
#: MAD of the residuals would be zero.
FOLLOWED = 1 / 3


def pilot_problems(
    design: Design, problem_at: Callable[..., HuberProblem], alphas: Sequence[float]
) -> tuple[HuberProblem, HuberProblem]:
    """Return the problem of the pilot, and the one that replaces it if its scale is zero.

    Parameters
    ----------
    design : Design
    problem_at : callable
        Function that returns the problem for a delta, an alpha and a ``scale``.
    alphas : sequence of float
        Candidates for alpha, in ascending order.
    """
    most = FOLLOWED * design.n_observations
    for alpha in alphas:
        problem = problem_at(PILOT_DELTA, alpha, scale="mad")
        if effective_parameters(design, problem) < most:
            break
    # If at least half of the residuals are zero, a larger delta may have a positive scale.
    return problem, problem_at(SECOND_DELTA, alpha, scale="joint")


def fit_pilot(
    design: Design, problem_at: Callable[..., HuberProblem], alphas: Sequence[float]
) -> Solution:
    """Fit the pilot, whose scale is the unit of the score's threshold."""
    problem, second = pilot_problems(design, problem_at, alphas)
    pilot = fit_huber(design, problem)
    return pilot if pilot.scale > 0.0 else fit_huber(design, second)


def choose_scoring(
    estimator: Any, X: Any, y: Any, pilot: Solution, score_params: dict[str, Any]
) -> tuple[Callable[..., float], Scoring]:
    """Return the scorer for the user, and the rule that scores a fold.

    Parameters
    ----------
    estimator : HuberRegressorCV
        Estimator whose ``scoring`` is used.
    X, y : of the user
    pilot : Solution
    score_params : dict
        Further arguments of the scorer.
    """
    threshold = SCORE_DELTA * pilot.scale
    if estimator.scoring is None and threshold > 0.0:
        return make_huber_scorer(threshold), HuberScoring(threshold)
    name = "neg_mean_absolute_error" if estimator.scoring is None else estimator.scoring
    if is_collection(X):
        raise ValueError(
            f"scoring={name!r} needs single rows, which a Dask collection does not provide. Use "
            "scoring=None, for which the pilot must not fit exactly, or load the data with "
            "compute()."
        )
    scorer = check_scoring(estimator, scoring=name)
    if "sample_weight" in score_params and not _takes_weights(scorer):
        warnings.warn(
            f"scoring={name!r} does not support sample_weight: candidates are fitted with weights "
            "but scored without. Pass a scorer whose metric accepts sample_weight.",
            UserWarning,
            stacklevel=3,
        )
        score_params = {k: v for k, v in score_params.items() if k != "sample_weight"}
    return scorer, ScorerScoring(scorer, estimator, X, y, score_params)


def metadata_router(estimator: Any) -> MetadataRouter:
    """Return the metadata that ``fit`` routes to the scorer and to the splitter."""
    scorer = check_scoring(estimator, scoring=estimator.scoring)
    if estimator.scoring is None:
        scorer = make_huber_scorer(1.0).set_score_request(sample_weight=True)
    return (
        MetadataRouter(owner=estimator)
        .add_self_request(estimator)
        .add(scorer=scorer, method_mapping=MethodMapping().add(caller="fit", callee="score"))
        .add(
            splitter=estimator.cv, method_mapping=MethodMapping().add(caller="fit", callee="split")
        )
    )


def routed_parameters(
    estimator: Any, sample_weight: ArrayLike | None, params: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the further arguments of the splitter and of the scorer."""
    weights = {} if sample_weight is None else {"sample_weight": sample_weight}
    if _routing_enabled():
        routed = process_routing(estimator, "fit", **weights, **params)
        return routed.splitter.split, routed.scorer.score
    groups = params.pop("groups", None)
    _raise_for_params(params, estimator, "fit")
    return {"groups": groups}, weights


def _takes_weights(scorer: Callable[..., Any]) -> bool:
    metric = getattr(scorer, "_score_func", scorer)
    return "sample_weight" in signature(metric).parameters
