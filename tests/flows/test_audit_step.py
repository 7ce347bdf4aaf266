"""The audit step of a recipe: the gates so far are audited in the run, once, and nothing is dropped."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from flow_tools import groundglass, run_json, steps

from groundglass import testing

RECIPE = """
name: small
seed: 3
steps:
  - source: {folder: photos, licence: CC0-1.0}
  - measure: [blockiness]
  - select: {where: "blockiness < 30"}
    name: unblocked
  - audit: {defects: [jpeg, noise], sample: 3}
    name: checked
  - select: {top_k: 4, by: blockiness}
    name: later
  - release: {format: folder}
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("step")
    (folder / "photos").mkdir()
    for seed in range(5):
        (folder / f"photos/{seed}.png").write_bytes(testing.png(testing.photo(144, 136, seed)))
    (folder / "small.yaml").write_text(RECIPE, encoding="utf-8")
    return folder, run_json(folder, "small.yaml", "--workers", "2")


def test_the_gates_so_far_are_audited_and_no_row_leaves(run: tuple[Path, dict[str, Any]]):
    folder, result = run
    step = steps(result)["checked"]
    assert step["in"] == step["out"] == 5
    assert step["facts"]["audit"]["asked"] == 3
    card = json.loads((folder / "runs/small/0001/audits/checked/scorecard.json").read_text())
    assert {cell["gate"] for cell in card["gates"]} == {"unblocked"}
    caught = {(c["defect"], c["severity"]): c["recall"] for c in card["gates"]}
    assert caught["jpeg", "q30"] == 1
    assert caught["noise", "sd 30"] == 0


def test_the_report_shows_it(run: tuple[Path, dict[str, Any]]):
    folder, _ = run
    assert 'href="audit.html"' in (folder / "runs/small/0001/report/index.html").read_text()
    assert "unblocked" in (folder / "runs/small/0001/report/audit.html").read_text()


def test_the_card_of_the_release_tells_it(run: tuple[Path, dict[str, Any]]):
    folder, result = run
    card = (folder / "runs/small/0001/release/README.md").read_text(encoding="utf-8")
    found = steps(result)["checked"]["facts"]["audit"]["defects"]
    assert "## Audit of the gates\n\nStep checked put known faults into 3 of the photos" in card
    for fault in found:
        low, high = fault["recall_ci95"]
        assert f"| {fault['what']} | {fault['recall']:.0%} | {low:.0%}".replace("%", " %")[:-2] in card
        assert f"–{100 * high:.0f} % |" in card


def test_a_run_that_goes_on_reads_what_was_found_and_the_seed_decides_it(run: tuple[Path, dict[str, Any]]):
    folder, first = run
    record = folder / "runs/small/0001/run.json"
    card = folder / "runs/small/0001/audits/checked/scorecard.json"
    before = card.stat().st_mtime_ns, card.read_text()
    record.write_text(json.dumps(json.loads(record.read_text()) | {"state": "interrupted"}))
    again = run_json(folder, "small.yaml", "--workers", "1")
    assert again["number"] == 1
    assert (card.stat().st_mtime_ns, card.read_text()) == before
    assert steps(again)["checked"]["facts"] == steps(first)["checked"]["facts"]
    card.unlink()
    record.write_text(json.dumps(json.loads(record.read_text()) | {"state": "interrupted"}))
    run_json(folder, "small.yaml", "--workers", "1")
    assert card.read_text() == before[1]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("[jpeg, noise]", "[jpeg, nois]", "did you mean `noise`"),
        (
            '  - select: {where: "blockiness < 30"}\n    name: unblocked\n',
            "",
            "there is no gate before this audit",
        ),
        ("    name: checked", "    name: checked\n    if: width > 3", "an audit takes no `if`"),
        ("sample: 3", "sample: 0", "`sample`"),
    ],
)
def test_a_wrong_step_stops_in_plan(run: tuple[Path, dict[str, Any]], old: str, new: str, said: str):
    folder, _ = run
    (folder / "wrong.yaml").write_text(RECIPE.replace(old, new), encoding="utf-8")
    done = groundglass(folder, "plan", "wrong.yaml")
    assert done.returncode == 2
    assert said in done.stderr
