"""A proof shows what a gate is worth, says so where it cannot be shown, and refuses what it cannot compare."""

from __future__ import annotations

import json
import shutil
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flow_tools import groundglass
from PIL import Image

from groundglass import testing
from shared_data import shared

RECIPE = """
name: gated
seed: 1
steps:
  - source: {folder: photos, licence: CC0-1.0}
  - measure: [blockiness]
  - select: {where: "blockiness < 40"}
    name: unblocked
  - select: {where: "blockiness < 1e9"}
    name: idle
"""
STEP = """
  - prove: {score_on: scored}
    name: proof
"""


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ninety photos, half of them heavily compressed, and a folder of thirty to score on."""
    folder = tmp_path_factory.mktemp("prove")
    (folder / "photos").mkdir()
    (folder / "scored").mkdir()
    for number, pixels in enumerate(real_parts()[:90]):
        name = folder / "photos" / f"{number:02d}"
        if number % 2:
            name.with_suffix(".jpg").write_bytes(testing.jpeg(pixels, 5))
        else:
            name.with_suffix(".png").write_bytes(testing.png(pixels))
    for number, pixels in enumerate(real_parts()[90:120]):
        (folder / "scored" / f"{number}.png").write_bytes(testing.png(pixels))
    return folder


@cache
def real_parts() -> list[Any]:
    """Real photos of 320 x 320 px: made images have no edges to learn from."""
    found: list[Any] = []
    for path in sorted(shared("train_photos", "bsds500").iterdir())[:150]:
        with Image.open(path) as image:
            found.append(np.asarray(image.convert("RGB"))[:320, :320])
    return [np.ascontiguousarray(pixels) for pixels in found if pixels.shape == (320, 320, 3)]


@pytest.fixture(autouse=True)
def fewer_splits(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fewer random splits than a user gets: these tests ask for clear verdicts only."""
    from dataclasses import replace

    from groundglass.proofs.preset import PRESETS

    if "long" not in request.keywords:
        few = replace(PRESETS["instant"], splits=60, draws=15, resamples=60, alarms=20)
        monkeypatch.setitem(PRESETS, "instant", few)


@pytest.fixture
def folder(photos: Path, tmp_path: Path) -> Path:
    for name in ("photos", "scored"):
        shutil.copytree(photos / name, tmp_path / name)
    (tmp_path / "gated.yaml").write_text(RECIPE)
    return tmp_path


def proof_of(folder: Path, *words: str) -> dict[str, Any]:
    ended = groundglass(folder, "prove", *words, "--json")
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


