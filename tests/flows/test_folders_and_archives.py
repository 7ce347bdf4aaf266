"""Folders and archives as people really have them: what a run takes, what it leaves out, and what it says of it."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from flow_tools import fingerprint_of, groundglass, make_photos, picture, run_json, steps

from shared_data import DATA

RECIPE = "name: mine\nsteps:\n  - source: {folder: photos, licence: CC0-1.0}\n  - measure: [header]\n"


def case(kind: str, name: str, place: Path) -> Path:
    """A copy of a shared case; the test is skipped where the cases are absent."""
    path = DATA.parent / "cases" / kind / name
    if not path.exists():
        pytest.skip(f"needs the shared cases: {kind}/{name} is not there")
    copy = place / name
    shutil.copytree(path, copy)
    for found in (copy, *copy.rglob("*")):
        found.chmod(found.stat().st_mode | 0o200)
    return copy


def images_of(work: Path, name: str) -> list[dict[str, Any]]:
    (path,) = (work / "runs" / name / "0001" / "images").glob("*/part-0.parquet")
    return pq.read_table(path).to_pylist()


def columns_of(work: Path, name: str) -> dict[str, dict[str, Any]]:
    return {
        row["uri"]: {key: value for key, value in row.items() if key.startswith("meta.")}
        for row in images_of(work, name)
    }


WANTED: dict[str, dict[str, dict[str, Any]]] = {
    "folder-with-txt-captions": {f"00{n}.jpg": {"meta.caption": f"a caption {n}"} for n in range(4)},
    "zip-by-powershell": {f"a.zip/photos/set {n}/{n}.jpg": {} for n in range(3)},
    "tar-concatenated": {f"both.tar/{n}.jpg": {} for n in range(6)},
    "webdataset-caption-with-bom": {f"s.tar/{n}.jpg": {"meta.caption": f"caption {n}"} for n in range(3)},
    "webdataset-two-part-endings": {
        f"s.tar/00000{n}.jpg": {"meta.caption": f"words {n}", "meta.w": n} for n in range(4)
    },
    "webdataset-type-drifts-between-shards": {
        "0.tar/a.jpg": {"meta.score": 5.0, "meta.lang": None},
        "1.tar/b.jpg": {"meta.score": 5.5, "meta.lang": "en"},
    },
}


@pytest.mark.parametrize("name", WANTED)
def test_the_shared_cases_come_out_whole(tmp_path: Path, name: str) -> None:
    work = case("tables_and_servers", name, tmp_path)
    result = run_json(work, "recipe.yaml")
    assert [step["failed"] for step in result["steps"]] == [0, 0]
    assert columns_of(work, name) == WANTED[name]


def test_a_folder_of_a_network_drive_and_a_mac(tmp_path: Path) -> None:
    case("pictures", "nas_folder", tmp_path).rename(tmp_path / "photos")
    (tmp_path / "mine.yaml").write_text(RECIPE)
    before = fingerprint_of(tmp_path / "photos")
    planned = groundglass(tmp_path, "plan", "mine.yaml").stdout
    result = run_json(tmp_path, "mine.yaml")
    source = result["steps"][0]
    assert (source["in"], source["out"], source["failed"]) == (4, 4, 0)
    assert source["notes"] == [
        "skipped files of operating systems and programs: ._* 4, .DS_Store 1, @eaDir 1",
        "1 file skipped, not an image: no ending 1",
    ]
    assert all(note in " ".join(planned.split()) for note in source["notes"])
    assert set(map(str, columns_of(tmp_path, "mine").values())) == {
        str({"meta.title": "x", "meta.caption": "a caption"})
    }
    told = json.loads(groundglass(tmp_path, "why", "mine", "IMG_0001.jpg", "--json").stdout)
    assert told["facts"]["meta.caption"] == "a caption"
    assert fingerprint_of(tmp_path / "photos") == before


def test_a_zip_with_backslashes(tmp_path: Path) -> None:
    work = case("pictures", "zip_backslash", tmp_path)
    (archive,) = work.glob("*.zip")
    (work / "mine.yaml").write_text(RECIPE.replace("folder: photos", f"archive: '{archive.name}'"))
    assert run_json(work, "mine.yaml")["steps"][0]["failed"] == 0
    assert [row["uri"] for row in images_of(work, "mine")] == [f"{archive.name}/set/a.jpg"]


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """Photos with captions, facts, files of systems and others."""
    photos = make_photos(tmp_path / "photos", 3)
    for number in range(3):
        (photos / f"0{number}.txt").write_text(f"photo {number}")
        (photos / f"0{number}.json").write_text(json.dumps({"score": number + 0.5}))
    (photos / ".DS_Store").write_bytes(b"x")
    (photos / "@eaDir").mkdir()
    (photos / "@eaDir" / "00.png").write_bytes(picture(16, 16, 1))
    (photos / "notes.md").write_text("about them")
    (tmp_path / "mine.yaml").write_text(RECIPE)
    return tmp_path


def test_facts_beside_images_select_before_and_after_reading(work: Path) -> None:
    where = "folder: photos, where: 'score > 1 or score is null'"
    (work / "mine.yaml").write_text(
        RECIPE.replace("folder: photos", where) + "  - select: {where: \"meta.caption = 'photo 2'\"}\n"
    )
    found = run_json(work, "mine.yaml")["steps"]
    assert (found[0]["in"], found[0]["dropped"], found[-1]["out"]) == (8, 1, 1)
    assert groundglass(work, "plan", "mine.yaml").returncode == 0


def test_a_changed_caption_is_seen_by_the_next_run_and_nothing_is_read_again(work: Path) -> None:
    run_json(work, "mine.yaml")
    (work / "photos" / "01.txt").write_text("another photo")
    result = run_json(work, "mine.yaml", "--limit", "7")
    assert steps(result)["source-1"]["cached"] == 7
    (path,) = (work / "runs/mine/0002/images").glob("*/part-0.parquet")
    assert pq.read_table(path)["meta.caption"].to_pylist()[:3] == ["photo 0", "another photo", "photo 2"]


def test_a_limit_counts_images_only(work: Path) -> None:
    source = run_json(work, "mine.yaml", "--limit", "3")["steps"][0]
    assert (source["in"], source["out"]) == (3, 3)
    assert [row["uri"] for row in images_of(work, "mine")] == ["00.png", "01.png", "02.png"]


def test_why_tells_of_what_was_skipped(work: Path) -> None:
    run_json(work, "mine.yaml")
    for name, reason in (
        ("notes.md", "not_an_image"),
        (".DS_Store", "system_file"),
        ("@eaDir", "system_file"),
    ):
        plain = groundglass(work, "why", "mine", name)
        assert plain.returncode == 0, plain.stderr
        assert f"skipped, {reason}" in plain.stdout
        told = json.loads(groundglass(work, "why", "mine", name, "--json").stdout)
        assert (told["uri"], told["fate"], told["reason"]) == (name, "skipped", reason)
    assert groundglass(work, "why", "mine", "nothing.md").returncode == 2


def test_a_run_that_goes_on_says_the_same(work: Path) -> None:
    """The source step is done; then the run is started again."""
    first = run_json(work, "mine.yaml")["steps"][0]["notes"]
    run = work / "runs/mine/0001"
    for entry in run.iterdir():
        if entry.name not in ("images", "skipped"):
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
    again = run_json(work, "mine.yaml")
    assert (again["number"], again["steps"][0]["notes"]) == (1, first)
    assert len(first) > 1


def test_filter_and_init_say_what_else_a_folder_holds(work: Path) -> None:
    done = groundglass(work, "filter", "photos", "width > 1", "-o", "kept")
    assert done.returncode == 0, done.stderr
    assert "skipped files of operating systems and programs: .DS_Store 1, @eaDir 1" in " ".join(
        done.stdout.split()
    )
    told = json.loads(groundglass(work, "init", "first", "photos", "--json").stdout)
    assert told["files"] == 8
    said = " ".join(choice["said"] for choice in told["noticed"])
    for words in (".DS_Store 1, @eaDir 1", "not an image: md 1", "meta.caption, meta.score"):
        assert words in said
    assert groundglass(work, "plan", "first.yaml").returncode == 0


def test_columns_of_two_folders_are_widened_to_hold_both(work: Path) -> None:
    other = work / "other"
    other.mkdir()
    (other / "a.png").write_bytes(picture(32, 32, 5))
    (other / "a.json").write_text('{"score": "high"}')
    second = "  - source: {folder: other, licence: CC0-1.0}\n    name: second\n"
    (work / "mine.yaml").write_text(RECIPE.replace("  - measure", f"{second}  - measure"))
    planned = groundglass(work, "plan", "mine.yaml")
    assert planned.returncode == 0, planned.stderr
    assert "meta.score is VARCHAR here and DOUBLE before" in " ".join(planned.stdout.split())
    run_json(work, "mine.yaml")
    tables = [
        pq.read_table(path) for path in sorted((work / "runs/mine/0001/images").glob("*/part-0.parquet"))
    ]
    values = {value for table in tables for value in table["meta.score"].to_pylist()}
    assert values == {"high", "0.5", "1.5", "2.5", None}
    told = json.loads(groundglass(work, "why", "mine", "a.png", "--json").stdout)
    assert told["facts"]["meta.score"] == "high"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_text_that_cannot_be_read_costs_only_its_column(work: Path) -> None:
    (work / "photos" / "00.txt").chmod(0)
    result = run_json(work, "mine.yaml")
    assert result["steps"][0]["failed"] == 0
    assert any("00.txt cannot be used" in note for note in result["steps"][0]["notes"])
