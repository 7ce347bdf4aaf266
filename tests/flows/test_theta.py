"""A threshold chosen by a proof in a run: the right one is found, and every part of the run uses it."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from flow_tools import groundglass, kill_when, run_json, steps, write_recipe

from groundglass import testing
from groundglass.proofs import threshold_search

GOOD, BAD = 50, 60
FROM = "from: [50, 20000, 3, 8]"
RECIPE = f"""
name: small
seed: 3
steps:
  - source: {{folder: photos, licence: CC0-1.0}}
    name: photos
  - measure: [blockiness, exposure]
    name: scores
  - select: {{where: "width > 10 and blockiness < {{theta}}", theta: {{choose_by: proof, {FROM}, score_on: neutral}}}}
    name: clean
"""
AFTER = """
  - prove: {score_on: neutral}
    name: proof
  - audit: {defects: [jpeg], sample: 3}
    name: audit
  - release: {format: folder}
"""
OTHER = """
name: other
seed: 3
steps:
  - source: {folder: photos, licence: CC0-1.0, glob: "*.png"}
    name: photos
  - measure: [exposure]
    name: scores
  - select: {where: "mean_luma > {theta}", theta: {choose_by: proof, from: [0, 105, 120]}}
    name: bright
"""


def shapes(seed: int, side: int = 192) -> np.ndarray:
    """Flat shapes with sharp edges on a ramp: what JPEG rings around."""
    stream = np.random.default_rng(seed)
    y, x = np.mgrid[:side, :side] / side
    slope = stream.uniform(-50, 50, 2)
    image = np.repeat((stream.uniform(60, 190) + slope[0] * x + slope[1] * y)[..., None], 3, axis=2)
    for _ in range(30):
        left, top, turn = (*stream.uniform(0, 1, 2), stream.uniform(0, 3.2))
        along, across = (x - left) * np.cos(turn) + (y - top) * np.sin(turn), (y - top) * np.cos(turn)
        across = across - (x - left) * np.sin(turn)
        wide, tall = stream.uniform(0.03, 0.3, 2)
        box = (abs(along) < wide) & (abs(across) < tall)
        image[box if stream.random() < 0.5 else (along / wide) ** 2 + (across / tall) ** 2 < 1] = (
            stream.uniform(20, 235, 3)
        )
    return image.clip(0, 255).astype(np.uint8)


def make_set(folder: Path) -> None:
    """More than half of the images were compressed hard; neutral images to score on are beside them."""
    for name in ("photos", "neutral"):
        (folder / name).mkdir(parents=True)
    for seed in range(GOOD + BAD):
        kind, data = (
            ("png", testing.png) if seed >= BAD else ("jpg", lambda image: testing.jpeg(image, quality=2))
        )
        (folder / "photos" / f"{seed:03d}.{kind}").write_bytes(data(shapes(seed)))
    for seed in range(40):
        (folder / "neutral" / f"{seed:03d}.png").write_bytes(testing.png(shapes(1000 + seed)))


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("theta-images")
    make_set(folder)
    return folder


def linked(images: Path, folder: Path) -> Path:
    for name in ("photos", "neutral"):
        (folder / name).symlink_to(images / name)
    return folder


@pytest.fixture(scope="module")
def done(images: Path, tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """A run that chooses its threshold, and then proves, audits and releases."""
    folder = linked(images, tmp_path_factory.mktemp("theta"))
    write_recipe(folder, RECIPE + AFTER)
    planned = groundglass(folder, "plan", "small.yaml")
    result = run_json(folder, "small.yaml")
    run = folder / "runs/small/0001"
    return SimpleNamespace(folder=folder, run=run, steps=steps(result), planned=planned, result=result)


def verdicts(run: Path, step: str = "clean") -> dict[str, Any]:
    return {row["id"]: row for row in pq.read_table(run / "selections" / f"{step}.parquet").to_pylist()}


def test_the_threshold_that_drops_the_compressed_images_is_found(done: SimpleNamespace) -> None:
    step = done.steps["clean"]
    found = step["facts"]["theta"]
    assert (found["theta"], found["verdict"]) == (50, "better")
    assert (step["in"], step["out"], step["dropped"]) == (GOOD + BAD, GOOD, BAD)
    assert [point["theta"] for point in found["points"]] == [20000, 50, 8, 3]
    assert found["n_picking"] == found["n_checking"] == 20
    assert step["thresholds"] == [
        {"column": "width", "op": ">", "limit": 10.0},
        {"column": "blockiness", "op": "<", "limit": 50.0},
    ]
    assert step["label"] == "width > 10 and blockiness < 50 (theta chosen by proof)"


def test_show_why_lock_and_report_have_the_number_that_was_used(done: SimpleNamespace) -> None:
    shown = groundglass(done.folder, "show", "small").stdout
    assert "theta 50 is chosen: at equal counts it trains better than theta 20,000" in " ".join(shown.split())
    assert "theta 3 is not compared" in shown
    why = groundglass(done.folder, "why", "small", "000.jpg").stdout
    assert "limit 50 (theta chosen by proof)" in why
    assert "width 192" not in why
    reasons = {row["reason"] for row in verdicts(done.run).values() if not row["kept"]}
    assert all(reason.endswith(", limit 50 (theta chosen by proof)") for reason in reasons)
    assert done.steps["clean"]["reasons"] == {"blockiness, limit 50 (theta chosen by proof)": BAD}
    lock = json.loads((done.run / "recipe.lock").read_text())
    assert lock["thetas"] == {"clean": done.steps["clean"]["facts"]["theta"]}
    page = (done.run / "report/index.html").read_text()
    assert "effect of 4 thresholds in dB; 50 is used" in page
    assert "50 (used)" in page
    assert 'aria-valuenow="50.0"' in page


def test_the_recipe_of_the_run_keeps_the_candidates(done: SimpleNamespace) -> None:
    text = (done.run / "recipe.yaml").read_text()
    assert "blockiness < {theta}" in text
    assert "choose_by: proof" in text


def test_plan_says_what_is_open_and_after_the_run_it_is_exact(done: SimpleNamespace) -> None:
    before = " ".join(done.planned.stdout.split())
    assert "theta is chosen in the run, from 20,000, 50, 8, 3:" in before
    after = " ".join(groundglass(done.folder, "plan", "small.yaml").stdout.split())
    assert f"release release-1 folder {GOOD}" in after
    assert "≤" not in after


def test_another_list_of_candidates_is_planned_and_searched_again(done: SimpleNamespace) -> None:
    changed = "steps.clean.select.theta.from=[20000, 50]"
    planned = groundglass(done.folder, "plan", "small.yaml", "--set", changed).stdout
    assert "≤" in planned
    assert "would be runs/small/0002" in planned


def test_proof_and_audit_judge_by_the_chosen_threshold(done: SimpleNamespace) -> None:
    arms = {arm["arm"]: arm for arm in done.steps["proof"]["facts"]["prove"]}
    assert arms["without clean"]["verdict"] == "worse"
    assert arms["selected"]["n_images"] == GOOD
    audit = done.steps["audit"]["facts"]["audit"]
    assert audit["passing"] == GOOD
    card = json.loads(next(done.run.rglob("scorecard.json")).read_text())
    now = {advice["gate"]: advice["now"]["limit"] for advice in card["thresholds"]}
    assert now in ({}, {"clean": 50.0})
    assert any(cell["gate"] == "clean" for cell in card["gates"])


def test_the_commands_prove_and_audit_use_it_too(done: SimpleNamespace) -> None:
    proved = groundglass(
        done.folder, "prove", "runs/small/0001", "--arms", "without", "--score-on", "neutral", "--json"
    )
    assert proved.returncode == 0, proved.stderr
    (arm,) = json.loads(proved.stdout)["arms"]
    assert (arm["arm"], arm["verdict"]) == ("without clean", "worse")
    audited = groundglass(
        done.folder, "audit", "runs/small/0001", "--sample", "3", "--defects", "jpeg", "--json"
    )
    assert audited.returncode == 0, audited.stderr


def test_a_second_run_searches_nothing_and_ends_the_same(
    done: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object) -> None:
        raise AssertionError("a search that was made before was made again")

    monkeypatch.setattr("groundglass.steps.select.theta.search", never)
    again = run_json(done.folder, "small.yaml")
    second = done.folder / "runs/small" / f"{again['number']:04d}"
    assert second != done.run
    assert steps(again)["clean"]["facts"] == done.steps["clean"]["facts"]
    assert verdicts(second) == verdicts(done.run)


def test_a_search_that_was_stopped_ends_as_if_it_was_not(
    done: SimpleNamespace, images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped between the two halves; another run of another folder then ends with the same table and facts."""
    folder = linked(images, tmp_path)
    write_recipe(folder, RECIPE + AFTER)
    whole = threshold_search.selection_effect
    calls: list[int] = []

    def stopped(*arguments: Any) -> Any:
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return whole(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(threshold_search, "selection_effect", stopped)
        assert groundglass(folder, "run", "small.yaml").returncode == 130
    assert len(calls) == 2
    result = run_json(folder, "small.yaml")
    assert result["number"] == 1
    assert steps(result)["clean"]["facts"] == done.steps["clean"]["facts"]
    assert verdicts(folder / "runs/small/0001") == verdicts(done.run)


def test_a_killed_search_goes_on(done: SimpleNamespace, images: Path, tmp_path: Path) -> None:
    """Killed while its workers take the moments, with some of them in the store."""
    folder = linked(images, tmp_path)
    write_recipe(folder, RECIPE)
    moments = "runs/small/store/measures/proof_moments-1/*.parquet"
    assert kill_when(
        folder, lambda: any(folder.glob(moments)), "run", "small.yaml", "--workers", "2", mark="theta"
    )
    result = run_json(folder, "small.yaml")
    assert result["number"] == 1
    assert steps(result)["clean"]["facts"]["theta"] == done.steps["clean"]["facts"]["theta"]


def test_a_column_that_does_not_matter_keeps_the_loosest_threshold(images: Path, tmp_path: Path) -> None:
    folder = linked(images, tmp_path)
    write_recipe(folder, OTHER)
    step = steps(run_json(folder, "small.yaml"))["bright"]
    found = step["facts"]["theta"]
    assert (found["theta"], found["verdict"]) == (0, "no difference shown")
    assert step["out"] == GOOD
    assert step["notes"][0].startswith(
        "no difference shown: theta 0 is kept, it keeps the most images (the best other candidate, theta "
    )
    assert step["label"] == "mean_luma > 0 (the loosest theta: no difference shown)"
    assert any(note.startswith("scored on 10 photos that pass theta ") for note in step["notes"])


def test_rows_that_if_leaves_out_pass_and_are_not_compared(images: Path, tmp_path: Path) -> None:
    folder = linked(images, tmp_path)
    text = RECIPE.replace("    name: clean", "    name: clean\n    if: uri >= '020'")
    write_recipe(folder, text)
    step = steps(run_json(folder, "small.yaml"))["clean"]
    assert step["facts"]["theta"]["points"][0]["kept"] == GOOD + BAD - 20
    assert step["facts"]["theta"]["theta"] == 50
    assert step["out"] == GOOD + 20


def test_too_few_images_keep_the_loosest_and_say_so(images: Path, tmp_path: Path) -> None:
    folder = linked(images, tmp_path)
    write_recipe(folder, OTHER.replace('glob: "*.png"', "limit: 9"))
    step = steps(run_json(folder, "small.yaml"))["bright"]
    assert step["facts"]["theta"]["verdict"] == "not compared"
    assert step["notes"][0] == (
        "fewer than two candidates can be compared: theta 0 is kept, it keeps the most images"
    )
    assert step["out"] == 9
