"""The command in the tests' own process: what it prints and how it ends, without the cost of a process and its workers.

The command finds what it would find in a process of its own: the working folder, the environment, its arguments, and
Python's usual warnings. Its streams are not a terminal. Jobs are done by the engine `inline`. What is about processes
(kills, Ctrl-C, terminals, what is loaded when) needs a real one.
"""

from __future__ import annotations

import contextlib
import io
import os
import signal
import subprocess
import sys
import tempfile
import threading
import traceback
import types
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from patience import STOPS_A_HANG

PROGRAM = "-c"
"""What Python calls a program that is given in its command line, as `flow_tools.command` gives it."""


def run_here(
    folder: Path, arguments: tuple[str, ...], environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run `groundglass` with these arguments as a process with this environment would, in a folder."""
    from groundglass.cli.main import main

    assert threading.current_thread() is threading.main_thread(), "the working folder belongs to all threads"
    with (
        tempfile.TemporaryFile() as out,
        tempfile.TemporaryFile() as err,
        contextlib.ExitStack() as stack,
    ):
        stack.enter_context(contextlib.chdir(folder))
        stack.enter_context(_environment({**environment, "GROUNDGLASS_ENGINE": "inline"}))
        stack.enter_context(_streams(out, err))
        stack.enter_context(_replaced(sys, "argv", [PROGRAM, *arguments]))
        stack.enter_context(_main_module())
        stack.enter_context(_signals())
        stack.enter_context(_usual_warnings())
        stack.enter_context(_no_hang())
        _forget_files()
        code = _exit_code(main)
        stack.close()
        said = (_text(stream) for stream in (out, err))
        return subprocess.CompletedProcess(["groundglass", *arguments], code, *said)


def _exit_code(main: Any) -> int:
    """Run it; its exit code as a shell would see it."""
    try:
        main()
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return end.code or 0
        sys.stderr.write(f"{end.code}\n")
        return 1
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def _text(stream: Any) -> str:
    stream.seek(0)
    return io.IncrementalNewlineDecoder(None, translate=True).decode(
        stream.read().decode("utf-8"), final=True
    )


@contextlib.contextmanager
def _replaced(owner: Any, name: str, value: object) -> Iterator[None]:
    before = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, before)


@contextlib.contextmanager
def _environment(environment: Mapping[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.clear()
    os.environ.update(environment)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@contextlib.contextmanager
def _streams(out: Any, err: Any) -> Iterator[None]:
    """Standard streams on these files down to the system's own numbers, so that native code's words are in them too."""
    files = {0: os.open(os.devnull, os.O_RDONLY), 1: out.fileno(), 2: err.fileno()}
    with contextlib.suppress(ValueError, AttributeError):
        sys.stdout.flush()
        sys.stderr.flush()
    before = {number: os.dup(number) for number in files}
    for number, file in files.items():
        os.dup2(file, number)
    os.close(files[0])
    stdin, stdout, stderr = (
        os.fdopen(number, mode, encoding="utf-8", closefd=False)
        for number, mode in ((0, "r"), (1, "w"), (2, "w"))
    )
    stderr.reconfigure(line_buffering=True, errors="backslashreplace")
    names = {"stdin": stdin, "stdout": stdout, "stderr": stderr}
    try:
        with contextlib.ExitStack() as stack:
            for name, stream in names.items():
                stack.enter_context(_replaced(sys, name, stream))
                stack.enter_context(_replaced(sys, f"__{name}__", stream))
            yield
    finally:
        for stream in (stdin, stdout, stderr):
            with contextlib.suppress(OSError):
                stream.close()
        for number, file in before.items():
            os.dup2(file, number)
            os.close(file)


@contextlib.contextmanager
def _main_module() -> Iterator[None]:
    """A main module that is no package's, as a program in a command line has it: click asks it for its name."""
    before = sys.modules["__main__"]
    sys.modules["__main__"] = types.ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = before


@contextlib.contextmanager
def _signals() -> Iterator[None]:
    before = {which: signal.getsignal(which) for which in (signal.SIGINT, signal.SIGTERM)}
    # A shell starts background jobs with Ctrl-C ignored, and the command would ignore it too.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        for which, handler in before.items():
            signal.signal(which, handler)


@contextlib.contextmanager
def _no_hang() -> Iterator[None]:
    """A command without end is a failed test."""

    def give_up(*_: object) -> None:
        raise TimeoutError(f"{' '.join(sys.argv)} did not come to an end")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.setitimer(signal.ITIMER_REAL, STOPS_A_HANG)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextlib.contextmanager
def _usual_warnings() -> Iterator[None]:
    """Warnings as Python shows them when nobody asks for others."""

    def show(message: Any, category: Any, filename: str, lineno: int, *_: Any) -> None:
        sys.stderr.write(warnings.formatwarning(message, category, filename, lineno))

    with warnings.catch_warnings():
        warnings.resetwarnings()
        for quiet in (DeprecationWarning, PendingDeprecationWarning, ImportWarning, ResourceWarning):
            warnings.simplefilter("ignore", quiet)
        warnings.filterwarnings("ignore", module=r"(PIL|pillow_)")  # image/codecs/pillow.py asks for it
        warnings.showwarning = show
        yield


def _forget_files() -> None:
    """Forget what a process remembers of files by names that another folder may have too."""
    from groundglass.models import loaded
    from groundglass.similarity.test_images import known_sets

    known_sets.load_index.cache_clear()
    loaded._loaded.cache_clear()
