"""Images in folders, at all levels."""

from __future__ import annotations

import os
import re
import stat
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, ClassVar

import pyarrow as pa
from pydantic import Field

from groundglass.errors import RecipeError
from groundglass.settings.field_types import Names
from groundglass.sources.archive_members import Member
from groundglass.sources.found_files import FoundFiles, Group, sort_files
from groundglass.sources.listing import Listed
from groundglass.sources.source_of_files import SourceOfFiles
from groundglass.sources.system_files import system_file, system_folder
from groundglass.text.format import some


class Folder(SourceOfFiles):
    """The images in folders, at all levels, with the texts and facts next to them."""

    keys: ClassVar = ("folder",)
    reference: ClassVar = (
        "`a.txt`, `a.caption` and `a.json` belong to `a.jpg`, as in kohya's scripts and gallery-dl"
    )
    example: ClassVar = "{folder: [photos/, scans/], glob: '**/*.jpg', licence: CC0-1.0}"

    folder: Annotated[Names, Field(min_length=1, description="one or more folders; all levels are searched")]
    glob: Annotated[Names, Field(description="the files to take, e.g. '**/*.jpg'; default: all")] = ()

    def found(self) -> FoundFiles:
        return look_into_folders(self.folder, self.glob)

    def label(self) -> str:
        return ", ".join(self.folder)

    def folders(self) -> tuple[str, ...]:
        return self.folder


def list_folders(folders: Sequence[str], globs: Sequence[str] = ()) -> pa.Table:
    """Every image below the folders as a row of `LISTING`, sorted by uri; see `look_into_folders`."""
    return look_into_folders(folders, globs).listing()


def look_into_folders(folders: Sequence[str], globs: Sequence[str] = ()) -> FoundFiles:
    """Every image below the folders with the facts next to it, and the files that are skipped.

    The uri is the path below the folder, with ``/``; for several folders, the folder as written comes first.
    A file with an image's ending is an image, whatever its content: if it cannot be read, its row says so.
    Links are followed, loops are not. A folder that cannot be listed is a row with the error ``unreadable``. Files of
    operating systems and programs are skipped.

    Raises RecipeError if a folder does not exist.
    """
    prefixes = [f"{folder.rstrip('/')}/" if len(folders) > 1 else "" for folder in folders]
    groups = {
        (prefix, path): _walk(path, prefix)
        for prefix, path in zip(prefixes, map(existing_folder, folders), strict=True)
    }
    found = sort_files(groups.values(), "\n".join(f"{path}" for _, path in groups), glob_pattern(globs))
    return replace(found, notes=(*found.notes, *_archive_notes(found.skipped["uri"].to_pylist())))


def _archive_notes(skipped: Sequence[str]) -> list[str]:
    """The source key that reads the images in archives, which a folder skips."""
    archives = [uri for uri in skipped if uri.lower().endswith((".zip", ".tar"))]
    if not archives:
        return []
    what = (
        f"{archives[0]} is an archive"
        if len(archives) == 1
        else f"{some(len(archives), 'files')} are archives"
    )
    return [
        f"{what}: a source with the key `archive` reads the images in {'it' if len(archives) == 1 else 'them'}"
    ]


def place_of(folder: str) -> Path:
    """A named folder as an absolute path, relative to the working folder; it need not exist.

    >>> place_of("kept") == Path.cwd() / "kept", place_of("./~") == Path.cwd() / "~"
    (True, True)
    """
    # `Path("./~").expanduser()` would be the home folder.
    return Path(os.path.expanduser(folder)).absolute()


def lies_in(inner: Path, outer: Path) -> bool:
    """Whether a folder is another one or is somewhere below it; links are followed.

    >>> lies_in(Path("photos/kept"), Path("photos")), lies_in(Path("photos2"), Path("photos"))
    (True, False)
    """
    return inner.resolve().is_relative_to(outer.resolve())


def existing_folder(folder: str) -> Path:
    """The folder as an absolute path; raises RecipeError if it does not exist or cannot be read."""
    path = place_of(folder)
    if not path.exists():
        raise RecipeError(f"there is no folder {path}", "paths are relative to the working folder")
    if not path.is_dir():
        raise RecipeError(f"{path} is a file, not a folder", f"name its folder: {path.parent}")
    if not os.access(path, os.R_OK | os.X_OK):
        raise RecipeError(f"the folder {path} cannot be read", f"allow it: chmod u+rx {path}")
    return path


def glob_pattern(globs: Sequence[str]) -> re.Pattern[str] | None:
    """One pattern for all globs, or None for no glob; ``**`` crosses folders, a glob without ``/`` matches any level.

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
    """A single file as a row of a listing, with the uri as written."""
    raw = os.fsencode(path.expanduser().absolute())
    try:
        found = _member(_text(os.fsencode(path)), raw, os.stat(raw))
    except FileNotFoundError:
        return Listed(str(path), raw, error="vanished", detail="there is no such file")
    except OSError as error:
        return Listed(str(path), raw, error="unreadable", detail=error.strerror)
    return Listed(found.name, raw, found.size, found.mtime_ns, found.error, found.detail)


def _walk(folder: Path, prefix: str) -> Group:
    """Depth first without recursion; a folder that links to one of its own parents is not entered again."""
    pending: list[tuple[bytes, str, frozenset[tuple[int, int]]]] = [(os.fsencode(folder), "", frozenset())]
    members: list[Member] = []
    systems: Counter[str] = Counter()
    skipped: list[str] = []
    while pending:
        path, below, above = pending.pop()
        try:
            status = os.stat(path)
            entries = list(os.scandir(path))
        except OSError as error:
            members.append(
                Member(below.rstrip("/"), path, error="unreadable", detail=f"folder: {error.strerror}")
            )
            continue
        here = above | {(status.st_dev, status.st_ino)}
        for entry in entries:
            name = below + _text(entry.name)
            if pattern := _of_a_system(entry, name):
                systems[pattern] += 1
                skipped.append(name)
                continue
            try:
                found = entry.stat()
            except OSError as error:
                members.append(Member(name, entry.path, error="unreadable", detail=error.strerror))
                continue
            if not stat.S_ISDIR(found.st_mode):
                members.append(_member(name, entry.path, found))
            elif (found.st_dev, found.st_ino) not in here:
                pending.append((entry.path, f"{name}/", here))
    return Group(prefix, members, systems, skipped)


def _of_a_system(entry: os.DirEntry[bytes], name: str) -> str | None:
    """The pattern that matches a file or folder of a system or program; a broken link counts as a file."""
    try:
        # This costs no system call, except for links.
        is_folder = entry.is_dir()
    except OSError:
        is_folder = False
    return system_folder(name) if is_folder else system_file(name)


def _member(name: str, path: bytes, found: os.stat_result) -> Member:
    """A regular file; a pipe, socket or device is never opened, since that could block forever."""
    if stat.S_ISREG(found.st_mode):
        return Member(name, path, found.st_size, mtime_ns=found.st_mtime_ns)
    return Member(name, path, error="not_an_image", detail="not a regular file")


def name_as_text(name: str | Path) -> str:
    """A name as in tables: bytes of it that are not UTF-8 become a backslash, x and two hex digits."""
    return _text(os.fsencode(name))


def _text(name: bytes) -> str:
    """A file name as text; bytes that are not UTF-8 are shown as \\xNN (the path keeps them unchanged)."""
    return name.decode("utf-8", "backslashreplace")
