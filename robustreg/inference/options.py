"""Checks of the options that several functions share."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import Any

import numpy as np

__all__ = ["check_level", "check_n_bootstrap", "check_one_of", "check_whole_number",
           "refuse_groups"]  # fmt: skip


def check_level(level: float) -> float:
    """Check that a confidence level is between zero and one."""
    if not (isinstance(level, (int, float, np.floating)) and 0.0 < level < 1.0):
        raise ValueError(
            f"level must be a number between 0 and 1, got {level!r}: pass 0.95 for 95 % intervals."
        )
    return float(level)


def check_one_of(name: str, value: Any, options: Sequence[Any], whose: str = "") -> None:
    """Refuse a value that is not one of the options."""
    # Do not compare a list or an array with them: the result would not be a single truth value.
    if not np.isscalar(value) or value not in options:
        listed = ", ".join(repr(option) for option in options)
        raise ValueError(f"{name} must be one of {listed}{whose}, got {value!r}.")


def check_n_bootstrap(value: Any) -> int:
    """Check the number of bootstrap replicates."""
    if not isinstance(value, Integral) or value < 2:
        raise ValueError(
            f"n_bootstrap must be an integer of at least 2, got {value!r}: with 1000, standard "
            "errors are accurate to about 2 %."
        )
    return int(value)


def refuse_groups(groups: Any, cov_type: str, remedy: str) -> None:
    """Refuse groups that a covariance does not use."""
    if groups is not None:
        raise ValueError(
            f"groups is given and cov_type={cov_type!r} does not use it: pass cov_type={remedy}, "
            "or leave groups out."
        )


def check_whole_number(name: str, value: Any) -> None:
    """Refuse a value that is not a non-negative integer."""
    if not isinstance(value, Integral) or isinstance(value, bool) or value < 0:
        raise ValueError(f"{name} must be a non-negative integer, got {value!r}.")
