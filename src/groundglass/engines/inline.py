"""The engine that does everything in the program's own process, one item after the other.

It is for looking at how an item is done, with breakpoints and whole tracebacks, and for tests of what is done with the
items: it starts no process. What only processes can do it does not: an item may take as long as it likes (nothing
enforces `Settings.seconds_per_image`), and one that takes its process down takes the program with it. All else is as
with the local engine: the same rows, shards, errors, progress and way to stop. A first Ctrl-C ends it after the item
that is under way; a second one ends it at once, unless native code holds the interpreter.

Native libraries are held to one thread, as in a worker, so that values are the same to the last bit; they stay so.
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
    """Do every item of a job here and say what came of it; the rows are in the files it saved.

    SIGINT, SIGTERM and ``stop`` end it early, once what is done so far is saved; a second time at once.
    Raises Interrupted then (or the error that ``stop`` was given), UnreachableError when the results cannot be
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
    """One call of `run_job`: what is to be done, and what has come of it so far."""

    def __init__(
        self, job: Job, items: Sequence[Any], settings: Settings, progress: Progress, stop: Stop
    ) -> None:
        self.images = 0
        self.failed: Counter[str] = Counter()
        self.begun = time.monotonic()
        self._packed = packed(job)
        self._items = items
        self._size = settings.shard  # whole: there is nobody to share a job with
        self._progress = progress
        self._stop = stop

    def until_done(self) -> None:
        """Work till nothing is left, or save and leave off once an end is asked for."""
        preload.load()  # before they are held to one thread: what is loaded later would not be
        preload.one_thread_each()
        job: Job = pickle.loads(self._packed)  # a worker has a copy of its own, too
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
        """What is raised when an end was asked for."""
        return self._stop.error or interrupted(self.images, len(self._items))


class _AtOnce(Stop):
    """Hands on what a signal wishes; the second wish raises where the program is, since nobody else could end it."""

    def __init__(self, stop: Stop, run: _Run) -> None:
        super().__init__()
        self._stop = stop
        self._run = run

    def ask(self, error: GroundglassError | None = None) -> None:
        """Wish for an end; once more for an end at once. Raises then what `run_job` does."""
        self._stop.ask(error)
        if self._stop.hurry:
            raise self._run.ended()