def arms(proof: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {arm["arm"]: arm for arm in proof["arms"]}


def test_a_recipe_is_run_and_its_gates_are_proved(folder: Path):
    proof = proof_of(folder, "gated.yaml", "--score-on", "scored")
    found = arms(proof)
    assert found["selected"]["against"] == "random"
    assert found["selected"]["verdict"] == "better"
    assert found["without unblocked"]["verdict"] == "worse"
    assert found["without idle"] == {
        **found["without idle"],
        "verdict": "no difference shown",
        "effect": 0.0,
        "n_images": 45,
    }
    assert proof["preset"] == "instant"
    assert proof["cpu_seconds"] > 0
    assert proof["false_alarm_rate"] <= 0.1
    for arm in found.values():
        low, high = arm["ci95"]
        assert low <= arm["effect"] <= high
        assert arm["power"] >= 3 * arm["null_sd"]


def test_the_step_says_the_same_and_keeps_it_in_the_run(folder: Path):
    by_command = arms(proof_of(folder, "gated.yaml", "--score-on", "scored"))
    (folder / "step.yaml").write_text(RECIPE.replace("gated", "stepped") + STEP)
    assert groundglass(folder, "plan", "step.yaml").returncode == 0
    ended = groundglass(folder, "run", "step.yaml")
    assert ended.returncode == 0, ended.stderr
    assert "The selection trains better than as many random images: +" in " ".join(ended.stdout.split())
    kept = json.loads((folder / "runs/stepped/0001/proof/proof/proof.json").read_text())
    assert {name: arm["verdict"] for name, arm in arms(kept).items()} == {
        name: arm["verdict"] for name, arm in by_command.items()
    }
    shown = json.loads(groundglass(folder, "show", "stepped", "--json").stdout)
    facts = next(step for step in shown["steps"] if step["kind"] == "prove")["facts"]["prove"]
    assert [arm["arm"] for arm in facts] == list(by_command)


def test_the_same_proof_twice_gives_the_same_numbers_and_measures_nothing_anew(folder: Path):
    once = proof_of(folder, "gated.yaml", "--score-on", "scored")
    again = proof_of(folder, "gated", "--score-on", "scored")
    assert once["arms"] == again["arms"]
    other = proof_of(folder, "gated", "--score-on", "scored", "--seed", "5")
    assert [arm["verdict"] for arm in other["arms"]] == [arm["verdict"] for arm in once["arms"]]
    assert other["arms"] != once["arms"]


def test_every_kind_of_arm_is_compared(folder: Path):
    words = "sizes,resolution,turned,best:blockiness"
    found = arms(proof_of(folder, "gated.yaml", "--score-on", "scored", "--arms", words))
    assert found.keys() == {
        "25 % of selected",
        "50 % of selected",
        "resolution 1/2",
        "resolution 1/4",
        "turned",
        "best:blockiness",
    }
    assert found["25 % of selected"]["n_images"] == 11
    assert found["25 % of selected"]["effect"] < found["50 % of selected"]["effect"]
    assert found["50 % of selected"]["effect"] < 0
    assert found["best:blockiness"]["n_images"] == 45


def test_folders_of_the_same_photos_are_compared_photo_by_photo(folder: Path):
    for name, quality in (("clean", None), ("q10", 10)):
        (folder / name).mkdir()
        for number, pixels in enumerate(real_parts()[:60]):
            file = testing.png(pixels) if quality is None else testing.jpeg(pixels, quality)
            (folder / name / f"{number}.{'png' if quality is None else 'jpg'}").write_bytes(file)
    proof = proof_of(folder, "--folder", "clean=clean", "--folder", "q10=q10", "--score-on", "scored")
    (arm,) = proof["arms"]
    assert (arm["arm"], arm["against"], arm["verdict"], arm["how"]) == (
        "q10",
        "clean",
        "worse",
        "same photos",
    )


def test_folders_of_other_photos_are_two_selections_and_halves_show_no_difference(folder: Path):
    for name in ("one", "two"):
        (folder / name).mkdir()
    for number, pixels in enumerate(real_parts()[:52]):
        file = testing.png(pixels)
        (folder / ("one", "two")[number % 2] / f"{number // 2}.png").write_bytes(file)
    proof = proof_of(folder, "--folder", "one=one", "--folder", "two=two")
    (arm,) = proof["arms"]
    assert (arm["how"], arm["verdict"]) == ("selection", "no difference shown")
    assert "held out" in " ".join(proof["notes"])
    assert 15 <= arm["n_images"] <= 26 - 5


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("gated.yaml", "--arms", "selectd"), "there is no arm 'selectd'"),
        (("gated.yaml", "--arms", "best:blockines"), "did you mean"),
        (("gated.yaml", "--arms", "best:"), "there is no arm"),
        (("gated.yaml", "--score-on", "nowhere"), "nowhere"),
        (("gaited.yaml",), "gaited"),
        (("--folder", "photos"), "NAME=DIR"),
        (("--folder", "a=photos"), "two folders"),
        (("--folder", "a=photos", "--folder", "a=scored"), "appears twice"),
        (("--folder", "a=photos", "--folder", "b=nowhere"), "there is no folder"),
        (("gated.yaml", "--folder", "a=photos"), "give a recipe"),
        ((), "give a recipe"),
    ],
)
def test_what_cannot_be_proved_is_refused_with_a_word_on_why(folder: Path, words: tuple[str, ...], said: str):
    ended = groundglass(folder, "prove", *words)
    assert ended.returncode in (2, 3), ended.stdout
    assert said in ended.stderr


