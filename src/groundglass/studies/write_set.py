"""Writes a folder of tables whole or not at all: an interrupted one goes on, and nothing is ever overwritten."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from groundglass.errors import RecipeError
from groundglass.files.atomic import write_bytes
from groundglass.files.hashes import file_sha256, sha256_of
from groundglass.releases.journal import INCOMPLETE, claimed, close

SUMS = "SHA256SUMS"
CARD = "README.md"
"""It names the version of groundglass, so a set of another version is the same set with another card."""


def write_set(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files and their checksums into a folder: a new or empty one, one that was begun with the same content, or
    one that holds exactly these files, which then stays as it is.

    Raises RecipeError for any other folder; UnreachableError if it cannot be written.
    """
    if is_written(folder, files):
        return
    sums = _sums(files)
    content = _sums({name: data for name, data in files.items() if name != CARD})
    with claimed(folder, hashlib.sha256(content).hexdigest()[:32], None):
        for name, data in (*files.items(), (SUMS, sums)):
            write_bytes(data, folder / name)
        close(folder)


def _sums(files: Mapping[str, bytes]) -> bytes:
    """``SHA256SUMS`` of files, as `sha256sum -c` reads it."""
    return "".join(f"{sha256_of(data)}  {name}\n" for name, data in sorted(files.items())).encode()


def is_written(folder: Path, files: Mapping[str, bytes]) -> bool:
    """Whether a folder is a finished set of these files. Raises RecipeError if one was changed since."""
    if (folder / INCOMPLETE).exists() or not (folder / SUMS).is_file():
        return False
    lines = (line.partition("  ") for line in (folder / SUMS).read_text(encoding="utf-8").splitlines())
    listed = {name: digest for digest, _, name in lines}
    if listed.keys() != files.keys() or any(
        listed[name] != sha256_of(data) for name, data in files.items() if name != CARD
    ):
        return False
    for name, digest in listed.items():
        path = folder / name
        if not path.is_file() or file_sha256(path) != digest:
            raise RecipeError(
                f"{path} was changed or removed after it was written; nothing is ever overwritten",
                "choose another folder, or delete this one yourself",
            )
    return True
