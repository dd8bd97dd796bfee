"""Scores and coefficients of the deltas that a fitted search compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from robustreg.estimators.huber import HuberRegressor
from robustreg.estimators.huber_cv import HuberRegressorCV
from robustreg.estimators.search_results import standard_error
from robustreg.inference.fitted import last_step

__all__ = ["Candidates", "candidates_of", "coefs_of"]

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]
Indices = NDArray[np.intp]

#: Parameters that a search passes to the regressor of each candidate.
HANDED_ON = ("scale", "fit_intercept", "solver", "max_iter", "tol")


@dataclass(frozen=True)
class Candidates:
    """Candidates of a search that differ only in delta, in ascending order of delta.

    Attributes
    ----------
    indices : ndarray of shape (n_deltas,)
        Indices of the candidates in ``cv_results_``.
    deltas, mean_scores, standard_errors : ndarray of shape (n_deltas,)
        Delta, mean score over the folds, and standard error of that mean.
    delta : float
        The chosen delta.
    score_name : str
        Name of the score, for the axis.
    chosen : dict
        Chosen values of the other parameters that were searched, by the last part of their names.
    """

    indices: Indices
    deltas: Vector
    mean_scores: Vector
    standard_errors: Vector
    delta: float
    score_name: str
    chosen: dict[str, Any]


def candidates_of(search: Any, param_name: str | None = None) -> Candidates:
    """Return the candidates whose other parameters are those that a fitted search chose.

    Raises
    ------
    TypeError
        If it is not a fitted search.
    ValueError
        If it has no parameter delta, or several.
    """
    results = getattr(search, "cv_results_", None)
    best = getattr(search, "best_index_", None)
    if results is None or best is None:
        raise TypeError(
            f"estimator is a {type(search).__name__} without cv_results_ or best_index_: pass a "
            "fitted HuberRegressorCV, or a fitted GridSearchCV over delta that chose a candidate."
        )
    name = _name_of_delta(results["params"], param_name)
    indices, deltas = _slice(results["params"], int(best), name)
    metric = search.refit if getattr(search, "multimetric_", False) else "score"
    return Candidates(
        indices,
        deltas,
        np.asarray(results[f"mean_test_{metric}"], dtype=np.float64)[indices],
        standard_error(results, metric)[indices],
        _chosen(search, results["params"][best][name]),
        _score_name(search, metric),
        _others(results["params"], int(best), name),
    )


def _name_of_delta(params: list[dict[str, Any]], given: str | None) -> str:
    searched = list(dict.fromkeys(name for each in params for name in each))
    names = [name for name in searched if name.split("__")[-1] == "delta"]
    if given is not None:
        names = [name for name in searched if name == given]
    if len(names) != 1:
        found = "no parameter delta" if not names else f"several: {', '.join(names)}"
        wanted = "" if given is None else f" by the name {given!r}"
        raise ValueError(
            f"estimator searched over {', '.join(searched)}, which are {found}{wanted}: pass a "
            "search over delta, and pass the name of delta in it as param_name."
        )
    return names[0]


def _others(params: list[dict[str, Any]], best: int, delta: str) -> dict[str, Any]:
    """Return the chosen values of the other parameters that were searched."""
    return {
        name.split("__")[-1]: value
        for name, value in params[best].items()
        if name != delta and any(str(each.get(name)) != str(value) for each in params)
    }


def _slice(params: list[dict[str, Any]], best: int, name: str) -> tuple[Indices, Vector]:
    """Return the indices and deltas of candidates that differ from the best only in delta."""
    chosen = {key: value for key, value in params[best].items() if key != name}
    deltas = {}
    for index, candidate in enumerate(params):
        others = {key: value for key, value in candidate.items() if key != name}
        value = candidate.get(name)
        # "auto" is not a number and has no position on the axis.
        if others == chosen and isinstance(value, Real):
            deltas[index] = float(value)
    if not deltas:
        raise ValueError(
            f"estimator has no candidate with a number as {name} and its other chosen parameters: "
            "pass a search over numbers."
        )
    indices = np.array(sorted(deltas, key=deltas.__getitem__))
    return indices, np.array([deltas[i] for i in indices])


def _chosen(search: Any, value: Any) -> float:
    if isinstance(value, Real):
        return float(value)
    model = getattr(search, "best_estimator_", None)
    return float("nan") if model is None else float(_regressor(model)[0].delta_)


def _score_name(search: Any, metric: str) -> str:
    scorer = search.scorer_
    if isinstance(scorer, Mapping):
        scorer = scorer[metric]
    function = getattr(scorer, "_score_func", None)
    if function is None:
        # Without scoring, the search uses the regressor's own score.
        return getattr(scorer, "__name__", "R²").replace("_", " ")
    name = function.__name__.replace("_", " ").replace("huber", "Huber")
    return f"minus {name}" if scorer._sign < 0 else name


def coefs_of(
    search: Any, indices: Indices, X: Any, y: Any, fit_params: Mapping[str, Any]
) -> tuple[Matrix | None, list[str] | None]:
    """Return the coefficients of candidates and the names of their features, or None.

    With X and y, each candidate is fitted to all rows. Without them, the coefficients of a
    ``HuberRegressorCV`` are means over the folds, and other searches have none.
    """
    if X is not None:
        models = [_model(search, search.cv_results_["params"][i]) for i in indices]
        fitted = [_regressor(model.fit(X, y, **fit_params)) for model in models]
        return np.array([regressor.coef_ for regressor, _ in fitted]), fitted[0][1]
    if not isinstance(search, HuberRegressorCV):
        return None, None
    return search.coefs_paths_[:, indices].mean(axis=0), _regressor(search)[1]


def _model(search: Any, params: Mapping[str, Any]) -> Any:
    if isinstance(search, HuberRegressorCV):
        return HuberRegressor(**{name: getattr(search, name) for name in HANDED_ON}, **params)
    return clone(search.estimator).set_params(**clone(params, safe=False))


def _regressor(model: Any) -> tuple[Any, list[str]]:
    """Return the fitted regressor at the end of a model, and the names of its features."""
    regressor, _, names = last_step(getattr(model, "regressor_", model))
    return regressor, list(names)
