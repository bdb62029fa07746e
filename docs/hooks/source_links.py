"""mkdocs hook: links from a page to a file outside docs/, as ../dgpo/weight.py.

On the website they lead to the repository (mkdocs.yml: repo_url). Where none is set they become plain code: the reader
learns the path, and no link leads nowhere.
"""

import logging
import re
from pathlib import Path, PurePosixPath
from posixpath import normpath

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import Files
from mkdocs.structure.pages import Page

log = logging.getLogger("mkdocs.hooks.source_links")
LINK = re.compile(r"(?<!!)\[([^\]]+)\]\((\.\./[^)\s]+)\)")


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Rewrite the links of one page; a missing file is a warning, so that --strict refuses it."""
    docs = Path(config.docs_dir)
    folder = PurePosixPath(docs.name) / PurePosixPath(page.file.src_uri).parent

    def rewritten(link: re.Match[str]) -> str:
        label, (target, _, anchor) = link[1], link[2].partition("#")
        path = normpath(folder / target)
        if path.startswith(f"{docs.name}/"):
            return link[0]
        if not (docs.parent / path).exists():
            log.warning("%s links to %s, which does not exist.", page.file.src_uri, target)
        return _with_repository(config.repo_url, label, path, anchor) if config.repo_url else _as_code(label, path)

    return LINK.sub(rewritten, markdown)


def _with_repository(url: str, label: str, path: str, anchor: str) -> str:
    return f"[{label}]({url.rstrip('/')}/blob/HEAD/{path}{'#' if anchor else ''}{anchor})"


def _as_code(label: str, path: str) -> str:
    if "`" in label:
        return label
    return f"`{path}`" if label.rstrip("/") in path else f"{label} (`{path}`)"