def test_too_few_images_and_too_small_ones_are_named(folder: Path):
    (folder / "few").mkdir()
    for number in range(6):
        (folder / "few" / f"{number}.png").write_bytes(testing.png(testing.photo(64, 64, number)))
    (folder / "few" / "tiny.png").write_bytes(testing.png(testing.photo(15, 40, 1)))
    words = ("--folder", "all=photos", "--folder", "few=few", "--score-on", "scored")
    (folder / "few" / "page.png").write_text("<html>")
    ended = groundglass(folder, "prove", *words, "--json")
    assert ended.returncode == 4, ended.stderr
    assert "every comparison failed" in ended.stderr
    proof = json.loads(ended.stdout)
    (arm,) = proof["arms"]
    assert arm["verdict"] == "failed"
    assert "few has 6 usable images" in arm["reason"]
    assert any("too_small" in note for note in proof["notes"])
    assert "1 file of few cannot be used: not_an_image 1" in proof["notes"]
    ended = groundglass(folder, "prove", "--folder", "a=few", "--folder", "b=photos")
    assert ended.returncode == 2
    assert "too few to hold" in ended.stderr


def test_a_proof_without_a_gate_is_refused(folder: Path):
    (folder / "bare.yaml").write_text("name: bare\nsteps:\n  - source: {folder: photos}\n  - prove: {}\n")
    ended = groundglass(folder, "plan", "bare.yaml")
    assert ended.returncode == 2
    assert "bare.yaml:4" in ended.stderr
    assert "no gate before this proof" in ended.stderr
    (folder / "bare.yaml").write_text("name: bare\nsteps:\n  - source: {folder: photos}\n")
    ended = groundglass(folder, "prove", "bare.yaml")
    assert ended.returncode == 2
    assert "bare has no select step" in ended.stderr


