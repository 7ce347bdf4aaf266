"""The only clock of the tests. Nothing is measured with it: it stops a wait that would otherwise last for ever."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import pytest

Found = TypeVar("Found")

STOPS_A_HANG = 300.0
"""Seconds after which a wait is given up. What works comes nowhere near, however slow and busy the machine."""


def wait_until(true: Callable[[], Found], what: str = "what was waited for") -> Found:
    """Ask again and again until the answer is true, and give that answer; a wait without end is a failed test."""
    until = time.monotonic() + STOPS_A_HANG
    while not (found := true()):
        assert time.monotonic() < until, f"{what} never came to pass"
        time.sleep(0.01)
    return found


def now() -> float:
    """Seconds since 1970, for what has a date of its own, such as a link that expires; it measures nothing."""
    return time.time()


def set_clock(monkeypatch: pytest.MonkeyPatch, read: Callable[[], float]) -> None:
    """Let the whole program read this clock in place of its own."""
    monkeypatch.setattr(time, "time", read)
