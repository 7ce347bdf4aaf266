"""`groundglass degrade`: every parameter is printed, and makes the same file again."""

from __future__ import annotations

import json
import sys
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ruamel.yaml import YAML

sys.path.insert(0, str(Path(__file__).parents[1] / "flows"))
from flow_tools import groundglass

from groundglass import testing
from groundglass.degradations.catalog import DISTORTIONS
from groundglass.degradations.presets import PRESETS
from groundglass.degradations.sheet import GAP, LINES, SIDE
from groundglass.extras import is_installed
from groundglass.image.frame import open_frame


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "a.png").write_bytes(testing.png(testing.photo(103, 82, 5)))
    (tmp_path / "b.jpg").write_bytes(testing.jpeg(testing.photo(64, 48, 6), quality=95))
    (tmp_path / "bad.png").write_bytes(b"no image")
    return tmp_path


def rows_of(folder: Path, *words: str) -> list[dict[str, Any]]:
    done = groundglass(folder, "degrade", *words, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_what_is_printed_makes_the_same_files_again(folder: Path):
    rows = rows_of(folder, "a.png", "b.jpg", "bad.png", "--preset", "realesrgan-x4plus", "-o", "lq")
    assert [row["error"] is None for row in rows] == [True, True, False]
    assert (rows[0]["width"], rows[0]["height"], rows[0]["region"]) == (25, 20, "crop(0,0,100,80)")
    assert all(set(one) == {"name", "settings", "stream"} for row in rows[:2] for one in row["applied"])
    (folder / "parameters.json").write_text(json.dumps(rows))
    for number, file in enumerate(("parameters.json", "lq-parameters.jsonl")):
        again = rows_of(folder, "a.png", "b.jpg", "--replay", file, "-o", f"again{number}")
        assert [row["error"] for row in again] == [None, None]
        for name in ("a.png", "b.png"):
            assert (folder / f"again{number}" / name).read_bytes() == (folder / "lq" / name).read_bytes()
    assert sorted(one.name for one in (folder / "lq").iterdir()) == ["a.png", "b.png"]


def test_the_seed_and_the_photo_alone_decide(folder: Path):
    (folder / "copy.png").write_bytes((folder / "a.png").read_bytes())
    words = ("a.png", "--preset", "camera", "-o")
    first = rows_of(folder, *words, "one")[0]
    same = rows_of(folder, "copy.png", "--preset", "camera", "-o", "two")[0]
    other = rows_of(folder, *words, "three", "--seed", "1")[0]
    assert first["result"] == same["result"] != other["result"]
    assert first["applied"] == same["applied"] != other["applied"]


def test_a_replay_that_would_differ_writes_nothing(folder: Path):
    (row,) = rows_of(folder, "a.png", "--preset", "camera", "-o", "lq")
    row["applied"][-1]["settings"]["quality"] = 11
    row["made_with"]["numpy"] = "0.1"
    (folder / "p.json").write_text(json.dumps(row))
    done = groundglass(folder, "degrade", "a.png", "--replay", "p.json", "-o", "again")
    assert done.returncode == 4
    assert "other pixels than the record states (numpy 0.1 →" in done.stdout
    assert not (folder / "again").exists()
    done = groundglass(folder, "degrade", "b.jpg", "--replay", "p.json", "-o", "again")
    assert done.returncode == 4
    assert "no parameters of this photo" in done.stdout


def test_no_file_is_overwritten(folder: Path):
    words = ("degrade", "a.png", "--preset", "camera", "-o", "lq")
    assert groundglass(folder, *words).returncode == 0
    before = (folder / "lq/a.png").read_bytes(), (folder / "lq-parameters.jsonl").read_text()
    done = groundglass(folder, *words, "--seed", "5")
    assert done.returncode == 4
    assert "exists already" in done.stdout
    assert ((folder / "lq/a.png").read_bytes(), (folder / "lq-parameters.jsonl").read_text()) == before


def test_a_record_cannot_write_outside_its_folder(folder: Path):
    (row,) = rows_of(folder, "a.png", "--preset", "camera", "-o", "lq")
    (folder / "p.json").write_text(json.dumps([row | {"file": "../../evil.png"}]))
    (made,) = rows_of(folder, "a.png", "--replay", "p.json", "-o", "again")
    assert made["file"] == str(Path("again/evil.png"))


def test_a_folder_means_the_images_in_it(folder: Path):
    photos = folder / "photos" / "more"
    photos.mkdir(parents=True)
    for seed in range(4):
        (photos / f"{seed}.png").write_bytes(testing.png(testing.photo(40, 32, seed)))
    (photos / "notes.txt").write_text("no image")
    words = ("degrade", "photos", "a.png", "--preset", "camera", "-o", "lq")
    done = groundglass(folder, *words)
    assert done.returncode == 0, done.stderr
    assert sorted(one.name for one in (folder / "lq").iterdir()) == [
        "0.png",
        "1.png",
        "2.png",
        "3.png",
        "a.png",
    ]
    shown = [line for line in done.stdout.splitlines() if "  jpeg  " in line]
    assert len(shown) == 3, "the steps of the first photos alone"
    again = rows_of(folder, "photos", "a.png", "--replay", "lq-parameters.jsonl", "-o", "again")
    assert [row["error"] for row in again] == [None] * 5
    (folder / "empty").mkdir()
    done = groundglass(folder, "degrade", "empty", "--preset", "camera", "-o", "lq2")
    assert done.returncode == 2
    assert "the folder empty has no images" in done.stderr


@pytest.mark.skipif(is_installed("video"), reason="the extra 'video' is installed")
def test_a_preset_of_a_missing_extra_says_so_before_any_image(folder: Path):
    done = groundglass(folder, "degrade", "a.png", "--preset", "streamed-video", "-o", "lq")
    assert done.returncode == 2
    assert "the extra 'video' is not installed" in done.stderr
    assert not (folder / "lq").exists()


def test_the_sheet_shows_every_degradation(folder: Path):
    (row,) = rows_of(folder, "a.png", "--grid", "-o", "sheets")
    sheet = open_frame(folder / row["file"]).rgb
    assert sheet.shape == (row["height"], row["width"], 3)
    # Two degradations in a row, each at three strengths.
    assert sheet.shape[:2] == ((LINES + SIDE + GAP) * -(-len(DISTORTIONS) // 2), 6 * (SIDE + GAP) + GAP)
    assert np.unique(sheet).size > 200


@pytest.mark.parametrize("trainer", ["realesrgan", "traiNNer-redux", "neosr"])
def test_options_of_a_trainer_are_written_and_used(folder: Path, trainer: str):
    done = groundglass(folder, "degrade", "--preset", "realesrgan-x2plus", "--export", trainer)
    assert done.returncode == 0
    neosr = trainer == "neosr"
    read = tomllib.loads(done.stdout) if neosr else YAML(typ="safe").load(done.stdout)
    assert read["scale"] == 2
    assert (read["degradations"] if neosr else read["datasets"]["train"])["final_sinc_prob"] == 0.8
    assert bool(done.stderr) == (trainer != "realesrgan")
    file = "options.toml" if neosr else "options.yml"
    (folder / file).write_text(done.stdout)
    (row,) = rows_of(folder, "b.jpg", "--preset", file, "-o", "lq")
    assert (row["width"], row["preset"]) == (32, file)
    if trainer == "realesrgan":
        (ours,) = rows_of(folder, "b.jpg", "--preset", "realesrgan-x2plus", "-o", "ours")
        assert ours["result"] == row["result"]


def test_presets_are_listed_with_their_sources(folder: Path):
    said = groundglass(folder, "degrade", "--list").stdout
    assert all(name in said for name in PRESETS)
    assert "train_realesrgan_x4plus.yml" in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["a.png", "--preset", "camra", "-o", "lq"], "Did you mean 'camera'?"),
        (["a.png", "-o", "lq"], "--list shows the presets"),
        (["a.png", "--preset", "camera"], "-o OUT is missing"),
        (["--preset", "camera", "-o", "lq"], "name at least one photo"),
        (["a.png", "--preset", "none.yml", "-o", "lq"], "there is no file none.yml"),
        (["a.png", "--replay", "none.json", "-o", "lq"], "there is no file none.json"),
        (["a.png", "--replay", "bad.png", "-o", "lq"], "is not JSON"),
        (["a.png", "--replay", "x.json", "--grid", "-o", "lq"], "exclude each other"),
        (["a.png", "--replay", "x.json", "--preset", "camera", "-o", "lq"], "no meaning"),
        (["--preset", "camera", "--export", "neosr"], "no trainer can express"),
    ],
)
def test_mistakes_end_with_2_and_say_what_is_wrong(folder: Path, words: list[str], said: str):
    done = groundglass(folder, "degrade", *words)
    assert done.returncode == 2, done.stdout
    assert said in done.stderr
    assert not (folder / "lq").exists()


def test_options_without_degradations_are_refused(folder: Path):
    (folder / "o.yml").write_text("network_g: {type: span}\n")
    done = groundglass(folder, "degrade", "a.png", "--preset", "o.yml", "-o", "lq")
    assert done.returncode == 2
    assert "no degradations" in done.stderr
