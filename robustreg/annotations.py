"""Types of the arguments that users pass, for type checkers and editors."""

from __future__ import annotations

from typing import Any, Literal, Protocol

from numpy.typing import ArrayLike

__all__ = ["Features", "Scale", "Solver"]


class _HasShape(Protocol):
    @property
    def shape(self) -> tuple[Any, ...]: ...


#: Types of X: whatever NumPy converts, and sparse matrices, frames and Dask collections, which have
#: a shape.
Features = ArrayLike | _HasShape

Scale = float | Literal["joint", "mad"]
Solver = Literal["lbfgs", "newton"]
