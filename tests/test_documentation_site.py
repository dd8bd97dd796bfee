"""The built site loads nothing from other hosts, and its internal links are valid.

These tests skip if the site is not built, since that takes too long here. CONTRIBUTING.md has the
command.
"""

import re
from html.parser import HTMLParser
from urllib.parse import unquote

import pytest
from documentation import ROOT

SITE = ROOT / "docs" / "_build" / "html"
pytestmark = pytest.mark.skipif(
    not (SITE / "index.html").is_file(), reason="no site: see CONTRIBUTING.md for the command"
)
#: Attributes whose address a browser loads by itself. A link (a href) is followed only on a click.
FETCHED = {
    "audio": "src",
    "embed": "src",
    "iframe": "src",
    "img": "src",
    "link": "href",
    "object": "data",
    "script": "src",
    "source": "src",
    "video": "src",
}


class Addresses(HTMLParser):
    """Collects the files that a page loads, its links, and its link targets."""

    def __init__(self, path):
        super().__init__()
        self.fetched, self.linked, self.places, self.untold = [], [], set(), []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        self.places |= {values.get("id"), values.get("name")}
        address = values.get(FETCHED.get(tag))
        if address:
            self.fetched.append(address)
        if tag == "a" and values.get("href"):
            self.linked.append(values["href"])
        if tag == "img" and "alt" not in values:  # an empty text marks a decoration
            self.untold.append(values.get("src"))


@pytest.fixture(scope="module")
def pages():
    return {path: Addresses(path) for path in SITE.rglob("*.html") if "_static" not in path.parts}


def elsewhere(address):
    return re.match(r"(?:[a-z]+:)?//", address) is not None


def test_all_sections_are_there(pages):
    names = {path.relative_to(SITE).as_posix() for path in pages}
    assert {
        "index.html",
        "start/which.html",
        "coming_from/r.html",
        "gallery/quickstart.html",
        "api/generated/robustreg.HuberRegressor.html",
    } <= names


def test_pages_fetch_nothing_from_other_hosts(pages):
    found = {(path.name, item) for path, page in pages.items() for item in page.fetched}
    assert not {(name, item) for name, item in found if elsewhere(item)}


def test_styles_and_scripts_fetch_nothing_from_other_hosts():
    for path in [*SITE.rglob("*.css"), *SITE.rglob("*.js")]:
        text = path.read_text(encoding="utf-8")
        assert not re.findall(r"@import\s+['\"(]?(?:url\()?['\"]?https?:", text), path
        assert not re.findall(r"url\(['\"]?(?:https?:)?//", text), path
        assert not re.findall(r"(?:fetch|importScripts|import)\(\s*['\"]https?:", text), path


def test_links_within_the_site_lead_somewhere(pages):
    broken = set()
    for path, page in pages.items():
        for address in page.linked + page.fetched:
            if re.match(r"[a-z]+:|//", address):
                continue
            target, _, place = unquote(address).partition("#")
            file = (path.parent / target.partition("?")[0]).resolve() if target else path
            if file.is_dir():
                file /= "index.html"
            found = file.is_file() and (
                not place or file not in pages or place in pages[file].places
            )
            if not found:
                broken.add((path.relative_to(SITE).as_posix(), address))
    assert not broken


def test_every_picture_is_described(pages):
    untold = {(path.name, item) for path, page in pages.items() for item in page.untold}
    assert not untold


def test_formulas_are_mathml_and_none_is_left_as_text(pages):
    reference = SITE / "api" / "generated" / "robustreg.HuberRegressor.html"
    assert "<math" in reference.read_text(encoding="utf-8")
    for path in pages:
        assert "MathJax" not in path.read_text(encoding="utf-8"), path
