"""Tags that people gave in FiftyOne, as a table for a recipe. The JSON is foreign data: it is read, never trusted."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from groundglass.errors import RecipeError
from groundglass.files.atomic import write_text
from groundglass.plans.run_folder import RunFolder, load_record
from groundglass.plans.run_tables import read_tables

ENDING = ".jsonl"
COLUMN = "tag_"
"""Before the name of a tag's own column."""
MOST_TAGS = 200
"""Tags that become columns of their own."""
FAULTS: Mapping[str, str] = {
    "not_an_object": "the sample is not a JSON object",
    "no_tags": "the sample has no list of texts under `tags`",
    "not_in_run": "neither its groundglass_id nor its filepath is an image of the run",
    "twice": "the image has an earlier sample with other tags",
}
"""Why a sample gives no row."""


@dataclass(frozen=True)
class Fault:
    """A sample that gives no row: its place in the file, from 1, its path where it has one, and a word of `FAULTS`."""

    sample: int
    filepath: str
    reason: str


@dataclass(frozen=True)
class ImportedTags:
    """A table of tags: one row an image. ``key`` is the column that names the image, uri or id."""

    file: Path
    key: str
    rows: int
    tags: Mapping[str, int] = field(default_factory=dict)
    faults: tuple[Fault, ...] = ()

    @property
    def fault_counts(self) -> dict[str, int]:
        return dict(Counter(fault.reason for fault in self.faults).most_common())


def import_tags(file: Path, folder: RunFolder, out: Path) -> ImportedTags:
    """Write the tags of a FiftyOne dataset's JSON, for the images of a run, as JSON Lines.

    ``file`` is what `Dataset.write_json` wrote, or ``samples.json`` of an export (or the export's folder). A row has
    the image's uri (its id, where two sources have one uri), ``tags`` with "; " between, and a column of true or false
    for each tag. A sample that cannot be used is a fault. Raises RecipeError where the file is none of these, where no
    sample is an image of the run, or where ``out`` is there already.
    """
    if out.suffix != ENDING:
        raise RecipeError(
            f"{out} does not end in {ENDING}", f"the table is JSON Lines: -o {out.stem}{ENDING}"
        )
    if out.exists():
        raise RecipeError(f"{out} is there already; nothing is overwritten", "give another name")
    images = read_tables(folder, load_record(folder)).images
    known = images.select(["id", "uri", "path"]).to_pylist()
    by_id = {row["id"]: row["id"] for row in known}
    by_path = {row["path"]: row["id"] for row in known}
    found: dict[str, tuple[str, ...]] = {}
    faults: list[Fault] = []
    for number, sample in enumerate(_samples(file), 1):
        image, tags, reason = _read(sample, by_id, by_path)
        if not reason and found.setdefault(image, tags) != tags:
            reason = "twice"
        if reason:
            faults.append(Fault(number, _text(sample, "filepath"), reason))
    if not found:
        words = ", ".join(
            f"{reason} {count:,}" for reason, count in Counter(f.reason for f in faults).items()
        )
        raise RecipeError(
            f"no sample of {file} gives a row ({words or 'it has none'})",
            "name the run that was exported and tagged; groundglass show lists the runs",
        )
    uris = Counter(row["uri"] for row in known)
    key = "uri" if max(uris.values()) == 1 else "id"
    columns = columns_of(sorted({tag for tags in found.values() for tag in tags}))
    rows = (
        {key: row[key], "tags": "; ".join(found[row["id"]])}
        | {column: tag in found[row["id"]] for tag, column in columns.items()}
        for row in known
        if row["id"] in found
    )
    write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), out)
    counts = Counter(tag for tags in found.values() for tag in tags)
    return ImportedTags(out, key, len(found), dict(counts.most_common()), tuple(faults))


def _samples(file: Path) -> Iterator[Any]:
    """The samples of a dataset's JSON. Raises RecipeError where it is not one."""
    path = file / "samples.json" if file.is_dir() else file
    hint = "in FiftyOne: dataset.write_json('tagged.json')"
    try:
        whole = json.loads(path.read_bytes())
    except OSError as error:
        raise RecipeError(f"cannot read {path}: {error.strerror}", hint) from error
    except (ValueError, RecursionError) as error:
        raise RecipeError(f"{path} is not JSON: {error}", hint) from error
    samples = whole.get("samples") if isinstance(whole, dict) else None
    if not isinstance(samples, list):
        raise RecipeError(f"{path} has no list `samples`: it is not a dataset of FiftyOne", hint)
    yield from samples


def _read(
    sample: Any, by_id: Mapping[str, str], by_path: Mapping[bytes, str]
) -> tuple[str, tuple[str, ...], str]:
    """The image of a sample, its tags without doubles, and the reason where it gives no row."""
    if not isinstance(sample, dict):
        return "", (), "not_an_object"
    tags = sample.get("tags")
    if not isinstance(tags, list) or not all(isinstance(tag, str) and _is_text(tag) for tag in tags):
        return "", (), "no_tags"
    image = by_id.get(_text(sample, "groundglass_id")) or by_path.get(os.fsencode(_text(sample, "filepath")))
    if image is None:
        return "", (), "not_in_run"
    return image, tuple(dict.fromkeys(tags)), ""


def _text(sample: Any, name: str) -> str:
    value = sample.get(name) if isinstance(sample, dict) else None
    return value if isinstance(value, str) and _is_text(value) else ""


def _is_text(value: str) -> bool:
    """Whether it can be written: JSON may hold half a surrogate pair, which no text file and no path can."""
    return value.isprintable() or value.encode(errors="replace").decode() == value


def columns_of(tags: list[str]) -> dict[str, str]:
    """Tag → the name of its column. Raises RecipeError for two tags that would share one, or for too many.

    >>> columns_of(["blurry", "too dark"])
    {'blurry': 'tag_blurry', 'too dark': 'tag_too_dark'}
    >>> columns_of(["a b", "a-b"])
    Traceback (most recent call last):
    groundglass.errors.RecipeError: the tags 'a b' and 'a-b' would both be the column tag_a_b
    """
    if len(tags) > MOST_TAGS:
        raise RecipeError(
            f"{len(tags):,} different tags: at most {MOST_TAGS} become columns", "merge some of them"
        )
    columns: dict[str, str] = {}
    taken: dict[str, str] = {}
    for tag in tags:
        column = COLUMN + re.sub(r"\W+", "_", tag.lower()).strip("_")
        if column in taken:
            raise RecipeError(
                f"the tags {taken[column]!r} and {tag!r} would both be the column {column}",
                "rename one of them",
            )
        columns[tag], taken[column] = column, tag
    return columns
