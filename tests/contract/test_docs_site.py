"""The website of docs/ builds without a warning, its links and those of the Markdown outside docs/ lead somewhere, and
nothing is loaded from a network.
"""

import os
import re
import subprocess
import sys
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import markdown
import pytest
from pymdownx.slugs import slugify

ROOT = Path(__file__).resolve().parents[2]
OUTSIDE = [
    ROOT / name
    for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md", "dgpo/README.md", "maspo/README.md")
]
LOADING = {("script", "src"), ("img", "src"), ("link", "href"), ("iframe", "src"), ("source", "srcset")}


def build(site: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(site)]
    environment = {**os.environ, "RLVR_REPO_URL": "", "NO_MKDOCS_2_WARNING": "1", **variables}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built site; mkdocs itself follows its links and anchors, and --strict makes a broken one an error."""
    folder = tmp_path_factory.mktemp("site")
    result = build(folder)
    assert result.returncode == 0 and "WARNING" not in result.stderr, result.stderr
    return folder


class Tags(HTMLParser):
    """The tags of a page, with their attributes."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, {name: value or "" for name, value in attrs}))


def test_a_page_for_each_page(site: Path) -> None:
    pages = {page.relative_to(ROOT / "docs").with_suffix("") for page in (ROOT / "docs").rglob("*.md")}
    assert len(pages) > 15 and pages == {
        page.relative_to(site).with_suffix("") for page in site.rglob("*.html") if page.name != "404.html"
    }


def test_the_front_page_shows_the_readme_and_the_picture(site: Path) -> None:
    page = (site / "index.html").read_text()
    assert (
        "does not clip tokens outside the trust" in page and "scripts/quickstart.sh" in page and "--8&lt;--" not in page
    )
    assert (site / "images" / "pipeline.svg").is_file()


def test_nothing_is_loaded_from_a_network(site: Path) -> None:
    for page in site.rglob("*.html"):
        for tag, attributes in Tags(page).found:
            loaded = [attributes.get(name, "") for one, name in LOADING if one == tag]
            assert not [url for url in loaded if re.match(r"(https?:)?//", url)], f"{page.name}: {attributes}"
    for sheet in site.rglob("*.css"):
        assert not re.search(r"url\(['\"]?(https?:)?//|@import", sheet.read_text()), sheet.name


def test_every_file_that_a_page_shows_or_links_to_is_there(site: Path) -> None:
    for page in site.rglob("*.html"):
        if page.name == "404.html":  # its links start at the root of the server
            continue
        for _, attributes in Tags(page).found:
            target = (attributes.get("src") or attributes.get("href", "")).partition("#")[0].partition("?")[0]
            if target and not re.match(r"\w+:", target):
                assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_source_files_are_linked_where_there_is_a_repository(site: Path, tmp_path: Path) -> None:
    def links(folder: Path) -> list[str]:
        return [one.get("href", "") for tag, one in Tags(folder / "methods.html").found if tag == "a"]

    assert build(tmp_path, RLVR_REPO_URL="https://example.org/me/rlvr").returncode == 0
    assert "https://example.org/me/rlvr/blob/HEAD/dgpo/weight.py" in links(tmp_path)
    assert not [link for link in links(site) if ".." in link or "weight.py" in link]
    assert "<code>dgpo/weight.py</code>" in (site / "methods.html").read_text()


@cache
def anchors(page: Path) -> set[str]:
    """Ids of a page's headings, as GitHub and mkdocs.yml make them."""
    settings = {"toc": {"slugify": slugify(case="lower")}}
    html = markdown.markdown(
        page.read_text(encoding="utf-8"), extensions=["toc", "pymdownx.superfences"], extension_configs=settings
    )
    return set(re.findall(r'id="([^"]+)"', html))


@pytest.mark.parametrize("page", OUTSIDE, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_of_the_markdown_outside_docs(page: Path) -> None:
    broken = []
    links = re.findall(r"\]\((?!https?:)([^)\s]+)\)", page.read_text(encoding="utf-8"))
    for link in links:
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert not broken
