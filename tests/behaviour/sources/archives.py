"""Archives made for a test, honest and hostile ones."""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from groundglass.sources.archive import list_archives


def make_zip(path: Path, members: Sequence[tuple[str, bytes]], method: int = zipfile.ZIP_DEFLATED) -> Path:
    """A zip of these members, as they are named: two may have one name."""
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in members:
            info = zipfile.ZipInfo(name)
            info.filename = info.orig_filename = name
            archive.writestr(info, content, compress_type=method)
    return path


def make_tar(path: Path, members: Sequence[tuple[str, bytes]], format: int = tarfile.PAX_FORMAT) -> Path:
    with tarfile.open(path, "w", format=format) as archive:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def add_special(path: Path, name: str, kind: bytes, target: str = "") -> None:
    """Append a link or a device to a tar."""
    with tarfile.open(path, "a") as archive:
        info = tarfile.TarInfo(name)
        info.type, info.linkname = kind, target
        archive.addfile(info)


def rows(
    *paths: Path, globs: Sequence[str] = (), types: Mapping[str, str] | None = None
) -> dict[str, dict[str, Any]]:
    """The listing of archives by uri; every uri must be there once."""
    listing = list_archives([str(path) for path in paths], globs, types).to_pylist()
    found = {row["uri"]: row for row in listing}
    assert len(found) == len(listing)
    assert list(found) == sorted(found)
    return found


def reasons(found: Mapping[str, Mapping[str, Any]]) -> dict[str, str | None]:
    return {uri: row["error"] for uri, row in found.items()}
