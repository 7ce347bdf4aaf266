"""Gates that look for test images and gates on whole sources are audited; lists are told to have nothing to catch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from flow_tools import groundglass, run_json

from groundglass import testing
from groundglass.similarity.test_images.fingerprints import make_print, to_row, write_prints

LEAKS = """
name: small
seed: 3
steps:
  - source: {folder: photos}
  - select: {decontaminate: [OWN]}
    name: clean-of-tests
  - transform: {tile: 64}
  - select: {keep: names.txt}
    name: listed
"""
SOURCES = """
name: small
seed: 3
steps:
  - source: {folder: photos}
    name: mine
  - measure: [blockiness]
  - select: {source_divergence: {reference: df2k, least: 0.9}}
    name: sources
"""


def audited(folder: Path, recipe: str, *arguments: str) -> dict[str, Any]:
    (folder / "small.yaml").write_text(recipe, encoding="utf-8")
    run_json(folder, "small.yaml", "--workers", "2")
    done = groundglass(folder, "audit", "small", "--json", "--workers", "2", *arguments)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def recall_of(card: dict[str, Any], defect: str) -> dict[str, float]:
    return {cell["severity"]: cell["recall"] for cell in card["gates"] if cell["defect"] == defect}


@pytest.fixture(scope="module")
def leaks(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("leaks")
    (folder / "photos").mkdir()
    for seed in range(7):
        photo = testing.photo(320, 240, seed)
        (folder / f"photos/{seed}.png").write_bytes(testing.png(photo))
    known = make_print(testing.photo(320, 240, 6)[..., 1].copy())
    write_prints([{**to_row(known), "set": "own", "name": "six"}], folder / "own.fingerprints")
    (folder / "names.txt").write_text("\n".join(f"{seed}.png" for seed in range(7)), encoding="utf-8")
    recipe = LEAKS.replace("OWN", str(folder / "own.fingerprints"))
    return folder, audited(folder, recipe, "--defects", "leak,leak_inside,leak_part,jpeg")


def test_every_plain_leak_is_found_and_no_clean_photograph(leaks: tuple[Path, dict[str, Any]]):
    _, card = leaks
    assert card["asked"] == 6  # the seventh is on the recipe's own list
    assert set(recall_of(card, "leak").values()) == {1.0}
    assert recall_of(card, "leak_inside")["1/4 of it"] > 0.5
    assert recall_of(card, "leak_part")["60 %"] > 0.5
    assert {cell["false_alarm"] for cell in card["gates"]} == {0}
    assert all(cell["expected"] and cell["n"] == 6 for cell in card["gates"])
    assert {cell["gate"] for cell in card["gates"]} == {"clean-of-tests"}  # a fault is not put before it


def test_a_list_has_nothing_to_catch_and_that_is_said(leaks: tuple[Path, dict[str, Any]]):
    folder, card = leaks
    assert [name for name, _ in card["closed"]] == ["listed"]
    assert "regardless of their content" in card["closed"][0][1]
    assert "listed is not audited" in (folder / "runs/small/0001/report/audit.html").read_text()


def test_the_halves_change_nothing_of_the_run_and_the_seed_decides(leaks: tuple[Path, dict[str, Any]]):
    folder, card = leaks
    store = sorted(path.name for path in (folder / "runs/small/store/measures").iterdir())
    assert not any("audit" in name or "known_by" in name for name in store)
    again = groundglass(
        folder, "audit", "small", "--json", "--workers", "1", "--defects", "leak,leak_inside,leak_part,jpeg"
    )
    assert json.loads(again.stdout) == card


def test_without_leaks_among_the_defects_the_gate_says_so(leaks: tuple[Path, dict[str, Any]]):
    folder, _ = leaks
    done = groundglass(folder, "audit", "small", "--json", "--defects", "blur", "--sample", "2")
    closed = dict(json.loads(done.stdout)["closed"])
    assert "leak, leak_inside, leak_part" in closed["clean-of-tests"]


def test_one_photograph_alone_can_be_laid_into_no_other(tmp_path: Path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos/0.png").write_bytes(testing.png(testing.photo(320, 240, 1)))
    recipe = "name: small\nsteps:\n  - source: {folder: photos}\n  - select: {decontaminate: Set5}\n"
    card = audited(tmp_path, recipe, "--defects", "leak,leak_inside")
    assert recall_of(card, "leak")["mirrored"] == 1
    assert recall_of(card, "leak_inside") == {}
    assert any("3 defective versions could not be made" in note for note in card["notes"])


def photos_of_a_source(folder: Path, count: int) -> None:
    folder.mkdir(parents=True)
    for seed in range(count):
        (folder / f"{seed:02d}.png").write_bytes(testing.png(testing.photo(160, 128, seed)))


def test_a_source_that_is_saved_as_jpeg_is_rejected_as_a_whole(tmp_path: Path):
    photos_of_a_source(tmp_path / "photos", 32)
    card = audited(tmp_path, SOURCES)
    recall = recall_of(card, "jpeg_source")
    assert recall["q50"] == 1
    assert list(recall) == ["q50", "q70", "q85", "q95"]
    assert all(cell["n"] == 1 for cell in card["gates"] if cell["defect"] == "jpeg_source")
    reach = next(r for r in card["defects"] if (r["defect"], r["severity"]) == ("jpeg_source", "q50"))
    assert (reach["n"], reach["best"]) == (1, "sources")
    assert card["closed"] == []


def test_a_source_of_few_photographs_cannot_be_judged_and_that_is_said(tmp_path: Path):
    photos_of_a_source(tmp_path / "photos", 4)
    card = audited(tmp_path, SOURCES)
    assert recall_of(card, "jpeg_source") == {}
    assert card["closed"] == [
        ["sources", "no source has the 30 passing photos that are needed to judge a whole source"]
    ]


def test_inside_an_intersection_only_what_judges_single_pictures_is_audited(tmp_path: Path):
    photos_of_a_source(tmp_path / "photos", 3)
    (tmp_path / "names.txt").write_text("00.png\n01.png\n02.png\n", encoding="utf-8")
    both = """
name: small
steps:
  - source: {folder: photos}
  - measure: [blockiness]
  - select: {intersect: [{where: "blockiness < 30"}, {keep: names.txt}]}
    name: both
  - select: {intersect: [{deduplicate: exact}, {keep: names.txt}]}
    name: neither
"""
    card = audited(tmp_path, both, "--defects", "jpeg")
    assert recall_of(card, "jpeg")["q30"] == 1
    assert "of both, keep is not audited" in card["notes"]
    assert [name for name, _ in card["closed"]] == ["neither"]
