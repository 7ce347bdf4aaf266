"""The engine that does everything in the program's own process, one item after the other.

It is for debugging, with breakpoints and full tracebacks, and for tests of the work itself: it starts no process.
So it lacks the protection that processes give: an item may take any time (nothing
enforces `Settings.seconds_per_image`), and an item that crashes its process crashes the program. All else is as
with the local engine: the same rows, shards, errors, progress and way to stop. A first Ctrl-C ends it after the
current item; a second one ends it at once, unless native code holds the interpreter.

Native libraries are limited to one thread, as in a worker, so that values are equal to the last bit; this lasts.
"""

from __future__ import annotations

import pickle
import time
import uuid
from collections import Counter
from collections.abc import Sequence
from typing import Any

from groundglass.engines import preload
from groundglass.engines.interrupts import signals_ask
from groundglass.engines.process import packed
from groundglass.engines.progress import Progress
from groundglass.engines.shards import Ahead, Job, Settings, Stop, Totals, cut, interrupted
from groundglass.engines.worker import fault_of, results_of, saved
from groundglass.errors import GroundglassError


def run_job(
    job: Job, items: Sequence[Any], settings: Settings, progress: Progress, stop: Stop | None = None
) -> Totals:
    """Do every item of a job in this process and return the counts; the rows are in the files that the job saved.

    SIGINT, SIGTERM and ``stop`` end it early, after the finished items are saved; a second signal ends it at once.
    Raises Interrupted then (or the error that ``stop`` was given), UnreachableError if the results cannot be
    written, and GroundglassError for a fault of the job.
    """
    stop = stop or Stop()
    run = _Run(job, items, settings, progress, stop)
    progress.begin(len(items))
    try:
        with signals_ask(_AtOnce(stop, run)):
            run.until_done()
    except GroundglassError:
        raise
    except Exception as error:
        raise fault_of(error) from error
    finally:
        progress.end()
    if stop.asked:
        raise run.ended()
    return Totals(run.images, dict(run.failed), time.monotonic() - run.begun)


class _Run:
    """One call of `run_job`: the work to be done, and the counts so far."""

    def __init__(
        self, job: Job, items: Sequence[Any], settings: Settings, progress: Progress, stop: Stop
    ) -> None:
        self.images = 0
        self.failed: Counter[str] = Counter()
        self.begun = time.monotonic()
        self._packed = packed(job)
        self._items = items
        # Full shards: there are no other workers to share them with.
        self._size = settings.shard
        self._noun = settings.items
        self._progress = progress
        self._stop = stop

    def until_done(self) -> None:
        """Work until nothing is left, or save and stop once an end is requested."""
        # Load before the limit to one thread, since libraries that are loaded later would not get it.
        preload.load()
        preload.one_thread_each()
        # A copy of the job, as in a worker, so that the caller's job never changes.
        job: Job = pickle.loads(self._packed)
        if isinstance(job, Ahead) and self._items:
            job.load()
        for shard in cut(self._items, self._size):
            if self._stop.asked:
                return
            self._do(job, shard)

    def _do(self, job: Job, shard: Sequence[Any]) -> None:
        results: list[Any] = []
        for found in results_of(job, shard):
            results.append(found)
            self._progress.tick(len(results))
            if self._stop.asked:
                break
        if self._stop.hurry:
            return
        summary = saved(job, results, uuid.uuid4().hex)
        self.images += summary.images
        self.failed.update(summary.failed)
        self._progress.add(summary)
        self._progress.tick(0)

    def ended(self) -> GroundglassError:
        """The error to raise when an end was requested."""
        return self._stop.error or interrupted(self.images, len(self._items), self._noun)


class _AtOnce(Stop):
    """Passes on a signal's request to stop; the second request raises here, since no other process can end the work."""

    def __init__(self, stop: Stop, run: _Run) -> None:
        super().__init__()
        self._stop = stop
        self._run = run

    def ask(self, error: GroundglassError | None = None) -> None:
        """Request an end; the second request ends the work at once by raising the error of `run_job`."""
        self._stop.ask(error)
        if self._stop.hurry:
            raise self._run.ended()
