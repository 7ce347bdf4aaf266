"""Images that are too small for trainers are told of in `plan`, when a run starts, at its end, and on the card."""

from __future__ import annotations

import json
import os
import pty
import subprocess
from pathlib import Path

import pytest
from flow_tools import ENVIRONMENT, command, groundglass

from groundglass import testing
from patience import STOPS_A_HANG

HEAD = "name: small\nsteps:\n  - source: {folder: photos, licence: CC0-1.0}\n"
SCORES = "  - measure: [header]\n"
TILES = "  - transform: {tile: 64}\n    name: tiles\n"
PAIRS = "  - release: {format: paired, lr_scales: [2]}\n"
SPLIT = "  - split: {validation: 50%}\n"


def make(folder: Path, steps: str, sizes: list[tuple[int, int]]) -> None:
    (folder / "photos").mkdir()
    for n, (width, height) in enumerate(sizes):
        (folder / f"photos/{n:03}.png").write_bytes(testing.png(testing.photo(width, height, n)))
    (folder / "r.yaml").write_text(HEAD + steps)


def notes(folder: Path) -> list[str]:
    done = groundglass(folder, "plan", "r.yaml", "--json")
    assert done.returncode == 0, done.stderr
    return [note for note in json.loads(done.stdout)["notes"] if "too small" in note]


def one_line(text: str) -> str:
    return " ".join(text.split())


SIZES = [(70, 200), (100, 130), (128, 128), (300, 200)]


def test_pictures_are_counted_by_what_they_are_too_small_for(tmp_path: Path):
    make(tmp_path, PAIRS, SIZES)
    (note,) = notes(tmp_path)
    assert note.startswith("release-1: too small for training patches of HR at x2: ")
    assert "at most 1 image for 96 px" in note, "no header has been read by a run yet"
    assert "at most 2 images for 128 px (HAT, neosr)" in note
    ran = groundglass(tmp_path, "run", "r.yaml")
    assert ran.returncode == 0, ran.stderr
    assert "1 of 4 images for 96 px (EDSR, SwinIR); 2 of 4 images for 128 px (HAT, neosr)" in one_line(
        ran.stdout
    )
    card = (tmp_path / "runs/small/0001/release/README.md").read_text()
    assert "Too small for training patches of HR at x2: 1 of 4 images for 96 px" in card
    (tmp_path / "r.yaml").write_text(HEAD + PAIRS.replace("[2]", "[2, 4]"))
    (note,) = notes(tmp_path)
    assert "at x4: 2 of 4 images for 128 px" in note
    assert "3 of 4 images for 192 px" in note
    assert "all 4 images for 256 px" in note


def test_on_a_terminal_a_note_is_folded_to_its_width(tmp_path: Path):
    make(tmp_path, PAIRS, SIZES)
    ours, terminal = pty.openpty()
    done = subprocess.run(
        command("plan", "r.yaml"),
        cwd=tmp_path,
        env=ENVIRONMENT | {"COLUMNS": "60"},
        stdout=terminal,
        timeout=STOPS_A_HANG,
    )
    os.close(terminal)
    shown = os.read(ours, 100_000).decode().replace("\r\n", "\n")
    os.close(ours)
    assert done.returncode == 0
    lines = shown.split("note: ")[1].split("\n  time")[0].split("\n")
    assert len(lines) > 2
    assert [line for line in lines if len(line) > 60] == []
    assert one_line(" ".join(lines)).endswith("; BasicSR then stops")
    piped = groundglass(tmp_path, "plan", "r.yaml").stdout.split("note: ")[1].split("\n")[0]
    assert piped == one_line(" ".join(lines))


def test_tiles_are_warned_of_before_the_run_starts(tmp_path: Path):
    make(tmp_path, SCORES + TILES + SPLIT + PAIRS, SIZES)
    (note,) = notes(tmp_path)
    assert "all images (at most 21) for 96 px (EDSR, SwinIR), 128 px (HAT, neosr)" in note
    ran = groundglass(tmp_path, "run", "r.yaml")
    started = one_line(ran.stderr.split("opened")[0])
    assert "note: release-1: tiles of 64 px are too small for training patches of HR at x2: 96 px" in started
    record = json.loads((tmp_path / "runs/small/0001/run.json").read_text())
    release = record["steps"][-1]
    train = release["facts"]["pictures"]["train"]
    assert 0 < train < 21
    assert f"all {train} images for 96 px" in release["notes"][0], "validation images are not cut"


def test_what_is_large_enough_is_not_warned_of(tmp_path: Path):
    make(tmp_path, PAIRS, [(128, 300), (200, 150)])
    assert notes(tmp_path) == []
    ran = groundglass(tmp_path, "run", "r.yaml")
    assert "too small" not in ran.stdout + ran.stderr
    assert "oo small" not in (tmp_path / "runs/small/0001/release/README.md").read_text()


def test_sizes_that_are_guessed_from_a_sample_are_told_as_that(tmp_path: Path):
    make(tmp_path, PAIRS, [(70, 70), *[(128, 128)] * 69])
    (note,) = notes(tmp_path)
    assert "about " in note
    assert "at most" not in note


def test_of_a_best_part_not_known_yet_the_number_is_a_guess(tmp_path: Path):
    best = "  - measure: [sharpness]\n  - select: {top_k: 2, by: tenengrad}\n"
    make(tmp_path, best + PAIRS, SIZES)
    (note,) = notes(tmp_path)
    assert "about " in note
    groundglass(tmp_path, "run", "r.yaml")
    assert all("about" not in note and "at most" not in note for note in notes(tmp_path))


def test_tiles_further_apart_than_they_are_wide_are_told_of(tmp_path: Path):
    make(tmp_path, TILES.replace("64", "64, stride: 100"), SIZES)
    done = groundglass(tmp_path, "plan", "r.yaml", COLUMNS="80")
    assert "tiles: tiles of 64 px are 100 px apart: the gaps between them are in no tile" in one_line(
        done.stdout
    )
    (tmp_path / "r.yaml").write_text(HEAD + TILES.replace("64", "64, stride: 64"))
    assert "apart" not in groundglass(tmp_path, "plan", "r.yaml").stdout


@pytest.mark.parametrize("name", ["faceup", "bhi", "diverseg", "quickstart"])
def test_no_shipped_recipe_is_warned_of_on_ordinary_photographs(tmp_path: Path, name: str):
    make(tmp_path, PAIRS, [(1024, 768), (1200, 1600)])
    profile = [] if name == "quickstart" else ["--profile", "offline"]
    where = "steps.photos.source={folder: photos}"
    done = groundglass(tmp_path, "plan", name, *profile, "--set", where)
    assert done.returncode == 0, done.stderr
    assert "too small" not in done.stdout
    assert "apart" not in done.stdout
