"""One worker process as the driver holds it."""

from __future__ import annotations

import contextlib
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

from groundglass.kernel.engines.interrupts import SIGNALS
from groundglass.kernel.engines.pieces import Piece
from groundglass.kernel.engines.shards import Job
from groundglass.kernel.engines.worker import CPU, POSITION, SINCE, WAITING, work

Message = tuple[str, Any]
Overran = Literal["", "worked", "stood"]
_one_start = threading.Lock()
LAST_WORDS = 2.0
"""Seconds that a process which was told to end, or killed, may take to be gone."""


def fork_server() -> ForkServerContext:
    """The context that workers come from; its server loads the heavy libraries once, at the first start."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["groundglass.kernel.engines.nursery"])
    return context


def warm_up() -> None:
    """Start the fork server if it does not run; it loads its libraries while the driver does something else.

    Until it has left the driver's process group, Ctrl-C and SIGTERM sent to the group wait.
    """
    fork_server()
    resource_tracker.ensure_running()  # which unblocks signals, so it comes first
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        forkserver.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextlib.contextmanager
def _starting(needs_main: bool) -> Generator[None]:
    """Have the process that is started in the block not run the user's script again, unless the job comes from it.

    `multiprocessing` would import the main script in every child, so that a script without the customary
    ``if __name__ == "__main__"``, or one read from stdin, could start no worker.
    """
    here = threading.get_ident()

    def without_main(name: str) -> dict[str, Any]:
        data = whole(name)
        if threading.get_ident() == here and not needs_main:
            data = {key: value for key, value in data.items() if not key.startswith("init_main_from")}
        return data

    with _one_start:
        whole = spawn.get_preparation_data
        spawn.get_preparation_data = without_main
        try:
            yield
        finally:
            spawn.get_preparation_data = whole


class Worker:
    """A worker process, the piece it is at, and the line to it.

    piece      what it is doing; None when idle
    given_at   when it got the piece, monotonic seconds
    gone       whether it is dead and all that it said was heard
    overran    why it was killed: it "worked" or "stood" still at one item for too long; "" if it was not
    """

    def __init__(self, job: bytes) -> None:
        """Start it. Raises OSError or EOFError where no process can be had."""
        warm_up()
        context = fork_server()
        self.line, its_line = context.Pipe()
        its_lifeline, self._lifeline = context.Pipe(duplex=False)
        self._place = RawArray("d", (WAITING, 0.0, 0.0))
        self.process = context.Process(target=work, args=(its_line, its_lifeline, self._place), daemon=True)
        self.piece: Piece | None = None
        self.given_at = 0.0
        self.gone = False
        self.overran: Overran = ""
        self._forgiven = (0.0, 0.0)
        try:
            with _starting(needs_main=b"__main__" in job):
                self.process.start()
            with contextlib.suppress(OSError):  # dead already: seen at the first `messages`
                self.line.send_bytes(job)
        except BaseException:
            self._hang_up()
            raise
        finally:
            its_line.close()
            its_lifeline.close()

    def give(self, piece: Piece, items: Sequence[Any]) -> None:
        """Hand it a piece. A worker that has died meanwhile is seen at the next `messages`."""
        self.piece, self.given_at = piece, time.monotonic()
        with contextlib.suppress(OSError):
            self.line.send((piece.token, items, piece.careful))

    def tell_to_stop(self) -> None:
        """Have it save what it has done, and end."""
        with contextlib.suppress(OSError):
            self.line.send(None)

    def messages(self) -> Iterator[Message]:
        """What it has said since the last time; `gone` is set after a dead one's last words."""
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
        """When it began what it is at, monotonic seconds."""
        return self.given_at if self.at < 0 else self._place[SINCE]

    def busy_for(self, now: float) -> float:
        """Seconds that it has been at what it is at, without those in which the driver stood still."""
        since = self.since
        forgiven = self._forgiven[1] if self._forgiven[0] == since else 0.0
        return now - since - forgiven

    def cpu_spent(self) -> float:
        """CPU seconds that it has spent on its item, compiling left out; 0 where the system does not say."""
        assert self.process.pid is not None
        return max(0.0, cpu_seconds(self.process.pid) - self._place[CPU])

    def forgive(self, seconds: float) -> None:
        """Take ``seconds`` off: everything stood still (Ctrl-Z, a paused machine)."""
        since = self.since
        before = self._forgiven[1] if self._forgiven[0] == since else 0.0
        self._forgiven = (since, before + seconds)

    def kill(self) -> None:
        """End it at once; what it said before can still be read."""
        self.process.kill()
        self.process.join(LAST_WORDS)

    def dismiss(self) -> str:
        """See it out, killed if it does not go by itself, and say how it ended."""
        self.process.join(LAST_WORDS)
        if self.process.is_alive():
            self.kill()
        ended = how_it_ended(self.process.exitcode)
        self._hang_up()
        return ended

    def _hang_up(self) -> None:
        self.line.close()
        self._lifeline.close()
        with contextlib.suppress(
            ValueError, AttributeError
        ):  # still alive after SIGKILL (a hung disk), or never started
            self.process.close()


def cpu_seconds(pid: int) -> float:
    """CPU seconds that a process and all its threads have used, as Linux counts them; 0 where it cannot be read.

    >>> before = cpu_seconds(os.getpid())
    >>> _ = sum(range(1_000_000))
    >>> 0 <= before <= cpu_seconds(os.getpid())
    True
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")  # utime and stime, proc(5)


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
    """The job as every worker gets it, pickled once."""
    return pickle.dumps(job, pickle.HIGHEST_PROTOCOL)
