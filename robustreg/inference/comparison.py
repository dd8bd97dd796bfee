"""The function ``compare``: a table of several models side by side, as in publications."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from robustreg.inference import text
from robustreg.inference.frames import pandas
from robustreg.inference.options import check_one_of
from robustreg.inference.summary import Summary
from robustreg.inference.tables import Table, Tabular

__all__ = ["Comparison", "compare"]

Vector = NDArray[np.float64]

#: The options of ``below``, and how the table's last line describes them.
BELOW = {
    "std_err": "standard errors",
    "t": "t statistics",
    "p_value": "p-values",
    "interval": "intervals",
}

#: Spaces between two columns of the text.
GAP = 2


@dataclass(frozen=True, eq=False, repr=False)
class Comparison(Tabular):
    """Coefficients of several models, with one column per model. Returned by :func:`compare`.

    Attributes
    ----------
    summaries : dict of str to Summary
        The summaries by the names of the models.
    names : tuple of str
        Names of all coefficients, in the order in which they first appear.
    below : str
        The number in brackets below each coefficient: "std_err", "t", "p_value" or "interval".

    Examples
    --------
    >>> from robustreg import HuberRegressor
    >>> from robustreg.datasets import load_stackloss
    >>> from robustreg.inference import compare, summarize
    >>> X, y = load_stackloss(return_X_y=True, as_frame=True)
    >>> models = {"least squares": HuberRegressor(delta=float("inf")), "Huber": HuberRegressor()}
    >>> found = compare({name: summarize(m.fit(X, y), X, y) for name, m in models.items()})
    >>> found.table["Huber"][["coef", "std_err"]].round(2)
                 coef  std_err
    intercept  -41.14    10.62
    air_flow     0.82     0.12
    water_temp   0.98     0.33
    acid_conc   -0.13     0.14
    """

    summaries: Mapping[str, Summary]
    names: tuple[str, ...]
    below: str

    @property
    def table(self) -> Any:
        """DataFrame with the index ``names`` and, for each model, the columns of its summary.

        The columns have two levels: model and quantity. Entries are NaN if a model does not have
        the coefficient.
        """
        tables = {name: summary.table for name, summary in self.summaries.items()}
        return pandas("Comparison.table").concat(tables, axis=1).reindex(list(self.names))

    def __repr__(self) -> str:
        return f"Comparison({', '.join(self.summaries)})"

    def __str__(self) -> str:
        table = self._strings()
        names = text.short_names(table.names)
        columns = [
            [head, *text.aligned(cells)]
            for head, cells in zip(table.heads, table.columns, strict=True)
        ]
        longest = max(map(len, names))
        widths = [max(map(len, column)) + GAP for column in columns]
        lines = [
            name.ljust(longest) + "".join(c.rjust(w) for c, w in zip(cells, widths, strict=True))
            for name, *cells in zip(["", *names], *columns, strict=True)
        ]
        rule = "-" * (longest + sum(widths))
        lines.insert(1, rule)
        lines.insert(2 + 2 * len(self.names), rule)
        return "\n".join([*lines, f"In brackets: {BELOW[self.below]}."])

    def _repr_html_(self) -> str:
        return f"<div>{self.to_html()}<p>In brackets: {BELOW[self.below]}.</p></div>"

    def _strings(self) -> Table:
        """Return the cells: two lines per coefficient, then one line per property of the fits."""
        facts = ["Observations", "Scale", "delta", "Robust R²", "Standard errors"]
        names = [line for name in self.names for line in (name, "")]
        columns = []
        for summary in self.summaries.values():
            cells = dict(zip(summary.names, _cells(summary, self.below), strict=True))
            lines = [line for name in self.names for line in cells.get(name, ("", ""))]
            columns.append([*lines, *_facts(summary)])
        return Table([*names, *facts], list(self.summaries), columns, rule=len(names))


def compare(
    summaries: Mapping[str, Summary] | Sequence[Summary], *, below: str = "std_err"
) -> Comparison:
    """Put several summaries side by side.

    Parameters
    ----------
    summaries : dict of str to Summary, or sequence of Summary
        The summaries, with the names of their models as keys. The models of a sequence are named
        (1), (2) and so on. The models may differ in coefficients, data and covariances.
    below : {"std_err", "t", "p_value", "interval"}, default="std_err"
        The number shown in brackets below each coefficient.

    Returns
    -------
    Comparison
        Print it, export it with ``to_latex``, ``to_html`` or ``to_markdown``, or get its numbers
        from ``table``.

    Raises
    ------
    TypeError
        If one of them is not a result of :func:`summarize`.
    ValueError
        If there are no summaries, if a model has two coefficients of the same name, or if ``below``
        is unknown.

    Examples
    --------
    >>> from robustreg import HuberRegressor
    >>> from robustreg.datasets import load_stackloss
    >>> from robustreg.inference import compare, summarize
    >>> X, y = load_stackloss(return_X_y=True, as_frame=True)
    >>> X = X[["air_flow"]]
    >>> models = {"least squares": HuberRegressor(delta=float("inf")), "Huber": HuberRegressor()}
    >>> print(compare({name: summarize(m.fit(X, y), X, y) for name, m in models.items()}))
                     least squares        Huber
    -------------------------------------------
    intercept          -44.132      -46.756
                        (6.1059)     (4.2263)
    air_flow             1.0203       1.0675
                        (0.099953)   (0.069157)
    -------------------------------------------
    Observations        21           21
    Scale                4.0982       2.8391
    delta              inf            1.345
    Robust R²            0.8458       0.8575
    Standard errors              H1           H1
    In brackets: standard errors.
    """
    check_one_of("below", below, tuple(BELOW))
    if isinstance(summaries, Mapping):
        named = {str(name): summary for name, summary in summaries.items()}
    elif isinstance(summaries, Sequence) and not isinstance(summaries, str):
        named = {f"({i})": summary for i, summary in enumerate(summaries, start=1)}
    else:
        raise TypeError(
            f"summaries must be a dict or a sequence, got {type(summaries).__name__}: pass a dict "
            "of names and summaries."
        )
    if not named:
        raise ValueError("summaries is empty: pass at least one result of summarize.")
    for summary in named.values():
        _require_summary(summary)
    names = dict.fromkeys(name for summary in named.values() for name in summary.names)
    return Comparison(named, tuple(names), below)


def _require_summary(summary: Any) -> None:
    if not isinstance(summary, Summary):
        raise TypeError(
            f"summaries must be results of summarize, got {type(summary).__name__}: pass a dict "
            "of names and summaries."
        )
    for name in summary.names:
        if summary.names.count(name) > 1:
            raise ValueError(
                f"summaries has a model with two coefficients of the name {name!r}: rename the "
                "feature and fit again."
            )


def _cells(summary: Summary, below: str) -> list[tuple[str, str]]:
    """Return each coefficient and the number below it."""
    coefficients = [text.number(value) for value in summary.coefficients]
    if below == "interval":
        interval = summary.confidence_interval().to_numpy()
        others = [f"{text.number(low)}, {text.number(high)}" for low, high in interval]
        return list(zip(coefficients, [f"[{other}]" for other in others], strict=True))
    if below == "p_value":
        others = [text.p_value(value) for value in summary.p_values]
    elif below == "t":
        others = [f"{value:.3f}" for value in summary.t]
    else:
        others = [text.number(value) for value in summary.standard_errors]
    return list(zip(coefficients, [f"({other})" for other in others], strict=True))


def _facts(summary: Summary) -> list[str]:
    return [
        f"{summary.n:g}",
        text.number(summary.scale),
        f"{summary.delta:.4g}",
        f"{summary.robust_r2:.4f}",
        summary.cov_type,
    ]
