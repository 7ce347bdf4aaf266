"""One file to pass on: the release's folder as zip or 7z. The same content always gives the same bytes.

Images are stored, not compressed again: a PNG hardly shrinks (by under 1 %), and it would take hours.
"""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from groundglass.errors import MissingExtra
from groundglass.files.atomic import written_whole

ENDINGS = {"zip": ".zip", "7z": ".7z"}
_TEXTS = (".txt", ".csv", ".jsonl", ".md", ".yaml", ".lock")
# The earliest time that a zip file can store.
_EPOCH = (1980, 1, 1, 0, 0, 0)
_EPOCH_UNIX = 315_532_800
_PLAIN_FILE = 0o100644
_7Z_ATTRIBUTES = 0x20 | 0x8000 | _PLAIN_FILE << 16
"""7z's attribute word: archived, and the Unix mode in the upper half."""


def check_archive(kind: str | None) -> None:
    """Raises MissingExtra if a 7z archive is requested and py7zr is not installed."""
    if kind == "7z" and find_spec("py7zr") is None:
        raise MissingExtra("7z archives", "archive")


def archive_path(folder: Path, kind: str) -> Path:
    """The archive's path: next to the folder, with the folder's name.

    >>> archive_path(Path("runs/faceup/0001/release"), "7z").as_posix()
    'runs/faceup/0001/release.7z'
    """
    return folder.with_name(folder.name + ENDINGS[kind])


def write_archive(folder: Path, files: Sequence[str], kind: str, top: str) -> Path:
    """Pack ``files`` (relative to ``folder``) under one folder ``top`` and return the archive's path.

    Order, times and permissions are fixed, so equal files give equal archives.

    Raises UnreachableError if the disk is full.
    """
    target = archive_path(folder, kind)
    pack = _pack_zip if kind == "zip" else _pack_7z
    with written_whole(target) as temporary:
        pack(folder, sorted(files), temporary, top)
    return target


def _pack_zip(folder: Path, files: Sequence[str], target: Path, top: str) -> None:
    with zipfile.ZipFile(target, "w", allowZip64=True) as archive:
        for file in files:
            entry = zipfile.ZipInfo(f"{top}/{file}", _EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED if file.endswith(_TEXTS) else zipfile.ZIP_STORED
            entry.external_attr = _PLAIN_FILE << 16
            # Unix, so that programs apply the permissions when they unpack.
            entry.create_system = 3
            entry.file_size = (folder / file).stat().st_size
            with (folder / file).open("rb") as source, archive.open(entry, "w") as sink:
                shutil.copyfileobj(source, sink, 1 << 20)


def _pack_7z(folder: Path, files: Sequence[str], target: Path, top: str) -> None:
    import py7zr
    from py7zr.helpers import ArchiveTimestamp

    stored: list[dict[str, Any]] = [{"id": py7zr.FILTER_COPY}]
    with py7zr.SevenZipFile(target, "w", filters=stored) as archive:
        for file in files:
            with (folder / file).open("rb") as source:
                archive.writef(source, f"{top}/{file}")
            entry: dict[str, Any] = archive.header.files_info.files[-1]  # pyright: ignore[reportOptionalMemberAccess]
            entry["attributes"] = _7Z_ATTRIBUTES
            entry["lastwritetime"] = ArchiveTimestamp.from_datetime(_EPOCH_UNIX)
