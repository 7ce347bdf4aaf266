"""One process at a time in a folder: the system releases the lock when its holder ends, even after a crash."""

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
    """Lock ``folder`` for this process while the block runs; ``what`` names the folder in messages ("run 3").

    Raises RecipeError, which names the other process, if it is locked, and UnreachableError if the lock cannot be
    written. The empty file remains: removing it would let two processes lock two files of the same name.
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
    """Whether a process is working in ``folder`` now; False if that cannot be determined.

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
        # A holder writes its process number first. If the file is empty, do not try the lock: even a shared
        # lock held for an instant would make another process believe that the folder is taken.
        if not os.pread(file, 1, 0):
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
        # os.open sets close-on-exec, so workers do not inherit it.
        return os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise cannot_write(path, error) from error


def _lock(file: int, what: str) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise _taken(file, what) from None
    except OSError as error:
        # Some network file systems have no locks; a run there must still be possible.
        if error.errno not in (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP):
            raise
        notice(
            f"{what}: this file system has no locks, so a second process could write here at the same time"
        )


def _taken(file: int, what: str) -> RecipeError:
    pid = os.pread(file, 32, 0).decode(errors="replace").strip()
    who = f"process {pid}" if pid else "another process"
    return RecipeError(
        f"{what} is in use by {who}", "wait until it is done, or end that process, then try again"
    )
