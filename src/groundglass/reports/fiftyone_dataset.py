"""The photos of a run as a dataset of FiftyOne: the JSON that `fiftyone.Dataset.from_json` reads."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from groundglass.errors import REASONS, RecipeError
from groundglass.files.atomic import written_whole
from groundglass.files.identity import INSIDE
from groundglass.plans.image_history import Fate, fates_of
from groundglass.plans.run_folder import RunFolder, load_record
from groundglass.plans.run_tables import RunTables, read_tables
from groundglass.reports.read_run import report_columns, with_measures, words_said

ID = "groundglass_id"
"""The field that names a photo of the run: `groundglass import-tags` finds it by this again."""
OWN = {ID: "String", "uri": "String", "source": "String", "left_at": "String", "reason": "String"}
"""Fields that every sample has, and their types in FiftyOne."""
TAKEN = ("id", "filepath", "tags", "metadata", "media_type", "created_at", "last_modified_at", *OWN)
"""Names that a measured column cannot have in FiftyOne; it gets an underscore after its name."""
IN_A_FILE, NOT_UNICODE = "inside another file", "file name is not Unicode"
"""Why a photo has no sample: FiftyOne opens images by the path of their file."""


@dataclass(frozen=True)
class Exported:
    """The file that was written, how many samples of each fate it has, and why other photos have none."""

    file: Path
    fates: Mapping[str, int]
    left_out: Mapping[str, int]

    @property
    def samples(self) -> int:
        return sum(self.fates.values())


def export_fiftyone(folder: RunFolder, out: Path) -> Exported:
    """Write every photo of a run as a sample: its path, size, measured values, and what became of it.

    The first tag is `kept`, `dropped`, `held out` or `failed`; a photo is kept where it or a part of it is in the set.
    A file that could not be used has its reason code as a second tag. ``left_at`` and ``reason`` say where and why a
    photo left. Raises RecipeError where ``out`` is there already, or where no photo has a file of its own.
    """
    if out.exists():
        raise RecipeError(f"{out} is there already; nothing is overwritten", "give another name")
    record = load_record(folder)
    tables = read_tables(folder, record)
    facts = [name for name in _FACTS if name in tables.images.column_names]
    kinds = {step.step: step.kind for step in record.steps}
    photos = [(one, _tag(one, kinds)) for one in fates_of(folder, record, facts)]
    left_out = Counter(why for one, _ in photos if (why := _without_file(one)))
    photos = [(one, tag) for one, tag in photos if not _without_file(one)]
    if not photos:
        why = ", ".join(f"{reason} {count:,}" for reason, count in left_out.items())
        raise RecipeError(f"no image of this run has a file that FiftyOne could open ({why or 'no images'})")
    fields, values = _measured(tables, [one for one, _ in photos])
    names = {name: _field_name(name) for name in fields}
    head = {
        "name": f"{record.name}-{record.number:04d}",
        "media_type": "image",
        "sample_fields": {
            name: f"fiftyone.core.fields.{kind}Field"
            for name, kind in {**OWN, **{names[name]: kind for name, kind in fields.items()}}.items()
        },
        "info": {"groundglass_run": str(folder.path.absolute())},
    }
    samples = (
        _sample(one, tag) | {names[name]: _plain(values[name][place]) for name in fields}
        for place, (one, tag) in enumerate(photos)
    )
    _write(head, samples, out)
    return Exported(out, dict(Counter(tag for _, tag in photos)), dict(left_out))


_FACTS = ("id", "source", "path", "sha256", "width", "height", "bytes")


def _without_file(one: Fate) -> str:
    """Why FiftyOne could not open a photo by its path; "" where it could."""
    path = one.columns["path"]
    if INSIDE in path:
        return IN_A_FILE
    try:
        path.decode()
    except UnicodeDecodeError:
        return NOT_UNICODE
    return ""


def _tag(one: Fate, kinds: Mapping[str, str]) -> str:
    if one.kept:
        return "kept"
    if kinds.get(one.step) == "hold_out" and one.reason.startswith("held out"):
        return "held out"
    return "failed" if one.failed else "dropped"


def _sample(one: Fate, tag: str) -> dict[str, Any]:
    """A sample without its measured values."""
    known = one.columns
    codes = [one.reason] if tag == "failed" and one.reason in REASONS else []
    size = {name: known.get(name) for name in ("width", "height")}
    return {
        "filepath": known["path"].decode(),
        "tags": [tag, *codes],
        "metadata": {"_cls": "ImageMetadata", "size_bytes": known.get("bytes"), **size},
        ID: known["id"],
        "uri": one.uri,
        "source": known["source"],
        "left_at": one.step or None,
        "reason": one.reason or None,
    }


def _measured(tables: RunTables, photos: list[Fate]) -> tuple[dict[str, str], dict[str, list[Any]]]:
    """The type in FiftyOne and the values of every column of numbers or words, in the order of the photos."""
    rows = pa.table(
        {
            "id": pa.array([one.columns["id"] for one in photos], pa.string()),
            "uri": pa.array([one.uri for one in photos], pa.string()),
            "sha256": pa.array([one.columns.get("sha256") for one in photos], pa.string()),
            "region": pa.array([""] * len(photos), pa.string()),
            "root": pa.array([one.columns["id"] for one in photos], pa.string()),
            "detail": pa.nulls(len(photos), pa.string()),
        }
    )
    numbers = with_measures(tables, rows, report_columns(tables))
    place = {key: at for at, key in enumerate(numbers["id"].to_pylist())}
    order = [place[one.columns["id"]] for one in photos]  # the table is sorted by uri
    found = {name: numbers[name].to_pylist() for name in report_columns(tables)}
    values = {name: [column[at] for at in order] for name, column in found.items()}
    words = words_said(tables, rows, rows["id"])
    fields = dict.fromkeys(values, "Float") | dict.fromkeys(words, "String")
    return fields, values | words


def _field_name(column: str) -> str:
    """A column's name as FiftyOne allows it.

    >>> _field_name("blockiness"), _field_name("tags"), _field_name("iqa-score")
    ('blockiness', 'tags_', 'iqa_score')
    """
    plain = re.sub(r"\W", "_", column).lstrip("_") or "column"
    return f"{plain}_" if plain in TAKEN else plain


def _plain(value: Any) -> Any:
    """A value as JSON can hold it: it has no NaN and no infinity."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _write(head: Mapping[str, Any], samples: Iterable[Mapping[str, Any]], out: Path) -> None:
    """One sample a line, so that a large dataset is never one text in memory."""

    def lines() -> Iterator[str]:
        yield json.dumps(head, ensure_ascii=False)[:-1] + ', "samples": ['
        between = "\n"
        for sample in samples:
            yield between + json.dumps(sample, ensure_ascii=False)
            between = ",\n"
        yield "\n]}\n"

    with written_whole(out) as temporary, temporary.open("w", encoding="utf-8") as file:
        file.writelines(lines())
