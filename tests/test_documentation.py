"""The Python code of the site's pages runs and prints the output that they show."""

import re
import warnings

import documentation
import pytest
from documentation import ROOT, Block

PAGES = documentation.pages()
#: Fences without Python: commands and output of other programs, and Sphinx's directives.
OTHER = re.compile(r"sh|r|scala|text|toml|css|\{(?!code|doctest|testcode|ipython)[\w:-]+\}.*")
#: Pages whose code runs other packages, which have warnings of their own.
WARNS = ("docs/guide/other_tools.md",)
#: About one and a half desktop screens, at the site's width and font size.
MOST_WORDS = 330


def text_of(page):
    return (ROOT / page).read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES)
def test_python_runs_and_prints_what_is_shown(page, monkeypatch, tmp_path):
    monkeypatch.setenv("MPLBACKEND", "Agg")
    monkeypatch.chdir(tmp_path)
    if page in WARNS:
        warnings.simplefilter("default")  # until the end of the test: pytest restores it
    namespace, skipped = {"__name__": "__main__"}, {}
    for block in documentation.blocks(text_of(page)):
        if block.language != "python":
            continue
        missing = documentation.missing_packages(block.code)
        if missing:
            skipped[block.line] = missing
            continue
        try:
            documentation.run(block, namespace, page)
        except (NameError, AssertionError) as error:
            if not (skipped and "NameError" in repr(error)):
                raise
            skipped[block.line] = {"names of blocks that were skipped"}
    if skipped:
        pytest.skip(f"{page}: blocks not run, by line, for want of {skipped}")


@pytest.mark.parametrize("page", PAGES)
def test_all_python_is_marked_as_such(page):
    for block in documentation.blocks(text_of(page)):
        if block.language != "python":
            assert OTHER.fullmatch(block.language), f"{page}, line {block.line}: {block.language}"
            assert ">>> " not in block.code, f"{page}, line {block.line}: would not be run"


@pytest.mark.parametrize("page", PAGES)
def test_no_long_stretch_without_picture_table_or_code(page):
    for stretch in documentation.prose(text_of(page)):
        assert len(stretch.split()) <= MOST_WORDS, f"{page}: {stretch[:80]} ..."


@pytest.mark.parametrize("page", PAGES)
def test_pictures_exist_and_are_described(page):
    text = text_of(page)
    shown = re.findall(r"^```\{(?:figure|image)\} (\S+)\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    shown += [(path, f":alt: {alt}") for alt, path in re.findall(r"!\[(.*?)\]\((\S+?)\)", text)]
    for path, options in shown:
        assert re.search(r":alt: \S+", options), f"{page}: {path} has no alternative text"
        assert source_of(page, path).is_file(), f"{page}: {path}"


def source_of(page, path):
    """Return the file of a picture, or the program that draws it when the site is built."""
    example = re.search(r"gallery/(\w+/)?images/sphx_glr_(\w+?)_\d{3}(?:_2_00x)?\.png$", path)
    if example:
        return ROOT / "examples" / (example[1] or "") / f"{example[2]}.py"
    drawn = re.search(r"generated/(\w+)\.png$", path)
    if drawn:
        program = ROOT / "docs" / "_extensions" / "evidence_figures.py"
        assert f"def {drawn[1]}(" in program.read_text(encoding="utf-8"), f"{page}: {path}"
        return program
    return (ROOT / page).parent / path


def test_there_are_pages_of_all_sections():
    for section in ("start", "guide", "coming_from", "api", "evidence"):
        assert f"docs/{section}/index.md" in PAGES


def test_a_wrong_output_and_a_wrong_claim_are_seen():
    with pytest.raises(AssertionError, match="Expected"):
        documentation.run(Block("python", ">>> 1 + 1\n3\n", 1), {}, "docs/index.md")
    with pytest.raises(AssertionError):
        documentation.run(Block("python", "assert 1 + 1 == 3\n", 1), {}, "docs/index.md")


def test_names_go_from_one_block_to_the_next():
    namespace = {}
    documentation.run(Block("python", ">>> three = 3\n", 1), namespace, "docs/index.md")
    documentation.run(Block("python", "assert three == 3\n", 1), namespace, "docs/index.md")
