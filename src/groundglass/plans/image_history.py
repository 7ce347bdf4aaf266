"""The history of an image: its measured values, the verdict of each step, and where it went."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from groundglass.errors import RecipeError
from groundglass.plans.find_image import Skipped, find_image, find_skipped
from groundglass.plans.run_folder import RunFolder, RunRecord
from groundglass.plans.run_tables import RunTables, manifests, matches, read_tables
from groundglass.tables.parquet import compute, read_table
from groundglass.tables.rows import META
from groundglass.tables.step_record import StepRecord, Threshold
from groundglass.tables.text_fit import READ, VECTOR, cosine, text_key


@dataclass(frozen=True)
class Verdict:
    """The verdict of one step on the image. ``thresholds`` are the limits that it was held to."""

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
    """Everything that a run recorded about one image.

    fate       "kept", "dropped", "failed" or "held out"
    measures   column → value, of the image itself; hashes and the like are left out
    root       the same of its photograph, if the image is a part of one
    derived    how many virtual images were made from it
    files      its paths in the release
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


def tell_story(tables: RunTables, row: Mapping[str, Any]) -> Story:
    """The history of one row of a run."""
    image = matches(tables.images, "id", row["root"])[0]
    verdicts = tuple(_verdicts(tables, row["id"]))
    measures, errors = _values(tables, row["sha256"], row["region"])
    measures |= _scores(tables, row)
    measures |= _of_texts(tables, row, image)
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


def find_story(tables: RunTables, text: str) -> Story | Skipped:
    """The story of the image that ``text`` names, or the file of that name that its source skipped.

    Raises RecipeError as `find_image` does.
    """
    try:
        row = find_image(tables, text)
    except RecipeError:
        skipped = find_skipped(tables, text)
        if skipped is None:
            raise
        return skipped
    return tell_story(tables, row)


def _verdicts(tables: RunTables, image_id: str) -> list[Verdict]:
    """In the order of the steps."""
    return [
        _verdict(tables.steps[name], row)
        for name, table in tables.verdicts.items()
        for row in matches(table, "id", image_id)
    ]


def _verdict(step: StepRecord, row: Mapping[str, Any]) -> Verdict:
    said = (row["kept"], row["failed"], row["reason"], row["margin"])
    return Verdict(step.step, step.kind, step.label, *said, step.thresholds)


def _values(tables: RunTables, sha256: str | None, region: str) -> tuple[dict[str, Any], dict[str, str]]:
    """Every measured value of an image under its name in the recipe, and why others have none."""
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


def _of_texts(tables: RunTables, row: Mapping[str, Any], image: Mapping[str, Any]) -> dict[str, Any]:
    """The values that are computed from the image and a text that came with it."""
    values: dict[str, Any] = {}
    for column in tables.record.shown_columns:
        key = text_key(image.get(META + str(column.get("text"))))
        if column["join"] != "text" or key is None:
            continue
        image_row = tables.store.find(column["key"], row["sha256"], row["region"]) or {}
        text = tables.store.find(column["texts"], key, "") or {}
        values[column["name"]] = (
            text.get(READ) if column["column"] == READ else cosine(image_row.get(VECTOR), text.get(VECTOR))
        )
    return values


def _scores(tables: RunTables, row: Mapping[str, Any]) -> dict[str, Any]:
    """The values that tables of scores gave the image."""
    values: dict[str, Any] = {}
    for column in tables.record.shown_columns:
        path = tables.folder.scores(column["key"])
        if column["join"] != "content" and path.exists():
            found = matches(read_table(path), column["join"], row[column["join"]])
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
    """The end of one photograph: kept, or the step where it left.

    kept     the photograph, or a part of it that a transform made, is in the set
    failed   it could not be used
    step     the step at which it, or the last part of it, left
    columns  the requested columns of the images table
    """

    uri: str
    kept: bool
    failed: bool = False
    step: str = ""
    reason: str = ""
    columns: Mapping[str, Any] = field(default_factory=dict)


def fates_of(folder: RunFolder, record: RunRecord, columns: Sequence[str]) -> list[Fate]:
    """The end of each photograph of a run, with the values of these columns of the images table."""
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
    asked = dict.fromkeys(["id", "uri", "source", "error", *columns])
    for image in tables.images.select(list(asked)).to_pylist():
        about = {name: image[name] for name in columns}
        ends = [left.get(part) for part in parts.get(image["id"], [image["id"]])]
        if image["error"]:
            fates.append(Fate(image["uri"], False, True, image["source"], image["error"], about))
        elif None in ends:
            fates.append(Fate(image["uri"], True, columns=about))
        else:
            # Its parts may leave at several steps: the latest one is where the photograph left.
            last = max((end for end in ends if end), key=lambda end: order[end[1]])
            fates.append(Fate(image["uri"], False, *last, about))
    return fates


def _released(tables: RunTables, image_id: str) -> list[str]:
    return [
        str(folder / row["file"])
        for folder, manifest in manifests(tables)
        for row in matches(manifest, "id", image_id)
    ]
