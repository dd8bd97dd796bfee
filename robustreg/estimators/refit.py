"""Keep an estimator unchanged if a fit fails or is interrupted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["restored_on_failure"]


@contextmanager
def restored_on_failure(estimator: Any) -> Iterator[None]:
    """Restore the attributes of the last fit if the block raises an exception.

    Otherwise, for example after ``KeyboardInterrupt``, ``n_features_in_`` of the new data would be
    combined with ``coef_`` of the old data. If there was no fit before, the results of a search are
    kept, since they show why no candidate could be chosen.
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
    """Return the attributes with names of fitted ones; the state of callbacks is not among them."""
    return {
        name: value
        for name, value in vars(estimator).items()
        if name.endswith("_") and not name.startswith("__")
    }
