"""Models by name, and the names and units of their coefficients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.preprocessing import StandardScaler

from robustreg.inference.fitted import last_step

__all__ = ["by_name", "distinct", "standard_deviations"]


def distinct(names: Sequence[str]) -> list[str]:
    """Names of coefficients, with that of a feature which is named as the intercept is."""
    seen = "intercept" in names[:1] and "intercept" in names[1:]
    return [
        f"{name} (feature)" if seen and position and name == "intercept" else name
        for position, name in enumerate(names)
    ]


def by_name(given: Any) -> dict[str, Any]:
    """Models or summaries by name; one alone gets that of its class."""
    if isinstance(given, (list, tuple)):
        raise TypeError(
            f"several models must be named, got a {type(given).__name__}: pass a dict from a name "
            "to each."
        )
    if not isinstance(given, Mapping):
        return {type(given).__name__: given}
    if not given:
        raise ValueError("no models are given: pass a dict from a name to a fitted model.")
    return {str(name): value for name, value in given.items()}


def standard_deviations(model: Any, X: Any, sample_weight: ArrayLike | None) -> dict[str, float]:
    """Of the features that the regressor was given, by their names."""
    regressor, prepare, names = last_step(model)
    if regressor.fit_intercept:
        names = tuple(distinct(("intercept", *names))[1:])
    # Without the mean it takes sparse X as well, and the same deviations.
    scaler = StandardScaler(with_mean=False).fit(prepare(X), sample_weight=sample_weight)
    deviations = np.sqrt(scaler.var_)
    return dict(zip(names, deviations.tolist(), strict=True))
