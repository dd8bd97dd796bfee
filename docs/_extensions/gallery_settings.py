"""What sphinx-gallery asks of a site: the order of sections and examples, and how to run them."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

#: Sections, which are folders of examples/, and within each the examples in reading order.
SECTIONS = {
    "basics": ("plot_dirty_data.py", "plot_pipeline.py", "plot_choose_delta.py", "plot_weights.py"),
    "statistics": (
        "plot_stackloss.py",
        "plot_expression.py",
        "plot_efficiency.py",
        "plot_certificate.py",
    ),
    "robustness": (
        "plot_phones.py",
        "plot_stars.py",
        "plot_star_cluster_mm.py",
        "plot_scale.py",
        "plot_many_columns_mm.py",
        "plot_elastic_net.py",
    ),
    "large_data": ("plot_large_data.py",),
}


def section_rank(folder: str) -> int:
    """Place of a section on the gallery's page."""
    return list(SECTIONS).index(Path(folder).name)


class ReadingOrder:
    """Sort key of the examples of a section: as named above, then any others by name.

    Parameters
    ----------
    src_dir : str
        Folder of the examples.
    """

    def __init__(self, src_dir: str) -> None:
        self.first = SECTIONS.get(Path(src_dir).name, ())

    def __call__(self, filename: str) -> tuple[int, str]:
        """Rank of a file, then its name."""
        listed = filename in self.first
        return self.first.index(filename) if listed else len(self.first), filename


def transparent_pictures(gallery_conf: dict[str, Any], fname: str | None) -> None:
    """Pictures without a background, so that the page's own shows in light and dark mode."""
    import matplotlib as mpl

    mpl.rcParams["savefig.transparent"] = True


def example_arguments(gallery_conf: dict[str, Any], script_vars: dict[str, Any]) -> list[str]:
    """Command line of an example: none, but the quickstart saves its picture where it is told."""
    if Path(script_vars["src_file"]).name != "quickstart.py":
        return []
    return [str(Path(tempfile.gettempdir()) / "robustreg-quickstart.png")]
