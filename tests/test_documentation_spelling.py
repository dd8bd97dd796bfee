"""Every word in pages, docstrings and comments is in a dictionary or in our list.

The dictionary is that of pyspellchecker, and codespell knows frequent misspellings. Both are in the
extra ``docs``, and these tests skip without them.
"""

import ast
import io
import re
import subprocess
import sys
import tokenize

import documentation
import pytest
from documentation import ROOT

WORD_LIST = ROOT / "docs" / "spelling_words.txt"
PAGES = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", *documentation.pages()]
SOURCES = sorted(
    path.relative_to(ROOT).as_posix()
    for folder in ("robustreg", "examples", "benchmarks", "docs")
    for path in (ROOT / folder).rglob("*.py")
    if not documentation.GENERATED & set(path.relative_to(ROOT).parts)
)

#: Patterns of text that is not prose. A dot also matches the end of a line.
NO_PROSE = [
    r"^(`{3,}).*?^\1$",  # fenced code
    r"^:{3,}\{[\w-]+\}",  # the name of a directive
    r"^\$\$.*?^\$\$",
    r"^ *(?:>>>|\.\.\.) [^\n]*$(?:\n(?! *>>>| *$)[^\n]*)*",  # doctests with their output
    r"^ *\.\. math::[^\n]*\n(?: *\n| {4,}[^\n]*\n)*",
    r"^ *\.\. [\w-]+::[^\n]*$",
    r"^ *[*\w, ]+ : [^\n]*$",  # a parameter and its type
    r"<!--.*?-->",
    r"``.*?``",
    r"(?::[\w:]+:|\{[\w-]+\})?`[^`]*`",  # roles and code
    r"\$[^$\n]*\$",
    r"\]\([^)]*\)",
    r"\{\.[^}]*\}",  # attributes of MyST
    r"https?://\S+",
    r"\b\w*[_\d.]\w+\b",  # names of code, files and numbers
]


def prose_of_source(code):
    """Return docstrings and comments."""
    found = [
        ast.get_docstring(node) or ""
        for node in ast.walk(ast.parse(code))
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
    ]
    comments, last = [], -1
    for token in tokenize.generate_tokens(io.StringIO(code).readline):
        if token.type == tokenize.COMMENT and not re.search(r"fmt:|noqa|type:|%%$", token.string):
            text = token.string.strip("#: %")
            # A code literal may extend over two lines.
            comments.append(text if token.start[0] != last + 1 else comments.pop() + "\n" + text)
            last = token.start[0]
    return "\n\n".join(found + comments)


def words(text):
    """Return the words in lower case, with the parts of hyphenated words separated."""
    for pattern in NO_PROSE:
        text = re.sub(pattern, " ", text, flags=re.MULTILINE | re.DOTALL)
    return {word.lower() for word in re.findall(r"(?<![\w\\])[A-Za-z][a-z]{2,}(?!\w)", text)}


@pytest.fixture(scope="module")
def dictionary():
    checker = pytest.importorskip("spellchecker", reason="pip install '.[docs]'").SpellChecker()
    checker.word_frequency.load_words(WORD_LIST.read_text(encoding="utf-8").split())
    return checker


@pytest.mark.parametrize("path", PAGES + SOURCES)
def test_every_word_is_known(path, dictionary):
    text = (ROOT / path).read_text(encoding="utf-8")
    prose = prose_of_source(text) if path.endswith(".py") else text
    unknown = dictionary.unknown(words(prose))
    assert not unknown, f"{path}: correct, or add to {WORD_LIST.name}: {sorted(unknown)}"


def test_a_wrong_word_would_be_seen(dictionary):
    assert dictionary.unknown(words("The minimser of `nocode` is here.")) == {"minimser"}


def test_no_usual_misspellings():
    pytest.importorskip("codespell_lib", reason="pip install '.[docs]'")
    # "coo" is SciPy's coordinate format.
    command = [sys.executable, "-m", "codespell_lib", "-L", "coo", *PAGES, *SOURCES]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout


def test_our_list_is_sorted():
    listed = WORD_LIST.read_text(encoding="utf-8").split()
    assert listed == sorted(set(listed))
