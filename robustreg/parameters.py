"""scikit-learn's decorators that check parameters, with type annotations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar

from sklearn.base import _fit_context
from sklearn.utils._param_validation import validate_params

__all__ = ["checked_parameters", "fit_method", "refuses"]

Function = TypeVar("Function", bound=Callable[..., Any])

if TYPE_CHECKING:
    # Without annotations, a type checker would not know what fit returns.
    def fit_method(method: Function) -> Function:
        """Check the parameters of the estimator before its ``fit``."""

    def checked_parameters(
        constraints: Mapping[str, list[Any]],
    ) -> Callable[[Function], Function]:
        """Check the arguments of a function before it is called."""

    def refuses(**remedies: str) -> Callable[[Function], Function]:
        """Raise an error that says what to pass instead of a parameter of another library."""

else:
    fit_method = _fit_context(prefer_skip_nested_validation=True)

    def checked_parameters(constraints):
        """Check the arguments of a function before it is called."""
        return validate_params(constraints, prefer_skip_nested_validation=True)

    def refuses(**remedies):
        """Raise an error that says what to pass instead of a parameter of another library."""

        def decorate(init):
            @wraps(init)  # scikit-learn reads the parameters from the signature
            def checked(self, *args, **given):
                for name in remedies.keys() & given.keys():
                    raise TypeError(
                        f"{type(self).__name__} has no parameter {name!r}: {remedies[name]}"
                    )
                init(self, *args, **given)

            return checked

        return decorate
