"""Checks whether a written release still matches its manifest and checksums."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from groundglass.files.hashes import file_sha256
from groundglass.releases.journal import INCOMPLETE
from groundglass.releases.manifest import is_high, list_files, meta_info_name
from groundglass.releases.metadata import NAMES, read_names

_COLUMNS = ["file", "split", "scale", "role", "sha256", "pixel_hash", "width", "height", "id", "root"]


def verify_release(folder: Path) -> list[str]:
    """The errors in a release, one sentence each; an empty list if there are none.

    Checked: it is finished; SHA256SUMS, manifest and folder name the same files; every checksum; HR is
    exactly scale × LR with equal file names; meta_info lists the HR files with their sizes, each metadata file those
    of its split; no photo and no equal pixels are in two splits.
    """
    if not folder.is_dir():
        return [f"{folder} is not a folder"]
    if (folder / INCOMPLETE).exists():
        return ["the release is not finished: run the same command again"]
    missing = [name for name in ("manifest.parquet", "SHA256SUMS") if not (folder / name).exists()]
    if missing:
        return [f"{name} is missing" for name in missing]
    written = pq.read_table(folder / "manifest.parquet")
    manifest = written.select([name for name in _COLUMNS if name in written.column_names]).to_pylist()
    sums = _read_sums(folder / "SHA256SUMS")
    return [
        *_files(folder, sums, manifest),
        *_pairs(manifest),
        *_meta_info(folder, manifest),
        *_metadata(folder, manifest),
        *_leaks(manifest),
    ]


def _read_sums(path: Path) -> dict[str, str]:
    """{file: sha256}; an invalid line gives a file with an empty sum."""
    lines = (line.partition("  ") for line in path.read_text(encoding="utf-8").splitlines())
    return {file: digest for digest, _, file in lines}


def _files(folder: Path, sums: Mapping[str, str], manifest: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    there = set(list_files(folder))
    yield from (f"{file} is missing" for file in sorted(set(sums) - there))
    yield from (f"{file} is not in SHA256SUMS" for file in sorted(there - set(sums)))
    yield from (
        f"{file} has changed"
        for file in sorted(there & set(sums))
        if file_sha256(folder / file) != sums[file]
    )
    listed = {row["file"]: row["sha256"] for row in manifest}
    yield from (
        f"{file} is in the manifest, but not in SHA256SUMS" for file in sorted(set(listed) - set(sums))
    )
    both = sorted(set(listed) & set(sums))
    yield from (
        f"{file} has a different sha256 in the manifest" for file in both if listed[file] != sums[file]
    )


def _pairs(manifest: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    high = {row["id"]: row for row in manifest if is_high(row)}
    for row in manifest:
        whole = high.get(row["id"])
        if whole is None:
            yield f"{row['file']} has no HR image"
        elif Path(whole["file"]).name != Path(row["file"]).name:
            yield f"{row['file']} and {whole['file']} have different names"
        elif (row["width"] * row["scale"], row["height"] * row["scale"]) != (whole["width"], whole["height"]):
            yield f"{row['file']} is not {whole['file']} / {row['scale']}"


def _meta_info(folder: Path, manifest: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    lines: defaultdict[str, set[str]] = defaultdict(set)
    for row in manifest:
        if is_high(row):
            lines[row["split"]].add(f"{Path(row['file']).name} ({row['height']},{row['width']},3)")
    for split, expected in lines.items():
        name = meta_info_name(split, list(lines))
        if not (folder / name).exists():
            continue
        found = (folder / name).read_text(encoding="utf-8").split("\n")
        if set(found) != expected or len(found) != len(expected):
            yield f"{name} does not list the HR images of {split}"


def _metadata(folder: Path, manifest: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    high: defaultdict[str, list[str]] = defaultdict(list)
    for row in manifest:
        if is_high(row):
            high[row["split"]].append(row["file"])
    for split, files in high.items():
        places = {Path(files[0]).parent, Path(files[0]).parent.parent}
        for file in sorted(place / name for place in places for name in NAMES.values()):
            if (folder / file).exists() and read_names(folder, file) != files:
                yield f"{file} does not list the HR images of {split}"


def _leaks(manifest: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for column, what in (("root", "photo"), ("pixel_hash", "image")):
        splits: defaultdict[str, set[str]] = defaultdict(set)
        for row in manifest:
            splits[row[column]].add(row["split"])
        for value, found in splits.items():
            if len(found) > 1:
                yield f"{what} {value} is in {' and '.join(sorted(found))}"
