"""An image's story: what was measured of it, what each step said of it, and where it went."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from groundglass.errors import RecipeError
from groundglass.image.region import TILE_SIGN, WHOLE
from groundglass.plans.run_folder import RunFolder, RunRecord, store_of
from groundglass.sources.folder import name_as_text
from groundglass.tables.columns import ROWS
from groundglass.tables.measure_store import MeasureStore
from groundglass.tables.parquet import compute
from groundglass.tables.rows import photographs
from groundglass.tables.step_record import StepRecord, Threshold
from groundglass.text.suggest import did_you_mean, nearest

MOST_COMPARED = 20_000
"""Names that a misspelt one is compared with: more would take seconds."""


@dataclass(frozen=True)
class Verdict:
    """What one step said of the image. ``thresholds`` are the limits it was held to."""

    step: str
    kind: str
    label: str
    kept: bool
    failed: bool
    reason: str | None
    margin: float | None
    thresholds: tuple[Threshold, ...] = ()


@dataclass(frozen=True)
class Story:
    """All that a run knows of one image.

    fate       "kept", "dropped", "failed" or "held out"
    measures   column → value, of the image itself; hashes and the like are left out
    root       the same of its photograph, where it is a part of one
    derived    how many virtual images were made of it
    files      where it stands in the release
    """

    id: str
    uri: str
    source: str
    region: str
    width: int | None
    height: int | None
    fate: str
    measures: Mapping[str, Any]
    verdicts: tuple[Verdict, ...]
    root: Mapping[str, Any] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    derived: int = 0
    files: tuple[str, ...] = ()

    def plain(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class RunTables:
    """The tables of a run as they lie on disk."""

    folder: RunFolder
    record: RunRecord
    images: pa.Table
    rows: pa.Table
    derived: pa.Table
    verdicts: Mapping[str, pa.Table]
    store: MeasureStore

    @property
    def steps(self) -> Mapping[str, StepRecord]:
        return {step.step: step for step in self.record.steps}


def read_tables(folder: RunFolder, record: RunRecord) -> RunTables:
    """Every photograph, every virtual image and every verdict of a run."""
    listings = [pq.read_table(path) for path in sorted((folder.path / "images").glob("*/part-0.parquet"))]
    images = pa.concat_tables(listings, promote_options="default") if listings else ROWS.empty_table()
    derived = read_derived(folder, record)
    whole = photographs(images) if listings else ROWS.empty_table()
    parts = derived.filter(
        compute.not_equal(derived["region"], WHOLE)
    )  # the others are photographs themselves
    rows = pa.concat_tables([whole, parts.select(ROWS.names).cast(ROWS)])
    verdicts = {
        step.step: pq.read_table(path)
        for step in record.steps
        if (path := folder.verdicts(step.step)).exists()
    }
    store = MeasureStore(store_of(folder, record) / "measures")
    return RunTables(folder, record, images, rows, derived, verdicts, store)


def read_derived(folder: RunFolder, record: RunRecord) -> pa.Table:
    """The virtual images of all transforms, in the order of the steps, with the step that made them."""
    schema = ROWS.append(pa.field("step", pa.string()))
    parts = [schema.empty_table()]
    for step in record.steps:
        path = folder.derived(step.step)
        if path.exists():
            rows = pq.read_table(path).select(ROWS.names).cast(ROWS)
            parts.append(rows.append_column("step", pa.array([step.step] * rows.num_rows, pa.string())))
    return pa.concat_tables(parts)


def find_image(tables: RunTables, text: str) -> dict[str, Any]:
    """The row that ``text`` names; unusable files too.

    Its id, its uri, its path, ``uri#region`` or its file in the release; or the end of any of these, such as the
    file's mere name, where only one image has it. Raises RecipeError with the images that were probably meant.
    """
    given = Path(text).absolute()
    path = os.fsencode(given)
    text = name_as_text(text)
    uri, _, region = text.partition(TILE_SIGN)
    found = _matches(tables.rows, "id", text)
    found += _matches(_of_region(tables.rows, region), "uri", uri)
    found = found or [_whole(image) for image in _images_called(tables, text, path)]
    found = found or _rows_of(tables, _released_as(tables, text, given))
    if not found:
        by_name = _ending(_of_region(tables.rows, region), uri)
        by_name += [_whole(image) for image in _ending(tables.images, text)]
        found = by_name + _rows_of(tables, _released_as(tables, text, given, by_name=True))
    if not found:
        raise RecipeError(
            f"this run has no image '{text}'.{_nearest_uri(tables, uri)}",
            "name it by its path below the source's folder, by its file's name, by its id, or by its file in the "
            "release",
        )
    return _the_only(found, text)


def _images_called(tables: RunTables, text: str, path: bytes) -> list[dict[str, Any]]:
    found = _matches(tables.images, "id", text) + _matches(tables.images, "uri", text)
    return found or _matches(tables.images, "path", path)


def _whole(image: Mapping[str, Any]) -> dict[str, Any]:
    """A file of a source as a row: it may be one that no row was made of."""
    plain = {name: image.get(name) for name in ROWS.names}
    return plain | {"root": image["id"], "region": ""}


def _rows_of(tables: RunTables, ids: list[str]) -> list[dict[str, Any]]:
    return [row for one in ids for row in _matches(tables.rows, "id", one)]


def _of_region(rows: pa.Table, region: str) -> pa.Table:
    return rows.filter(compute.equal(rows["region"], region))


def _ending(table: pa.Table, name: str) -> list[dict[str, Any]]:
    """The rows whose uri ends with this name, or with these names."""
    if "uri" not in table.column_names or not name:
        return []
    return table.filter(compute.ends_with(table["uri"], f"/{name}")).slice(0, 100).to_pylist()


def _the_only(found: list[dict[str, Any]], text: str) -> dict[str, Any]:
    """The one row that was found; where several are called so, the user must choose."""
    rows = list({row["id"]: row for row in found}.values())
    if len(rows) > 1:
        named = [f"{name_of(row)} (id {row['id']}, of {row['source']})" for row in rows]
        more = f" and {len(named) - 6} more" if len(named) > 6 else ""
        raise RecipeError(
            f"{len(rows)} images are called '{text}': {'; '.join(named[:6])}{more}",
            "name one of them by its whole path, or by its id",
        )
    return rows[0]


def name_of(row: Mapping[str, Any]) -> str:
    """An image as `find_image` takes it: its path below the source's folder, and which part of it."""
    return row["uri"] + (f"{TILE_SIGN}{row['region']}" if row["region"] else "")


