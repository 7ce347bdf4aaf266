"""One thread that writes: all changes that wait are committed in one transaction.

A commit waits for the disk. Fifty raters would wait in a queue for fifty commits; here they share one, and each of them
is answered after it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any, Generic, TypeVar

from groundglass.errors import UnreachableError

State = TypeVar("State")
Work = Callable[[State], Any]
MOST = 64
"""Changes in one transaction."""


class Writer(Generic[State]):
    """Runs changes one after the other, many in one transaction.

    ``transaction(works)`` does a list of changes and returns one result for each, an exception if a change failed. It
    returns only when all of them are on disk; if it raises, none of them is.
    """

    def __init__(self, transaction: Callable[[Sequence[Work[State]]], list[Any]]) -> None:
        self._transaction = transaction
        self._queue: SimpleQueue[tuple[Work[State], Future[Any]] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="study writer", daemon=True)
        self._start = threading.Lock()
        self._started = self._closed = False

    @property
    def waiting(self) -> int:
        """How many changes wait for the next transaction."""
        return self._queue.qsize()

    def do(self, work: Work[State]) -> Any:
        """Do a change and wait until it is on disk. Raises whatever the change raises."""
        future: Future[Any] = Future()
        with self._start:
            if self._closed:
                raise RuntimeError("the study is closed")
            if not self._started:
                self._thread.start()
                self._started = True
            self._queue.put((work, future))
        return future.result()

    def close(self) -> None:
        """Finish what waits, and end the thread."""
        with self._start:
            self._closed = True
            if self._started:
                self._queue.put(None)
        if self._started:
            self._thread.join()

    def _work(self) -> None:
        ended = False
        while not ended:
            first = self._queue.get()
            if first is None:
                return
            jobs = [first]
            while not self._queue.empty() and len(jobs) < MOST:
                job = self._queue.get()
                if job is None:
                    ended = True
                    break
                jobs.append(job)
            self._finish(jobs)

    def _finish(self, jobs: list[tuple[Work[State], Future[Any]]]) -> None:
        try:
            results = self._transaction([work for work, _ in jobs])
        except Exception as error:
            # A database that does not answer fails them all: each alone would wait for it again.
            if len(jobs) > 1 and not isinstance(error, UnreachableError):
                # One of them broke the transaction: alone, only that one fails.
                for job in jobs:
                    self._finish([job])
                return
            results: list[Any] = [error] * len(jobs)
        for (_, future), result in zip(jobs, results, strict=True):
            if isinstance(result, Exception):
                future.set_exception(result)
            else:
                future.set_result(result)
