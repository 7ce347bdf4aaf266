"""A release that is being written is marked as unfinished, and continues after an interruption.

``.incomplete`` is in the folder from the first step to the last; ``.manifest-parts/`` holds the workers'
records of written files.
"""

from __future__ import annotations

import fcntl
import glob
import hashlib
import json
import shutil
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from groundglass.errors import RecipeError, UnreachableError, cannot_write
from groundglass.files.atomic import part_name, write_text
from groundglass.files.hashes import sha256_of
from groundglass.releases.file_layout import Photograph
from groundglass.releases.metadata import caption_file
from groundglass.releases.write_job import JOURNAL, leftovers
from groundglass.releases.writers.writer import Release
from groundglass.tables.parts import parts_in, read_parts, remove_part, write_part

INCOMPLETE = ".incomplete"
PARTS = ".manifest-parts"
_KEY = "content key: "
_TEXT = """This release is not finished: it is being written, or was interrupted. Do not train on it.
The same command continues it, keeps the files that are already written, and removes this file in its last
step. To start over instead, delete this folder.

"""


def content_key(rows: pa.Table, step: Release, name: str) -> str:
    """A key of a release's content, as 32 hex digits: its complete rows in order, its settings and its name."""
    digest = hashlib.sha256(json.dumps([name, step.model_dump(mode="json")], sort_keys=True).encode())
    for column in sorted(rows.column_names):
        digest.update(f"\n{column} {rows.schema.field(column).type}\n".encode())
        digest.update(repr(rows[column].to_pylist()).encode(errors="surrogatepass"))
    return digest.hexdigest()[:32]


@contextmanager
def claimed(folder: Path, key: str, archive: Path | None) -> Generator[None]:
    """Reserve the folder while the block runs: it must be new, empty, or begun earlier with the same content.

    Raises RecipeError if it has any other content, or if another process is writing it; UnreachableError if
    it cannot be created.
    """
    _check_free(folder, key, archive)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_write(folder, error) from error
    marker = folder / INCOMPLETE
    if not marker.exists():
        write_text(f"{_TEXT}{_KEY}{key}\n", marker)
    with marker.open("r+") as handle:
        _lock(handle, folder)
        _sweep(folder, archive)
        yield


def _sweep(folder: Path, archive: Path | None) -> None:
    """Remove temporary files of writers that were killed."""
    beside = folder.parent.glob(f".{glob.escape(archive.name)}.*.tmp") if archive is not None else ()
    for path in [*leftovers(folder), *beside]:
        path.unlink(missing_ok=True)


def check_place(folder: Path, recipe: str) -> None:
    """Refuse a folder that a run of this recipe could not write its release to, before the run starts.

    Allowed are a new or empty folder, an unfinished release, and a finished one of the same recipe: whether that has
    the same images is only known when the release is written. Raises RecipeError, UnreachableError.
    """
    there = _contents(folder)
    if INCOMPLETE in there:
        return
    if {"SHA256SUMS", "recipe.yaml"} <= there:
        if (folder / "recipe.yaml").read_text(encoding="utf-8") == recipe:
            return
        raise RecipeError(
            f"{folder} contains a finished release of another recipe; nothing is ever overwritten",
            "choose another folder, or delete this one yourself",
        )
    _refuse_full(folder, there)


def _refuse_full(folder: Path, there: set[str]) -> None:
    if there:
        raise RecipeError(f"{folder} is not empty, and is not a release", "choose a new or an empty folder")


def _check_free(folder: Path, key: str, archive: Path | None) -> None:
    there = _contents(folder)
    if INCOMPLETE in there:
        if f"{_KEY}{key}\n" not in (folder / INCOMPLETE).read_text(encoding="utf-8"):
            raise RecipeError(
                f"{folder} contains an unfinished release with other content",
                "delete that folder, or choose another one; nothing is ever overwritten",
            )
        return
    if "SHA256SUMS" in there:
        raise RecipeError(
            f"{folder} contains a finished release; nothing is ever overwritten",
            "choose another folder, or delete this one yourself",
        )
    _refuse_full(folder, there)
    if archive is not None and archive.exists():
        raise RecipeError(
            f"{archive} already exists; nothing is ever overwritten", "move it, or choose another folder"
        )


