"""A finished run gone through again stands at every gate as it stood, and each gate keeps whom it kept."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pyarrow.parquet as pq
import pytest
from flow_tools import make_photos, run_json

from groundglass.audits.gates import freeze, passes, passes_beside, table_of
from groundglass.audits.replay_run import ancestors_before, passing_chains, replay
from groundglass.audits.run_audit import AuditOptions
from groundglass.engines.progress import Silent
from groundglass.plans.run_folder import RunFolder
from groundglass.recipes.load import load_recipe
from groundglass.runs.audit_run import audit_run
from groundglass.runs.make_plan import Plan, make_plan

RECIPE = """
name: small
seed: 3
steps:
  - source: {folder: photos}
    name: photos
  - measure: [header, blockiness, sharpness, fingerprint]
    name: scores
  - select: {where: "blockiness < 30"}
    name: clean
    if: "format = 'JPEG'"
  - select: {deduplicate: near, by: tenengrad}
    name: unique
  - select: {top_k: 12, by: tenengrad, per: format}
    name: best
  - hold_out: {validation: {next: 3, by: tenengrad, pick: 1}}
    name: held
  - transform: {multiscale: [1.0, 0.75]}
    name: scales
  - transform: {tile: 64}
    name: tiles
    if: "width > 100"
  - measure: [sharpness]
    name: tile-scores
  - select:
      intersect:
        - {quantile: 20%, by: tenengrad}
        - {where: "flat_share <= 1 and root.blockiness < 1e6"}
    name: both
  - select: {quota: {photos: 30}, per: source, by: laplacian_variance}
    name: quota
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Plan, RunFolder]:
    folder = tmp_path_factory.mktemp("replay")
    make_photos(folder / "photos")
    text = RECIPE.replace("{folder: photos}", "{folder: %s}" % (folder / "photos"))
    (folder / "small.yaml").write_text(text, encoding="utf-8")
    run_json(folder, "small.yaml")
    return make_plan(load_recipe(folder / "small.yaml")), RunFolder(folder / "runs/small/0001")


def test_every_gate_finds_the_rows_and_keeps_the_rows_that_it_did(run: tuple[Plan, RunFolder]):
    plan, folder = run
    steps = {step["step"]: step for step in json.loads(folder.record.read_text())["steps"]}
    passage = replay(plan, folder)
    assert [planned.step.name for planned in passage.gates] == ["clean", "unique", "best", "both", "quota"]
    for planned in passage.gates:
        gate = freeze(passage, planned)
        table = table_of(gate, passage.before[gate.name], passage.state.tables)
        kept = passes_beside(gate, table) if gate.kind == "copy" else passes(gate, table)
        assert table.num_rows == steps[gate.name]["in"], gate.name
        assert kept.sum() == steps[gate.name]["out"], gate.name
        verdicts = pq.read_table(folder.verdicts(gate.name))
        dropped = set(verdicts["id"].filter(np.invert(verdicts["kept"].to_numpy())).to_pylist())
        assert set(table["id"].filter(~kept).to_pylist()) == dropped, gate.name
    assert passage.last is not None
    assert passage.last.num_rows == steps["quota"]["out"]


def test_what_passed_everything_is_traced_back_to_its_photograph(run: tuple[Plan, RunFolder]):
    passage = replay(*run)
    chains = passing_chains(passage, 5, 1)
    assert chains == passing_chains(passage, 5, 1)
    assert len({chain[-1]["id"] for chain in chains}) == len(chains) == 5
    for chain in chains:
        assert chain[0]["id"] in passage.last["id"].to_pylist()
        assert chain[-1]["id"] == chain[0]["root"]
        assert chain[-1]["region"] == ""
        assert all(below["parent"] == above["id"] for below, above in itertools.pairwise(chain))
    for name in passage.before:
        clean = set(ancestors_before(passage, name)["id"].to_pylist())
        assert {next(r["id"] for r in chain if r["id"] in clean) for chain in chains}


def test_no_clean_version_raises_an_alarm(run: tuple[Plan, RunFolder]):
    card = audit_run(
        *run, AuditOptions(("jpeg", "blur", "near_duplicate"), 6, 2, 2), lambda _: Silent(), keep=False
    )
    assert card.false_alarm == 0
    assert {cell.false_alarm for cell in card.gates} == {0}
    assert {cell.gate for cell in card.gates} == {"clean", "unique", "best", "both", "quota"}
    assert all(advice.now.clean_lost == 0 for advice in card.thresholds)
