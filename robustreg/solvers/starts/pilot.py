"""From a design to the sample on which starts are searched, and back to points of the design."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse

from robustreg.design.base import Design, Point
from robustreg.losses import Redescending
from robustreg.problem import NEGLIGIBLE, Problem
from robustreg.scales import weighted_median
from robustreg.solvers.starts.sample import Sample, scaled_rows

__all__ = ["Pilot", "take_pilot"]

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]

#: Rows of the pilot, and rows a coefficient: the lowest minimum of a sample leads to that of all
#: rows, and of 20,000 rows with 20 columns the search would take ten times as long as the rest.
PILOT_ROWS, PILOT_ROWS_PER_COEFFICIENT = 2000, 20

#: All rows are searched where they are at most so many times as many.
NEARLY_ALL = 1.5


@dataclass(frozen=True)
class Pilot:
    """A sample of the rows of a design, in coordinates of full rank.

    Parameters
    ----------
    sample : Sample
    transform : array of shape (p + 1, r) or (p, r)
        From coefficients of the sample to those of the design's working units.
    location : float
        What was subtracted from the responses.
    whole : bool
        Whether the sample has all rows with a positive weight.
    """

    sample: Sample
    transform: Matrix
    location: float
    whole: bool
    fit_intercept: bool

    @property
    def rank(self) -> int:
        """Of the columns, the intercept's included."""
        return self.transform.shape[1]

    def point(self, candidate: Vector, scale: float, loss: Any) -> Point:
        """A candidate in the working units of the design."""
        coefficients = self.transform @ candidate
        if not self.fit_intercept:
            return Point(coefficients, 0.0, scale, loss)
        return Point(coefficients[:-1], float(coefficients[-1]) + self.location, scale, loss)


def take_pilot(problem: Problem, loss: Redescending, breakdown: float) -> Pilot:
    """The rows on which starts are searched.

    Parameters
    ----------
    problem : Problem
        That of the S-estimate.
    loss : Redescending
    breakdown : float
    """
    design = problem.design
    wanted = max(PILOT_ROWS, PILOT_ROWS_PER_COEFFICIENT * problem.n_linear)
    whole = design.n_rows <= NEARLY_ALL * wanted
    part = design.subsample(design.n_rows if whole else wanted)
    rows, response, weights = _arrays(part, problem.fit_intercept)
    location = weighted_median(response, weights) if problem.fit_intercept else 0.0
    scaled, transform = scaled_rows(rows)
    counts = part.n_observations
    target = breakdown * part.total_weight * (1.0 - transform.shape[1] / counts)
    sample = Sample(
        scaled, response - location, weights, loss, target, NEGLIGIBLE * _rounding(part, location)
    )
    return Pilot(sample, transform, location, whole, problem.fit_intercept)


def _arrays(design: Design, fit_intercept: bool) -> tuple[Matrix, Vector, Vector | None]:
    """Rows (z, 1) in working units, responses and frequencies."""
    units = design.units
    X = design.rows_of_X(np.arange(design.n_rows))
    X = X.toarray() if issparse(X) else X
    rows = np.empty((design.n_rows, design.n_features + fit_intercept))
    np.subtract(X, units.center, out=rows[:, : design.n_features])
    rows[:, : design.n_features] /= units.column_scale
    rows[:, design.n_features :] = 1.0
    return rows, np.array(design.response), design.weights


def _rounding(design: Design, location: float) -> float:
    """Rounding errors of the residuals of a fit whose coefficients are not large."""
    point = Point(np.zeros(design.n_features), location, 1.0, None)  # type: ignore[arg-type]
    return design.rounding_level(point)
