"""The code that runs in a worker process: it does items one by one, visibly for the driver, and saves the shard.

    driver ──► worker    the job once; (token, items, careful) for each shard; None to end
    driver ◄── worker    ("done", Summary) or ("fault", GroundglassError)

A worker writes its position to shared memory (`Place`), so an item costs no message and the driver can read
the position even of a killed worker. The memory also holds the CPU time at the start of the item. Time that numba
spends on compiling is not counted, since the first image of a run would be charged for all of it.
"""

from __future__ import annotations

import contextlib
import ctypes
import math
import os
import pickle
import select
import signal
import sys
import threading
import time
import traceback
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection
from typing import Any

from groundglass.engines import preload
from groundglass.engines.shards import Ahead, Job, Summary
from groundglass.errors import GroundglassError, ImageError, cannot_write
from groundglass.files.atomic import parts_named

Place = ctypes.Array[ctypes.c_double]
"""Four shared numbers: the position in the shard (-1 before it, its length while saving), the time when the item
began, the process's CPU time at that moment, plus the time spent on compiling since, and all CPU time until the last
item ended."""

WAITING = -1.0
POSITION, SINCE, CPU, USED = 0, 1, 2, 3


def work(line: Connection, lifeline: Connection, place: Place) -> None:
    """The main function of a worker. ``line`` connects it with the driver; ``lifeline`` ends when the driver does."""
    end_with_driver(lifeline)
    preload.leave_the_group()
    _be_the_first_to_go_when_memory_ends()
    # Raised if the driver is gone.
    with contextlib.suppress(EOFError, OSError):
        try:
            _serve(line, place)
        except BaseException as error:
            _send_fault(line, error)
    sys.stdout.flush()
    sys.stderr.flush()
    # Skip the cleanup of native libraries, which can hang.
    os._exit(0)


def _serve(line: Connection, place: Place) -> None:
    job: Job = pickle.loads(line.recv_bytes())
    preload.one_thread_each()
    _leave_out_compiling(place)
    if isinstance(job, Ahead):
        job.load()
    while (message := line.recv()) is not None:
        token, items, careful = message
        done = results_of(job, items, careful)
        results = list(_results(done, len(items), place, _stop_watch(line)))
        summary = saved(job, results, token) if results else Summary(0)
        place[POSITION] = WAITING
        place[USED] = time.process_time()
        line.send(("done", summary))


def _results(done: Iterator[Any], count: int, place: Place, stop_watch: select.poll) -> Iterator[Any]:
    for position in range(count):
        # Write the times first, so that the driver never sees a new position with an old time.
        place[CPU] = place[USED] = time.process_time()
        place[SINCE] = time.monotonic()
        place[POSITION] = position
        yield next(done)
        if stop_watch.poll(0):
            break
    place[SINCE] = time.monotonic()
    place[POSITION] = count


def _leave_out_compiling(place: Place) -> None:
    """Leave the compilation of numba kernels out of the item's CPU time.

    While numba compiles, the start time is infinite, so the spent time is 0; afterwards it moves on by the same amount.
    """
    from numba.core import event

    class Compiling(event.Listener):
        depth, before, began = 0, 0.0, 0.0

        def on_start(self, event: Any) -> None:  # noqa: ARG002
            if self.depth == 0:
                self.before, self.began = place[CPU], time.process_time()
                place[CPU] = math.inf
            self.depth += 1

        def on_end(self, event: Any) -> None:  # noqa: ARG002
            self.depth -= 1
            if self.depth == 0:
                place[CPU] = self.before + time.process_time() - self.began

    event.register("numba:compile", Compiling())


def results_of(job: Job, items: Sequence[Any], careful: bool = False) -> Iterator[Any]:
    """The results for items, in order: by the job's `many` if it has one and ``careful`` is not set, else by `one`."""
    return _ahead(job, items) if isinstance(job, Ahead) and not careful else _one_by_one(job, items)


