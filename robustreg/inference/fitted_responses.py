"""Check a fitted model of many responses and its data, and compute all standard errors."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse
from sklearn.utils.validation import _check_feature_names, _check_n_features

from robustreg.data import check_weights
from robustreg.design.response_table import ResponseTable, TableBlock
from robustreg.exceptions import UndeterminedWarning
from robustreg.inference.cluster import numbered_groups
from robustreg.inference.covariance import Coupling
from robustreg.inference.models import last_step, refuse_penalty
from robustreg.inference.options import refuse_groups
from robustreg.inference.response_block import ResponseResiduals, ResponsesFit, orthonormal_rows
from robustreg.inference.response_errors import (
    Groups,
    cluster_errors,
    distance_to_solution,
    huber_errors,
    sandwich_errors,
)
from robustreg.inference.scale_equations import FOREIGN_DATA
from robustreg.response_data import validate_table

__all__ = ["CovarianceKind", "FittedResponses", "ResponseErrors"]

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]

#: The most numbers in one array of a block of responses, 32 MB. About ten such arrays exist at a
#: time.
BLOCK_NUMBERS = 2**22


class ResponseErrors(NamedTuple):
    """Standard errors of shape (k, n_targets), and degrees of freedom of shape (n_targets,)."""

    errors: Matrix
    degrees: Vector


@dataclass(frozen=True)
class CovarianceKind:
    """A kind of covariance with its options."""

    kind: str
    ddof: int
    coupling: Coupling
    groups: Groups | None

    def __call__(self, fit: ResponsesFit) -> tuple[Matrix, Vector]:
        """Return the standard errors and degrees of freedom of a block."""
        if self.groups is not None:
            return cluster_errors(fit, self.kind, self.groups)
        if self.kind.startswith("HC"):
            return sandwich_errors(fit, self.kind)
        return huber_errors(fit, self.kind, self.ddof, self.coupling)


class FittedResponses:
    """A fitted model of many responses with its checked data."""

    def __init__(self, model: Any, X: Any, Y: Any, sample_weight: Any) -> None:
        regressor, prepare, names = last_step(model, many=True)
        _refuse_single(regressor)
        refuse_penalty(regressor)
        self._regressor = regressor
        X = prepare(X)
        _check_feature_names(regressor, X, reset=False)
        # Use a copy, because the checks of fit set attributes of the estimator.
        X, Y, columns = validate_table(copy.copy(regressor), X, Y)
        _check_n_features(regressor, X, reset=False)
        self._table = ResponseTable(Y, columns, omit=regressor.missing == "omit")
        _refuse_other_shape(regressor, self._table)
        n = self._table.n_rows
        weights = np.ones(n) if sample_weight is None else check_weights(sample_weight, n)
        # Weights that are not counts have an arbitrary unit: see Design.n_observations.
        total, squares = float(weights.sum()), float(weights @ weights)
        self._weights = weights * max(1.0, total / squares)
        self.total_weight = float(self._weights.sum())
        self._X = np.asarray(X.toarray() if issparse(X) else X, dtype=np.float64)
        fit_intercept = bool(regressor.fit_intercept)
        k = self._X.shape[1] + fit_intercept
        if not self.total_weight > k:
            raise ValueError(
                f"X has {self.total_weight:g} observations for {k} coefficients: no degrees of "
                "freedom are left to estimate standard errors. Use more observations or fewer "
                "columns."
            )
        self.rows = orthonormal_rows(self._X, self._weights, fit_intercept)
        self.terms = (("intercept",) if fit_intercept else ()) + names
        self.responses = list(range(self._table.n_responses)) if columns is None else list(columns)

    @property
    def scale(self) -> Vector:
        """The scales of the responses."""
        return np.asarray(self._regressor.scale_, dtype=np.float64)

    @cached_property
    def coefficients(self) -> Matrix:
        """Coefficients of shape (k, n_targets), in the order of the terms."""
        slopes = np.asarray(self._regressor.coef_, dtype=np.float64).T
        if not self._regressor.fit_intercept:
            return slopes
        return np.vstack((np.asarray(self._regressor.intercept_), slopes))

    def groups(self, labels: Any, cov_type: str, kind: str) -> Groups | None:
        """Return the groups of the rows if the covariance uses them, otherwise None."""
        if not kind.startswith("CR"):
            refuse_groups(labels, cov_type, '"cluster"')
            return None
        return Groups(*numbered_groups(labels, self._table.n_rows, self._weights))

    def errors(self, errors: CovarianceKind) -> ResponseErrors:
        """Compute the standard errors of all responses, block by block."""
        k, total = self.rows.n_parameters, self._table.n_responses
        found = ResponseErrors(np.full((k, total), np.nan), np.full(total, np.nan))
        width = max(1, BLOCK_NUMBERS // max(self._table.n_rows, k * k))
        for block in self._table.blocks(width):
            for index, fit in self._fits(block):
                self._refuse_other_data(fit, index)
                found.errors[:, index], found.degrees[index] = errors(fit)
        undetermined = np.flatnonzero(~np.isfinite(found.errors).all(axis=0))
        if undetermined.size:
            found.errors[:, undetermined] = np.nan
            warnings.warn(
                f"{self._table.named(undetermined).capitalize()}: standard errors cannot be "
                "computed, because these responses are fitted exactly or have too few "
                "observations within the threshold. Their standard errors are NaN.",
                UndeterminedWarning,
                stacklevel=3,
            )
        return found

    def _fits(self, block: TableBlock) -> Iterator[tuple[NDArray[np.intp], ResponsesFit]]:
        """Yield the fits of a block that have standard errors, those with finite deltas first."""
        regressor, columns = self._regressor, block.columns
        scale, delta = self.scale[columns], np.asarray(regressor.delta_)[columns]
        coef, intercept = regressor.coef_[columns], np.asarray(regressor.intercept_)[columns]
        residual = (block.values - intercept) - self._X @ coef.T
        frequencies = np.broadcast_to(self._weights[:, None], residual.shape)
        if block.present is not None:
            residual = residual * block.present
            frequencies = frequencies * block.present
        enough = (scale > 0.0) & (frequencies.sum(axis=0) > self.rows.n_parameters)
        for bounded in (True, False):
            index = np.flatnonzero(enough & (np.isfinite(delta) == bounded))
            if not index.size:
                continue
            complete = block.present is None or bool(block.present[:, index].all())
            residuals = ResponseResiduals(
                residual[:, index] / scale[index], frequencies[:, index], None, delta[index]
            )
            yield (
                columns.start + index,
                ResponsesFit(
                    self.rows,
                    residuals,
                    regressor.scale,
                    scale[index],
                    delta[index],
                    np.asarray(regressor.optimality_)[columns][index],
                    complete,
                ),
            )

    def _refuse_other_data(self, fit: ResponsesFit, index: NDArray[np.intp]) -> None:
        """Refuse data of another fit, for which the estimating equations do not hold."""
        coefficients, scales = distance_to_solution(fit)
        limit = 10.0 * fit.optimality
        other = coefficients > np.maximum(FOREIGN_DATA, limit)
        other |= scales > np.maximum(fit.equation.largest_distance, limit)
        if other.any():
            worst = np.flatnonzero(other)
            raise ValueError(
                f"model is up to {coefficients[worst].max():.2g} standard errors away from the "
                f"solution for this X, Y and sample_weight in {self._table.named(index[worst])}: "
                "pass the same data and the same sample_weight as to fit."
            )


def _refuse_single(regressor: Any) -> None:
    if np.ndim(regressor.coef_) != 2:
        raise ValueError(
            "model was fitted to one response: use summarize, or fit y of shape (n_samples, "
            "n_targets)."
        )


def _refuse_other_shape(regressor: Any, table: ResponseTable) -> None:
    if table.n_responses != regressor.coef_.shape[0]:
        raise ValueError(
            f"Y has {table.n_responses} columns, and model was fitted to "
            f"{regressor.coef_.shape[0]} responses: pass the same data as to fit."
        )
