"""Pictures in zip and tar files, read where they lie: nothing is unpacked to disk."""

from __future__ import annotations

import tarfile
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, ClassVar, Literal

import pyarrow as pa
from pydantic import Field

from groundglass.errors import RecipeError
from groundglass.settings.field_types import Names
from groundglass.sources.archive_members import Member
from groundglass.sources.folder import glob_pattern
from groundglass.sources.listing import Listed, existing_files, short_names, to_table, unique
from groundglass.sources.sidecars import SAMPLE, Pair, column_types, converted, facts_of, pair
from groundglass.sources.source import Brought, SourceWithColumns
from groundglass.sources.tars import tar_members
from groundglass.sources.zips import zip_members
from groundglass.tables.parquet import path_to_bytes
from groundglass.text.suggest import did_you_mean

Kind = Literal["zip", "tar"]
_MEMBERS: Mapping[Kind, Callable[[Path], Iterator[Member]]] = {"zip": zip_members, "tar": tar_members}
_REFUSED: tuple[tuple[bytes, str, str], ...] = (
    (b"\x1f\x8b", "gzip", "gzip -dk"),
    (b"BZh", "bzip2", "bzip2 -dk"),
    (b"\xfd7zXZ\0", "xz", "xz -dk"),
    (b"\x28\xb5\x2f\xfd", "Zstandard", "zstd -dk"),
    (b"7z\xbc\xaf\x27\x1c", "7z", "7z x"),
    (b"Rar!", "RAR", "unrar x"),
)
"""What cannot be read in place: how it begins, its name, and the command that unpacks it."""


class Archive(SourceWithColumns):
    """The images in zip and tar files, WebDataset shards too, read where they lie."""

    keys: ClassVar = ("archive",)
    reference: ClassVar = "ZIP (APPNOTE 6.3), POSIX tar, WebDataset's keys"
    example: ClassVar = "{archive: 'shards/*.tar', where: 'score > 5'}"

    archive: Annotated[
        Names,
        Field(
            min_length=1,
            description="zip or uncompressed tar files, WebDataset shards too; `*` stands for any name",
        ),
    ]
    glob: Annotated[Names, Field(description="which members, e.g. '**/*.jpg'; default: all")] = ()

    def look(self) -> Brought:
        found, stated = archive_columns(self.archive), self.stated()
        unseen = [name for name in stated if name not in found]
        notes = (
            f"none of the first pictures has '{name}' beside it.{did_you_mean(name, found)}"
            for name in unseen
        )
        return replace(self.brought(found | stated, stated), notes=tuple(notes))

    def listing(self, types: Mapping[str, str], own_folder: Path) -> pa.Table:
        return list_archives(self.archive, self.glob, types)

    def label(self) -> str:
        return ", ".join(self.archive)


def find_archives(names: Sequence[str]) -> list[Path]:
    """The archives that are named (``*`` stands for any), of which at least one is known to be a zip or tar.

    Raises RecipeError where one is not there, is compressed as a whole, or none is an archive: a compressed tar
    can only be read from its start on, so every picture would cost all those before it.
    """
    paths = existing_files(names, "archive")
    kinds = [kind_of(path) for path in paths]  # of all: one that is compressed is refused wherever it stands
    if not any(kinds):
        raise RecipeError(
            f"{paths[0]} is neither a zip nor a tar file",
            "name .zip files, or .tar files that are not compressed",
        )
    return paths


def kind_of(path: Path) -> Kind | None:
    """What the file is by its content; None where it is not an archive. Raises RecipeError for a compressed one."""
    try:
        with path.open("rb") as file:
            head = file.read(tarfile.BLOCKSIZE)
        for begins, name, command in _REFUSED:
            if head.startswith(begins):
                hint = f"unpack it first: {command} {path}"
                raise RecipeError(f"{path} is compressed by {name} and cannot be read in place", hint)
        if head.startswith(b"PK\3\4"):
            return "zip"
        return "tar" if _is_tar(head) else "zip" if zipfile.is_zipfile(path) else None
    except OSError as error:
        raise RecipeError(f"{path} cannot be read: {error.strerror}") from error


def _is_tar(head: bytes) -> bool:
    """Whether a tar header's checksum fits; a file of zeros is a tar without members."""
    try:
        tarfile.TarInfo.frombuf(head, "utf-8", "surrogateescape")
    except tarfile.EOFHeaderError:  # pyright: ignore[reportAttributeAccessIssue]
        return True
    except (tarfile.HeaderError, ValueError):
        return False
    return True


def archive_columns(names: Sequence[str]) -> dict[str, str]:
    """The columns that come with the pictures, and their SQL types, as the first of them say.

    Learnt from at most `SAMPLE` pictures of the first archive that can be read. Raises what `find_archives` raises.
    """
    path = next(path for path in find_archives(names) if kind_of(path))
    with_facts = [companions for _, companions in sorted(_pairs(path), key=_name) if companions]
    return column_types(facts_of(companions)[0] for companions in with_facts[:SAMPLE])


def list_archives(
    names: Sequence[str], globs: Sequence[str] = (), types: Mapping[str, str] | None = None
) -> pa.Table:
    """Every picture in the archives as a row of `LISTING`, sorted by uri: the archive's name, ``/``, the member's.

    ``globs`` are held against the members' names. ``types`` are the columns wanted of what lies beside the pictures
    (`groundglass.sources.sidecars`), with their SQL types; a value of another type is null.
    What cannot be read is a row with its reason; of a damaged archive what can still be listed is, and a row named
    like the archive itself says the rest. Of two members of one name the second gets ``~2`` behind it.

    Raises RecipeError as `find_archives` does.
    """
    paths = find_archives(names)
    wanted = glob_pattern(globs)
    rows: list[Listed] = []
    for name, path in zip(short_names(paths), paths, strict=True):
        pairs = [
            found
            for found in _pairs(path)
            if not wanted or not found[0].name or wanted.fullmatch(found[0].name)
        ]
        rows += _listed(name, path, pairs, types or {})
    uris = unique([row.uri for row in rows])
    return to_table([_named(row, uri) for row, uri in zip(rows, uris, strict=True)], types)


def _pairs(path: Path) -> list[Pair]:
    kind = kind_of(path)
    if kind is None:
        return [
            (Member("", path_to_bytes(path.absolute()), error="corrupt", detail="no zip or tar file"), {})
        ]
    try:
        return pair(list(_MEMBERS[kind](path)))
    except OSError as error:
        return [(Member("", path_to_bytes(path.absolute()), error="unreadable", detail=error.strerror), {})]


def _name(found: Pair) -> str:
    return found[0].name


def _listed(name: str, path: Path, pairs: Sequence[Pair], types: Mapping[str, str]) -> Iterator[Listed]:
    mtime_ns = path.stat().st_mtime_ns
    for member, companions in pairs:
        facts, wrong = facts_of(companions) if types else ({}, None)
        beside = {column: converted(facts.get(column), kind) for column, kind in types.items()}
        uri = f"{name}/{member.name}" if member.name else name
        time = None if member.error else mtime_ns
        detail = member.detail or wrong
        yield Listed(uri, member.locator, member.size, time, member.error, detail, beside)


def _named(row: Listed, uri: str) -> Listed:
    return row if row.uri == uri else replace(row, uri=uri)