def _matches(table: pa.Table, column: str, value: str | bytes) -> list[dict[str, Any]]:
    if column not in table.column_names:
        return []
    return (
        table.filter(compute.equal(table[column], pa.scalar(value, table[column].type)))
        .slice(0, 100)
        .to_pylist()
    )


def _nearest_uri(tables: RunTables, uri: str) -> str:
    """A sentence with the image whose path, or whose file's name, is most like this."""
    if "uri" not in tables.images.column_names:
        return ""
    uris, name = tables.images["uri"], Path(uri).name
    if len(uris) > MOST_COMPARED:
        stem = Path(uri).stem
        like = compute.match_substring(uris, stem, ignore_case=True)
        uris = uris.filter(like).slice(0, MOST_COMPARED) if stem else uris.slice(0, 0)
    known = uris.to_pylist()
    if name != uri and (said := did_you_mean(uri, known)):
        return said
    names = {Path(known_uri).name: known_uri for known_uri in reversed(known)}
    found = nearest(name, names)
    return f" Did you mean '{names[found]}'?" if found else ""


def tell_story(tables: RunTables, row: Mapping[str, Any]) -> Story:
    """The story of one row of a run."""
    image = _matches(tables.images, "id", row["root"])[0]
    verdicts = tuple(_verdicts(tables, row["id"]))
    measures, errors = _values(tables, row["sha256"], row["region"])
    measures |= _scores(tables, row)
    root = _values(tables, row["sha256"], "")[0] if row["region"] else {}
    facts = {
        name: image[name]
        for name in ("format", "bytes", "licence", "author", "warning", "error", "detail")
        if image.get(name) is not None
    }
    return Story(
        id=row["id"],
        uri=row["uri"],
        source=row["source"],
        region=row["region"],
        width=row["width"],
        height=row["height"],
        fate=_fate(image, verdicts),
        measures=measures,
        verdicts=verdicts,
        root=root,
        errors=errors,
        facts=facts | {name: value for name, value in image.items() if name.startswith("meta.")},
        derived=len(
            tables.rows.filter(
                compute.and_(
                    compute.equal(tables.rows["root"], row["id"]),
                    compute.not_equal(tables.rows["region"], ""),
                )
            )
        ),
        files=tuple(_released(tables, row["id"])),
    )


def _verdicts(tables: RunTables, image_id: str) -> list[Verdict]:
    """In the order of the steps."""
    return [
        _verdict(tables.steps[name], row)
        for name, table in tables.verdicts.items()
        for row in _matches(table, "id", image_id)
    ]


