"""An audit finds what gates see and what they do not, and leaves everything as it was."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from flow_tools import fingerprint_of, groundglass, run_json

from groundglass import testing

RECIPE = """
name: small
seed: 3
steps:
  - source: {folder: photos, licence: CC0-1.0}
    name: photos
  - measure: [header, blockiness, sharpness, fingerprint]
    name: scores
  - select: {where: "blockiness < 30"}
    name: unblocked
  - select: {where: "blockiness < 1e9"}
    name: idle
  - select: {deduplicate: near, by: tenengrad}
    name: unique
  - select: {quantile: 20%, by: laplacian_variance}
    name: sharp
  - transform: {tile: 64}
    name: tiles
  - measure: [sharpness]
    name: tile-scores
  - select: {where: "flat_share < 0.9 and root.blockiness < 30"}
    name: detailed
  - release: {format: folder}
"""
FEW = ("--defects", "jpeg,jpeg_cropped,blur,noise,exact_duplicate,mirrored_duplicate", "--workers", "2")


def make_photos(folder: Path, count: int = 10) -> None:
    folder.mkdir(parents=True)
    for seed in range(count):
        (folder / f"{seed:02d}.png").write_bytes(testing.png(testing.photo(144, 136, seed)))
    (folder / "blocky.jpg").write_bytes(testing.jpeg(testing.photo(144, 136, 100), quality=20))


def write(folder: Path, text: str = RECIPE) -> None:
    (folder / "small.yaml").write_text(text, encoding="utf-8")


def audited(folder: Path, *arguments: str) -> dict[str, Any]:
    done = groundglass(folder, "audit", *arguments, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def cell(card: dict[str, Any], gate: str, defect: str, severity: str) -> dict[str, Any]:
    key = (gate, defect, severity)
    return next(c for c in card["gates"] if (c["gate"], c["defect"], c["severity"]) == key)


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("audit")
    make_photos(folder / "photos")
    write(folder)
    run_json(folder, "small.yaml")
    return folder


@pytest.fixture(scope="module")
def before(work: Path) -> dict[str, Any]:
    """Every file as it was before the audit."""
    return fingerprint_of(work)


@pytest.fixture(scope="module")
def card(work: Path, before: dict[str, Any]) -> dict[str, Any]:
    return audited(work, "small", *FEW)


def test_a_blockiness_gate_sees_strong_jpegs_and_not_those_off_their_grid(card: dict[str, Any]):
    assert cell(card, "unblocked", "jpeg", "q30")["recall"] == 1
    assert cell(card, "unblocked", "jpeg_cropped", "q30")["recall"] < 0.5
    assert cell(card, "unblocked", "jpeg", "q95")["recall"] < cell(card, "unblocked", "jpeg", "q30")["recall"]
    assert cell(card, "unblocked", "blur", "4 px")["expected"] is False


def test_a_gate_that_passes_everything_scores_nothing(card: dict[str, Any]):
    cells = [c for c in card["gates"] if c["gate"] == "idle"]
    assert len(cells) == 5 + 4 + 3 + 3
    assert {(c["recall"], c["false_alarm"]) for c in cells} == {(0, 0)}


def test_a_ranked_gate_is_held_to_the_limit_of_its_own_pool(work: Path, card: dict[str, Any]):
    record = json.loads((work / "runs/small/0001/run.json").read_text())
    limit = next(step for step in record["steps"] if step["step"] == "sharp")["thresholds"][0]["limit"]
    advice = next(a for a in card["thresholds"] if a["gate"] == "sharp")
    assert advice["now"]["limit"] == limit
    assert cell(card, "sharp", "blur", "4 px")["recall"] == 1
    assert cell(card, "sharp", "noise", "sd 30")["recall"] == 0


def test_copies_are_put_beside_their_originals(card: dict[str, Any]):
    assert cell(card, "unique", "exact_duplicate", "copy")["recall"] == 1
    assert cell(card, "unique", "mirrored_duplicate", "copy")["recall"] == 1
    asked = {(c["gate"], c["defect"]) for c in card["gates"]}
    assert ("unique", "jpeg") not in asked
    assert ("unblocked", "exact_duplicate") not in asked


def test_a_gate_on_tiles_judges_a_tile_of_the_defective_photograph(card: dict[str, Any]):
    found = cell(card, "detailed", "jpeg", "q30")
    assert (found["recall"], found["n"]) == (1, card["asked"])  # by root.blockiness
    assert found["suggested"] is None


def test_recall_comes_with_wilsons_interval_and_clean_photographs_pass(card: dict[str, Any]):
    from groundglass.ratings.shares import wilson

    for found in card["gates"]:
        assert found["recall_ci95"] == pytest.approx(wilson(round(found["recall"] * found["n"]), found["n"]))
        assert found["false_alarm"] == 0
    assert card["asked"] == card["passing"] == 8
    assert card["false_alarm"] == 0


def test_a_suggestion_reaches_what_it_says_at_the_cost_it_says(work: Path, card: dict[str, Any]):
    found = next(c for c in card["gates"] if c["gate"] == "unblocked" and c["suggested"])
    assert found["recall"] < 0.95 <= found["suggested"]["recall"]
    changed = f"steps.unblocked.select.where={found['suggested']['where']}"
    steps = {s["step"]: s for s in run_json(work, "small.yaml", "--set", changed)["steps"]}
    clean = card["passing"]  # two of the ten good ones go at another gate
    lost = found["suggested"]["clean_lost"] * clean
    assert 10 - steps["unblocked"]["out"] - 2 <= lost + 1e-9
    assert lost <= 10 - steps["unblocked"]["out"] + 1e-9


def test_the_curve_falls_and_the_knee_lies_between_clean_and_blocky(card: dict[str, Any]):
    advice = next(a for a in card["thresholds"] if a["gate"] == "unblocked")
    assert "jpeg" in advice["defects"]
    kept = [point["kept"] for point in advice["curve"]]
    recall = [point["recall"] for point in advice["curve"]]
    assert kept == sorted(kept, reverse=True)
    assert recall == sorted(recall)
    assert (
        advice["knee"]["recall"] - advice["knee"]["clean_lost"]
        >= advice["now"]["recall"] - advice["now"]["clean_lost"] - 0.01
    )
    assert next(a for a in card["thresholds"] if a["gate"] == "idle")["now"]["kept"] == 1


def test_only_the_runs_own_folder_is_written_and_only_the_audit_and_the_report(
    work: Path, before: dict[str, Any], card: dict[str, Any]
):
    after = fingerprint_of(work)
    first = {name: value for name, value in after.items() if "/0002/" not in name and "/store/" not in name}
    changed = {
        name
        for name in first.keys() | {n for n in before if "/store/" not in n}
        if first.get(name) != before.get(name)
    }
    allowed = ("runs/small/0001/audit/", "runs/small/0001/report/", "runs/small/0001/events.jsonl")
    assert changed
    assert all(name.startswith(allowed) for name in changed), changed


def test_the_same_seed_gives_the_same_scorecard_whoever_works(work: Path, card: dict[str, Any]):
    again = audited(work, "runs/small/0001", *FEW[:2], "--workers", "1")
    assert again == card
    saved = json.loads((work / "runs/small/0001/audit/scorecard.json").read_text())
    assert {**saved, "report": card["report"]} == card


def test_what_slipped_through_is_kept_and_shown(work: Path, card: dict[str, Any]):
    run = work / "runs/small/0001"
    slipped = pq.read_table(run / "audit/slipped.parquet").to_pylist()
    assert ("noise", "sd 30") in {(row["defect"], row["severity"]) for row in slipped}
    assert ("jpeg", "q30") not in {(row["defect"], row["severity"]) for row in slipped}
    page = (run / "report/audit.html").read_text()
    assert "defective versions slipped through" in page
    assert page.count("<img") == len(slipped)
    for number, row in enumerate(slipped):
        assert (run / f"report/audit-{number:03d}.jpg").read_bytes() == row["picture"]
    assert 'href="audit.html"' in (run / "report/index.html").read_text()
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert len(list((run / "report").glob("audit-*.jpg"))) == len(slipped)


def test_as_text_it_names_defects_gates_and_thresholds(work: Path, card: dict[str, Any]):
    said = groundglass(work, "audit", "runs/small/0001", *FEW).stdout
    assert "unblocked 100 %" in said
    assert "no gate" in said
    assert "false alarms" in said
    assert "blockiness < 30" in said


def test_a_gate_on_the_files_header_shows_as_false_alarms_where_it_drops_whatever_is_saved_anew(
    tmp_path: Path,
):
    folder = tmp_path / "photos"
    folder.mkdir()
    for seed in range(4):
        (folder / f"{seed}.jpg").write_bytes(testing.jpeg(testing.photo(96, 80, seed), quality=95))
    write(
        tmp_path,
        "name: small\nsteps:\n  - source: {folder: photos}\n  - measure: [header]\n"
        "  - select: {where: 'jpeg_quality >= 90'}\n    name: fine\n",
    )
    found = audited(tmp_path, "small.yaml", "--defects", "jpeg,blur")
    assert found["false_alarm"] == 1  # a PNG has no JPEG quality: the recall on it means nothing
    assert cell(found, "fine", "jpeg", "q30")["recall"] == 1
    assert cell(found, "fine", "jpeg", "q95")["recall"] == 0


def test_a_recipe_that_was_never_run_is_audited_without_a_trace(tmp_path: Path):
    make_photos(tmp_path / "photos", 4)
    write(
        tmp_path, RECIPE.replace("release: {format: folder}", "release: {format: folder, licence: CC0-1.0}")
    )
    known = fingerprint_of(tmp_path)
    found = audited(tmp_path, "small.yaml", "--defects", "jpeg")
    assert found["run"] == ""
    assert found["report"] is None
    assert cell(found, "unblocked", "jpeg", "q30")["recall"] == 1
    assert any("run the recipe" in note for note in found["notes"])
    assert fingerprint_of(tmp_path) == known


@pytest.mark.parametrize(
    ("recipe", "arguments", "said"),
    [
        (RECIPE, ["small.yaml", "--defects", "jpg"], "Did you mean 'jpeg'?"),
        (RECIPE, ["nothing"], "there is neither a run nor a recipe 'nothing'"),
        ("name: small\nsteps:\n  - source: {folder: photos}\n", ["small.yaml"], "has no gates"),
        (
            RECIPE.replace("blockiness < 30", "blockiness > 2000"),
            ["small.yaml"],
            "no photo passed all gates",
        ),
    ],
)
def test_what_cannot_be_audited_says_so(tmp_path: Path, recipe: str, arguments: list[str], said: str):
    make_photos(tmp_path / "photos", 2)
    write(tmp_path, recipe)
    done = groundglass(tmp_path, "audit", *arguments)
    assert done.returncode == 2, done.stderr
    assert said in done.stderr


def test_a_run_that_has_not_ended_is_not_audited(tmp_path: Path, work: Path):
    shutil.copytree(work / "runs/small/0001", tmp_path / "runs/small/0001")
    path = tmp_path / "runs/small/0001/run.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"state": "interrupted"}))
    make_photos(tmp_path / "photos", 2)
    done = groundglass(tmp_path, "audit", "small")
    assert done.returncode == 2
    assert "is not finished" in done.stderr


def test_a_recipe_with_a_finished_run_of_the_same_is_audited_on_it_with_what_was_asked_for(work: Path):
    found = audited(work, "small.yaml", "--sample", "3", "--seed", "11", "--defects", "noise")
    assert found["run"] == "runs/small/0001"
    assert (found["asked"], found["seed"]) == (3, 11)
    assert {c["defect"] for c in found["gates"]} == {"noise"}
    pictures = list((work / "runs/small/0001/report").glob("audit-*.jpg"))
    assert len(pictures) == found["slipped"] == 9  # those of the audit before are gone
