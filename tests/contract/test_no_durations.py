"""The suite is green on a slow machine: no test can tell how long anything took, and no wait is given up early.

Speed is a statement of `benchmarks/`. A test counts what is done: bytes read, calls, passes, rows. What must wait for
something waits by `tests/patience.py`, which has the only clock.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from patience import STOPS_A_HANG

TESTS = Path(__file__).parents[1]
FILES = sorted(path for path in TESTS.rglob("*.py") if path.name not in ("patience.py", Path(__file__).name))
CLOCK = re.compile(
    r"\btime\.(?:time|monotonic|thread_time|clock_gettime)|\btimeit\b|perf_counter|process_time"
    r"|from time import (?!sleep$)|import time as|datetime\.now|utcnow|ru_[us]time|cpu_times",
    re.MULTILINE,
)
"""Anything that reads a clock, in programs written as text too."""
DEADLINE = re.compile(
    r"\btimeout=(?!STOPS_A_HANG\b)|\.(?:wait|join)\(\d|wait_for_timeout|set_default_timeout\(\d"
)
"""A wait that is given up after a time of its own."""


def found(pattern: re.Pattern[str], text: str) -> list[str]:
    """The lines on which a pattern is found."""
    starts = [match.start() for match in pattern.finditer(text)]
    return [text[text.rfind("\n", 0, at) + 1 :].split("\n")[0].strip() for at in starts]


def everywhere(pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{path.relative_to(TESTS)}: {line}"
        for path in FILES
        for line in found(pattern, path.read_text(encoding="utf-8"))
    ]


def test_no_test_reads_a_clock():
    assert everywhere(CLOCK) == [], "count what is done, or move it to benchmarks/"


def test_a_deadline_only_stops_a_hang():
    assert STOPS_A_HANG >= 60
    assert everywhere(DEADLINE) == [], "use STOPS_A_HANG or wait_until of tests/patience.py"


@pytest.mark.parametrize(
    ("pattern", "line"),
    [
        (CLOCK, "start = time.perf_counter()"),
        (CLOCK, "assert time.time() - start < 5"),
        (CLOCK, "assert time.process_time_ns() - start < 5"),
        (CLOCK, "from time import monotonic"),
        (CLOCK, "import time as clock"),
        (CLOCK, "print(resource.getrusage(resource.RUSAGE_SELF).ru_utime)"),
        (CLOCK, "begun = datetime.now(UTC)"),
        (DEADLINE, "subprocess.run(command, timeout=30)"),
        (DEADLINE, "process.wait(10)"),
        (DEADLINE, "page.wait_for_timeout(300)"),
    ],
)
def test_what_is_forbidden_would_be_found(pattern: re.Pattern[str], line: str):
    assert found(pattern, f"\n    {line}\n") == [line]


@pytest.mark.parametrize(
    "line", ["time.sleep(0.1)", "from time import sleep", "popen.communicate(timeout=STOPS_A_HANG)"]
)
def test_what_is_allowed_is_not(line: str):
    assert found(CLOCK, line) == found(DEADLINE, line) == []