def _verdict(step: StepRecord, row: Mapping[str, Any]) -> Verdict:
    said = (row["kept"], row["failed"], row["reason"], row["margin"])
    return Verdict(step.step, step.kind, step.label, *said, step.thresholds)


def _values(tables: RunTables, sha256: str | None, region: str) -> tuple[dict[str, Any], dict[str, str]]:
    """Every measured value of a picture under its name in the recipe, and why others have none."""
    values: dict[str, Any] = {}
    errors: dict[str, str] = {}
    by_key: dict[str, dict[str, Any] | None] = {}
    for column in tables.record.shown_columns:
        if column["join"] != "content" or sha256 is None:
            continue
        key = column["key"]
        if key not in by_key:
            by_key[key] = tables.store.find(key, sha256, region)
        row = by_key[key]
        if row is not None:
            values[column["name"]] = row[column["column"]]
            if row["error"]:
                errors[key.split("-")[0]] = row["error"]
    return values, errors


def _scores(tables: RunTables, row: Mapping[str, Any]) -> dict[str, Any]:
    """The values that tables of scores gave the picture."""
    values: dict[str, Any] = {}
    for column in tables.record.shown_columns:
        path = tables.folder.scores(column["key"])
        if column["join"] != "content" and path.exists():
            found = _matches(pq.read_table(path), column["join"], row[column["join"]])
            if found:
                values[column["name"]] = found[0][column["column"]]
    return values


def _fate(image: Mapping[str, Any], verdicts: tuple[Verdict, ...]) -> str:
    if image.get("error"):
        return "failed"
    left = [verdict for verdict in verdicts if not verdict.kept]
    if not left:
        return "kept"
    last = left[-1]
    if last.kind == "hold_out" and (last.reason or "").startswith("held out"):
        return "held out"
    return "failed" if last.failed else "dropped"


@dataclass(frozen=True)
class Fate:
    """How one photograph fared.

    kept     something of it is in the set: itself, or a part of it that a transform made
    failed   it could not be used
    step     where it, or the last part of it, left
    columns  what was asked of the images table
    """

    uri: str
    kept: bool
    failed: bool = False
    step: str = ""
    reason: str = ""
    columns: Mapping[str, Any] = field(default_factory=dict)


def fates_of(folder: RunFolder, record: RunRecord, columns: Sequence[str]) -> list[Fate]:
    """How each photograph of a run fared, with the values of these columns of the images table."""
    tables = read_tables(folder, record)
    left = {
        row["id"]: (row["failed"], step, row["reason"] or "")
        for step, verdicts in tables.verdicts.items()
        for row in verdicts.to_pylist()
        if not row["kept"]
    }
    parts: defaultdict[str, list[str]] = defaultdict(list)
    for row in tables.derived.select(["id", "root"]).to_pylist():
        parts[row["root"]].append(row["id"])
    order = {step.step: place for place, step in enumerate(record.steps)}
    fates: list[Fate] = []
    for image in tables.images.select(["id", "uri", "source", "error", *columns]).to_pylist():
        told = {name: image[name] for name in columns}
        ends = [left.get(part) for part in parts.get(image["id"], [image["id"]])]
        if image["error"]:
            fates.append(Fate(image["uri"], False, True, image["source"], image["error"], told))
        elif None in ends:
            fates.append(Fate(image["uri"], True, columns=told))
        else:
            last = max((end for end in ends if end), key=lambda end: order[end[1]])
            fates.append(Fate(image["uri"], False, *last, told))
    return fates


def _released(tables: RunTables, image_id: str) -> list[str]:
    return [
        str(folder / row["file"])
        for folder, manifest in _manifests(tables)
        for row in _matches(manifest, "id", image_id)
    ]


def _released_as(tables: RunTables, text: str, path: Path, by_name: bool = False) -> list[str]:
    """The ids of the images that a released file was made of: named by its path or that in the release, or by the
    end of it.
    """
    found = [
        row["id"]
        for folder, manifest in _manifests(tables)
        for row in manifest.select(["file", "id"]).to_pylist()
        if (
            row["file"].endswith(f"/{text}")
            if by_name
            else text == row["file"] or path == (folder / row["file"]).absolute()
        )
    ]
    return list(dict.fromkeys(found))


def _manifests(tables: RunTables) -> list[tuple[Path, pa.Table]]:
    """The folder of each release of a run, wherever it was written, and what is in it."""
    written = (step.facts.get("folder") for step in tables.record.steps if step.kind == "release")
    folders = [tables.folder.path / folder for folder in written if folder]
    return [
        (folder, pq.read_table(folder / "manifest.parquet"))
        for folder in folders
        if (folder / "manifest.parquet").exists()
    ]
