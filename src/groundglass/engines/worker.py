"""What runs in a worker process: items one by one, each under the driver's eyes, then the shard is saved.

    driver ──► worker    the job once; (token, items, careful) for each shard; None to end
    driver ◄── worker    ("done", Summary) or ("fault", GroundglassError)

Where a worker is stands in memory that both see (`Place`), so an item costs no message and the driver knows
it even of a worker that was killed. So does the CPU time at which it began the item; what numba then compiles does
not count as the item's, as the first image of a run would pay for all of it.
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
"""Three shared numbers: the position in the shard (-1 before it, its length while saving), since when, and the CPU time
of the process at that moment, later by what was compiled since."""

WAITING = -1.0
POSITION, SINCE, CPU = 0, 1, 2


def work(line: Connection, lifeline: Connection, place: Place) -> None:
    """The life of a worker. ``line`` is its own to the driver; ``lifeline`` ends when the driver does."""
    end_with_driver(lifeline)
    preload.leave_the_group()
    _be_the_first_to_go_when_memory_ends()
    with contextlib.suppress(EOFError, OSError):  # the driver is gone
        try:
            _serve(line, place)
        except BaseException as error:
            _send_fault(line, error)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # native libraries that hang while they clean up shall not


def _serve(line: Connection, place: Place) -> None:
    job: Job = pickle.loads(line.recv_bytes())
    preload.one_thread_each()
    _leave_out_compiling(place)
    if isinstance(job, Ahead):
        job.load()
    while (message := line.recv()) is not None:
        token, items, careful = message
        done = results_of(job, items, careful)
        results = list(_results(done, len(items), place, _told_to_stop(line)))
        summary = saved(job, results, token) if results else Summary(0)
        place[POSITION] = WAITING
        line.send(("done", summary))


def _results(done: Iterator[Any], count: int, place: Place, told_to_stop: select.poll) -> Iterator[Any]:
    for position in range(count):
        place[CPU] = time.process_time()  # first the times, so that no item is ever seen with an older one's
        place[SINCE] = time.monotonic()
        place[POSITION] = position
        yield next(done)
        if told_to_stop.poll(0):
            break
    place[SINCE] = time.monotonic()
    place[POSITION] = count


def _leave_out_compiling(place: Place) -> None:
    """Have the item's CPU time stand still while numba compiles a kernel, and go on from there afterwards."""
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
    """The results for items, in order, by the job's `many` where it has one and nothing is to be done ``careful``ly."""
    return _ahead(job, items) if isinstance(job, Ahead) and not careful else _one_by_one(job, items)


def _one_by_one(job: Job, items: Sequence[Any]) -> Iterator[Any]:
    return (result(job, item) for item in items)


def _ahead(job: Any, items: Sequence[Any]) -> Iterator[Any]:
    """What the job's `many` gives; where it raises, the items that are left are done one by one."""
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


def _told_to_stop(line: Connection) -> select.poll:
    """Within a shard the only message that can come is the end, and then what is done so far is saved."""
    watch = select.poll()
    watch.register(line.fileno(), select.POLLIN)
    return watch


def result(job: Job, item: Any) -> Any:
    """The job's result for an item, or its `lost` result when it raised: one bad row never costs a shard.

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
    except BaseException as error:  # SystemExit, and panics of native code that are not Exceptions
        return job.lost(item, "measure_failed", _in_words(error))


def saved(job: Job, results: Sequence[Any], token: str) -> Summary:
    """Save a shard, files named by ``token``; raises UnreachableError when the place cannot be written."""
    try:
        with parts_named(token):
            return job.save(results)
    except OSError as error:
        raise cannot_write(error.filename or "what was done", error) from error


def _in_words(error: BaseException) -> str:
    """The error in one line, with the place it came from."""
    text = "".join(traceback.format_exception_only(error)).strip()
    frames = traceback.extract_tb(error.__traceback__)
    return f"{text} ({frames[-1].filename}:{frames[-1].lineno})" if frames else text


def fault_of(error: BaseException) -> GroundglassError:
    """Why a job cannot go on: an error of the program's own as it is, any other one in words."""
    if isinstance(error, GroundglassError):
        return error
    return GroundglassError(f"the job failed: {_in_words(error)}")


def _send_fault(line: Connection, error: BaseException) -> None:
    """Tell the driver why the job cannot go on; errors that do not survive pickling go as their text."""
    fault = fault_of(error)
    try:
        whole = pickle.loads(pickle.dumps(fault))
    except Exception:
        whole = GroundglassError(str(fault), fault.hint)
    line.send(("fault", whole))


def end_with_driver(lifeline: Connection) -> None:
    """Have this process killed as soon as the driver, which holds the other end of the pipe, is gone.

    On Linux the kernel itself sends SIGKILL when the pipe ends, whatever native code is at work here; a
    parent-death signal would not do, since the parent is the fork server. The thread is for other systems.
    """
    threading.Thread(target=_exit_at_end_of, args=(lifeline,), daemon=True).start()
    if sys.platform == "linux":
        import fcntl

        pipe = lifeline.fileno()
        fcntl.fcntl(pipe, fcntl.F_SETSIG, signal.SIGKILL)
        fcntl.fcntl(pipe, fcntl.F_SETOWN, os.getpid())
        fcntl.fcntl(pipe, fcntl.F_SETFL, fcntl.fcntl(pipe, fcntl.F_GETFL) | os.O_ASYNC)


def _exit_at_end_of(lifeline: Connection) -> None:
    lifeline.poll(None)  # nothing is ever sent on it
    os._exit(1)


def _be_the_first_to_go_when_memory_ends() -> None:
    """Ask Linux to end a worker, which is replaced, rather than the driver or something of the user's."""
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:  # noqa: PTH123
        file.write("700")
