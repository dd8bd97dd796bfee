"""A fit that fails or is interrupted changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["restored_on_failure"]


@contextmanager
def restored_on_failure(estimator: Any) -> Iterator[None]:
    """Give an estimator back the attributes of its last fit if the block does not end.

    Otherwise ``n_features_in_``, which the validation of new data sets, would not go with the
    ``coef_`` of the old ones after ``KeyboardInterrupt``, say. Where there was no fit before, the
    results of a search stay: they show why no candidate could be chosen.
    """
    before = _fitted_attributes(estimator)
    try:
        yield
    except BaseException:
        for name in _fitted_attributes(estimator):
            if before or name != "cv_results_":
                delattr(estimator, name)
        vars(estimator).update(before)
        raise


def _fitted_attributes(estimator: Any) -> dict[str, Any]:
    """Those that ``check_is_fitted`` knows by their names; the state of callbacks is no such."""
    return {
        name: value
        for name, value in vars(estimator).items()
        if name.endswith("_") and not name.startswith("__")
    }
