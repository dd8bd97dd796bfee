"""A robust scorer for searches."""

from __future__ import annotations

import warnings
from numbers import Real
from typing import Any, Literal

import numpy as np
from sklearn.metrics import make_scorer
from sklearn.utils._param_validation import Hidden, Interval, StrOptions

from robustreg.metrics.loss import huber_loss
from robustreg.parameters import checked_parameters

__all__ = ["make_huber_scorer"]


@checked_parameters(
    {
        "threshold": [Interval(Real, 0, np.inf, closed="right"), None],
        "delta": [
            Interval(Real, 0, np.inf, closed="right"),
            Hidden(StrOptions({"deprecated"})),
        ],
    }
)
def make_huber_scorer(
    threshold: float | None = None, *, delta: float | Literal["deprecated"] = "deprecated"
) -> Any:
    """Make a robust scorer for ``scoring=`` of a search.

    The score is minus the mean Huber loss of the validation errors. With squared error as the
    score, outliers among the validation rows decide the choice.

    Parameters
    ----------
    threshold : float in (0, inf], default=None
        Threshold of the loss in units of y, the same for all candidates. It must be given. The
        smaller it is, the less a wrong validation row counts. :class:`~robustreg.HuberRegressorCV`
        uses half the scale of a robust fit, as in the example. ``inf`` gives half the mean squared
        error.
    delta : float in (0, inf], default="deprecated"
        Former name of ``threshold``, which will be removed in version 0.2. Elsewhere ``delta`` is
        in units of the noise.

    Returns
    -------
    callable
        The scorer, ``scorer(estimator, X, y, sample_weight=None)``. Greater is better, and the
        score is in squared units of y. For metadata routing, call
        ``scorer.set_score_request(sample_weight=True)``.

    Raises
    ------
    ValueError
        If ``threshold`` is out of range.
    TypeError
        If ``threshold`` is not given.

    Warns
    -----
    FutureWarning
        If ``delta`` is passed.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> from sklearn.model_selection import GridSearchCV
    >>> from robustreg import HuberRegressor
    >>> from robustreg.datasets import load_stackloss
    >>> from robustreg.metrics import make_huber_scorer
    >>> X, y = load_stackloss(return_X_y=True)
    >>> pilot = HuberRegressor(delta=0.5, scale="mad").fit(X, y)
    >>> scorer = make_huber_scorer(0.5 * pilot.scale_)
    >>> search = GridSearchCV(Ridge(), {"alpha": [1.0, 100.0]}, scoring=scorer)
    >>> search.fit(X, y).best_params_
    {'alpha': 100.0}
    """
    if delta != "deprecated":
        if threshold is not None:
            raise ValueError(
                f"threshold={threshold!r} and delta={delta!r} are the same argument: pass "
                "threshold alone."
            )
        warnings.warn(
            "delta of make_huber_scorer is now called threshold, since it is in units of y; "
            "delta elsewhere is in units of the noise. The old name will be removed in 0.2.",
            FutureWarning,
            stacklevel=3,
        )
        threshold = delta
    if threshold is None:
        raise TypeError(
            "make_huber_scorer needs a threshold in units of y. A good choice is half the noise "
            'level: threshold=0.5 * HuberRegressor(delta=0.5, scale="mad").fit(X, y).scale_.'
        )
    return make_scorer(huber_loss, greater_is_better=False, delta=threshold)
