"""`restore` in a recipe: networks' answers as rows, kept in the store, paired with the images that were restored."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from flow_tools import ENVIRONMENT, command, groundglass, picture, run_json, steps

import tiny_restorers
from groundglass import testing
from groundglass.image.frame import open_frame
from groundglass.image.header import ImageLimits
from groundglass.made_images import restored
from groundglass.made_images.kept import Place
from groundglass.models.restorers.restorer import RestorerSettings, find_restorer, open_restorer
from patience import wait_until

RECIPE = """
name: hq
steps:
  - source: {{folder: photos, licence: CC0-1.0}}
  - measure: [sharpness]
  - transform: {{restore: {model}}}
    name: better
  - measure: [sharpness]
  - select: {{where: "tenengrad > 0.1 * parent.tenengrad"}}
  - release: {{format: paired}}
"""


def prepared(folder: Path, model: str, count: int = 4) -> Path:
    (folder / "photos").mkdir(parents=True)
    for seed in range(count):
        (folder / "photos" / f"{seed}.png").write_bytes(picture(60, 48, seed))
    (folder / "hq.yaml").write_text(RECIPE.format(model=model))
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("onnxruntime")
    folder = tmp_path_factory.mktemp("restored")
    tiny_restorers.blur(folder / "net.onnx", scale=2)
    prepared(folder, "net.onnx")
    run_json(folder, "hq.yaml", "--workers", "2")
    return folder


def rows_of(release: Path) -> list[dict[str, Any]]:
    return pq.read_table(release / "manifest.parquet").to_pylist()


def kept_pixels(folder: Path) -> list[Path]:
    return sorted((folder / "runs" / "hq" / "store" / "made").rglob("*.png"))


def test_hr_is_the_network_s_answer_and_lr_the_image_that_it_saw(folder: Path):
    release = folder / "runs" / "hq" / "0001" / "release"
    restorer = open_restorer(RestorerSettings(str(folder / "net.onnx"), device="cpu"))
    rows = rows_of(release)
    assert sorted((row["role"], row["scale"]) for row in rows) == [("hr", 1)] * 4 + [("lr", 2)] * 4
    for row in rows:
        photo = open_frame(folder / "photos" / row["uri"]).rgb
        wanted = restorer.restore(photo) if row["role"] == "hr" else photo
        assert (open_frame(release / row["file"]).rgb == wanted).all()
        assert (row["tenengrad"] is None) == (row["role"] == "lr"), "scores are of the restored image"
    card = (release / "README.md").read_text()
    assert "restore by net.onnx (weights " in card
    assert "licence unknown" in card
    assert len((release / "parameters.jsonl").read_text().splitlines()) == 4


def test_a_second_run_restores_nothing_not_even_without_the_model_s_file(folder: Path):
    files = {path: path.stat().st_mtime_ns for path in kept_pixels(folder)}
    assert len(files) == 4
    again = run_json(folder, "hq.yaml")
    assert steps(again)["better"]["out"] == 4
    assert {path: path.stat().st_mtime_ns for path in kept_pixels(folder)} == files


def test_lost_pixels_are_made_again_and_another_model_in_its_place_is_noticed(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    run = prepared(tmp_path, "net.onnx")
    tiny_restorers.blur(tmp_path / "net.onnx", scale=2)
    run_json(run, "hq.yaml")
    first = {path: path.read_bytes() for path in kept_pixels(run)}
    for path in first:
        path.unlink()
    (run / "hq.yaml").write_text((run / "hq.yaml").read_text().replace("0.1 *", "0.05 *"))
    run_json(run, "hq.yaml")
    assert {path: path.read_bytes() for path in kept_pixels(run)} == first
    for path in first:
        path.unlink()
    tiny_restorers.blur(tmp_path / "net.onnx", scale=2, offset=0.1)
    restored._restorer.cache_clear()
    (record,) = (
        path.stem for path in (run / "runs/hq/store/made").glob("*.json") if "settings" not in path.name
    )
    makes = restored.make_restored
    folder = run / "runs/hq/store/made"
    with pytest.raises(Exception, match="not the restorer that made the other images"):
        makes(np.zeros((8, 8, 3), np.uint8), "", {"scale": 2}, Place(folder, record, "", ""), folder)


def test_an_answer_that_is_no_image_is_a_row_with_the_reason(tmp_path: Path):
    pytest.importorskip("onnxruntime")
    run = prepared(tmp_path, "white.onnx")
    tiny_restorers.blur(tmp_path / "white.onnx", scale=2, offset=2.0)
    done = groundglass(run, "run", "hq.yaml", "--json")
    assert done.returncode == 4
    record = json.loads((run / "runs/hq/0001/run.json").read_text())
    (step,) = [one for one in record["steps"] if one["step"] == "better"]
    assert (step["out"], step["failed"], step["reasons"]) == (0, 4, {"blank": 4})
    assert not kept_pixels(run)


BAD = {
    "no model": ("waifu2x-foto", "there is no model 'waifu2x-foto'. Did you mean 'waifu2x-photo'?"),
    "no file": ("nets/a.onnx", "there is no file nets/a.onnx"),
    "no scale": ("bicubic", "bicubic has no scale of its own"),
    "no prompt": ("bicubic, scale: 2, prompt: sharp", "bicubic takes no `prompt`"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_model_that_cannot_be_stops_in_plan(name: str, tmp_path: Path):
    model, said = BAD[name]
    run = prepared(tmp_path, model, 1)
    done = groundglass(run, "plan", "hq.yaml")
    assert done.returncode == 2
    assert "hq.yaml:6:" in done.stderr
    assert said in " ".join(done.stderr.replace("\n", " ").split())


def test_killed_while_it_restores_it_goes_on_with_what_was_made(tmp_path: Path):
    pytest.importorskip("onnxruntime")
    run = prepared(tmp_path, "net.onnx", 12)
    tiny_restorers.blur(tmp_path / "net.onnx", scale=2)
    started = subprocess.Popen(
        command("run", "hq.yaml", "--workers", "1"), cwd=run, env=ENVIRONMENT, start_new_session=True
    )
    wait_until(lambda: len(kept_pixels(run)) >= 3 or started.poll() is not None, "three restored images")
    os.killpg(started.pid, signal.SIGKILL)
    started.wait()
    before = {path: path.stat().st_mtime_ns for path in kept_pixels(run)}
    assert before
    result = run_json(run, "hq.yaml")
    assert steps(result)["better"]["out"] == 12
    after = {path: path.stat().st_mtime_ns for path in kept_pixels(run)}
    assert after.items() >= before.items()
    assert len(after) == 12


def test_tiles_of_a_restored_image_can_be_cut(tmp_path: Path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.png").write_bytes(testing.png(testing.photo(64, 64, 1)))
    (tmp_path / "cut.yaml").write_text(
        "name: cut\nsteps:\n  - source: {folder: photos, licence: CC0-1.0}\n"
        "  - transform: {restore: bicubic, scale: 2}\n  - transform: {tile: 64}\n  - release: {format: folder}\n"
    )
    run_json(tmp_path, "cut.yaml")
    release = tmp_path / "runs/cut/0001/release"
    whole = open_restorer(RestorerSettings("bicubic", scale=2)).restore(testing.photo(64, 64, 1))
    tiles = [open_frame(release / row["file"]).rgb for row in rows_of(release)]
    assert len(tiles) == 4
    assert (np.vstack([np.hstack(tiles[:2]), np.hstack(tiles[2:])]) == whole).all()


def test_a_kept_image_is_used_again_if_it_is_larger_than_a_photo_may_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    found = find_restorer(RestorerSettings("bicubic", scale=16))
    key = restored.write_restored_record(tmp_path, found)
    lq = np.tile(np.arange(8, dtype=np.uint8)[:, None, None], (1, 4100, 3))
    made = restored.make_restored(lq, "", found.record, Place(tmp_path, key, "", ""), tmp_path)
    assert made.rgb.shape[1] > ImageLimits().side
    monkeypatch.setattr(restored, "_restorer", lambda *_: pytest.fail("it is restored again"))
    again = restored.make_restored(lq, "", found.record, Place(tmp_path, key, "", ""), tmp_path)
    assert (again.rgb == made.rgb).all()
