"""SHA-256 of large files, remembered by path, size and time, so that weights are hashed only once."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from groundglass.errors import UnreachableError
from groundglass.files.atomic import write_text
from groundglass.files.hashes import file_sha256, sha256_of


def cache_folder() -> Path:
    """The folder for values that groundglass can compute again: below XDG_CACHE_HOME, or ~/.cache."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "groundglass"


def remembered_sha256(path: Path) -> str:
    """`file_sha256` of a file; it is read again if its size or modification time has changed.

    Raises OSError if it cannot be read.
    """
    real = path.resolve()
    about = real.stat()
    known = f"{os.fsencode(real)!r} {about.st_size} {about.st_mtime_ns}"
    note = cache_folder() / "sha256" / sha256_of(known.encode())
    with suppress(OSError, ValueError):
        found, proof = note.read_text(encoding="ascii").split()
        if proof == _proof(known, found):
            return found
    found = file_sha256(real)
    # Without the cache, the next call is only slower.
    with suppress(UnreachableError, OSError):
        note.parent.mkdir(parents=True, exist_ok=True)
        write_text(f"{found} {_proof(known, found)}", note)
    return found


def _proof(known: str, found: str) -> str:
    """The end of a stored hash, which shows whether the file was cut off or changed."""
    return sha256_of(f"{known} {found}".encode())[:16]
