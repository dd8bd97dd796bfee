"""What the README shows is true: its Python runs, its picture and its commands are there."""

import importlib.util
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```$", README, flags=re.MULTILINE | re.DOTALL)


def test_there_are_examples():
    assert len(BLOCKS) == README.count("```python") >= 5


def missing_packages(block):
    imported = set(re.findall(r"^(?:import|from) (\w+)", block, flags=re.MULTILINE))
    return {package for package in imported if importlib.util.find_spec(package) is None}


class Reader:
    """Reads the blocks one after the other, since they build on each other, and each once."""

    def __init__(self):
        self.namespace, self.read = {}, 0

    def read_through(self, number):
        while self.read <= number:
            block = BLOCKS[self.read]
            self.read += 1
            if not missing_packages(block):
                exec(compile(block, f"README.md, block {self.read}", "exec"), self.namespace)


@pytest.fixture(scope="module")
def reader():
    return Reader()


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_python_runs(number, reader):
    reader.read_through(number)
    if missing_packages(BLOCKS[number]):
        pytest.skip(f"{missing_packages(BLOCKS[number])} not installed")


def test_comments_beside_print_tell_what_is_printed(capsys):
    namespace = {}
    first, efficiencies = BLOCKS[:2]
    leverage = next(block for block in BLOCKS if "load_stars" in block)
    for block in (first, efficiencies, "import numpy as np\n" + leverage):
        exec(block, namespace)
    printed = re.sub(r"\s+", " ", capsys.readouterr().out)
    numbers = [float(number) for number in re.findall(r"-?\d+\.\d*", printed)]
    assert numbers[:7] == pytest.approx([2.0396, 64, 65, 66, 67, 68, 69], abs=5e-4)
    assert numbers[7:10] == pytest.approx([0.95, 0.91970, 0.88882], abs=1e-5)
    assert numbers[10:] == pytest.approx([-0.425, 2.390, 1, 1, 1, 0.94], abs=5e-3)


def test_links_and_pictures_exist():
    for target in re.findall(r"\]\((?!http)([^)]+)\)", README):
        assert (ROOT / target).is_file(), target


def test_two_commands_make_environments_of_their_own():
    commands = re.findall(r"^```sh\n(.*)\n```$", README, flags=re.MULTILINE)
    quickstart, tests = commands
    for command in commands:
        assert re.match(r"python3 -m venv --without-pip (\S+) && ", command)
    assert quickstart.endswith("python examples/quickstart.py")
    assert tests.endswith("python -m pytest -n 2")


def test_efficiencies_of_the_table():
    from robustreg.tuning import efficiency

    deltas = re.search(r"^\| delta \|(.*)\|$", README, flags=re.MULTILINE)
    shown = re.search(r"^\| efficiency at normal errors \|(.*)\|$", README, flags=re.MULTILINE)
    for delta, value in zip(deltas[1].split("|"), shown[1].split("|"), strict=True):
        assert efficiency(float(delta)) == pytest.approx(float(value), abs=6e-4)
