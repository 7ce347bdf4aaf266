"""Images in zip and tar files, read in place: nothing is unpacked to disk."""

from __future__ import annotations

import shlex
import tarfile
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, ClassVar, Literal

import pyarrow as pa
from pydantic import Field

from groundglass.errors import RecipeError
from groundglass.settings.field_types import Names
from groundglass.sources.archive_members import Member, free_path
from groundglass.sources.folder import glob_pattern
from groundglass.sources.found_files import FoundFiles, Group, sort_files
from groundglass.sources.listing import existing_files, short_names
from groundglass.sources.source_of_files import SourceOfFiles
from groundglass.sources.system_files import system_part
from groundglass.sources.tars import is_tar_header, tar_members
from groundglass.sources.zips import zip_members
from groundglass.tables.parquet import path_to_bytes

Kind = Literal["zip", "tar"]
_MEMBERS: Mapping[Kind, Callable[[Path], Iterator[Member]]] = {"zip": zip_members, "tar": tar_members}
_REFUSED: tuple[tuple[bytes, str, str, tuple[str, ...]], ...] = (
    (b"\x1f\x8b", "gzip", "gzip", (".gz", ".tgz", "-gz", ".taz")),
    (b"BZh", "bzip2", "bzip2", (".bz2", ".bz", ".tbz2", ".tbz")),
    (b"\xfd7zXZ\0", "xz", "xz", (".xz", ".txz")),
    (b"\x28\xb5\x2f\xfd", "Zstandard", "zstd", (".zst", ".tzst")),
    (b"7z\xbc\xaf\x27\x1c", "7z", "7z", ()),
    (b"Rar!", "RAR", "unrar", ()),
)
"""Formats that cannot be read in place: their first bytes, their name, the command that unpacks them, and the name
endings that the command requires."""


class Archive(SourceOfFiles):
    """The images in zip and tar files, also WebDataset shards, read in place."""

    keys: ClassVar = ("archive",)
    reference: ClassVar = "ZIP (APPNOTE 6.3), POSIX tar, WebDataset's keys"
    example: ClassVar = "{archive: 'shards/*.tar', where: 'score > 5'}"

    archive: Annotated[
        Names,
        Field(
            min_length=1,
            description="zip or uncompressed tar files, also WebDataset shards; `*` matches any name",
        ),
    ]
    glob: Annotated[Names, Field(description="the members to take, e.g. '**/*.jpg'; default: all")] = ()

    def found(self) -> FoundFiles:
        return look_into_archives(self.archive, self.glob)

    def label(self) -> str:
        return ", ".join(self.archive)


def find_archives(names: Sequence[str]) -> list[Path]:
    """The archives with these names (``*`` matches any); at least one must be a zip or tar.

    Raises RecipeError if one does not exist, is compressed as a whole, or none is an archive: a compressed tar
    can only be read from its start, so every image would cost the time of all those before it.
    """
    paths = existing_files(names, "archive")
    # Check all files, so that a compressed one is refused in any position.
    kinds = [kind_of(path) for path in paths]
    if not any(kinds):
        raise RecipeError(
            f"{paths[0]} is neither a zip nor a tar file",
            "name .zip files, or .tar files that are not compressed",
        )
    return paths


def kind_of(path: Path) -> Kind | None:
    """The kind of archive, by its content; None if it is not an archive. Raises RecipeError for a compressed one."""
    try:
        with path.open("rb") as file:
            head = file.read(tarfile.BLOCKSIZE)
        for begins, name, command, endings in _REFUSED:
            if head.startswith(begins):
                hint = _how_to_unpack(path, command, endings)
                raise RecipeError(f"{path} is compressed by {name} and cannot be read in place", hint)
        if head.startswith(b"PK\3\4"):
            return "zip"
        # The end of a file decides last: a tar may end with a zip among its members, and is still a tar.
        return "tar" if _is_tar(head) else "zip" if zipfile.is_zipfile(path) else None
    except OSError as error:
        raise RecipeError(f"{path} cannot be read: {error.strerror}") from error


def _is_tar(head: bytes) -> bool:
    """Whether the first header is a tar's; a file of zeros is a tar without members."""
    return is_tar_header(head) or (len(head) == tarfile.BLOCKSIZE and not head.strip(b"\0"))


def _how_to_unpack(path: Path, command: str, endings: tuple[str, ...]) -> str:
    """The command that unpacks a file next to itself, and the name to write in the recipe then."""
    source = shlex.quote(str(path))
    if command in ("7z", "unrar"):
        folder = free_path(path.with_suffix("") if path.suffix else path.with_name(f"{path.name}-unpacked"))
        into = shlex.quote(str(folder))
        said = f"7z x -o{into} {source}" if command == "7z" else f"unrar x {source} {into}/"
        return f"unpack it first: {said}; then write folder: {folder}"
    if path.name.lower().endswith(endings):
        return f"unpack it first: {command} -dk {source}; then name the new file"
    unpacked = free_path(path.with_name(f"{path.stem}-unpacked{path.suffix}"))
    return f"unpack it first: {command} -dc < {source} > {shlex.quote(str(unpacked))}; then name {unpacked}"


def archive_columns(names: Sequence[str]) -> dict[str, str]:
    """The columns that come with the images, with SQL types that hold all their values.

    Raises what `find_archives` raises.
    """
    return dict(look_into_archives(names).columns.types)


def list_archives(
    names: Sequence[str], globs: Sequence[str] = (), types: Mapping[str, str] | None = None
) -> pa.Table:
    """Every image in the archives as a row of `LISTING`, sorted by uri, with the wanted columns from files next to it;
    see `look_into_archives`."""
    return look_into_archives(names, globs).listing(types)


def look_into_archives(names: Sequence[str], globs: Sequence[str] = ()) -> FoundFiles:
    """Every image in the archives with the facts next to it, and the files that are skipped.

    The uri is the archive's name, ``/``, the member's name; ``globs`` are matched against the members' names.
    A member that cannot be read is a row with its reason. A damaged archive gives the members that can be listed, and a
    row with the archive's own name for the rest. Of two members with one name, the second gets the suffix ``~2``.

    Raises RecipeError like `find_archives`.
    """
    paths = find_archives(names)
    groups = (_group(name, path) for name, path in zip(short_names(paths), paths, strict=True))
    return sort_files(groups, "\n".join(str(path.absolute()) for path in paths), glob_pattern(globs))


def _group(name: str, path: Path) -> Group:
    """An archive's members without the files of operating systems and programs."""
    systems: dict[str, str] = {}
    members: list[Member] = []
    for member in _members(path):
        found = system_part(member.name) if member.name else None
        if found:
            systems[found[1]] = found[0]
        else:
            members.append(member)
    return Group(f"{name}/", members, Counter(systems.values()), [part.rstrip("/") for part in systems])


def _members(path: Path) -> list[Member]:
    raw = path_to_bytes(path.absolute())
    kind = kind_of(path)
    if kind is None:
        return [Member("", raw, error="corrupt", detail="not a zip or tar file")]
    try:
        mtime_ns = path.stat().st_mtime_ns
        return [replace(member, mtime_ns=mtime_ns) for member in _MEMBERS[kind](path)]
    except OSError as error:
        return [Member("", raw, error="unreadable", detail=error.strerror)]
