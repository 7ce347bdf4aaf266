"""The troubles of a running server: raters read that something failed, the owner what, why and what to do."""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

MOST = 50
"""Troubles that are kept, the newest ones."""
QUIET_SECONDS = 60.0
"""The same trouble is reported again only after so long: raters try again and again while a database is away."""


@dataclass(frozen=True)
class Trouble:
    """Something that failed. It has no token and nothing that a rater sent.

    at     seconds since 1970, of the last time
    study  the name of the study; "" if it concerns all of them
    what   such as "an image cannot be shown"
    why    the cause
    hint   what the owner can do
    count  how often it happened
    """

    at: float
    study: str
    what: str
    why: str
    hint: str
    count: int = 1

    def line(self) -> str:
        """The trouble as one line of a terminal; it may hold names of files with any characters.

        >>> Trouble(0, "faces", "an image cannot be shown", "no file a\\nb", "put it back").line()[8:]
        '  faces: an image cannot be shown: no file a\\\\nb; put it back'
        """
        where = f"{self.study}: " if self.study else ""
        said = f"{where}{self.what}: {self.why}; {self.hint}"
        shown = "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in said)
        return f"{time.strftime('%H:%M:%S', time.localtime(self.at))}  {shown}"

    def plain(self) -> dict[str, Any]:
        """The trouble as JSON, for the board."""
        return {"at": self.at, "what": self.what, "why": self.why, "hint": self.hint, "count": self.count}


class Troubles:
    """The newest troubles of a server, each once. Calls may come from any thread.

    ``report`` gets a trouble when it comes, and again if it lasts. ``unexpected_hint`` is that of `unexpected`.
    """

    def __init__(
        self,
        report: Callable[[Trouble], None] | None = None,
        unexpected_hint: str = "start `study serve` with --log to see the whole error",
    ) -> None:
        self._report = report
        self._unexpected_hint = unexpected_hint
        self._lock = threading.Lock()
        self._found: dict[tuple[str, str, str], Trouble] = {}
        self._said: dict[tuple[str, str, str], float] = {}

    def add(self, study: str, what: str, why: str, hint: str) -> None:
        """Keep a trouble, and report it unless it was reported a moment ago."""
        key, now = (study, what, why), time.time()
        with self._lock:
            before = self._found.pop(key, None)
            trouble = Trouble(now, study, what, why, hint)
            if before is not None:
                trouble = replace(trouble, count=before.count + 1)
            self._found[key] = trouble
            fresh = now - self._said.get(key, 0.0) >= QUIET_SECONDS
            if fresh:
                self._said[key] = now
            while len(self._found) > MOST:
                oldest = next(iter(self._found))
                del self._found[oldest]
                self._said.pop(oldest, None)
        if fresh and self._report is not None:
            self._report(trouble)

    def unexpected(self, error: Exception) -> None:
        """Keep an error that nobody expected: its kind and place only, since its text may hold what a rater sent."""
        last = traceback.extract_tb(error.__traceback__)[-1:]
        at = "".join(f" at {Path(frame.filename).name}, line {frame.lineno}" for frame in last)
        why = f"{type(error).__name__}{at}"
        self.add("", "something failed unexpectedly", why, self._unexpected_hint)

    def of(self, study: str) -> list[Trouble]:
        """The troubles that concern a study, the newest first."""
        with self._lock:
            return [one for one in reversed(self._found.values()) if one.study in ("", study)]
