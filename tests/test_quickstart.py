"""The quickstart runs as a user runs it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SCRIPT = ROOT / "examples" / "quickstart.py"


def run(*arguments, cwd):
    """Run the script in a directory of its own, without a screen and with warnings as errors."""
    command = [sys.executable, "-W", "error", str(SCRIPT), *arguments]
    environment = {"PATH": "", "PYTHONPATH": str(ROOT), "MPLBACKEND": "Agg", "HOME": str(cwd)}
    # Without it Python does not start on Windows.
    environment |= {name: os.environ[name] for name in ("SYSTEMROOT",) if name in os.environ}
    return subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    pytest.importorskip("matplotlib", reason="the quickstart draws: pip install '.[plot]'")
    folder = tmp_path_factory.mktemp("quickstart")
    return run(cwd=folder), folder


def test_it_runs_without_a_warning(finished):
    process, _ = finished
    assert process.returncode == 0, process.stderr
    assert process.stderr == ""


def test_the_robust_curve_is_on_the_true_one(finished):
    process, _ = finished
    distances = re.findall(r"^  [\w ]+? +(\d+\.\d)$", process.stdout, flags=re.MULTILINE)
    least_squares, huber = map(float, distances)
    # The noise is 2, and the curve has eleven coefficients for 400 rows.
    assert huber < 1.5
    assert least_squares > 20.0


def test_it_finds_the_wrong_rows(finished):
    process, _ = finished
    found = re.search(r"below 0\.5: (\d+), of which wrong: (\d+)", process.stdout)
    assert found[2] == "40"
    assert int(found[1]) <= 42


def test_it_saves_a_picture_where_one_stands(finished):
    _, folder = finished
    picture = (folder / "quickstart.png").read_bytes()
    assert picture.startswith(b"\x89PNG")
    assert len(picture) > 10_000


def test_it_saves_a_picture_where_it_is_told(tmp_path):
    pytest.importorskip("matplotlib", reason="the quickstart draws: pip install '.[plot]'")
    process = run("lines.svg", cwd=tmp_path)
    assert process.returncode == 0, process.stderr
    assert [path.name for path in tmp_path.glob("*.svg")] == ["lines.svg"]
    assert "lines.svg" in process.stdout
