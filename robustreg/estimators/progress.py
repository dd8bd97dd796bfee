"""scikit-learn's callbacks, where the installed version has them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

try:
    from sklearn.callback import CallbackSupportMixin
except ImportError:  # before scikit-learn 1.9

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """Stands in for scikit-learn's mixin: a fit without callbacks."""


__all__ = ["CallbackSupportMixin", "PassCounter", "TaskList"]


class PassCounter:
    """Reports each pass over the data to the estimator's callbacks as one task.

    Parameters
    ----------
    estimator : estimator
        With or without ``set_callbacks``.
    X, y, metadata
        What the hooks are given.
    """

    def __init__(self, estimator: Any, X: Any, y: Any, metadata: dict[str, Any]) -> None:
        self._arguments = {"estimator": estimator, "X": X, "y": y, "metadata": metadata}
        self._root = None
        # A fit without callbacks makes no context: it would cost more than a pass over small data.
        if hasattr(estimator, "_skl_callbacks") or hasattr(estimator, "_parent_callback_ctx"):
            # How many passes there will be is not known.
            self._root = estimator._init_callback_context(max_subtasks=None)
            self._root.call_on_fit_task_begin(**self._arguments)

    def __call__(self) -> None:
        """One pass has been made."""
        if self._root is not None:
            task = self._root.subcontext(task_name="pass")
            task.call_on_fit_task_begin(**self._arguments)
            task.call_on_fit_task_end(**self._arguments)

    def close(self) -> None:
        """The fit has ended."""
        if self._root is not None:
            self._root.call_on_fit_task_end(**self._arguments)


class TaskList:
    """Reports the tasks of a fit, known beforehand, to the estimator's callbacks.

    Parameters
    ----------
    estimator : estimator
        With or without ``set_callbacks``.
    X, y, metadata
        What the hooks are given.
    names : sequence of str
        Of the tasks, which may be done in any order and by several workers.
    """

    def __init__(
        self, estimator: Any, X: Any, y: Any, metadata: dict[str, Any], names: Sequence[str]
    ) -> None:
        self._arguments = {"estimator": estimator, "X": X, "y": y, "metadata": metadata}
        self._root, self._tasks = None, []
        if hasattr(estimator, "_skl_callbacks") or hasattr(estimator, "_parent_callback_ctx"):
            self._root = estimator._init_callback_context(max_subtasks=len(names))
            self._root.call_on_fit_task_begin(**self._arguments)
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

    def close(self) -> None:
        """The fit has ended."""
        if self._root is not None:
            self._root.call_on_fit_task_end(**self._arguments)
