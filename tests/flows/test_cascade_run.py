"""A cascade in a run: who is measured, who is dropped unseen, and that nothing but the recipe decides it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from flow_tools import groundglass, kill_at, run_json, steps, store_rows, write_recipe

from groundglass import testing
from groundglass.measures.measure_job import ask_of, find
from groundglass.steps.select.cascade import Bench

COUNT = 480
COMPLEXITY = ask_of(find("complexity"), {}).key
RECIPE = """
name: small
seed: 3
steps:
  - source: {folder: photos, licence: CC0-1.0}
    name: photos
  - measure: [exposure]
    name: cheap
  - select: {where: "entropy > 7", cascade: {by: contrast, recall: 0.9, budget: 0.9}}
    name: rich
  - select: {top_k: 20, by: entropy}
    name: best
"""
EXACT = """
name: exact
steps:
  - source: {folder: photos, licence: CC0-1.0}
    name: photos
  - measure: [exposure, complexity]
  - select: {where: "entropy > 7"}
    name: rich
"""


def make_grain(folder: Path, count: int, start: int = 0) -> None:
    """Grain of many strengths: contrast and entropy both rise with it, but not in step. One file is damaged."""
    folder.mkdir(parents=True, exist_ok=True)
    for seed in range(start, start + count):
        stream = np.random.default_rng(seed)
        grain = stream.normal(0, stream.uniform(2, 50), (40, 40, 1)) + stream.normal(0, 6, (40, 40, 3))
        ramp = np.linspace(-1, 1, 40)[None, :, None] * stream.uniform(0, 25)
        picture = (128 + grain + ramp).clip(0, 255).astype(np.uint8)
        (folder / f"{seed:03d}.png").write_bytes(testing.png(picture))
    damaged = folder / f"{start:03d}.png"
    damaged.write_bytes(damaged.read_bytes()[:2000])


def verdicts(run: Path) -> dict[str, dict[str, Any]]:
    return {row["id"]: row for row in pq.read_table(run / "selections" / "rich.parquet").to_pylist()}


def measured(run: Path) -> list[tuple[str, str]]:
    return store_rows(run)[COMPLEXITY]


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """One run with the cascade and one that measures everything."""
    folder = tmp_path_factory.mktemp("cascade")
    make_grain(folder / "photos", COUNT)
    write_recipe(folder, RECIPE)
    (folder / "exact.yaml").write_text(EXACT)
    planned = groundglass(folder, "plan", "small.yaml")
    result = run_json(folder, "small.yaml", "--workers", "2")
    run_json(folder, "exact.yaml", "--workers", "2")
    return SimpleNamespace(
        folder=folder,
        run=folder / "runs/small/0001",
        exact=folder / "runs/exact/0001",
        step=steps(result)["rich"],
        facts=steps(result)["rich"]["facts"]["cascade"],
        planned=planned,
    )


def test_the_costly_measure_is_taken_of_the_doubt_alone(done: SimpleNamespace) -> None:
    facts = done.facts
    assert facts["unseen"] > 60
    assert facts["measured"] + facts["unseen"] == facts["rows"] == COUNT - 1
    assert facts["measured"] <= 0.9 * facts["rows"]
    assert len(measured(done.run)) == facts["measured"]


def test_measured_rows_are_judged_exactly_and_the_others_by_the_limit(done: SimpleNamespace) -> None:
    ours, exact = verdicts(done.run), verdicts(done.exact)
    unseen = {key for key, row in ours.items() if row["reason"] and row["reason"].startswith("contrast ")}
    assert len(unseen) == done.facts["unseen"]
    assert {key: row for key, row in ours.items() if key not in unseen} == {
        key: row for key, row in exact.items() if key not in unseen
    }
    for key in unseen:
        assert re.fullmatch(
            r"contrast [\d.]+, below [\d.]+: P\(entropy > 7\) at most [\d.]+ %", ours[key]["reason"]
        )
        assert ours[key]["margin"] < 0
        assert not ours[key]["failed"]


def test_the_recall_that_was_wished_for_is_had(done: SimpleNamespace) -> None:
    kept = [sum(row["kept"] for row in verdicts(run).values()) for run in (done.run, done.exact)]
    assert kept[0] / kept[1] >= 0.9
    assert done.facts["recall_low"] >= 0.9
    assert kept[0] / kept[1] >= done.facts["recall_low"]


def test_every_kept_row_has_its_value_for_later_steps(done: SimpleNamespace) -> None:
    best = pq.read_table(done.run / "selections" / "best.parquet")
    assert best["margin"].null_count == 0
    assert sum(best["kept"].to_pylist()) == 20


def test_plan_funnel_lock_and_why_know_it(done: SimpleNamespace) -> None:
    assert re.search(r"rich +entropy > 7, cascade by contrast.* ≤ 480 +432", done.planned.stdout)
    assert "at most 90 % of the rows" in done.planned.stdout
    shown = groundglass(done.folder, "show", "small").stdout
    assert re.search(
        r"rich: complexity of \d+ of 479 rows \(\d+%\), including a sample of \d+; \d+ dropped", shown
    )
    lock = json.loads((done.run / "recipe.lock").read_text())
    assert lock["cascades"]["rich"] == done.facts
    assert lock["measures"]["rich"] == [COMPLEXITY]
    image = next(key for key, row in verdicts(done.run).items() if "P(" in (row["reason"] or ""))
    told = groundglass(done.folder, "why", "small", image).stdout
    assert "P(entropy > 7) at most" in told
    assert "margin -" in told
    page = (done.run / "report" / "index.html").read_text()
    assert "entropy &gt; 7, cascade by contrast" in page
    assert "dropped unseen" in page


def test_a_second_run_measures_nothing_new_and_its_plan_is_exact(done: SimpleNamespace) -> None:
    before = measured(done.run)
    planned = groundglass(done.folder, "plan", "small.yaml").stdout
    assert re.search(r"rich +entropy > 7, cascade by contrast +479 +0\b", planned)
    again = run_json(done.folder, "small.yaml", "--workers", "2")
    assert steps(again)["rich"]["facts"]["cascade"] == done.facts
    assert measured(done.run) == before
    second = done.folder / "runs/small" / f"{again['number']:04d}"
    assert verdicts(second) == verdicts(done.run)
    assert (second / "recipe.lock").read_text() == (done.run / "recipe.lock").read_text()


def test_another_threshold_measures_only_the_doubt_that_is_new(done: SimpleNamespace, tmp_path: Path) -> None:
    (tmp_path / "photos").symlink_to(done.folder / "photos")
    write_recipe(tmp_path, RECIPE)
    run_json(tmp_path, "small.yaml", "--workers", "2")
    first = measured(tmp_path / "runs/small/0001")
    changed = run_json(
        tmp_path, "small.yaml", "--set", "steps.rich.select.where=entropy > 7.2", "--workers", "2"
    )
    facts = steps(changed)["rich"]["facts"]["cascade"]
    second = measured(tmp_path / "runs/small/0002")
    assert set(first) <= set(second)
    assert len(second) - len(first) < facts["measured"] - facts["sampled"]


def test_killed_and_started_again_it_ends_the_same(done: SimpleNamespace, tmp_path: Path) -> None:
    (tmp_path / "photos").symlink_to(done.folder / "photos")
    write_recipe(tmp_path, RECIPE)
    again = ("run", "small.yaml", "--workers", "2")
    killed = [kill_at(tmp_path, files, *again, mark=f"{tmp_path.name}-{files}") for files in (8, 20, 35)]
    assert any(killed)
    run_json(tmp_path, "small.yaml", "--workers", "2")
    run = tmp_path / "runs/small/0001"
    assert verdicts(run) == verdicts(done.run)
    assert measured(run) == measured(done.run)
    assert (run / "recipe.lock").read_text() == (done.run / "recipe.lock").read_text()


def test_where_recall_and_budget_cannot_both_be_had_the_run_says_what_would_do(
    done: SimpleNamespace, tmp_path: Path
) -> None:
    (tmp_path / "photos").symlink_to(done.folder / "photos")
    write_recipe(tmp_path, RECIPE)
    tight = "steps.rich.select.cascade.budget=0.55"
    stopped = groundglass(tmp_path, "run", "small.yaml", "--set", tight, "--workers", "2")
    assert stopped.returncode == 2
    said = re.search(
        r"rich: a recall of 0.9 takes complexity of (\d+) of 479 rows, and the budget is 263\D",
        stopped.stderr,
    )
    assert said, stopped.stderr
    enough = re.search(r"about budget: ([\d.]+) would be enough, or about recall: ([\d.]+)", stopped.stderr)
    assert enough, stopped.stderr
    assert groundglass(tmp_path, "plan", "small.yaml", "--set", tight).returncode == 2, "known by now"
    again = run_json(
        tmp_path, "small.yaml", "--set", f"steps.rich.select.cascade.budget={enough[1]}", "--workers", "2"
    )
    assert steps(again)["rich"]["facts"]["cascade"]["recall_low"] >= 0.9


def test_a_pool_too_small_for_its_budget_is_told_before_anything_is_measured(
    done: SimpleNamespace, tmp_path: Path
) -> None:
    (tmp_path / "photos").symlink_to(done.folder / "photos")
    write_recipe(tmp_path, RECIPE)
    tight = "steps.rich.select.cascade.budget=0.05"
    for command in ("plan", "run"):
        stopped = groundglass(tmp_path, command, "small.yaml", "--set", tight)
        assert stopped.returncode == 2
        assert re.search(
            r"rich: a budget of 2[34] of 4[78]\d rows cannot show a recall of 0.9", stopped.stderr
        )
    assert not (tmp_path / "runs/small/store/measures" / COMPLEXITY).exists()


def test_rows_that_if_leaves_out_pass_and_a_tiny_pool_is_measured_whole(
    done: SimpleNamespace, tmp_path: Path
) -> None:
    (tmp_path / "photos").symlink_to(done.folder / "photos")
    few = RECIPE.replace(", budget: 0.9", "").replace("    name: rich", "    name: rich\n    if: uri < '020'")
    write_recipe(tmp_path, few)
    result = run_json(tmp_path, "small.yaml", "--workers", "2")
    facts = steps(result)["rich"]["facts"]["cascade"]
    assert (facts["rows"], facts["measured"], facts["sampled"], facts["low"]) == (19, 19, 0, None)
    assert steps(result)["rich"]["notes"] == [
        "complexity of all 19 rows: a pool this small cannot show a recall of 0.9"
    ]
    assert len(measured(tmp_path / "runs/small/0001")) == 19


def test_the_cheap_column_may_be_made_elsewhere_and_lack_rows(done: SimpleNamespace, tmp_path: Path) -> None:
    (tmp_path / "photos").symlink_to(done.folder / "photos")
    strengths = {f"{seed:03d}.png": np.random.default_rng(seed).uniform(2, 50) for seed in range(400)}
    lines = "".join(f"{uri},{-strength}\n" for uri, strength in strengths.items())
    (tmp_path / "scores.csv").write_text("uri,strength\n" + lines)
    write_recipe(
        tmp_path,
        RECIPE.replace("[exposure]", "[{table: scores.csv}]").replace("by: contrast", "by: strength"),
    )
    facts = steps(run_json(tmp_path, "small.yaml", "--workers", "2"))["rich"]["facts"]["cascade"]
    assert facts["order"] == "lower"
    assert facts["unseen"] > 60
    run = tmp_path / "runs/small/0001"
    uris = pq.read_table(run / "images/photos/part-0.parquet", columns=["id", "uri"]).to_pylist()
    scored = {row["id"] for row in uris if row["uri"] in strengths}
    reasons = {key: row["reason"] for key, row in verdicts(run).items()}
    unseen = {key for key, reason in reasons.items() if reason and reason.startswith("strength -")}
    assert len(unseen) == facts["unseen"]
    assert unseen <= scored
    assert len(set(reasons) - scored) == 80


def bench(ids: list[str], seed: int = 3, step: str = "rich") -> Any:
    planned = SimpleNamespace(step=SimpleNamespace(name=step))
    rows = pa.table({"id": pa.array(ids, pa.string())})
    return Bench(SimpleNamespace(run=SimpleNamespace(seed=seed)), planned, rows, lambda _rows: rows, "", None)  # type: ignore[arg-type]


def drawn(ids: list[str], **settings: Any) -> list[str]:
    return [ids[place] for place in bench(ids, **settings).lot]


def test_the_order_of_drawing_hangs_on_seed_step_and_ids_alone() -> None:
    ids = [f"{number:05x}" for number in range(2000)]
    order = drawn(ids)
    assert sorted(order) == ids
    assert drawn(ids[::-1]) == order
    assert drawn(ids, seed=4) != order
    assert drawn(ids, step="other") != order
    grown = drawn([*ids, "new1", "new2"])
    assert [one for one in grown if one in set(ids)] == order
    assert abs(np.corrcoef(np.arange(2000), [int(one, 16) for one in order])[0, 1]) < 0.1
