"""Support for scikit-learn's callbacks, if the installed version has them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np

from robustreg.design.base import Design, Point

try:
    from sklearn.callback import CallbackSupportMixin
except ImportError:  # before scikit-learn 1.9

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """A replacement for scikit-learn's mixin, without callbacks."""


__all__ = ["CallbackSupportMixin", "PassCounter", "TaskList"]


class _Tasks:
    """The root task of a fit, and the arguments of its hooks.

    Parameters
    ----------
    estimator : estimator
        The estimator, which may have callbacks.
    X, y, metadata
        Arguments of the hooks, as the user gave them. Validated data would have lost the names of
        the columns, and a model that was fitted with names warns if there are none.
    n_tasks : int, optional
        Number of subtasks of the fit, if known.
    """

    def __init__(
        self, estimator: Any, X: Any, y: Any, metadata: dict[str, Any], n_tasks: int | None
    ) -> None:
        self._arguments = {"estimator": estimator, "X": X, "y": y, "metadata": metadata}
        self._root = None
        # Without callbacks there is no context, which would cost more than a pass over small data.
        if hasattr(estimator, "_skl_callbacks") or hasattr(estimator, "_parent_callback_ctx"):
            self._root = estimator._init_callback_context(max_subtasks=n_tasks)
            self._root.call_on_fit_task_begin(**self._arguments)

    def close(self) -> None:
        """Report the end of the fit, when the estimator has its attributes."""
        if self._root is not None:
            self._root.call_on_fit_task_end(**self._arguments, reconstruction_attributes={})


class PassCounter(_Tasks):
    """Reports each pass over the data to the estimator's callbacks as one task.

    A callback such as ``ScoringMonitor`` can ask for the model at the last point at which sums were
    computed, with ``coef_``, ``intercept_`` and ``scale_``. The model is made only on request.

    Parameters
    ----------
    estimator, X, y, metadata
        See ``_Tasks``.
    """

    def __init__(self, estimator: Any, X: Any, y: Any, metadata: dict[str, Any]) -> None:
        super().__init__(estimator, X, y, metadata, None)
        self._attributes: Any = None  # before the first point there is no model

    def __call__(self, design: Design | None = None, point: Point | None = None) -> None:
        """Report one pass, with the point at which sums were computed, if there is one."""
        if self._root is None:
            return
        if design is not None and point is not None:
            self._attributes = partial(_attributes, design, point)
        task = self._root.subcontext(task_name="pass")
        task.call_on_fit_task_begin(**self._arguments)
        task.call_on_fit_task_end(**self._arguments, reconstruction_attributes=self._attributes)


class TaskList(_Tasks):
    """Reports a known list of tasks of a fit to the estimator's callbacks.

    Parameters
    ----------
    estimator, X, y, metadata
        See ``_Tasks``.
    names : sequence of str
        Names of the tasks, which may be done in any order and by several workers.
    """

    def __init__(
        self, estimator: Any, X: Any, y: Any, metadata: dict[str, Any], names: Sequence[str]
    ) -> None:
        super().__init__(estimator, X, y, metadata, len(names))
        self._tasks: list[Any] = []
        if self._root is not None:
            # Made beforehand, since workers must not change the root.
            self._tasks = [self._root.subcontext(task_name=name) for name in names]

    @contextmanager
    def task(self, index: int) -> Iterator[None]:
        """Report the beginning and the end of one of the tasks."""
        if self._root is None:
            yield
            return
        self._tasks[index].call_on_fit_task_begin(**self._arguments)
        yield
        self._tasks[index].call_on_fit_task_end(**self._arguments)


def _attributes(design: Design, point: Point) -> dict[str, Any]:
    """Return the attributes that a model needs to predict, in the user's units."""
    coef, intercept = design.to_user(point)
    scale = point.scale * design.units.response_scale
    return {"coef_": coef, "intercept_": np.float64(intercept), "scale_": float(scale)}
