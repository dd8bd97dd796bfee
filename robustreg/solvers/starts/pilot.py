"""Take the sample of a design in which starts are searched, and convert candidates to points."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse

from robustreg.design.base import Design, Point
from robustreg.design.units import Units, stratified_rows
from robustreg.losses import Redescending
from robustreg.problem import NEGLIGIBLE, Problem
from robustreg.scales import weighted_median
from robustreg.solvers.one_thread import one_thread
from robustreg.solvers.starts.sample import Sample, scaled_rows

__all__ = ["Pilot", "take_pilot"]

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]

#: Number of rows of the pilot, and rows per coefficient. The lowest minimum of a sample leads to
#: that of all rows. On all of 20,000 rows with 20 columns, the search would take ten times as long
#: as the rest.
PILOT_ROWS, PILOT_ROWS_PER_COEFFICIENT = 2000, 20

#: All rows are used if there are at most this many times as many rows as a pilot has.
NEARLY_ALL = 1.5


#: A column is rare in a sample if fewer than this many rows differ from its median, as with the
#: dummy of a rare category. Rows that are added for such a column, and rows per block in the search
#: for them.
RARE, RARE_ROWS, MAPPED_ROWS = 5, 20, 4096

#: A row with a larger entry is shortened.
LONGEST_ROW = 1e100

#: Largest distance between the centre of a column in working units and its median, in median
#: absolute deviations. If far rows shift the mean, the entries of the other rows are large numbers
#: with a small variation.
FAR_CENTER = 10.0


@dataclass(frozen=True)
class Pilot:
    """A sample of the rows of a design, in coordinates of full rank.

    Parameters
    ----------
    sample : Sample
    transform : array of shape (p + 1, r) or (p, r)
        Maps coefficients of the sample to the working units of the design.
    location : float
        The number that was subtracted from the responses.
    whole : bool
        Whether the sample has all rows with a positive weight.
    fit_intercept : bool
    """

    sample: Sample
    transform: Matrix
    location: float
    whole: bool
    fit_intercept: bool

    @property
    def rank(self) -> int:
        """Rank of the columns, including the intercept."""
        return self.transform.shape[1]

    def point(self, candidate: Vector, scale: float, loss: Any) -> Point:
        """Convert a candidate to the working units of the design."""
        coefficients = self.transform @ candidate
        if not self.fit_intercept:
            return Point(coefficients, 0.0, scale, loss)
        return Point(coefficients[:-1], float(coefficients[-1]) + self.location, scale, loss)


@one_thread()
def take_pilot(problem: Problem, loss: Redescending, breakdown: float) -> tuple[Problem, Pilot]:
    """Take the rows in which starts are searched, and put the problem in units that fit most rows.

    Parameters
    ----------
    problem : Problem
        The problem of the S-estimate.
    loss : Redescending
    breakdown : float
    """
    design = problem.design
    wanted = max(PILOT_ROWS, PILOT_ROWS_PER_COEFFICIENT * problem.n_linear)
    whole = design.n_rows <= NEARLY_ALL * wanted
    part = design.subsample(design.n_rows if whole else wanted)
    if not whole and design.in_memory:
        part = _with_rare_rows(design, part, wanted)
    X = part.rows_of_X(np.arange(part.n_rows))
    X = X.toarray() if issparse(X) else X
    units = _units_of_most(X, design.units) if problem.fit_intercept else design.units
    if units is not design.units:
        problem = replace(problem, design=design.in_units(units))
    rows = _augmented(X, units, problem.fit_intercept)
    response, weights = np.array(part.response), part.weights
    location = weighted_median(response, weights) if problem.fit_intercept else 0.0
    scaled, transform = scaled_rows(rows)
    # A shortened row determines the same coefficients, and its squares do not overflow.
    shorter = np.minimum(1.0, LONGEST_ROW / np.abs(scaled).max(axis=1, initial=1.0))
    scaled *= shorter[:, None]
    target = breakdown * part.total_weight * (1.0 - transform.shape[1] / part.n_observations)
    # The rounding errors of residuals are those of a fit whose coefficients are not large.
    center = Point(np.zeros(part.n_features), location, 1.0, loss)
    negligible = NEGLIGIBLE * part.rounding_level(center)
    sample = Sample(scaled, (response - location) * shorter, weights, loss, target, negligible)
    return problem, Pilot(sample, transform, location, whole, problem.fit_intercept)


def _with_rare_rows(design: Design, part: Design, wanted: int) -> Design:
    """Add rows for columns that hardly vary in a part, such as dummies of rare categories.

    Without these rows the search would not determine the coefficient of such a column. Its rows
    could then have residuals as large as the coefficient, which a redescending loss ignores.
    """
    X = part.rows_of_X(np.arange(part.n_rows))
    X = X.toarray() if issparse(X) else X
    common = np.median(X, axis=0)
    rare = np.flatnonzero((common != X).sum(axis=0) < RARE)
    if not rare.size:
        return part
    differs = design.map_rows(partial(_differs, columns=rare, common=common[rare]), (), MAPPED_ROWS)
    if design.weights is not None:
        differs = differs & (design.weights > 0.0)[:, None]
    extra = [np.flatnonzero(column)[:RARE_ROWS] for column in differs.T]
    index = stratified_rows(design.n_rows, design.weights, wanted)
    return design.rows(np.unique(np.concatenate((index, *extra))))


def _differs(X: Any, *, columns: NDArray[np.intp], common: Vector) -> NDArray[np.bool_]:
    block = X[:, columns]
    differs: NDArray[np.bool_] = (block.toarray() if issparse(block) else block) != common
    return differs


def _units_of_most(X: NDArray, units: Units) -> Units:
    """Replace the centre of a column by its median if the centre is far from most rows."""
    medians = np.median(X, axis=0).astype(np.float64)
    with np.errstate(over="ignore"):
        deviation = np.median(np.abs(X - medians), axis=0)
        far = np.abs(units.center - medians) > FAR_CENTER * deviation
    far &= deviation > 0.0
    return units._replace(center=np.where(far, medians, units.center)) if far.any() else units


def _augmented(X: NDArray, units: Units, fit_intercept: bool) -> Matrix:
    """Rows (z, 1) in working units."""
    n, p = X.shape
    rows = np.empty((n, p + fit_intercept))
    np.subtract(X, units.center, out=rows[:, :p])
    rows[:, :p] /= units.column_scale
    rows[:, p:] = 1.0
    return rows
