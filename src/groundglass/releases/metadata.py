"""Columns that came with the images, and models' answers, in files next to the images.

Hugging Face's ImageFolder reads ``metadata.jsonl``: a line for each image, ``file_name`` and the columns. It is
next to the images, or in the folder above ``hr/`` and ``lr_x4/``: then ``lr_x4_file_name`` names the LR image.
If a split has no value in a column that has values in another split, ImageFolder finds two types and refuses both:
then the file is ``metadata.parquet``, since Parquet stores the types.
"""

from __future__ import annotations

import datetime
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import isfinite
from pathlib import Path
from typing import Any, Literal, Protocol

import pyarrow as pa
import pyarrow.parquet as pq

from groundglass.errors import RecipeError
from groundglass.files.atomic import write_text
from groundglass.releases.file_layout import low_folder
from groundglass.releases.manifest import high_rows, is_high
from groundglass.releases.split_names import ordered_splits
from groundglass.tables.expressions import column_path
from groundglass.tables.parquet import compute, write_parquet
from groundglass.tables.rows import META
from groundglass.tables.sql_writer import suggestion
from groundglass.text.format import some

Kind = Literal["jsonl", "parquet"]
NAMES: Mapping[Kind, str] = {"jsonl": "metadata.jsonl", "parquet": "metadata.parquet"}
FILE = "file_name"
_LINE_ENDS = str.maketrans({"\x85": "\\u0085", "\u2028": "\\u2028", "\u2029": "\\u2029"})
"""Characters that JSON does not escape, but that some readers treat as the end of a line."""
_ROOT = "root."


class FileSettings(Protocol):
    """A recipe's settings of these files."""

    @property
    def metadata(self) -> str: ...

    @property
    def captions(self) -> str | None: ...


@dataclass(frozen=True)
class Column:
    """A column of the metadata.

    name    its name there
    of      its columns in the manifest; the first one with a value counts
    values  for each HR image, in the manifest's order
    """

    name: str
    of: tuple[str, ...]
    values: pa.ChunkedArray

    @property
    def known(self) -> int:
        """The number of images with a value."""
        return len(self.values) - self.values.null_count


@dataclass(frozen=True)
class Beside:
    """The metadata of a release.

    high     the HR images: file and split
    folders  the folder of each split's metadata file, relative to the release
    low      for each scale, the LR image of each HR image; empty if the splits have different scales
    columns  the columns of the files; none if the images came without columns and no model was asked
    """

    high: pa.Table
    folders: Mapping[str, str]
    low: Mapping[int, Sequence[str]]
    columns: tuple[Column, ...]

    def files(self, kind: Kind) -> list[str]:
        """The metadata files, relative to the release."""
        return [f"{folder}{NAMES[kind]}" for folder in self.folders.values()] if self.columns else []

    def table(self, split: str) -> pa.Table:
        """The metadata of one split, with file names relative to the split's folder."""
        chosen = compute.indices_nonzero(compute.equal(self.high["split"], split))
        start = len(self.folders[split])
        files = {FILE: [file[start:] for file in self.high["file"].take(chosen).to_pylist()]}
        for scale, low in self.low.items():
            files[f"{low_folder(scale)}_{FILE}"] = [low[place][start:] for place in chosen.to_pylist()]
        named = pa.table({name: pa.array(names, pa.string()) for name, names in files.items()})
        for column in self.columns:
            named = named.append_column(column.name, column.values.take(chosen))
        return named


def metadata_of(manifest: pa.Table, answers: Sequence[str]) -> Beside:
    """The metadata that a release writes next to its images; ``answers`` are the manifest's columns from models."""
    every = manifest.select(["id", "file", "split", "scale", "role"])
    high = high_rows(manifest)
    low: dict[str, dict[int, str]] = {image: {} for image in high["id"].to_pylist()}
    for row in every.to_pylist():
        if not is_high(row) and row["id"] in low:
            low[row["id"]][row["scale"]] = row["file"]
    folders: dict[str, str] = {}
    for image, file, split in zip(*(high[name].to_pylist() for name in ("id", "file", "split")), strict=True):
        folders.setdefault(
            split, file.rpartition("/")[0].removesuffix("hr" if low[image] else "").rstrip("/") + "/"
        )
    scales = {tuple(sorted(found)) for found in low.values()}
    common = scales.pop() if len(scales) == 1 else ()
    pairs = {scale: [found[scale] for found in low.values()] for scale in common}
    taken = {low_folder(scale) for scale in common}
    columns = tuple(_columns(high, [name for name in answers if name in high.column_names], taken))
    splits = {split: folders[split].removeprefix("/") for split in ordered_splits(folders)}
    return Beside(high.select(["file", "split"]), splits, pairs, columns)


