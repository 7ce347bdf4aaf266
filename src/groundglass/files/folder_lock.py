"""One process at a time in a folder: a lock that the system drops when its holder dies, however it dies."""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from groundglass.errors import RecipeError, cannot_write
from groundglass.notices import notice

NAME = ".lock"


@contextmanager
def only_one(folder: Path, what: str | None = None) -> Generator[None]:
    """Hold ``folder`` for this process alone while the block runs; ``what`` names it to others ("run 3").

    Raises RecipeError naming the other process where one holds it, UnreachableError where the lock cannot be
    written. The file stays behind, empty: removing it would let two processes hold two files of one name.
    Worker processes do not inherit it.
    """
    file = _opened(folder / NAME)
    try:
        _lock(file, what or f"{folder}")
        os.ftruncate(file, 0)
        os.pwrite(file, f"{os.getpid()}\n".encode(), 0)
        yield
        os.ftruncate(file, 0)
    finally:
        os.close(file)


def is_held(folder: Path) -> bool:
    """Whether a process is at work in ``folder`` just now; False where that cannot be known.

    >>> import tempfile
    >>> root = tempfile.TemporaryDirectory()
    >>> with only_one(Path(root.name)):
    ...     held = is_held(Path(root.name))
    >>> held, is_held(Path(root.name))
    (True, False)
    >>> root.cleanup()
    """
    try:
        file = os.open(folder / NAME, os.O_RDONLY)
    except OSError:
        return False
    try:
        if not os.pread(file, 1, 0):  # its holder wrote its number: so nobody is kept out by this question
            return False
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        return False
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(file)


def _opened(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT, 0o644)  # not inherited: os.open sets close-on-exec
    except OSError as error:
        raise cannot_write(path, error) from error


def _lock(file: int, what: str) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise _taken(file, what) from None
    except OSError as error:
        if error.errno not in (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP):
            raise
        notice(f"{what}: this file system has no locks, so nothing keeps a second process out")


def _taken(file: int, what: str) -> RecipeError:
    pid = os.pread(file, 32, 0).decode(errors="replace").strip()
    who = f"process {pid}" if pid else "another process"
    return RecipeError(
        f"{what} is being worked on by {who}", "wait till it is done, or end that process, then try again"
    )
