"""Read the pages of the documentation: their code, pictures and stretches of prose."""

from __future__ import annotations

import doctest
import importlib.util
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
GENERATED = {"_build", "generated", "gallery"}
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE

FENCE = re.compile(
    r"^(?P<fence>`{3,})(?P<language>[^\n`]*)\n(?P<code>.*?)^(?P=fence)$", re.M | re.S
)
IMPORT = re.compile(r"^(?:>>> |\.\.\. )?(?:import|from) ([\w.]+)", re.MULTILINE)


def pages() -> list[str]:
    """Return all pages written by hand, relative to the repository."""
    found = [path.relative_to(ROOT) for path in (ROOT / "docs").rglob("*.md")]
    return sorted(path.as_posix() for path in found if not GENERATED & set(path.parts))


@dataclass(frozen=True)
class Block:
    """A fenced block: the text after the fence, the code, and the line where it starts."""

    language: str
    code: str
    line: int


def blocks(text: str) -> list[Block]:
    """Return the fenced blocks of a page, in order."""
    return [
        Block(found["language"].strip(), found["code"], text.count("\n", 0, found.start("code")))
        for found in FENCE.finditer(text)
    ]


def missing_packages(code: str) -> set[str]:
    """Return the modules that the code imports and that are not installed."""
    return {name for name in IMPORT.findall(code) if not _is_there(name)}


def _is_there(name: str) -> bool:
    """Whether a module can be imported; an older version of a package may lack a part."""
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        return False


def run(block: Block, namespace: dict[str, Any], page: str) -> None:
    """Run a block of Python as a reader would, and compare the output of doctests."""
    if not block.code.lstrip().startswith(">>>"):
        # Empty lines before the code, so that a traceback shows the line of the page.
        exec(compile("\n" * block.line + block.code, ROOT / page, "exec"), namespace)
        return
    test = doctest.DocTestParser().get_doctest(block.code, namespace, page, page, block.line)
    told: list[str] = []
    runner = doctest.DocTestRunner(optionflags=FLAGS, verbose=False)
    runner.run(test, out=told.append, clear_globs=False)
    namespace.update(test.globs)
    if runner.summarize(verbose=False).failed:
        raise AssertionError("".join(told))


def prose(text: str) -> list[str]:
    """Return the stretches of running text between pictures, tables, formulas and code."""
    text = re.sub(r"\A---\n.*?^---$", "", text, flags=re.MULTILINE | re.DOTALL)
    text = FENCE.sub("\0", text)
    text = re.sub(r"^\$\$.*?\$\$$", "\0", text, flags=re.MULTILINE | re.DOTALL)
    text = re.sub(r"^(?:\|.*|!\[.*|:{3,}.*)$", "\0", text, flags=re.MULTILINE)
    return [stretch.strip() for stretch in text.split("\0") if stretch.strip()]