def _columns(high: pa.Table, answers: Sequence[str], taken: set[str]) -> list[Column]:
    """Columns that came with the images go first and keep their names. An answer for a photo also describes tiles."""
    found: list[Column] = []
    names = {"image", *taken}

    def add(name: str, instead: str, of: tuple[str, ...]) -> None:
        number, chosen = 1, name
        while chosen in names or _means_file(chosen):
            chosen = instead if number == 1 else f"{instead}_{number}"
            number += 1
        names.add(chosen)
        values = high[of[0]]
        for other in of[1:]:
            values = compute.coalesce(values, high[other])
        found.append(Column(chosen, of, values))

    for name in high.column_names:
        if name.startswith(META) and _can_be_told(high.schema.field(name).type):
            bare = name.removeprefix(META)
            add(bare, f"{bare}_from_source", (name,))
    for name in answers:
        bare = name.removeprefix(_ROOT)
        if bare == name and _ROOT + name in answers and _apart(high[name], high[_ROOT + name]):
            add(name, f"{name}_by_model", (name, _ROOT + name))
        elif bare == name or bare not in answers or not _apart(high[bare], high[name]):
            taken_too = bare != name and bare in answers
            add(f"{bare}_of_photograph" if taken_too else bare, f"{bare}_by_model", (name,))
    return found


def _means_file(name: str) -> bool:
    """Whether ImageFolder reads a column of this name as files."""
    return name.endswith((FILE, f"{FILE}s"))


def _apart(one: pa.ChunkedArray, other: pa.ChunkedArray) -> bool:
    """Whether no image has a value in both, and their types are the same."""
    both = compute.and_(one.is_valid(), other.is_valid())
    return one.type == other.type and not compute.any(both).as_py()


