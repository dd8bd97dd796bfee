"""Levels of confidence."""

from __future__ import annotations

import numpy as np

__all__ = ["check_level"]


def check_level(level: float) -> float:
    """A level of confidence between zero and one."""
    if not (isinstance(level, (int, float, np.floating)) and 0.0 < level < 1.0):
        raise ValueError(
            f"level must be a number between 0 and 1, got {level!r}: pass 0.95 for 95 % intervals."
        )
    return float(level)
