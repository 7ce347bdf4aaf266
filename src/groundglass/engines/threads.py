"""Work that mostly waits for others, such as calls of a server: done by threads of this process."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from groundglass.engines.interrupts import signals_ask
from groundglass.engines.progress import Progress
from groundglass.engines.shards import Stop, Summary
from groundglass.errors import Interrupted

Item = TypeVar("Item")

BLINK = 0.05
"""Seconds between two checks of the driver."""


def run_threads(
    work: Callable[[Item], Summary],
    items: Sequence[Item],
    workers: int,
    progress: Progress,
    stop: Stop,
    between: Callable[[], None] = lambda: None,
) -> None:
    """Do ``work`` on every item, ``workers`` of them at a time; ``work`` saves its own results.

    Ctrl-C, SIGTERM and ``stop`` let the current items finish; a second request ends at once. An error of ``work``
    ends all of it in the same way, and is raised. This thread calls ``between`` again and again.
    Raises Interrupted (or the error that ``stop`` was given).
    """
    crew = _Crew(work, items, stop)
    progress.begin(len(items))
    try:
        with signals_ask(stop):
            crew.start(min(workers, len(items)))
            while crew.at_work() and not stop.hurry:
                crew.report(progress)
                between()
                time.sleep(BLINK)
        crew.report(progress)
    finally:
        progress.end()
    if crew.fault is not None:
        raise crew.fault
    if stop.asked:
        said = f"stopped: {crew.done:,} of {len(items):,} done"
        raise stop.error or Interrupted(said, "the same command continues from there")


class _Crew:
    """Threads that take items from one queue. They are daemons, so the program never waits for a server that hangs."""

    def __init__(self, work: Callable[[Item], Summary], items: Sequence[Item], stop: Stop) -> None:
        self.done = 0
        self.fault: BaseException | None = None
        self._stop = stop
        self._work: Callable[..., Summary] = work
        self._waiting: queue.SimpleQueue[object] = queue.SimpleQueue()
        self._finished: queue.SimpleQueue[Summary] = queue.SimpleQueue()
        for item in items:
            self._waiting.put(item)
        self._threads: list[threading.Thread] = []

    def start(self, workers: int) -> None:
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(workers)]
        for thread in self._threads:
            thread.start()

    def at_work(self) -> bool:
        return any(thread.is_alive() for thread in self._threads)

    def report(self, progress: Progress) -> None:
        """Report the items that were finished since the last call."""
        while not self._finished.empty():
            summary = self._finished.get()
            self.done += summary.images
            progress.add(summary)
        progress.tick(0)

    def _run(self) -> None:
        while not self._stop.asked:
            try:
                item = self._waiting.get_nowait()
            except queue.Empty:
                return
            try:
                self._finished.put(self._work(item))
            except BaseException as error:
                # Only the first error counts: after a stop, further errors are consequences.
                if self.fault is None and not self._stop.asked:
                    self.fault = error
                self._stop.ask()
