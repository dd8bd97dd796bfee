"""What sphinx-gallery asks of a site: the order of the examples and their command lines."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

FIRST = ("quickstart.py", "plot_stackloss.py", "plot_choose_delta.py", "plot_efficiency.py")


class ReadingOrder:
    """Sort key: the examples a newcomer reads first, as named above, then the others by name.

    Parameters
    ----------
    src_dir : str
        Folder of the examples, which sphinx-gallery passes and the order does not depend on.
    """

    def __init__(self, src_dir: str) -> None:
        self.src_dir = src_dir

    def __call__(self, filename: str) -> tuple[int, str]:
        """Rank of a file, then its name."""
        rank = FIRST.index(filename) if filename in FIRST else len(FIRST)
        return rank, filename


def example_arguments(gallery_conf: dict[str, Any], script_vars: dict[str, Any]) -> list[str]:
    """Command line of an example: none, but the quickstart saves its picture where it is told."""
    if Path(script_vars["src_file"]).name != "quickstart.py":
        return []
    return [str(Path(tempfile.gettempdir()) / "robustreg-quickstart.png")]