def _one_by_one(job: Job, items: Sequence[Any]) -> Iterator[Any]:
    return (result(job, item) for item in items)


def _ahead(job: Any, items: Sequence[Any]) -> Iterator[Any]:
    """The results of the job's `many`; if it raises, the remaining items are done one by one."""
    count = 0
    try:
        for found in job.many(items):
            count += 1
            yield found
    except GeneratorExit:
        raise
    except BaseException as error:
        if isinstance(error, GroundglassError) and not isinstance(error, ImageError):
            raise
    yield from _one_by_one(job, items[count:])


def _stop_watch(line: Connection) -> select.poll:
    """Watches for a message: within a shard only the request to stop can come; finished items are then saved."""
    watch = select.poll()
    watch.register(line.fileno(), select.POLLIN)
    return watch


def result(job: Job, item: Any) -> Any:
    """The job's result for an item, or its `lost` result if it raised: one bad row never costs a shard.

    Raises GroundglassErrors that are not about this image (a full disk, a missing extra): they end the job.
    """
    try:
        return job.one(item)
    except ImageError as error:
        return job.lost(item, error.reason, error.detail)
    except GroundglassError:
        raise
    except MemoryError as error:
        return job.lost(item, "out_of_memory", str(error))
    except BaseException as error:
        # Also SystemExit, and panics of native code that are not Exceptions.
        return job.lost(item, "measure_failed", _in_words(error))


def saved(job: Job, results: Sequence[Any], token: str) -> Summary:
    """Save a shard; ``token`` names its files. Raises UnreachableError if the folder cannot be written to."""
    try:
        with parts_named(token):
            return job.save(results)
    except OSError as error:
        raise cannot_write(error.filename or "the results", error) from error


def _in_words(error: BaseException) -> str:
    """The error in one line, with the line of code that raised it."""
    text = "".join(traceback.format_exception_only(error)).strip()
    frames = traceback.extract_tb(error.__traceback__)
    return f"{text} ({frames[-1].filename}:{frames[-1].lineno})" if frames else text


def fault_of(error: BaseException) -> GroundglassError:
    """The error that ends a job: a GroundglassError unchanged, any other error described in one."""
    if isinstance(error, GroundglassError):
        return error
    return GroundglassError(f"the job failed: {_in_words(error)}")


def _send_fault(line: Connection, error: BaseException) -> None:
    """Send the driver the error that ends the job; errors that cannot be pickled are sent as their text."""
    fault = fault_of(error)
    try:
        whole = pickle.loads(pickle.dumps(fault))
    except Exception:
        whole = GroundglassError(str(fault), fault.hint)
    line.send(("fault", whole))


def end_with_driver(lifeline: Connection) -> None:
    """Have this process killed as soon as the driver, which holds the other end of the pipe, has ended.

    On Linux the kernel itself sends SIGKILL when the pipe ends, even while native code runs here; a
    parent-death signal would not work, since the parent is the fork server. The thread is for other systems.
    """
    threading.Thread(target=_exit_at_end_of, args=(lifeline,), daemon=True).start()
    if sys.platform == "linux":
        import fcntl

        pipe = lifeline.fileno()
        fcntl.fcntl(pipe, fcntl.F_SETSIG, signal.SIGKILL)
        fcntl.fcntl(pipe, fcntl.F_SETOWN, os.getpid())
        fcntl.fcntl(pipe, fcntl.F_SETFL, fcntl.fcntl(pipe, fcntl.F_GETFL) | os.O_ASYNC)


def _exit_at_end_of(lifeline: Connection) -> None:
    # Nothing is ever sent on this pipe, so the call returns only when the driver ends.
    lifeline.poll(None)
    os._exit(1)


def _be_the_first_to_go_when_memory_ends() -> None:
    """Ask Linux to kill a worker, which is replaced, rather than the driver or another program of the user."""
    # The range is -1000 to 1000; ordinary processes have 0.
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:  # noqa: PTH123
        file.write("700")
