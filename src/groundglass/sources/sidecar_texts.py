"""Reads the texts next to images: many at a time, and again only if they have changed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from groundglass.errors import ImageError, UnreachableError
from groundglass.files.hash_cache import cache_folder
from groundglass.files.hashes import sha256_of
from groundglass.files.locators import read
from groundglass.sources.archive_members import Member
from groundglass.sources.sidecars import Sidecar
from groundglass.tables.parquet import write_parquet
from groundglass.text.decode_text import WINDOWS, decode_text

LARGEST = 1 << 20
"""The largest size of such a file, in bytes."""
_READERS = 16
"""Files that are read at once: on a network drive each read costs a round trip."""
_WORTH_KEEPING = 1000
"""If at least this many texts are new, all are kept on disk for the next command."""

_SCHEMA = pa.schema(
    [
        ("locator", pa.binary()),
        ("bytes", pa.int64()),
        ("mtime_ns", pa.int64()),
        ("text", pa.string()),
        ("encoding", pa.string()),
        ("wrong", pa.string()),
    ]
)
_Key = tuple[bytes, int | None, int | None]


class Read(NamedTuple):
    """The text of a file and its encoding, or the reason why it cannot be used."""

    text: str | None
    encoding: str | None
    wrong: str | None


_known: dict[str, dict[_Key, Read]] = {}
"""Texts that this process has read, by their place: a plan and its run read them once."""


def read_texts(members: Sequence[Member], place: str) -> list[Read]:
    """The text of each file; files that have not changed since an earlier call are not read again.

    ``place`` names the folders or archives that they come from. Temporary errors, such as a drive that does not
    respond, are not remembered.
    """
    keys = [_key(member) for member in members]
    file = cache_folder() / "sidecars" / f"{sha256_of(place.encode('utf-8', 'surrogateescape'))}.parquet"
    known = _known.get(place) or _load(file)
    new = [member for member, key in zip(members, keys, strict=True) if key not in known]
    with ThreadPoolExecutor(_READERS) as readers:
        fresh = dict(zip(map(_key, new), readers.map(_read, new, chunksize=64), strict=True))
    found = {key: known.get(key) or fresh[key] for key in keys}
    lasting = {key: its for key, its in found.items() if not (its.wrong or "").startswith("!")}
    _known[place] = lasting
    if len(fresh) >= _WORTH_KEEPING:
        # Without the cache, the texts are only read again.
        with suppress(UnreachableError, OSError):
            _save(lasting, file)
    return [_plain(found[key]) for key in keys]


def facts_in(read: Read, sidecar: Sidecar) -> tuple[Mapping[str, Any], str | None]:
    """The columns in a file, and the reason if it cannot be used."""
    name = sidecar.member.name
    if read.text is None:
        return {}, f"{name} cannot be used: {read.wrong}"
    if sidecar.kind != "json":
        return {sidecar.column: read.text.strip()}, None
    try:
        found = json.loads(read.text)
    except (ValueError, RecursionError) as error:
        return {}, f"{name} cannot be used: {error}"
    return (found if isinstance(found, dict) else {sidecar.column: found}), None


def guessed(texts: Iterable[Read]) -> int:
    """The number of texts that were read as Windows-1252."""
    return sum(text.encoding == WINDOWS for text in texts)


def _key(member: Member) -> _Key:
    return member.locator, member.size, member.mtime_ns


def _read(member: Member) -> Read:
    """A text as it is in its file; ``!`` before the reason marks an error that may be temporary."""
    if (member.size or 0) > LARGEST:
        return Read(None, None, f"larger than {LARGEST:,} bytes")
    try:
        return Read(*decode_text(read(member.locator)), None)
    except ImageError as error:
        return Read(None, None, f"!{error.reason}: {error.detail}")
    except ValueError as error:
        return Read(None, None, str(error))


def _plain(read: Read) -> Read:
    return read if read.wrong is None else read._replace(wrong=read.wrong.removeprefix("!"))


def _load(file: Path) -> dict[_Key, Read]:
    from pyarrow import parquet

    try:
        columns = parquet.read_table(file, schema=_SCHEMA).to_pydict()
    except (OSError, ValueError, pa.ArrowException):
        return {}
    keys = zip(columns["locator"], columns["bytes"], columns["mtime_ns"], strict=True)
    texts = zip(columns["text"], columns["encoding"], columns["wrong"], strict=True)
    return dict(zip(keys, map(Read._make, texts), strict=True))


def _save(texts: Mapping[_Key, Read], file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    columns = [*zip(*texts, strict=True), *zip(*texts.values(), strict=True)]
    write_parquet(pa.table(list(map(list, columns)), schema=_SCHEMA), file)
