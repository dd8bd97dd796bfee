"""Errors of a search: candidates that cannot be scored, and folds without rows."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from traceback import format_exception
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["nothing_left", "scores_of"]

Vector = NDArray[np.float64]
Rows = NDArray[np.intp]


def scores_of(outcomes: Sequence[Any], error_score: Any) -> Vector:
    """Return the scores of candidates, and ``error_score`` for those without.

    Parameters
    ----------
    outcomes : sequence of float, Exception or None
        A score, or the exception that the scorer raised, or None if there was no fit.
    error_score : "raise" or float
    """
    errors = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
    if errors and error_score == "raise":
        raise errors[0]
    if errors:
        warnings.warn(
            "Scoring failed for some candidates in a fold. Their score in it will be set to "
            f"{error_score}. Details:\n" + "".join(format_exception(errors[0])),
            UserWarning,
            stacklevel=3,
        )
    failed = [outcome is None or isinstance(outcome, Exception) for outcome in outcomes]
    return np.array(
        [error_score if bad else out for bad, out in zip(failed, outcomes, strict=True)],
        dtype=np.float64,
    )


def nothing_left(part: str, purpose: str, rows: Rows) -> str:
    if rows.size == 0:
        return (
            f"cv has a fold without {part} rows: nothing is left to {purpose}. Use a cv with "
            f"{part} rows in every fold."
        )
    return (
        f"sample_weight is zero for every {part} row of a fold: nothing is left to {purpose}. Use "
        f"a cv with a positive weight among the {part} rows of every fold."
    )
