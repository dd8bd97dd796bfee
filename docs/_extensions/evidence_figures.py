"""Pictures of the evidence pages, drawn from benchmarks/results/*.md while the site is built.

A picture can then not say other than the table beside it, whoever measured again.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patheffects import withStroke
from sphinx.application import Sphinx

DOCS = Path(__file__).parents[1]
RESULTS, PICTURES = DOCS.parent / "benchmarks" / "results", DOCS / "evidence" / "generated"

#: Colour-blind readers can tell these apart (Okabe and Ito); a marker says the same.
BLUE, VERMILION, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#4D4D4D"
STYLES = {"robustreg": (BLUE, "o"), "scikit-learn": (VERMILION, "s"), "statsmodels": (GREEN, "^")}

Rows = list[dict[str, str]]


def tables(name: str) -> dict[str, Rows]:
    """The tables of a file of results, by the heading or the line of text above each."""
    found: dict[str, Rows] = {}
    title, header = "", []
    for line in (RESULTS / name).read_text(encoding="utf-8").splitlines():
        if not line.startswith("|"):
            title, header = line.lstrip("# ") or title, []
            continue
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not header:
            header = cells
            found[title] = []
        elif not set("".join(cells)) <= set("-: "):
            found[title].append(dict(zip(header, cells, strict=True)))
    return found


def estimate(cell: str) -> tuple[float, float]:
    """A figure and its Monte Carlo error, of ``1.02 ± 0.01``."""
    value, error = cell.replace(",", "").split("±")
    return float(value), float(error)


def table_with(found: dict[str, Rows], column: str) -> Rows:
    """The one table that has this column."""
    (rows,) = [rows for rows in found.values() if column in rows[0]]
    return rows


def plain(ax: Any) -> None:
    """Take away the lines that enclose nothing, and draw a grid across."""
    ax.spines[["top", "right", "left"]].set_visible(False)
    ax.tick_params(axis="y", length=0)
    ax.grid(axis="x", color="#E5E5E5", linewidth=0.8)
    ax.set_axisbelow(True)


def headline() -> Any:
    """Times of all systems on the large problem, in units of LinearRegression's."""
    found = {k: v for k, v in tables("compare.md").items() if "× LinearRegression" in v[0]}
    (rows,) = [rows for title, rows in found.items() if title.startswith("large")]
    rows = sorted(rows, key=lambda row: -float(row["× LinearRegression"]))
    with plt.style.context("robustreg.inspection.style"):
        figure, ax = plt.subplots(figsize=(5.8, 0.36 * len(rows) + 0.8))
        for place, row in enumerate(rows):
            library, system = row["system"].replace("`", "").split(" ", 1)
            ratio, color = float(row["× LinearRegression"]), STYLES[library][0]
            ax.barh(place, ratio, color=color, height=0.7)
            label = ax.text(1.08 * ratio, place, f"{ratio:.2g}", color=color, va="center")
            label.set_path_effects([withStroke(linewidth=3, foreground="white")])
            ax.text(0.09, place, f"{system}  ", va="center", ha="right", fontsize="small")
        ax.axvline(1.0, color=GREY, linewidth=0.8, zorder=0)
        ax.set(xscale="log", xlim=(0.1, 100), yticks=[])
        ax.set_xlabel("time, in units of LinearRegression's")
        ax.spines["left"].set_visible(False)
        handles = [plt.Rectangle((0, 0), 1, 1, color=color) for color, _ in STYLES.values()]
        ax.legend(handles, STYLES, loc="upper right")
    return figure


def speed() -> Any:
    """Times of all systems on each problem, in units of LinearRegression's."""
    found = {k: v for k, v in tables("compare.md").items() if "× LinearRegression" in v[0]}
    heights = [len(rows) for rows in found.values()]
    figure, axes = plt.subplots(
        len(found), 1, figsize=(7.6, 0.26 * sum(heights) + 0.62 * len(found)), sharex=True,
        height_ratios=heights, layout="constrained",
    )  # fmt: skip
    for ax, (title, rows) in zip(axes, found.items(), strict=True):
        for place, row in enumerate(reversed(rows)):
            library = row["system"].split(" ", 1)[0]
            color, marker = STYLES[library]
            ratio = float(row["× LinearRegression"])
            ax.plot(ratio, place, marker, color=color)
            label = ax.text(1.13 * ratio, place, f"{ratio:.2f}", color=color, va="center")
            label.set(fontsize=8, path_effects=[withStroke(linewidth=3, foreground="white")])
        names = [row["system"].replace("`", "").split(" ", 1) for row in reversed(rows)]
        ax.set_yticks(range(len(rows)), [f"{system}  [{library}]" for library, system in names])
        ax.tick_params(axis="y", labelsize=8)
        ax.set_title(title, loc="left", fontsize=9)
        ax.axvline(1.0, color=GREY, linewidth=0.8)
        ax.set(xscale="log", ylim=(-0.6, len(rows) - 0.4), xlim=(0.1, 120))
        plain(ax)
    axes[-1].set_xlabel("time, in units of LinearRegression's on the same data")
    return figure


