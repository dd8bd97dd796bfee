"""Check imports, the length of files and functions, and where arrays of length n are used."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import robustreg

PACKAGE = Path(robustreg.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))

#: Floors from the ground up. A file imports from its own floor and from those below.
FLOORS = (
    {
        "annotations",
        "exceptions",
        "losses",
        "losses_redescending",
        "order_statistics",
        "parameters",
        "scales",
        "text_columns",
        "m_scale",
        "penalties",
        "delta_choice",
        "tuning",
        "location",
    },
    {"data", "response_data"},
    {"design"},
    {"objective", "problem"},
    {"solvers"},
    {"estimators"},
    {"inference"},
    {"formula", "inspection", "metrics", "persistence"},
    {"datasets"},
)
FLOOR_OF = {name: floor for floor, names in enumerate(FLOORS) for name in names}

#: Imports from a floor above, each with the reason: a file and the part that it imports.
UPWARD = {
    ("delta_choice.py", "data"): "delta_grid is public and checks the residuals that users pass",
    # metrics itself imports only from the two lowest floors.
    (
        "estimators/search_scoring.py",
        "metrics",
    ): "the default score is a scorer that users can make",
    (
        "estimators/elastic_net_cv.py",
        "metrics",
    ): "the default score is a scorer that users can make",
}

MOST_LINES = 300

#: Files that are longer, each with the reason. The list should become empty.
LONG_FILES: dict[str, str] = {}

MOST_BODY_LINES = 45

#: Attributes of a design that have a number, or a row, for every row.
ROW_ATTRIBUTES = {"residuals", "map_residuals", "map_rows", "response", "rows_of_X", "weights"}

#: Other objects with attributes of these names: the sample of rows for the search of starts, itself
#: and as the first argument of functions.
SAMPLES = {"self", "sample"}

#: Functions of the solvers that read them, each with the reason.
READERS_OF_ROWS = {
    ("solvers/zero.py", "_end_of_line"): "weighs the rows that are fitted exactly, and no others",
    ("solvers/resistant.py", "_exact"): "weighs the rows that are fitted exactly, and no others",
    ("solvers/starts/pilot.py", "take_pilot"): "takes a sample whose size does not grow with n",
    ("solvers/starts/pilot.py", "_with_rare_rows"): "adds rows of rare categories to that sample",
}


def name_of(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def is_for_type_checkers(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


def run_time_nodes(node: ast.AST) -> Iterator[ast.AST]:
    """Yield all nodes except those under ``if TYPE_CHECKING``."""
    yield node
    for child in ast.iter_child_nodes(node):
        if not is_for_type_checkers(child):
            yield from run_time_nodes(child)


def imported_parts(path: Path) -> set[str]:
    """Return the folders or top-level modules of the package that a file imports at run time."""
    found: set[str] = set()
    for node in run_time_nodes(tree_of(path)):
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name_of(path)} has a relative import"
            modules = [str(node.module)]
            if node.module == "robustreg":
                modules = [f"robustreg.{alias.name}" for alias in node.names]
        else:
            continue
        found |= {m.split(".")[1] for m in modules if m.startswith("robustreg.")}
    return found


def part_of(path: Path) -> str:
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def upward_imports() -> set[tuple[str, str]]:
    return {
        (name_of(path), part)
        for path in FILES
        if path.parent != PACKAGE or path.stem != "__init__"
        for part in imported_parts(path)
        if FLOOR_OF[part] > FLOOR_OF[part_of(path)]
    }


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree_of(path)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node


def body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    body = function.body
    if ast.get_docstring(function) is not None:
        body = body[1:]
    return int(body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def readers_of_rows() -> set[tuple[str, str]]:
    """Return the functions of the solvers and of problem.py that read an attribute of length n."""
    return {
        (name_of(path), function.name)
        for path in FILES
        if part_of(path) in {"solvers", "problem"}
        for function in functions(path)
        for node in ast.walk(function)
        if isinstance(node, ast.Attribute)
        and node.attr in ROW_ATTRIBUTES
        and ast.unparse(node.value) not in SAMPLES
    }


def test_every_part_of_the_package_has_a_floor():
    assert {part_of(path) for path in FILES} - {"__init__"} == set(FLOOR_OF)


def test_a_file_imports_only_from_its_floor_and_below():
    assert upward_imports() == set(UPWARD)


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_a_file_is_not_too_long(path):
    lines = len(path.read_text(encoding="utf-8").splitlines())
    if name_of(path) in LONG_FILES:
        assert lines > MOST_LINES, "it has been split: remove it from LONG_FILES"
    else:
        assert lines <= MOST_LINES


def test_exceptions_are_of_files_that_there_are():
    names = {name_of(path) for path in FILES}
    assert set(LONG_FILES) <= names
    assert {name for name, _ in (*UPWARD, *READERS_OF_ROWS)} <= names


def test_no_function_has_a_long_body():
    long = {
        f"{name_of(path)}: {function.name}": body_lines(function)
        for path in FILES
        for function in functions(path)
        if body_lines(function) > MOST_BODY_LINES
    }
    assert long == {}


def test_solvers_ask_for_sums_and_not_for_rows():
    assert readers_of_rows() == set(READERS_OF_ROWS)


def test_the_checks_see_what_they_are_to_refuse(tmp_path):
    """An import for type checkers is allowed, one at run time is not; docstrings do not count."""
    path = tmp_path / "example.py"
    path.write_text(
        "from typing import TYPE_CHECKING\n"
        "from robustreg.data import as_numbers\n"
        "if TYPE_CHECKING:\n    from robustreg.inference import summarize\n"
        "def outer():\n    '''One.\n\n    Two.\n    '''\n    import robustreg.design.base\n"
        "    from robustreg import metrics\n    return (1,\n        2)\n"
    )
    assert imported_parts(path) == {"data", "design", "metrics"}
    assert [body_lines(function) for function in functions(path)] == [4]


def test_few_lines_ask_which_scale_rule_it_is():
    """Everything else is a method of the rule."""
    asks = re.compile(r"isinstance\([^)]*Scale\)|\.known\(\)|(scale|rule)\.convex\b")
    lines = [
        line
        for path in FILES
        if path.name not in {"scales.py", "m_scale.py"}
        for line in path.read_text(encoding="utf-8").splitlines()
        if asks.search(line)
    ]
    assert len(lines) <= 15, lines