@pytest.fixture
def short_trainings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trainings of three iterations, in this process."""
    from dataclasses import replace

    from groundglass.training import train

    short = replace(train.TRAININGS["quick"], iterations=3)
    monkeypatch.setitem(train.TRAININGS, "quick", short)


@pytest.mark.usefixtures("short_trainings")
def test_networks_are_trained_from_the_base_and_their_results_kept(folder: Path):
    words = ("gated.yaml", "--preset", "quick", "--arms", "selected", "--score-on", "scored")
    proof = proof_of(folder, *words)
    (arm,) = proof["arms"]
    assert arm["verdict"] in ("better", "worse", "no difference shown")
    assert np.isfinite(arm["effect"])
    place = folder / "runs/gated/0001/proof/command/trainings"
    results = sorted(place.glob("quick-*/results/*.json"))
    assert len(results) >= 16
    assert not list(place.glob("*/pool.safetensors"))
    times = [path.stat().st_mtime_ns for path in results]
    assert proof_of(folder, *words)["arms"] == proof["arms"]
    assert [path.stat().st_mtime_ns for path in results] == times


@pytest.mark.usefixtures("short_trainings")
def test_a_training_that_diverges_fails_its_arm_and_no_other(folder: Path, monkeypatch: pytest.MonkeyPatch):
    from groundglass.training import train

    whole = train.train

    def diverging(network: Any, pool: Any, shares: Any, *rest: Any, **more: Any) -> None:
        if len(shares) == 24:
            raise train.Diverged("the loss is nan at iteration 1")
        whole(network, pool, shares, *rest, **more)

    monkeypatch.setattr(train, "train", diverging)
    for name in ("a", "b", "c"):
        (folder / name).mkdir()
        for number in range(24 if name == "c" else 20):
            pixels = testing.photo(64, 64, {"a": 0, "b": 50, "c": 100}[name] + number)
            (folder / name / f"{name}{number}.png").write_bytes(testing.png(pixels))
    words = [f"--folder={name}={name}" for name in ("a", "b", "c")]
    found = arms(proof_of(folder, *words, "--preset", "quick", "--score-on", "scored"))
    assert found["b"]["verdict"] != "failed"
    assert found["b"]["effect"] is not None


def test_the_preset_gpu_trains_the_network_that_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch):
    from groundglass.training import job
    from groundglass.training.networks import NETWORKS

    # The real networks take too long on a CPU; which one is trained is all that is asked here.
    monkeypatch.setattr(job, "GPU_STEPS", job.Steps(2, 1e-4))
    monkeypatch.setitem(NETWORKS, "msrresnet", NETWORKS["quick"])
    words = ("--preset", "gpu", "--network", "msrresnet", "--arms", "selected", "--score-on", "scored")
    proof = proof_of(folder, "gated.yaml", *words)
    (arm,) = proof["arms"]
    assert arm["verdict"] in ("better", "worse", "no difference shown")
    place = folder / "runs/gated/0001/proof/command/trainings"
    results = list(place.glob("gpu-*/results/*/result.json"))
    assert len(results) >= 16
    assert not list(place.glob("**/network.safetensors"))


@pytest.mark.long
def test_the_published_signs_come_out_on_real_photos(tmp_path: Path):
    import io

    source, crops = shared("train_photos", "bsds500"), shared("benchmarks", "crops")
    for name in ("clean", "q75", "q30", "fake"):
        (tmp_path / name).mkdir()
    for path in sorted(source.iterdir()):
        with Image.open(path) as image:
            rgb = image.convert("RGB")
        rgb.save(tmp_path / "clean" / f"{path.stem}.png")
        for quality in (75, 30):
            file = io.BytesIO()
            rgb.save(file, "JPEG", quality=quality)
            (tmp_path / f"q{quality}" / f"{path.stem}.jpg").write_bytes(file.getvalue())
        small = rgb.resize((rgb.width // 2, rgb.height // 2), Image.Resampling.BICUBIC)
        small.resize(rgb.size, Image.Resampling.BICUBIC).save(tmp_path / "fake" / f"{path.stem}.png")
    words = [f"--folder={name}={tmp_path / name}" for name in ("clean", "q75", "q30", "fake")]
    proof = proof_of(tmp_path, *words, "--score-on", str(crops))
    assert [arm["verdict"] for arm in proof["arms"]] == ["worse"] * 3
    effects = [arm["effect"] for arm in proof["arms"]]
    assert effects == sorted(effects, reverse=True)
    assert proof["false_alarm_rate"] <= 0.05


def test_images_that_are_trained_on_are_not_scored_on(folder: Path):
    clean = len(list((folder / "scored").iterdir()))
    for number, path in enumerate(sorted((folder / "photos").glob("*.png"))[:4]):
        if number % 2:  # the same bytes under another name, or saved again
            shutil.copy(path, folder / "scored" / f"copy{number}.png")
        else:
            with Image.open(path) as image:
                image.save(folder / "scored" / f"copy{number}.jpg", quality=80)
    (folder / "scored" / "inner").mkdir()
    shutil.copy(folder / "scored" / "0.png", folder / "scored" / "inner" / "other.png")
    proof = proof_of(folder, "gated.yaml", "--score-on", "scored", "--score-on", "scored/inner")
    assert proof["n_scored"] == clean
    assert any("4 of the images to score on" in note for note in proof["notes"])
    ended = groundglass(folder, "prove", "gated", "--score-on", "photos")
    assert ended.returncode == 2
    assert "are also trained on" in ended.stderr


def test_two_proofs_of_one_run_are_not_written_at_once(folder: Path):
    from groundglass.files.folder_lock import only_one

    assert groundglass(folder, "run", "gated.yaml").returncode == 0
    place = folder / "runs/gated/0001/proof/command"
    place.mkdir(parents=True)
    with only_one(place):
        ended = groundglass(folder, "prove", "gated", "--score-on", "scored")
    assert ended.returncode == 2
    assert "is in use by process" in ended.stderr
