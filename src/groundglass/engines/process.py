"""One worker process, seen from the driver."""

from __future__ import annotations

import contextlib
import math
import multiprocessing
import os
import pickle
import signal
import threading
import time
from collections.abc import Generator, Iterator, Sequence
from multiprocessing import forkserver, resource_tracker, spawn
from multiprocessing.context import ForkServerContext
from multiprocessing.sharedctypes import RawArray
from pathlib import Path
from typing import Any, Literal

from groundglass.engines.interrupts import SIGNALS
from groundglass.engines.pieces import Piece
from groundglass.engines.shards import Job
from groundglass.engines.worker import CPU, POSITION, SINCE, USED, WAITING, work

Message = tuple[str, Any]
Overran = Literal["", "worked", "hung"]
_one_start = threading.Lock()
LAST_WORDS = 2.0
"""Seconds that a process may take to end after it was asked to, or killed."""


def fork_server() -> ForkServerContext:
    """The context that starts workers; its server loads the heavy libraries once, at the first start."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["groundglass.engines.nursery"])
    return context


def warm_up() -> None:
    """Start the fork server if it is not running; it loads its libraries while the driver does something else.

    Until it has left the driver's process group, Ctrl-C and SIGTERM to the group stay blocked.
    """
    fork_server()
    # This comes first, since it unblocks signals.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        forkserver.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextlib.contextmanager
def _starting(needs_main: bool) -> Generator[None]:
    """Prevent the started process from running the user's script again, unless the job comes from that script.

    `multiprocessing` would import the main script in every child. A script without the usual
    ``if __name__ == "__main__"``, or one read from stdin, could then start no worker.
    """
    here = threading.get_ident()

    def without_main(name: str) -> dict[str, Any]:
        data = whole(name)
        if threading.get_ident() == here and not needs_main:
            data = {key: value for key, value in data.items() if not key.startswith("init_main_from")}
        return data

    # The change below is global to `multiprocessing`, so only one start may be in progress.
    with _one_start:
        whole = spawn.get_preparation_data
        spawn.get_preparation_data = without_main
        try:
            yield
        finally:
            spawn.get_preparation_data = whole


class Worker:
    """A worker process, its current piece, and the connection to it.

    piece      its current work; None when idle
    given_at   the time when it got the piece, in monotonic seconds
    gone       whether it is dead and all its messages were read
    overran    why it was killed: it "worked" or "hung" on one item for too long; "" if it was not
    """

    def __init__(self, job: bytes) -> None:
        """Start it. Raises OSError or EOFError if no process can be started."""
        warm_up()
        context = fork_server()
        self.line, its_line = context.Pipe()
        its_lifeline, self._lifeline = context.Pipe(duplex=False)
        self._place = RawArray("d", (WAITING, 0.0, 0.0, 0.0))
        self.process = context.Process(target=work, args=(its_line, its_lifeline, self._place), daemon=True)
        self.piece: Piece | None = None
        self.given_at = 0.0
        self.gone = False
        self.overran: Overran = ""
        self._forgiven = (0.0, 0.0)
        try:
            with _starting(needs_main=b"__main__" in job):
                self.process.start()
            # The worker may be dead already; the first `messages` notices that.
            with contextlib.suppress(OSError):
                self.line.send_bytes(job)
        except BaseException:
            self._hang_up()
            raise
        finally:
            its_line.close()
            its_lifeline.close()

    def give(self, piece: Piece, items: Sequence[Any]) -> None:
        """Hand it a piece. If the worker has died meanwhile, the next `messages` notices it."""
        self.piece, self.given_at = piece, time.monotonic()
        with contextlib.suppress(OSError):
            self.line.send((piece.token, items, piece.careful))

    def ask_to_stop(self) -> None:
        """Have it save its finished items, and end."""
        with contextlib.suppress(OSError):
            self.line.send(None)

    def messages(self) -> Iterator[Message]:
        """Its messages since the last call; `gone` is set after a dead worker's last message."""
        with contextlib.suppress(EOFError, OSError):
            while self.line.poll(0):
                yield self.line.recv()
            return
        self.gone = True

    @property
    def at(self) -> int:
        """The position in its piece: -1 before the first item, the piece's length while it saves."""
        return int(self._place[POSITION])

    @property
    def since(self) -> float:
        """The time when it began its current item, in monotonic seconds."""
        return self.given_at if self.at < 0 else self._place[SINCE]

    def busy_for(self, now: float) -> float:
        """Seconds on its current item, without those in which the driver was paused."""
        since = self.since
        forgiven = self._forgiven[1] if self._forgiven[0] == since else 0.0
        return now - since - forgiven

    def cpu_spent(self) -> float:
        """CPU seconds that it has spent on its item, without compilation; 0 if the system does not report them."""
        assert self.process.pid is not None
        return max(0.0, cpu_seconds(self.process.pid) - self._place[CPU])

    def forgive(self, seconds: float) -> None:
        """Subtract ``seconds`` in which everything was paused (Ctrl-Z, a suspended machine)."""
        since = self.since
        before = self._forgiven[1] if self._forgiven[0] == since else 0.0
        self._forgiven = (since, before + seconds)

    def kill(self) -> None:
        """End it at once; its earlier messages can still be read."""
        self.process.kill()
        self.process.join(LAST_WORDS)

    def dismiss(self) -> str:
        """Wait for its end, kill it if it does not end, and return how it ended."""
        self.process.join(LAST_WORDS)
        if self.process.is_alive():
            self.kill()
        ended = how_it_ended(self.process.exitcode)
        _of_ended_workers.append(self._place[USED])
        self._hang_up()
        return ended

    def _hang_up(self) -> None:
        self.line.close()
        self._lifeline.close()
        # Raised if the process is still alive after SIGKILL (a hung disk), or never started.
        with contextlib.suppress(ValueError, AttributeError):
            self.process.close()


def cpu_seconds_of_all() -> float:
    """CPU seconds that this process and its workers, once they have ended, have used so far.

    `resource.RUSAGE_CHILDREN` leaves workers out: they are children of the fork server. Of a worker that was killed,
    its last item is not counted.

    >>> 0 < cpu_seconds_of_all() <= cpu_seconds_of_all()
    True
    """
    return time.process_time() + math.fsum(_of_ended_workers)


_of_ended_workers: list[float] = []


def cpu_seconds(pid: int) -> float:
    """CPU seconds that a process and all its threads have used, as Linux counts them; 0 if they cannot be read.

    >>> before = cpu_seconds(os.getpid())
    >>> _ = sum(range(1_000_000))
    >>> 0 <= before <= cpu_seconds(os.getpid())
    True
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return 0.0
    # These fields are utime and stime; see proc(5).
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def how_it_ended(exit_code: int | None) -> str:
    """An exit code in words.

    >>> how_it_ended(-11), how_it_ended(3)
    ('killed by SIGSEGV', 'exit code 3')
    """
    if exit_code is None:
        return "still hanging"
    if exit_code >= 0:
        return f"exit code {exit_code}"
    with contextlib.suppress(ValueError):
        return f"killed by {signal.Signals(-exit_code).name}"
    return f"killed by signal {-exit_code}"


def packed(job: Job) -> bytes:
    """The job as every worker receives it, pickled once."""
    return pickle.dumps(job, pickle.HIGHEST_PROTOCOL)
