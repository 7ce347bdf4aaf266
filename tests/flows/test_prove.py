"""A proof shows what a gate is worth, says so where it cannot be shown, and refuses what it cannot compare."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flow_tools import groundglass, groundglass_process, kill_when
from PIL import Image

from groundglass import testing
from groundglass.testing.model_server import ModelServer
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
PHOTOS, SIDE = 90, 320
STEP = """
  - prove: {score_on: scored}
    name: proof
"""


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Photos, half of them heavily compressed, a folder of 24 to score on, and one of six for networks."""
    folder = tmp_path_factory.mktemp("prove")
    for name in ("photos", "scored", "six"):
        (folder / name).mkdir()
    for number, pixels in enumerate(real_parts()[:PHOTOS]):
        name = folder / "photos" / f"{number:02d}"
        if number % 2:
            name.with_suffix(".jpg").write_bytes(testing.jpeg(pixels, 5))
        else:
            name.with_suffix(".png").write_bytes(testing.png(pixels))
    for number, pixels in enumerate(real_parts()[PHOTOS : PHOTOS + 24]):
        (folder / "scored" / f"{number}.png").write_bytes(testing.png(pixels))
        if number < 6:
            (folder / "six" / f"{number}.png").write_bytes(testing.png(pixels[:64, :64]))
    (folder / "gated.yaml").write_text(RECIPE)
    return folder


@pytest.fixture(scope="module")
def proved(photos: Path) -> dict[str, Any]:
    """The proof of the recipe in its folder, whose run and measures the tests then find."""
    with pytest.MonkeyPatch.context() as patch:
        take_fewer_splits(patch)
        return proof_of(photos, "gated.yaml", "--score-on", "scored")


@cache
def real_parts() -> list[Any]:
    """Real photos of `SIDE` px a side: made images have no edges to learn from."""
    found: list[Any] = []
    for path in sorted(shared("train_photos", "bsds500").iterdir())[:150]:
        with Image.open(path) as image:
            found.append(np.asarray(image.convert("RGB"))[:SIDE, :SIDE])
    return [np.ascontiguousarray(pixels) for pixels in found if pixels.shape == (SIDE, SIDE, 3)]


