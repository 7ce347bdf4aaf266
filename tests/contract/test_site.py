"""The documentation builds as a site without a network: every link leads somewhere, and no page asks another host."""

from __future__ import annotations

import functools
import http.server
import os
import re
import shutil
import subprocess
import sys
import threading
import tomllib
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from browser_tools import Reader
from patience import STOPS_A_HANG

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
HERE = "https://github.com/groundglass/groundglass/blob/main/"
"""Links to files of the project outside of docs/ begin with this: a relative link would lead out of the site."""
PAGES = sorted(str(page.relative_to(DOCS)) for page in DOCS.rglob("*.md"))


def build(project: Path) -> subprocess.CompletedProcess[str]:
    """Build a copy of the documentation; every proxy leads nowhere."""
    nowhere = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9")
    return subprocess.run(
        [sys.executable, "-m", "zensical", "build", "--strict", "--clean"],
        cwd=project,
        env=os.environ | nowhere | {"NO_COLOR": "1"},
        capture_output=True,
        text=True,
        timeout=STOPS_A_HANG,
    )


def copy(folder: Path) -> Path:
    shutil.copytree(DOCS, folder / "docs", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "zensical.toml", folder)
    return folder


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    project = copy(tmp_path_factory.mktemp("project"))
    done = build(project)
    assert done.returncode == 0, done.stdout + done.stderr
    return project / "site"


class Page(HTMLParser):
    """The ids of a page, its links, and the things that it loads."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.ids |= {given[name] for name in ("id", "name") if name in given}
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        elif tag == "link" and given.get("rel") not in ("canonical", "next", "prev"):
            self.loaded.append(given.get("href", ""))
        elif "src" in given:
            self.loaded.append(given["src"])


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Page]:
    return {
        path: Page(path.read_text(encoding="utf-8"))
        for path in site.rglob("*.html")
        if path.name != "404.html"
    }


def test_every_link_leads_to_a_page_and_a_heading(pages: dict[Path, Page]):
    assert len(pages) == len(PAGES)
    broken = []
    for path, page in pages.items():
        for link in page.links:
            if "://" in link or link.startswith("mailto:"):
                continue
            file, _, anchor = unquote(link).partition("#")
            target = (path.parent / file).resolve() if file else path
            target = target / "index.html" if target.is_dir() else target
            if not target.is_file() or (anchor and anchor not in pages[target].ids | {"__top"}):
                broken.append(f"{path.name}: {link}")
    assert broken == []


def test_everything_that_a_page_loads_comes_with_it(site: Path, pages: dict[Path, Page]):
    for path, page in pages.items():
        assert [url for url in page.loaded if "//" in url] == []
        assert [url for url in page.loaded if not (path.parent / url.split("?")[0]).is_file()] == [], (
            path.name
        )
    styles = "".join(path.read_text(encoding="utf-8") for path in site.rglob("*.css"))
    assert re.findall(r"(?:@import|url\()\s*['\"]?(?:https?:)?//[^)]*", styles) == []


def test_links_to_files_of_the_project_lead_to_files():
    links = [
        link
        for name in PAGES
        for link in re.findall(rf"{re.escape(HERE)}([^)#\s]+)", (DOCS / name).read_text())
    ]
    assert [link for link in links if not (ROOT / link).is_file()] == []


def listed(nav: Any) -> Iterator[str]:
    """The files in a part of the navigation."""
    if isinstance(nav, str):
        yield nav
    else:
        for part in nav.values() if isinstance(nav, dict) else nav:
            yield from listed(part)


def test_every_page_is_in_the_navigation_once():
    nav = tomllib.loads((ROOT / "zensical.toml").read_text(encoding="utf-8"))["project"]["nav"]
    assert sorted(listed(nav)) == PAGES


@pytest.mark.parametrize("text", ["[x](nowhere.md)", "[x](quickstart.md#nowhere)"])
def test_a_broken_link_stops_the_build(text: str, tmp_path: Path):
    page = copy(tmp_path) / "docs" / "index.md"
    page.write_text(f"{page.read_text(encoding='utf-8')}\n{text}\n", encoding="utf-8")
    assert build(tmp_path).returncode != 0


class Silent(http.server.SimpleHTTPRequestHandler):
    """Serves files and logs nothing."""

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    handler = functools.partial(Silent, directory=str(site))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [400, 1280])
def test_pages_fit_their_screen_and_ask_no_other_host(browser, address: str, width: int, scheme: str):
    one = Reader(browser, viewport={"width": width, "height": 900}, color_scheme=scheme)
    for name in ("index.html", "reference/measures.html", "architecture.html"):
        one.page.goto(f"{address}/{name}", wait_until="networkidle")
        assert one.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
    ground = one.page.evaluate("getComputedStyle(document.body).backgroundColor")
    is_dark = sum(map(int, re.findall(r"\d+", ground)[:3])) < 300
    assert is_dark == (scheme == "dark")
    assert [url for url in one.asked if not url.startswith((address, "data:", "blob:"))] == []
    assert one.said == []
    one.context.close()


def test_the_search_finds_a_page(browser, address: str):
    one = Reader(browser)
    one.page.goto(f"{address}/index.html", wait_until="networkidle")
    one.page.keyboard.press("Control+k")
    one.page.keyboard.type("Clopper")
    one.page.locator("a[href*='the-cascade.html']:visible", has_text="Clopper").first.wait_for()
    one.context.close()
