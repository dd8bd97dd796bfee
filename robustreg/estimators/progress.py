"""scikit-learn's callbacks, where the installed version has them."""

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
        """Stands in for scikit-learn's mixin: a fit without callbacks."""


__all__ = ["CallbackSupportMixin", "PassCounter", "TaskList"]


class _Tasks:
    """The root task of a fit, and the arguments of its hooks.

    Parameters
    ----------
    estimator : estimator
        With or without ``set_callbacks``.
    X, y, metadata
        What the hooks are given: as the user gave them, since names of columns are lost in
        validation, and a model that was fitted to names warns without them.
    n_tasks : int, optional
        Subtasks of the fit, where their number is known beforehand.
    """

    def __init__(
        self, estimator: Any, X: Any, y: Any, metadata: dict[str, Any], n_tasks: int | None
    ) -> None:
        self._arguments = {"estimator": estimator, "X": X, "y": y, "metadata": metadata}
        self._root = None
        # A fit without callbacks makes no context: it would cost more than a pass over small data.
        if hasattr(estimator, "_skl_callbacks") or hasattr(estimator, "_parent_callback_ctx"):
            self._root = estimator._init_callback_context(max_subtasks=n_tasks)
            self._root.call_on_fit_task_begin(**self._arguments)

    def close(self) -> None:
        """The fit has ended, and the estimator has its attributes."""
        if self._root is not None:
            self._root.call_on_fit_task_end(**self._arguments, reconstruction_attributes={})


class PassCounter(_Tasks):
    """Reports each pass over the data to the estimator's callbacks as one task.

    A callback that asks for it, as ``ScoringMonitor``, gets the model of the last point at which
    sums were taken: with ``coef_``, ``intercept_`` and ``scale_``. It is put together only then.

    Parameters
    ----------
    estimator, X, y, metadata
        See ``_Tasks``.
    """

    def __init__(self, estimator: Any, X: Any, y: Any, metadata: dict[str, Any]) -> None:
        super().__init__(estimator, X, y, metadata, None)
        self._attributes: Any = None  # before the first point there is no model

    def __call__(self, design: Design | None = None, point: Point | None = None) -> None:
        """One pass has been made, at a point or for something else."""
        if self._root is None:
            return
        if design is not None and point is not None:
            self._attributes = partial(_attributes, design, point)
        task = self._root.subcontext(task_name="pass")
        task.call_on_fit_task_begin(**self._arguments)
        task.call_on_fit_task_end(**self._arguments, reconstruction_attributes=self._attributes)


class TaskList(_Tasks):
    """Reports the tasks of a fit, known beforehand, to the estimator's callbacks.

    Parameters
    ----------
    estimator, X, y, metadata
        See ``_Tasks``.
    names : sequence of str
        Of the tasks, which may be done in any order and by several workers.
    """

    def __init__(
        self, estimator: Any, X: Any, y: Any, metadata: dict[str, Any], names: Sequence[str]
    ) -> None:
        super().__init__(estimator, X, y, metadata, len(names))
        self._tasks: list[Any] = []
        if self._root is not None:
            # Made ahead: workers must not change what they are given.
            self._tasks = [self._root.subcontext(task_name=name) for name in names]

    @contextmanager
    def task(self, index: int) -> Iterator[None]:
        """One of the tasks, from its beginning to its end."""
        if self._root is None:
            yield
            return
        self._tasks[index].call_on_fit_task_begin(**self._arguments)
        yield
        self._tasks[index].call_on_fit_task_end(**self._arguments)


def _attributes(design: Design, point: Point) -> dict[str, Any]:
    """What a model needs to predict, in the units of the user."""
    coef, intercept = design.to_user(point)
    scale = point.scale * design.units.response_scale
    return {"coef_": coef, "intercept_": np.float64(intercept), "scale_": float(scale)}
