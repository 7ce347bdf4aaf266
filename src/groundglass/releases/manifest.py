"""The tables and lists next to the images: manifest, meta_info, scores, failures, checksums."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from math import isnan
from pathlib import Path
from typing import Any

import pyarrow as pa

from groundglass.files.atomic import write_text
from groundglass.files.hashes import file_sha256
from groundglass.image.region import Crop, made_in, parse
from groundglass.releases.split_names import TRAIN, ordered_splits
from groundglass.tables.parquet import compute, write_parquet
from groundglass.tables.rows import META

MANIFEST = pa.schema(
    [
        ("file", pa.string()),
        ("split", pa.string()),
        ("scale", pa.int32()),
        ("role", pa.string()),
        ("sha256", pa.string()),
        ("pixel_hash", pa.string()),
        ("width", pa.int32()),
        ("height", pa.int32()),
        ("bytes", pa.int64()),
        ("id", pa.string()),
        ("parent", pa.string()),
        ("root", pa.string()),
        ("source", pa.string()),
        ("uri", pa.string()),
        ("source_sha256", pa.string()),
        ("region", pa.string()),
        ("box", pa.list_(pa.int32())),
        ("licence", pa.string()),
        ("author", pa.string()),
    ]
)
"""One row for each file. ``role`` is hr or lr; ``scale`` is 1 for HR and HR/LR for LR; ``box`` is the last crop of the
region (x, y, width, height). Columns that came with an image follow as ``meta.x``; then scores, only on the file that
they were measured on: HR, or the degraded image of a pair that `degrade` made."""

_OF_THE_ROW = ("id", "parent", "root", "source", "uri", "licence", "author")
_NO_SCORE = frozenset(
    [
        *(*_OF_THE_ROW, "sha256", "region", "width", "height", "split", "path", "bytes", "mtime_ns", "meta"),
        "file_format",
    ]
)
NEVER_HASHED = frozenset(["SHA256SUMS", ".incomplete", ".manifest-parts"])


def is_high(row: Mapping[str, Any]) -> bool:
    """Whether a file of a manifest is HR; older manifests have no ``role``, and no pairs of one size."""
    return row["role"] == "hr" if row.get("role") else row["scale"] == 1


def high_rows(manifest: pa.Table) -> pa.Table:
    """The HR files of a manifest."""
    if "role" in manifest.column_names:
        return manifest.filter(compute.equal(manifest["role"], "hr"))
    return manifest.filter(compute.equal(manifest["scale"], 1))


def _measured(files: Sequence[Mapping[str, Any]]) -> list[bool]:
    """Whether each file is the one of its image that was measured: HR, but of a pair that `degrade` made LR."""
    high = {file["id"]: file["region"] for file in files if file["role"] == "hr"}
    low = {
        file["id"]
        for file in files
        if file["role"] == "lr"
        and (found := made_in(file["region"])) is not None
        and (found[0], found[1].by, found[2]) == (high.get(file["id"]), "degraded", "")
    }
    return [(file["role"] == "lr") == (file["id"] in low) for file in files]


def score_columns(rows: pa.Table) -> dict[str, str]:
    """The columns of the rows that are scores: {name in rows: name in the manifest}.

    A score with the name of a manifest column gets the prefix ``measured_``.
    """
    taken = set(MANIFEST.names)
    return {
        name: f"measured_{name}" if name in taken else name
        for name in rows.column_names
        if name not in _NO_SCORE and not name.startswith(META)
    }


def meta_columns(rows: pa.Table) -> list[str]:
    """The columns of the rows that came with the images from their source."""
    return [name for name in rows.column_names if name.startswith(META)]


def make_manifest(rows: pa.Table, written: Sequence[Mapping[str, Any]]) -> pa.Table:
    """The manifest of the written files, ordered by split, image and scale."""
    order = {split: n for n, split in enumerate(ordered_splits(row["split"] for row in written))}
    files = sorted(written, key=lambda row: (order[row["split"]], Path(row["file"]).name, row["scale"]))
    position = {image: n for n, image in enumerate(rows["id"].to_pylist())}
    records = _records(rows, ["sha256", *(name for name in _OF_THE_ROW if name in rows.column_names)])
    table = pa.Table.from_pylist(
        [_entry(file, records[position[file["id"]]]) for file in files], schema=MANIFEST
    )
    every = pa.array([position[file["id"]] for file in files], pa.int64())
    for name in meta_columns(rows):
        table = table.append_column(name, rows[name].combine_chunks().take(every))
    taken = pa.array(
        [position[file["id"]] if own else None for file, own in zip(files, _measured(files), strict=True)],
        pa.int64(),
    )
    for name, title in score_columns(rows).items():
        table = table.append_column(title, rows[name].combine_chunks().take(taken))
    return table


def _records(rows: pa.Table, columns: list[str]) -> list[dict[str, Any]]:
    return rows.select(columns).to_pylist()


def _entry(file: Mapping[str, Any], row: Mapping[str, Any]) -> dict[str, Any]:
    own = {name: file[name] for name in MANIFEST.names if name in file}
    return {**row, **own} | {"source_sha256": row["sha256"], "box": box_of(file["region"])}


def box_of(region: str) -> list[int] | None:
    """The last crop of a region, in pixels of the image that it cuts.

    >>> box_of("resize(600x400,lanczos)/crop(0,8,64,64)"), box_of("")
    ([0, 8, 64, 64], None)
    """
    crops = [step for step in parse(region) if isinstance(step, Crop)]
    return [crops[-1].x, crops[-1].y, crops[-1].width, crops[-1].height] if crops else None


def write_meta_info(manifest: pa.Table, folder: Path) -> list[str]:
    """BasicSR's lists: ``meta_info.txt`` for train (or the only split), else ``meta_info_<split>.txt``.

    A line is ``0000.png (height,width,channels)``. There is no line break at the end, since an empty last line
    breaks loaders.
    """
    lines: defaultdict[str, list[str]] = defaultdict(list)
    for row in manifest.select(["file", "split", "scale", "role", "width", "height"]).to_pylist():
        if is_high(row):
            lines[row["split"]].append(f"{Path(row['file']).name} ({row['height']},{row['width']},3)")
    for split, found in lines.items():
        write_text("\n".join(found), folder / meta_info_name(split, list(lines)))
    return [meta_info_name(split, list(lines)) for split in ordered_splits(lines)]


def meta_info_name(split: str, splits: Sequence[str]) -> str:
    """The list of a split.

    >>> meta_info_name("train", ["train", "test"]), meta_info_name("test", ["train", "test"])
    ('meta_info.txt', 'meta_info_test.txt')
    """
    return "meta_info.txt" if split == TRAIN or len(splits) == 1 else f"meta_info_{split}.txt"


def write_scores(
    manifest: pa.Table, folder: Path, columns: Iterable[str], ranked_by: tuple[str, str] | None
) -> None:
    """``scores.csv``: file, split and each of ``columns`` with numbers, text or yes/no; best first if ranked.

    ``ranked_by`` is (column, "higher" or "lower"); rows without that score come last.
    """
    plain = [name for name in columns if _is_plain(manifest.schema.field(name).type)]
    chosen = manifest.select(["id", "file", "split", "role", "region", *plain]).to_pylist()
    rows = [row for row, own in zip(chosen, _measured(chosen), strict=True) if own]
    if ranked_by is not None and ranked_by[0] in plain:
        rows.sort(key=lambda row: _rank(row[ranked_by[0]], ranked_by[1]))
    write_text(_csv(["file", "split", *plain], rows), folder / "scores.csv")


def _is_plain(kind: pa.DataType) -> bool:
    types = pa.types
    return any(
        test(kind) for test in (types.is_integer, types.is_floating, types.is_boolean, types.is_string)
    )


def _rank(value: float | None, order: str) -> tuple[bool, float]:
    if value is None or isnan(value):
        return True, 0.0
    return False, -value if order == "higher" else value


def write_failures(failed: Sequence[Mapping[str, Any]], rows: pa.Table, folder: Path) -> None:
    """``failed.csv``: planned images that could not be written, with the reason. No file if all were written."""
    if not failed:
        return
    known = {row["id"]: row for row in _records(rows, ["id", "source", "uri"])}
    lines = sorted(
        (known[row["id"]] | {"file": row["file"], "reason": row["error"]} for row in failed), key=_by_file
    )
    write_text(_csv(["file", "reason", "id", "source", "uri"], lines), folder / "failed.csv")


def _by_file(row: Mapping[str, Any]) -> str:
    return row["file"]


def _csv(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> str:
    text = io.StringIO()
    usual = csv.writer(text, lineterminator="\n")
    quoting = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL)
    for row in (columns, *([row[name] for name in columns] for row in rows)):
        # Readers of CSV take a bare carriage return as the end of a line; the usual writer would not quote it.
        (quoting if any("\r" in value for value in row if isinstance(value, str)) else usual).writerow(row)
    return text.getvalue()


def write_manifest(manifest: pa.Table, folder: Path) -> None:
    """``manifest.parquet``."""
    write_parquet(manifest, folder / "manifest.parquet")


def list_files(folder: Path) -> list[str]:
    """Every file of a release, relative and sorted, without its checksums and the marks of an unfinished release."""
    found = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return sorted(path.as_posix() for path in found if path.parts[0] not in NEVER_HASHED)


def write_checksums(manifest: pa.Table, folder: Path) -> None:
    """``SHA256SUMS`` of all files but itself: ``sha256sum -c SHA256SUMS`` checks it."""
    known = dict(zip(manifest["file"].to_pylist(), manifest["sha256"].to_pylist(), strict=True))
    lines = [f"{known.get(file) or file_sha256(folder / file)}  {file}\n" for file in list_files(folder)]
    write_text("".join(lines), folder / "SHA256SUMS")