def _contents(folder: Path) -> set[str]:
    """Names in the folder, without temporary files from a killed attempt to reserve it."""
    try:
        return {entry.name for entry in folder.iterdir() if not entry.match(f".{INCOMPLETE}.*.tmp")}
    except FileNotFoundError:
        return set()
    except NotADirectoryError as error:
        raise RecipeError(
            f"{folder} is a file, or is below one", "choose a folder to write the release to"
        ) from error
    except OSError as error:
        raise UnreachableError(
            f"cannot read {folder}: {error.strerror}", "choose another place to write to"
        ) from error


def _lock(handle: Any, folder: Path) -> None:
    """Only one process may write a release. If the file system has no locks, the user must take care of this."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise RecipeError(f"another process is writing {folder}", "wait for it, or stop it") from error
    except OSError:
        return


def resume(folder: Path, photographs: Iterable[Photograph]) -> tuple[list[Photograph], int]:
    """The outputs that are still to be written, and the number of images that an earlier attempt completed.

    A file counts if it was recorded and still has the recorded sha256. The journal becomes one part with only
    these files.
    """
    parts = parts_in(folder / PARTS)
    noted = read_parts(folder / PARTS, JOURNAL, JOURNAL.names).to_pylist()
    sound = {row["file"]: row for row in noted if row["error"] is None and _is_there(folder, row)}
    pending, done = _pending(photographs, sound)
    # The new part comes first: a kill in between leaves records twice, which does no harm.
    write_part(pa.Table.from_pylist(list(done.values()), schema=JOURNAL), folder / PARTS / part_name())
    for part in parts:
        remove_part(part)
    return pending, len({row["id"] for row in done.values()})


def _is_there(folder: Path, row: Mapping[str, Any]) -> bool:
    path = folder / row["file"]
    try:
        return path.stat().st_size == row["bytes"] and sha256_of(path.read_bytes()) == row["sha256"]
    except OSError:
        return False


def _pending(
    photographs: Iterable[Photograph], sound: Mapping[str, dict[str, Any]]
) -> tuple[list[Photograph], dict[str, dict[str, Any]]]:
    pending: list[Photograph] = []
    done: dict[str, dict[str, Any]] = {}
    for photograph in photographs:
        rest = tuple(
            output for output in photograph.outputs if not all(file in sound for file in output.files)
        )
        left = {output.id for output in rest}
        for output in photograph.outputs:
            if output.id not in left:
                done |= {file: sound[file] for file in output.files}
        if rest:
            pending.append(replace(photograph, outputs=rest))
    return pending, done


def read_journal(folder: Path) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Rows of the written files, and rows of the failed images, each once."""
    noted = read_parts(folder / PARTS, JOURNAL, JOURNAL.names).to_pylist()
    good = {row["file"]: row for row in noted if row["error"] is None}
    bad = {row["id"]: row for row in noted if row["error"] is not None and row["file"] not in good}
    return list(good.values()), list(bad.values())


def remove_strays(folder: Path, photographs: Iterable[Photograph], good: Iterable[str]) -> None:
    """Remove planned files that a killed attempt wrote but this one could not write, and their captions: no journal
    lists them."""
    planned = {file for item in photographs for output in item.outputs for file in output.files}
    for file in planned - set(good):
        (folder / file).unlink(missing_ok=True)
        caption_file(folder / file).unlink(missing_ok=True)


def close(folder: Path) -> None:
    """The last step: the release is complete."""
    # The mark is removed last: after a kill before that, the release still counts as unfinished.
    with suppress(FileNotFoundError):  # a set of tables has no parts
        shutil.rmtree(folder / PARTS)
    with suppress(FileNotFoundError):
        (folder / INCOMPLETE).unlink()
