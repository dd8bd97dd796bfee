"""The parts of a release agree: versions, bounds, steps of the checks, and workflows."""

import re
import tomllib
from pathlib import Path

import pytest

yaml = pytest.importorskip("yaml")

ROOT = Path(__file__).parents[1]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
pytestmark = pytest.mark.skipif(not WORKFLOWS, reason="a source distribution has no workflows")


def text_of(name):
    return (ROOT / name).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def project():
    return tomllib.loads(text_of("pyproject.toml"))["project"]


@pytest.fixture(scope="module")
def checks():
    return yaml.safe_load(text_of(".github/workflows/checks.yml"))["jobs"]


def steps():
    """Return the steps of .ci/run, each of which is a function of the script."""
    script = text_of(".ci/run")
    names = re.search(r"^all=\((.*)\)$", script, flags=re.MULTILINE)[1].split()
    functions = re.findall(r"^(\w+)\(\) \{", script, flags=re.MULTILINE)
    assert set(names) <= set(functions)
    return names


def test_the_citation_names_the_version(project):
    citation = yaml.safe_load(text_of("CITATION.cff"))
    assert citation["version"] == project["version"]
    assert citation["license"] == project["license"]


def test_the_last_version_of_the_changelog_is_dated(project):
    headings = re.findall(r"^## (.+)$", text_of("CHANGELOG.md"), flags=re.MULTILINE)
    if headings[0] == "Unreleased":
        headings.pop(0)
    assert re.fullmatch(re.escape(project["version"]) + r" - \d{4}-\d{2}-\d{2}", headings[0])


def test_the_pythons_of_the_matrix_are_those_of_the_classifiers(project, checks):
    prefix = "Programming Language :: Python :: "
    named = [item.removeprefix(prefix) for item in project["classifiers"] if prefix in item]
    pythons = checks["tests"]["strategy"]["matrix"]["python"]
    assert pythons == [name for name in named if "." in name]
    assert project["requires-python"] == f">={pythons[0]}"


def test_the_lowest_versions_are_the_bounds(project):
    extras = project["optional-dependencies"]
    bounds = {}
    for group in (
        project["dependencies"],
        *(extras[name] for name in ("dask", "formula", "inference", "test")),
    ):
        for requirement in group:
            name, _, bound = re.fullmatch(r"([\w-]+)(\[.*\])?(?:>=(.+))?", requirement).groups()
            if bound:
                bounds[name] = bound
    pins = dict(re.findall(r"^([\w-]+)==(.+)$", text_of(".ci/lowest.txt"), flags=re.MULTILINE))
    assert {"numpy", "scipy", "scikit-learn", "pandas", "dask", "pyarrow"} <= set(pins)
    for name, pin in pins.items():
        bound = bounds["dask" if name == "distributed" else name]
        assert re.fullmatch(rf"{re.escape(bound)}(\.0)*", pin), name


def test_workflows_call_steps_that_there_are():
    """The workflows call each step of .ci/run."""
    called = set()
    for path in WORKFLOWS:
        jobs = yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"]
        for job in jobs.values():
            matrix = job.get("strategy", {}).get("matrix", {})
            for command in (item.get("run", "") for item in job.get("steps", ())):
                for call in re.findall(r"^\.ci/run (.+)$", command, flags=re.MULTILINE):
                    named = call.replace("${{ matrix.step }}", " ".join(matrix.get("step", ())))
                    called |= set(named.split())
    assert called == set(steps())


def test_contributing_describes_the_steps():
    for name in steps():
        assert f"`{name}`" in text_of("CONTRIBUTING.md"), name
