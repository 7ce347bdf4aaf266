"""What tests share: their settings, and one real browser for those that look at pages."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

sys.path.insert(0, str(Path(__file__).parent))
os.environ.setdefault("OMP_NUM_THREADS", "1")

# No deadline: compiling a kernel takes its time, and on a busy machine more.
settings.register_profile("groundglass", deadline=None)
settings.load_profile("groundglass")


@pytest.fixture(scope="session")
def browser() -> Iterator:
    """One browser for all tests of a process: playwright allows no second."""
    from browser_tools import CHROMIUM, QUIET

    api = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    if not CHROMIUM.exists():
        pytest.skip(f"needs a browser: {CHROMIUM} is not there")
    with api.sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=str(CHROMIUM), args=list(QUIET))
        yield chromium
        chromium.close()


@pytest.fixture
def reader(browser):
    """Makes pages with settings; they are closed after the test."""
    from browser_tools import Reader

    made: list[Reader] = []

    def make(**settings) -> Reader:
        made.append(Reader(browser, **settings))
        return made[-1]

    yield make
    for one in made:
        one.context.close()
