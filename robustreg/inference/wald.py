"""Wald tests of linear hypotheses, which may be rows of numbers, names or equations."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from robustreg.inference.text import equality, listed

__all__ = ["WaldTest", "hypotheses", "tested"]

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class WaldTest:
    """Wald test of the hypothesis ``R b = r``. Returned by ``wald_test`` of a summary.

    Attributes
    ----------
    statistic : float
        ``(R b - r)' (R V R')^-1 (R b - r)``, divided by ``df`` if it is compared with F.
    df : int
        Number of hypotheses, the rows of R.
    df_denominator : float
        Denominator degrees of freedom of F; ``inf`` if the statistic is compared with chi-squared.
    p_value : float
        Probability of a statistic at least this large if the hypothesis is true.

    Examples
    --------
    >>> from robustreg import HuberRegressor
    >>> from robustreg.datasets import load_stackloss
    >>> from robustreg.inference import summarize
    >>> X, y = load_stackloss(return_X_y=True, as_frame=True)
    >>> test = summarize(HuberRegressor(scale="mad").fit(X, y), X, y).wald_test("acid_conc")
    >>> test.df, round(test.p_value, 2)
    (1, 0.33)
    """

    statistic: float
    df: int
    df_denominator: float
    p_value: float

    def __str__(self) -> str:
        if np.isinf(self.df_denominator):
            return f"chi2({self.df}) = {self.statistic:.4g}, p {equality(self.p_value)}"
        reference = f"F({self.df}, {self.df_denominator:.5g})"
        return f"{reference} = {self.statistic:.4g}, p {equality(self.p_value)}"


def tested(
    matrix: Matrix, values: Vector, coefficients: Vector, covariance: Matrix, reference_df: float
) -> WaldTest:
    """Test the hypothesis ``matrix @ coefficients = values``."""
    q, errors = matrix.shape[0], np.sqrt(np.diag(covariance))
    # Divide by the standard errors, so that the test does not depend on the units of the columns.
    scaled = matrix * errors
    within = scaled @ (covariance / np.outer(errors, errors)) @ scaled.T
    if np.linalg.matrix_rank(within, hermitian=True) < q:
        raise ValueError(
            f"R has {q} row(s), which are linearly dependent or more than the rank of the "
            "covariance matrix: leave out the redundant ones."
        )
    discrepancy = matrix @ coefficients - values
    statistic = float(discrepancy @ np.linalg.solve(within, discrepancy))
    if np.isinf(reference_df):
        return WaldTest(statistic, q, np.inf, float(stats.chi2.sf(statistic, q)))
    p_value = float(stats.f.sf(statistic / q, q, reference_df))
    return WaldTest(statistic / q, q, reference_df, p_value)


def hypotheses(R: Any, r: ArrayLike | None, names: Sequence[str]) -> tuple[Matrix, Vector]:
    """Convert the user's R and r to arrays of shape (q, k) and (q,).

    Raises
    ------
    ValueError
        If R or r has the wrong shape or is not finite, or if a name belongs to no coefficient or to
        two of them.
    ImportError
        If R contains equations and formulaic is not installed.
    """
    labels = [R] if isinstance(R, str) else R.tolist() if hasattr(R, "tolist") else R
    texts = isinstance(labels, (list, tuple)) and bool(labels)
    if texts and all(isinstance(label, str) for label in labels):
        if any("=" in label and label not in names for label in labels):
            return _equations(labels, r, names)
        matrix = np.eye(len(names))[[_position(label, names) for label in labels]]
    else:
        matrix = _rows(R, names)
    q = matrix.shape[0]
    values = np.zeros(q) if r is None else np.asarray(r, dtype=np.float64)
    if values.ndim > 1 or values.size not in (1, q):
        raise ValueError(f"r has shape {values.shape} for {q} hypotheses: pass one value for each.")
    if not np.all(np.isfinite(values)):
        raise ValueError(f"r must be finite, got {r!r}: pass the values of R b to test.")
    return matrix, values


def _rows(R: Any, names: Sequence[str]) -> Matrix:
    k = len(names)
    try:
        matrix = np.atleast_2d(np.asarray(R, dtype=np.float64))
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"R must be rows of {k} numbers or names of coefficients, or equations, got {R!r}."
        ) from error
    if matrix.ndim != 2 or matrix.shape[1] != k or not np.all(np.isfinite(matrix)):
        raise ValueError(
            f"R must be finite with one column for each of the {k} coefficients "
            f"({listed(names)}), got shape {matrix.shape}."
        )
    return matrix


def _position(label: str, names: Sequence[str]) -> int:
    count = names.count(label)
    if count == 0:
        raise ValueError(
            f"R names {label!r}, and coefficients are {listed(names)}: for a combination of them "
            'write an equation like "a = b" or "a - 2 * b = 0", or pass rows of numbers.'
        )
    if count > 1:
        raise ValueError(
            f"R names {label!r}, the name of {count} coefficients: pass rows of numbers instead, "
            "in the order of names."
        )
    return list(names).index(label)


# -- equations ------------------------------------------------------------------------------------


def _equations(
    labels: Sequence[str], r: ArrayLike | None, names: Sequence[str]
) -> tuple[Matrix, Vector]:
    if r is not None:
        raise ValueError(
            f"R contains equations ({labels!r}) and r is given: write the values into the "
            "equations and leave r out."
        )
    quoted = [_quoted(label, names) for label in labels]
    for given, label in zip(labels, quoted, strict=True):
        # formulaic reads "a = b = 0" as "a = b".
        if any(part.count("=") > 1 for part in re.sub("`[^`]*`", "", label).split(",")):
            raise ValueError(
                f"R has an equation with two equality signs, {given!r}: write two equations, as in "
                '["a = 0", "b = 0"].'
            )
    return _parsed(quoted, labels, names)


def _quoted(label: str, names: Sequence[str]) -> str:
    """Put backticks around names that are not identifiers, such as "town[B]"."""
    if label in names:
        return f"`{label}`"
    odd = [name for name in names if not name.isidentifier() and not _is_number(name)]
    if not odd:
        return label
    # Start with the longest, because one name may be part of another.
    pattern = "|".join(re.escape(name) for name in sorted(odd, key=len, reverse=True))
    return re.sub(
        rf"`[^`]*`|{pattern}", lambda m: m[0] if m[0].startswith("`") else f"`{m[0]}`", label
    )


def _is_number(name: str) -> bool:
    try:
        float(name)
    except ValueError:
        return False
    return True


def _parsed(
    quoted: list[str], labels: Sequence[str], names: Sequence[str]
) -> tuple[Matrix, Vector]:
    try:
        errors = import_module("formulaic.errors")
        constraints = import_module("formulaic.utils.constraints")
    except ImportError as error:
        raise ImportError(
            f"wald_test needs formulaic to read equations like {labels[0]!r}, and it is not "
            "installed: run `pip install robustreg[formula]`, or pass rows of numbers."
        ) from error
    # Names that occur twice are excluded: an equation could not say which coefficient is meant.
    distinct = list(dict.fromkeys(names))
    try:
        parsed = constraints.LinearConstraints.from_spec(quoted, variable_names=distinct)
    except KeyError as error:
        raise ValueError(
            f"R names {error.args[0]!r}, and coefficients are {listed(names)}."
        ) from error
    except (errors.FormulaicError, RuntimeError, SyntaxError) as error:
        raise ValueError(
            f"R has an equation that is not linear or cannot be read, in {list(labels)!r}: write "
            'it like "2 * a - b = 1", and put names that are not identifiers in backticks.'
        ) from error
    matrix = np.zeros((len(parsed.constraint_values), len(names)))
    for column, name in zip(np.asarray(parsed.constraint_matrix).T, distinct, strict=True):
        if np.any(column != 0.0):
            matrix[:, _position(name, names)] = column
    return matrix, np.asarray(parsed.constraint_values, dtype=np.float64)