def _can_be_told(kind: pa.DataType) -> bool:
    return not (pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def kind_of(beside: Beside, wanted: str) -> Kind | None:
    """The kind of file to write, if any: as in the recipe, or JSON lines unless ImageFolder could not load them."""
    if wanted == "none" or not beside.columns:
        return None
    return "parquet" if wanted == "parquet" or (wanted == "auto" and _untyped(beside)) else "jsonl"


def _untyped(beside: Beside) -> list[str]:
    """Columns that have values, but none in one of the splits."""
    splits = beside.high["split"]
    filled = ((column, splits.filter(column.values.is_valid()).unique()) for column in beside.columns)
    return [column.name for column, having in filled if 0 < len(having) < len(beside.folders)]


def write_metadata(beside: Beside, folder: Path, kind: Kind | None) -> None:
    """A metadata file for each split; a file of the other kind from an interrupted attempt is removed."""
    for split, place in beside.folders.items():
        for other in NAMES.values():
            (folder / place / other).unlink(missing_ok=True)
        if kind is None:
            continue
        table, path = beside.table(split), folder / place / NAMES[kind]
        if kind == "parquet":
            write_parquet(table, path)
        else:
            write_text(json_lines(table), path)


def json_lines(table: pa.Table) -> str:
    """A table as JSON lines: numbers, lists and null unchanged, dates and times as text, not-a-number as null.

    >>> json_lines(pa.table({"file_name": ["0.png"], "caption": ['a "bird"'], "tags": [["sea", None]]}))
    '{"file_name": "0.png", "caption": "a \\\\"bird\\\\"", "tags": ["sea", null]}\\n'
    """
    return "".join(
        json.dumps({name: _plain(value) for name, value in row.items()}, ensure_ascii=False).translate(
            _LINE_ENDS
        )
        + "\n"
        for row in table.to_pylist()
    )


def _plain(value: Any) -> Any:
    match value:
        case float():
            return value if isfinite(value) else None
        case Decimal():
            return float(value)
        case datetime.date() | datetime.time():
            return value.isoformat()
        case datetime.timedelta():
            return str(value)
        case bytes():
            return None
        case list():
            return [_plain(item) for item in value]  # pyright: ignore[reportUnknownVariableType]
        case dict():
            return {name: _plain(item) for name, item in value.items()}  # pyright: ignore[reportUnknownVariableType]
        case _:
            return value


def read_names(folder: Path, file: Path) -> list[str] | None:
    """The HR images in a release's metadata file, named as in the manifest; None if the file is damaged."""
    try:
        if file.suffix == ".parquet":
            listed = pq.read_table(folder / file, columns=[FILE])[FILE].to_pylist()
        else:
            lines = (folder / file).read_text(encoding="utf-8").removesuffix("\n").split("\n")
            listed = [json.loads(line)[FILE] for line in lines]
    except (OSError, ValueError, KeyError, TypeError, pa.ArrowException):
        return None
    return [(file.parent / name).as_posix() for name in listed]


def write_captions(manifest: pa.Table, folder: Path, column: str) -> None:
    """``x.txt`` next to each HR image ``x.png`` that has a text in ``column``; the others have no such file."""
    high = high_rows(manifest)
    for file, text in zip(high["file"].to_pylist(), caption_texts(high, column).to_pylist(), strict=True):
        if text is not None:
            write_text(text, caption_file(folder / file))


def caption_texts(table: pa.Table, column: str) -> pa.ChunkedArray:
    """The texts of a column. For ``root.caption``, a whole photo has no root, so its own ``caption`` is used.

    Raises RecipeError if there is no such column.
    """
    name = ".".join(column_path(column))
    names = [name for name in dict.fromkeys((name, name.removeprefix(_ROOT))) if name in table.column_names]
    if not names:
        raise RecipeError(
            f"there is no column '{column}' to write captions from", suggestion(column, table.column_names)
        )
    return compute.coalesce(*(table[name].cast(pa.string()) for name in names))


def caption_file(image: Path) -> Path:
    """The text file of an image, in the place where trainers look for it.

    >>> caption_file(Path("images/0000.png")).as_posix()
    'images/0000.txt'
    """
    return image.with_suffix(".txt")


def beside_notes(manifest: pa.Table, answers: Sequence[str], step: FileSettings) -> tuple[str, ...]:
    """Remarks for the user on a release's metadata and captions, a sentence each."""
    beside = metadata_of(manifest, answers)
    return (*_metadata_notes(beside, step.metadata), *_caption_notes(manifest, step.captions))


def _caption_notes(manifest: pa.Table, column: str | None) -> list[str]:
    if column is None or not manifest.num_rows:
        return []
    texts = caption_texts(high_rows(manifest), column)
    if not texts.null_count:
        return []
    return [f"no text file next to {some(texts.null_count, 'images')} without {column}"]


def _metadata_notes(beside: Beside, wanted: str) -> list[str]:
    """Notes on renamed columns, and on values that ImageFolder would read as another type."""
    kind = kind_of(beside, wanted)
    if kind is None:
        return []
    said = [
        f"in {NAMES[kind]} {' and '.join(column.of)} is named {column.name}"
        for column in beside.columns
        if column.name != column.of[0].removeprefix(META).removeprefix(_ROOT)
    ]
    empty = ", ".join(_untyped(beside))
    if empty and kind == "jsonl":
        say = f"datasets cannot load metadata.jsonl: a split has no value in {empty}"
        said.append(f"{say}; write `metadata: parquet`")
    elif empty and wanted == "auto":
        said.append(
            f"metadata.parquet, not metadata.jsonl: a split has no value in {empty}, and JSON has no types"
        )
    times = ", ".join(_read_as_times(beside)) if kind == "jsonl" else ""
    if times:
        said.append(f"datasets reads {times} of metadata.jsonl as times; `metadata: parquet` keeps the text")
    return said


def _read_as_times(beside: Beside) -> list[str]:
    """Text columns that Arrow's JSON reader, which datasets uses, would read as times."""
    from pyarrow import json as arrow_json

    found: dict[str, None] = {}
    texts = [column.name for column in beside.columns if column.known and _is_text(column.values.type)]
    for split in beside.folders if texts else ():
        lines = json_lines(beside.table(split).select(texts)).encode()
        # One block, so that Arrow infers each type from all lines.
        options = arrow_json.ReadOptions(block_size=len(lines) + 1)
        schema = arrow_json.read_json(io.BytesIO(lines), read_options=options).schema
        found |= {name: None for name in texts if pa.types.is_timestamp(schema.field(name).type)}
    return list(found)


def _is_text(kind: pa.DataType) -> bool:
    return any(test(kind) for test in (pa.types.is_string, pa.types.is_large_string, pa.types.is_temporal))