@pytest.fixture(autouse=True)
def fewer_splits(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fewer random splits than a user gets: these tests ask for clear verdicts only."""
    if "long" not in request.keywords:
        take_fewer_splits(monkeypatch)


def take_fewer_splits(patch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    from groundglass.proofs.preset import PRESETS

    few = replace(PRESETS["instant"], splits=40, draws=10, resamples=40, alarms=20)
    patch.setitem(PRESETS, "instant", few)


@pytest.fixture
def folder(photos: Path, tmp_path: Path) -> Path:
    """Photos that nothing was done with yet."""
    shutil.copytree(photos, tmp_path, dirs_exist_ok=True, ignore=shutil.ignore_patterns("runs"))
    return tmp_path


@pytest.fixture
def ran(photos: Path, proved: dict[str, Any], tmp_path: Path) -> Path:
    """The folder after the recipe's proof: its run, and all that was measured for it."""
    shutil.copytree(photos, tmp_path, dirs_exist_ok=True)
    return tmp_path


def proof_of(folder: Path, *words: str) -> dict[str, Any]:
    ended = groundglass(folder, "prove", *words, "--json")
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


def arms(proof: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {arm["arm"]: arm for arm in proof["arms"]}


def test_a_recipe_is_run_and_its_gates_are_proved(proved: dict[str, Any]):
    proof, found = proved, arms(proved)
    assert found["selected"]["against"] == "random"
    assert found["selected"]["verdict"] == "better"
    assert found["without unblocked"]["verdict"] == "worse"
    assert found["without idle"] == {
        **found["without idle"],
        "verdict": "no difference shown",
        "effect": 0.0,
        "n_images": PHOTOS // 2,
    }
    assert proof["preset"] == "instant"
    assert proof["cpu_seconds"] > 0
    assert proof["false_alarm_rate"] <= 0.1
    assert proof["false_alarms_of"] == "proof"
    for arm in found.values():
        low, high = arm["ci95"]
        assert low <= arm["effect"] <= high
        assert arm["power"] >= 3 * arm["null_sd"]


def test_the_step_says_the_same_and_keeps_it_in_the_run(ran: Path, proved: dict[str, Any]):
    by_command, folder = arms(proved), ran
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


def test_the_same_proof_twice_gives_the_same_numbers_and_measures_nothing_again(
    ran: Path, proved: dict[str, Any], monkeypatch: pytest.MonkeyPatch
):
    from groundglass.proofs.instant import measure

    monkeypatch.setattr(measure, "moments", None)
    words, first = ("--score-on", "scored", "--arms", "selected"), arms(proved)["selected"]
    again = arms(proof_of(ran, "runs/gated/0001", *words))["selected"]
    assert again == {**first, "power": again["power"]}, "the power depends on the number of comparisons"
    other = arms(proof_of(ran, "gated", *words, "--seed", "5"))["selected"]
    assert other["verdict"] == first["verdict"]
    assert other["effect"] != first["effect"]


def test_every_kind_of_arm_is_compared(ran: Path):
    words = ("--arms", "sizes,resolution,turned,best:blockiness", "--images", "32")
    found = arms(proof_of(ran, "gated.yaml", "--score-on", "scored", *words))
    assert found.keys() == {
        "25 % of selected",
        "50 % of selected",
        "resolution 1/2",
        "resolution 1/4",
        "turned",
        "best:blockiness",
    }
    assert found["25 % of selected"]["n_images"] == 8
    assert found["25 % of selected"]["effect"] < found["50 % of selected"]["effect"]
    assert found["50 % of selected"]["effect"] < 0
    assert found["best:blockiness"]["n_images"] == 32


def test_folders_of_the_same_photos_are_compared_photo_by_photo(folder: Path):
    for name, quality in (("clean", None), ("q10", 10)):
        (folder / name).mkdir()
        for number, pixels in enumerate(real_parts()[:40]):
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
    for path in sorted((folder / "two").iterdir())[:2]:
        path.unlink()
    words = ("--folder", "one=one", "--folder", "two=two", "--score-on", "six")
    (arm,) = proof_of(folder, *words)["arms"]
    assert arm["n_images"] == 24, "a folder that changed is read again"


def test_photos_that_are_held_out_to_score_on_are_in_no_arm_under_another_name(folder: Path):
    """Not as a copy either: an arm that was trained on the answers would win."""
    for name in ("one", "two"):
        (folder / name).mkdir()
    for number, pixels in enumerate(real_parts()[:40]):
        (folder / "one" / f"{number}.png").write_bytes(testing.png(pixels))
        (folder / "two" / f"again{number}.jpg").write_bytes(testing.jpeg(pixels, 90))
    proof = proof_of(folder, "--folder", "one=one", "--folder", "two=two")
    (arm,) = proof["arms"]
    assert proof["n_scored"] == 8
    assert arm["n_images"] == 32
    assert any("8 images of the arms look like a held-out one" in note for note in proof["notes"])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("gated.yaml", "--arms", "selectd"), "there is no arm 'selectd'"),
        (("gated.yaml", "--arms", "best:blockines"), "did you mean"),
        (("gated.yaml", "--arms", "selected,best:blockines"), "\n  --arms selected,best:blockines\n"),
        (("gated.yaml", "--arms", "best:width"), "name a column with one"),
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


ASKED = """
name: asked
steps:
  - source: {folder: few}
  - measure: [blockiness]
  - select: {where: "blockiness < 40"}
    name: unblocked
  - annotate: {model: {openai: some-model, base_url: "URL"}, ask: [category], vocabulary: [city, forest], long_edge: 64}
  - select: {where: "category is not null"}
    name: answered
"""


def test_a_gate_before_a_model_cannot_be_judged_by_answers_that_were_never_given(folder: Path):
    (folder / "few").mkdir()
    for number, pixels in enumerate(real_parts()[:40]):
        file = testing.jpeg(pixels[:64, :64], 5) if number % 2 else testing.png(pixels[:64, :64])
        (folder / "few" / f"{number}").with_suffix(".jpg" if number % 2 else ".png").write_bytes(file)
    with ModelServer() as server:
        (folder / "asked.yaml").write_text(ASKED.replace("URL", server.url))
        proof = proof_of(folder, "asked.yaml", "--score-on", "six", "--arms", "without")
        asked = len(server.served)
    found = arms(proof)
    assert found["without unblocked"]["verdict"] == "failed"
    assert (
        f"never asked about {40 - asked} images that unblocked drops" in found["without unblocked"]["reason"]
    )
    assert found["without answered"]["verdict"] == "no difference shown"


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
def test_networks_are_trained_from_the_base_and_a_stopped_proof_goes_on(
    ran: Path, monkeypatch: pytest.MonkeyPatch
):
    from groundglass.training import train

    whole, trained = train.train, [0]

    def counted(*given: Any) -> None:
        trained[0] += 1
        if trained[0] == 5:
            os.kill(os.getpid(), signal.SIGINT)
        whole(*given)

    monkeypatch.setattr(train, "train", counted)
    folder, words = ran, ("gated.yaml", "--preset", "quick", "--arms", "selected", "--score-on", "six")
    ended = groundglass(folder, "prove", *words)
    assert ended.returncode == 130
    assert re.search(r"stopped: \d+ of \d+ trainings are done and saved", ended.stderr)
    assert "the same command continues" in ended.stderr
    proof = proof_of(folder, *words)
    (arm,) = proof["arms"]
    assert arm["verdict"] in ("better", "worse", "no difference shown")
    assert np.isfinite(arm["effect"])
    assert proof["false_alarms_of"] == "preset", "the rate was measured beforehand, not on these images"
    place = folder / "runs/gated/0001/proof/command/trainings"
    results = sorted(place.glob("quick-*/results/*.json"))
    assert len(results) >= 16
    assert trained == [len(results)], "nothing is trained twice"
    assert not list(place.glob("*/pool.safetensors"))
    assert proof_of(folder, *words)["arms"] == proof["arms"]
    assert trained == [len(results)]


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
    found = arms(proof_of(folder, *words, "--preset", "quick", "--score-on", "six"))
    assert found["b"]["verdict"] != "failed"
    assert found["b"]["effect"] is not None


def test_the_preset_gpu_trains_the_network_that_is_named(ran: Path, monkeypatch: pytest.MonkeyPatch):
    from groundglass.training import job
    from groundglass.training.networks import NETWORKS

    # The real networks take too long on a CPU; which one is trained is all that is asked here.
    monkeypatch.setattr(job, "GPU_STEPS", job.Steps(2, 1e-4))
    monkeypatch.setitem(NETWORKS, "msrresnet", NETWORKS["quick"])
    words = ("--preset", "gpu", "--network", "msrresnet", "--arms", "selected", "--score-on", "six")
    proof = proof_of(ran, "gated.yaml", *words)
    (arm,) = proof["arms"]
    assert arm["verdict"] in ("better", "worse", "no difference shown")
    assert (proof["network"], proof["start"]) == ("msrresnet", "")
    page = (ran / "runs/gated/0001/report/proof.html").read_text(encoding="utf-8")
    assert "Preset gpu: msrresnet" in page
    place = ran / "runs/gated/0001/proof/command/trainings"
    results = list(place.glob("gpu-*/results/*/result.json"))
    assert len(results) >= 16
    assert not list(place.glob("**/network.safetensors"))


@pytest.mark.long
def test_a_killed_proof_goes_on_to_the_same_result(ran: Path):
    words = ("prove", "gated.yaml", "--preset", "quick", "--arms", "selected", "--score-on", "six", "--json")
    place = ran / "runs/gated/0001/proof/command/trainings"

    def results() -> dict[str, int]:
        return {path.name: path.stat().st_mtime_ns for path in place.glob("*/results/*.json")}

    whole = json.loads(groundglass_process(ran, *words).stdout)
    shutil.rmtree(place)
    assert kill_when(ran, lambda: len(results()) >= 1, *words, mark=f"{ran}-first")
    assert kill_when(ran, lambda: len(results()) >= 5, *words, mark=f"{ran}-second")
    before = results()
    again = json.loads(groundglass_process(ran, *words).stdout)
    assert again["arms"] == whole["arms"]
    assert before.items() <= results().items(), "a finished training is not done again"


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


def test_images_that_are_trained_on_are_not_scored_on(ran: Path):
    folder = ran
    clean = len(list((folder / "scored").iterdir()))
    for number, path in enumerate(sorted((folder / "photos").glob("*.png"))[:4]):
        if number % 2:  # the same bytes under another name, or saved again
            shutil.copy(path, folder / "scored" / f"copy{number}.png")
        else:
            with Image.open(path) as image:
                image.save(folder / "scored" / f"copy{number}.jpg", quality=80)
    (folder / "scored" / "inner").mkdir()
    shutil.copy(folder / "scored" / "0.png", folder / "scored" / "inner" / "other.png")
    words = ("--arms", "selected", "--score-on", "scored", "--score-on", "scored/inner")
    proof = proof_of(folder, "gated.yaml", *words)
    assert proof["n_scored"] == clean
    assert any("4 of the images to score on" in note for note in proof["notes"])
    ended = groundglass(folder, "prove", "gated", "--score-on", "photos")
    assert ended.returncode == 2
    assert "are also trained on" in ended.stderr


def test_two_proofs_of_one_run_are_not_written_at_once(ran: Path):
    from groundglass.files.folder_lock import only_one

    with only_one(ran / "runs/gated/0001/proof/command"):
        ended = groundglass(ran, "prove", "gated", "--score-on", "scored")
    assert ended.returncode == 2
    assert "is in use by process" in ended.stderr
