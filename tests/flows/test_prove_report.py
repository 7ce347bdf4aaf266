"""A proof is shown wherever a user looks: in the terminal, the funnel, the report and the card of a release."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flow_tools import groundglass, run_json, steps

from groundglass import testing
from groundglass.proofs.preset import PRESETS
from groundglass.proofs.result_folder import read_proofs
from groundglass.proofs.sentences import decibels, gates_in_words, headline

RECIPE = """
name: gated
seed: 1
steps:
  - source: {folder: photos, licence: CC0-1.0}
  - measure: [blockiness]
  - select: {where: "blockiness < 40"}
    name: unblocked-by-jpeg-of-any-kind
  - select: {where: "blockiness < 1e9"}
    name: idle
"""
STEP = """
  - prove: {score_on: scored}
    name: proof
  - release: {format: folder}
"""


@pytest.fixture(scope="module", autouse=True)
def fewer_splits() -> Iterator[None]:
    """Fewer random splits than a user gets: these tests are about words, not verdicts."""
    few = replace(PRESETS["instant"], splits=30, draws=8, resamples=30, alarms=10)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(PRESETS, "instant", few)
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Photos of which two fifths are heavily compressed, images to score on, and a run with a proof."""
    folder = tmp_path_factory.mktemp("prove")
    for name in ("photos", "scored"):
        (folder / name).mkdir()
    for number in range(40):
        pixels = testing.photo(128, 112, number)
        bad = number % 5 < 2
        file = testing.jpeg(pixels, 12) if bad else testing.png(pixels)
        (folder / "photos" / f"{number:02d}.{'jpg' if bad else 'png'}").write_bytes(file)
    for number in range(10):
        (folder / "scored" / f"{number}.png").write_bytes(testing.png(testing.photo(96, 96, 100 + number)))
    (folder / "gated.yaml").write_text(RECIPE)
    (folder / "step.yaml").write_text(RECIPE.replace("gated", "stepped") + STEP)
    return folder


@pytest.fixture(scope="module")
def run(folder: Path) -> dict[str, Any]:
    return run_json(folder, "step.yaml")


def test_the_command_answers_first_and_fits_a_narrow_terminal(folder: Path):
    done = groundglass(folder, "prove", "gated.yaml", "--score-on", "scored", COLUMNS="80")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "gated · preset instant · scored on 10 images of scored"
    found = read_proofs(folder / "runs/gated/0001")["command"]
    assert found is not None
    said = " ".join(done.stdout.split())
    assert f"scored {headline(found)}." in said
    assert "Gates that change nothing: idle." in said
    assert max(map(len, lines)) <= 80
    table = lines[next(place for place, line in enumerate(lines) if line.startswith("  arm")) :][:4]
    assert [line.split()[0] for line in table] == ["arm", "selected", "without", "without"]
    assert len({len(line) - len(line.rpartition("  ")[2]) for line in table}) == 1
    report = next(line.split()[-1] for line in lines if line.strip().startswith("report"))
    assert report.endswith("report/proof.html")
    assert f"<h2>{headline(found)}.</h2>" in (folder / report).read_text(encoding="utf-8")


def test_its_json_names_the_report(folder: Path):
    done = groundglass(folder, "prove", "gated.yaml", "--score-on", "scored", "--arms", "selected", "--json")
    found = json.loads(done.stdout)
    assert (folder / found["report"]).is_file()
    assert found["run"] in found["report"]


def test_folders_get_a_report_too(folder: Path):
    (folder / "others").mkdir()
    for number in range(10):
        file = testing.png(testing.photo(112, 112, 500 + number))
        (folder / "others" / f"other{number}.png").write_bytes(file)
    words = ("--folder", "all=photos", "--folder", "random=others", "--score-on", "scored", "--json")
    done = groundglass(folder, "prove", *words)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    page = (folder / found["report"]).read_text(encoding="utf-8")
    assert "between random and all" in page or "random trains" in page
    assert "as many random images" not in page
    assert groundglass(folder, "report", found["run"]).returncode == 0


def test_the_funnel_has_the_answer(folder: Path, run: dict[str, Any]):
    notes = steps(run)["proof"]["notes"]
    found = read_proofs(folder / "runs/stepped/0001")["proof"]
    assert found is not None
    assert notes == [headline(found), gates_in_words(found).removesuffix(".")]
    assert "as many random images" in notes[0]
    assert notes[1].endswith("Gates that change nothing: idle")
    shown = " ".join(groundglass(folder, "show", "stepped").stdout.split())
    assert f"proof: {notes[0]}" in shown


def test_the_report_of_the_run_has_the_page(folder: Path, run: dict[str, Any]):
    report = folder / "runs/stepped/0001/report"
    assert 'href="proof.html#proof"' in (report / "index.html").read_text(encoding="utf-8")
    page = (report / "proof.html").read_text(encoding="utf-8")
    assert steps(run)["proof"]["notes"][0] in page


def test_the_card_says_it_without_the_path_of_a_folder(folder: Path, run: dict[str, Any]):
    card = (folder / "runs/stepped/0001/release/README.md").read_text(encoding="utf-8")
    _, _, section = card.partition("## Proof\n\n")
    assert section.startswith(steps(run)["proof"]["notes"][0])
    assert "(step proof, preset instant, scored on 10 images of scored)" in section
    effect = decibels(steps(run)["proof"]["facts"]["prove"][0]["effect"])
    assert f"| selected vs random | {effect} |" in section
    assert "blind to upscaling by 4" in section
    assert str(folder) not in card


def test_a_damaged_proof_is_said_and_the_report_is_written(folder: Path, run: dict[str, Any], tmp_path: Path):
    shutil.copytree(folder / "runs", tmp_path / "runs")
    (tmp_path / "runs/stepped/0001/proof/proof/proof.json").write_text('{"arms": ')
    done = groundglass(tmp_path, "report", "stepped")
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "runs/stepped/0001/report/proof.html").read_text(encoding="utf-8")
    assert "proof/proof/proof.json is damaged" in page


def test_a_comparison_that_failed_says_why(folder: Path):
    (folder / "few").mkdir()
    for number in range(6):
        (folder / "few" / f"{number}.png").write_bytes(testing.png(testing.photo(64, 64, number)))
    done = groundglass(
        folder, "prove", "--folder", "all=photos", "--folder", "few=few", "--score-on", "scored"
    )
    assert "The comparison of few with all failed: few has 6 usable images" in done.stdout
