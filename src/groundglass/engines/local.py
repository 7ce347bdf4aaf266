"""The local engine: a job over many items in worker processes, which may die, hang or be killed at any time.

The driver hands out pieces and listens. A worker that dies or takes too long is replaced, and the rest of its piece is
done again. The item that it was working on is treated as follows:

    the worker died          tried once more, alone and last; then an error row `worker_died`
    it spent its CPU time    an error row `timeout`: the CPU time does not depend on how busy the machine is
    it hung                  tried once more, alone and last; then the job ends with `Unfinished`, without a row:
                             the cause may be a blocked disk or a hung GPU, not the image
"""

from __future__ import annotations

import contextlib
import time
import uuid
from collections import Counter
from collections.abc import Sequence
from multiprocessing.connection import wait
from typing import Any

from groundglass.engines.cores import cores
from groundglass.engines.interrupts import signals_ask
from groundglass.engines.pieces import Piece, Pieces, shard_size
from groundglass.engines.process import Overran, Worker, packed
from groundglass.engines.progress import Progress
from groundglass.engines.shards import Ahead, Job, Settings, Stop, Summary, Totals, interrupted
from groundglass.engines.worker import saved
from groundglass.errors import GroundglassError, Interrupted, Unfinished

TICK = 0.2
"""Seconds between two checks of the clock, the progress display and a request to stop."""
GRACE = 2.0
"""Seconds that workers get to save their finished items when the job ends early."""
STARTING = 600.0
"""Seconds that a worker may take before its first item."""
LOADING = 1800.0
"""The same for a job that first loads something large."""
STANDSTILL = 2.0
"""If more seconds than this pass between two checks of the clock, the driver itself was paused."""
SAVING = 600.0
"""Seconds that a worker may take to save a shard."""
BACKSTOP = 20
"""Wall time after which a worker may count as hung, in multiples of the CPU time that an item may take: a machine
that is more overloaded than this makes no progress anyway."""
NETWORK_SHARE = 10
"""The factor for the CPU time of a network, which is the sum of all its threads."""
IDLE = 0.05
"""A hung worker uses less than this share of a core; a worker that computes on a busy machine uses more."""
NAMED = 3
"""The number of images that an error names."""
PATIENCE = 3
"""The number of workers in a row that may die before their first item, or while they save one shard."""


def run_job(
    job: Job, items: Sequence[Any], settings: Settings, progress: Progress, stop: Stop | None = None
) -> Totals:
    """Do every item of a job in worker processes and return the counts; the rows are in the files that the job saved.

    SIGINT, SIGTERM and ``stop`` end it early, after the finished items are saved; a second signal ends it at once.
    Raises Interrupted then (or the error that ``stop`` was given), UnreachableError if the results cannot
    be written, Unfinished if all is saved but items on which a worker hung twice, and GroundglassError
    if no worker stays alive.
    """
    stop = stop or Stop()
    begun = time.monotonic()
    workers = settings.workers or cores()
    run = _Run(job, items, settings, min(workers, max(1, len(items))), progress)
    progress.begin(len(items))
    try:
        with signals_ask(stop):
            run.until_done(stop)
    finally:
        progress.end()
    # Checked again, since the request may have come while the workers were ending.
    if stop.asked:
        raise stop.error or run.interrupted()
    if run.stuck:
        raise run.unfinished()
    return Totals(run.images, dict(run.failed), time.monotonic() - begun)


