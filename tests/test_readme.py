"""The README is right: its Python runs, and its picture and its commands exist."""

import re

import documentation
from documentation import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = [block for block in documentation.blocks(README) if block.language == "python"]

MOST_LINES = 170


def test_it_is_short():
    assert len(README.splitlines()) <= MOST_LINES


def test_python_runs_and_prints_what_is_shown():
    assert len(BLOCKS) >= 3
    missing = set().union(*(documentation.missing_packages(block.code) for block in BLOCKS))
    assert not missing
    namespace = {}
    for block in BLOCKS:
        documentation.run(block, namespace, "README.md")


def test_links_and_pictures_exist():
    targets = re.findall(r"\]\((?!http)([^)]+)\)", README)
    assert targets
    for target in targets:
        assert (ROOT / target).exists(), target


def test_nothing_is_linked_that_only_the_site_can_show():
    # Pages of the site are MyST, and GitHub shows the source of grids and figures.
    only_for_the_site = r"\]\(docs/(?!README)[^)]*\.md\)|\{\w+\}`|^:::"
    assert not re.search(only_for_the_site, README, flags=re.MULTILINE)


def test_two_commands_make_environments_of_their_own():
    commands = re.findall(r"^```sh\n(python3 -m venv .*)\n```$", README, flags=re.MULTILINE)
    quickstart, tests = commands
    for command in commands:
        assert re.match(r"python3 -m venv --without-pip (\S+) && ", command)
    assert quickstart.endswith("python examples/quickstart.py")
    assert tests.endswith("python -m pytest -n 2")


def test_times_are_those_of_the_benchmark():
    results = (ROOT / "benchmarks" / "results" / "compare.md").read_text(encoding="utf-8")
    large = results.partition("### large")[2].partition("###")[0]
    systems = [
        r"robustreg `HuberRegressor\(\)`",
        "scikit-learn `HuberRegressor, to convergence`",
        "statsmodels `RLM, Huber's T`",
    ]
    measured = [
        float(re.search(rf"^\| {system} \|[^|]*\|[^|]*\|[^|]*\| ([\d.]+) \|", large, re.M)[1])
        for system in systems
    ]
    row = re.search(r"^\| 200,000 rows × 50 columns.*?\|(.*)\|$", README, re.M)[1]
    shown = [float(cell) for cell in row.split("|")[:3]]
    for told, found in zip(shown, measured, strict=True):
        # One digit is shown.
        assert 0.7 < told / found < 1.4
