"""The same pictures in a folder, a zip, a tar shard and a table give the same measures and the same release."""

from __future__ import annotations

import io
import json
import shutil
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from flow_tools import fingerprint_of, groundglass, kill_at, make_photos, run_json, steps

from groundglass import testing

RECIPE = """
name: {name}
steps:
  - source: {{{source}}}
    name: photos
  - measure: [header, blockiness, sharpness]
    name: scores
  - select: {{where: "blockiness < 30"}}
    name: clean
  - transform: {{tile: 64}}
    name: tiles
  - release: {{format: paired, lr_scales: [2], names: hash}}
    name: release
"""

SOURCES = {
    "folder": "folder: photos, licence: CC0-1.0",
    "zip": "archive: photos.zip, licence: CC0-1.0",
    "tar": "archive: 'shard-*.tar', licence: CC0-1.0",
    "bytes": "table: photos.parquet, bytes: image",
    "paths": "table: photos.csv, path: file, licence: CC0-1.0",
}


def make_sources(folder: Path) -> None:
    """A folder of pictures, and the same ones in every other kind of source."""
    make_photos(folder / "photos", count=6)
    pack(folder)


def pack(folder: Path) -> None:
    """The pictures of the folder in every other kind of source."""
    files = sorted((folder / "photos").iterdir())
    with zipfile.ZipFile(folder / "photos.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for file in files:
            archive.write(file, f"in/{file.name}")
    for shard in (0, 1):
        with tarfile.open(folder / f"shard-{shard}.tar", "w") as tar:
            for number, file in enumerate(files[shard::2]):
                tar.add(file, file.name)
                add_json(tar, f"{file.stem}.json", {"caption": f"picture {number}", "number": number})
    images = [{"bytes": file.read_bytes(), "path": file.name} for file in files]
    table = pa.table({"image": images, "license": ["CC0-1.0"] * len(files), "number": range(len(files))})
    pq.write_table(table, folder / "photos.parquet", row_group_size=4)
    (folder / "photos.csv").write_text(
        "file,number\n" + "".join(f"photos/{f.name},{n}\n" for n, f in enumerate(files))
    )


def add_json(tar: tarfile.TarFile, name: str, content: dict[str, Any]) -> None:
    data = json.dumps(content).encode()
    info = tarfile.TarInfo(name)
    info.size = len(data)
    tar.addfile(info, io.BytesIO(data))


def write(folder: Path, name: str, source: str | None = None) -> str:
    path = folder / f"{name}.yaml"
    path.write_text(RECIPE.format(name=name, source=source or SOURCES[name]))
    return path.name


def measures_of(folder: Path, name: str) -> dict[str, Any]:
    """Every measured row by measure and content."""
    found: dict[str, Any] = {}
    for part in sorted((folder / "runs" / name / "store/measures").glob("*/part-*.parquet")):
        for row in pq.read_table(part).to_pylist():
            found[f"{part.parent.name} {row['sha256']} {row['region']}"] = row
    return found


def pixels_of(release: Path) -> dict[tuple[str, str, int], str]:
    """What was released of which content: (sha256 of the photograph, region, scale) → pixels."""
    rows = pq.read_table(release / "manifest.parquet").to_pylist()
    return {(row["source_sha256"], row["region"], row["scale"]): row["pixel_hash"] for row in rows}


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every kind of source, and a finished run of each."""
    folder = tmp_path_factory.mktemp("sources")
    make_sources(folder)
    for name in SOURCES:
        run_json(folder, write(folder, name), "--workers", "2")
    return folder


@pytest.mark.parametrize("name", [name for name in SOURCES if name != "folder"])
def test_measures_and_pixels_are_those_of_the_folder(work: Path, name: str) -> None:
    plain = measures_of(work, "folder")
    assert len(plain) > 20
    there = measures_of(work, name)
    assert {key: there[key] for key in plain} == plain
    release = pixels_of(work / "runs/folder/0001/release")
    assert len(release) > 20
    assert pixels_of(work / "runs" / name / "0001/release") == release


def test_nothing_is_unpacked_and_nothing_is_touched(tmp_path: Path) -> None:
    make_sources(tmp_path)
    shutil.rmtree(tmp_path / "photos")
    before = fingerprint_of(tmp_path)
    run_json(tmp_path, write(tmp_path, "zip"))
    after = fingerprint_of(tmp_path)
    assert {file: after[file] for file in before} == before
    new = [Path(file) for file in after if file not in before and not file.endswith(".yaml")]
    assert {file.parts[0] for file in new} == {"runs"}
    outside = [file for file in new if "release" not in file.parts and "report" not in file.parts]
    assert {file.suffix for file in outside} <= {".parquet", ".sum", ".json", ".jsonl", ".yaml", ".lock", ""}


def test_a_second_run_reads_nothing_again(work: Path) -> None:
    for name in ("tar", "bytes"):
        result = run_json(work, f"{name}.yaml", "--set", "steps.clean.select.where=blockiness < 29")
        assert steps(result)["photos"]["cached"] == steps(result)["photos"]["in"], name


@pytest.mark.parametrize(
    ("name", "uri", "says"),
    [
        ("zip", "photos.zip/in/00.png", "kept to the end"),
        ("tar", "shard-0.tar/00.png", "picture 0"),
        ("tar", "shard-0.tar/blocky.jpg", "dropped"),
        ("bytes", "photos.parquet/00.png", "CC0-1.0"),
        ("paths", "photos/page.jpg", "not_an_image"),
    ],
)
def test_why_tells_an_image_by_its_uri(work: Path, name: str, uri: str, says: str) -> None:
    told = groundglass(work, "why", f"runs/{name}/0001", uri, "--json")
    assert told.returncode == 0, told.stderr
    plain = groundglass(work, "why", f"runs/{name}/0001", uri)
    assert says in told.stdout + plain.stdout


@pytest.mark.parametrize("name", ["zip", pytest.param("bytes", marks=pytest.mark.long)])
def test_kills_are_survived(tmp_path: Path, work: Path, name: str) -> None:
    make_sources(tmp_path)
    recipe = write(tmp_path, name)
    for files in (8, 20, 35):
        kill_at(tmp_path, files, "run", recipe, "--workers", "2", mark=f"{tmp_path.name}-{files}")
    result = run_json(tmp_path, recipe, "--workers", "2")
    release = tmp_path / "runs" / name / f"{result['number']:04d}" / "release"
    assert pixels_of(release) == pixels_of(work / "runs/folder/0001/release")


WHERE = "archive: 'shard-*.tar', licence: CC0-1.0, where: number < 3 and caption like 'picture%'"


def test_refused_rows_are_on_record_and_never_read(tmp_path: Path) -> None:
    make_sources(tmp_path)
    result = run_json(tmp_path, write(tmp_path, "where", WHERE))
    photos = steps(result)["photos"]
    assert photos["in"] == photos["out"] + photos["dropped"] + photos["failed"]
    run = tmp_path / "runs/where/0001"
    verdicts = pq.read_table(run / "selections/photos.parquet").to_pylist()
    images = {row["id"]: row for row in pq.read_table(run / "images/photos/part-0.parquet").to_pylist()}
    assert len(verdicts) == photos["dropped"] > 3
    for row in verdicts:
        image = images[row["id"]]
        assert (row["kept"], row["failed"], image["sha256"], image["error"]) == (False, False, None, None)
        assert row["reason"] == f"number {image['meta.number']}, limit 3" or image["meta.number"] in (None, 3)
    known = [
        row["path"]
        for p in (run.parent / "store/files").glob("part-*.parquet")
        for row in pq.read_table(p).to_pylist()
    ]
    assert not {images[row["id"]]["path"] for row in verdicts} & set(known)
    again = run_json(tmp_path, "where.yaml", "--set", "steps.clean.select.where=blockiness < 29")
    assert steps(again)["photos"]["dropped"] == photos["dropped"]


def test_a_limit_counts_those_that_pass(tmp_path: Path) -> None:
    make_sources(tmp_path)
    result = run_json(tmp_path, write(tmp_path, "where", f"{WHERE}, limit: 2"))
    photos = steps(result)["photos"]
    assert photos["in"] - photos["dropped"] == 2


def test_meta_columns_can_be_selected_by_and_are_kept(tmp_path: Path) -> None:
    make_sources(tmp_path)
    recipe = write(tmp_path, "bytes")
    rule = "steps.clean.select.where=meta.number % 2 = 0 and licence = 'CC0-1.0'"
    result = run_json(tmp_path, recipe, "--set", rule)
    assert steps(result)["clean"]["dropped"] > 2
    images = pq.read_table(tmp_path / "runs/bytes/0001/images/photos/part-0.parquet")
    assert images["meta.number"].to_pylist() == list(range(11))
    assert set(images["licence"].to_pylist()) == {"CC0-1.0"}
    assert images["bytes"].null_count == 0


@pytest.mark.parametrize("name", ["zip", "bytes"])
def test_a_source_changed_after_it_was_listed_is_said_so(tmp_path: Path, name: str) -> None:
    """The run has finished its source step; then other pictures take the place of the old ones."""
    make_sources(tmp_path)
    (tmp_path / "first.yaml").write_text(
        f"name: {name}\nsteps:\n  - source: {{{SOURCES[name]}}}\n    name: photos\n"
    )
    run_json(tmp_path, "first.yaml")
    run = tmp_path / "runs" / name / "0001"
    for entry in run.iterdir():
        if entry.name != "images":
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
    for seed, file in enumerate(sorted((tmp_path / "photos").iterdir())):
        file.write_bytes(testing.png(testing.photo(170, 90, 50 + seed)))
    pack(tmp_path)
    ended = groundglass(tmp_path, "run", write(tmp_path, name), "--json")
    assert ended.returncode == 4, ended.stderr  # nothing is left to be released
    done = json.loads(ended.stdout)
    scores = steps(done)["scores"]
    assert (done["number"], scores["in"]) == (1, 10)
    assert scores["reasons"] == {"changed": 10}
