"""Pictures in folders, through all levels."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, ClassVar

import pyarrow as pa
from pydantic import Field

from groundglass.errors import RecipeError
from groundglass.settings.field_types import Names
from groundglass.sources.listing import Listed, to_table
from groundglass.sources.source import Brought, Source


class Folder(Source):
    """The files of folders, through all levels."""

    keys: ClassVar = ("folder",)
    reference: ClassVar = "nothing is judged by its name: a file that is not an image is a row that says so"
    example: ClassVar = "{folder: [photos/, scans/], glob: '**/*.jpg', licence: CC0-1.0}"

    folder: Annotated[
        Names, Field(min_length=1, description="one folder or several; searched through all levels")
    ]
    glob: Annotated[Names, Field(description="which files, e.g. '**/*.jpg'; default: all")] = ()

    def look(self) -> Brought:
        for folder in self.folder:
            existing_folder(folder)
        return Brought()

    def listing(self, types: Mapping[str, str], own_folder: Path) -> pa.Table:
        return list_folders(self.folder, self.glob)

    def label(self) -> str:
        return ", ".join(self.folder)

    def folders(self) -> tuple[str, ...]:
        return self.folder


def list_folders(folders: Sequence[str], globs: Sequence[str] = ()) -> pa.Table:
    """Every file below the folders as a row of `LISTING`, sorted by uri.

    The uri is the path below the folder, with ``/``; of several folders, the folder as it was written comes first.
    Nothing is judged by its name: a file that is not a picture becomes a row that says so once it is read.
    Links are followed, loops are not. What cannot be listed is a row with the error ``unreadable``.

    Raises RecipeError when a folder is not there.
    """
    wanted = glob_pattern(globs)
    rows: dict[str, Listed] = {}
    for folder in folders:
        prefix = f"{folder.rstrip('/')}/" if len(folders) > 1 else ""
        for row in _walk(existing_folder(folder), prefix):
            if wanted is None or wanted.fullmatch(row.uri):
                rows[_free_name(row, rows)] = row
    return to_table([replace(row, uri=uri) for uri, row in rows.items()])


def _free_name(row: Listed, rows: dict[str, Listed]) -> str:
    """The row's uri, unless another file has it already: only names that are not UTF-8 can clash."""
    uri = row.uri
    while uri in rows and rows[uri].path != row.path:
        uri += "~"
    return uri


def place_of(folder: str) -> Path:
    """A folder that was named, as an absolute path taken from the working folder; it need not be there.

    >>> place_of("kept") == Path.cwd() / "kept", place_of("./~") == Path.cwd() / "~"
    (True, True)
    """
    return Path(os.path.expanduser(folder)).absolute()  # `Path("./~").expanduser()` would be the home folder


def lies_in(inner: Path, outer: Path) -> bool:
    """Whether a folder is another one, or lies somewhere below it, links followed.

    >>> lies_in(Path("photos/kept"), Path("photos")), lies_in(Path("photos2"), Path("photos"))
    (True, False)
    """
    return inner.resolve().is_relative_to(outer.resolve())


def existing_folder(folder: str) -> Path:
    """The folder as an absolute path; raises RecipeError when there is none."""
    path = place_of(folder)
    if not path.exists():
        raise RecipeError(f"there is no folder {path}", "paths are taken from the working folder")
    if not path.is_dir():
        raise RecipeError(f"{path} is a file, not a folder", f"write the folder that holds it: {path.parent}")
    if not os.access(path, os.R_OK | os.X_OK):
        raise RecipeError(f"the folder {path} cannot be read", f"allow it: chmod u+rx {path}")
    return path


def glob_pattern(globs: Sequence[str]) -> re.Pattern[str] | None:
    """One pattern for all globs, or None for no glob; ``**`` crosses folders, a glob without ``/`` fits any level.

    >>> bool(glob_pattern(["*.jpg"]).fullmatch("a/b/c.jpg")), bool(glob_pattern(["a/*.jpg"]).fullmatch("a/b/c.jpg"))
    (True, False)
    """
    return re.compile("|".join(f"(?:{_translate(glob)})" for glob in globs), re.DOTALL) if globs else None


def _translate(glob: str) -> str:
    anywhere = glob if "/" in glob else f"**/{glob}"
    signs = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    pieces = re.split(r"(\*\*/|\*\*|\*|\?)", anywhere)
    return "".join(signs.get(piece, re.escape(piece)) for piece in pieces)


def listed_file(path: Path) -> Listed:
    """A single file as a row of a listing, uri as it was written."""
    raw = os.fsencode(path.expanduser().absolute())
    try:
        return _listed_file(_text(os.fsencode(path)), raw, os.stat(raw))
    except FileNotFoundError:
        return Listed(str(path), raw, error="vanished", detail="there is no such file")
    except OSError as error:
        return Listed(str(path), raw, error="unreadable", detail=error.strerror)


def _walk(folder: Path, prefix: str) -> Iterator[Listed]:
    """Depth first without recursion; a folder that links back to one on the way down is not entered again."""
    pending: list[tuple[bytes, str, frozenset[tuple[int, int]]]] = [
        (os.fsencode(folder), prefix, frozenset())
    ]
    while pending:
        path, uri, above = pending.pop()
        try:
            status = os.stat(path)
            entries = list(os.scandir(path))
        except OSError as error:
            yield Listed(uri.rstrip("/"), path, error="unreadable", detail=f"folder: {error.strerror}")
            continue
        here = above | {(status.st_dev, status.st_ino)}
        for entry in entries:
            name = uri + _text(entry.name)
            try:
                found = entry.stat()
            except OSError as error:
                yield Listed(name, entry.path, error="unreadable", detail=error.strerror)
                continue
            if not stat.S_ISDIR(found.st_mode):
                yield _listed_file(name, entry.path, found)
            elif (found.st_dev, found.st_ino) not in here:
                pending.append((entry.path, f"{name}/", here))


def _listed_file(uri: str, path: bytes, found: os.stat_result) -> Listed:
    """A regular file; a pipe, socket or device is never opened, since that could wait for ever."""
    if stat.S_ISREG(found.st_mode):
        return Listed(uri, path, found.st_size, found.st_mtime_ns)
    return Listed(uri, path, error="not_an_image", detail="not a regular file")


def name_as_text(name: str | Path) -> str:
    """A name as it stands in tables: bytes of it that are not UTF-8 become a backslash, x and two hex digits."""
    return _text(os.fsencode(name))


def _text(name: bytes) -> str:
    """A file name as text; bytes that are not UTF-8 are shown as \\xNN (the path keeps them as they are)."""
    return name.decode("utf-8", "backslashreplace")
