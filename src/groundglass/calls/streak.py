"""Failures of a server in a row: too many of them stop a step."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock

from groundglass.errors import UnreachableError

BREAKER = 10
"""Calls in a row without a reply, after which the step stops: the server has a problem."""
MOST_ODD = 100
"""Replies in a row without a usable answer, after which the step stops: the model cannot do the task.

Each becomes a row at once, because it was paid for.
"""


class Streak:
    """Failures in a row. They are held back: if the server is at fault, they must not be recorded against the images.

    Thread-safe.
    """

    def __init__(self, most: int = BREAKER) -> None:
        self._most = most
        self._lock = Lock()
        self._held: list[Callable[[], None]] = []
        self._broken = False

    def good(self) -> None:
        """An answer came: the failures that were held back are the images' own after all."""
        with self._lock:
            held, self._held = self._held, []
        for save in held:
            save()

    def bad(self, save: Callable[[], None], said: str) -> None:
        """No answer came. Raises UnreachableError at the last of too many; then none of them is saved, and no later
        one of another thread.
        """
        with self._lock:
            if self._broken:
                return
            self._held.append(save)
            if len(self._held) < self._most:
                return
            self._held.clear()
            self._broken = True
        raise UnreachableError(
            f"{self._most} calls in a row brought no answer, the last one: {said}",
            "all answers are saved; when the server works again, the same command goes on",
        )
