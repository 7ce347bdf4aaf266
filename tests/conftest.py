"""What tests share: their settings, one real browser for those that look at pages, and where the time went."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parent / "flows"))  # flow_tools, for tests of other folders too
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


SLOWEST = 10
"""Files that are named at the end of a run."""


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name the files that took longest, all their tests and fixtures together, in seconds of one worker."""
    seconds: Counter[str] = Counter()
    for reports in terminalreporter.stats.values():
        for report in reports:
            if isinstance(report, pytest.TestReport):
                seconds[report.nodeid.partition("::")[0]] += report.duration
    terminalreporter.section(f"slowest files, of {sum(seconds.values()):.0f} s in all")
    for file, spent in seconds.most_common(SLOWEST):
        terminalreporter.write_line(f"{spent:8.1f} s  {file}")
