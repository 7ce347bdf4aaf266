"""run.json: read whatever version wrote it, in nobody's way when it cannot be read, and true at every end of a run."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from flow_tools import ENVIRONMENT, command, groundglass, picture

RECIPE = """name: small
steps:
  - source: {folder: photos, licence: CC0-1.0}
  - measure: [header, sharpness]
  - select: {where: "tenengrad > 1"}
  - release: {format: folder, image: png}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "photos").mkdir()
    for seed in range(3):
        (tmp_path / f"photos/{seed}.png").write_bytes(picture(160, 130, seed))
    (tmp_path / "small.yaml").write_text(RECIPE)
    assert groundglass(tmp_path, "run", "small.yaml").returncode == 0
    return tmp_path


def record(folder: Path, number: int = 1) -> dict[str, Any]:
    return json.loads((folder / f"runs/small/{number:04d}/run.json").read_text())


def rewrite(folder: Path, **changed: Any) -> None:
    path = folder / "runs/small/0001/run.json"
    path.write_text(json.dumps(record(folder) | changed))


def test_a_record_says_which_form_it_has(folder: Path) -> None:
    assert record(folder)["version"] == 2
    assert record(folder)["reported"]
    assert not (folder / "runs/small/0001/.reserve").exists()


@pytest.mark.parametrize(
    "look", [("show", "small"), ("why", "small", "0.png"), ("report", "small"), ("show",)]
)
def test_a_record_of_another_version_is_read(folder: Path, look: tuple[str, ...]) -> None:
    steps = [{**step, "mood": "fine"} for step in record(folder)["steps"]]
    for step in steps:
        del step["cached"], step["held_out"]
    rewrite(folder, version=99, colour="blue", steps=steps)
    told = record(folder)
    for missing in ("seed", "recipe_file", "hint", "reported"):
        del told[missing]
    (folder / "runs/small/0001/run.json").write_text(json.dumps(told))
    done = groundglass(folder, *look)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '{"steps": 3}', '{"state": "odd"}', "\0" * 40])
def test_a_record_that_cannot_be_read_blocks_nothing(folder: Path, content: str) -> None:
    (folder / "runs/small/0001/run.json").write_text(content)
    done = groundglass(folder, "show", "small")
    assert done.returncode == 2
    assert "run.json" in done.stderr
    listed = groundglass(folder, "show")
    assert listed.returncode == 0
    assert "0001/run.json" in listed.stderr
    again = groundglass(folder, "run", "small.yaml")
    assert again.returncode == 0, again.stderr
    assert record(folder, 2)["state"] == "done"
    assert (folder / "runs/small/0001/release/SHA256SUMS").exists()


def test_a_run_that_was_killed_in_the_report_gets_its_report_and_no_second_release(folder: Path) -> None:
    rewrite(folder, reported=False)
    shutil.rmtree(folder / "runs/small/0001/report")
    release = folder / "runs/small/0001/release"
    before = {path.name: path.stat().st_mtime_ns for path in release.rglob("*")}
    done = groundglass(folder, "run", "small.yaml")
    assert done.returncode == 0, done.stderr
    assert "going on with" in done.stderr
    assert (folder / "runs/small/0001/report/index.html").exists()
    assert {path.name: path.stat().st_mtime_ns for path in release.rglob("*")} == before
    assert not (folder / "runs/small/0002").exists()
    groundglass(folder, "run", "small.yaml")
    assert (folder / "runs/small/0002").exists(), "a run that has its report is done"


def test_a_damaged_table_of_a_run_is_named(folder: Path) -> None:
    table = folder / "runs/small/0001/selections/select-1.parquet"
    table.write_bytes(table.read_bytes()[:100])
    for look in (("why", "small", "0.png"), ("report", "small")):
        done = groundglass(folder, *look)
        assert done.returncode == 3
        assert "select-1.parquet cannot be read" in done.stderr
        assert "run the recipe again" in done.stderr


def test_a_stopped_run_lists_a_source_again_whose_table_is_damaged(folder: Path) -> None:
    rewrite(folder, state="interrupted")
    (table,) = folder.glob("runs/small/0001/images/*/part-0.parquet")
    table.write_bytes(table.read_bytes()[:100])
    done = groundglass(folder, "run", "small.yaml")
    assert done.returncode == 0, done.stderr
    assert "the source is listed again" in done.stderr
    assert record(folder)["state"] == "done"


CAN_MOUNT = subprocess.run(
    ["unshare", "-rm", "mount", "-t", "tmpfs", "tmpfs", "/mnt"], capture_output=True, check=False
)
FULL = """
mount -t tmpfs -o size={size}k tmpfs {runs} || exit 99
{command}
code=$?
cp {runs}/small/0001/run.json {saved}
exit $code
"""


@pytest.mark.skipif(CAN_MOUNT.returncode != 0, reason="needs the right to mount a small disk")
def test_after_a_full_disk_the_record_says_how_the_run_ended(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "runs").mkdir()
    for seed in range(12):
        (tmp_path / f"photos/{seed}.png").write_bytes(picture(300, 260, seed))
    (tmp_path / "small.yaml").write_text(RECIPE)
    script = FULL.format(
        size=700,
        runs=tmp_path / "runs",
        command=" ".join(
            f"'{word}'" if " " in word or ";" in word else word for word in command("run", "small.yaml")
        ),
        saved=tmp_path / "saved.json",
    )
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", script],
        cwd=tmp_path,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 3, done.stderr
    told = json.loads((tmp_path / "saved.json").read_text())
    assert told["state"] == "failed"
    assert "No space left" in told["error"]
    assert "free some space" in told["hint"]
