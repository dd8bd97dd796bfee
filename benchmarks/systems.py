"""The systems that ``compare.py`` times: ours, scikit-learn, statsmodels, and a lower bound.

All Huber fits solve the same problem if possible: scikit-learn's epsilon is the one that
corresponds to delta = 1.345 at this n and p, and statsmodels' RLM is compared with ``scale="mad"``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn import linear_model

from robustreg import HuberRegressor
from robustreg.tuning import kappa

DELTA = 1.345

#: scikit-learn's own default is 100, at which it stops short on harder problems.
MAX_ITER = 100_000

#: Bytes of X in a block of the lower bound, which computes X @ w and r @ X while it is in cache.
BLOCK_BYTES = 2**20

PLAIN, AUTO = "HuberRegressor()", 'HuberRegressor(delta="auto")'
MEDIAN = 'HuberRegressor(scale="mad")'
LEAST_SQUARES, RIDGE = "LinearRegression()", 'Ridge(solver="cholesky")'
SKLEARN_HUBER, STATSMODELS = "HuberRegressor, to convergence", "RLM, Huber's T"
GRAM, PASS = "one Gram matrix, X.T @ X", "one pass, X @ w and r @ X"

#: Estimators of this library by their names in the tables.
OURS: dict[str, Callable[[], HuberRegressor]] = {
    PLAIN: HuberRegressor,
    'HuberRegressor(solver="newton")': lambda: HuberRegressor(solver="newton"),
    AUTO: lambda: HuberRegressor(delta="auto"),
    MEDIAN: lambda: HuberRegressor(scale="mad"),
}


@dataclass(frozen=True)
class System:
    """A system that is timed on a problem.

    Attributes
    ----------
    name, library : str
    fit : callable
        ``fit(X, y)``, which makes its own estimator, as a user does.
    slow : bool
        Whether a fit takes so long that it is repeated only a few times.
    """

    name: str
    library: str
    fit: Callable[[Any, NDArray[np.float64]], Any]
    slow: bool = False


def systems(name: str, *, is_sparse: bool) -> list[System]:
    """Return the systems for a problem, ours first."""
    ours = [PLAIN] if is_sparse else list(OURS)
    found = [System(key, "robustreg", _fitter(OURS[key])) for key in ours]
    found.append(System(LEAST_SQUARES, "scikit-learn", _fitter(linear_model.LinearRegression)))
    if not is_sparse:
        # With 20,000 columns, Ridge would form and factorise 3 GB.
        found.append(System(RIDGE, "scikit-learn", _fitter(_ridge)))
    if name != "badly scaled":
        # There it would need thousands of iterations, which take minutes.
        found.append(System(SKLEARN_HUBER, "scikit-learn", fit_sklearn_huber, slow=True))
    if name == "large":
        found.append(System(STATSMODELS, "statsmodels", fit_statsmodels, slow=True))
    if not is_sparse:
        found.append(System(GRAM, "floor", lambda X, y: X.T @ X))
    found.append(System(PASS, "floor", sparse_pass if is_sparse else blockwise_pass))
    return found


def _fitter(make: Callable[[], Any]) -> Callable[[Any, Any], Any]:
    return lambda X, y: make().fit(X, y)


def _ridge() -> linear_model.Ridge:
    return linear_model.Ridge(solver="cholesky")


def fit_sklearn_huber(X: Any, y: NDArray[np.float64]) -> linear_model.HuberRegressor:
    """Fit scikit-learn's Huber regressor with the epsilon that corresponds to our default delta."""
    n, p = X.shape
    epsilon = DELTA * np.sqrt(n / (2.0 * kappa(DELTA) * (n - p - 1)))
    return linear_model.HuberRegressor(epsilon=epsilon, alpha=0.0, max_iter=MAX_ITER).fit(X, y)


def fit_statsmodels(X: Any, y: NDArray[np.float64]) -> Any:
    """Fit statsmodels' RLM with its defaults, Huber's T at 1.345 and the MAD."""
    from statsmodels.api import RLM, add_constant  # slow to import, and not always needed

    return RLM(y, add_constant(X)).fit()


def blockwise_pass(X: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Do the least work of one pass over X: residuals at w, and their products with X."""
    n, p = X.shape
    w, product = np.ones(p), np.zeros(p)
    size = max(1, BLOCK_BYTES // (8 * p))
    for start in range(0, n, size):
        block = X[start : start + size]
        product += (y[start : start + size] - block @ w) @ block
    return product


def sparse_pass(X: Any, y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Do the same for a CSR matrix."""
    return (y - X @ np.ones(X.shape[1])) @ X


def linear_parameters(model: Any) -> tuple[NDArray[np.float64], float]:
    """Return the coefficients and intercept of any fit."""
    if hasattr(model, "coef_"):
        return model.coef_, float(model.intercept_)
    return model.params[1:], float(model.params[0])


def distance_to(reference: HuberRegressor, X: Any, y: Any, model: Any) -> float:
    """Return the distance of a fit from a reference, in standard errors of the estimate.

    It is ``sqrt(d'd) f / sqrt(mean psi²)``, with the difference d of the predictions, the share f
    of rows inside the threshold and the clipped residuals psi, as for ``optimality_``.
    """
    coef, intercept = linear_parameters(model)
    difference = X @ (coef - reference.coef_) + (intercept - reference.intercept_)
    threshold = reference.threshold_
    psi = np.clip(y - reference.predict(X), -threshold, threshold)
    inside = 1.0 - float(reference.outliers_.mean())
    return float(np.linalg.norm(difference) * inside / np.sqrt(np.mean(psi**2)))
