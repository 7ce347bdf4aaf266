"""A real browser for the tests of pages."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from browser_tools import CHROMIUM, QUIET, Reader


@pytest.fixture(scope="session")
def browser() -> Iterator:
    """One browser for all tests."""
    api = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    if not CHROMIUM.exists():
        pytest.skip(f"needs a browser: {CHROMIUM} is not there")
    with api.sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=str(CHROMIUM), args=list(QUIET))
        yield chromium
        chromium.close()


@pytest.fixture
def reader(browser):
    made: list[Reader] = []

    def make(**settings) -> Reader:
        made.append(Reader(browser, **settings))
        return made[-1]

    yield make
    for one in made:
        one.context.close()