class _Run:
    """One call of `run_job`: the workers and their pieces, and the counts so far."""

    def __init__(
        self, job: Job, items: Sequence[Any], settings: Settings, workers: int, progress: Progress
    ) -> None:
        self.images = 0
        self.failed: Counter[str] = Counter()
        self.stuck: list[str] = []
        self._job = job
        self._packed = packed(job)
        self._items = items
        self._pieces = Pieces(len(items), shard_size(len(items), workers, settings.shard))
        self._seconds_per_image = settings.seconds_per_image
        self._noun = settings.items
        self._workers = workers
        self._progress = progress
        self._crew: list[Worker] = []
        self._stillborn = 0
        self._looked_at = time.monotonic()

    def until_done(self, stop: Stop) -> None:
        """Work until nothing is left, or save and stop once an end is requested; leave no process behind."""
        try:
            while self._is_unfinished() and not stop.asked:
                self._hand_out()
                self._listen(TICK)
                self._replace_those_that_overrun()
                self._progress.tick(self._under_way())
            if self._is_unfinished():
                self._let_them_save(stop)
        except GroundglassError:
            self._let_them_save(stop)
            raise
        finally:
            self._dismiss_all()

    def _is_unfinished(self) -> bool:
        return bool(self._at_work() or self._pieces)

    def interrupted(self) -> Interrupted:
        """The error to raise when an end was requested without an error of its own."""
        return interrupted(self.images, len(self._items), self._noun)

    def unfinished(self) -> Unfinished:
        """The error to raise when a worker hung on some items each time they were tried."""
        more = f" and {len(self.stuck) - NAMED} more" if len(self.stuck) > NAMED else ""
        backstop = BACKSTOP * self._seconds_per_image
        return Unfinished(
            f"a worker made no progress for over {backstop:g} s, twice, on {', '.join(self.stuck[:NAMED])}{more}",
            "check whether the disk or the GPU responds, then run the same command again",
        )

    def _let_them_save(self, stop: Stop) -> None:
        """Give the working processes a moment to save their finished items."""
        until = time.monotonic() + GRACE
        for worker in self._at_work():
            worker.ask_to_stop()
        while self._at_work() and time.monotonic() < until and not stop.hurry:
            # Only the first error is raised.
            with contextlib.suppress(GroundglassError):
                self._listen(TICK)

    def _dismiss_all(self) -> None:
        for worker in self._crew:
            if worker.piece is None:
                worker.ask_to_stop()
            else:
                worker.process.kill()
        for worker in self._crew:
            worker.dismiss()
        self._crew.clear()

    def _at_work(self) -> list[Worker]:
        return [worker for worker in self._crew if worker.piece is not None]

    def _under_way(self) -> int:
        """Items that are done but not saved yet."""
        return sum(max(0, worker.at) for worker in self._at_work())

    def _hand_out(self) -> None:
        at_work = len(self._at_work())
        while at_work < self._workers and (piece := self._pieces.take(others_at_work=at_work > 0)):
            worker = self._idle() or self._started()
            if worker is None:
                self._pieces.again(piece)
                return
            worker.give(piece, self._items[piece.start : piece.stop])
            at_work += 1

    def _idle(self) -> Worker | None:
        return next((worker for worker in self._crew if worker.piece is None), None)

    def _started(self) -> Worker | None:
        """A new worker; None if the system grants no process: the job then goes on with the workers that it has."""
        try:
            self._crew.append(Worker(self._packed))
        except (OSError, EOFError) as error:
            if self._crew:
                self._workers = len(self._crew)
            else:
                self._count_stillborn(f"no process can be started: {error}")
            return None
        return self._crew[-1]

    def _listen(self, seconds: float) -> None:
        """Wait for the first message or death, and handle all that have arrived by then."""
        ready = wait([worker.line for worker in self._crew], seconds)
        self._forgive_standstill()
        for worker in [worker for worker in self._crew if worker.line in ready]:
            self._hear(worker)

    def _forgive_standstill(self) -> None:
        """Leave out the time in which this process itself did not run (Ctrl-Z, a suspended machine)."""
        now = time.monotonic()
        paused = now - self._looked_at
        self._looked_at = now
        if paused > STANDSTILL:
            for worker in self._at_work():
                worker.forgive(paused)

    def _hear(self, worker: Worker) -> None:
        for kind, content in worker.messages():
            worker.piece = None
            if kind == "fault":
                raise content
            self._stillborn = 0
            self._count(content)
        if worker.gone:
            self._bury(worker)

    def _count(self, summary: Summary) -> None:
        self.images += summary.images
        self.failed.update(summary.failed)
        self._progress.add(summary)

    def _bury(self, worker: Worker) -> None:
        """Remove a dead worker, and decide about the piece that it was working on."""
        self._crew.remove(worker)
        piece, at, overran = worker.piece, worker.at, worker.overran
        ended = worker.dismiss()
        if piece is None:
            return
        if at < 0:
            self._pieces.again(piece)
            self._count_stillborn(ended)
        elif at >= len(piece):
            self._died_saving(piece, ended)
        # A worker that looks ahead may have died on any item of its batch: repeat the piece one by one to find it.
        elif isinstance(self._job, Ahead) and not piece.careful:
            self._stillborn = 0
            self._pieces.carefully(piece)
        else:
            self._pieces.around(piece, at)
            self._blame(piece, at, overran, ended)

    def _count_stillborn(self, ended: str) -> None:
        self._stillborn += 1
        # One early death may be chance; several in a row mean that no worker can start here.
        if self._stillborn >= PATIENCE:
            raise GroundglassError(
                f"{PATIENCE} worker processes in a row died before their first image ({ended})",
                "their own messages, if any, are above; a common cause is too little memory for so many workers",
            )

    def _died_saving(self, piece: Piece, ended: str) -> None:
        self._pieces.again_after_death_in_saving(piece)
        if piece.deaths + 1 >= PATIENCE:
            raise GroundglassError(
                f"{PATIENCE} workers in a row died while they saved the same images ({ended})"
            )

    def _blame(self, piece: Piece, at: int, overran: Overran, ended: str) -> None:
        """Decide about the item that a worker ended on."""
        self._stillborn = 0
        # CPU time does not depend on how busy the machine is, so a second try would end in the same way.
        if overran == "worked":
            self._save_lost(piece, at, "timeout", f"more than {self._seconds_per_image:g} s of CPU time")
        # No row is written: the next run may find the disk or the GPU working again.
        elif overran == "hung" and piece.hung:
            self.stuck.append(self._job.name(self._items[piece.start + at]))
        elif overran == "hung":
            self._pieces.suspect(piece, at, hung=True)
        elif piece.died:
            self._save_lost(piece, at, "worker_died", ended)
        else:
            self._pieces.suspect(piece, at, died=True)

    def _save_lost(self, piece: Piece, at: int, reason: str, detail: str) -> None:
        """Write the error row of an item that no worker could finish."""
        row = self._job.lost(self._items[piece.start + at], reason, detail)
        self._count(saved(self._job, [row], uuid.uuid4().hex))

    def _replace_those_that_overrun(self) -> None:
        now = time.monotonic()
        for worker in self._at_work():
            if overran := self._overran(worker, worker.busy_for(now)):
                self._end_overrun(worker, overran)

    def _overran(self, worker: Worker, seconds: float) -> Overran:
        """How a worker takes too long that has been at one thing for ``seconds`` of wall time; "" if it does not."""
        piece, at, job = worker.piece, worker.at, self._job
        if at < 0:
            return "hung" if seconds > (LOADING if isinstance(job, Ahead) else STARTING) else ""
        if piece is None or at >= len(piece):
            return "hung" if seconds > SAVING else ""
        images = job.images(self._items[piece.start + at]) if isinstance(job, Ahead) else 1
        share = NETWORK_SHARE if isinstance(job, Ahead) else 1
        limit = self._seconds_per_image * images
        # Reading another process's CPU time costs a system call, so it happens only after the limit in wall time.
        if seconds <= limit:
            return ""
        spent = worker.cpu_spent()
        if spent > share * limit:
            return "worked"
        return "hung" if seconds > BACKSTOP * limit and spent < IDLE * seconds else ""

    def _end_overrun(self, worker: Worker, overran: Overran) -> None:
        """Kill a worker that takes too long on one item; the item is not blamed if it ended just now."""
        since = worker.since
        worker.kill()
        worker.overran = overran if worker.since == since else ""
        self._hear(worker)
        # A worker that hangs in the kernel (a dead network disk) survives even SIGKILL.
        if worker in self._crew:
            self._bury(worker)
