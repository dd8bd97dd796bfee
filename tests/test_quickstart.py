"""The quickstart, as a user runs it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SCRIPT = ROOT / "examples" / "quickstart.py"


def run(*arguments, cwd):
    """Run the script in a directory of its own, its warnings errors, without a screen."""
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


def test_it_prints_both_fits(finished):
    process, _ = finished
    # statsmodels 0.15.0, A = add_constant(load_phones().data), y = load_phones().target:
    # OLS(y, A).fit() gives -260.0592, 5.0415;
    # RLM(y, A).fit(tol=1e-12, maxiter=999) gives -102.5302, 2.0396
    assert re.search(r"least squares +-260\.06 \+5\.04 ", process.stdout)
    assert re.search(r"Huber regression +-102\.53 \+2\.04 ", process.stdout)


def test_it_names_the_years_in_minutes_and_no_others(finished):
    process, _ = finished
    years = re.findall(r"^ +(19\d\d): ", process.stdout, flags=re.MULTILINE)
    assert years == ["1964", "1965", "1966", "1967", "1968", "1969"]


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