def efficiency() -> Any:
    """Simulated efficiencies beside the asymptotic ones, and what the scale estimates."""
    rows = table_with(tables("simulations.md"), "scale over σ")[::-1]
    figure, (left, right) = plt.subplots(
        1, 2, figsize=(7.6, 0.32 * len(rows) + 0.9), sharey=True, layout="constrained"
    )
    for place, row in enumerate(rows):
        color, marker = STYLES[row["fit"].split(" ", 1)[0]]
        value, error = estimate(row["efficiency, %"])
        theory = float(row["efficiency for large n, %"])
        left.plot(theory, place, "|", color=GREY, markersize=13, mew=1.2)
        left.errorbar(value, place, xerr=2 * error, fmt=marker, color=color, markersize=5)
        value, error = estimate(row["scale over σ"])
        right.errorbar(value, place, xerr=2 * error, fmt=marker, color=color, markersize=5)
    right.axvline(1.0, color=GREY, linewidth=0.8)
    left.set_yticks(range(len(rows)), [row["fit"].replace("`", "") for row in rows], fontsize=8)
    left.set(xlabel="efficiency, %", xlim=(78, 101))
    right.set(xlabel="scale over σ", xlim=(0.62, 1.06))
    for ax in (left, right):
        plain(ax)
    return figure


def regret() -> Any:
    """Mean squared errors of auto, of 1.345 and of least squares over the best delta's."""
    rows = table_with(tables("simulations.md"), "best delta")
    sizes = list(dict.fromkeys(row["n"] for row in rows))
    columns = [("`auto`", BLUE, "o"), ("1.345", GREEN, "^"), ("least squares", VERMILION, "s")]
    figure, axes = plt.subplots(
        1, len(sizes), figsize=(7.6, 3.4), sharex=True, sharey=True, layout="constrained"
    )
    for ax, n in zip(axes, sizes, strict=True):
        part = [row for row in rows if row["n"] == n][::-1]
        for place, row in enumerate(part):
            for name, color, marker in columns:
                value, error = estimate(row[name])
                label = name.strip("`") if place == 0 else None
                ax.errorbar(
                    value, place, xerr=2 * error, fmt=marker, color=color, fillstyle="none",
                    label=label,
                )  # fmt: skip
        ax.set_yticks(range(len(part)), [row["errors"] for row in part], fontsize=8)
        ax.set(xscale="log", xlabel="mean squared error over the best's")
        ax.set_title(f"n = {n}", loc="left", fontsize=9)
        ax.axvline(1.0, color=GREY, linewidth=0.8)
        plain(ax)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper right", ncols=3,
                  frameon=False, fontsize=8)  # fmt: skip
    return figure


def coverage() -> Any:
    """Shares of 95 % intervals that hold the truth, with the band that is claimed."""
    rows = table_with(tables("coverage.md"), "cov_type")[::-1]
    columns = [("intercept, %", VERMILION, "s"), ("slopes, %", BLUE, "o"),
               ("new observation, %", GREEN, "^")]  # fmt: skip
    figure, ax = plt.subplots(figsize=(7.6, 0.26 * len(rows) + 0.9), layout="constrained")
    ax.axvspan(93.5, 96.5, color="#EEEEEE", zorder=0)
    ax.axvline(95, color=GREY, linewidth=0.8)
    for place, row in enumerate(rows):
        for shift, (name, color, marker) in zip((0.22, 0.0, -0.22), columns, strict=True):
            shares = [float(share) for share in re.findall(r"[\d.]+", row[name])[:-1]]
            label = name.removesuffix(", %") if place == 0 else None
            ax.plot(shares, np.full(len(shares), place + shift), marker, ls="-", color=color,
                    markersize=4, label=label)  # fmt: skip
    names = [f"{r['errors']}, {r['cov_type']}, n = {r['n']}".replace("_", " ") for r in rows]
    colors = ["0.55" if "no claim" in row["in band"] else "black" for row in rows]
    ax.set_yticks(range(len(rows)), names, fontsize=8)
    for tick, color in zip(ax.get_yticklabels(), colors, strict=True):
        tick.set_color(color)
    ax.set(xlabel="intervals that hold the truth, %", ylim=(-0.7, len(rows) - 0.3))
    figure.legend(loc="outside upper right", ncols=3, frameon=False, fontsize=8)
    plain(ax)
    return figure


FIGURES = {figure.__name__: figure for figure in (headline, speed, efficiency, regret, coverage)}


def draw(app: Sphinx | None = None) -> None:
    """All pictures, where they are missing or older than a table or this file."""
    PICTURES.mkdir(exist_ok=True)
    newest = max(path.stat().st_mtime for path in [*RESULTS.glob("*.md"), Path(__file__)])
    for name, figure_of in FIGURES.items():
        path = PICTURES / f"{name}.png"
        if not path.exists() or path.stat().st_mtime < newest:
            figure = figure_of()
            figure.savefig(path, dpi=200, transparent=True)
            plt.close(figure)


def setup(app: Sphinx) -> dict[str, bool]:
    """Draw before the pages are read."""
    app.connect("builder-inited", draw)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
